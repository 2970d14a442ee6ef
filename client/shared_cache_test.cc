// Several clients on one cache folder: whatever the order in which they read and
// write, none goes back, and none finds damage where there is none.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "anchors/tuf/tuf_error.h"
#include "client/bundle_cache.h"
#include "client/cache_folder.h"
#include "client/trust_client.h"
#include "test/support/repository_simulator.h"

namespace anchorage::client {
namespace {

namespace tuf = anchors::tuf;
using verify::AnchorStatus;
using verify::Origin;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kDay = absl::Hours(24);

// What lies on a disk, for any number of folders.
struct Disk {
  std::map<std::string, std::pair<int, std::string>, std::less<>> files;
  int last_stamp = 0;
  bool is_locked = false;
};

// A folder of that disk as one client sees it. Between two of its steps a test
// may do something else.
class FakeFolder final : public CacheFolder {
 public:
  explicit FakeFolder(Disk& disk) : disk_(disk) {}

  // Called before each read with the number of reads so far, and before each
  // write with that of writes.
  std::function<void(int)> before_read;
  std::function<void(int)> before_write;
  // Whose writes fail from then on, as those of a process that was killed or
  // has a full disk.
  bool is_dead = false;
  bool is_read_only = false;

  absl::StatusOr<std::string> Read(std::string_view name,
                                   std::size_t max_bytes) override {
    if (before_read) before_read(reads_++);
    const auto found = disk_.files.find(name);
    if (found == disk_.files.end()) return absl::NotFoundError("no file");
    if (found->second.second.size() > max_bytes) {
      return absl::OutOfRangeError("too long");
    }
    return found->second.second;
  }

  std::string Stamp(std::string_view name) override {
    const auto found = disk_.files.find(name);
    return found == disk_.files.end() ? "" : absl::StrCat(found->second.first);
  }

  absl::StatusOr<std::vector<std::string>> ListRoots() override {
    return absl::UnimplementedError("no client lists them");
  }

  absl::StatusOr<std::unique_ptr<Writer>> BeginWrite() override {
    if (is_read_only) return absl::PermissionDeniedError("read-only");
    if (disk_.is_locked) return absl::AbortedError("locked");
    disk_.is_locked = true;
    return std::make_unique<FakeWriter>(*this);
  }

 private:
  class FakeWriter final : public Writer {
   public:
    explicit FakeWriter(FakeFolder& folder) : folder_(folder) {}
    ~FakeWriter() override { folder_.disk_.is_locked = false; }

    absl::Status Write(std::string_view name, std::string_view bytes) override {
      if (folder_.before_write) folder_.before_write(folder_.writes_++);
      if (folder_.is_dead) return absl::UnavailableError("dead");
      Disk& disk = folder_.disk_;
      disk.files[std::string(name)] = {++disk.last_stamp, std::string(bytes)};
      return absl::OkStatus();
    }
    absl::Status Remove(std::string_view) override {
      return absl::UnimplementedError("no client removes");
    }

   private:
    FakeFolder& folder_;
  };

  Disk& disk_;
  int reads_ = 0;
  int writes_ = 0;
};

// What a client asks; null: nobody answers. Set for each refresh.
tuf::Fetcher* network = nullptr;

class Network final : public Transport, public tuf::Fetcher {
 public:
  std::unique_ptr<tuf::Fetcher> Begin(const anchors::BundleVersions&,
                                      std::string, absl::Duration) override {
    return std::make_unique<Network>();
  }
  void Cancel() override {}
  absl::StatusOr<std::string> FetchMetadata(std::string_view name,
                                            std::size_t max_bytes) override {
    if (network == nullptr) return absl::UnavailableError("no network");
    return network->FetchMetadata(name, max_bytes);
  }
  absl::StatusOr<std::string> FetchTarget(std::string_view name,
                                          std::size_t max_bytes) override {
    if (network == nullptr) return absl::UnavailableError("no network");
    return network->FetchTarget(name, max_bytes);
  }
};

// A server before each of whose answers something else happens.
class Detour final : public tuf::Fetcher {
 public:
  Detour(tuf::Fetcher& server, std::function<void(bool is_target)> first)
      : server_(server), first_(std::move(first)) {}
  absl::StatusOr<std::string> FetchMetadata(std::string_view name,
                                            std::size_t max_bytes) override {
    first_(false);
    return server_.FetchMetadata(name, max_bytes);
  }
  absl::StatusOr<std::string> FetchTarget(std::string_view name,
                                          std::size_t max_bytes) override {
    first_(true);
    return server_.FetchTarget(name, max_bytes);
  }

 private:
  tuf::Fetcher& server_;
  const std::function<void(bool)> first_;
};

// A client and its folder.
struct Client {
  FakeFolder* folder = nullptr;
  std::unique_ptr<TrustClient> client;

  std::uint64_t sequence() const { return client->state().provenance.sequence; }
  Origin origin() const { return client->state().provenance.origin; }
};

class SharedCacheTest : public ::testing::Test {
 protected:
  SharedCacheTest() : repository_(kNow) {
    // One thread is in the refreshes of several clients, in any order.
    absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
    Publish(5);
  }

  TrustClientOptions Options() {
    TrustClientOptions options;
    if (has_server_) options.server = "simulated";
    options.trusted_root = repository_.published("root", 1);
    options.background_refresh = false;
    options.clock = [this] { return now_; };
    return options;
  }

  Client Make(const std::function<void(FakeFolder&)>& prepare = {}) {
    auto folder = std::make_unique<FakeFolder>(disk_);
    if (prepare) prepare(*folder);
    Client made;
    made.folder = folder.get();
    auto client = TrustClient::CreateWith(
        Options(),
        [](const TrustClientOptions&)
            -> absl::StatusOr<std::unique_ptr<Transport>> {
          return std::make_unique<Network>();
        },
        std::move(folder));
    EXPECT_TRUE(client.ok()) << client.status();
    made.client = *std::move(client);
    return made;
  }

  absl::Status Refresh(Client& client, tuf::Fetcher* from) {
    tuf::Fetcher* const before = std::exchange(network, from);
    const absl::Status status = client.client->Refresh();
    network = before;
    return status;
  }
  absl::Status Refresh(Client& client) { return Refresh(client, &repository_); }

  // Signs a catalog of that sequence, and all that vouches for it.
  void Publish(std::uint64_t sequence) {
    auto catalog =
        anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
    catalog->sequence = sequence;
    if (is_revoked_) {
      catalog->anchors.front().status = AnchorStatus::kRevoked;
    }
    repository_.targets().targets.clear();
    repository_.AddTarget("targets", std::string(anchors::kCatalogTargetPath),
                          anchors::SerializeCatalog(*catalog));
    repository_.Publish({"targets", "snapshot", "timestamp"});
  }

  AnchorStatus StatusOfFirst(const Client& client) const {
    const auto catalog =
        anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
    const auto& first = catalog->anchors.front();
    for (const verify::Anchor& anchor :
         client.client->anchors()->In(first.slot)) {
      if (anchor.spki_sha256() == first.spki_sha256) return anchor.status();
    }
    ADD_FAILURE() << "no anchor";
    return AnchorStatus::kAnnounced;
  }

  // As a person would from a backup.
  void PutBack(const Disk& old) {
    const int stamp = disk_.last_stamp;
    disk_ = old;
    for (auto& [name, file] : disk_.files) file.first += stamp;
    disk_.last_stamp = 2 * stamp;
  }

  std::string FileOf(std::string_view name) const {
    const auto found = disk_.files.find(name);
    return found == disk_.files.end() ? "" : found->second.second;
  }

  absl::Time now_ = kNow;
  bool has_server_ = true;
  Disk disk_;
  tuf::RepositorySimulator repository_;
  // Whether the first anchor is, in what is published from now on.
  bool is_revoked_ = false;
};

TEST_F(SharedCacheTest, BothWriteAndBothSayThatAllIsWell) {
  Client first = Make();
  Client second = Make();
  ASSERT_TRUE(Refresh(first).ok());
  Publish(6);
  ASSERT_TRUE(Refresh(second).ok());
  Publish(7);
  ASSERT_TRUE(Refresh(first).ok());
  for (const Client* client : {&first, &second}) {
    EXPECT_TRUE(client->client->state().cache.ok())
        << client->client->state().cache;
  }
  EXPECT_EQ(Make().sequence(), 7u);
}

TEST_F(SharedCacheTest, ARefreshBeginsWithWhatOthersWrote) {
  Client reader = Make();
  Client writer = Make();
  ASSERT_TRUE(Refresh(writer).ok());
  EXPECT_FALSE(Refresh(reader, nullptr).ok());
  EXPECT_EQ(reader.origin(), Origin::kCache);
  EXPECT_EQ(reader.sequence(), 5u);
  EXPECT_EQ(reader.client->state().freshness, verify::Freshness::kFresh);
  // And the server vouches for it with nothing but a timestamp.
  repository_.requests.clear();
  ASSERT_TRUE(Refresh(reader).ok());
  EXPECT_EQ(reader.origin(), Origin::kServer);
  EXPECT_EQ(repository_.requests,
            (std::vector<std::string>{"2.root.json", "timestamp.json"}));
}

// A host whose timer asks for all.
TEST_F(SharedCacheTest, AClientWithoutAServerTakesWhatOthersWrite) {
  Client writer = Make();
  has_server_ = false;
  Client reader = Make();
  EXPECT_EQ(Refresh(reader).code(), absl::StatusCode::kNotFound);
  for (const std::uint64_t sequence : {6, 7}) {
    Publish(sequence);
    ASSERT_TRUE(Refresh(writer).ok());
    const absl::Status looked = Refresh(reader, nullptr);
    EXPECT_TRUE(looked.ok()) << looked;
    EXPECT_EQ(reader.sequence(), sequence);
    EXPECT_EQ(reader.origin(), Origin::kCache);
  }
}

TEST_F(SharedCacheTest, WhatOthersSawIsAFloorForAServerThatWentBack) {
  const tuf::RepositorySimulator before = repository_;
  Client late = Make();
  ASSERT_TRUE(Refresh(late).ok());
  Client first = Make();
  Publish(6);
  ASSERT_TRUE(Refresh(first).ok());
  tuf::RepositorySimulator old = before;
  EXPECT_EQ(tuf::TufReasonOf(Refresh(late, &old)),
            tuf::TufReason::kTimestampRollback);
  EXPECT_EQ(late.sequence(), 6u);
}

// A client that asked an older server while another wrote what a newer one had.
TEST_F(SharedCacheTest, AnOlderBundleNeverReplacesANewer) {
  tuf::RepositorySimulator old = repository_;
  Client slow = Make();
  Client fast = Make();
  Publish(6);
  // The slow one has every file but the catalog when the other one is done.
  Detour detour(old, [&](bool is_target) {
    if (is_target) {
      EXPECT_TRUE(Refresh(fast).ok());
    }
  });
  ASSERT_TRUE(Refresh(slow, &detour).ok());
  EXPECT_EQ(fast.sequence(), 6u);
  EXPECT_EQ(slow.sequence(), 6u) << "what the other wrote is newer";
  EXPECT_EQ(Make().sequence(), 6u);
  EXPECT_EQ(FileOf("timestamp.json"), repository_.metadata["timestamp.json"]);
  EXPECT_TRUE(slow.client->state().cache.ok());
}

TEST_F(SharedCacheTest, ALockThatIsTakenCostsOneWrite) {
  Client client = Make();
  disk_.is_locked = true;
  ASSERT_TRUE(Refresh(client).ok());
  EXPECT_EQ(client.client->state().cache.code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(disk_.files.empty());
  disk_.is_locked = false;
  // Even if nobody answers then.
  EXPECT_FALSE(Refresh(client, nullptr).ok());
  EXPECT_TRUE(client.client->state().cache.ok());
  EXPECT_EQ(Make().sequence(), 5u);
}

TEST_F(SharedCacheTest, AReaderNeedsNoRightToWrite) {
  Client writer = Make();
  Client reader = Make([](FakeFolder& folder) { folder.is_read_only = true; });
  for (const std::uint64_t sequence : {6, 7}) {
    Publish(sequence);
    ASSERT_TRUE(Refresh(writer).ok());
    ASSERT_TRUE(Refresh(reader).ok());
    EXPECT_EQ(reader.sequence(), sequence);
    EXPECT_TRUE(reader.client->state().cache.ok())
        << "it has nothing to write: " << reader.client->state().cache;
  }
  // What it alone knows is another matter, until somebody writes that.
  Publish(8);
  ASSERT_TRUE(Refresh(reader).ok());
  EXPECT_FALSE(reader.client->state().cache.ok());
  ASSERT_TRUE(Refresh(writer).ok());
  ASSERT_TRUE(Refresh(reader).ok());
  EXPECT_TRUE(reader.client->state().cache.ok())
      << reader.client->state().cache;
}

TEST_F(SharedCacheTest, AFolderThatWasRemovedIsMadeAgain) {
  repository_.Publish({"root"});
  Publish(6);
  Client client = Make();
  ASSERT_TRUE(Refresh(client).ok());
  disk_.files.clear();
  ASSERT_TRUE(Refresh(client).ok());
  EXPECT_EQ(client.sequence(), 6u);
  EXPECT_TRUE(client.client->state().cache.ok());
  EXPECT_EQ(Make().sequence(), 6u);
  EXPECT_EQ(Make().origin(), Origin::kCache);
}

TEST_F(SharedCacheTest, AFolderThatWasRemovedLowersNoFloor) {
  tuf::RepositorySimulator old = repository_;
  Publish(6);
  Client client = Make();
  ASSERT_TRUE(Refresh(client).ok());
  {
    // One that starts from the folder, and has saved nothing itself.
    Client started = Make();
    disk_.files.clear();
    EXPECT_FALSE(Refresh(started, &old).ok());
    EXPECT_EQ(started.sequence(), 6u);
  }
  EXPECT_FALSE(Refresh(client, &old).ok());
  EXPECT_EQ(client.sequence(), 6u);
}

TEST_F(SharedCacheTest, AnOlderCopyInTheFolderIsReplacedAgain) {
  Client client = Make();
  ASSERT_TRUE(Refresh(client).ok());
  const Disk old = disk_;
  Publish(6);
  ASSERT_TRUE(Refresh(client).ok());
  PutBack(old);
  ASSERT_TRUE(Refresh(client).ok());
  EXPECT_EQ(client.sequence(), 6u);
  EXPECT_EQ(Make().sequence(), 6u);
  EXPECT_EQ(FileOf("timestamp.json"), repository_.metadata["timestamp.json"]);
}

TEST_F(SharedCacheTest, AnOlderTimestampInTheFolderIsNotTaken) {
  Client client = Make();
  ASSERT_TRUE(Refresh(client).ok());
  const Disk old = disk_;
  repository_.Publish({"timestamp"});
  ASSERT_TRUE(Refresh(client).ok());
  PutBack(old);
  EXPECT_FALSE(Refresh(client, nullptr).ok());
  EXPECT_EQ(client.origin(), Origin::kServer);
  EXPECT_EQ(FileOf("timestamp.json"), repository_.metadata["timestamp.json"]);
}

TEST_F(SharedCacheTest, WhatOthersSawRevokedIsRefusedAtTheNextLook) {
  Client reader = Make();
  ASSERT_TRUE(Refresh(reader).ok());
  Client writer = Make();
  is_revoked_ = true;
  Publish(6);
  ASSERT_TRUE(Refresh(writer).ok());
  EXPECT_EQ(StatusOfFirst(reader), AnchorStatus::kActive);
  EXPECT_FALSE(Refresh(reader, nullptr).ok());
  EXPECT_EQ(StatusOfFirst(reader), AnchorStatus::kRevoked);
}

// On the network of one, only a new root came through; the other has gone on.
TEST_F(SharedCacheTest, ARootThatOneFollowedEndsTheBundleOfAll) {
  is_revoked_ = true;
  Publish(6);
  Client first = Make();
  Client second = Make();
  ASSERT_TRUE(Refresh(first).ok());
  ASSERT_TRUE(Refresh(second).ok());
  for (const char* role : {"targets", "snapshot", "timestamp"}) {
    repository_.RotateKeys(role);
  }
  repository_.Publish({"root"});
  EXPECT_FALSE(Refresh(first).ok()) << "the old keys signed the timestamp";
  EXPECT_EQ(first.origin(), Origin::kBakedIn);
  EXPECT_FALSE(Refresh(second, nullptr).ok());
  EXPECT_EQ(second.origin(), Origin::kBakedIn);
  EXPECT_EQ(StatusOfFirst(second), AnchorStatus::kRevoked);
  // And the floor fell for both, once.
  is_revoked_ = false;
  Publish(3);
  ASSERT_TRUE(Refresh(second).ok());
  EXPECT_EQ(StatusOfFirst(second), AnchorStatus::kActive);
  EXPECT_FALSE(Refresh(first, nullptr).ok());
  EXPECT_EQ(first.sequence(), 3u);
  EXPECT_EQ(StatusOfFirst(first), AnchorStatus::kActive)
      << "the new keys decided, and the other client knew what this one knew";
}

// What could not be written has not been decided about by others.
TEST_F(SharedCacheTest, ARevocationThatWasNotWrittenIsNotDroppedByOthers) {
  Client first = Make();
  Client second = Make();
  ASSERT_TRUE(Refresh(first).ok());
  ASSERT_TRUE(Refresh(second).ok());
  const tuf::RepositorySimulator before = repository_;
  is_revoked_ = true;
  Publish(6);
  first.folder->is_read_only = true;
  ASSERT_TRUE(Refresh(first).ok());
  // Another history, as a thief would make it.
  tuf::RepositorySimulator other = before;
  std::swap(repository_, other);
  is_revoked_ = false;
  Publish(6);
  Publish(7);
  ASSERT_TRUE(Refresh(second).ok());
  EXPECT_FALSE(Refresh(first, nullptr).ok());
  EXPECT_EQ(first.sequence(), 7u);
  EXPECT_EQ(StatusOfFirst(first), AnchorStatus::kRevoked);
}

// A rotation of keys, a revocation, a new bundle: what one client writes while
// another starts, at each step of the start.
TEST_F(SharedCacheTest, AStartFindsNoDamageWhateverIsWrittenMeanwhile) {
  for (const bool rotates : {false, true}) {
    for (int step = 0;; ++step) {
      SCOPED_TRACE(absl::StrCat("before read ", step));
      disk_ = Disk();
      repository_ = tuf::RepositorySimulator(kNow);
      Publish(5);
      Client writer = Make();
      ASSERT_TRUE(Refresh(writer).ok());
      if (rotates) {
        for (const char* role : {"targets", "snapshot", "timestamp"}) {
          repository_.RotateKeys(role);
        }
        repository_.Publish({"root"});
      }
      Publish(6);
      bool was_met = false;
      const Client reader = Make([&](FakeFolder& folder) {
        folder.before_read = [&](int read) {
          if (read != step) return;
          was_met = true;
          EXPECT_TRUE(Refresh(writer).ok());
        };
      });
      EXPECT_EQ(reader.origin(), Origin::kCache);
      EXPECT_TRUE(reader.client->state().cache.ok())
          << reader.client->state().cache;
      EXPECT_TRUE(reader.sequence() == 5 || reader.sequence() == 6);
      if (!was_met) break;
      Client next = Make();
      EXPECT_EQ(next.sequence(), 6u);
    }
  }
}

// The same at the first bundle of all, which no mark and no memory precedes.
TEST_F(SharedCacheTest, AStartBesideTheFirstWriteFindsNoDamage) {
  for (int step = 0;; ++step) {
    SCOPED_TRACE(absl::StrCat("before read ", step));
    disk_ = Disk();
    Client writer = Make();
    bool was_met = false;
    const Client reader = Make([&](FakeFolder& folder) {
      folder.before_read = [&](int read) {
        if (read != step) return;
        was_met = true;
        EXPECT_TRUE(Refresh(writer).ok());
      };
    });
    EXPECT_TRUE(reader.client->state().cache.ok())
        << reader.client->state().cache;
    if (!was_met) break;
  }
}

// And between any two files that a writer writes.
TEST_F(SharedCacheTest, AStartBetweenTwoWritesIsWell) {
  for (int step = 0;; ++step) {
    SCOPED_TRACE(absl::StrCat("before write ", step));
    disk_ = Disk();
    repository_ = tuf::RepositorySimulator(kNow);
    Publish(5);
    Client writer = Make();
    ASSERT_TRUE(Refresh(writer).ok());
    Client old = Make();
    for (const char* role : {"snapshot", "timestamp"}) {
      repository_.RotateKeys(role);
    }
    repository_.Publish({"root"});
    Publish(6);
    bool was_met = false;
    int writes = 0;
    writer.folder->before_write = [&](int) {
      if (writes++ != step) return;
      was_met = true;
      const Client reader = Make();
      EXPECT_EQ(reader.origin(), Origin::kCache);
      // It may have a root to remember, and not the lock.
      const absl::Status cache = reader.client->state().cache;
      EXPECT_TRUE(cache.ok() || absl::IsAborted(cache)) << cache;
      EXPECT_FALSE(Refresh(old, nullptr).ok());
      EXPECT_TRUE(old.sequence() == 5 || old.sequence() == 6);
    };
    EXPECT_TRUE(Refresh(writer).ok());
    EXPECT_FALSE(Refresh(old, nullptr).ok());
    EXPECT_EQ(old.sequence(), 6u);
    if (!was_met) break;
  }
}

// --- Random years ----------------------------------------------------------

// Clients that start, refresh, are cut off and die between two writes, on a
// repository that publishes, revokes and replaces keys, and a server that is
// behind. At each step at which others could run, another one may.
class RandomCacheTest : public SharedCacheTest {
 protected:
  static constexpr int kClients = 3;

  struct Process {
    Client client;
    bool is_busy = false;
    // The newest that it had, or that its folder had when it started.
    std::uint64_t seen = 0;
  };

  int Random(int below) {
    return std::uniform_int_distribution<int>(0, below - 1)(random_);
  }

  void Run(unsigned seed) {
    random_.seed(seed);
    for (int step = 0; step < 60 && !HasFailure(); ++step) {
      Process& process = processes_[Random(kClients)];
      switch (Random(8)) {
        case 0:
          PublishNext();
          break;
        case 1:
          ReplaceKeys();
          break;
        case 2:
          older_ = std::make_unique<tuf::RepositorySimulator>(repository_);
          break;
        case 3:
          process = Process();
          break;
        default:
          Work(process, 2);
      }
    }
  }

  void PublishNext() {
    ++sequence_;
    if (!is_revoked_ && Random(3) == 0) {
      is_revoked_ = true;
      revoked_from_ = sequence_;
    }
    Publish(sequence_);
  }

  void ReplaceKeys() {
    for (const char* role : {"timestamp", "snapshot"}) {
      repository_.RotateKeys(role);
    }
    if (Random(2) == 0) {
      repository_.RotateKeys("targets");
      first_of_era_ = sequence_ + 1;
    }
    repository_.Publish({"root"});
    if (Random(2) == 0) PublishNext();
  }

  // Starts the process if it does not run, and refreshes; at one step of that,
  // another does the same. It may die between two writes.
  void Work(Process& process, int depth) {
    if (process.is_busy) return;
    process.is_busy = true;
    int steps_left = Random(20);
    Process& other = processes_[Random(kClients)];
    const auto meanwhile = [&](int) {
      if (depth > 0 && steps_left-- == 0) Work(other, depth - 1);
    };
    if (process.client.client == nullptr) {
      process.seen = folder_seen_;
      process.client =
          Make([&](FakeFolder& folder) { folder.before_read = meanwhile; });
      Check(process);
    }
    FakeFolder& folder = *process.client.folder;
    folder.before_read = meanwhile;
    int writes_left = Random(30);
    folder.before_write = [&](int) {
      if (writes_left-- == 0) folder.is_dead = true;
      meanwhile(0);
    };
    const int answer = Random(4);
    const bool is_behind = answer == 1 && older_ != nullptr;
    Detour server(is_behind ? *older_ : repository_,
                  [&](bool) { meanwhile(0); });
    Refresh(process.client, answer == 0 ? nullptr : &server).IgnoreError();
    folder.before_read = nullptr;
    folder.before_write = nullptr;
    Check(process);
    if (process.client.client->state().cache.ok()) {
      folder_seen_ = std::max(folder_seen_, process.seen);
    }
    if (folder.is_dead) process = Process();
    process.is_busy = false;
  }

  // Never older than what was seen, but where a root removed its signers; and
  // what was revoked then is refused even so.
  void Check(Process& process) {
    const Client& client = process.client;
    const std::uint64_t now =
        client.origin() == Origin::kBakedIn ? 0 : client.sequence();
    const bool was_ended = now == 0 && process.seen < first_of_era_;
    EXPECT_TRUE(now >= process.seen || was_ended)
        << now << " after " << process.seen;
    process.seen = std::max(process.seen, now);
    if (process.seen >= revoked_from_) {
      EXPECT_EQ(StatusOfFirst(client), AnchorStatus::kRevoked);
    }
  }

  std::minstd_rand random_;
  Process processes_[kClients];
  std::unique_ptr<tuf::RepositorySimulator> older_;
  std::uint64_t sequence_ = 5;
  std::uint64_t first_of_era_ = 0;
  std::uint64_t revoked_from_ = std::numeric_limits<std::uint64_t>::max();
  // What all of the folder's files were once written for.
  std::uint64_t folder_seen_ = 0;
};

class RandomCacheSeedTest : public RandomCacheTest,
                            public ::testing::WithParamInterface<unsigned> {};

TEST_P(RandomCacheSeedTest, NothingGoesBack) { Run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(SharedCache, RandomCacheSeedTest,
                         ::testing::Range(0u, 30u));

}  // namespace
}  // namespace anchorage::client
