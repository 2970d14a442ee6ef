#include "trustd/publish/acceptance.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/catalog.h"
#include "anchors/target_checks.h"
#include "anchors/tuf/metadata.h"
#include "trustd/publish/publisher.h"
#include "trustd/publish/publisher_files.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

namespace tuf = anchors::tuf;
using verify::AnchorStatus;

// How little an anchor verifies: of two, the higher one is taken.
int Denial(AnchorStatus status) {
  switch (status) {
    case AnchorStatus::kRevoked:
      return 2;
    case AnchorStatus::kRetired:
      return 1;
    default:
      return 0;
  }
}

// Takes over an end of acceptance that is earlier. Returns whether it was.
bool TakeOverEnd(const anchors::CatalogAnchor& newer,
                 anchors::CatalogAnchor& ours) {
  if (!newer.accept_until.has_value() ||
      ours.accept_until.value_or(absl::InfiniteFuture()) <=
          *newer.accept_until) {
    return false;
  }
  ours.accept_until = newer.accept_until;
  return true;
}

std::string NameOf(const anchors::CatalogAnchor& anchor) {
  return absl::StrCat(verify::ToString(anchor.slot), " ", anchor.spki_sha256,
                      " ", std::string(verify::NameOf(anchor.status)));
}

absl::Status Refused(const absl::Status& why) {
  return absl::InvalidArgumentError(
      absl::StrCat("the bundle is refused: ", why.message()));
}

// 0 for a target that is not there or cannot be read.
std::uint64_t SequenceOf(const anchors::TargetKind& kind,
                         const std::string& bytes) {
  if (bytes.empty()) return 0;
  const auto facts = anchors::ReadFacts(kind, bytes);
  return facts.ok() ? facts->sequence : 0;
}

// A version of TUF is an integer that every reader of JSON has exactly.
constexpr std::uint64_t kMaxVersion = (std::uint64_t{1} << 53) - 1;
constexpr std::uint64_t kMaxSequence = INT64_MAX;

// Where to go on above the highest; nullopt where the numbers end. By the clock
// where that is further: who accepts one copy twice signs nothing twice.
std::optional<std::int64_t> Leap(std::uint64_t highest, std::uint64_t end,
                                 absl::Time now) {
  if (highest > end - kAcceptanceLeap) return std::nullopt;
  return std::max(static_cast<std::int64_t>(highest) + kAcceptanceLeap,
                  absl::ToUnixSeconds(now));
}

// A sequence may be only so far above what clients have, whatever the clock
// says.
std::optional<std::int64_t> LeapOfSequence(std::uint64_t highest,
                                           absl::Time now) {
  const auto leap = Leap(highest, kMaxSequence, now);
  if (!leap.has_value() || static_cast<std::uint64_t>(*leap) - highest <=
                               anchors::kMaxSequenceStep / 2) {
    return leap;
  }
  return static_cast<std::int64_t>(highest) + kAcceptanceLeap;
}

// The same above a timestamp that somebody has shown. Above what nothing can
// follow, only another online key can help, and this goes on without.
std::optional<std::int64_t> LeapAboveShown(std::uint64_t highest,
                                           std::uint64_t shown, absl::Time now,
                                           std::vector<std::string>& notes) {
  if (auto leap = Leap(std::max(highest, shown), kMaxVersion, now)) return leap;
  const auto leap = Leap(highest, kMaxVersion, now);
  if (leap.has_value()) {
    notes.push_back(absl::StrCat(
        "timestamp ", shown,
        " was shown, signed with our own key, and nothing can follow it: the "
        "online key is in other hands, and clients that have it take nothing "
        "until a root replaces it (see trustd/INCIDENTS.md)"));
  }
  return leap;
}

}  // namespace

void TakeOverDenials(const anchors::Catalog& newer, anchors::Catalog& catalog,
                     std::vector<std::string>& notes) {
  for (const anchors::CatalogAnchor& anchor : newer.anchors) {
    const bool is_denied = Denial(anchor.status) > 0;
    if (!is_denied && !anchor.accept_until.has_value()) continue;
    const auto ours = std::find_if(
        catalog.anchors.begin(), catalog.anchors.end(), [&](const auto& other) {
          return other.slot == anchor.slot &&
                 other.spki_sha256 == anchor.spki_sha256;
        });
    if (ours == catalog.anchors.end()) {
      if (!is_denied) continue;
      catalog.anchors.push_back(anchor);
    } else {
      bool is_changed = TakeOverEnd(anchor, *ours);
      if (Denial(ours->status) < Denial(anchor.status)) {
        ours->status = anchor.status;
        is_changed = true;
      }
      if (!is_changed) continue;
    }
    notes.push_back(absl::StrCat("taken over: ", NameOf(anchor)));
  }
  anchors::Sort(catalog);
}

void NoteWhatIsMissing(const anchors::Catalog& newer,
                       const anchors::Catalog& catalog,
                       std::vector<std::string>& notes) {
  for (const anchors::CatalogAnchor& anchor : newer.anchors) {
    const anchors::CatalogAnchor* ours =
        anchors::FindAnchor(catalog, anchor.slot, anchor.spki_sha256);
    if (ours == nullptr) {
      notes.push_back(absl::StrCat("not taken over: ", NameOf(anchor),
                                   "; only people add an anchor"));
    } else if (anchor.status == AnchorStatus::kRetiring &&
               ours->status == AnchorStatus::kActive) {
      notes.push_back(absl::StrCat(
          "not taken over: ", NameOf(anchor),
          "; it is ACTIVE again until people approve what replaced it"));
    }
  }
}

absl::Status AppendRoots(const std::vector<std::string>& more,
                         std::vector<std::string>& roots) {
  for (const std::string& bytes : more) {
    const auto root = tuf::ParseRoot(bytes);
    if (!root.ok()) return Refused(root.status());
    const auto version = static_cast<std::size_t>(root->envelope.version);
    if (version == roots.size() + 1) {
      roots.push_back(bytes);
      continue;
    }
    if (version == 0 || version > roots.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the bundle is refused: it has root ", version,
                       " and not root ", roots.size() + 1));
    }
    const auto ours = tuf::ParseRoot(roots[version - 1]);
    if (!ours.ok()) return ours.status();
    if (ours->envelope.signed_bytes != root->envelope.signed_bytes) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the bundle is refused: its root ", version, " is another one"));
    }
  }
  return absl::OkStatus();
}

namespace {

// Verifies a bundle from the roots that `plan` has, and takes over its newer
// ones.
absl::StatusOr<std::shared_ptr<const Publication>> TakeBundle(
    const anchors::BundleFiles& bundle, Acceptance& plan) {
  if (absl::Status s = AppendRoots(bundle.roots, plan.files.roots); !s.ok()) {
    return s;
  }
  anchors::BundleFiles shown = bundle;
  shown.roots = plan.files.roots;
  auto newest = VerifyFiles(shown);
  if (!newest.ok()) return Refused(newest.status());
  plan.bundle_catalog_sha256 = (*newest)->catalog_sha256();
  plan.bundle_sequence = (*newest)->catalog.sequence;
  return *std::move(newest);
}

// A bundle is newer than the store, and may still not be the newest.
void NoteWhatIsOlder(const Publication& newest, const StoreHead& known,
                     std::vector<std::string>& notes) {
  const std::uint64_t shown =
      std::max(known.timestamp_version, known.noted_timestamp);
  const std::uint64_t sequence = known.sequences.Of(anchors::kCatalogName);
  if (newest.timestamp_version >= shown &&
      newest.catalog.sequence >= sequence) {
    return;
  }
  notes.push_back(absl::StrCat(
      "the bundle is not the newest: it has sequence ", newest.catalog.sequence,
      " and timestamp ", newest.timestamp_version, ", and sequence ", sequence,
      " and timestamp ", shown,
      " are known; what was approved, revoked or retired since may be lost"));
}

// What people signed is taken as it is, where it is newer.
void TakeTargets(const Publication& newest, const Publication& current,
                 Acceptance& plan) {
  if (newest.targets_version > current.targets_version) {
    plan.files.targets = newest.files.targets;
    plan.files.target_files = newest.files.target_files;
    plan.notes.push_back(absl::StrCat("taken over: targets ",
                                      newest.targets_version,
                                      " as people signed them"));
  }
  plan.notes.push_back(
      absl::StrCat("the next catalog that people sign has sequence ",
                   plan.published.sequences.Of(anchors::kCatalogName) + 1,
                   ", or a higher one"));
  if (plan.published.targets >
      std::max(current.targets_version, newest.targets_version)) {
    plan.notes.push_back(absl::StrCat(
        "targets ", plan.published.targets,
        " were published and are not here: clients that have them take nothing "
        "until they lie in ceremony_dir"));
  }
}

// Clients refuse an older target than they know, and the whole bundle with it.
void TakeBeside(const anchors::TargetKind& kind, const Publication& newest,
                Acceptance& plan) {
  const std::string title(kind.title);
  const std::string path = absl::StrCat(std::string(kind.name), "_path");
  const std::string& theirs = newest.files.target(kind.path);
  const std::uint64_t sequence = SequenceOf(kind, theirs);
  if (sequence > SequenceOf(kind, plan.files.target(kind.path))) {
    plan.files.SetTarget(kind.path, theirs);
    plan.notes.push_back(
        absl::StrCat("taken over: the ", title, ", sequence ", sequence, "; ",
                     path, " needs it, or a newer one, before the next start"));
  }
  const std::string& ours = plan.files.target(kind.path);
  const std::uint64_t published = plan.published.sequences.Of(kind.name);
  if (!ours.empty() && SequenceOf(kind, ours) < published) {
    plan.files.SetTarget(kind.path, "");
    plan.notes.push_back(absl::StrCat(
        "the ", title, " had sequence ", published,
        " and is lost: none is published until ", path,
        " has one of that sequence or a higher one, and ",
        std::string(kind.without), ". Until then ", path,
        " must be empty: trustd does not start with an older one"));
  }
}

}  // namespace

absl::StatusOr<Acceptance> Publisher::PlanAcceptance(
    const StoreHead& known, const std::optional<anchors::BundleFiles>& bundle,
    absl::Time now) {
  absl::MutexLock lock(&mutex_);
  if (hub_.signing().ok()) {
    return absl::FailedPreconditionError("the store did not go back");
  }
  const auto current = hub_.Current();
  Acceptance plan;
  plan.files = files_;
  // Without a bundle, what is here is the newest.
  std::shared_ptr<const Publication> newest = current;
  if (bundle.has_value()) {
    auto verified = TakeBundle(*bundle, plan);
    if (!verified.ok()) return verified.status();
    newest = *std::move(verified);
    NoteWhatIsOlder(*newest, known, plan.notes);
  } else {
    plan.notes.push_back(
        "no bundle was shown: what was approved, revoked or retired since this "
        "store was copied may be lost; compare with 'trustctl ledger export' "
        "and with what AWS publishes. Numbers go on from what is known here: "
        "clients that were not heard before may have higher ones");
  }
  if (known.root_version > plan.files.roots.size()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "root ", known.root_version,
        " was published and is not here: show a bundle of a client that has it "
        "(--bundle); without, clients would be given another root of the same "
        "version"));
  }
  plan.published.sequences = anchors::SequencesOf(newest->facts);
  plan.published.sequences.RaiseTo(published_.sequences);
  plan.published.sequences.RaiseTo(known.sequences);
  const std::uint64_t sequence =
      plan.published.sequences.Of(anchors::kCatalogName);
  const auto timestamp = LeapAboveShown(
      std::max({current->timestamp_version, known.timestamp_version,
                newest->timestamp_version}),
      known.noted_timestamp, now, plan.notes);
  const auto snapshot =
      Leap(std::max({current->snapshot_version, known.snapshot_version,
                     newest->snapshot_version}),
           kMaxVersion, now);
  const auto targets =
      Leap(std::max({current->targets_version, known.targets_version,
                     newest->targets_version}),
           kMaxVersion, now);
  const auto next_sequence = LeapOfSequence(sequence, now);
  // People number what they sign, and may have been robbed of their keys.
  if (!timestamp || !snapshot || (!offline() && (!targets || !next_sequence))) {
    return absl::FailedPreconditionError(
        "a version or sequence is so high that nothing can follow it: a key is "
        "in other hands (see trustd/INCIDENTS.md)");
  }
  if (next_sequence.has_value()) {
    plan.published.sequences.Set(anchors::kCatalogName,
                                 static_cast<std::uint64_t>(*next_sequence));
  }
  VersionFloors floors{.snapshot = *snapshot, .timestamp = *timestamp};
  Due due{.snapshot = true, .timestamp = true};
  if (offline()) {
    plan.published.targets =
        std::max({published_.targets, known.targets_version,
                  current->targets_version, newest->targets_version});
    TakeTargets(*newest, *current, plan);
  } else {
    anchors::Catalog catalog = current->catalog;
    TakeOverDenials(newest->catalog, catalog, plan.notes);
    NoteWhatIsMissing(newest->catalog, catalog, plan.notes);
    for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
      if (!kind.is_required) TakeBeside(kind, *newest, plan);
    }
    catalog.sequence = plan.published.sequences.Of(anchors::kCatalogName);
    catalog.created = anchors::WholeSeconds(now);
    if (absl::Status s = anchors::CheckCatalog(catalog); !s.ok()) return s;
    plan.files.SetTarget(anchors::kCatalogTargetPath,
                         anchors::SerializeCatalog(catalog));
    const auto root = tuf::ParseRoot(plan.files.roots.back());
    if (!root.ok()) return root.status();
    if (absl::Status s = CheckKeys(config_, keys_, *root); !s.ok()) return s;
    floors.targets = *targets;
    due.targets = true;
  }
  auto files = SignAnew(std::move(plan.files), due, now, floors);
  if (!files.ok()) return files.status();
  plan.files = *std::move(files);
  const auto result = VerifyFiles(plan.files);
  if (!result.ok()) return result.status();
  plan.sequence = (*result)->catalog.sequence;
  plan.timestamp_version = (*result)->timestamp_version;
  return plan;
}

absl::Status Publisher::Accept(Acceptance plan, const StoreBatch& also) {
  absl::MutexLock lock(&mutex_);
  StoreBatch batch = also;
  batch.AcceptStore();
  if (absl::Status s = Adopt(std::move(plan.files), batch, plan.published);
      !s.ok()) {
    return s;
  }
  hub_.SetSigning(absl::OkStatus());
  return absl::OkStatus();
}

}  // namespace anchorage::trustd
