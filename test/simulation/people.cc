#include "test/simulation/people.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace anchorage::simulation {
namespace {

using verify::AnchorStatus;

std::string Text(const anchors::Catalog& catalog, const verify::Slot& slot,
                 bool with_certificates) {
  const auto time = [](const std::optional<absl::Time>& at) {
    return at ? absl::FormatTime(*at, absl::UTCTimeZone()) : std::string("-");
  };
  std::vector<std::string> lines;
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot != slot) continue;
    std::string line = absl::StrCat(
        anchor.spki_sha256, " ", std::string(verify::NameOf(anchor.status)),
        " ", time(anchor.valid_from), " ", time(anchor.valid_until), " ",
        time(anchor.accept_until), " ", anchor.replaces);
    std::vector<std::string> certificates;
    for (const anchors::CatalogCertificate& one : anchor.certificates) {
      certificates.push_back(
          absl::StrCat(one.sha256, one.superseded ? " superseded" : ""));
    }
    std::sort(certificates.begin(), certificates.end());
    if (with_certificates) {
      for (const auto& one : certificates) absl::StrAppend(&line, "\n  ", one);
    }
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) absl::StrAppend(&text, line, "\n");
  return text;
}

}  // namespace

std::string TextOf(const anchors::Catalog& catalog, const verify::Slot& slot) {
  return Text(catalog, slot, /*with_certificates=*/true);
}

std::string KeysOf(const anchors::Catalog& catalog, const verify::Slot& slot) {
  return Text(catalog, slot, /*with_certificates=*/false);
}

std::set<std::string> InUse(const anchors::Catalog& catalog,
                            const verify::Slot& slot) {
  std::set<std::string> in_use;
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot != slot || (anchor.status != AnchorStatus::kActive &&
                                anchor.status != AnchorStatus::kRetiring)) {
      continue;
    }
    for (const anchors::CatalogCertificate& one : anchor.certificates) {
      if (!one.superseded) in_use.insert(one.sha256);
    }
  }
  return in_use;
}

void People::Are(std::set<std::string> now) {
  for (auto& [rotation, given] : approvals_) {
    std::erase_if(given,
                  [&](const auto& one) { return now.count(one.first) == 0; });
  }
  now_ = std::move(now);
}

void People::Now(const Sight& sight) {
  for (auto& [rotation, given] : approvals_) {
    std::erase_if(given, [&](const auto& one) {
      return one.second.slot == sight.slot &&
             (one.second.before != sight.before ||
              one.second.overlap != sight.overlap);
    });
  }
}

int People::For(std::uint64_t rotation, const Sight& sight) const {
  const auto given = approvals_.find(rotation);
  if (given == approvals_.end()) return 0;
  return static_cast<int>(std::count_if(
      given->second.begin(), given->second.end(), [&](const auto& one) {
        return one.second.slot == sight.slot &&
               one.second.before == sight.before &&
               one.second.overlap == sight.overlap;
      }));
}

}  // namespace anchorage::simulation
