#include "tools/trustctl/admin_connection.h"

#include <google/protobuf/util/json_util.h>
#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "anchors/catalog_proto.h"
#include "anchors/wire/plain_message.h"
#include "proto/anchorage/v1/errors.pb.h"
#include "tools/trustctl/command.h"
#include "verify/anchor_set.h"

namespace anchorage::trustctl {
namespace {

// GetRotation has the largest answers.
constexpr int kMaxAnswerBytes = 16 * 1024 * 1024;

std::string ReasonIn(const grpc::Status& status) {
  v1::Status details;
  v1::ErrorInfo info;
  if (!details.ParseFromString(status.error_details()) ||
      details.details_size() != 1 ||
      !info.ParseFromString(details.details(0).value())) {
    return "";
  }
  return info.reason();
}

absl::StatusCode CodeOf(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return absl::StatusCode::kUnavailable;
    case grpc::StatusCode::ABORTED:
      return absl::StatusCode::kFailedPrecondition;
    // Nothing is wrong with anybody's signature: the name is missing.
    case grpc::StatusCode::UNAUTHENTICATED:
      return absl::StatusCode::kPermissionDenied;
    default:
      return static_cast<absl::StatusCode>(code);
  }
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(
    const AdminSource& source) {
  // What gRPC would log is in the status of the call.
  gpr_set_log_function([](gpr_log_func_args*) {});
  grpc::SslCredentialsOptions options;
  if (!source.tls_roots.empty()) {
    auto roots = ReadInput(source.tls_roots);
    if (!roots.ok()) return roots.status();
    options.pem_root_certs = *std::move(roots);
  }
  auto certificate = ReadInput(source.client_certificate);
  if (!certificate.ok()) return certificate.status();
  auto key = anchors::ReadPrivateFile(source.client_key, kMaxInputBytes);
  if (!key.ok()) return key.status();
  options.pem_cert_chain = *std::move(certificate);
  options.pem_private_key = *std::move(key);
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  anchors::RefuseCompression(arguments);
  return grpc::CreateCustomChannel(source.server, grpc::SslCredentials(options),
                                   arguments);
}

absl::Status ToStatus(const grpc::Status& status) {
  const std::string reason = ReasonIn(status);
  std::string text = Printable(status.error_message());
  if (!reason.empty()) {
    absl::StrAppend(&text, " (", Printable(reason), ")");
  } else if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    // A refused certificate looks like a connection that was closed.
    absl::StrAppend(&text,
                    " (is --server the listener for people, --tls-roots its "
                    "CA, and --client-cert of a CA that it knows?)");
  }
  return absl::Status(CodeOf(status.error_code()), text);
}

nlohmann::ordered_json ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options)
           .ok()) {
    return nullptr;
  }
  return nlohmann::ordered_json::parse(text, nullptr, false);
}

std::string WithoutPrefix(std::string_view name, std::string_view prefix) {
  if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  // A value that is newer than this program has no name.
  return name.empty() ? "UNKNOWN" : std::string(name);
}

void SlotFlags::AddTo(CLI::App& command, bool required) {
  command.add_option("--partition", partition, "the partition, such as aws")
      ->required(required);
  command.add_option("--region", region,
                     "the region, such as eu-west-1; none for nitro-root");
  command.add_option("--kind", kind, "the kind")
      ->required(required)
      ->check(CLI::IsMember(AnchorKindNames()));
}

v1::AnchorKind SlotFlags::proto_kind() const {
  const auto named = verify::AnchorKindNamed(kind);
  return named.has_value() ? anchors::ToProto(*named)
                           : v1::ANCHOR_KIND_UNSPECIFIED;
}

v1::Slot SlotFlags::ToSlot() const {
  v1::Slot slot;
  slot.set_partition(partition);
  slot.set_region(region);
  slot.set_kind(proto_kind());
  return slot;
}

std::string TextOf(const v1::Slot& slot) {
  const auto value = anchors::SlotFromProto(slot);
  return value.has_value() ? Printable(verify::ToString(*value)) : "-";
}

}  // namespace anchorage::trustctl
