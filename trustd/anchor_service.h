// AnchorService over gRPC: serves what the hub holds and changes nothing.

#ifndef ANCHORAGE_TRUSTD_ANCHOR_SERVICE_H_
#define ANCHORAGE_TRUSTD_ANCHOR_SERVICE_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "proto/anchorage/v1/anchor_service.grpc.pb.h"
#include "trustd/metrics.h"
#include "trustd/publication.h"

namespace anchorage::trustd {

// The promises are those of anchor_service.proto. Thread-safe.
class AnchorServiceImpl final : public v1::AnchorService::CallbackService {
 public:
  struct Options {
    std::string server_version;
    v1::ServiceMode mode = v1::SERVICE_MODE_ONLINE;
    absl::Duration timestamp_interval;
    int max_watchers = 10'000;
    // Outlives the service; null counts nothing.
    Metrics* metrics = nullptr;
  };

  // `hub` outlives the service.
  AnchorServiceImpl(Options options, PublicationHub& hub);
  ~AnchorServiceImpl() override;

  grpc::ServerUnaryReactor* GetUpdate(
      grpc::CallbackServerContext* context, const v1::GetUpdateRequest* request,
      v1::GetUpdateResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchUpdatesResponse>* WatchUpdates(
      grpc::CallbackServerContext* context,
      const v1::WatchUpdatesRequest* request) override;
  grpc::ServerUnaryReactor* ListAnchors(
      grpc::CallbackServerContext* context,
      const v1::ListAnchorsRequest* request,
      v1::ListAnchorsResponse* response) override;
  grpc::ServerUnaryReactor* GetServiceInfo(
      grpc::CallbackServerContext* context,
      const v1::GetServiceInfoRequest* request,
      v1::GetServiceInfoResponse* response) override;

  // Ends every open stream with SHUTTING_DOWN and refuses new ones; called
  // before the server's own shutdown, which would cut them off without a word.
  void Shutdown();

 private:
  class Watch;

  void Forget(Watch* watch);

  const Options options_;
  PublicationHub& hub_;
  absl::Mutex mutex_;
  absl::flat_hash_set<std::shared_ptr<Watch>> watches_ ABSL_GUARDED_BY(mutex_);
  bool shutting_down_ ABSL_GUARDED_BY(mutex_) = false;
};

// Fills `response` with what `request` lacks of `publication`. Pure.
grpc::Status AnswerUpdate(const Publication& publication,
                          const v1::GetUpdateRequest& request,
                          v1::GetUpdateResponse& response);

// Fills `response` with one page. Pure.
grpc::Status AnswerList(const Publication& publication,
                        const v1::ListAnchorsRequest& request,
                        v1::ListAnchorsResponse& response);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ANCHOR_SERVICE_H_
