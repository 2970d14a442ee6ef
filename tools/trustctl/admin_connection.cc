#include "tools/trustctl/admin_connection.h"

#include <google/protobuf/util/json_util.h>
#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "absl/strings/str_cat.h"
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

absl::StatusOr<AdminChannel> OpenChannel(const AdminSource& source) {
  // What gRPC would log is in the status of the call.
  gpr_set_log_function([](gpr_log_func_args*) {});
  auto endpoint = source.Read();
  if (!endpoint.ok()) return endpoint.status();
  if (absl::Status s = CheckOwnFiles(*endpoint); !s.ok()) return s;
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  anchors::RefuseCompression(arguments);
  const auto credentials =
      endpoint->is_unix_socket()
          ? grpc::InsecureChannelCredentials()
          : grpc::SslCredentials({.pem_root_certs = endpoint->roots_pem,
                                  .pem_private_key = endpoint->key_pem,
                                  .pem_cert_chain = endpoint->certificate_pem});
  auto channel =
      grpc::CreateCustomChannel(endpoint->address, credentials, arguments);
  return AdminChannel(std::move(channel),
                      std::make_shared<const Endpoint>(*std::move(endpoint)));
}

absl::Status ToStatus(const grpc::Status& status, const AdminChannel& channel) {
  const std::string reason = ReasonIn(status);
  std::string text = Printable(status.error_message());
  if (!reason.empty()) {
    // Some texts begin with it.
    if (!text.starts_with(reason + ": ")) {
      absl::StrAppend(&text, " (", Printable(reason), ")");
    }
  } else if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    const absl::Status cause = FindConnectionCause(channel.endpoint());
    if (!cause.ok()) return cause;
  }
  return absl::Status(CodeOf(status.error_code()), text);
}

std::string PrefixOf(const google::protobuf::EnumDescriptor& type) {
  std::string prefix = type.value(0)->name();
  for (int i = 1; i < type.value_count(); ++i) {
    const std::string& name = type.value(i)->name();
    while (!name.starts_with(prefix)) prefix.pop_back();
  }
  // Whole words alone.
  prefix.resize(prefix.rfind('_') + 1);
  return prefix;
}

std::vector<std::string> NamesOf(const google::protobuf::EnumDescriptor& type) {
  const std::string prefix = PrefixOf(type);
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() == 0) continue;
    names.push_back(WithoutPrefix(type.value(i)->name(), prefix));
  }
  return names;
}

namespace {

void ShortenEnums(const google::protobuf::Descriptor& type,
                  nlohmann::ordered_json& message);

void ShortenEnums(const google::protobuf::FieldDescriptor& field,
                  nlohmann::ordered_json& value) {
  if (field.is_map()) {
    for (auto& element : value) {
      ShortenEnums(*field.message_type()->map_value(), element);
    }
  } else if (value.is_array()) {
    for (auto& element : value) ShortenEnums(field, element);
  } else if (field.enum_type() != nullptr && value.is_string()) {
    value =
        WithoutPrefix(value.get<std::string>(), PrefixOf(*field.enum_type()));
  } else if (field.message_type() != nullptr && value.is_object()) {
    ShortenEnums(*field.message_type(), value);
  }
}

void ShortenEnums(const google::protobuf::Descriptor& type,
                  nlohmann::ordered_json& message) {
  for (auto& [name, value] : message.items()) {
    const auto* const field = type.FindFieldByName(name);
    if (field != nullptr) ShortenEnums(*field, value);
  }
}

}  // namespace

nlohmann::ordered_json ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options)
           .ok()) {
    return nullptr;
  }
  auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  ShortenEnums(*message.GetDescriptor(), json);
  return json;
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
