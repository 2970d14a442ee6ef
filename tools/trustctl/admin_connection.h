// The listener for people of a trustd, as the commands that use it call it.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_ADMIN_CONNECTION_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_ADMIN_CONNECTION_H_

#include <google/protobuf/message.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/anchorage/v1/catalog.pb.h"
#include "tools/trustctl/admin_source.h"

namespace anchorage::trustctl {

inline constexpr std::chrono::seconds kAdminCallTimeout{30};

// Reads the files. Connects with the first call.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(
    const AdminSource& source);

// The failure of a call: text and stable reason for people, and a code with
// the exit code that the manual says.
absl::Status ToStatus(const grpc::Status& status);

// Makes one call of a method of `Service`.
template <typename Service, typename Request, typename Response>
absl::StatusOr<Response> CallAdmin(
    const std::shared_ptr<grpc::Channel>& channel,
    grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                          Response*),
    const Request& request) {
  const auto stub = Service::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kAdminCallTimeout);
  Response response;
  const grpc::Status status =
      (stub.get()->*method)(&context, request, &response);
  if (!status.ok()) return ToStatus(status);
  return response;
}

// As protobuf's JSON has it, with the fields' own names.
nlohmann::ordered_json ToJson(const google::protobuf::Message& message);

// The name of an enum's value without what all of them begin with.
std::string WithoutPrefix(std::string_view name, std::string_view prefix);

// A slot by three flags.
struct SlotFlags {
  std::string partition;
  std::string region;
  std::string kind;

  // Adds --partition, --region and --kind.
  void AddTo(CLI::App& command, bool required);

  // ANCHOR_KIND_UNSPECIFIED for no --kind.
  v1::AnchorKind proto_kind() const;
  v1::Slot ToSlot() const;
};

// "aws/us-east-1/iid-rsa2048"; "-" for no slot.
std::string TextOf(const v1::Slot& slot);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_ADMIN_CONNECTION_H_
