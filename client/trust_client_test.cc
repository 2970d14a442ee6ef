#include "client/trust_client.h"

#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anchors/baked/baked.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/version.h"
#include "anchors/bundle_proto.h"
#include "anchors/catalog.h"
#include "anchors/images/image_index.h"
#include "anchors/publishing/repository_writer.h"
#include "anchors/publishing/signer.h"
#include "anchors/releases.h"
#include "anchors/tuf/tuf_error.h"
#include "proto/anchorage/v1/anchor_service.grpc.pb.h"
#include "proto/anchorage/v1/report_service.grpc.pb.h"
#include "test/support/set_clock.h"
#include "verify/reason.h"

namespace anchorage::client {
namespace {

namespace tuf = anchors::tuf;
using tuf::TufReason;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kTimestampLife = absl::Hours(24 * 7);

// A list of that sequence, whose one release has that status.
std::string Releases(
    std::uint64_t sequence,
    verify::ReleaseStatus status = verify::ReleaseStatus::kActive) {
  anchors::Release release;
  release.product = "signer";
  release.name = "2.3.0";
  release.measurements = {{0, std::string(48, 'a')}};
  release.status = status;
  release.notes = "the first";
  anchors::ReleaseList list;
  list.sequence = sequence;
  list.created = kNow;
  list.releases = {release};
  return anchors::SerializeReleases(list);
}

// An index of that sequence, whose one image has that status.
std::string Images(std::uint64_t sequence, anchors::ImageStatus status =
                                               anchors::ImageStatus::kActive) {
  anchors::Image image;
  image.product = "ledger";
  image.version = "1.2";
  image.producer = "acme";
  image.status = status;
  image.manifest_sha256 = std::string(64, 'a');
  image.bundle_sha256 = std::string(64, 'b');
  image.chunks = {{1, std::string(64, 'c')}};
  image.received = kNow;
  anchors::ImageIndex index;
  index.sequence = sequence;
  index.created = kNow;
  index.images = {image};
  return anchors::SerializeImageIndex(index);
}

// A repository whose files a test can publish, spoil and withhold.
class FakeRepository {
 public:
  FakeRepository() : key_(*tuf::SoftwareKey::GenerateEd25519()) {
    tuf::RootSpec root;
    root.expires = kNow + absl::Hours(24 * 365);
    for (tuf::RoleSpec* role :
         {&root.root, &root.targets, &root.snapshot, &root.timestamp}) {
      role->keys = {key_->public_key()};
    }
    root_ = Sign(tuf::WriteRoot(root));
    Publish(1, 1, kNow);
  }

  // Signs a catalog of that sequence as version `version` of everything.
  void Publish(std::uint64_t sequence, std::int64_t version, absl::Time now) {
    auto catalog =
        anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
    catalog->sequence = sequence;
    Publish(anchors::SerializeCatalog(*catalog), version, now);
  }

  void Publish(const std::string& catalog, std::int64_t version,
               absl::Time now) {
    response_.clear_roots();
    for (const std::string& root : newer_roots_) response_.add_roots(root);
    response_.set_catalog(catalog);
    tuf::TargetsSpec targets;
    targets.version = version;
    targets.expires = now + absl::Hours(24 * 365);
    targets.targets.emplace(anchors::kCatalogTargetPath,
                            tuf::DescribeTarget(catalog));
    response_.set_releases(releases);
    if (!releases.empty()) {
      targets.targets.emplace(anchors::kReleasesTargetPath,
                              tuf::DescribeTarget(releases));
    }
    response_.clear_other_targets();
    for (const auto& [path, bytes] : others) {
      targets.targets.emplace(path, tuf::DescribeTarget(bytes));
      anchors::AddTarget(path, bytes, response_);
    }
    response_.set_targets(Sign(tuf::WriteTargets(targets)));
    tuf::SnapshotSpec snapshot;
    snapshot.version = version;
    snapshot.expires = targets.expires;
    snapshot.files.emplace("targets.json",
                           tuf::DescribeMetaFile(version, response_.targets()));
    response_.set_snapshot(Sign(tuf::WriteSnapshot(snapshot)));
    tuf::TimestampSpec timestamp;
    timestamp.version = version;
    timestamp.expires = now + kTimestampLife;
    timestamp.snapshot = tuf::DescribeMetaFile(version, response_.snapshot());
    response_.set_timestamp(Sign(tuf::WriteTimestamp(timestamp)));
  }

  // Published from the next Publish() on; empty: none.
  std::string releases;
  // The same of other targets, by their paths.
  anchors::ByPath others;

  // Signs the next root, to be published from now on.
  void RotateRoot() {
    const auto last =
        tuf::ParseRoot(newer_roots_.empty() ? root_ : newer_roots_.back());
    newer_roots_.push_back(Sign(tuf::WriteRoot(
        tuf::NextRootSpec(*last, kNow + absl::Hours(24 * 365)))));
  }

  // What clients are built with.
  const std::string& root() const { return root_; }
  v1::GetUpdateResponse& response() { return response_; }

 private:
  std::string Sign(const absl::StatusOr<std::string>& file) const {
    return *tuf::SignNew(*file, {key_.get()});
  }

  const std::unique_ptr<tuf::SoftwareKey> key_;
  std::string root_;
  std::vector<std::string> newer_roots_;
  v1::GetUpdateResponse response_;
};

class FakeReports final : public v1::ReportService::Service {
 public:
  grpc::Status ReportOutcomes(grpc::ServerContext*,
                              const v1::ReportOutcomesRequest* request,
                              v1::ReportOutcomesResponse* response) override {
    requests.push_back(*request);
    response->set_seconds_until_next(7200);
    return status;
  }

  grpc::Status status;
  std::vector<v1::ReportOutcomesRequest> requests;
};

// A trustd that answers what it is told to, whatever the caller has.
class FakeTrustd final : public v1::AnchorService::Service {
 public:
  FakeTrustd() { Start("127.0.0.1:0"); }

  grpc::Status GetUpdate(grpc::ServerContext*,
                         const v1::GetUpdateRequest* request,
                         v1::GetUpdateResponse* response) override {
    ++calls;
    have = request->have();
    held_timestamp = request->held_timestamp();
    if (!status.ok()) return status;
    *response = repository.response();
    return grpc::Status::OK;
  }

  void Stop() { server_->Shutdown(); }
  const std::string& address() const { return address_; }

  FakeRepository repository;
  FakeReports reports;
  grpc::Status status;
  int calls = 0;
  // Of the last call.
  v1::BundleVersions have;
  std::string held_timestamp;

 private:
  void Start(const std::string& address) {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    builder.RegisterService(&reports);
    server_ = builder.BuildAndStart();
    address_ = absl::StrCat("127.0.0.1:", port);
  }

  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

class TrustClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
  }

  TrustClientOptions Options() {
    TrustClientOptions options;
    options.server = trustd_.address();
    options.trusted_root = trustd_.repository.root();
    options.plaintext = true;
    options.cache_folder = folder_;
    options.background_refresh = false;
    options.rpc_timeout = absl::Seconds(5);
    options.clock = [this] { return now_; };
    return options;
  }

  std::unique_ptr<TrustClient> Make() { return Make(Options()); }
  static std::unique_ptr<TrustClient> Make(TrustClientOptions options) {
    auto client = TrustClient::Create(std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  void Overwrite(const std::string& file, const std::string& bytes) {
    std::ofstream(folder_ + "/" + file, std::ios::binary) << bytes;
  }

  absl::Time now_ = kNow;
  FakeTrustd trustd_;
  std::string folder_;
};

std::optional<TufReason> RefusalOf(const absl::Status& status) {
  return tuf::TufReasonOf(status);
}

TEST_F(TrustClientTest, HasTheBakedInSetAtOnce) {
  now_ = anchors::DefaultBakedBundle().as_of;
  const auto client = Make();
  const TrustClientState state = client->state();
  EXPECT_EQ(state.provenance.origin, verify::Origin::kBakedIn);
  EXPECT_EQ(state.freshness, verify::Freshness::kBakedIn);
  EXPECT_EQ(state.regions, 39);
  EXPECT_EQ(trustd_.calls, 0);
}

TEST_F(TrustClientTest, AdoptsWhatTheServerSigned) {
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  const TrustClientState state = client->state();
  EXPECT_EQ(state.provenance.origin, verify::Origin::kServer);
  EXPECT_EQ(state.freshness, verify::Freshness::kFresh);
  EXPECT_EQ(state.provenance.as_of, kNow);
  EXPECT_EQ(state.provenance.fresh_until, kNow + kTimestampLife);
  EXPECT_EQ(state.refreshed, 1u);
  EXPECT_EQ(trustd_.calls, 1) << "one round trip for everything";
}

TEST_F(TrustClientTest, StartsFromItsCacheTheNextTime) {
  trustd_.repository.Publish(7, 7, kNow);
  ASSERT_TRUE(Make()->Refresh().ok());
  trustd_.Stop();
  const auto client = Make();
  EXPECT_EQ(client->state().provenance.origin, verify::Origin::kCache);
  EXPECT_EQ(client->state().provenance.sequence, 7u);
  EXPECT_EQ(client->state().freshness, verify::Freshness::kFresh);
  EXPECT_EQ(RefusalOf(client->Refresh()), TufReason::kFetchFailed);
  EXPECT_EQ(client->state().unreachable, 1u);
  EXPECT_EQ(client->state().provenance.sequence, 7u);
}

TEST_F(TrustClientTest, HasNoReleasesWhereTheBundleHasNone) {
  const auto client = Make();
  EXPECT_EQ(client->releases(), nullptr);
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(client->releases(), nullptr);
  EXPECT_EQ(client->release_list(), nullptr);
}

TEST_F(TrustClientTest, AdoptsTheReleasesWithTheCatalog) {
  trustd_.repository.releases = Releases(4);
  trustd_.repository.Publish(2, 2, kNow);
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(trustd_.calls, 1) << "one round trip for everything";
  ASSERT_NE(client->releases(), nullptr);
  EXPECT_EQ(client->releases()
                ->Of(verify::AttestationType::kEnclave, "signer")
                .size(),
            1u);
  EXPECT_EQ(client->release_list()->sequence, 4u);
  EXPECT_EQ(client->release_list()->releases[0].notes, "the first");
  EXPECT_EQ(client->state().releases, 1);
}

TEST_F(TrustClientTest, KeepsTheReleasesInItsCache) {
  trustd_.repository.releases = Releases(4);
  trustd_.repository.Publish(2, 2, kNow);
  ASSERT_TRUE(Make()->Refresh().ok());
  trustd_.Stop();
  const auto client = Make();
  EXPECT_EQ(client->state().provenance.origin, verify::Origin::kCache);
  ASSERT_NE(client->release_list(), nullptr);
  EXPECT_EQ(client->release_list()->sequence, 4u);
}

TEST_F(TrustClientTest, AsksForNoReleasesThatItHas) {
  trustd_.repository.releases = Releases(4);
  trustd_.repository.Publish(2, 2, kNow);
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  // The timestamp alone is newer, and the server sends nothing else.
  trustd_.repository.Publish(2, 3, kNow);
  trustd_.repository.response().clear_releases();
  trustd_.repository.response().clear_catalog();
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(trustd_.have.releases_sha256().size(), 64u);
  EXPECT_EQ(trustd_.calls, 2);
  EXPECT_EQ(client->release_list()->sequence, 4u);
}

TEST_F(TrustClientTest, LearnsThatAReleaseWasRevokedAndThatTheListIsGone) {
  trustd_.repository.releases = Releases(1);
  trustd_.repository.Publish(1, 2, kNow);
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(client->releases()->releases()[0].status,
            verify::ReleaseStatus::kActive);
  trustd_.repository.releases = Releases(2, verify::ReleaseStatus::kRevoked);
  trustd_.repository.Publish(1, 3, kNow);
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(client->releases()->releases()[0].status,
            verify::ReleaseStatus::kRevoked);
  trustd_.repository.releases.clear();
  trustd_.repository.Publish(1, 4, kNow);
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(client->releases(), nullptr);
  EXPECT_EQ(Make()->releases(), nullptr) << "nor in the cache";
}

TEST_F(TrustClientTest, ABundleWithoutAListDoesNotMakeAnOldListNew) {
  trustd_.repository.releases = Releases(5, verify::ReleaseStatus::kRevoked);
  trustd_.repository.Publish(1, 2, kNow);
  auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  trustd_.repository.releases.clear();
  trustd_.repository.Publish(1, 3, kNow);
  ASSERT_TRUE(client->Refresh().ok());
  client = nullptr;
  client = Make();
  trustd_.repository.releases = Releases(4);
  trustd_.repository.Publish(1, 4, kNow);
  EXPECT_EQ(RefusalOf(client->Refresh()), TufReason::kSequenceRollback);
}

TEST_F(TrustClientTest, LearnsThatAnImageIsWithdrawnAndDoesNotGoBack) {
  const std::string path(anchors::kImagesTargetPath);
  const auto client = Make();
  EXPECT_EQ(client->images(), nullptr);
  trustd_.repository.others[path] = Images(1);
  trustd_.repository.Publish(1, 2, kNow);
  ASSERT_TRUE(client->Refresh().ok());
  ASSERT_NE(client->images(), nullptr);
  EXPECT_EQ(client->images()->images[0].status, anchors::ImageStatus::kActive);
  EXPECT_EQ(client->producers(), nullptr);
  trustd_.repository.others[path] = Images(2, anchors::ImageStatus::kWithdrawn);
  trustd_.repository.Publish(1, 3, kNow);
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(client->images()->images[0].status,
            anchors::ImageStatus::kWithdrawn);
  // An older index, signed anew.
  trustd_.repository.others[path] = Images(1);
  trustd_.repository.Publish(1, 4, kNow);
  EXPECT_EQ(RefusalOf(client->Refresh()), TufReason::kSequenceRollback);
  EXPECT_EQ(client->images()->sequence, 2u);
}

TEST_F(TrustClientTest, RefusesABundleThatIsWithoutTheIndexItHad) {
  trustd_.repository.others[std::string(anchors::kImagesTargetPath)] =
      Images(2, anchors::ImageStatus::kWithdrawn);
  trustd_.repository.Publish(1, 2, kNow);
  auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  trustd_.repository.others.clear();
  trustd_.repository.Publish(1, 3, kNow);
  EXPECT_EQ(RefusalOf(client->Refresh()), TufReason::kSequenceRollback);
  EXPECT_EQ(client->images()->sequence, 2u);
  client = nullptr;
  client = Make();
  EXPECT_EQ(client->images()->sequence, 2u) << "it is in the cache";
  EXPECT_EQ(RefusalOf(client->Refresh()), TufReason::kSequenceRollback);
}

TEST_F(TrustClientTest, AdoptsNothingWhereTheReleasesAreWithheld) {
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  trustd_.repository.releases = Releases(4);
  trustd_.repository.Publish(2, 2, kNow);
  trustd_.repository.response().clear_releases();
  EXPECT_EQ(RefusalOf(client->Refresh()), TufReason::kFileNotOnServer);
  EXPECT_EQ(client->state().provenance.sequence, 1u);
}

// Over HTTP the client would buffer whatever length the targets name. It is not
// asked for: the server does not have it either.
TEST_F(TrustClientTest, DownloadsNoTargetAboveItsLimit) {
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  trustd_.repository.releases =
      std::string(anchors::kMaxReleasesBytes + 1, ' ');
  trustd_.repository.Publish(2, 2, kNow);
  trustd_.repository.response().clear_releases();
  EXPECT_EQ(verify::ReasonOf(client->Refresh()),
            verify::Reason::kInputTooLarge);
  EXPECT_EQ(client->state().rejected, 1u);
  EXPECT_EQ(client->state().provenance.sequence, 1u);
}

TEST_F(TrustClientTest, BelievesNoReleasesThatTheTargetsDoNotName) {
  trustd_.repository.response().set_releases(Releases(4));
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(client->releases(), nullptr);
}

TEST_F(TrustClientTest, GoesDownTheLadderAndNeverUp) {
  ASSERT_TRUE(Make()->Refresh().ok());
  const auto client = Make();
  const auto at = [&](absl::Duration later) {
    now_ = kNow + kTimestampLife + later;
    return client->state().freshness;
  };
  EXPECT_EQ(at(absl::ZeroDuration()), verify::Freshness::kFresh);
  EXPECT_EQ(at(absl::Seconds(1)), verify::Freshness::kStale);
  EXPECT_EQ(at(absl::Hours(30 * 24)), verify::Freshness::kStale);
  EXPECT_EQ(at(absl::Hours(30 * 24) + absl::Seconds(1)),
            verify::Freshness::kExpired);
}

TEST_F(TrustClientTest, WhenExpiredDecidesByKindOfEvidence) {
  ASSERT_TRUE(Make()->Refresh().ok());
  const auto client = Make();
  now_ = kNow + absl::Hours(365 * 24);
  const auto enclave =
      verify::EnclavePolicy::Builder().AuthenticityOnly("test").Build();
  ASSERT_TRUE(enclave.ok());
  EXPECT_EQ(verify::ReasonOf(client->VerifyEnclave("x", *enclave).status()),
            verify::Reason::kAnchorsExpired);
  const auto identity = verify::IdentityPolicy::AuthenticityOnly("test");
  const auto verdict = client->VerifyIdentity(
      {std::nullopt, verify::IdentityForm::kRsa2048, "x"}, *identity);
  EXPECT_NE(verify::ReasonOf(verdict.status()),
            verify::Reason::kAnchorsExpired);
}

// What a server must not be able to do, and the check that stops it. After
// each, the set is the one that was verified before.
struct Misdeed {
  const char* name;
  void (*commit)(FakeTrustd& trustd);
  std::optional<TufReason> refusal;
};

class TrustClientRefuses : public TrustClientTest,
                           public ::testing::WithParamInterface<Misdeed> {};

TEST_P(TrustClientRefuses, AndKeepsTheLastVerifiedSet) {
  trustd_.repository.releases = Releases(5);
  trustd_.repository.Publish(5, 5, kNow);
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  const auto before = client->anchors();
  const auto releases_before = client->releases();
  GetParam().commit(trustd_);

  const absl::Status status = client->Refresh();

  EXPECT_FALSE(status.ok());
  EXPECT_EQ(RefusalOf(status), GetParam().refusal) << status;
  EXPECT_EQ(client->anchors(), before);
  EXPECT_EQ(client->releases(), releases_before);
  EXPECT_EQ(client->state().rejected, 1u);
  // And the cache still holds it.
  EXPECT_EQ(Make()->state().provenance.sequence, 5u);
}

void Flip(std::string& bytes, std::string_view after) {
  bytes[bytes.find(after) + after.size() + 2] ^= 1;
}

INSTANTIATE_TEST_SUITE_P(
    TrustClient, TrustClientRefuses,
    ::testing::Values(
        Misdeed{"AnOlderTimestamp",
                [](FakeTrustd& t) { t.repository.Publish(5, 4, kNow); },
                TufReason::kTimestampRollback},
        Misdeed{"AnOlderCatalogUnderNewerVersions",
                [](FakeTrustd& t) { t.repository.Publish(4, 6, kNow); },
                TufReason::kSequenceRollback},
        Misdeed{"AnExpiredTimestamp",
                [](FakeTrustd& t) {
                  t.repository.Publish(6, 6, kNow - absl::Hours(24 * 8));
                },
                TufReason::kTimestampExpired},
        Misdeed{"AnUnsignedChange",
                [](FakeTrustd& t) {
                  t.repository.Publish(6, 6, kNow);
                  Flip(*t.repository.response().mutable_timestamp(),
                       "\"sig\":\"");
                },
                TufReason::kThresholdNotMet},
        Misdeed{"AnotherSnapshot",
                [](FakeTrustd& t) {
                  t.repository.Publish(7, 7, kNow);
                  const std::string snapshot =
                      t.repository.response().snapshot();
                  t.repository.Publish(6, 6, kNow);
                  t.repository.response().set_snapshot(snapshot);
                },
                TufReason::kHashMismatch},
        Misdeed{"AChangedCatalog",
                [](FakeTrustd& t) {
                  t.repository.Publish(6, 6, kNow);
                  Flip(*t.repository.response().mutable_catalog(),
                       "\"spkiDer\":\"");
                },
                TufReason::kTargetHashMismatch},
        Misdeed{"ASignedCatalogThatIsNone",
                [](FakeTrustd& t) { t.repository.Publish("{}", 6, kNow); },
                std::nullopt},
        Misdeed{"ChangedReleases",
                [](FakeTrustd& t) {
                  t.repository.releases = Releases(6);
                  t.repository.Publish(6, 6, kNow);
                  Flip(*t.repository.response().mutable_releases(),
                       "\"name\":\"");
                },
                TufReason::kTargetHashMismatch},
        Misdeed{"ReleasesCutShort",
                [](FakeTrustd& t) {
                  t.repository.releases = Releases(6);
                  t.repository.Publish(6, 6, kNow);
                  t.repository.response().mutable_releases()->pop_back();
                },
                TufReason::kTargetLengthMismatch},
        Misdeed{"OlderReleasesUnderNewerVersions",
                [](FakeTrustd& t) {
                  t.repository.releases = Releases(4);
                  t.repository.Publish(6, 6, kNow);
                },
                TufReason::kSequenceRollback},
        Misdeed{"SignedReleasesThatAreNone",
                [](FakeTrustd& t) {
                  t.repository.releases = "{}";
                  t.repository.Publish(6, 6, kNow);
                },
                std::nullopt},
        Misdeed{"AnotherRepository",
                [](FakeTrustd& t) {
                  FakeRepository other;
                  other.Publish(9, 9, kNow);
                  t.repository.response() = other.response();
                },
                TufReason::kThresholdNotMet}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(TrustClientTest, AnErrorIsNotNothingNewer) {
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  for (const grpc::StatusCode code :
       {grpc::StatusCode::NOT_FOUND, grpc::StatusCode::OUT_OF_RANGE,
        grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::INTERNAL}) {
    trustd_.status = grpc::Status(code, "made up");
    EXPECT_EQ(RefusalOf(client->Refresh()), TufReason::kFetchFailed);
  }
}

TEST_F(TrustClientTest, ACachedBundleThatWasEditedIsNotUsed) {
  trustd_.repository.Publish(3, 3, kNow);
  ASSERT_TRUE(Make()->Refresh().ok());
  std::ifstream in(folder_ + "/last_verified.bundle", std::ios::binary);
  const std::string good(std::istreambuf_iterator<char>(in), {});
  std::vector<std::string> bad = {"", "x", good.substr(0, good.size() / 2)};
  for (std::size_t at = 1; at < good.size(); at += good.size() / 50) {
    bad.push_back(good);
    bad.back()[at] ^= 1;
  }
  for (const std::string& bytes : bad) {
    Overwrite("last_verified.bundle", bytes);
    const auto client = Make();
    EXPECT_EQ(client->state().provenance.origin, verify::Origin::kBakedIn);
    EXPECT_FALSE(client->state().cache.ok());
  }
  Overwrite("last_verified.bundle", good);
  EXPECT_EQ(Make()->state().provenance.origin, verify::Origin::kCache);
}

TEST_F(TrustClientTest, AnEditedCacheIsMendedByTheNextRefresh) {
  trustd_.repository.Publish(3, 3, kNow);
  ASSERT_TRUE(Make()->Refresh().ok());
  Overwrite("last_verified.bundle", "x");
  Overwrite("timestamp.json", "{}");
  {
    const auto client = Make();
    ASSERT_TRUE(client->Refresh().ok());
    EXPECT_EQ(client->state().provenance.sequence, 3u);
  }
  EXPECT_EQ(Make()->state().provenance.origin, verify::Origin::kCache);
}

TEST_F(TrustClientTest, AnOldBundleInTheCacheDoesNotBringOldMetadataBack) {
  trustd_.repository.Publish(3, 3, kNow);
  ASSERT_TRUE(Make()->Refresh().ok());
  std::ifstream in(folder_ + "/last_verified.bundle", std::ios::binary);
  const std::string old(std::istreambuf_iterator<char>(in), {});
  trustd_.repository.Publish(4, 4, kNow);
  ASSERT_TRUE(Make()->Refresh().ok());
  Overwrite("last_verified.bundle", old);
  trustd_.repository.Publish(3, 3, kNow);
  const auto client = Make();
  EXPECT_EQ(RefusalOf(client->Refresh()), TufReason::kTimestampRollback);
}

TEST_F(TrustClientTest, FollowsTheRootsAndKeepsThemInTheCache) {
  trustd_.repository.RotateRoot();
  trustd_.repository.RotateRoot();
  trustd_.repository.Publish(2, 2, kNow);
  ASSERT_TRUE(Make()->Refresh().ok());
  trustd_.Stop();
  EXPECT_EQ(Make()->state().provenance.origin, verify::Origin::kCache);
  EXPECT_EQ(Make()->state().provenance.sequence, 2u);
}

// A server that was restored from an old backup cannot know it by itself.
TEST_F(TrustClientTest, ShowsItsTimestampToAServerThatWentBack) {
  trustd_.repository.Publish(3, 3, kNow);
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  const std::string newest = trustd_.repository.response().timestamp();
  trustd_.repository.Publish(2, 2, kNow);
  EXPECT_EQ(RefusalOf(client->Refresh()), TufReason::kTimestampRollback);
  EXPECT_EQ(trustd_.held_timestamp, newest);
  trustd_.repository.Publish(4, 4, kNow);
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(trustd_.held_timestamp, "");
}

// A program of before keeps the lock as long as it runs.
TEST_F(TrustClientTest, AFolderThatAnOlderProgramHoldsIsReadAndNotWritten) {
  trustd_.repository.Publish(3, 3, kNow);
  ASSERT_TRUE(Make()->Refresh().ok());
  auto held = anchors::FolderLock::Take(folder_);
  ASSERT_TRUE(held.ok());
  trustd_.repository.Publish(4, 4, kNow);
  const auto guest = Make();
  EXPECT_EQ(guest->state().provenance.sequence, 3u);
  ASSERT_TRUE(guest->Refresh().ok());
  EXPECT_EQ(guest->state().provenance.sequence, 4u);
  EXPECT_EQ(guest->state().cache.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Make()->state().provenance.sequence, 3u);
  { const anchors::FolderLock gone = *std::move(held); }
  ASSERT_TRUE(guest->Refresh().ok());
  EXPECT_TRUE(guest->state().cache.ok()) << guest->state().cache;
  EXPECT_EQ(Make()->state().provenance.sequence, 4u);
}

// As it was made by hand, with the group of several services.
TEST_F(TrustClientTest, AFolderThatOthersCanWriteIsNotUsedAndSaysTheCure) {
  trustd_.repository.Publish(3, 3, kNow);
  ASSERT_TRUE(Make()->Refresh().ok());
  std::filesystem::permissions(folder_, std::filesystem::perms(0775));
  trustd_.repository.Publish(4, 4, kNow);
  const auto client = Make();
  EXPECT_EQ(client->state().provenance.origin, verify::Origin::kBakedIn);
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(client->state().provenance.sequence, 4u);
  EXPECT_EQ(client->state().cache.code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(client->state().cache.message().find("chmod go-w " + folder_),
            std::string::npos)
      << client->state().cache;
  std::filesystem::permissions(folder_, std::filesystem::perms(0755));
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_TRUE(client->state().cache.ok()) << client->state().cache;
  EXPECT_EQ(Make()->state().provenance.sequence, 4u);
}

TEST_F(TrustClientTest, ARootThatAnybodyCanSignForIsRefused) {
  TrustClientOptions options = Options();
  options.trusted_root = options.baked.root;
  EXPECT_EQ(TrustClient::Create(options).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(TrustClientTest, OptionsThatContradictThemselvesAreRefused) {
  TrustClientOptions no_root = Options();
  no_root.trusted_root.clear();
  TrustClientOptions not_a_root = Options();
  not_a_root.trusted_root = "{}";
  TrustClientOptions for_ever = Options();
  for_ever.max_stale = absl::InfiniteDuration();
  TrustClientOptions no_time = Options();
  no_time.rpc_timeout = absl::Microseconds(999);
  TrustClientOptions no_end = Options();
  no_end.rpc_timeout = absl::InfiniteDuration();
  TrustClientOptions never = Options();
  never.refresh_interval = absl::InfiniteDuration();
  for (const TrustClientOptions& options :
       {no_root, not_a_root, for_ever, no_time, no_end, never}) {
    const auto client = TrustClient::Create(options);
    EXPECT_EQ(client.status().code(), absl::StatusCode::kInvalidArgument);
  }
}

// What a forked child says, as the exit code of its checks.
template <typename Check>
int InChild(Check check) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(check());
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(TrustClientTest, AForkedChildVerifiesAndSaysWhyItDoesNotRefresh) {
  TrustClientOptions options = Options();
  options.background_refresh = true;
  auto client = Make(options);
  for (int i = 0; i < 1000 && client->state().refreshed == 0; ++i) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  const auto policy =
      verify::EnclavePolicy::Builder().AuthenticityOnly("test").Build();
  EXPECT_EQ(
      InChild([&] {
        if (client->Refresh().code() != absl::StatusCode::kFailedPrecondition) {
          return 1;
        }
        if (client->state().last_refresh.ok()) return 2;
        if (client->anchors()->provenance().origin != verify::Origin::kServer) {
          return 3;
        }
        const auto verdict = client->VerifyEnclave("x", *policy);
        if (!verify::ReasonOf(verdict.status()).has_value()) return 4;
        client.reset();
        return 0;
      }),
      0);
  EXPECT_TRUE(client->Refresh().ok());
  EXPECT_TRUE(client->state().last_refresh.ok());
}

// However busy the others are at that moment: a child waits for none of them.
TEST_F(TrustClientTest, AForkedChildFindsNoLockTaken) {
  const auto client = Make();
  std::atomic<bool> stop = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!stop) client->state();
    });
  }
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(InChild([&] {
                ::alarm(20);
                client->state();
                return 0;
              }),
              0);
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

// It refreshed again after a year: abseil's waits end at a time of day.
TEST_F(TrustClientTest, AClockThatIsSetBackDelaysNoRefresh) {
  TrustClientOptions options = Options();
  options.background_refresh = true;
  options.refresh_interval = absl::Seconds(1);
  test::SetClockAhead(absl::Hours(24 * 365));
  const auto client = Make(std::move(options));
  for (int i = 0; i < 1000 && client->state().refreshed < 2; ++i) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  test::SetClockAhead(absl::ZeroDuration());
  EXPECT_GE(client->state().refreshed, 2u);
}

// What is written without protobuf is read by it.
TEST_F(TrustClientTest, ReportsOutcomesToItsServer) {
  TrustClientOptions options = Options();
  options.report_outcomes = true;
  options.random = [] { return 0.0; };
  const auto client = Make(options);
  const auto enclave = verify::EnclavePolicy::Builder()
                           .ExpectPartition("aws-cn")
                           .AuthenticityOnly("test")
                           .Build();
  const auto identity = verify::IdentityPolicy::AuthenticityOnly("test");
  ASSERT_FALSE(client->VerifyEnclave("x", *enclave).ok());
  for (int i = 0; i < 300; ++i) {
    ASSERT_FALSE(client->VerifyIdentity({}, *identity).ok());
  }
  ASSERT_TRUE(client->Refresh().ok());
  ASSERT_EQ(trustd_.reports.requests.size(), 1u);
  const v1::ReportOutcomesRequest& request = trustd_.reports.requests[0];
  EXPECT_EQ(request.library_version(), anchors::kVersion);
  EXPECT_EQ(request.bundle_sequence(), 1u);
  EXPECT_EQ(request.seconds(), 1u);
  EXPECT_EQ(request.sampled_one_in(), 1u);
  ASSERT_EQ(request.counts_size(), 2);
  EXPECT_EQ(request.counts(0).partition(), "");
  EXPECT_EQ(request.counts(0).kind(), v1::ANCHOR_KIND_IID_RSA2048);
  EXPECT_TRUE(verify::ReasonNamed(request.counts(0).reason()).has_value());
  EXPECT_EQ(request.counts(0).count(), 300u);
  EXPECT_EQ(request.counts(1).partition(), "aws-cn");
  EXPECT_EQ(request.counts(1).region(), "");
  EXPECT_EQ(request.counts(1).kind(), v1::ANCHOR_KIND_NITRO_ROOT);
  EXPECT_EQ(request.counts(1).count(), 1u);

  // The server wanted two hours.
  (void)client->VerifyEnclave("x", *enclave);
  now_ += absl::Minutes(119);
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(trustd_.reports.requests.size(), 1u);
  now_ += absl::Minutes(1);
  trustd_.reports.status = {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many"};
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(trustd_.reports.requests.size(), 2u);
  EXPECT_EQ(client->state().last_report.code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_F(TrustClientTest, AsksByItselfInTheBackground) {
  TrustClientOptions options = Options();
  options.background_refresh = true;
  const auto client = Make(std::move(options));
  for (int i = 0; i < 1000 && client->state().refreshed == 0; ++i) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_EQ(client->state().provenance.origin, verify::Origin::kServer);
}

}  // namespace
}  // namespace anchorage::client
