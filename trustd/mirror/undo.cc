#include "trustd/mirror/undo.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "trustd/record/rotation_values.h"
#include "trustd/rotation/classifier.h"

namespace anchorage::trustd {
namespace {

using anchors::CatalogAnchor;
using verify::AnchorStatus;

absl::Status Refuse(const v1::Rotation& rotation, absl::string_view why) {
  return absl::FailedPreconditionError(
      absl::StrCat("rotation ", rotation.id(), " ", why));
}

// The keys that came with the rotation. One that was there before and was shown
// beside the new one is none of them; an announced key that came into use is.
std::set<std::string> BroughtBy(const v1::Rotation& rotation) {
  std::set<std::string> fresh;
  std::set<std::string> all;
  for (const v1::SeenCertificate& seen : rotation.observed()) {
    if (!seen.pinned()) fresh.insert(seen.spki_sha256());
    all.insert(seen.spki_sha256());
  }
  return fresh.empty() ? all : fresh;
}

// What the rotation changed, the other way round.
TakenBack Reverse(const anchors::Catalog& catalog, const v1::Rotation& rotation,
                  const verify::Slot& slot) {
  TakenBack back{.rotation_id = rotation.id()};
  if (rotation.has_undo()) {
    const v1::Undo& undo = rotation.undo();
    back.reactivated.assign(undo.ended_spki_sha256().begin(),
                            undo.ended_spki_sha256().end());
    back.ended.assign(undo.reactivated_spki_sha256().begin(),
                      undo.reactivated_spki_sha256().end());
    return back;
  }
  std::set<std::string> replaced;
  for (const std::string& key : BroughtBy(rotation)) {
    const CatalogAnchor* anchor = anchors::FindAnchor(catalog, slot, key);
    if (anchor == nullptr || anchor->replaces.empty()) continue;
    back.ended.push_back(key);
    replaced.insert(anchor->replaces);
  }
  back.reactivated.assign(replaced.begin(), replaced.end());
  return back;
}

std::string DiffOf(const Change& change, const anchors::Catalog& catalog) {
  std::string diff =
      absl::StrCat("UNDO ", verify::ToString(change.slot), ", asked for by ",
                   change.source, ", of rotation ", change.undo->rotation_id);
  const auto add = [&](const char* mark, const std::string& key,
                       absl::string_view becomes) {
    const CatalogAnchor* anchor =
        anchors::FindAnchor(catalog, change.slot, key);
    absl::StrAppend(&diff, "\n", mark, " key ", key, ", ",
                    std::string(verify::NameOf(anchor->status)), ", becomes ",
                    becomes);
  };
  for (const auto& key : change.undo->reactivated) add("+", key, "ACTIVE");
  for (const auto& key : change.undo->ended) {
    add("-", key, change.undo->revokes ? "REVOKED" : "RETIRED");
  }
  return diff;
}

}  // namespace

absl::StatusOr<Change> UndoOf(const anchors::Catalog& catalog,
                              const v1::Rotation& rotation,
                              const std::string& by, bool revokes) {
  if (rotation.state() != v1::ROTATION_STATE_PUBLISHED &&
      rotation.state() != v1::ROTATION_STATE_COMPLETED) {
    return Refuse(rotation,
                  absl::StrCat("is ", ShortName(rotation.state()),
                               ": only what is published can be taken back"));
  }
  const bool replaces =
      rotation.rotation_class() == v1::ROTATION_CLASS_RE_KEY ||
      rotation.rotation_class() == v1::ROTATION_CLASS_ALGORITHM_CHANGE ||
      rotation.rotation_class() == v1::ROTATION_CLASS_UNDO;
  Change change;
  change.rotation_class = RotationClass::kUndo;
  change.source = by;
  change.slot = ChangeOf(rotation).slot;
  change.pinned = PinnedIn(catalog, change.slot);
  change.undo = Reverse(catalog, rotation, change.slot);
  change.undo->revokes = revokes;
  if (!replaces || change.undo->reactivated.empty()) {
    return Refuse(rotation,
                  "replaced no key that could come back: 'trustctl anchors "
                  "retire' ends a key, and 'anchors reactivate' brings one "
                  "back");
  }
  for (const std::string& key : change.undo->reactivated) {
    const CatalogAnchor* anchor =
        anchors::FindAnchor(catalog, change.slot, key);
    if (anchor == nullptr || (anchor->status != AnchorStatus::kRetiring &&
                              anchor->status != AnchorStatus::kRetired)) {
      return Refuse(
          rotation,
          absl::StrCat("cannot be taken back: the key ", key, " is ",
                       anchor == nullptr
                           ? "gone"
                           : std::string(verify::NameOf(anchor->status))));
    }
  }
  for (const std::string& key : change.undo->ended) {
    const CatalogAnchor* anchor =
        anchors::FindAnchor(catalog, change.slot, key);
    if (anchor == nullptr || !anchors::Verifies(*anchor)) {
      return Refuse(rotation,
                    absl::StrCat("cannot be taken back: the key ", key,
                                 " that it brought is no longer in use"));
    }
  }
  change.diff = DiffOf(change, catalog);
  return change;
}

}  // namespace anchorage::trustd
