#include "trustd/admin/caller.h"

#include <grpc/grpc_security_constants.h>
#include <spdlog/spdlog.h>

#include "trustd/base/store.h"
#include "trustd/rpc/rpc_status.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"
#include "verify/printable.h"
#include "verify/reason.h"

namespace anchorage::trustd {

std::string NameOf(const grpc::ServerContextBase& context) {
  const auto auth = context.auth_context();
  if (auth == nullptr) return "";
  const auto names = auth->FindPropertyValues(GRPC_X509_CN_PROPERTY_NAME);
  if (names.size() != 1) return "";
  return std::string(names[0].data(), names[0].size());
}

std::string CertificateSha256(const grpc::ServerContextBase& context) {
  const auto auth = context.auth_context();
  if (auth == nullptr) return "";
  const auto certificates =
      auth->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (certificates.size() != 1) return "";
  const auto der = verify::DecodePem(
      std::string_view(certificates[0].data(), certificates[0].size()),
      "CERTIFICATE");
  return der.ok() ? verify::Sha256Hex(*der) : "";
}

grpc::Status Admit(const Access& access, const Caller& caller, Action action,
                   std::string& name) {
  grpc::Status status;
  if (!caller.local_user.empty()) {
    name = caller.local_user;
    status = AdmitLocally(action);
  } else {
    const PresentedName who = {NameOf(caller.context),
                               CertificateSha256(caller.context)};
    name = who.name;
    status = access.Admit(who, action);
  }
  if (!status.ok()) {
    spdlog::warn("refused caller '{}': {}", verify::Printable(name),
                 status.error_message());
  }
  return status;
}

grpc::Status ErrorOf(const absl::Status& status, std::string_view not_found,
                     std::string_view failed_precondition) {
  const std::string message(status.message());
  if (const auto reason = verify::ReasonOf(status); reason.has_value()) {
    return RpcError(static_cast<grpc::StatusCode>(status.code()),
                    verify::NameOf(*reason), message);
  }
  if (IsStoreWentBack(status)) {
    return RpcError(grpc::StatusCode::FAILED_PRECONDITION, kStoreWentBack,
                    message);
  }
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return RpcError(grpc::StatusCode::NOT_FOUND, not_found, message);
    case absl::StatusCode::kFailedPrecondition:
      return RpcError(grpc::StatusCode::FAILED_PRECONDITION,
                      failed_precondition, message);
    case absl::StatusCode::kInvalidArgument:
      return RequestError(message);
    case absl::StatusCode::kDataLoss:
      return RpcError(grpc::StatusCode::DATA_LOSS, kLedgerDamaged, message);
    default:
      return RpcError(grpc::StatusCode::UNAVAILABLE, kStoreUnavailable,
                      message);
  }
}

}  // namespace anchorage::trustd
