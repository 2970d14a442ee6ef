#include "client/http_transport.h"

#include <utility>

#include "client/http/http_fetcher.h"

namespace anchorage::client {
namespace {

using anchors::tuf::Fetcher;

// One connection for all refreshes.
class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(std::unique_ptr<HttpFetcher> fetcher)
      : fetcher_(std::move(fetcher)) {}

  std::unique_ptr<Fetcher> Begin(const anchors::BundleVersions&,
                                 std::string held_timestamp,
                                 absl::Duration time) override {
    fetcher_->Begin(std::move(held_timestamp), time);
    return std::make_unique<Borrowed>(*fetcher_);
  }
  absl::Duration retry_after() const override {
    return fetcher_->retry_after();
  }
  void Cancel() override { fetcher_->Cancel(); }

 private:
  class Borrowed final : public Fetcher {
   public:
    explicit Borrowed(HttpFetcher& fetcher) : fetcher_(fetcher) {}
    absl::StatusOr<std::string> FetchMetadata(std::string_view name,
                                              std::size_t max_bytes) override {
      return fetcher_.FetchMetadata(name, max_bytes);
    }
    absl::StatusOr<std::string> FetchTarget(std::string_view name,
                                            std::size_t max_bytes) override {
      return fetcher_.FetchTarget(name, max_bytes);
    }

   private:
    HttpFetcher& fetcher_;
  };

  const std::unique_ptr<HttpFetcher> fetcher_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Transport>> OpenHttpTransport(
    const TrustClientOptions& options) {
  if (!options.server.empty()) {
    return absl::UnimplementedError("this program asks over HTTP only");
  }
  if (options.metadata_url.empty()) return nullptr;
  HttpRepository repository;
  repository.metadata_url = options.metadata_url;
  if (!repository.metadata_url.ends_with('/')) repository.metadata_url += '/';
  repository.targets_url = options.targets_url.empty()
                               ? repository.metadata_url + "targets/"
                               : options.targets_url;
  repository.tls_roots_pem = options.tls_roots_pem;
  repository.timeout = options.rpc_timeout;
  repository.proxy = options.proxy;
  auto fetcher = HttpFetcher::Create(std::move(repository));
  if (!fetcher.ok()) return fetcher.status();
  return std::make_unique<HttpTransport>(*std::move(fetcher));
}

}  // namespace anchorage::client
