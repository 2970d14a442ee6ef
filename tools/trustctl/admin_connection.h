// The listener for people of a trustd, as the commands that use it call it.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_ADMIN_CONNECTION_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_ADMIN_CONNECTION_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/anchorage/v1/catalog.pb.h"
#include "tools/trustctl/admin_source.h"
#include "tools/trustctl/connection_cause.h"
#include "tools/trustctl/terminal.h"

namespace anchorage::trustctl {

inline constexpr std::chrono::seconds kAdminCallTimeout{30};

// A way to a trustd, and what it takes to say why there is none. Copies are
// cheap, and are the same way.
class AdminChannel {
 public:
  AdminChannel(std::shared_ptr<grpc::Channel> channel,
               std::shared_ptr<const Endpoint> endpoint)
      : channel_(std::move(channel)), endpoint_(std::move(endpoint)) {}

  // What gRPC takes.
  operator std::shared_ptr<grpc::Channel>() const { return channel_; }
  operator std::shared_ptr<grpc::ChannelInterface>() const { return channel_; }

  const Endpoint& endpoint() const { return *endpoint_; }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::shared_ptr<const Endpoint> endpoint_;
};

// Reads the files. Connects with the first call.
absl::StatusOr<AdminChannel> OpenChannel(const AdminSource& source);

// The failure of a call: text and stable reason for people, and a code with
// the exit code that the manual says. Where nothing answered, connects once
// more to find out why (connection_cause.h).
absl::Status ToStatus(const grpc::Status& status, const AdminChannel& channel);

// Makes one call of a method of `Service`.
template <typename Service, typename Request, typename Response>
absl::StatusOr<Response> CallAdmin(
    const AdminChannel& channel,
    grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                          Response*),
    const Request& request) {
  const auto stub = Service::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kAdminCallTimeout);
  Response response;
  grpc::Status status;
  {
    const Progress progress("asking " + channel.endpoint().address);
    status = (stub.get()->*method)(&context, request, &response);
  }
  if (!status.ok()) return ToStatus(status, channel);
  return response;
}

// As protobuf's JSON has it, with the fields' own names; values of enums are
// without what all of one enum begin with: "RE_KEY".
nlohmann::ordered_json ToJson(const google::protobuf::Message& message);

// What all names of an enum's values begin with, such as "ROTATION_CLASS_".
std::string PrefixOf(const google::protobuf::EnumDescriptor& type);

// The names of an enum's values without it, but for that of 0, as flags take
// them: OneOf(NamesOf(type), PrefixOf(type)).
std::vector<std::string> NamesOf(const google::protobuf::EnumDescriptor& type);

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
