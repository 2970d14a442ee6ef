#include "test/support/admin_world.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "anchors/catalog.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorKind;

constexpr char kRegion[] = "us-east-1";
// No other key of the fake AWS.
constexpr int kNextKey = 20;

class NoAlerts final : public AlertSink {
 public:
  std::function<void()> Raise(const std::vector<Alert>&, StoreBatch&) override {
    return [] {};
  }
};

std::string FolderOfTest() {
  const std::string folder = absl::StrCat(
      ::testing::TempDir(), "/world-",
      ::testing::UnitTest::GetInstance()->current_test_info()->name());
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

anchors::Catalog CatalogOf(const test::FakeIdentity& aws, absl::Time now) {
  anchors::Catalog catalog;
  catalog.sequence = 1;
  catalog.created = now;
  for (const verify::AnchorRecord& record : aws.Anchors()) {
    anchors::CatalogAnchor anchor;
    anchor.slot = record.slot;
    anchor.spki_der = record.spki_der;
    anchor.spki_sha256 = verify::Sha256Hex(record.spki_der);
    auto certificate =
        anchors::MakeCertificate(record.certificates_der.front());
    EXPECT_TRUE(certificate.ok()) << certificate.status();
    certificate->sources.push_back({"test", ""});
    anchor.certificates.push_back(*std::move(certificate));
    catalog.anchors.push_back(std::move(anchor));
  }
  anchors::Sort(catalog);
  return catalog;
}

}  // namespace

AdminWorld::AdminWorld()
    : folder_(FolderOfTest()),
      now_seconds_(absl::ToUnixSeconds(test::FakeNow())),
      alerts_(std::make_unique<NoAlerts>()) {
  const auto config =
      ParseConfig(absl::StrCat("data_dir: ", folder_, "\nmode: MODE_ONLINE\n"),
                  "/test.yaml");
  EXPECT_TRUE(config.ok()) << config.status();
  config_ = *config;
  server_options.clock = [this] { return now(); };
  server_options.uptime = [this] { return now() - absl::UnixEpoch(); };
  server_options.grace = absl::Seconds(1);
  server_options.fleet = [](std::size_t windows) {
    v1::GetFleetResponse response;
    for (std::size_t i = 0; i < windows; ++i) response.add_windows();
    return response;
  };
  server_options.accept_store =
      [this](const std::optional<anchors::BundleFiles>& bundle,
             const std::string& by,
             const std::string& why) -> absl::StatusOr<Acceptance> {
    {
      const absl::MutexLock lock(&asked_mutex_);
      accepted_.push_back({bundle, by, why});
    }
    Acceptance done;
    done.sequence = 7;
    done.timestamp_version = 9;
    return done;
  };
  auto publisher = Publisher::Open(PublisherConfigOf(config_), store_, hub_,
                                   CatalogOf(aws_, now()), {}, now());
  EXPECT_TRUE(publisher.ok()) << publisher.status();
  publisher_ = *std::move(publisher);
}

AdminWorld::~AdminWorld() = default;

void AdminWorld::Start() {
  server_.reset();
  mirror_options.core.people = {"approver-alice", "approver-adam",
                                "operator-olga"};
  auto mirror =
      Mirror::Open(mirror_options, store_, *publisher_, hub_, *alerts_, now());
  ASSERT_TRUE(mirror.ok()) << mirror.status();
  mirror_ = *std::move(mirror);
  mirror_->SetSources({{"aws-docs", "aws-docs"}}, now());

  const TlsIdentity own =
      server_authority_.Issue({.names = {"trustd"},
                               .alternative_names = "IP:127.0.0.1",
                               .purpose = "serverAuth"});
  AdminSettings& settings = settings_;
  settings.listen_address = "127.0.0.1:0";
  settings.tls_certificate_path = folder_ + "/cert.pem";
  settings.tls_key_path = folder_ + "/key.pem";
  settings.client_ca_path = folder_ + "/people.pem";
  settings.people = {{"viewer-vera", {v1::Person::ROLE_VIEWER}},
                     {"approver-alice", {v1::Person::ROLE_APPROVER}},
                     {"approver-adam", {v1::Person::ROLE_APPROVER}},
                     {"operator-olga", {v1::Person::ROLE_OPERATOR}},
                     {"instance-ines", {v1::Person::ROLE_INSTANCE}}};
  ASSERT_TRUE(anchors::WriteFileAtomically(settings.tls_certificate_path,
                                           own.certificate)
                  .ok());
  ASSERT_TRUE(
      anchors::WriteFileAtomically(settings.tls_key_path, own.key).ok());
  std::filesystem::permissions(settings.tls_key_path,
                               std::filesystem::perms::owner_read);
  ASSERT_TRUE(anchors::WriteFileAtomically(settings.client_ca_path,
                                           people_authority_.pem())
                  .ok());
  if (change_settings) change_settings(settings);
  auto server = AdminServer::Start(
      settings, *mirror_,
      [this](const std::string& source) {
        if (source == "nowhere") return absl::NotFoundError("no such source");
        std::function<void()> poll;
        {
          const absl::MutexLock lock(&asked_mutex_);
          polled_.push_back(source);
          poll = on_poll_;
        }
        poll();
        return absl::OkStatus();
      },
      server_options);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
}

void AdminWorld::SignWithAnotherKey() {
  aws_.SetKey(kRegion, AnchorKind::kIidRsa2048,
              test::TestKey::Rsa(2048, kNextKey));
}

Observation AdminWorld::Look() const {
  Observation observation;
  observation.source = "aws-docs";
  observation.location = "https://docs.example.com/regions";
  observation.time = now();
  for (const verify::AnchorRecord& record : aws_.Anchors()) {
    observation.certificates.push_back(
        {record.slot, record.certificates_der.front(), 0});
  }
  observation.scope.partitions = {"aws", "aws-us-gov", "aws-cn", "aws-eusc"};
  observation.scope.kinds = {AnchorKind::kIidDsa, AnchorKind::kIidRsa1024,
                             AnchorKind::kIidRsa2048};
  return observation;
}

void AdminWorld::ShowReKey() {
  SignWithAnotherKey();
  Observe();
}

absl::Status AdminWorld::AppendAndReopen(
    const std::vector<v1::LedgerRecord>& records) {
  server_.reset();
  mirror_.reset();
  auto ledger = Ledger::Open(store_, [](auto, const auto&) {});
  if (!ledger.ok()) return ledger.status();
  if (const auto first = (*ledger)->Append(records); !first.ok()) {
    return first.status();
  }
  Start();
  return absl::OkStatus();
}

v1::Evidence AdminWorld::Evidence(const std::string& instance) {
  const std::string document =
      aws_.Document(kRegion).SetText("instanceId", instance).Text();
  v1::Evidence evidence;
  evidence.set_rsa2048(test::Base64(
      test::Encode(aws_.Genuine(kRegion, AnchorKind::kIidRsa2048, document))));
  return evidence;
}

TlsIdentity AdminWorld::Person(const std::string& name) const {
  return people_authority_.Issue({.names = {name}});
}

std::shared_ptr<grpc::Channel> AdminWorld::Connect(
    const TlsIdentity& identity) const {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = server_authority_.pem();
  options.pem_cert_chain = identity.certificate;
  options.pem_private_key = identity.key;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(server_->address(),
                                   grpc::SslCredentials(options), arguments);
}

}  // namespace anchorage::trustd
