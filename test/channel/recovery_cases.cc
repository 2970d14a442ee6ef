#include "test/channel/recovery_cases.h"

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "test/fake_aws/keys.h"
#include "test/support/repository_simulator.h"
#include "verify/anchor_set.h"
#include "verify/crypto/public_key.h"

namespace anchorage::test {
namespace {

namespace tuf = anchors::tuf;
using Json = nlohmann::ordered_json;
using Files = std::map<std::string, std::string>;
using Names = std::vector<std::string>;
using verify::AnchorKind;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kDay = absl::Hours(24);
constexpr absl::Duration kYear = absl::Hours(365 * 24);
constexpr std::uint64_t kStep = std::uint64_t{1} << 32;
constexpr std::uint64_t kHighestSequence = (std::uint64_t{1} << 63) - 1;
// The highest version of TUF metadata that every language reads alike.
constexpr std::int64_t kHighestVersion = (std::int64_t{1} << 53) - 1;

// --- Anchors -----------------------------------------------------------------

// Two keys of AWS, which are built in everywhere, and one that is none.
constexpr char kFirst[] = "first";
constexpr char kSecond[] = "second";
constexpr char kThief[] = "thief";

// Just the key: that is all that a client trusts.
anchors::CatalogAnchor AnchorOf(verify::Slot slot, std::string spki_der) {
  anchors::CatalogAnchor anchor;
  anchor.slot = std::move(slot);
  anchor.spki_sha256 = verify::Sha256Hex(spki_der);
  anchor.spki_der = std::move(spki_der);
  return anchor;
}

anchors::CatalogAnchor BuiltIn(std::string_view region) {
  const verify::Slot slot{"aws", std::string(region), AnchorKind::kIidRsa2048};
  const auto catalog =
      anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
  for (const anchors::CatalogAnchor& anchor : catalog->anchors) {
    if (anchor.slot == slot) return AnchorOf(slot, anchor.spki_der);
  }
  std::cerr << "no anchor is built in for " << region << "\n";
  std::abort();
}

const std::map<std::string, anchors::CatalogAnchor>& Anchors() {
  static const auto* const anchors =
      new std::map<std::string, anchors::CatalogAnchor>{
          {kFirst, BuiltIn("eu-central-1")},
          {kSecond, BuiltIn("us-east-1")},
          {kThief, AnchorOf({"aws", "us-east-1", AnchorKind::kIidRsa2048},
                            TestKey::Rsa(2048, 0).spki_der())}};
  return *anchors;
}

Json Describe(const anchors::CatalogAnchor& anchor, bool is_built_in) {
  return {{"partition", anchor.slot.partition},
          {"region", anchor.slot.region},
          {"kind", std::string(verify::NameOf(anchor.slot.kind))},
          {"spkiSha256", anchor.spki_sha256},
          {"builtIn", is_built_in}};
}

struct CatalogSpec {
  std::uint64_t sequence = 0;
  absl::Time created = kNow;
  bool revokes_first = false;
  bool lists_thief = false;
};

std::string CatalogFile(const CatalogSpec& spec) {
  anchors::Catalog catalog;
  catalog.sequence = spec.sequence;
  catalog.created = spec.created;
  catalog.anchors = {Anchors().at(kFirst), Anchors().at(kSecond)};
  if (spec.revokes_first) {
    catalog.anchors.front().status = verify::AnchorStatus::kRevoked;
  }
  if (spec.lists_thief) catalog.anchors.push_back(Anchors().at(kThief));
  anchors::Sort(catalog);
  return anchors::SerializeCatalog(catalog);
}

// --- A case ------------------------------------------------------------------

std::string Text(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

// What a client must have after a step.
struct Then {
  // "ok" or a reason; empty for a step without a refresh.
  std::string refresh = "";
  std::string origin = "";
  // nullopt: that of the built-in set, which is not ours to say.
  std::optional<std::uint64_t> sequence = std::nullopt;
  std::string freshness = "FRESH";
  Names accepts = {kFirst, kSecond};
  Names refuses = {kThief};
  int equivocations = 0;
};

Names AllRoles() { return {"root", "targets", "snapshot", "timestamp"}; }

class Case {
 public:
  Case(std::string name, std::string title)
      : repository(kNow), name_(std::move(name)) {
    json_["format"] = 1;
    json_["title"] = std::move(title);
    json_["built"] = Text(kNow);
    for (const auto& [key, anchor] : Anchors()) {
      json_["anchors"][key] = Describe(anchor, key != kThief);
    }
    repository.list_hashes = true;
  }

  // The vendor's, or a thief's who has the same keys.
  tuf::RepositorySimulator repository;
  absl::Time now = kNow;

  void SignUntil(const Names& roles, absl::Time expires) {
    for (const std::string& role : roles) {
      if (role == "root") repository.root.expires = expires;
      if (role == "targets") repository.targets().expires = expires;
      if (role == "snapshot") repository.snapshot.expires = expires;
      if (role == "timestamp") repository.timestamp.expires = expires;
    }
  }

  void Publish(const CatalogSpec& spec) {
    repository.AddTarget("targets", std::string(anchors::kCatalogTargetPath),
                         CatalogFile(spec));
    repository.Publish({"targets", "snapshot", "timestamp"});
  }

  // Publishes a root in which these roles have new keys, and nothing else.
  void ReplaceKeys(const Names& roles) {
    const std::vector<tuf::KeyPtr> old = repository.signers["root"];
    for (const std::string& role : roles) repository.RotateKeys(role);
    std::vector<tuf::KeyPtr>& signers = repository.signers["root"];
    const std::vector<tuf::KeyPtr> own = signers;
    // A root is signed by those who signed the last one, too.
    if (own != old) signers.insert(signers.end(), old.begin(), old.end());
    repository.Publish({"root"});
    signers = own;
  }

  // The next step starts a client whose program has this root of the
  // repository.
  void Start(std::int64_t version) {
    const std::string file = absl::StrCat("trusted/", version, ".root.json");
    files_[file] = repository.published("root", version);
    start_ = file;
  }

  // The next step asks what the repository has now, but for files `without`.
  void Serve(const Names& without = {}) {
    served_ = Roots();
    for (const char* role : {"timestamp", "snapshot", "targets"}) Add(role);
    const std::string path(anchors::kCatalogTargetPath);
    const std::string target =
        tuf::TargetFileName(path, repository.targets().targets.at(path), true);
    (*served_)["targets/" + target] = repository.files.at(target);
    for (const std::string& name : without) served_->erase(name);
  }
  // The same where the network lets nothing but roots through.
  void ServeRoots() { served_ = Roots(); }

  void Step(std::string says, Then then) {
    Json step;
    step["says"] = std::move(says);
    step["clock"] = Text(now);
    if (start_.has_value()) step["start"] = *start_;
    if (served_.has_value()) {
      step["repository"] = FolderOf(*served_);
      step["refresh"] = then.refresh;
    }
    Json& expected = step["then"];
    expected["origin"] = then.origin;
    if (then.sequence.has_value()) {
      expected["sequence"] = absl::StrCat(*then.sequence);
    }
    expected["freshness"] = then.freshness;
    expected["equivocations"] = then.equivocations;
    expected["accepts"] = then.accepts;
    expected["refuses"] = then.refuses;
    json_["steps"].push_back(std::move(step));
    start_.reset();
    served_.reset();
  }

  void Finish(Files& all) {
    for (const auto& [path, bytes] : files_) {
      all[absl::StrCat(name_, "/", path)] = bytes;
    }
    all[name_ + "/case.json"] = json_.dump(2) + "\n";
  }

 private:
  Files Roots() const {
    Files files;
    for (std::int64_t version = 1; version <= repository.root.version;
         ++version) {
      files[absl::StrCat(version, ".root.json")] =
          repository.published("root", version);
    }
    return files;
  }

  // Adds the newest file of a role to what is served.
  void Add(const std::string& role) {
    std::int64_t version = 0;
    if (role == "snapshot") version = repository.snapshot.version;
    if (role == "targets") version = repository.targets().version;
    const std::string name = absl::StrCat(
        role == "timestamp" ? "" : absl::StrCat(version, "."), role, ".json");
    (*served_)[name] = repository.metadata.at(name);
  }

  // Returns the folder with these files: an earlier one if there is one.
  std::string FolderOf(const Files& served) {
    for (std::size_t i = 0; i < folders_.size(); ++i) {
      if (folders_[i] == served) return absl::StrCat("served-", i + 1);
    }
    folders_.push_back(served);
    const std::string folder = absl::StrCat("served-", folders_.size());
    for (const auto& [path, bytes] : served) {
      files_[absl::StrCat(folder, "/", path)] = bytes;
    }
    return folder;
  }

  const std::string name_;
  Json json_;
  Files files_;
  std::vector<Files> folders_;
  std::optional<std::string> start_;
  std::optional<Files> served_;
};

// Gives a client its first bundle, of sequence 5.
void Begin(Case& c) {
  c.Publish({.sequence = 5});
  c.Start(1);
  c.Serve();
  c.Step("The vendor publishes, and a new client asks.",
         {.refresh = "ok", .origin = "SERVER", .sequence = 5});
}

// --- Keys that were stolen ---------------------------------------------------

void StolenTargetsKey(Files& all) {
  Case c("stolen-targets-key",
         "After a targets key was stolen, the catalog of the new keys replaces "
         "the thief's, whose sequence is higher.");
  Begin(c);
  c.SignUntil({"targets", "snapshot", "timestamp"}, kNow + 100 * kYear);
  c.Publish({.sequence = 5 + kStep, .lists_thief = true});
  c.Serve();
  c.Step("The thief publishes an anchor of his own. No client can know.",
         {.refresh = "ok",
          .origin = "SERVER",
          .sequence = 5 + kStep,
          .accepts = {kFirst, kSecond, kThief},
          .refuses = {}});
  c.ReplaceKeys(AllRoles());
  c.SignUntil({"targets", "snapshot", "timestamp"}, kNow + 30 * kDay);
  c.Publish({.sequence = 8});
  c.Serve();
  c.Step("The owners replace every key by root 2, and go on with 8.",
         {.refresh = "ok", .origin = "SERVER", .sequence = 8});
  c.Start(1);
  c.Step("The client starts again, with no server.",
         {.origin = "CACHE", .sequence = 8});
  c.Finish(all);
}

void HighestSequence(Files& all) {
  Case c("highest-sequence",
         "A thief who met a new client used up all the numbers: the new keys "
         "begin again.");
  c.Publish({.sequence = kHighestSequence, .lists_thief = true});
  c.Start(1);
  c.Serve();
  c.Step("The first catalog that the client ever sees is the thief's.",
         {.refresh = "ok",
          .origin = "SERVER",
          .sequence = kHighestSequence,
          .accepts = {kFirst, kSecond, kThief},
          .refuses = {}});
  c.ReplaceKeys(AllRoles());
  c.Publish({.sequence = 8});
  c.Serve();
  c.Step("The owners replace every key by root 2, and go on with 8.",
         {.refresh = "ok", .origin = "SERVER", .sequence = 8});
  c.Finish(all);
}

void RootAlone(Files& all) {
  Case c("root-alone",
         "A root that replaced the targets keys ends what they signed, also "
         "where nothing but the root arrives, and also after a restart.");
  Begin(c);
  c.Publish({.sequence = 6, .lists_thief = true});
  c.Serve();
  c.Step("The thief publishes an anchor of his own.",
         {.refresh = "ok",
          .origin = "SERVER",
          .sequence = 6,
          .accepts = {kFirst, kSecond, kThief},
          .refuses = {}});
  c.ReplaceKeys({"targets", "snapshot", "timestamp"});
  c.Serve();
  c.Step("Root 2 arrives, and with it the thief's files.",
         {.refresh = "THRESHOLD_NOT_MET",
          .origin = "BAKED_IN",
          .freshness = "BAKED_IN"});
  c.Start(1);
  c.Step(
      "The client starts again. Roots that lie beside the thief's files do "
      "not vouch for them.",
      {.origin = "BAKED_IN", .freshness = "BAKED_IN"});
  c.Publish({.sequence = 3});
  c.Serve();
  c.Step("What the new keys signed arrives.",
         {.refresh = "ok", .origin = "SERVER", .sequence = 3});
  c.Finish(all);
}

void RoutineRotation(Files& all) {
  Case c("routine-rotation-is-no-unrevoke",
         "What was REVOKED stays refused when a root drops the bundle that "
         "said so, until the new keys say otherwise.");
  Begin(c);
  c.Publish({.sequence = 6, .revokes_first = true});
  c.Serve();
  c.Step("The vendor revokes an anchor that is built in.",
         {.refresh = "ok",
          .origin = "SERVER",
          .sequence = 6,
          .accepts = {kSecond},
          .refuses = {kFirst}});
  c.ReplaceKeys({"targets", "snapshot", "timestamp"});
  c.ServeRoots();
  c.Step(
      "The keys are replaced as every year, and somebody on the network "
      "lets only the root through.",
      {.refresh = "FILE_NOT_ON_SERVER",
       .origin = "BAKED_IN",
       .freshness = "BAKED_IN",
       .accepts = {kSecond},
       .refuses = {kFirst}});
  c.Start(1);
  c.Step("The client starts again.", {.origin = "BAKED_IN",
                                      .freshness = "BAKED_IN",
                                      .accepts = {kSecond},
                                      .refuses = {kFirst}});
  c.Publish({.sequence = 7, .revokes_first = true});
  c.Serve();
  c.Step("The new keys sign the same.", {.refresh = "ok",
                                         .origin = "SERVER",
                                         .sequence = 7,
                                         .accepts = {kSecond},
                                         .refuses = {kFirst}});
  c.Publish({.sequence = 8});
  c.Serve();
  c.Step("The new keys may decide otherwise.",
         {.refresh = "ok", .origin = "SERVER", .sequence = 8});
  c.Finish(all);
}

void StolenTimestampKey(Files& all) {
  Case c("stolen-timestamp-key",
         "A bundle whose timestamp the newest root no longer vouches for is "
         "used, and its age counts from when that root was stored.");
  c.SignUntil({"root", "targets", "snapshot"}, kNow + kYear);
  c.ReplaceKeys({});
  Begin(c);
  c.SignUntil({"timestamp"}, kNow + 100 * kYear);
  c.repository.Publish({"timestamp"});
  c.Serve();
  c.Step("The thief signs a timestamp for a century.",
         {.refresh = "ok", .origin = "SERVER", .sequence = 5});
  c.ReplaceKeys({"timestamp"});
  c.now += absl::Hours(1);
  c.Serve();
  c.Step(
      "Root 3 replaces that key. Somebody on the network goes on with the "
      "thief's timestamp.",
      {.refresh = "THRESHOLD_NOT_MET",
       .origin = "SERVER",
       .sequence = 5,
       .freshness = "STALE"});
  c.now += 29 * kDay;
  c.Start(1);
  c.Step("The client starts again 29 days later.",
         {.origin = "CACHE", .sequence = 5, .freshness = "STALE"});
  c.now += 2 * kDay;
  c.Step("31 days after the root was stored.",
         {.origin = "CACHE", .sequence = 5, .freshness = "EXPIRED"});
  c.SignUntil({"timestamp"}, c.now + 30 * kDay);
  c.repository.Publish({"timestamp"});
  c.Serve();
  c.Step("A timestamp of the new key arrives.",
         {.refresh = "ok", .origin = "SERVER", .sequence = 5});
  c.Finish(all);
}

void TimestampFastForward(Files& all) {
  Case c("timestamp-fast-forward",
         "Versions that a thief raised to the end fall when a root replaces "
         "the keys, and in no other case (TUF 5.3.11).");
  Begin(c);
  const std::int64_t timestamp = c.repository.timestamp.version;
  const std::int64_t snapshot = c.repository.snapshot.version;
  c.repository.timestamp.version = kHighestVersion - 1;
  c.repository.snapshot.version = kHighestVersion - 1;
  c.repository.Publish({"snapshot", "timestamp"});
  c.Serve();
  c.Step("The thief of the timestamp and snapshot keys uses up the numbers.",
         {.refresh = "ok", .origin = "SERVER", .sequence = 5});
  c.repository.timestamp.version = timestamp;
  c.repository.snapshot.version = snapshot;
  c.Publish({.sequence = 6});
  c.Serve();
  c.Step("The owners go on where they were, with the same keys.",
         {.refresh = "TIMESTAMP_ROLLBACK", .origin = "SERVER", .sequence = 5});
  c.ReplaceKeys({"snapshot", "timestamp"});
  c.repository.Publish({"snapshot", "timestamp"});
  c.Serve();
  c.Step("With new keys, they can.",
         {.refresh = "ok", .origin = "SERVER", .sequence = 6});
  c.Start(1);
  c.Step("The client starts again, with no server.",
         {.origin = "CACHE", .sequence = 6});
  c.Finish(all);
}

void YearAtMost(Files& all) {
  Case c("fresh-for-a-year-at-most",
         "However long the metadata says that it lives, a bundle is fresh for "
         "365 days after it was adopted at most.");
  c.SignUntil(AllRoles(), kNow + 100 * kYear);
  c.ReplaceKeys({});
  Begin(c);
  c.now = kNow + kYear;
  c.Step("365 days later.", {.origin = "SERVER", .sequence = 5});
  c.now += absl::Seconds(1);
  c.Step("A second more.",
         {.origin = "SERVER", .sequence = 5, .freshness = "STALE"});
  c.Serve();
  c.Step("The same timestamp again is no news.", {.refresh = "ok",
                                                  .origin = "SERVER",
                                                  .sequence = 5,
                                                  .freshness = "STALE"});
  c.Finish(all);
}

// --- Floors ------------------------------------------------------------------

void FloorFallsOnce(Files& all) {
  Case c("floor-falls-once",
         "The sequence may fall once for a root that removed the signers of "
         "the last one, and not again.");
  Begin(c);
  c.ReplaceKeys({"targets", "snapshot", "timestamp"});
  c.Publish({.sequence = 3});
  c.Serve();
  c.Step("New keys, and a lower sequence.",
         {.refresh = "ok", .origin = "SERVER", .sequence = 3});
  c.Publish({.sequence = 2});
  c.Serve();
  c.Step("A lower one by the same keys.",
         {.refresh = "SEQUENCE_ROLLBACK", .origin = "SERVER", .sequence = 3});
  c.Start(1);
  c.Serve();
  c.Step("Nor after a restart.",
         {.refresh = "SEQUENCE_ROLLBACK", .origin = "CACHE", .sequence = 3});
  c.Finish(all);
}

void RootThatAddsKeys(Files& all) {
  Case c(
      "root-that-adds-keys",
      "A root that only adds keys drops nothing: the sequence may not fall.");
  Begin(c);
  c.repository.AddKey("targets", c.repository.NewKey());
  c.repository.Publish({"root"});
  c.Publish({.sequence = 4});
  c.Serve();
  c.Step("One key more, and a lower sequence.",
         {.refresh = "SEQUENCE_ROLLBACK", .origin = "SERVER", .sequence = 5});
  c.Finish(all);
}

void SequenceLeap(Files& all) {
  Case c("sequence-leap",
         "A sequence is at most 2^32 above the one before it. What is held is "
         "never refused by that.");
  Begin(c);
  c.Publish({.sequence = 5 + kStep + 1});
  c.Serve();
  c.Step("One too many.",
         {.refresh = "SEQUENCE_LEAP", .origin = "SERVER", .sequence = 5});
  c.Publish({.sequence = 5 + kStep});
  c.Serve();
  c.Step("As many as may be.",
         {.refresh = "ok", .origin = "SERVER", .sequence = 5 + kStep});
  c.Start(1);
  c.Step("The client starts again, with no server.",
         {.origin = "CACHE", .sequence = 5 + kStep});
  c.Finish(all);
}

// --- Roots -------------------------------------------------------------------

void NewerProgram(Files& all) {
  Case c("program-newer-than-cache",
         "A program that has root 3 built in uses the cache of one that had "
         "root 1.");
  c.ReplaceKeys({});
  c.ReplaceKeys({});
  Begin(c);
  c.Publish({.sequence = 6, .revokes_first = true});
  c.Serve();
  const Then revoked = {.origin = "CACHE",
                        .sequence = 6,
                        .accepts = {kSecond},
                        .refuses = {kFirst}};
  Then fetched = revoked;
  fetched.refresh = "ok";
  fetched.origin = "SERVER";
  c.Step("The vendor revokes an anchor that is built in.", fetched);
  c.Start(3);
  c.Step("The program is updated. There is no server.", revoked);
  c.Start(2);
  c.Step("The program is set back.", revoked);
  c.Finish(all);
}

void ForkedRoot(Files& all) {
  Case c("forked-root",
         "A cached root that contradicts the trusted one of its version makes "
         "the cache useless, but for what it revoked, and is counted.");
  Begin(c);
  const tuf::RepositorySimulator before = c.repository;
  c.repository.Publish({"root"});
  c.Publish({.sequence = 6, .revokes_first = true});
  c.Serve();
  c.Step("Root 2, and an anchor is revoked that is built in.",
         {.refresh = "ok",
          .origin = "SERVER",
          .sequence = 6,
          .accepts = {kSecond},
          .refuses = {kFirst}});
  c.repository = before;
  c.repository.root.expires += kDay;
  c.repository.Publish({"root"});
  c.Start(2);
  const Then useless = {.origin = "BAKED_IN",
                        .freshness = "BAKED_IN",
                        .accepts = {kSecond},
                        .refuses = {kFirst},
                        .equivocations = 1};
  c.Step("An update of the program brings another root 2.", useless);
  c.Start(2);
  Then again = useless;
  again.equivocations = 0;
  c.Step("Once told, a restart does not tell it again.", again);
  c.Publish({.sequence = 6});
  c.Serve();
  c.Step("The repository of the trusted root decides.",
         {.refresh = "ok", .origin = "SERVER", .sequence = 6});
  c.Finish(all);
}

void ThreeRootsBehind(Files& all) {
  Case c("three-roots-behind",
         "A client follows the roots one by one, and none may be missing.");
  Begin(c);
  c.ReplaceKeys({"root"});
  c.ReplaceKeys({"root"});
  c.ReplaceKeys({"root", "targets"});
  c.Publish({.sequence = 6});
  c.Serve({"3.root.json"});
  c.Step("Three roots later. The one in the middle is withheld.",
         {.refresh = "THRESHOLD_NOT_MET", .origin = "SERVER", .sequence = 5});
  c.Serve();
  c.Step("All are there.",
         {.refresh = "ok", .origin = "SERVER", .sequence = 6});
  c.Start(1);
  c.Step("The client starts again, with no server.",
         {.origin = "CACHE", .sequence = 6});
  c.Finish(all);
}

// --- Clocks ------------------------------------------------------------------

void CatalogOfTheFuture(Files& all) {
  Case c("catalog-of-the-future",
         "A catalog that was made more than 24 hours after the client's clock "
         "is a matter of the clock; a later catalog may have an earlier date.");
  Begin(c);
  c.Publish({.sequence = 6, .created = kNow + kDay + absl::Seconds(1)});
  c.Serve();
  c.Step("Made in 24 hours and a second.",
         {.refresh = "CLOCK_SUSPECT", .origin = "SERVER", .sequence = 5});
  c.Publish({.sequence = 7, .created = kNow + kDay});
  c.Serve();
  c.Step("Made in 24 hours.",
         {.refresh = "ok", .origin = "SERVER", .sequence = 7});
  c.Publish({.sequence = 8, .created = kNow - kDay});
  c.Serve();
  c.Step("The next one was made yesterday.",
         {.refresh = "ok", .origin = "SERVER", .sequence = 8});
  c.Start(1);
  c.Step("The client starts again, with no server.",
         {.origin = "CACHE", .sequence = 8});
  c.Finish(all);
}

void ClockThatWasAhead(Files& all) {
  Case c("clock-that-was-ahead",
         "A set that was EXPIRED once stays so until an answer of the server "
         "verifies, whatever the clock reads later.");
  Begin(c);
  c.now = kNow + 10 * kYear;
  c.Step("The clock is ten years ahead.",
         {.origin = "SERVER", .sequence = 5, .freshness = "EXPIRED"});
  c.now = kNow;
  c.Step("The clock is right again.",
         {.origin = "SERVER", .sequence = 5, .freshness = "EXPIRED"});
  c.Serve();
  c.Step("One refresh mends it.",
         {.refresh = "ok", .origin = "SERVER", .sequence = 5});
  c.Finish(all);
}

}  // namespace

std::map<std::string, std::string> MakeRecoveryCases() {
  Files all;
  for (auto* const make :
       {StolenTargetsKey, HighestSequence, RootAlone, RoutineRotation,
        StolenTimestampKey, TimestampFastForward, YearAtMost, FloorFallsOnce,
        RootThatAddsKeys, SequenceLeap, NewerProgram, ForkedRoot,
        ThreeRootsBehind, CatalogOfTheFuture, ClockThatWasAhead}) {
    make(all);
  }
  return all;
}

}  // namespace anchorage::test
