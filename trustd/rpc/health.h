// grpc.health.v1.Health: whether a new client is served now.
//
// Gives the same answer for the server as a whole (an empty name) and for each
// of its services; NOT_FOUND for others. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_RPC_HEALTH_H_
#define ANCHORAGE_TRUSTD_RPC_HEALTH_H_

#include <functional>
#include <string>
#include <vector>

#include "proto/grpc/health/v1/health.pb.h"
#include "trustd/rpc/call_gate.h"
#include "trustd/rpc/watches.h"

namespace anchorage::trustd {

class HealthService {
 public:
  using Status = ::grpc::health::v1::HealthCheckResponse::ServingStatus;

  // The most watchers.
  static constexpr int kMaxWatchers = 64;

  HealthService(std::function<bool()> serves, AddressList proxies);

  // Adds its methods to `gate`. Every other service of the gate must have been
  // added before.
  void AddTo(CallGate& gate);

  // Asks again, and tells whoever watches of a change.
  void Refresh() { watches_.Continue(); }

  // As Watches::Shutdown().
  void Shutdown() { watches_.Shutdown(); }

 private:
  class Watch;

  bool IsKnown(const std::string& service) const;
  Status Current() const;

  const std::function<bool()> serves_;
  std::vector<std::string> services_;
  Watches watches_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RPC_HEALTH_H_
