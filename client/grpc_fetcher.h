// A trustd as a TUF repository: serves the files of one GetUpdate call under
// their TUF names.

#ifndef ANCHORAGE_CLIENT_GRPC_FETCHER_H_
#define ANCHORAGE_CLIENT_GRPC_FETCHER_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "anchors/bundle.h"
#include "anchors/tuf/fetcher.h"
#include "client/transport.h"
#include "proto/anchorage/v1/anchor_service.pb.h"

namespace anchorage::client {

// How to reach a trustd.
struct GrpcEndpoint {
  // HOST:PORT.
  std::string server;
  bool plaintext = false;
  // PEM certificates that the server's certificate must chain to; empty: the
  // system's roots.
  std::string tls_roots_pem;
  absl::Duration timeout = absl::Seconds(20);
  // As TrustClientOptions::proxy.
  std::optional<std::string> proxy = "";
};

// A connection that is made at its first use and then kept. Whatever a server
// sends costs a bounded amount of memory: nothing is decompressed, a message
// has at most 16 MiB and a limited number of fields, and gRPC has a quota for
// the rest. Thread-safe; no call throws.
class GrpcConnection {
 public:
  explicit GrpcConnection(const GrpcEndpoint& endpoint);

  // Makes one call, in at most `time`. Fails with the server's own code, but never with NOT_FOUND
  // or OUT_OF_RANGE, which mean something else for a Fetcher; with INTERNAL for
  // an answer that is compressed or not a message, and RESOURCE_EXHAUSTED for
  // one that exceeds a limit, or where there is no memory.
  absl::StatusOr<v1::GetUpdateResponse> GetUpdate(
      const v1::GetUpdateRequest& request,
      absl::Duration time = absl::InfiniteDuration());

  // Aborts a call under way and fails every later one.
  void Cancel();

 private:
  absl::StatusOr<v1::GetUpdateResponse> Call(
      const v1::GetUpdateRequest& request, absl::Duration time);

  const absl::Duration timeout_;
  grpc::GenericStub stub_;
  absl::Mutex mutex_;
  grpc::ClientContext* active_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

// Serves one refresh from (usually) one call, which the first fetch makes. A
// file that the server left out, because the caller has it, is NOT_FOUND; the
// updater does not fetch those, except the timestamp, which is then
// `held_timestamp`. Not thread-safe.
class GrpcFetcher final : public anchors::tuf::Fetcher {
 public:
  // `have` is what the caller holds and would verify, its root aside: that is
  // the one before the first that is asked for. `held_timestamp` is the file of
  // have.timestamp. All calls together take at most `time`.
  GrpcFetcher(GrpcConnection& connection, const anchors::BundleVersions& have,
              std::string held_timestamp,
              absl::Duration time = absl::InfiniteDuration());

  absl::StatusOr<std::string> FetchMetadata(std::string_view name,
                                            std::size_t max_bytes) override;
  absl::StatusOr<std::string> FetchTarget(std::string_view name,
                                          std::size_t max_bytes) override;

 private:
  // Asks the server for what is newer than `have_`; with `all`, for everything
  // but roots.
  absl::Status Ask(bool all);
  absl::StatusOr<std::string> Root(std::uint64_t version);
  absl::StatusOr<v1::GetUpdateResponse> Call(
      const v1::GetUpdateRequest& request);
  // Shows the server the timestamp that we hold, if the one it served is older.
  void ShowHeldTimestamp(const std::string& served);
  // Returns `file` of the answer, asking again for everything if it is empty.
  absl::StatusOr<std::string> Part(
      absl::FunctionRef<const std::string&(const v1::GetUpdateResponse&)> file,
      std::string_view name);

  GrpcConnection& connection_;
  anchors::BundleVersions have_;
  const std::string held_timestamp_;
  // By anchors::SteadyNow().
  const absl::Duration end_;
  std::optional<v1::GetUpdateResponse> answer_;
  bool asked_all_ = false;
  // The version of answer_->roots(0).
  std::uint64_t first_root_ = 0;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_GRPC_FETCHER_H_
