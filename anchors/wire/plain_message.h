// gRPC messages that are read as they came: never decompressed.
//
//   RefuseCompression(arguments);               // of the channel or the server
//   ...
//   v1::GetUpdateResponse answer;
//   absl::Status s = ReadMessage(buffer, context.c_call(), {}, answer);
//
// Two megabytes of a compressed message are two gigabytes of a plain one, and
// nothing of ours is worth compressing. So a peer that names an encoding is
// answered UNIMPLEMENTED by gRPC before it reads the message, and a message
// whose flag says "compressed", whatever encoding it names, is an error.

#ifndef ANCHORAGE_ANCHORS_WIRE_PLAIN_MESSAGE_H_
#define ANCHORAGE_ANCHORS_WIRE_PLAIN_MESSAGE_H_

#include <google/protobuf/message.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/channel_arguments.h>

#include "absl/status/status.h"
#include "anchors/wire/wire_scan.h"

struct grpc_call;

namespace anchorage::anchors {

void RefuseCompression(grpc::ChannelArguments& arguments);
void RefuseCompression(grpc::ServerBuilder& builder);

// Reads the message that `call` received last. Fails with INTERNAL for one that
// is missing or flagged as compressed, and as ParseBounded() does.
absl::Status ReadMessage(const grpc::ByteBuffer& buffer, grpc_call* call,
                         const WireLimits& limits,
                         google::protobuf::Message& message);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_WIRE_PLAIN_MESSAGE_H_
