// Stores and a cache that the programs of earlier commits wrote
// (test/vectors/store_v2 and store_v3), under those of today: a MODE_ONLINE trustd with a
// re-key that two people approved (1), one that alice alone approved (2), a
// revocation and a retirement with times; a MODE_OFFLINE one with a re-key that
// two people approved and nobody has signed (1).

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "anchors/base/atomic_file.h"
#include "anchors/catalog.h"
#include "client/trust_client.h"
#include "test/support/test_authority.h"
#include "trustd/backup/backup_folder.h"
#include "trustd/backup/restore.h"
#include "trustd/base/rocksdb_store.h"
#include "trustd/base/store_keys.h"
#include "trustd/config.h"
#include "trustd/service.h"

namespace anchorage::test {
namespace {

namespace fs = std::filesystem;
using trustd::TestAuthority;
using verify::AnchorKind;
using verify::AnchorStatus;

constexpr char kVectors[] = "test/vectors/store_v2/";
constexpr char kVectors3[] = "test/vectors/store_v3/";

std::string Read(const std::string& path) {
  const auto bytes = anchors::ReadFile(path, 4 << 20);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  return bytes.value_or("");
}

class UpgradeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    std::string error;
    ASSERT_TRUE(absl::ParseTime(
        absl::RFC3339_full,
        absl::StripSuffix(Read(absl::StrCat(vectors_, "made")), "\n"), &now_,
        &error))
        << error;
    now_ += absl::Hours(1);
    const trustd::TlsIdentity server =
        servers_.Issue({.names = {"trustd"},
                        .alternative_names = "IP:127.0.0.1",
                        .purpose = "serverAuth"});
    Write("cert.pem", server.certificate);
    Write("key.pem", server.key);
    Write("people.pem", people_.pem());
  }

  void Write(const std::string& name, const std::string& bytes) {
    ASSERT_TRUE(anchors::WriteFileAtomically(folder_ + "/" + name, bytes,
                                             anchors::FileAccess::kPrivate)
                    .ok());
  }

  // A copy of what was left behind, which may be written.
  void Copy(const std::string& name) {
    fs::copy(vectors_ + name, folder_ + "/" + name,
             fs::copy_options::recursive);
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
      fs::permissions(entry.path(),
                      entry.is_directory()
                          ? fs::perms::owner_all
                          : fs::perms::owner_read | fs::perms::owner_write);
    }
  }

  void Start(const std::string& name, const std::string& mode) {
    service_.reset();
    const auto config = trustd::ParseConfig(
        absl::StrCat("data_dir: ", name, "\nmode: ", mode,
                     "\nlisten_address: 127.0.0.1:0\nshutdown_grace: 1s\n"
                     "rotations: {approvals: 2}\n"
                     "sources:\n"
                     "  - name: folder\n"
                     "    directory: {path: ",
                     name,
                     ".aws}\n"
                     "admin:\n"
                     "  listen_address: 127.0.0.1:0\n"
                     "  tls: {certificate_path: cert.pem, key_path: key.pem}\n"
                     "  client_ca_path: people.pem\n"
                     "  people:\n"
                     "    - {name: olga, role: ROLE_OPERATOR}\n"
                     "    - {name: alice, role: ROLE_APPROVER}\n"),
        folder_ + "/trustd.yaml");
    ASSERT_TRUE(config.ok()) << config.status();
    auto service = trustd::Service::Start(*config, [this] { return now_; });
    ASSERT_TRUE(service.ok()) << service.status();
    service_ = *std::move(service);
    ASSERT_TRUE(service_->mirror().ledger().health().ok());
  }

  v1::Rotation The(std::uint64_t id) const {
    const auto rotation = service_->mirror().FindRotation(id);
    EXPECT_TRUE(rotation.has_value()) << id;
    return rotation.value_or(v1::Rotation());
  }

  void Approve(std::uint64_t id, const std::string& by) {
    const auto decided =
        service_->mirror().Decide({.rotation_id = id,
                                   .kind = v1::Decision::KIND_APPROVE,
                                   .by = by,
                                   .why = "once more",
                                   .effect_sha256 = The(id).effect_sha256()},
                                  now_);
    ASSERT_TRUE(decided.ok()) << decided.status();
  }

  // How often the record says that approvals became void.
  int VoidFacts() const {
    int facts = 0;
    EXPECT_TRUE(service_->mirror()
                    .ledger()
                    .Scan(0,
                          [&](std::uint64_t, const v1::LedgerRecord& record) {
                            facts += record.has_approvals_void();
                            return true;
                          })
                    .ok());
    return facts;
  }

  anchors::CatalogAnchor Anchor(const std::string& region,
                                AnchorKind kind) const {
    const verify::Slot slot{"aws", region, kind};
    for (const auto& anchor : service_->publication()->catalog.anchors) {
      if (anchor.slot == slot) return anchor;
    }
    ADD_FAILURE() << "no anchor in " << verify::ToString(slot);
    return {};
  }

  std::string Schema(const std::string& name) const {
    const auto store =
        trustd::RocksDbStore::OpenForReading(folder_ + "/" + name + "/store");
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? (*store)->Get(trustd::keys::kSchema)->value_or("") : "";
  }

  std::string vectors_ = kVectors;
  const TestAuthority servers_{"servers"};
  const TestAuthority people_{"people"};
  std::string folder_;
  absl::Time now_;
  std::unique_ptr<trustd::Service> service_;
};

TEST_F(UpgradeTest, WhatWasPublishedIsServed) {
  Copy("online");
  Copy("online.aws");
  Start("online", "MODE_ONLINE");
  EXPECT_EQ(service_->publication()->catalog.sequence, 4u);
  EXPECT_EQ(Anchor("eu-south-1", AnchorKind::kIidRsa2048).status,
            AnchorStatus::kRevoked);
  const auto retiring = Anchor("eu-north-1", AnchorKind::kIidRsa1024);
  EXPECT_EQ(retiring.status, AnchorStatus::kRetiring);
  EXPECT_TRUE(retiring.valid_until.has_value());
  EXPECT_TRUE(retiring.accept_until.has_value());
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_PUBLISHED);
  EXPECT_EQ(The(1).decisions_size(), 2);
  // It is signed on.
  now_ += absl::Hours(24 * 6);
  const std::uint64_t before = service_->publication()->timestamp_version;
  Start("online", "MODE_ONLINE");
  EXPECT_GT(service_->publication()->timestamp_version, before);
  EXPECT_EQ(service_->publication()->catalog.sequence, 4u);
}

TEST_F(UpgradeTest, OldApprovalsStayOnTheRecordAndNoLongerCount) {
  Copy("online");
  Copy("online.aws");
  Start("online", "MODE_ONLINE");
  ASSERT_EQ(The(2).decisions_size(), 1);
  EXPECT_EQ(The(2).decisions(0).by(), "alice");
  EXPECT_EQ(VoidFacts(), 1) << "and people are told";
  Approve(2, "olga");
  EXPECT_EQ(The(2).state(), v1::ROTATION_STATE_DETECTED);
  Approve(2, "alice");
  EXPECT_EQ(The(2).state(), v1::ROTATION_STATE_PUBLISHED);
  EXPECT_EQ(The(2).decisions_size(), 3);
  EXPECT_EQ(service_->publication()->catalog.sequence, 5u);
}

TEST_F(UpgradeTest, WhatWasApprovedAndNotSignedWaitsForPeople) {
  Copy("offline");
  Copy("offline.aws");
  ASSERT_TRUE(fs::exists(folder_ + "/offline/proposal.json"));
  Start("offline", "MODE_OFFLINE");
  EXPECT_EQ(service_->publication()->catalog.sequence, 1u);
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(The(1).reason(), "its approvals no longer count");
  EXPECT_EQ(The(1).decisions_size(), 2);
  EXPECT_FALSE(fs::exists(folder_ + "/offline/proposal.json"));
  Approve(1, "alice");
  Approve(1, "olga");
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_APPROVED);
  EXPECT_TRUE(fs::exists(folder_ + "/offline/proposal.json"));
}

// A program of before knows schema 2, and would count approvals that are void.
TEST_F(UpgradeTest, TheStoreIsNoLongerForProgramsOfBefore) {
  for (const std::string name : {"online", "offline"}) {
    Copy(name);
    Copy(name + ".aws");
    EXPECT_EQ(Schema(name), "2");
    Start(name, name == "online" ? "MODE_ONLINE" : "MODE_OFFLINE");
    EXPECT_EQ(Schema(name), absl::StrCat(trustd::kSchemaVersion));
  }
}

// --- schema 3 ------------------------------------------------------------------

class UpgradeFrom3Test : public UpgradeTest {
 protected:
  UpgradeFrom3Test() { vectors_ = kVectors3; }
};

TEST_F(UpgradeFrom3Test, ItGoesOnAndApprovalsCount) {
  Copy("online");
  Copy("online.aws");
  EXPECT_EQ(Schema("online"), "3");
  Start("online", "MODE_ONLINE");
  EXPECT_EQ(Schema("online"), absl::StrCat(trustd::kSchemaVersion));
  EXPECT_EQ(service_->publication()->catalog.sequence, 4u);
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_PUBLISHED);
  EXPECT_EQ(VoidFacts(), 0);
  Approve(2, "olga");
  EXPECT_EQ(The(2).state(), v1::ROTATION_STATE_PUBLISHED) << "alice's counts";
  EXPECT_EQ(service_->publication()->catalog.sequence, 5u);
}

TEST_F(UpgradeFrom3Test, WhatWasProposedStaysProposed) {
  Copy("offline");
  Copy("offline.aws");
  Start("offline", "MODE_OFFLINE");
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_APPROVED);
  EXPECT_TRUE(fs::exists(folder_ + "/offline/proposal.json"));
}

// A program of before would sign what was restored and nobody has accepted.
TEST_F(UpgradeFrom3Test, ProgramsOfBeforeRefuseTheStoreAndSayWhatToDo) {
  Copy("online");
  Copy("online.aws");
  Start("online", "MODE_ONLINE");
  service_.reset();
  // This program is one of before to a store of the next.
  {
    auto store = trustd::RocksDbStore::Open(folder_ + "/online/store");
    ASSERT_TRUE(store.ok()) << store.status();
    trustd::StoreBatch batch;
    batch.Put(trustd::keys::kSchema, absl::StrCat(trustd::kSchemaVersion + 1));
    ASSERT_TRUE((*store)->Commit(batch).ok());
  }
  const absl::Status refused =
      trustd::RocksDbStore::Open(folder_ + "/online/store").status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_NE(refused.message().find("run that one"), std::string_view::npos);
}

// A copy that was made with the program of before, described by this one.
TEST_F(UpgradeFrom3Test, ABackupOfBeforeIsRestored) {
  Copy("online");
  Copy("online.aws");
  const std::string backup = folder_ + "/backup";
  fs::create_directories(backup);
  fs::copy(folder_ + "/online/store", backup + "/store",
           fs::copy_options::recursive);
  fs::copy(folder_ + "/online/store.head", backup + "/store.head");
  const auto manifest = trustd::DescribeBackup(backup, now_);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->store_schema(), 3);
  ASSERT_TRUE(anchors::WriteFileAtomically(backup + "/manifest.json",
                                           trustd::FormatManifest(*manifest))
                  .ok());
  // This program goes on, and is then put back to what was before it.
  Start("online", "MODE_ONLINE");
  Approve(2, "olga");
  service_.reset();
  const auto restored = trustd::RestoreBackup(
      backup, {.data_dir = folder_ + "/online"}, "the update was wrong", now_);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(Schema("online"), absl::StrCat(trustd::kSchemaVersion));
  Start("online", "MODE_ONLINE");
  EXPECT_EQ(service_->publication()->catalog.sequence, 4u);
  const auto decided =
      service_->mirror().Decide({.rotation_id = 2,
                                 .kind = v1::Decision::KIND_HOLD,
                                 .by = "olga",
                                 .why = "not now"},
                                now_);
  EXPECT_TRUE(trustd::IsStoreWentBack(decided.status())) << decided.status();
  EXPECT_EQ(The(2).state(), v1::ROTATION_STATE_DETECTED);
}

TEST_F(UpgradeTest, TheCacheIsUsed) {
  Copy("cache");
  client::TrustClientOptions options;
  options.trusted_root = Read(absl::StrCat(kVectors, "cache.root.json"));
  options.cache_folder = folder_ + "/cache";
  options.background_refresh = false;
  options.clock = [this] { return now_; };
  const auto client = client::TrustClient::Create(options);
  ASSERT_TRUE(client.ok()) << client.status();
  const client::TrustClientState state = (*client)->state();
  EXPECT_TRUE(state.cache.ok()) << state.cache;
  EXPECT_EQ(state.provenance.sequence, 4u);
  EXPECT_EQ(state.freshness, verify::Freshness::kFresh);
}

}  // namespace
}  // namespace anchorage::test
