#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "anchors/catalog.h"
#include "anchors/catalog_proto.h"
#include "trustd/console/views.h"
#include "verify/anchor_kind.h"

namespace anchorage::trustd {
namespace {

using anchors::CatalogAnchor;
using Anchors = std::vector<const CatalogAnchor*>;

constexpr std::size_t kMostCertificates = 25;

// The columns. A root of attestation documents has no region, and no column.
constexpr std::array kKinds = {verify::AnchorKind::kIidRsa2048,
                               verify::AnchorKind::kIidRsa1024,
                               verify::AnchorKind::kIidDsa};

// Since when a key is known: when it was seen, or else what the oldest of its
// certificates says.
absl::Time SinceOf(const CatalogAnchor& anchor) {
  if (anchor.first_seen.has_value()) return *anchor.first_seen;
  absl::Time since = absl::InfiniteFuture();
  for (const auto& certificate : anchor.certificates) {
    since = std::min(since, certificate.not_before);
  }
  return since;
}

// The one that says most of a slot: what is in use before what ends, comes or
// has ended, and of those the newest.
const CatalogAnchor& FirstOf(const Anchors& anchors) {
  const auto rank = [](const CatalogAnchor& anchor) {
    switch (anchor.status) {
      case verify::AnchorStatus::kActive:
        return 0;
      case verify::AnchorStatus::kRetiring:
        return 1;
      case verify::AnchorStatus::kAnnounced:
        return 2;
      default:
        return 3;
    }
  };
  return **std::min_element(
      anchors.begin(), anchors.end(),
      [&](const CatalogAnchor* a, const CatalogAnchor* b) {
        return std::make_pair(rank(*a), -absl::ToUnixSeconds(SinceOf(*a))) <
               std::make_pair(rank(*b), -absl::ToUnixSeconds(SinceOf(*b)));
      });
}

View CellView(const verify::Slot& slot, const Anchors& anchors,
              std::uint64_t open) {
  View cell;
  Put(cell, "kind", std::string(verify::NameOf(slot.kind)));
  cell.set("there", !anchors.empty() || open != 0);
  cell.set("open", open == 0 ? View(false) : View(absl::StrCat(open)));
  cell.set("others", anchors.size() < 2
                         ? View(false)
                         : View(absl::StrCat(anchors.size() - 1)));
  Put(cell, "path", absl::StrCat("/anchors/", verify::ToString(slot)));
  if (anchors.empty()) {
    cell.set("status", "none yet");
    cell.set("tone", "quiet");
    cell.set("age", "");
    return cell;
  }
  const CatalogAnchor& first = FirstOf(anchors);
  cell.set("status", StatusWords(first.status));
  cell.set("tone", ToneOf(first.status));
  absl::Time ends = absl::InfinitePast();
  for (const auto& certificate : first.certificates) {
    if (!certificate.superseded) ends = std::max(ends, certificate.not_after);
  }
  cell.set("age",
           absl::StrCat(
               Day(SinceOf(first)).substr(0, 7), " to ",
               ends == absl::InfinitePast() ? "?" : Day(ends).substr(0, 7)));
  return cell;
}

std::string TimeOr(const std::optional<absl::Time>& time,
                   const char* otherwise) {
  return time.has_value() ? Minute(*time) : otherwise;
}

std::string KeyWords(const std::string& spki_der) {
  const auto facts = anchors::ReadKeyFacts(spki_der);
  if (!facts.ok()) return "unknown";
  switch (facts->type) {
    case verify::KeyType::kRsa:
      return absl::StrCat("RSA, ", facts->bits, " bits");
    case verify::KeyType::kDsa:
      return absl::StrCat("DSA, ", facts->bits, " bits");
    default:
      return absl::StrCat("elliptic curve, ", facts->bits, " bits");
  }
}

View AnchorView(const CatalogAnchor& anchor) {
  View view;
  view.set("status", StatusWords(anchor.status));
  view.set("tone", ToneOf(anchor.status));
  Put(view, "spki", anchor.spki_sha256);
  view.set("key", KeyWords(anchor.spki_der));
  view.set("first_seen",
           TimeOr(anchor.first_seen, "before anyone kept a record"));
  view.set("window",
           absl::StrCat(TimeOr(anchor.valid_from, "at any time"), " to ",
                        TimeOr(anchor.valid_until, "any time")));
  view.set("accept_until", TimeOr(anchor.accept_until, "people end it"));
  view.set("replaces",
           anchor.replaces.empty() ? View(false) : View(anchor.replaces));
  View certificates = NewList();
  for (const auto& certificate : anchor.certificates) {
    View one;
    Put(one, "sha256", certificate.sha256);
    Put(one, "serial", certificate.serial);
    one.set("from", Day(certificate.not_before));
    one.set("to", Day(certificate.not_after));
    one.set("superseded", certificate.superseded);
    View sources = NewList();
    for (const anchors::Publication& found : certificate.sources) {
      View source;
      Put(source, "publisher", found.publisher);
      Put(source, "location", found.location);
      sources << source;
    }
    one.set("sources", sources);
    certificates << one;
  }
  view.set("certificates", certificates);
  return view;
}

}  // namespace

View AnchorsView(const Snapshot& snapshot) {
  std::map<std::string,
           std::map<std::string, std::map<verify::AnchorKind, Anchors>>>
      found;
  if (snapshot.publication != nullptr) {
    for (const CatalogAnchor& anchor : snapshot.publication->catalog.anchors) {
      found[anchor.slot.partition][anchor.slot.region][anchor.slot.kind]
          .push_back(&anchor);
    }
  }
  std::map<verify::Slot, std::uint64_t> open;
  for (const std::uint64_t id : snapshot.work.book().Live()) {
    const auto* const entry = snapshot.work.book().Find(id);
    if (entry == nullptr || !entry->is_open()) continue;
    const auto slot = anchors::SlotFromProto(entry->rotation.slot());
    if (!slot.has_value() || slot->partition.empty()) continue;
    open[*slot] = id;
    // A region that is not in the catalog yet.
    found[slot->partition][slot->region];
  }
  View partitions = NewList();
  for (const auto& [partition, regions] : found) {
    View kinds = NewList();
    for (const verify::AnchorKind kind : kKinds) {
      kinds << View("kind", std::string(verify::NameOf(kind)));
    }
    const auto cell = [&](const std::string& region, verify::AnchorKind kind) {
      const verify::Slot slot = {partition, region, kind};
      const auto& by_kind = regions.at(region);
      const auto anchors = by_kind.find(kind);
      const auto change = open.find(slot);
      return CellView(slot,
                      anchors == by_kind.end() ? Anchors() : anchors->second,
                      change == open.end() ? 0 : change->second);
    };
    View roots = NewList();
    View rows = NewList();
    for (const auto& [region, by_kind] : regions) {
      if (region.empty()) {
        roots << cell(region, verify::AnchorKind::kNitroRoot);
        continue;
      }
      View row;
      Put(row, "region", region);
      View cells = NewList();
      for (const verify::AnchorKind kind : kKinds) cells << cell(region, kind);
      row.set("cells", cells);
      rows << row;
    }
    View view;
    Put(view, "name", partition);
    view.set("roots", roots);
    view.set("kinds", kinds);
    view.set("regions", rows);
    partitions << view;
  }
  View view;
  view.set("partitions", partitions);
  return view;
}

std::optional<View> SlotView(const Snapshot& snapshot, std::string_view slot) {
  View anchors = NewList();
  if (snapshot.publication != nullptr) {
    for (const CatalogAnchor& anchor : snapshot.publication->catalog.anchors) {
      if (verify::ToString(anchor.slot) == slot) anchors << AnchorView(anchor);
    }
  }
  View changes = NewList();
  snapshot.work.book().ForEach([&](const RotationBook::Entry& entry) {
    const v1::Rotation& rotation = entry.rotation;
    if (!anchors::SlotFromProto(rotation.slot()).has_value() ||
        SlotText(rotation) != slot) {
      return;
    }
    View change;
    PutTime(change, anchors::TimeOf(rotation.detected_time()), snapshot.now);
    change.set("id", absl::StrCat(rotation.id()));
    change.set("class", ClassWords(rotation.rotation_class()));
    change.set("state", StateWords(rotation.state()));
    change.set("tone", ToneOf(rotation.state()));
    changes << change;
  });
  const bool has_changes = changes.is_non_empty_list();
  if (!anchors.is_non_empty_list() && !has_changes) return std::nullopt;
  View view;
  Put(view, "slot", slot);
  view.set("anchors", anchors);
  view.set("has_changes", has_changes);
  view.set("changes", changes);
  return view;
}

View ExpiryView(const Snapshot& snapshot) {
  View roles = NewList();
  struct End {
    absl::Time time;
    const CatalogAnchor* anchor;
    const anchors::CatalogCertificate* certificate;
  };
  std::vector<End> ends;
  if (snapshot.publication != nullptr) {
    for (const RoleFacts& role : snapshot.publication->roles) {
      const bool by_people =
          snapshot.offline && (role.role == "root" || role.role == "targets");
      const absl::Duration left = role.expires - snapshot.now;
      const bool is_soon =
          left <= (by_people ? absl::Hours(60 * 24) : absl::Hours(24));
      View view;
      PutTime(view, role.expires, snapshot.now);
      view.set("role", role.role);
      view.set("tone", left <= absl::ZeroDuration() ? "bad"
                       : is_soon                    ? "warn"
                                                    : "ok");
      view.set("state", left <= absl::ZeroDuration() ? "expired"
                        : is_soon                    ? "soon"
                                                     : "good");
      view.set("by", by_people ? "people" : "this trustd, by itself");
      view.set("threshold",
               absl::StrCat(role.threshold, " of ", role.key_ids.size(), ":"));
      View keys = NewList();
      for (const std::string& key : role.key_ids) keys << key.substr(0, 16);
      view.set("keys", keys);
      roles << view;
    }
    for (const CatalogAnchor& anchor : snapshot.publication->catalog.anchors) {
      if (!anchors::Verifies(anchor)) continue;
      for (const auto& certificate : anchor.certificates) {
        if (certificate.superseded) continue;
        ends.push_back({certificate.not_after, &anchor, &certificate});
      }
    }
  }
  const std::size_t shown = std::min(ends.size(), kMostCertificates);
  std::partial_sort(
      ends.begin(), ends.begin() + static_cast<std::ptrdiff_t>(shown),
      ends.end(), [](const End& a, const End& b) { return a.time < b.time; });
  View certificates = NewList();
  for (std::size_t i = 0; i < shown; ++i) {
    View view;
    PutTime(view, ends[i].time, snapshot.now);
    view.set("date", Day(ends[i].time));
    Put(view, "slot", verify::ToString(ends[i].anchor->slot));
    Put(view, "sha256", ends[i].certificate->sha256);
    certificates << view;
  }
  View view;
  view.set("roles", roles);
  view.set("certificates", certificates);
  return view;
}

}  // namespace anchorage::trustd
