#include "test/fleet/vendor.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "anchors/baked/build_key.h"
#include "anchors/bundle.h"
#include "anchors/catalog_proto.h"
#include "anchors/publishing/signer.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/keys.h"
#include "verify/crypto/public_key.h"

namespace anchorage::fleet {
namespace {

namespace tuf = anchors::tuf;
using simulation::KeyOf;
using trustd::RotationAction;
using trustd::RotationClass;
using verify::AnchorStatus;
using verify::Slot;

// As trustd has it by default.
constexpr absl::Duration kTimestampValidity = absl::Hours(7 * 24);
constexpr absl::Duration kTimestampInterval = absl::Hours(6);
// People renew what lasts longer in time.
constexpr absl::Duration kLong = absl::Hours(3 * 365 * 24);
constexpr absl::Duration kPoisonLasts = absl::Hours(3 * 24);
// The numbers of keys that no repository comes to.
constexpr int kForgersKeys = 20'000;
constexpr std::array<std::string_view, 3> kOnlineRoles = {"targets", "snapshot",
                                                          "timestamp"};

// A simulation that cannot go on must not look like one that went well.
[[noreturn]] void Die(const std::string& what) {
  std::cerr << "fleet: " << what << "\n";
  std::abort();
}

// Gives the role `threshold` of `count` new keys.
void GiveKeys(tuf::RepositorySimulator& repository, std::string_view role,
              int threshold, int count) {
  repository.RotateKeys(role);
  for (int i = 1; i < count; ++i) repository.AddKey(role, repository.NewKey());
  repository.RootRole(role).threshold = threshold;
}

anchors::BundleFiles FilesOf(const tuf::RepositorySimulator& repository) {
  anchors::BundleFiles files;
  files.timestamp = repository.metadata.at("timestamp.json");
  files.snapshot = repository.metadata.at("snapshot.json");
  files.targets = repository.metadata.at("targets.json");
  files.SetTarget(
      anchors::kCatalogTargetPath,
      repository.files.at(std::string(anchors::kCatalogTargetPath)));
  return files;
}

// A catalog in which everything is ACTIVE, and a key that is nobody's besides,
// far ahead of what is published, signed with what the repository has.
void SignFalsely(anchors::Catalog catalog, absl::Time now,
                 tuf::RepositorySimulator& repository) {
  catalog.sequence = Vendor::kThiefs;
  catalog.created = anchors::WholeSeconds(now);
  for (anchors::CatalogAnchor& anchor : catalog.anchors) {
    anchor.status = AnchorStatus::kActive;
    anchor.valid_until.reset();
    anchor.accept_until.reset();
  }
  const std::string& spki = Vendor::NobodysKey().spki_der();
  anchors::CatalogAnchor& nobodys = catalog.anchors.emplace_back();
  nobodys.slot = Vendor::NobodysSlot();
  nobodys.spki_sha256 = verify::Sha256Hex(spki);
  nobodys.spki_der = spki;
  anchors::Sort(catalog);
  repository.AddTarget("targets", std::string(anchors::kCatalogTargetPath),
                       anchors::SerializeCatalog(catalog));
  constexpr auto kLeap = static_cast<std::int64_t>(Vendor::kThiefs);
  repository.targets().version += kLeap;
  repository.snapshot.version += kLeap;
  repository.timestamp.version += kLeap;
  repository.targets().expires = repository.snapshot.expires =
      repository.timestamp.expires = now + 30 * kLong;
  repository.Publish({"targets", "snapshot", "timestamp"});
}

}  // namespace

const verify::Slot& Vendor::NobodysSlot() {
  static const auto* const slot =
      new Slot{"aws", "us-east-1", verify::AnchorKind::kIidRsa2048};
  return *slot;
}

const test::TestKey& Vendor::NobodysKey() {
  return test::TestKey::Rsa(2048, 44);
}

KeySet Publication::UsableAt(absl::Time now) const {
  KeySet usable;
  for (const Key& key : keys) {
    if (now >= key.valid_from && now <= key.valid_until) usable.set(key.number);
  }
  return usable;
}

Vendor::Vendor(std::uint64_t seed, absl::Time begin)
    : dice_(seed),
      world_(dice_, begin),
      begin_(begin),
      now_(begin),
      is_offline_(dice_.Percent(50)),
      repository_(begin) {
  options_.people = {"alice", "bob", "olga"};
  options_.rotations.approvals = 1 + dice_.Below(2);
  if (!options_.rotations.policy
           .Set(RotationClass::kReissue,
                {.action = RotationAction::kPublishAfter,
                 .sources = 2,
                 .hold = absl::Hours(1)})
           .ok()) {
    Die("a policy is refused");
  }
  trustd::Served& served = state_.served;
  served.catalog =
      std::make_shared<const anchors::Catalog>(world_.Catalog(begin));
  served.catalog_sha256 =
      verify::Sha256Hex(anchors::SerializeCatalog(*served.catalog));
  served.next_sequence = served.catalog->sequence + 1;
  moment_ = trustd::MomentAtStart(state_.book, begin, absl::ZeroDuration());
  moment_.sources = std::map<std::string, std::string>{{"page", "page"},
                                                       {"mirror", "mirror"}};
  GiveKeys(repository_, "root", 2, 3);
  GiveTargetsKeys();
  SetExpiries();
  repository_.PublishAgain({"root"});
  NoteAws();
  Publish();
}

void Vendor::GiveTargetsKeys() {
  GiveKeys(repository_, "targets", is_offline_ ? 2 : 1, is_offline_ ? 3 : 1);
}

void Vendor::SetExpiries() {
  repository_.root.expires = now_ + kLong;
  repository_.targets().expires = now_ + kLong;
  repository_.snapshot.expires = now_ + kLong;
  repository_.timestamp.expires = now_ + kTimestampValidity;
}

void Vendor::Sign(const std::vector<std::string>& roles) {
  SetExpiries();
  repository_.Publish(roles);
  signed_ = now_;
}

std::size_t Vendor::NumberOf(const Slot& slot, const std::string& spki_sha256) {
  const auto [at, added] =
      numbers_.try_emplace({slot, spki_sha256}, numbers_.size());
  if (at->second >= kMostKeys) Die("more keys than the simulation counts");
  return at->second;
}

std::vector<std::pair<Slot, std::string>> Vendor::Keys() const {
  std::vector<std::pair<Slot, std::string>> keys;
  for (const auto& [key, number] : numbers_) keys.push_back(key);
  return keys;
}

void Vendor::NoteAws() {
  current_.reset();
  for (const auto& [slot, der] : world_.Genuine()) {
    current_.set(NumberOf(slot, KeyOf(der)));
  }
  ever_ |= current_;
}

void Vendor::Publish() {
  const anchors::Catalog& catalog = *state_.served.catalog;
  Publication publication{now_, catalog.sequence, {}};
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    const std::size_t number = NumberOf(anchor.slot, anchor.spki_sha256);
    if (anchor.status == AnchorStatus::kRevoked) revoked_.set(number);
    if (!anchors::Verifies(anchor)) continue;
    publication.keys.push_back(
        {number, anchor.valid_from.value_or(absl::InfinitePast()),
         std::min(anchor.valid_until.value_or(absl::InfiniteFuture()),
                  anchor.accept_until.value_or(absl::InfiniteFuture()))});
  }
  if (publication.sequence != publications_.size() + 1) Die("a gap");
  publications_.push_back(std::move(publication));
  repository_.AddTarget("targets", std::string(anchors::kCatalogTargetPath),
                        anchors::SerializeCatalog(catalog));
  Sign({"targets", "snapshot", "timestamp"});
}

anchors::BakedBundle Vendor::BakedByVendor() const {
  return {.root = FirstRoot(), .files = FilesOf(repository_), .as_of = begin_};
}

anchors::BakedBundle Vendor::BakedByBuild() const {
  tuf::RepositorySimulator build(begin_);
  auto key = tuf::SoftwareKey::Ed25519FromSeed(anchors::kBuildKeySeed);
  if (!key.ok()) Die(key.status().ToString());
  const tuf::KeyPtr shared = *std::move(key);
  for (const char* role : {"root", "timestamp", "snapshot", "targets"}) {
    build.RootRole(role).keys.clear();
    build.signers[role].clear();
    build.AddKey(role, shared);
  }
  build.root.expires = build.timestamp.expires = build.snapshot.expires =
      build.targets().expires = begin_ + 100 * 365 * kDay;
  build.AddTarget(
      "targets", std::string(anchors::kCatalogTargetPath),
      repository_.files.at(std::string(anchors::kCatalogTargetPath)));
  build.PublishAgain({"root", "targets", "snapshot", "timestamp"});
  return {.root = build.published("root", 1),
          .files = FilesOf(build),
          .as_of = begin_};
}

void Vendor::SetUp(bool is_up, absl::Time now) {
  now_ = now;
  is_up_ = is_up;
  if (is_up) Sign({"timestamp"});
}

KeySet Vendor::PublishedSince(absl::Time time, absl::Time made) const {
  KeySet published = current_;
  for (auto at = publications_.rbegin(); at != publications_.rend(); ++at) {
    published &= at->UsableAt(made);
    if (at->time <= time) break;
  }
  return published;
}

bool Vendor::Take(const trustd::Event& event) {
  auto work = trustd::Decide(state_, moment_, event,
                             {.now = now_, .steady = now_ - begin_}, options_);
  if (!work.ok()) return false;
  state_.book = work->book();
  state_.records += work->draft.records().size();
  state_.served = work->served;
  moment_ = work->moment;
  if (work->publish.has_value()) Publish();
  return true;
}

void Vendor::AskSources() {
  for (const char* name : {"page", "mirror"}) {
    auto look = std::make_shared<trustd::Observation>();
    look->source = name;
    look->location = absl::StrCat("https://", name, ".example");
    look->time = now_;
    look->scope.partitions = {"aws", "aws-cn"};
    look->scope.kinds = {verify::AnchorKind::kIidRsa1024,
                         verify::AnchorKind::kIidRsa2048,
                         verify::AnchorKind::kNitroRoot};
    const bool is_poisoned = poison_.has_value() && name[0] == 'p';
    for (const auto& [slot, der] :
         is_poisoned ? poison_->first : world_.Genuine()) {
      look->certificates.push_back({slot, der, 1});
    }
    const auto before = moment_.newest.find(name);
    if (before != moment_.newest.end() &&
        before->second->certificates == look->certificates) {
      Take(trustd::SourceUnchanged{name});
    } else {
      Take(trustd::SourceSaid{std::move(look)});
    }
  }
}

bool Vendor::BringsGenuine(const trustd::RotationBook::Entry& entry) const {
  const trustd::Change& change = entry.change;
  if (change.rotation_class == RotationClass::kRemoval) {
    return world_.Current(change.slot).empty();
  }
  return std::all_of(change.observed.begin(), change.observed.end(),
                     [&](const trustd::SeenCertificate& seen) {
                       return world_.IsCurrent(change.slot, seen.der);
                     });
}

// Careful people: they compare what they approve with what AWS says elsewhere.
void Vendor::PeopleAnswer() {
  std::vector<std::uint64_t> open;
  for (const std::uint64_t id : state_.book.Live()) {
    if (state_.book.Find(id)->is_open()) open.push_back(id);
  }
  for (const std::uint64_t id : open) {
    const auto [when, added] =
        answers_.try_emplace(id, now_ + absl::Hours(1 + dice_.Below(30)));
    if (now_ < when->second) continue;
    for (const std::string& by : options_.people) {
      const auto* entry = state_.book.Find(id);
      if (entry == nullptr || !entry->is_open()) break;
      const bool approves = entry->is_publishable() && BringsGenuine(*entry);
      const bool rejects =
          !approves && (entry->is_publishable() || entry->is_unknown_signer() ||
                        entry->rotation.needs_person());
      if (!approves && !rejects) break;
      trustd::PersonDecides event;
      event.rotation_id = id;
      event.kind =
          approves ? v1::Decision::KIND_APPROVE : v1::Decision::KIND_REJECT;
      event.by = by;
      event.why = "because";
      event.change_id = entry->rotation.change_id();
      event.effect_sha256 = entry->rotation.effect_sha256();
      Take(event);
    }
  }
}

void Vendor::RevokeWhatWasStolen() {
  std::erase_if(stolen_, [&](const auto& stolen) {
    const auto& [slot, key] = stolen;
    // Nobody is left without a key.
    const std::string now = KeyOf(world_.Current(slot));
    const auto* next = anchors::FindAnchor(*state_.served.catalog, slot, now);
    if (now == key || next == nullptr || !anchors::Verifies(*next)) {
      return false;
    }
    trustd::PersonPins event;
    event.fact.set_action(v1::PinFact::ACTION_REVOKE);
    *event.fact.mutable_slot() = anchors::ToProto(slot);
    event.fact.set_spki_sha256(key);
    event.fact.set_by("alice");
    event.fact.set_why("it was stolen");
    return Take(event);
  });
}

void Vendor::Hour(absl::Time now) {
  now_ = now;
  if (poison_.has_value() && now_ >= poison_->second) poison_.reset();
  if (!is_up_) return;
  AskSources();
  Take(trustd::TimePassed());
  PeopleAnswer();
  RevokeWhatWasStolen();
  if (now_ - signed_ >= kTimestampInterval) Sign({"timestamp"});
}

std::string Vendor::AwsChanges(absl::Time now) {
  now_ = now;
  std::string what = world_.Change(now);
  NoteAws();
  return what;
}

std::string Vendor::PoisonPage(absl::Time now) {
  simulation::Page page = world_.Genuine();
  std::vector<trustd::SourceProblem> problems;
  std::string what = "the page ";
  for (int i = 0; i < 3; ++i) {
    absl::StrAppend(&what, i == 0 ? "" : ", ",
                    world_.Attack(page, problems, now));
  }
  poison_ = {std::move(page), now + kPoisonLasts};
  return what;
}

std::string Vendor::AwsKeyIsStolen(absl::Time now) {
  now_ = now;
  const simulation::Page page = world_.Genuine();
  const auto& [slot, der] = dice_.Of(page);
  const std::string key = KeyOf(der);
  world_.Rekey(slot, now);
  NoteAws();
  for (const auto& [other, theirs] : page) {
    if (KeyOf(theirs) == key) stolen_.emplace_back(other, key);
  }
  return absl::StrCat("AWS's key of ", verify::ToString(slot), " is stolen");
}

void Vendor::RotateTargets(absl::Time now) {
  now_ = now;
  GiveTargetsKeys();
  Sign({"root", "targets", "snapshot", "timestamp"});
}

void Vendor::KeysAreStolen(absl::Time now) {
  now_ = now;
  thief_ = std::make_unique<tuf::RepositorySimulator>(repository_);
  // Of those who sign targets elsewhere, one has lost a key too.
  if (is_offline_) thief_->signers["targets"].resize(1);
  SignFalsely(*state_.served.catalog, now, *thief_);
}

void Vendor::Rekey(absl::Time now) {
  now_ = now;
  GiveTargetsKeys();
  GiveKeys(repository_, "snapshot", 1, 1);
  GiveKeys(repository_, "timestamp", 1, 1);
  Sign({"root", "targets", "snapshot", "timestamp"});
  rekey_root_ = repository_.root.version;
}

const tuf::RepositorySimulator& Vendor::forger() {
  if (forger_ != nullptr && forged_of_ == repository_.root.version) {
    return *forger_;
  }
  forged_of_ = repository_.root.version;
  forger_ = std::make_unique<tuf::RepositorySimulator>(repository_);
  std::vector<std::pair<std::string, std::string>> ids;
  for (const std::string_view role : kOnlineRoles) {
    for (tuf::KeyPtr& key : forger_->signers[std::string(role)]) {
      const std::string genuine = key->public_key().keyid();
      key = tuf::TestKey(kForgersKeys + static_cast<int>(ids.size()));
      ids.emplace_back(key->public_key().keyid(), genuine);
    }
  }
  SignFalsely(*state_.served.catalog, now_, *forger_);
  for (auto& [name, text] : forger_->metadata) {
    text = absl::StrReplaceAll(text, ids);
  }
  return *forger_;
}

}  // namespace anchorage::fleet
