#include "test/drill/drill_world.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <httplib.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "anchors/base/atomic_file.h"
#include "anchors/publishing/ceremony.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/page_writer.h"
#include "trustd/config.h"
#include "trustd/rotation/apply.h"

namespace anchorage::test {
namespace {

namespace tuf = anchors::tuf;

[[noreturn]] void Die(const std::string& what) {
  std::fflush(stdout);
  std::fprintf(stderr, "drill: error: %s\n", what.c_str());
  std::exit(1);
}

void Require(const absl::Status& status, const std::string& doing) {
  if (!status.ok()) {
    Die(absl::StrCat(doing, ": ", std::string(status.message())));
  }
}

constexpr char kSecret[] = "a-secret-of-the-drill\n";

// From where the sender of that number reports.
std::string AddressOf(int sender) {
  return absl::StrCat("10.0.", sender / 256, ".", sender % 256);
}

}  // namespace

LocalServer::LocalServer() : http_(std::make_unique<httplib::Server>()) {}

LocalServer::~LocalServer() {
  http_->stop();
  if (thread_.joinable()) thread_.join();
}

void LocalServer::Start() {
  port_ = http_->bind_to_any_port("127.0.0.1");
  if (port_ <= 0) Die("cannot listen");
  thread_ = std::thread([this] { http_->listen_after_bind(); });
}

std::string LocalServer::Url(std::string_view path) const {
  return absl::StrCat("http://127.0.0.1:", port_, std::string(path));
}

FakeDocs::FakeDocs() {
  server_.http().Get(".*", [this](const httplib::Request& request,
                                  httplib::Response& response) {
    const absl::MutexLock lock(&mutex_);
    const auto page = pages_.find(request.path);
    if (page == pages_.end()) {
      response.status = 404;
      return;
    }
    response.set_content(page->second, "text/markdown");
  });
  server_.Start();
}

void FakeDocs::Publish(const std::string& path, std::string text) {
  const absl::MutexLock lock(&mutex_);
  pages_[path] = std::move(text);
}

FakeReceiver::FakeReceiver() {
  server_.http().Post(
      "/alerts", [this](const httplib::Request& request, httplib::Response&) {
        const absl::MutexLock lock(&mutex_);
        bodies_.push_back(request.body);
      });
  server_.Start();
}

std::string FakeReceiver::Find(std::string_view kind,
                               std::string_view text) const {
  const absl::MutexLock lock(&mutex_);
  for (const std::string& body : bodies_) {
    const auto json = nlohmann::json::parse(body, nullptr, false);
    if (json.is_discarded() || json.value("kind", "") != kind) continue;
    if (body.find(text) != body.npos) return body;
  }
  return "";
}

std::size_t FakeReceiver::Count(std::string_view kind) const {
  const absl::MutexLock lock(&mutex_);
  return static_cast<std::size_t>(
      std::count_if(bodies_.begin(), bodies_.end(), [&](const auto& body) {
        const auto json = nlohmann::json::parse(body, nullptr, false);
        return !json.is_discarded() && json.value("kind", "") == kind;
      }));
}

FakeBalancer::FakeBalancer(const std::string& trustd,
                           const std::string& address) {
  const auto pass_on = [=](const httplib::Request& request,
                           httplib::Response& response) {
    httplib::Client client("http://" + trustd);
    const httplib::Headers headers = {{"X-Forwarded-For", address}};
    const auto answer =
        request.method == "POST"
            ? client.Post(request.path, headers, request.body,
                          request.get_header_value("Content-Type"))
            : client.Get(request.path, headers);
    response.status = answer ? answer->status : 502;
    if (!answer) return;
    response.set_content(answer->body,
                         answer->get_header_value("Content-Type"));
  };
  server_.http().Get(".*", pass_on);
  server_.http().Post(".*", pass_on);
  server_.Start();
}

World::World(TrustdMode mode, const anchors::Catalog& first, int clients)
    : start_(absl::Now()) {
  // The timeline is what is to be seen.
  spdlog::set_level(spdlog::level::critical);
  std::string folder = std::filesystem::temp_directory_path().string();
  if (const char* test = std::getenv("TEST_TMPDIR")) folder = test;
  folder += "/drill.XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) Die("cannot make a folder");
  folder_ = folder;
  test::PublishPages(docs_, first);
  if (mode == TrustdMode::kOffline) MakeCeremony(first);
  MakeCertificates();
  WriteConfig(mode, first);
  const auto config = trustd::LoadConfig(folder_ + "/trustd.yaml");
  Require(config.status(), "configuration");
  auto service = trustd::Service::Start(
      *config, [this] { return Now(); },
      [this] { return Now() - absl::UnixEpoch(); });
  Require(service.status(), "trustd");
  service_ = *std::move(service);
  reports_ = v1::ReportService::NewStub(grpc::CreateChannel(
      service_->address(), grpc::InsecureChannelCredentials()));
  for (int i = 0; i < clients; ++i) {
    client::TrustClientOptions options = OptionsOf(i);
    options.server = service_->address();
    options.plaintext = true;
    auto made = client::TrustClient::Create(std::move(options));
    Require(made.status(), "client");
    clients_.push_back(*std::move(made));
  }
  Say(absl::StrCat("trustd serves sequence ", sequence(), " on ",
                   service_->address(), " in mode ",
                   mode == TrustdMode::kOnline ? "ONLINE" : "OFFLINE"));
}

client::TrustClientOptions World::OptionsOf(int client) const {
  const auto root =
      anchors::ReadFile(folder_ + "/data/1.root.json", tuf::kMaxRootBytes);
  Require(root.status(), "root");
  client::TrustClientOptions options;
  options.trusted_root = *root;
  options.cache_folder = absl::StrCat(folder_, "/cache-", client);
  options.background_refresh = false;
  options.clock = [this] { return Now(); };
  return options;
}

void World::RestartReporting() {
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    clients_[i].reset();
    balancers_.push_back(std::make_unique<FakeBalancer>(
        service_->http_address(), AddressOf(static_cast<int>(i))));
    client::TrustClientOptions options = OptionsOf(static_cast<int>(i));
    options.metadata_url = balancers_.back()->Url("/tuf/");
    options.report_outcomes = true;
    options.report_interval = absl::Minutes(1);
    // The first report is due at once.
    options.random = [] { return 0.0; };
    auto made = client::TrustClient::Create(std::move(options));
    Require(made.status(), "client");
    clients_[i] = *std::move(made);
  }
}

World::~World() {
  clients_.clear();
  service_->Stop();
  service_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void World::MakeCeremony(const anchors::Catalog& first) {
  Require(anchors::MakeFolder(folder_ + "/data/keys"), "folder");
  const auto online = tuf::SoftwareKey::GenerateEd25519();
  Require(online.status(), "key");
  Require(anchors::WriteFileAtomically(folder_ + "/data/keys/online.pem",
                                       (*online)->ToPem()->view(),
                                       anchors::FileAccess::kPrivate),
          "online key");
  tuf::RootSpec spec;
  spec.expires = absl::Now() + absl::Hours(24 * 365);
  for (const char* name : {"alice", "bob", "carol"}) {
    auto key = tuf::SoftwareKey::GenerateEd25519();
    Require(key.status(), "key");
    spec.root.keys.push_back((*key)->public_key());
    spec.targets.keys.push_back((*key)->public_key());
    approvers_.push_back({name, *std::move(key)});
  }
  spec.root.threshold = spec.targets.threshold = 2;
  spec.snapshot.keys = spec.timestamp.keys = {(*online)->public_key()};
  const std::string folder = ceremony_folder();
  Require(anchors::WriteRootDraft(folder, spec), "root");
  for (int i : {0, 1}) {
    Require(anchors::SignDraft(folder, *anchors::ReadCeremony(folder),
                               anchors::DraftKind::kRoot, *approvers_[i].key,
                               absl::Now()),
            "root");
  }
  Require(anchors::PublishRootDraft(folder, absl::Now()).status(), "root");
  Require(anchors::ProposeTargets(folder,
                                  {{std::string(anchors::kCatalogTargetPath),
                                    anchors::SerializeCatalog(first)}},
                                  spec.expires, absl::Now()),
          "targets");
  for (int i : {1, 2}) {
    Require(anchors::SignDraft(folder, *anchors::ReadCeremony(folder),
                               anchors::DraftKind::kTargets, *approvers_[i].key,
                               absl::Now()),
            "targets");
  }
  Require(anchors::PublishTargetsDraft(folder, absl::Now()).status(),
          "targets");
}

void World::MakeCertificates() {
  const trustd::TlsIdentity server =
      authority_.Issue({.names = {"trustd"},
                        .alternative_names = "IP:127.0.0.1",
                        .purpose = "serverAuth"});
  Require(
      anchors::WriteFileAtomically(folder_ + "/admin.crt", server.certificate),
      "certificate");
  Require(anchors::WriteFileAtomically(folder_ + "/admin.key", server.key,
                                       anchors::FileAccess::kPrivate),
          "key");
  Require(
      anchors::WriteFileAtomically(folder_ + "/people.crt", authority_.pem()),
      "certificate");
}

std::shared_ptr<grpc::Channel> World::ConnectAs(const std::string& name) const {
  const trustd::TlsIdentity identity = authority_.Issue({.names = {name}});
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = authority_.pem();
  options.pem_cert_chain = identity.certificate;
  options.pem_private_key = identity.key;
  return grpc::CreateChannel(service_->admin_address(),
                             grpc::SslCredentials(options));
}

void World::WriteConfig(TrustdMode mode, const anchors::Catalog& first) {
  std::string yaml = absl::StrCat(
      "data_dir: data\nlisten_address: 127.0.0.1:0\n"
      "http_listen_address: 127.0.0.1:0\nmode: MODE_",
      mode == TrustdMode::kOnline ? "ONLINE\ninitial_catalog_path: first.json"
                                  : "OFFLINE",
      "\n");
  absl::StrAppend(
      &yaml, "sources:\n", "  - name: aws-docs\n    interval: 3600s\n",
      "    jitter: 0s\n    allow_loopback_http: true\n",
      "    regions_page: {addresses: ['", docs_.Url(kPagePath), "']}\n",
      "  - name: aws-docs-china\n    interval: 3600s\n    jitter: 0s\n",
      "    allow_loopback_http: true\n    partitions: [aws-cn]\n",
      "    regions_page: {addresses: ['", docs_.Url(kChinaPagePath), "']}\n",
      "alerts:\n  webhooks:\n", "    - name: people\n      url: '",
      receiver_.Url(), "'\n",
      "      secret_path: secret\n      allow_loopback_http: true\n");
  absl::StrAppend(&yaml, "reports: {}\nproxies: [127.0.0.1]\n");
  absl::StrAppend(&yaml, "admin:\n  listen_address: 127.0.0.1:0\n",
                  "  tls: {certificate_path: admin.crt, key_path: admin.key}\n",
                  "  client_ca_path: people.crt\n  people:\n",
                  "    - {name: alice, role: ROLE_APPROVER}\n",
                  "    - {name: olga, role: ROLE_OPERATOR}\n",
                  "    - {name: fleet, role: ROLE_INSTANCE}\n");
  Require(anchors::WriteFileAtomically(folder_ + "/first.json",
                                       anchors::SerializeCatalog(first)),
          "catalog");
  Require(anchors::WriteFileAtomically(folder_ + "/secret", kSecret,
                                       anchors::FileAccess::kPrivate),
          "secret");
  Require(anchors::WriteFileAtomically(folder_ + "/trustd.yaml", yaml),
          "configuration");
}

void World::PublishPages(const anchors::Catalog& catalog) {
  test::PublishPages(docs_, catalog);
  Require(service_->PollNow(""), "poll");
}

bool World::ReportAs(int sender, const std::string& region,
                     const std::string& reason) {
  v1::ReportOutcomesRequest request;
  request.set_library_version("1.0.0");
  request.set_bundle_sequence(sequence());
  request.set_seconds(3600);
  v1::OutcomeCount& count = *request.add_counts();
  count.set_partition("aws");
  count.set_region(region);
  count.set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  count.set_reason(reason);
  count.set_count(1);
  grpc::ClientContext context;
  context.AddMetadata("x-forwarded-for", AddressOf(sender));
  v1::ReportOutcomesResponse response;
  return reports_->ReportOutcomes(&context, request, &response).ok();
}

absl::Time World::Now() const {
  return absl::Now() + absl::Seconds(passed_seconds_.load());
}

void World::Pass(absl::Duration time) {
  passed_seconds_ += absl::ToInt64Seconds(time);
  Say(time < absl::Hours(24)
          ? "an hour passes"
          : absl::StrCat(absl::ToInt64Hours(time) / 24, " days pass"));
}

std::uint64_t World::sequence() const {
  return service_->publication()->catalog.sequence;
}

bool World::ClientsHave(std::uint64_t sequence) {
  for (const auto& one : clients_) {
    // The set that is built in has a sequence, too.
    const auto has = [&] {
      const verify::AnchorProvenance provenance = one->state().provenance;
      return provenance.origin != verify::Origin::kBakedIn &&
             provenance.sequence >= sequence;
    };
    if (!has()) (void)one->Refresh();
    if (!has()) return false;
  }
  return true;
}

void World::Say(const std::string& text) {
  std::printf("%7.2f s  %s\n", absl::ToDoubleSeconds(absl::Now() - start_),
              text.c_str());
  std::fflush(stdout);
}

void World::WaitFor(const std::string& text,
                    const std::function<bool()>& done) {
  const absl::Time end = absl::Now() + kPatience;
  while (!done()) {
    if (absl::Now() > end) Die("did not come: " + text);
    absl::SleepFor(absl::Milliseconds(20));
  }
  Say(text);
}

void World::Check(const std::string& text, bool is_so) {
  if (!is_so) Die("is not so: " + text);
  Say(text);
}

void PublishPages(FakeDocs& docs, const anchors::Catalog& catalog) {
  std::vector<anchors::PageEntry> china;
  std::vector<anchors::PageEntry> others;
  for (anchors::PageEntry& entry : anchors::PageEntries(catalog)) {
    (entry.slot.partition == "aws-cn" ? china : others)
        .push_back(std::move(entry));
  }
  docs.Publish(std::string(kPagePath), anchors::WriteRegionsPage(others, {}));
  docs.Publish(std::string(kChinaPagePath),
               anchors::WriteRegionsPage(
                   china, {.layout = anchors::PageLayout::kChineseMarkdown}));
}

anchors::Catalog CatalogOf(const FakeIdentity& aws) {
  anchors::Catalog catalog;
  catalog.sequence = 1;
  catalog.created = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()));
  for (const verify::AnchorRecord& record : aws.Anchors()) {
    auto next = trustd::AddAnchor(
        catalog, record.slot,
        MakeCertificate(aws.Certificate(record.slot.region, record.slot.kind)),
        {"AWS", ""}, {.time = catalog.created});
    Require(next.status(), "catalog");
    catalog = *std::move(next);
  }
  return catalog;
}

}  // namespace anchorage::test
