// grpc.reflection.v1alpha: describes what a port offers, for tools such as
// grpcurl.
//
// gRPC's own reflection holds a thread for as long as a peer keeps its stream
// open; this one is a conversation of the gate, with the gate's limits.

#ifndef ANCHORAGE_TRUSTD_RPC_REFLECTION_H_
#define ANCHORAGE_TRUSTD_RPC_REFLECTION_H_

#include "trustd/rpc/call_gate.h"

namespace anchorage::trustd {

// Adds reflection to `gate`, whose other services must have been added before.
void AddReflection(CallGate& gate);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RPC_REFLECTION_H_
