// kill -9 between any two steps that persist something, on both sides: the next
// start accepts what it finds, which is the old state or the new one.

#include <gtest/gtest.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "anchors/publishing/ceremony.h"
#include "test/channel/servers.h"
#include "test/crash/crash_fixture.h"
#include "test/crash/crash_operations.h"
#include "test/crash/crash_runner.h"
#include "test/support/publish_for_tests.h"
#include "test/support/repository_simulator.h"
#include "trustd/service.h"

namespace anchorage::test {
namespace {

namespace tuf = anchors::tuf;
using anchors::DraftKind;
using client::TrustClient;
using verify::Origin;

// Fewer steps than this would mean that they are not seen any more.
constexpr int kStepsOfOneFile = 6;

// --- The client ------------------------------------------------------------

class ClientCrashTest : public CrashTest {
 protected:
  void SetUp() override {
    CrashTest::SetUp();
    servers_ = std::make_unique<RepositoryServers>(kNow);
    servers_->PublishCatalog(1);
    std::ofstream(folder_ + ".root", std::ios::binary)
        << servers_->first_root();
  }

  std::unique_ptr<TrustClient> Make() {
    auto client = MakeClient(folder_, servers_->http_url());
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  // Expects that a client starts, has the old set or the new one, and gets the
  // new one with its next refresh and keeps it.
  void ExpectToGoOn(Origin old_origin, std::uint64_t old_sequence,
                    std::uint64_t new_sequence, bool finished) {
    {
      const auto client = Make();
      const client::TrustClientState state = client->state();
      EXPECT_TRUE(state.cache.ok()) << state.cache;
      ExpectOldOrNew(state.provenance.sequence, old_sequence, new_sequence,
                     finished);
      EXPECT_EQ(state.provenance.origin, is_new_ ? Origin::kCache : old_origin);
      ExpectNoWayBack(*client);
      const absl::Status refreshed = client->Refresh();
      EXPECT_TRUE(refreshed.ok()) << refreshed;
      EXPECT_EQ(client->state().provenance.sequence, new_sequence);
      EXPECT_TRUE(client->state().cache.ok()) << client->state().cache;
    }
    EXPECT_EQ(Make()->state().provenance.sequence, new_sequence);
    EXPECT_EQ(Make()->state().provenance.origin, Origin::kCache);
  }

  // A crash does not make it forget what it has seen.
  void ExpectNoWayBack(TrustClient& client) {
    if (!older_.has_value()) return;
    const std::uint64_t sequence = client.state().provenance.sequence;
    std::swap(servers_->repository, *older_);
    EXPECT_FALSE(client.Refresh().ok());
    std::swap(servers_->repository, *older_);
    EXPECT_EQ(client.state().provenance.sequence, sequence);
  }

  std::unique_ptr<RepositoryServers> servers_;
  // What a server has that went back.
  std::optional<tuf::RepositorySimulator> older_;
};

TEST_F(ClientCrashTest, TheFirstRefresh) {
  servers_->PublishCatalog(2);
  const int points =
      ForEachCrash({kRefresh, servers_->http_url()}, [&](bool finished) {
        // The built-in set has sequence 1.
        ExpectToGoOn(Origin::kBakedIn, 1, 2, finished);
      });
  // Root, timestamp, snapshot, targets, and the bundle.
  EXPECT_GE(points, 5 * kStepsOfOneFile);
}

TEST_F(ClientCrashTest, ARefreshThatFollowsANewRootAndNewKeys) {
  older_ = servers_->repository;
  servers_->PublishCatalog(2);
  ASSERT_TRUE(Make()->Refresh().ok());
  KeepAsBefore();
  for (const char* role : {"timestamp", "snapshot"}) {
    servers_->repository.RotateKeys(role);
  }
  servers_->repository.Publish({"root"});
  servers_->PublishCatalog(3);
  const int points = ForEachCrash(
      {kRefresh, servers_->http_url()},
      [&](bool finished) { ExpectToGoOn(Origin::kCache, 2, 3, finished); });
  EXPECT_GE(points, 6 * kStepsOfOneFile);
}

// Between the root and the bundle that its keys signed there is nothing but
// what is built in, and what the old keys signed does not come back.
TEST_F(ClientCrashTest, ARefreshThatFollowsARootWithoutTheOldTargetsKeys) {
  servers_->PublishCatalog(2);
  ASSERT_TRUE(Make()->Refresh().ok());
  KeepAsBefore();
  for (const char* role : {"timestamp", "snapshot", "targets"}) {
    servers_->repository.RotateKeys(role);
  }
  servers_->repository.Publish({"root"});
  servers_->PublishCatalog(3);
  bool has_dropped = false;
  const int points =
      ForEachCrash({kRefresh, servers_->http_url()}, [&](bool finished) {
        const auto client = Make();
        const std::uint64_t sequence = client->state().provenance.sequence;
        EXPECT_TRUE(sequence == 3 || (!finished && sequence <= 2)) << sequence;
        EXPECT_FALSE(has_dropped && sequence == 2);
        has_dropped = has_dropped || sequence != 2;
        EXPECT_TRUE(client->Refresh().ok());
        EXPECT_EQ(client->state().provenance.sequence, 3u);
      });
  EXPECT_TRUE(has_dropped);
  EXPECT_GE(points, 6 * kStepsOfOneFile);
}

// One that lives on, and goes on from whatever the other left; the folder that
// is put back each time is an older copy of its own.
TEST_F(ClientCrashTest, ARefreshBesideAClientThatLivesOn) {
  servers_->PublishCatalog(2);
  ASSERT_TRUE(Make()->Refresh().ok());
  const auto other = Make();
  KeepAsBefore();
  for (const char* role : {"timestamp", "snapshot"}) {
    servers_->repository.RotateKeys(role);
  }
  servers_->repository.Publish({"root"});
  servers_->PublishCatalog(3);
  std::uint64_t seen = 2;
  const int points = ForEachCrash({kRefresh, servers_->http_url()}, [&](bool) {
    const absl::Status refreshed = other->Refresh();
    EXPECT_TRUE(refreshed.ok()) << refreshed;
    const client::TrustClientState state = other->state();
    EXPECT_TRUE(state.cache.ok()) << state.cache;
    EXPECT_GE(state.provenance.sequence, seen);
    seen = state.provenance.sequence;
    EXPECT_EQ(Make()->state().provenance.sequence, 3u);
    EXPECT_EQ(Make()->state().provenance.origin, Origin::kCache);
  });
  EXPECT_EQ(seen, 3u);
  EXPECT_GE(points, 6 * kStepsOfOneFile);
}

// Processes of one host that refresh at the same moment, some of which are
// killed, again and again.
TEST_F(ClientCrashTest, ManyProcessesOnOneFolder) {
  constexpr int kProcesses = 4;
  constexpr int kRounds = 12;
  const auto other = Make();
  for (int round = 2; round < 2 + kRounds; ++round) {
    SCOPED_TRACE(round);
    servers_->PublishCatalog(static_cast<std::uint64_t>(round));
    std::vector<Running> running;
    for (int i = 0; i < kProcesses; ++i) {
      running.push_back(Start({kRefresh, folder_, servers_->http_url()}));
    }
    // At some moment, which differs from run to run.
    absl::SleepFor(absl::Milliseconds(5 * round));
    ::kill(running.front().process, SIGKILL);
    if (round % 3 == 0) {
      EXPECT_TRUE(other->Refresh().ok());
    }
    for (int i = 0; i < kProcesses; ++i) {
      int status = 0;
      ASSERT_EQ(::waitpid(running[i].process, &status, 0), running[i].process);
      ::close(running[i].output);
      if (i > 0) {
        EXPECT_EQ(status, 0);
      }
    }
    // What no lock was free for is written next time.
    const auto next = Make();
    EXPECT_TRUE(next->state().cache.ok()) << next->state().cache;
    EXPECT_TRUE(next->Refresh().ok());
    EXPECT_EQ(Make()->state().provenance.sequence,
              static_cast<std::uint64_t>(round));
  }
  EXPECT_TRUE(other->Refresh().ok());
  EXPECT_TRUE(other->state().cache.ok()) << other->state().cache;
}

// --- trustd ----------------------------------------------------------------

class TrustdCrashTest : public CrashTest {
 protected:
  std::unique_ptr<OpenPublisher> Open() {
    auto open = OpenIn(folder_);
    EXPECT_TRUE(open.ok()) << open.status();
    return *std::move(open);
  }
};

TEST_F(TrustdCrashTest, TheFirstStart) {
  std::string root;
  const int points = ForEachCrash({kStart}, [&](bool) {
    {
      const auto service =
          trustd::Service::Start(ConfigIn(folder_), [] { return kNow; });
      ASSERT_TRUE(service.ok()) << service.status();
      EXPECT_EQ((*service)->publication()->catalog.sequence, 1u);
      root = (*service)->publication()->files.roots.front();
    }
    // And the one after that goes on with the same root.
    EXPECT_EQ(Open()->current().files.roots.front(), root);
  });
  // Three keys, the lock and the root for people.
  EXPECT_GE(points, 5 * kStepsOfOneFile);
}

TEST_F(TrustdCrashTest, APublication) {
  Open();
  KeepAsBefore();
  const int points = ForEachCrash({kPublish}, [&](bool finished) {
    const auto open = Open();
    ExpectOldOrNew(open->current().catalog.sequence, 1, 2, finished);
    const std::uint64_t sequence = open->current().catalog.sequence;
    const auto next = trustd::PublishForTests(*open->publisher, open->hub,
                                              SeedCatalog(), kNow);
    ASSERT_TRUE(next.ok()) << next.status();
    EXPECT_EQ(*next, sequence + 1);
  });
  EXPECT_GE(points, 2);
}

TEST_F(TrustdCrashTest, ARenewal) {
  Open();
  KeepAsBefore();
  const int points = ForEachCrash({kRenew}, [&](bool finished) {
    const auto open = Open();
    ExpectOldOrNew(open->current().timestamp_version, 1, 2, finished);
    const absl::Status renewed = open->publisher->RenewIfDue(kNow + 2 * kDay);
    EXPECT_TRUE(renewed.ok()) << renewed;
  });
  EXPECT_GE(points, 2);
}

// Inside the database, where steps cannot be counted.
TEST_F(TrustdCrashTest, AtAnyTimeWhilePublishing) {
  Open();
  std::uint64_t published = 1;
  constexpr int kKills = 12;
  for (int kill = 0; kill < kKills; ++kill) {
    const Running running = Start({kPublishForEver, folder_});
    // At another moment each time, and after at least one publication.
    std::string lines;
    char c = 0;
    while (lines.find('\n') == lines.npos &&
           ::read(running.output, &c, 1) == 1) {
      lines += c;
    }
    absl::SleepFor(absl::Microseconds(3700) * kill);
    ::kill(running.process, SIGKILL);
    while (::read(running.output, &c, 1) == 1) lines += c;
    ::close(running.output);
    ::waitpid(running.process, nullptr, 0);
    // The last whole line is the last that was said to be published.
    lines.resize(lines.rfind('\n') + 1);
    const std::vector<std::string> sequences =
        absl::StrSplit(lines, '\n', absl::SkipEmpty());
    std::uint64_t told = 0;
    ASSERT_FALSE(sequences.empty());
    ASSERT_TRUE(absl::SimpleAtoi(sequences.back(), &told));
    EXPECT_GT(told, published);
    published = Open()->current().catalog.sequence;
    // What was told is kept; one more may have been stored and not told.
    EXPECT_GE(published, told);
    EXPECT_LE(published, told + 1);
  }
  std::cout << kPublishForEver << ": killed " << kKills << " times, "
            << published << " publications\n";
}

// --- The ceremony ----------------------------------------------------------

class CeremonyCrashTest : public CrashTest {
 protected:
  // Two of three people sign; 1.root.json and 1.targets.json are there.
  void SetUp() override {
    CrashTest::SetUp();
    tuf::RootSpec spec;
    spec.expires = kNow + 365 * kDay;
    for (const int person : {1, 2, 3}) {
      spec.root.keys.push_back(tuf::TestKey(person)->public_key());
      spec.targets.keys.push_back(tuf::TestKey(person)->public_key());
    }
    spec.root.threshold = spec.targets.threshold = 2;
    spec.snapshot.keys = spec.timestamp.keys = {tuf::TestKey(4)->public_key()};
    MakeRootDraft(spec);
    ASSERT_TRUE(anchors::PublishRootDraft(folder_, kNow).ok());
    ASSERT_TRUE(Propose(folder_, 1).ok());
    Sign(DraftKind::kTargets, {1, 2});
    ASSERT_TRUE(anchors::PublishTargetsDraft(folder_, kNow).ok());
    spec.version = 2;
    spec_ = spec;
  }

  void MakeRootDraft(const tuf::RootSpec& spec) {
    ASSERT_TRUE(anchors::WriteRootDraft(folder_, spec).ok());
    Sign(DraftKind::kRoot, {1, 2});
  }

  void Sign(DraftKind kind, const std::vector<int>& people) {
    for (const int person : people) {
      ASSERT_TRUE(anchors::SignDraft(folder_, *anchors::ReadCeremony(folder_),
                                     kind, *tuf::TestKey(person), kNow)
                      .ok());
    }
  }

  anchors::Ceremony Read() {
    const auto ceremony = anchors::ReadCeremony(folder_);
    EXPECT_TRUE(ceremony.ok()) << ceremony.status();
    const auto root = anchors::VerifyRoots(ceremony->roots);
    EXPECT_TRUE(root.ok()) << root.status();
    const auto targets = anchors::VerifyTargets(*root, *ceremony->targets);
    EXPECT_TRUE(targets.ok()) << targets.status();
    return *ceremony;
  }

  static std::uint64_t SequenceOf(const anchors::BundleFiles& targets) {
    return anchors::ParseCatalog(targets.catalog())->sequence;
  }

  tuf::RootSpec spec_;
};

TEST_F(CeremonyCrashTest, PublishingARoot) {
  MakeRootDraft(spec_);
  KeepAsBefore();
  const int points = ForEachCrash({kPublishRoot}, [&](bool finished) {
    const anchors::Ceremony left = Read();
    ExpectOldOrNew(left.roots.size(), 1, 2, finished);
    // A draft that is still there can be published, whether or not it was.
    if (!left.root_draft.empty()) {
      const auto root = anchors::PublishRootDraft(folder_, kNow);
      EXPECT_TRUE(root.ok()) << root.status();
    }
    EXPECT_EQ(Read().roots.size(), 2u);
    EXPECT_EQ(Read().root_draft, "");
  });
  EXPECT_GE(points, kStepsOfOneFile);
}

TEST_F(CeremonyCrashTest, ProposingTargets) {
  KeepAsBefore();
  const int points = ForEachCrash({kPropose}, [&](bool finished) {
    const anchors::Ceremony left = Read();
    EXPECT_EQ(SequenceOf(*left.targets), 1u) << "a proposal signs nothing";
    ExpectOldOrNew(left.targets_draft.has_value(), 0, 1, finished);
    const absl::Status again = Propose(folder_, 2);
    EXPECT_TRUE(again.ok()) << again;
    EXPECT_EQ(SequenceOf(*Read().targets_draft), 2u);
  });
  EXPECT_GE(points, 2 * kStepsOfOneFile);
}

TEST_F(CeremonyCrashTest, SigningTargets) {
  ASSERT_TRUE(Propose(folder_, 2).ok());
  KeepAsBefore();
  const int points = ForEachCrash({kSign}, [&](bool finished) {
    const auto counts = anchors::CountSignatures(Read(), DraftKind::kTargets);
    ASSERT_TRUE(counts.ok()) << counts.status();
    ExpectOldOrNew(counts->front().signed_by.size(), 0, 1, finished);
    Sign(DraftKind::kTargets, {1, 2});
    EXPECT_TRUE(anchors::PublishTargetsDraft(folder_, kNow).ok());
  });
  EXPECT_GE(points, kStepsOfOneFile);
}

TEST_F(CeremonyCrashTest, PublishingTargets) {
  ASSERT_TRUE(Propose(folder_, 2).ok());
  Sign(DraftKind::kTargets, {2, 3});
  KeepAsBefore();
  const int points = ForEachCrash({kPublishTargets}, [&](bool finished) {
    const anchors::Ceremony left = Read();
    ExpectOldOrNew(SequenceOf(*left.targets), 1, 2, finished);
    if (left.targets_draft.has_value()) {
      const auto targets = anchors::PublishTargetsDraft(folder_, kNow);
      EXPECT_TRUE(targets.ok()) << targets.status();
    }
    EXPECT_EQ(SequenceOf(*Read().targets), 2u);
    EXPECT_FALSE(Read().targets_draft.has_value());
  });
  EXPECT_GE(points, kStepsOfOneFile);
}

}  // namespace
}  // namespace anchorage::test

int main(int argc, char** argv) {
  spdlog::set_level(spdlog::level::off);
  const auto child = anchorage::test::RunAsChild(argc, argv);
  if (child.has_value()) return *child;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
