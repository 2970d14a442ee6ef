#include "trustd/rpc/health.h"

#include <algorithm>
#include <utility>

namespace anchorage::trustd {
namespace {

using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;

}  // namespace

// Has the newest status, and not each of those between.
class HealthService::Watch final : public NewsStream {
 public:
  Watch(const HealthService& health, bool is_known)
      : health_(health), is_known_(is_known) {}

 private:
  grpc::Status Next(const grpc::ByteBuffer*& message) override {
    // The protocol's answer for a name that may yet come.
    const Status newest =
        is_known_ ? health_.Current() : HealthCheckResponse::SERVICE_UNKNOWN;
    if (newest == told_) return grpc::Status::OK;
    told_ = newest;
    HealthCheckResponse response;
    response.set_status(newest);
    message_ = CallGate::ToBuffer(response);
    message = &message_;
    return grpc::Status::OK;
  }

  const HealthService& health_;
  const bool is_known_;
  Status told_ = HealthCheckResponse::UNKNOWN;
  grpc::ByteBuffer message_;
};

HealthService::HealthService(std::function<bool()> serves, AddressList proxies)
    : serves_(std::move(serves)),
      watches_(kMaxWatchers, std::move(proxies),
               "no place for another who watches health: ask") {}

bool HealthService::IsKnown(const std::string& service) const {
  return service.empty() ||
         std::binary_search(services_.begin(), services_.end(), service);
}

HealthService::Status HealthService::Current() const {
  return serves_() ? HealthCheckResponse::SERVING
                   : HealthCheckResponse::NOT_SERVING;
}

void HealthService::AddTo(CallGate& gate) {
  services_ = gate.Services();
  gate.AddUnary<HealthCheckRequest, HealthCheckResponse>(
      "/grpc.health.v1.Health/Check",
      [this](const Caller&, const HealthCheckRequest& request,
             HealthCheckResponse& response) {
        if (!IsKnown(request.service())) {
          return grpc::Status(grpc::StatusCode::NOT_FOUND, "");
        }
        response.set_status(Current());
        return grpc::Status::OK;
      },
      CallGate::Share::kHealth);
  gate.AddStreaming<HealthCheckRequest>(
      "/grpc.health.v1.Health/Watch",
      [this](const Caller& caller, const HealthCheckRequest& request,
             std::shared_ptr<ServerStream>& stream) {
        return watches_.Open(
            caller, std::make_shared<Watch>(*this, IsKnown(request.service())),
            stream);
      },
      CallGate::Share::kHealth);
}

}  // namespace anchorage::trustd
