#include "trustd/rpc/rpc_status.h"

#include "proto/anchorage/v1/errors.pb.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

constexpr char kErrorInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kDomain[] = "trustd.anchorage";

}  // namespace

grpc::Status RpcError(grpc::StatusCode code, std::string_view reason,
                      const std::string& message,
                      const std::map<std::string, std::string>& metadata) {
  v1::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain(kDomain);
  info.mutable_metadata()->insert(metadata.begin(), metadata.end());
  v1::Status status;
  status.set_code(code);
  const std::string sentence =
      verify::Printable(message, verify::kMaxSentenceBytes);
  status.set_message(sentence);
  auto* detail = status.add_details();
  detail->set_type_url(kErrorInfoUrl);
  detail->set_value(info.SerializeAsString());
  return grpc::Status(code, sentence, status.SerializeAsString());
}

grpc::Status RequestError(const std::string& message) {
  return RpcError(grpc::StatusCode::INVALID_ARGUMENT, kRequestInvalid, message);
}

}  // namespace anchorage::trustd
