// Bytes without end, files that were cut or edited on the disk, and names that
// lead elsewhere.

#include <gtest/gtest.h>
#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "anchors/catalog.h"
#include "test/channel/channel_test.h"

namespace anchorage::test {
namespace {

namespace fs = std::filesystem;
namespace tuf = anchors::tuf;
using tuf::TufReason;
using verify::Origin;

constexpr char kBundle[] = "last_verified.bundle";

void Write(const std::string& path, const std::string& bytes) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// --- The cache -------------------------------------------------------------

// The bundle, what is remembered beside it, and the roots that lead to it. No
// other file can cost the bundle.
bool IsNeededAtAStart(const std::string& name) {
  return name == kBundle || name == "last_verified.memory" ||
         name.starts_with("root_history/");
}

TEST_P(ChannelTest, b08AnEditedCacheIsVerifiedAgain) {
  repository().Publish({"root"});
  Begin();
  for (const auto& [name, good] : files_) {
    if (good.empty()) continue;
    client_.reset();
    std::string bad = good;
    bad[bad.size() / 2] ^= 1;
    Write(folder_ + "/" + name, bad);
    client_ = Make();
    EXPECT_EQ(client_->state().provenance.origin,
              IsNeededAtAStart(name) ? Origin::kBakedIn : Origin::kCache)
        << name;
    const absl::Status status = Refresh();
    EXPECT_TRUE(status.ok()) << name << ": " << status;
    EXPECT_EQ(client_->state().provenance.sequence, kSequence);
    EXPECT_EQ(FilesIn(folder_), files_) << name << " was not mended";
  }
}

TEST_P(ChannelTest, b08ACacheOfAnotherRepositoryIsNotBelieved) {
  Begin();
  client_.reset();
  const Files good = files_;
  const std::string root = servers_->first_root();
  // Everything that a client of the attacker's would have in its folder.
  StartAgain();
  for (const char* role : {"root", "timestamp", "snapshot", "targets"}) {
    for (int i = 0; i < 10; ++i) repository().NewKey();
    repository().RotateKeys(role);
  }
  repository().root.version = 0;
  repository().metadata.clear();
  repository().Publish({"root"});
  repository().Publish({"root"});
  Begin();
  client_.reset();
  client::TrustClientOptions options = Options();
  options.trusted_root = root;
  client_ = Make(std::move(options));
  EXPECT_EQ(client_->state().provenance.origin, Origin::kBakedIn);
  EXPECT_FALSE(client_->state().cache.ok());
  // With the metadata of ours, and only the bundle from the attacker.
  client_.reset();
  for (const auto& [name, bytes] : good) {
    if (name != kBundle) Write(folder_ + "/" + name, bytes);
  }
  options = Options();
  options.trusted_root = root;
  EXPECT_EQ(Make(options)->state().provenance.origin, Origin::kBakedIn);
}

TEST_P(ChannelTest, b17AFileOfTheCacheThatWasCut) {
  repository().Publish({"root"});
  Begin();
  for (const auto& [name, good] : files_) {
    for (const std::size_t size :
         std::set<std::size_t>{0, 1, good.size() / 2, good.size()}) {
      if (size >= good.size()) continue;
      client_.reset();
      Write(folder_ + "/" + name, good.substr(0, size));
      // What a write that was cut leaves beside it.
      Write(folder_ + "/" + name + ".tmp", good.substr(0, good.size() / 2));
      client_ = Make();
      EXPECT_EQ(client_->state().provenance.origin,
                IsNeededAtAStart(name) ? Origin::kBakedIn : Origin::kCache)
          << name;
      const absl::Status status = Refresh();
      EXPECT_TRUE(status.ok()) << name << ": " << status;
      EXPECT_EQ(client_->state().provenance.sequence, kSequence);
      EXPECT_EQ(FilesIn(folder_).at(name), good) << name << " was not mended";
      fs::remove(folder_ + "/" + name + ".tmp");
    }
  }
}

// --- Too much (b11) --------------------------------------------------------

TEST_P(ChannelTest, b11AFileAboveTheLimitOfItsRole) {
  struct Case {
    const char* role;
    std::size_t limit;
    std::vector<std::string> before;
  };
  for (const Case& c :
       {Case{"timestamp", tuf::kMaxTimestampBytes, {}},
        Case{"snapshot", tuf::kMaxSnapshotBytes, {"timestamp"}},
        Case{"targets", tuf::kMaxTargetsBytes, {"timestamp", "snapshot"}}}) {
    StartAgain();
    Begin();
    servers_->PublishCatalog(kSequence + 1);
    const std::string good = servers_->Newest(c.role);
    servers_->Serve(c.role, good + std::string(c.limit + 1 - good.size(), ' '));
    ExpectRefused(TufReason::kMetadataTooLarge, Signed(c.before));
  }
}

TEST_P(ChannelTest, b11ARootAboveItsLimit) {
  Begin();
  repository().Publish({"root"});
  std::string& next = repository().metadata["2.root.json"];
  next.append(tuf::kMaxRootBytes + 1 - next.size(), ' ');
  ExpectRefused(TufReason::kMetadataTooLarge);
}

TEST_P(ChannelTest, b11ACatalogLongerThanItsTargetsSay) {
  Begin();
  servers_->PublishCatalog(kSequence + 1);
  servers_->ServeCatalog(CatalogOf(kSequence + 1) + " ");
  ExpectRefused(TufReason::kTargetLengthMismatch,
                Signed({"timestamp", "snapshot", "targets"}));
}

// An owner of the root key who does not stop: a refresh ends, and the next one
// goes on from there.
TEST_P(ChannelTest, b11MoreRootsThanAnybodyMakes) {
  Begin();
  for (int i = 0; i < tuf::kMaxRootRotations + 10; ++i) {
    repository().Publish({"root"});
  }
  Files moved;
  for (int version = 2; version <= tuf::kMaxRootRotations + 1; ++version) {
    moved[absl::StrCat("root_history/", version, ".root.json")] =
        repository().published("root", version);
  }
  moved["root.json"] =
      repository().published("root", tuf::kMaxRootRotations + 1);
  ExpectRefused(TufReason::kRootLimit, moved);
  const absl::Status status = Refresh();
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(HttpChannelTest, b11AnAnswerWithoutEnd) {
  Begin();
  std::atomic<std::size_t> sent = 0;
  servers_->over_http["timestamp.json"] = [&](httplib::Response& response) {
    response.set_chunked_content_provider(
        "application/json", [&](std::size_t, httplib::DataSink& sink) {
          const std::string bytes(4096, ' ');
          sent += bytes.size();
          return sink.write(bytes.data(), bytes.size());
        });
  };
  ExpectRefused(TufReason::kMetadataTooLarge);
  // What the two sockets had room for, and no more.
  EXPECT_LT(sent, std::size_t{64} * 1024 * 1024);
}

TEST_P(HttpChannelTest, b11AnAnswerOfAByteNowAndThen) {
  Begin();
  servers_->over_http["timestamp.json"] = [](httplib::Response& response) {
    response.set_chunked_content_provider(
        "application/json", [](std::size_t, httplib::DataSink& sink) {
          absl::SleepFor(absl::Milliseconds(20));
          return sink.write(" ", 1);
        });
  };
  client_.reset();
  client::TrustClientOptions options = Options();
  options.rpc_timeout = absl::Milliseconds(500);
  client_ = Make(std::move(options));
  held_ = client_->anchors();
  refusals_ = 0;
  const absl::Time begin = absl::Now();
  ExpectRefused(TufReason::kFetchFailed);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
}

TEST_P(GrpcChannelTest, b11AnAnswerLargerThanAnyBundle) {
  Begin();
  servers_->over_grpc = [](v1::GetUpdateResponse& answer) {
    answer.set_releases(std::string(17 * 1024 * 1024, ' '));
  };
  ExpectRefused(TufReason::kFetchFailed);
}

TEST_P(GrpcChannelTest, b11AnAnswerThatDoesNotCome) {
  Begin();
  servers_->over_grpc = [](v1::GetUpdateResponse&) {
    absl::SleepFor(absl::Seconds(2));
  };
  client_.reset();
  client::TrustClientOptions options = Options();
  options.rpc_timeout = absl::Milliseconds(500);
  client_ = Make(std::move(options));
  held_ = client_->anchors();
  refusals_ = 0;
  ExpectRefused(TufReason::kFetchFailed);
}

TEST_P(GrpcChannelTest, b11MoreRootsAnnouncedThanSent) {
  Begin();
  servers_->over_grpc = [](v1::GetUpdateResponse& answer) {
    answer.Clear();
    answer.set_more_roots(true);
  };
  ExpectRefused(TufReason::kFetchFailed);
}

TEST_P(GrpcChannelTest, b11TheSameRootAgainAndAgain) {
  Begin();
  const std::string root = servers_->first_root();
  servers_->over_grpc = [&](v1::GetUpdateResponse& answer) {
    answer.clear_roots();
    answer.add_roots(root);
    answer.set_more_roots(true);
  };
  ExpectRefused(TufReason::kRootVersionNotNext);
}

// --- Names that lead elsewhere (b12) ---------------------------------------

TEST_P(HttpChannelTest, b12ARoleWhoseNameLeadsElsewhere) {
  fs::remove_all(folder_ + "-outside");
  folder_ += "-outside/cache";
  fs::create_directories(fs::path(folder_).parent_path());
  Begin();
  const std::string role = "../../escape";
  repository().targets().targets.clear();
  tuf::DelegationSpec delegation;
  delegation.name = role;
  delegation.paths = {{"*/*/*"}};
  repository().AddDelegation("targets", delegation);
  repository().AddTarget(role, std::string(anchors::kCatalogTargetPath),
                         CatalogOf(kSequence + 1));
  repository().Publish({role, "targets", "snapshot", "timestamp"});
  Files moved = Signed({"timestamp", "snapshot", "targets"});
  moved["..%2F..%2Fescape.json"] =
      repository().metadata.at("..%2F..%2Fescape.json");
  // A catalog counts where targets.json itself names it.
  ExpectRefused(TufReason::kTargetNotFound, moved);
  for (const auto& entry :
       fs::directory_iterator(fs::path(folder_).parent_path())) {
    EXPECT_EQ(entry.path().filename(), "cache");
  }
  EXPECT_FALSE(fs::exists(::testing::TempDir() + "/escape.json"));
}

TEST_P(ChannelTest, b12AHashThatLeadsElsewhere) {
  Begin();
  servers_->PublishCatalog(kSequence + 1);
  const std::string good = servers_->Newest("targets");
  const std::string hash =
      repository().targets().targets.begin()->second.hashes.front().hex;
  servers_->Serve("targets",
                  tuf::SignJson(absl::StrReplaceAll(
                                    SignedPart(good),
                                    {{hash, "../../../../../../etc/passwd"}}),
                                repository().signers["targets"]));
  ExpectRefused(TufReason::kMetadataMalformed,
                Signed({"timestamp", "snapshot"}));
}

TEST_P(HttpChannelTest, b12ATargetThatLeadsElsewhereIsNeverAskedFor) {
  Begin();
  repository().AddTarget("targets", "../../etc/passwd", "x");
  servers_->PublishCatalog(kSequence + 1);
  repository().requests.clear();
  const absl::Status status = Refresh();
  EXPECT_TRUE(status.ok()) << status;
  for (const std::string& request : repository().requests) {
    EXPECT_EQ(request.find(".."), request.npos) << request;
  }
}

// --- Delegations (b18) -----------------------------------------------------

// A repository whose owner has given the catalog to others. Ours never does:
// a catalog counts only where targets.json itself names it; but the roles are
// asked, and what they say is held to every check.
class DelegatedChannelTest : public ChannelTest {
 protected:
  // Takes the catalog out of the targets and gives it to `role`.
  void Delegate(const std::string& role, bool terminating = false,
                bool has_it = true) {
    repository().targets().targets.clear();
    tuf::DelegationSpec delegation;
    delegation.name = role;
    delegation.paths = {{"catalog/v1/*"}};
    delegation.terminating = terminating;
    repository().AddDelegation("targets", delegation);
    if (!has_it) return;
    repository().AddTarget(role, std::string(anchors::kCatalogTargetPath),
                           CatalogOf(kSequence + 1));
  }

  void Publish(std::vector<std::string> roles) {
    roles.insert(roles.end(), {"targets", "snapshot", "timestamp"});
    repository().Publish(roles);
  }

  bool WasAsked(const std::string& name) {
    const auto& requests = repository().requests;
    return std::find(requests.begin(), requests.end(), name) != requests.end();
  }

  // Expects this reason, and that of the roles these were stored.
  void ExpectRefusedAfter(TufReason reason, std::vector<std::string> roles) {
    roles.insert(roles.end(), {"timestamp", "snapshot", "targets"});
    ExpectRefused(reason, Signed(roles));
  }
};

TEST_P(DelegatedChannelTest, b18TheFirstRoleThatHasItIsTheLastThatIsAsked) {
  Begin();
  Delegate("a");
  Delegate("b");
  Publish({"a", "b"});
  ExpectRefusedAfter(TufReason::kTargetNotFound, {"a"});
  EXPECT_FALSE(WasAsked("1.b.json"));
}

TEST_P(DelegatedChannelTest, b18ATerminatingRoleEndsTheSearch) {
  Begin();
  Delegate("a", /*terminating=*/true, /*has_it=*/false);
  Delegate("b");
  Publish({"a", "b"});
  ExpectRefusedAfter(TufReason::kTargetNotFound, {"a"});
  EXPECT_FALSE(WasAsked("1.b.json"));
}

TEST_P(DelegatedChannelTest, b18ARoleThatHasEnded) {
  Begin();
  Delegate("a");
  repository().roles["a"].expires = kNow - absl::Hours(1);
  Publish({"a"});
  ExpectRefusedAfter(TufReason::kDelegatedExpired, {});
}

TEST_P(DelegatedChannelTest, b18ARoleOfAnotherHash) {
  Begin();
  Delegate("a");
  repository().list_hashes = true;
  Publish({"a"});
  servers_->Serve("a", WithSpoiltSignature(servers_->Newest("a")));
  ExpectRefusedAfter(TufReason::kHashMismatch, {});
}

TEST_P(DelegatedChannelTest, b18ARoleOfAnotherLength) {
  Begin();
  Delegate("a");
  repository().list_hashes = true;
  Publish({"a"});
  servers_->Serve("a", servers_->Newest("a") + " ");
  ExpectRefusedAfter(TufReason::kLengthMismatch, {});
}

TEST_P(DelegatedChannelTest, b18ARoleThatItsDelegatorDidNotNameTheKeyOf) {
  Begin();
  Delegate("a");
  repository().signers["a"] = {repository().NewKey()};
  Publish({"a"});
  ExpectRefusedAfter(TufReason::kThresholdNotMet, {});
}

TEST_P(DelegatedChannelTest, b18ARoleThatIsWithheld) {
  Begin();
  Delegate("a");
  Publish({"a"});
  repository().metadata.erase("1.a.json");
  ExpectRefusedAfter(TufReason::kFileNotOnServer, {});
}

const auto kTransportName = [](const auto& info) { return NameOf(info.param); };

INSTANTIATE_TEST_SUITE_P(Channel, HttpChannelTest,
                         ::testing::Values(Transport::kHttp), kTransportName);
INSTANTIATE_TEST_SUITE_P(Channel, GrpcChannelTest,
                         ::testing::Values(Transport::kGrpc), kTransportName);
INSTANTIATE_TEST_SUITE_P(Channel, DelegatedChannelTest,
                         ::testing::Values(Transport::kHttp), kTransportName);

}  // namespace
}  // namespace anchorage::test
