// ImageService over gRPC: takes manifests from producers, and serves them with
// what the published index says of each.
//
// It signs nothing and lists nothing: what it took is unlisted until people
// publish an index that has it.

#ifndef ANCHORAGE_TRUSTD_IMAGES_IMAGE_SERVICE_H_
#define ANCHORAGE_TRUSTD_IMAGES_IMAGE_SERVICE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "anchors/base/steady_clock.h"
#include "anchors/images/image_index.h"
#include "proto/anchorage/v1/image_service.pb.h"
#include "trustd/admin/access.h"
#include "trustd/admin/rate_limit.h"
#include "trustd/images/image_store.h"
#include "trustd/mirror/mirror.h"
#include "trustd/publish/publication.h"
#include "trustd/rpc/call_gate.h"

namespace anchorage::trustd {

// The longest submission, compressed: a connection may send little more.
inline constexpr std::size_t kMaxSubmittedBytes = 24 * 1024 * 1024;
// How many producers may be sending at a time, and for how long each: what has
// come of a submission is in memory.
inline constexpr std::size_t kMaxSubmissions = 4;
inline constexpr absl::Duration kMaxSubmissionTime = absl::Minutes(10);

// Keeps the promises of image_service.proto. Thread-safe.
class ImageServiceImpl final {
 public:
  struct Options {
    std::function<absl::Time()> clock;
    anchors::SteadyClock uptime = &anchors::SteadyNow;
    // How often each name may submit.
    RateLimit::Options submissions = {.burst = 20, .refill = absl::Seconds(30)};
  };

  // All must outlive the service.
  ImageServiceImpl(Options options, ImageStore& images, Mirror& mirror,
                   PublicationHub& hub);

  // Adds what needs no credentials to `gate`, which the service must outlive.
  void AddReading(CallGate& gate);
  // Adds what producers do; `access` must outlive the service.
  void AddSubmitting(const Access& access, CallGate& gate);

 private:
  class Submission;
  // What is served at one moment, in the order in which it is listed.
  struct Listing {
    std::shared_ptr<const Publication> publication;
    std::uint64_t generation = 0;
    std::vector<v1::ServedImage> images;
  };

  grpc::Status BeginSubmission(const Access& access, const CallGate& gate,
                               const Caller& caller,
                               std::unique_ptr<ServerUpload>& upload);
  grpc::Status Submit(const Access& access, const std::string& by,
                      const std::string& certificate_sha256,
                      const std::string& packed,
                      v1::SubmitManifestResponse& response);
  grpc::Status GetManifest(const v1::GetManifestRequest& request,
                           v1::GetManifestResponse& response) const;
  grpc::Status ListImages(const v1::ListImagesRequest& request,
                          v1::ListImagesResponse& response);
  grpc::Status FindImage(const v1::FindImageRequest& request,
                         v1::FindImageResponse& response) const;
  // With what the published index says of it.
  v1::ServedImage Describe(const anchors::Image& image,
                           const Publication* publication) const;
  std::shared_ptr<const Listing> CurrentListing();
  void EndSubmission(const std::string& by);

  const Options options_;
  ImageStore& images_;
  Mirror& mirror_;
  PublicationHub& hub_;
  RateLimit limit_;
  // Held while a manifest is verified and kept, before the mirror's: one at a
  // time, because each takes much memory.
  absl::Mutex work_mutex_;
  absl::Mutex mutex_;
  // Who is sending.
  std::set<std::string> submitting_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const Listing> listing_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_IMAGES_IMAGE_SERVICE_H_
