// AnchorService over gRPC: serves what the hub holds and changes nothing.

#ifndef ANCHORAGE_TRUSTD_SERVE_ANCHOR_SERVICE_H_
#define ANCHORAGE_TRUSTD_SERVE_ANCHOR_SERVICE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "proto/anchorage/v1/anchor_service.pb.h"
#include "trustd/publish/publication.h"
#include "trustd/rpc/call_gate.h"
#include "trustd/rpc/watches.h"
#include "trustd/serve/metrics.h"
#include "trustd/serve/prepared_answers.h"

namespace anchorage::trustd {

// Called when a caller says that its timestamp has `version`, which is higher
// than the one served; it may also show that timestamp. Neither is verified.
using NewerTimestampFunction =
    std::function<void(std::uint64_t version, const std::string& timestamp)>;

// Keeps the promises of anchor_service.proto. Thread-safe.
class AnchorServiceImpl final {
 public:
  struct Options {
    std::string server_version;
    v1::ServiceMode mode = v1::SERVICE_MODE_ONLINE;
    absl::Duration timestamp_interval;
    int max_watchers = 10'000;
    AddressList proxies = {};
    // Must outlive the service; null: nothing is counted.
    Metrics* metrics = nullptr;
    // Called for every caller that has a newer timestamp than the one served.
    // May be empty.
    NewerTimestampFunction on_newer = {};
  };

  // `hub` outlives the service.
  AnchorServiceImpl(Options options, PublicationHub& hub);

  // Adds its methods to `gate`, which the service must outlive. The two methods
  // that fleets call return bytes, so that an answer is made once for the whole
  // fleet.
  void AddTo(CallGate& gate);

  // As Watches::Shutdown().
  void Shutdown() { watches_.Shutdown(); }

 private:
  class Watch;

  grpc::Status GetUpdate(const CallGate& gate, const Caller& caller,
                         const grpc::ByteBuffer& request,
                         grpc::ByteBuffer& response);
  grpc::Status GetServiceInfo(v1::GetServiceInfoResponse& response);
  grpc::Status WatchUpdates(const Caller& caller,
                            std::shared_ptr<ServerStream>& stream);
  // What is published now, ready to be sent; null until the first.
  std::shared_ptr<const PreparedAnswers> Answers();

  const Options options_;
  PublicationHub& hub_;
  Watches watches_;
  absl::Mutex answers_mutex_;
  // The answers of the publication that was last asked for.
  std::shared_ptr<const PreparedAnswers> answers_
      ABSL_GUARDED_BY(answers_mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SERVE_ANCHOR_SERVICE_H_
