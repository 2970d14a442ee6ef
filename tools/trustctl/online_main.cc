// trustctl-online: all of trustctl, with gRPC. trustctl runs it for whatever
// asks a trustd.

#include "client/grpc_transport.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/program.h"

int main(int argc, char** argv) {
  using namespace anchorage::trustctl;
  UseTransport(&anchorage::client::OpenAnyTransport);
  return RunProgram(argc, argv, kNouns<true>, nullptr);
}
