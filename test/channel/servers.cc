#include "test/channel/servers.h"

#include <grpcpp/server_builder.h>
#include <httplib.h>

#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "proto/anchorage/v1/anchor_service.grpc.pb.h"

namespace anchorage::test {
namespace {

constexpr std::string_view kMetadata = "/tuf/";
constexpr std::string_view kTargets = "targets/";
constexpr std::size_t kNoLimit = std::size_t{1} << 30;

}  // namespace

std::string CatalogOf(std::uint64_t sequence) {
  auto catalog =
      anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
  catalog->sequence = sequence;
  return anchors::SerializeCatalog(*catalog);
}

std::string CatalogThatRevokes(std::uint64_t sequence) {
  auto catalog = anchors::ParseCatalog(CatalogOf(sequence));
  catalog->anchors.front().status = verify::AnchorStatus::kRevoked;
  return anchors::SerializeCatalog(*catalog);
}

class RepositoryServers::Http {
 public:
  explicit Http(RepositoryServers& servers) {
    server_.Get(std::string(kMetadata) + "(.*)",
                [&servers, this](const httplib::Request& request,
                                 httplib::Response& response) {
                  Answer(servers, request.target.substr(kMetadata.size()),
                         response);
                });
    server_.set_tcp_nodelay(true);
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) absl::SleepFor(absl::Milliseconds(1));
  }
  ~Http() {
    server_.stop();
    thread_.join();
  }

  int port() const { return port_; }

 private:
  void Answer(RepositoryServers& servers, const std::string& name,
              httplib::Response& response) {
    const auto special = servers.over_http.find(name);
    if (special != servers.over_http.end()) return special->second(response);
    // The repository notes what is asked for.
    const std::lock_guard lock(mutex_);
    const auto file = name.starts_with(kTargets)
                          ? servers.repository.FetchTarget(
                                name.substr(kTargets.size()), kNoLimit)
                          : servers.repository.FetchMetadata(name, kNoLimit);
    response.status = file.ok() ? 200 : 404;
    if (file.ok()) response.set_content(*file, "application/json");
  }

  std::mutex mutex_;
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

class RepositoryServers::Grpc final : public v1::AnchorService::Service {
 public:
  explicit Grpc(RepositoryServers& servers) : servers_(servers) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~Grpc() override { server_->Shutdown(); }

  int port() const { return port_; }

  grpc::Status GetUpdate(grpc::ServerContext*,
                         const v1::GetUpdateRequest* request,
                         v1::GetUpdateResponse* response) override {
    const auto& metadata = servers_.repository.metadata;
    for (std::uint64_t version = request->have().root_version() + 1;;
         ++version) {
      const auto root = metadata.find(absl::StrCat(version, ".root.json"));
      if (root == metadata.end()) break;
      response->add_roots(root->second);
    }
    response->set_timestamp(metadata.at("timestamp.json"));
    response->set_snapshot(metadata.at("snapshot.json"));
    response->set_targets(metadata.at("targets.json"));
    const auto catalog = servers_.repository.files.find(
        std::string_view(anchors::kCatalogTargetPath));
    if (catalog != servers_.repository.files.end()) {
      response->set_catalog(catalog->second);
    }
    if (servers_.over_grpc) servers_.over_grpc(*response);
    return grpc::Status::OK;
  }

 private:
  RepositoryServers& servers_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

RepositoryServers::RepositoryServers(absl::Time now)
    : repository(now),
      http_(std::make_unique<Http>(*this)),
      grpc_(std::make_unique<Grpc>(*this)) {}

RepositoryServers::~RepositoryServers() = default;

void RepositoryServers::Stop() {
  http_.reset();
  grpc_.reset();
}

std::string RepositoryServers::http_url() const {
  return absl::StrCat("http://127.0.0.1:", http_->port(), "/tuf/");
}

std::string RepositoryServers::grpc_address() const {
  return absl::StrCat("127.0.0.1:", grpc_->port());
}

void RepositoryServers::PublishCatalog(std::uint64_t sequence) {
  PublishFile(CatalogOf(sequence));
}

void RepositoryServers::PublishFile(const std::string& catalog) {
  repository.AddTarget("targets", std::string(anchors::kCatalogTargetPath),
                       catalog);
  repository.Publish({"targets", "snapshot", "timestamp"});
}

void RepositoryServers::Serve(const std::string& role,
                              const std::string& bytes) {
  const std::string newest = Newest(role);
  for (auto& [name, file] : repository.metadata) {
    if (file == newest) file = bytes;
  }
}

void RepositoryServers::ServeCatalog(const std::string& bytes) {
  const std::string path(anchors::kCatalogTargetPath);
  const std::string newest = repository.files.at(path);
  for (auto& [name, file] : repository.files) {
    if (file == newest) file = bytes;
  }
}

std::string RepositoryServers::Newest(const std::string& role) const {
  return repository.metadata.at(role + ".json");
}

}  // namespace anchorage::test
