// grpc.health.v1.Health: whether a new client is served now.
//
// Gives the same answer for the server as a whole (an empty name) and for each
// of its services; NOT_FOUND for others. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_RPC_HEALTH_H_
#define ANCHORAGE_TRUSTD_RPC_HEALTH_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "proto/grpc/health/v1/health.pb.h"
#include "trustd/rpc/call_gate.h"

namespace anchorage::trustd {

class HealthService {
 public:
  using Status = ::grpc::health::v1::HealthCheckResponse::ServingStatus;

  // The most watchers.
  static constexpr int kMaxWatchers = 64;

  HealthService(std::function<bool()> serves, AddressList proxies);
  ~HealthService();

  // Adds its methods to `gate`. Every other service of the gate must have been
  // added before.
  void AddTo(CallGate& gate);

  // Asks for the status again, and notifies the watchers of a change.
  void Refresh();

  // Ends the streams of all watchers.
  void Shutdown();

 private:
  class Watch;

  bool IsKnown(const std::string& service) const;
  Status Current() const;
  grpc::Status Open(const Caller& caller, const std::string& service,
                    std::shared_ptr<ServerStream>& stream);
  void Forget(Watch* watch);

  const std::function<bool()> serves_;
  std::vector<std::string> services_;
  Admission places_;
  absl::Mutex mutex_;
  absl::flat_hash_set<std::shared_ptr<Watch>> watches_ ABSL_GUARDED_BY(mutex_);
  bool shutting_down_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RPC_HEALTH_H_
