#include "client/revoked.h"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"

namespace anchorage::client {
namespace {

bool IsSame(const anchors::CatalogAnchor& a, const anchors::CatalogAnchor& b) {
  return a.slot == b.slot && a.spki_sha256 == b.spki_sha256;
}

bool IsSame(const anchors::Release& a, const anchors::Release& b) {
  return a.type == b.type && a.product == b.product &&
         a.measurements == b.measurements;
}

template <typename T>
bool Contains(const std::vector<T>& list, const T& value) {
  return std::any_of(list.begin(), list.end(),
                     [&](const T& one) { return IsSame(one, value); });
}

template <typename T>
void MergeLists(const std::vector<T>& more, std::vector<T>& into) {
  for (const T& one : more) {
    if (!Contains(into, one)) into.push_back(one);
  }
}

// Makes the names distinct, because a list has one release of each name; only
// measurements count here.
void NameApart(std::vector<anchors::Release>& releases) {
  std::set<std::tuple<verify::AttestationType, std::string, std::string>> seen;
  for (anchors::Release& release : releases) {
    const std::string name = release.name.substr(0, 100);
    for (int n = 2;
         !seen.emplace(release.type, release.product, release.name).second;
         ++n) {
      release.name = absl::StrCat(name, "~", n);
    }
  }
}

}  // namespace

Revoked RevokedIn(const anchors::Catalog& catalog,
                  const anchors::ReleaseList* releases) {
  Revoked revoked;
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.status != verify::AnchorStatus::kRevoked) continue;
    revoked.anchors.push_back(anchor);
    // Cleared, because it may name an anchor that is not in this list.
    revoked.anchors.back().replaces.clear();
  }
  if (releases == nullptr) return revoked;
  for (const anchors::Release& release : releases->releases) {
    if (release.status == verify::ReleaseStatus::kRevoked) {
      revoked.releases.push_back(release);
    }
  }
  return revoked;
}

void Merge(const Revoked& more, Revoked& revoked) {
  Revoked both = revoked;
  MergeLists(more.anchors, both.anchors);
  MergeLists(more.releases, both.releases);
  NameApart(both.releases);
  // All or nothing: a memory that nobody can read would be none.
  if (ParseRevoked(AnchorsText(both), ReleasesText(both)).ok()) {
    revoked = std::move(both);
  }
}

void Refuse(const Revoked& revoked, anchors::Catalog& catalog) {
  for (anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (Contains(revoked.anchors, anchor)) {
      anchor.status = verify::AnchorStatus::kRevoked;
    }
  }
}

// A release that the list does not have is added: the measurements of another
// release, which leave more open, may match this one's too.
void Refuse(const Revoked& revoked, anchors::ReleaseList& releases) {
  for (anchors::Release& release : releases.releases) {
    if (Contains(revoked.releases, release)) {
      release.status = verify::ReleaseStatus::kRevoked;
    }
  }
  MergeLists(revoked.releases, releases.releases);
}

std::string AnchorsText(const Revoked& revoked) {
  if (revoked.anchors.empty()) return "";
  anchors::Catalog catalog;
  catalog.sequence = 1;
  catalog.created = absl::UnixEpoch();
  catalog.anchors = revoked.anchors;
  return anchors::SerializeCatalog(catalog);
}

std::string ReleasesText(const Revoked& revoked) {
  if (revoked.releases.empty()) return "";
  anchors::ReleaseList list;
  list.sequence = 1;
  list.created = absl::UnixEpoch();
  list.releases = revoked.releases;
  return anchors::SerializeReleases(list);
}

absl::StatusOr<Revoked> ParseRevoked(std::string_view anchors,
                                     std::string_view releases) {
  Revoked revoked;
  if (!anchors.empty()) {
    auto catalog = anchors::ParseCatalog(anchors);
    if (!catalog.ok()) return catalog.status();
    revoked.anchors = std::move(catalog->anchors);
  }
  if (!releases.empty()) {
    auto list = anchors::ParseReleases(releases);
    if (!list.ok()) return list.status();
    revoked.releases = std::move(list->releases);
  }
  return revoked;
}

}  // namespace anchorage::client
