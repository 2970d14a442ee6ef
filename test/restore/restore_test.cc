// A whole trustd on a real store that is put back as backups do it, with a
// client that has seen more and a person who accepts it.

#include "trustd/backup/restore.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/baked/baked.h"
#include "anchors/base/atomic_file.h"
#include "anchors/bundle_proto.h"
#include "anchors/catalog.h"
#include "anchors/catalog_proto.h"
#include "anchors/publishing/ceremony.h"
#include "anchors/publishing/signer.h"
#include "client/bundle_cache.h"
#include "client/disk_cache_folder.h"
#include "client/trust_client.h"
#include "proto/anchorage/v1/admin_service.grpc.pb.h"
#include "proto/anchorage/v1/anchor_service.grpc.pb.h"
#include "proto/anchorage/v1/audit_service.grpc.pb.h"
#include "proto/anchorage/v1/errors.pb.h"
#include "test/support/repository_simulator.h"
#include "test/support/test_authority.h"
#include "trustd/backup/backup_folder.h"
#include "trustd/base/store.h"
#include "trustd/config.h"
#include "trustd/service.h"

namespace anchorage::test {
namespace {

namespace fs = std::filesystem;
namespace tuf = anchors::tuf;
using anchors::DraftKind;
using trustd::IsStoreWentBack;
using trustd::TestAuthority;
using verify::AnchorStatus;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kDay = absl::Hours(24);

anchors::Catalog Seed() {
  return *anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
}

std::string ReasonOf(const grpc::Status& status) {
  v1::Status details;
  v1::ErrorInfo info;
  if (!details.ParseFromString(status.error_details()) ||
      details.details_size() != 1 ||
      !info.ParseFromString(details.details(0).value())) {
    return "";
  }
  return info.reason();
}

void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(20));
}

class RestoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(data());
    const trustd::TlsIdentity server =
        servers_.Issue({.names = {"trustd"},
                        .alternative_names = "IP:127.0.0.1",
                        .purpose = "serverAuth"});
    Write("cert.pem", server.certificate);
    Write("key.pem", server.key);
    Write("people.pem", people_.pem());
  }

  std::string data() const { return folder_ + "/data"; }
  std::string cache() const { return folder_ + "/cache"; }

  void Write(const std::string& name, const std::string& bytes) {
    ASSERT_TRUE(anchors::WriteFileAtomically(folder_ + "/" + name, bytes,
                                             anchors::FileAccess::kPrivate)
                    .ok());
  }

  trustd::Config MakeConfig() const {
    const auto config = trustd::ParseConfig(
        absl::StrCat(
            "data_dir: data\nmode: ", offline_ ? "MODE_OFFLINE" : "MODE_ONLINE",
            "\nlisten_address: 127.0.0.1:0\nshutdown_grace: 1s\n"
            "admin:\n"
            "  listen_address: 127.0.0.1:0\n"
            "  tls: {certificate_path: cert.pem, key_path: key.pem}\n"
            "  client_ca_path: people.pem\n"
            "  people:\n"
            "    - {name: olga, role: ROLE_OPERATOR}\n"
            "    - {name: alice, role: ROLE_APPROVER}\n",
            polls_ ? "sources: [{name: folder, directory: {path: aws.json}}]\n"
                   : ""),
        folder_ + "/trustd.yaml");
    EXPECT_TRUE(config.ok()) << config.status();
    return *config;
  }

  void Start() {
    service_.reset();
    auto service = trustd::Service::Start(
        MakeConfig(), [this] { return now_; },
        [this] { return now_ - absl::UnixEpoch(); });
    ASSERT_TRUE(service.ok()) << service.status();
    service_ = *std::move(service);
  }
  void Stop() { service_.reset(); }

  const trustd::Publication& current() const {
    current_ = service_->publication();
    return *current_;
  }

  // Where an acceptance goes on: by the clock, which is further than 1,000,000
  // above numbers as small as these.
  std::uint64_t Leaped() const {
    return static_cast<std::uint64_t>(absl::ToUnixSeconds(now_));
  }

  // --- what backups do ---

  void RemoveLogs() {
    int removed = 0;
    for (const auto& entry : fs::directory_iterator(data() + "/store")) {
      if (entry.path().extension() != ".log") continue;
      fs::remove(entry.path());
      ++removed;
    }
    ASSERT_GT(removed, 0);
  }
  void Copy(const std::string& from, const std::string& to) {
    fs::remove_all(to);
    fs::copy(from, to, fs::copy_options::recursive);
  }

  // --- a client ---

  std::unique_ptr<client::TrustClient> MakeClient() {
    client::TrustClientOptions options;
    options.server = service_->address();
    options.plaintext = true;
    options.trusted_root = *anchors::ReadFile(RootPath(), tuf::kMaxRootBytes);
    options.cache_folder = cache();
    options.background_refresh = false;
    options.clock = [this] { return now_; };
    auto client = client::TrustClient::Create(std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }
  std::string RootPath() const { return data() + "/1.root.json"; }

  absl::Status Refresh() { return MakeClient()->Refresh(); }
  std::string HeldBundle() {
    client::BundleCache cache_folder(client::OpenDiskCacheFolder(cache()));
    return anchors::ToProto(*cache_folder.LoadWithRoots()).SerializeAsString();
  }

  AnchorStatus StatusInClient() {
    const auto client = MakeClient();
    for (const verify::Anchor& anchor : client->anchors()->In(first().slot)) {
      if (anchor.spki_sha256() == first().spki_sha256) return anchor.status();
    }
    ADD_FAILURE() << "the client has it not";
    return AnchorStatus::kAnnounced;
  }
  AnchorStatus StatusServed() {
    for (const auto& anchor : current().catalog.anchors) {
      if (anchor.slot == first().slot &&
          anchor.spki_sha256 == first().spki_sha256) {
        return anchor.status;
      }
    }
    ADD_FAILURE() << "it is not served";
    return AnchorStatus::kAnnounced;
  }

  // --- a person ---

  std::shared_ptr<grpc::Channel> ConnectAs(const std::string& name) {
    const trustd::TlsIdentity identity = people_.Issue({.names = {name}});
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = servers_.pem();
    options.pem_cert_chain = identity.certificate;
    options.pem_private_key = identity.key;
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(service_->admin_address(),
                                     grpc::SslCredentials(options), arguments);
  }

  // Without a bundle if there is none.
  grpc::Status Accept(const std::string& bundle,
                      const std::string& by = "olga") {
    const auto stub = v1::AdminService::NewStub(ConnectAs(by));
    grpc::ClientContext context;
    SetDeadline(context);
    accepted_.Clear();
    const auto writer = stub->AcceptStore(&context, &accepted_);
    v1::AcceptStoreRequest request;
    request.set_why("disk 3 died");
    request.set_no_bundle(bundle.empty());
    constexpr std::size_t kPiece = 128 * 1024;
    for (std::size_t at = 0; at == 0 || at < bundle.size(); at += kPiece) {
      request.set_bundle_piece(bundle.substr(at, kPiece));
      if (!writer->Write(request)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }

  // As trustctl does it.
  grpc::Status Backup(const std::string& target, trustd::BackupFacts* facts,
                      const std::string& by = "olga") {
    const auto stub = v1::AdminService::NewStub(ConnectAs(by));
    grpc::ClientContext context;
    SetDeadline(context);
    auto writer = trustd::BackupWriter::Begin(target);
    EXPECT_TRUE(writer.ok()) << writer.status();
    const auto reader = stub->Backup(&context, {});
    v1::BackupResponse piece;
    while (reader->Read(&piece)) {
      const absl::Status taken = (*writer)->Take(piece);
      EXPECT_TRUE(taken.ok()) << taken;
    }
    const grpc::Status status = reader->Finish();
    if (!status.ok()) return status;
    auto finished = (*writer)->Finish();
    EXPECT_TRUE(finished.ok()) << finished.status();
    if (finished.ok()) *facts = *std::move(finished);
    return status;
  }

  absl::StatusOr<trustd::Restored> Restore(const std::string& backup) {
    return trustd::RestoreBackup(
        backup,
        {.data_dir = data(), .key_paths = {data() + "/keys/online.pem"}},
        "disk 3 died", now_);
  }

  absl::Status Revoke() { return Revoke(first()); }
  absl::Status Revoke(const anchors::CatalogAnchor& anchor) {
    v1::PinFact fact;
    fact.set_action(v1::PinFact::ACTION_REVOKE);
    *fact.mutable_slot() = anchors::ToProto(anchor.slot);
    fact.set_spki_sha256(anchor.spki_sha256);
    fact.set_by("olga");
    fact.set_why("its key is known");
    return service_->mirror()
        .Pin({.fact = fact, .last_key = true}, now_)
        .status();
  }

  std::string SigningStopped() {
    const auto stub = v1::AnchorService::NewStub(grpc::CreateChannel(
        service_->address(), grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    SetDeadline(context);
    v1::GetServiceInfoResponse info;
    EXPECT_TRUE(stub->GetServiceInfo(&context, {}, &info).ok());
    return info.signing_stopped();
  }

  // A trustd that has published a revocation since the last file of its store
  // was closed, and a client that has it.
  void PublishARevocation() {
    Start();
    Stop();
    Start();
    ASSERT_TRUE(Revoke().ok());
    ASSERT_EQ(current().catalog.sequence, 2u);
    ASSERT_TRUE(Refresh().ok());
    ASSERT_EQ(StatusInClient(), AnchorStatus::kRevoked);
  }

  const anchors::CatalogAnchor& first() const { return seed_.anchors.front(); }

  std::string folder_;
  bool offline_ = false;
  // Whether it polls the catalog in aws.json.
  bool polls_ = false;
  absl::Time now_ = kNow;
  const anchors::Catalog seed_ = Seed();
  const TestAuthority servers_{"servers"};
  const TestAuthority people_{"people"};
  std::unique_ptr<trustd::Service> service_;
  mutable std::shared_ptr<const trustd::Publication> current_;
  v1::AcceptStoreResponse accepted_;
};

TEST_F(RestoreTest, AStoreWithoutItsLogServesAndSignsNothing) {
  PublishARevocation();
  const std::string newest = current().files.timestamp;
  Stop();
  RemoveLogs();
  std::string served;
  for (int start = 0; start < 2; ++start) {
    Start();
    // It is served as it is: REVOKED is ACTIVE again in it.
    EXPECT_EQ(current().catalog.sequence, 1u);
    EXPECT_EQ(StatusServed(), AnchorStatus::kActive);
    EXPECT_THAT(SigningStopped(), ::testing::HasSubstr("the store went back"));
    // But nothing is signed, however late, and no decision is taken.
    if (served.empty()) served = current().files.timestamp;
    EXPECT_EQ(current().files.timestamp, served);
    EXPECT_NE(current().files.timestamp, newest);
    EXPECT_TRUE(IsStoreWentBack(Revoke()));
    EXPECT_EQ(current().files.timestamp, served);
    // The client stays with what it has.
    EXPECT_FALSE(Refresh().ok());
    EXPECT_EQ(StatusInClient(), AnchorStatus::kRevoked);
    Stop();
    now_ += 30 * kDay;
  }
}

TEST_F(RestoreTest, ABundleBringsBackWhatWasRevoked) {
  PublishARevocation();
  Stop();
  RemoveLogs();
  Start();
  EXPECT_EQ(ReasonOf(Accept(HeldBundle(), "alice")), "ROLE_INSUFFICIENT");
  const std::string bundle = HeldBundle();
  EXPECT_EQ(ReasonOf(Accept(bundle.substr(0, bundle.size() - 1))),
            "BUNDLE_REFUSED");
  const grpc::Status accepted = Accept(bundle);
  ASSERT_TRUE(accepted.ok()) << accepted.error_message();
  EXPECT_EQ(accepted_.sequence(), Leaped());
  EXPECT_EQ(accepted_.timestamp_version(), Leaped());
  ASSERT_EQ(accepted_.notes_size(), 1);
  EXPECT_THAT(accepted_.notes(0), ::testing::HasSubstr("REVOKED"));
  EXPECT_EQ(StatusServed(), AnchorStatus::kRevoked);
  EXPECT_EQ(SigningStopped(), "");
  ASSERT_TRUE(Refresh().ok());
  EXPECT_EQ(StatusInClient(), AnchorStatus::kRevoked);
  // Not twice; and all goes on as before, also after a restart.
  EXPECT_EQ(ReasonOf(Accept(bundle)), "NOT_APPLICABLE");
  Start();
  EXPECT_EQ(SigningStopped(), "");
  EXPECT_EQ(current().catalog.sequence, Leaped());
  // It is on the record, with who and why.
  bool recorded = false;
  ASSERT_TRUE(service_->mirror()
                  .ledger()
                  .Scan(0,
                        [&](std::uint64_t, const v1::LedgerRecord& record) {
                          if (!record.has_store()) return true;
                          recorded = true;
                          EXPECT_EQ(record.store().by(), "olga");
                          EXPECT_EQ(record.store().why(), "disk 3 died");
                          EXPECT_EQ(record.store().sequence(), 2u);
                          EXPECT_NE(record.store().found(), "");
                          return true;
                        })
                  .ok());
  EXPECT_TRUE(recorded);
}

TEST_F(RestoreTest, WithoutABundleItSaysWhatMayBeLost) {
  PublishARevocation();
  Stop();
  RemoveLogs();
  Start();
  const grpc::Status accepted = Accept("");
  ASSERT_TRUE(accepted.ok()) << accepted.error_message();
  ASSERT_GE(accepted_.notes_size(), 1);
  EXPECT_THAT(accepted_.notes(0), ::testing::HasSubstr("may be lost"));
  EXPECT_EQ(accepted_.sequence(), Leaped()) << "the head knows sequence 2";
  EXPECT_EQ(StatusServed(), AnchorStatus::kActive) << "it is lost";
  ASSERT_TRUE(Refresh().ok()) << "clients follow";
  ASSERT_TRUE(Revoke().ok());
  ASSERT_TRUE(Refresh().ok());
  EXPECT_EQ(StatusInClient(), AnchorStatus::kRevoked);
}

TEST_F(RestoreTest, AnotherRepositorysBundleIsRefused) {
  PublishARevocation();
  const std::string ours = HeldBundle();
  Stop();
  RemoveLogs();
  const std::string before = folder_;
  folder_ += ".other";
  fs::remove_all(folder_);
  fs::copy(before, folder_, fs::copy_options::recursive);
  fs::remove_all(data());
  fs::remove_all(cache());
  Start();
  ASSERT_TRUE(Refresh().ok());
  const std::string theirs = HeldBundle();
  Stop();
  folder_ = before;
  Start();
  EXPECT_EQ(ReasonOf(Accept(theirs)), "BUNDLE_REFUSED");
  EXPECT_THAT(SigningStopped(), ::testing::HasSubstr("the store went back"));
  EXPECT_TRUE(Accept(ours).ok());
}

TEST_F(RestoreTest, AStoreWithoutItsHeadIsNotBelieved) {
  PublishARevocation();
  Stop();
  ASSERT_TRUE(fs::remove(data() + "/store.head"));
  Start();
  EXPECT_EQ(current().catalog.sequence, 2u);
  EXPECT_THAT(SigningStopped(), ::testing::HasSubstr("store.head"));
  ASSERT_TRUE(Accept(HeldBundle()).ok());
  EXPECT_EQ(current().catalog.sequence, Leaped());
}

// Who puts the same copy back again, and accepts it at the same moment, signs
// nothing twice once a client was heard.
TEST_F(RestoreTest, ASecondRestoreOfOneCopyGoesOnAboveWhatClientsShow) {
  Start();
  Stop();
  Copy(data() + "/store", folder_ + "/backup");
  std::uint64_t last = 0;
  for (int restore = 0; restore < 3; ++restore) {
    Copy(folder_ + "/backup", data() + "/store");
    fs::remove(data() + "/store.head");
    Start();
    EXPECT_THAT(SigningStopped(), ::testing::HasSubstr("store.head"));
    if (restore > 0) {
      EXPECT_FALSE(Refresh().ok()) << "it shows what it has";
    }
    ASSERT_TRUE(Accept("").ok());
    EXPECT_GT(accepted_.timestamp_version(), last);
    last = accepted_.timestamp_version();
    EXPECT_TRUE(Refresh().ok());
    Stop();
  }
}

// What remains: who puts back both is believed, until a client shows more.
TEST_F(RestoreTest, BothPutBackAreBelievedUntilAClientShowsItsTimestamp) {
  Start();
  Stop();
  Copy(data(), folder_ + "/backup");
  Start();
  ASSERT_TRUE(Revoke().ok());
  ASSERT_TRUE(Refresh().ok());
  Stop();
  Copy(folder_ + "/backup", data());
  Start();
  EXPECT_EQ(SigningStopped(), "") << "nothing here tells";
  // An unsigned claim stops nothing.
  {
    const auto stub = v1::AnchorService::NewStub(grpc::CreateChannel(
        service_->address(), grpc::InsecureChannelCredentials()));
    v1::GetUpdateRequest request;
    v1::GetUpdateResponse update;
    request.mutable_have()->set_timestamp_version(1000);
    for (const std::string& shown :
         {std::string(), std::string("{}"), current().files.timestamp}) {
      request.set_held_timestamp(shown);
      grpc::ClientContext context;
      SetDeadline(context);
      EXPECT_TRUE(stub->GetUpdate(&context, request, &update).ok());
    }
    request.set_held_timestamp(std::string(20'000, 'x'));
    grpc::ClientContext context;
    SetDeadline(context);
    EXPECT_EQ(stub->GetUpdate(&context, request, &update).error_code(),
              grpc::StatusCode::INVALID_ARGUMENT);
  }
  EXPECT_EQ(SigningStopped(), "");
  // The client refuses what it is given, and shows what it has.
  EXPECT_FALSE(Refresh().ok());
  EXPECT_THAT(SigningStopped(), ::testing::HasSubstr("a client has 2"));
  EXPECT_TRUE(IsStoreWentBack(Revoke()));
  Start();
  EXPECT_NE(SigningStopped(), "") << "a restart does not forget it";
  ASSERT_TRUE(Accept(HeldBundle()).ok());
  EXPECT_EQ(StatusServed(), AnchorStatus::kRevoked);
  EXPECT_EQ(current().timestamp_version, Leaped());
  ASSERT_TRUE(Refresh().ok());
  EXPECT_EQ(StatusInClient(), AnchorStatus::kRevoked);
}

TEST_F(RestoreTest, ARootThatOnlyClientsHaveTakesABundle) {
  Start();
  Stop();
  Copy(data() + "/store", folder_ + "/backup");
  // A year later trustd signs another root.
  now_ += 300 * kDay;
  Start();
  ASSERT_EQ(current().files.roots.size(), 2u);
  ASSERT_TRUE(Refresh().ok());
  const std::string root = current().files.roots.back();
  Stop();
  Copy(folder_ + "/backup", data() + "/store");
  Start();
  EXPECT_EQ(ReasonOf(Accept("")), "NOT_APPLICABLE")
      << "another root 2 would be signed";
  ASSERT_TRUE(Accept(HeldBundle()).ok());
  EXPECT_EQ(current().files.roots.back(), root);
  EXPECT_TRUE(Refresh().ok());
}

// --- backups ---------------------------------------------------------------------

TEST_F(RestoreTest, ABackupTakenUnderLoadIsRestoredAndClientsGoOn) {
  polls_ = true;
  anchors::Catalog shown = Seed();
  const auto show = [&](std::size_t anchors) {
    anchors::Catalog part = shown;
    part.anchors.resize(anchors);
    Write("aws.json", anchors::SerializeCatalog(part));
  };
  show(shown.anchors.size());
  Start();
  ASSERT_TRUE(Refresh().ok());
  // Publications and polls, from before the backup to after it.
  std::atomic<bool> stop = false;
  std::atomic<std::size_t> revoked = 1;
  std::thread publications([&] {
    for (; !stop && revoked < seed_.anchors.size(); ++revoked) {
      EXPECT_TRUE(Revoke(seed_.anchors[revoked]).ok());
    }
  });
  std::thread polls([&] {
    for (std::size_t turn = 0; !stop; ++turn) {
      show(shown.anchors.size() - turn % 7);
      EXPECT_TRUE(service_->PollNow("folder").ok());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  while (revoked < 5) std::this_thread::yield();
  trustd::BackupFacts backups[3];
  for (int i = 0; i < 3; ++i) {
    const grpc::Status status =
        Backup(absl::StrCat(folder_, "/backup", i), &backups[i]);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  stop = true;
  publications.join();
  polls.join();
  EXPECT_LT(backups[0].head.records, backups[2].head.records) << "it was busy";
  EXPECT_FALSE(fs::exists(data() + "/backup.checkpoint"));

  // What happens after the backup: the client has it, and the disk dies.
  ASSERT_TRUE(Revoke().ok());
  ASSERT_TRUE(Refresh().ok());
  ASSERT_EQ(StatusInClient(), AnchorStatus::kRevoked);
  const std::uint64_t published = current().catalog.sequence;
  ASSERT_GT(published, backups[0].publication->catalog.sequence);
  Stop();
  const auto restored = Restore(folder_ + "/backup0");
  ASSERT_TRUE(restored.ok()) << restored.status();
  polls_ = false;
  Start();
  EXPECT_EQ(current().catalog.sequence,
            backups[0].publication->catalog.sequence);
  EXPECT_EQ(current().timestamp_version, backups[0].head.timestamp_version);
  EXPECT_THAT(SigningStopped(), ::testing::HasSubstr("it was restored at"));
  EXPECT_THAT(SigningStopped(), ::testing::HasSubstr("disk 3 died"));
  EXPECT_TRUE(IsStoreWentBack(Revoke()));
  EXPECT_FALSE(Refresh().ok()) << "clients never go back";
  EXPECT_EQ(StatusInClient(), AnchorStatus::kRevoked);
  trustd::BackupFacts none;
  EXPECT_EQ(ReasonOf(Backup(folder_ + "/another", &none)), "STORE_WENT_BACK");

  ASSERT_TRUE(Accept(HeldBundle()).ok());
  EXPECT_GE(accepted_.sequence(), published + 1'000'000);
  EXPECT_EQ(StatusServed(), AnchorStatus::kRevoked);
  ASSERT_TRUE(Refresh().ok()) << "and they follow what is signed above";
  EXPECT_EQ(StatusInClient(), AnchorStatus::kRevoked);
  // The reason of the restore is on the record with that of the acceptance.
  bool recorded = false;
  ASSERT_TRUE(service_->mirror()
                  .ledger()
                  .Scan(0,
                        [&](std::uint64_t, const v1::LedgerRecord& record) {
                          if (!record.has_store()) return true;
                          recorded = true;
                          EXPECT_THAT(record.store().found(),
                                      ::testing::HasSubstr("disk 3 died"));
                          return true;
                        })
                  .ok());
  EXPECT_TRUE(recorded);
  Start();
  EXPECT_EQ(SigningStopped(), "");
  EXPECT_TRUE(Backup(folder_ + "/another", &none).ok());
}

TEST_F(RestoreTest, ACallerThatGoesAwayEndsTheBackup) {
  Start();
  const auto stub = v1::AdminService::NewStub(ConnectAs("olga"));
  {
    grpc::ClientContext context;
    SetDeadline(context);
    const auto reader = stub->Backup(&context, {});
    v1::BackupResponse piece;
    ASSERT_TRUE(reader->Read(&piece));
    EXPECT_TRUE(piece.has_manifest());
    context.TryCancel();
    EXPECT_FALSE(reader->Finish().ok());
  }
  // It is noticed soon, and the next is served.
  trustd::BackupFacts facts;
  grpc::Status status;
  for (int attempt = 0; attempt < 200; ++attempt) {
    status = Backup(absl::StrCat(folder_, "/backup", attempt), &facts);
    if (ReasonOf(status) != "TOO_MANY_REQUESTS") break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(ReasonOf(Backup(folder_ + "/alices", &facts, "alice")),
            "ROLE_INSUFFICIENT");
}

// --- MODE_OFFLINE ------------------------------------------------------------

class OfflineRestoreTest : public RestoreTest {
 protected:
  void SetUp() override {
    RestoreTest::SetUp();
    offline_ = true;
    auto online = *tuf::SoftwareKey::GenerateEd25519();
    fs::create_directories(data() + "/keys");
    Write("data/keys/online.pem", std::string(online->ToPem()->view()));
    tuf::RootSpec spec;
    spec.expires = kNow + 365 * kDay;
    for (const int person : {1, 2}) {
      spec.root.keys.push_back(tuf::TestKey(person)->public_key());
      spec.targets.keys.push_back(tuf::TestKey(person)->public_key());
    }
    spec.root.threshold = spec.targets.threshold = 2;
    spec.snapshot.keys = spec.timestamp.keys = {online->public_key()};
    ASSERT_TRUE(anchors::WriteRootDraft(ceremony(), spec).ok());
    Sign(DraftKind::kRoot);
    ASSERT_TRUE(anchors::PublishRootDraft(ceremony(), kNow).ok());
    Publish(1, AnchorStatus::kActive);
  }

  std::string ceremony() const { return data() + "/ceremony"; }

  void Sign(DraftKind kind) {
    for (const int person : {1, 2}) {
      ASSERT_TRUE(anchors::SignDraft(ceremony(),
                                     *anchors::ReadCeremony(ceremony()), kind,
                                     *tuf::TestKey(person), kNow)
                      .ok());
    }
  }
  void Publish(std::uint64_t sequence, AnchorStatus status) {
    anchors::Catalog catalog = Seed();
    catalog.sequence = sequence;
    catalog.anchors.front().status = status;
    ASSERT_TRUE(
        anchors::ProposeTargets(ceremony(),
                                {{std::string(anchors::kCatalogTargetPath),
                                  anchors::SerializeCatalog(catalog)}},
                                kNow + 365 * kDay, kNow)
            .ok());
    Sign(DraftKind::kTargets);
    ASSERT_TRUE(anchors::PublishTargetsDraft(ceremony(), kNow).ok());
  }
};

TEST_F(OfflineRestoreTest, WhatPeopleSignedComesBackWithABundle) {
  Start();
  Stop();
  Copy(data() + "/store", folder_ + "/backup");
  Copy(ceremony(), folder_ + "/ceremony.backup");
  Publish(2, AnchorStatus::kRevoked);
  Start();
  ASSERT_EQ(current().catalog.sequence, 2u);
  ASSERT_TRUE(Refresh().ok());
  const std::string targets = current().files.targets;
  Stop();
  Copy(folder_ + "/backup", data() + "/store");
  Copy(folder_ + "/ceremony.backup", ceremony());
  Start();
  EXPECT_EQ(current().catalog.sequence, 1u);
  EXPECT_NE(SigningStopped(), "");
  ASSERT_TRUE(Accept(HeldBundle()).ok());
  EXPECT_EQ(current().files.targets, targets) << "as people signed it";
  EXPECT_EQ(StatusServed(), AnchorStatus::kRevoked);
  EXPECT_EQ(current().next_sequence, Leaped() + 1)
      << "what is proposed is above what may be lost";
  EXPECT_TRUE(Refresh().ok());
  // What people sign next is taken.
  Publish(2, AnchorStatus::kRevoked);
  Start();
  EXPECT_EQ(SigningStopped(), "");
}

TEST_F(OfflineRestoreTest, WithoutABundlePeoplesFolderBringsItBack) {
  Start();
  Stop();
  Copy(data() + "/store", folder_ + "/backup");
  Publish(2, AnchorStatus::kRevoked);
  Start();
  ASSERT_EQ(current().catalog.sequence, 2u);
  ASSERT_TRUE(Refresh().ok());
  Stop();
  Copy(folder_ + "/backup", data() + "/store");
  Start();
  EXPECT_EQ(current().catalog.sequence, 1u);
  EXPECT_NE(SigningStopped(), "") << "the folder alone makes nothing good";
  ASSERT_TRUE(Accept("").ok());
  EXPECT_THAT(accepted_.notes(),
              ::testing::Contains(::testing::HasSubstr("ceremony_dir")));
  Start();
  EXPECT_EQ(current().catalog.sequence, 2u);
  EXPECT_EQ(StatusServed(), AnchorStatus::kRevoked);
  EXPECT_TRUE(Refresh().ok());
}

}  // namespace
}  // namespace anchorage::test

int main(int argc, char** argv) {
  spdlog::set_level(spdlog::level::off);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
