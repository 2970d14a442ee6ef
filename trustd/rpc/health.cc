#include "trustd/rpc/health.h"

#include <algorithm>
#include <utility>

#include "trustd/rpc/rpc_status.h"

namespace anchorage::trustd {
namespace {

using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;

}  // namespace

// One watcher: is sent the newest status, not each of those between.
class HealthService::Watch final
    : public ServerStream,
      public std::enable_shared_from_this<HealthService::Watch> {
 public:
  Watch(HealthService& health, bool is_known, Place place)
      : health_(health), is_known_(is_known), place_(std::move(place)) {}

  void OnStart() override { Tell(health_.Current()); }

  void Tell(Status status) {
    const absl::MutexLock lock(&mutex_);
    // The protocol's answer for a name that may still be registered.
    wanted_ = is_known_ ? status : HealthCheckResponse::SERVICE_UNKNOWN;
    WriteIfNew();
  }

  void End(const grpc::Status& status) {
    const absl::MutexLock lock(&mutex_);
    if (!std::exchange(ended_, true)) Finish(status);
  }

  void OnWriteDone(bool ok) override {
    {
      const absl::MutexLock lock(&mutex_);
      writing_ = false;
      if (ok) return WriteIfNew();
    }
    End(grpc::Status::CANCELLED);
  }
  void OnCancel() override { End(grpc::Status::CANCELLED); }
  void OnDone() override { health_.Forget(this); }

 private:
  void WriteIfNew() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (ended_ || writing_ || wanted_ == told_) return;
    HealthCheckResponse response;
    response.set_status(wanted_);
    message_ = CallGate::ToBuffer(response);
    told_ = wanted_;
    writing_ = true;
    StartWrite(&message_);
  }

  HealthService& health_;
  const bool is_known_;
  const Place place_;
  absl::Mutex mutex_;
  Status wanted_ ABSL_GUARDED_BY(mutex_) = HealthCheckResponse::UNKNOWN;
  Status told_ ABSL_GUARDED_BY(mutex_) = HealthCheckResponse::UNKNOWN;
  // gRPC reads it until OnWriteDone().
  grpc::ByteBuffer message_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

HealthService::HealthService(std::function<bool()> serves, AddressList proxies)
    : serves_(std::move(serves)), places_(kMaxWatchers, std::move(proxies)) {}

HealthService::~HealthService() = default;

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
        return Open(caller, request.service(), stream);
      },
      CallGate::Share::kHealth);
}

grpc::Status HealthService::Open(const Caller& caller,
                                 const std::string& service,
                                 std::shared_ptr<ServerStream>& stream) {
  Place place;
  if (places_.Admit(caller.address, place) != Refusal::kNone) {
    return RpcError(grpc::StatusCode::RESOURCE_EXHAUSTED, kTooManyWatchers,
                    "no place for another who watches health: ask");
  }
  auto watch =
      std::make_shared<Watch>(*this, IsKnown(service), std::move(place));
  const absl::MutexLock lock(&mutex_);
  if (shutting_down_) {
    return RpcError(grpc::StatusCode::UNAVAILABLE, kShuttingDown,
                    "the server stops");
  }
  watches_.insert(watch);
  stream = std::move(watch);
  return grpc::Status::OK;
}

void HealthService::Forget(Watch* watch) {
  const std::shared_ptr<Watch> last = watch->shared_from_this();
  const absl::MutexLock lock(&mutex_);
  watches_.erase(last);
}

void HealthService::Refresh() {
  std::vector<std::shared_ptr<Watch>> watches;
  {
    const absl::MutexLock lock(&mutex_);
    watches.assign(watches_.begin(), watches_.end());
  }
  if (watches.empty()) return;
  const Status status = Current();
  for (const auto& watch : watches) watch->Tell(status);
}

void HealthService::Shutdown() {
  std::vector<std::shared_ptr<Watch>> watches;
  {
    const absl::MutexLock lock(&mutex_);
    shutting_down_ = true;
    watches.assign(watches_.begin(), watches_.end());
  }
  for (const auto& watch : watches) {
    watch->End(RpcError(grpc::StatusCode::UNAVAILABLE, kShuttingDown,
                        "the server stops"));
  }
}

}  // namespace anchorage::trustd
