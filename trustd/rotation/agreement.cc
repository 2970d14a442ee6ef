// What several sources say together.

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "trustd/rotation/classifier.h"
#include "trustd/rotation/diff_text.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {

using verify::Slot;

std::vector<Change> Disagreements(absl::Span<const Observation> newest) {
  // The hashes that each source has in a slot, sorted.
  std::map<Slot, std::map<std::string, std::vector<std::string>>> said;
  for (const Observation& observation : newest) {
    for (const ObservedCertificate& observed : observation.certificates) {
      if (!observation.scope.Covers(observed.slot)) continue;
      said[observed.slot][observation.source].push_back(
          verify::Sha256Hex(observed.der));
    }
  }
  std::vector<Change> out;
  for (auto& [slot, sources] : said) {
    for (auto& [source, hashes] : sources) {
      std::sort(hashes.begin(), hashes.end());
    }
    const auto& first = sources.begin()->second;
    const bool agree =
        std::all_of(sources.begin(), sources.end(),
                    [&](const auto& entry) { return entry.second == first; });
    if (agree) continue;
    Change anomaly;
    anomaly.anomaly = AnomalyKind::kSourcesDisagree;
    anomaly.slot = slot;
    for (const auto& [source, hashes] : sources) {
      absl::StrAppend(&anomaly.source, anomaly.source.empty() ? "" : ", ",
                      source);
      std::string note = source + " has";
      for (const std::string& hash : hashes) {
        absl::StrAppend(&note, " ", hash);
      }
      anomaly.notes.push_back(std::move(note));
    }
    anomaly.diff = DiffText(anomaly, anchors::Catalog());
    out.push_back(std::move(anomaly));
  }
  return out;
}

SourceCount CountSources(const Change& change,
                         absl::Span<const Observation> newest) {
  SourceCount count;
  for (const Observation& observation : newest) {
    if (!observation.scope.Covers(change.slot) ||
        std::any_of(observation.problems.begin(), observation.problems.end(),
                    IsAnomaly)) {
      continue;
    }
    std::vector<std::string_view> has;
    for (const ObservedCertificate& observed : observation.certificates) {
      if (observed.slot == change.slot) has.push_back(observed.der);
    }
    const bool removal = change.rotation_class == RotationClass::kRemoval;
    if (has.empty() && !removal) continue;
    // What is pinned beside it may be left out, where there is anything else.
    const bool brings =
        std::any_of(change.observed.begin(), change.observed.end(),
                    [](const SeenCertificate& seen) { return !seen.pinned; });
    // What brings nothing says that there is nothing else.
    const bool has_more =
        std::any_of(has.begin(), has.end(), [&](std::string_view der) {
          return std::none_of(
              change.observed.begin(), change.observed.end(),
              [&](const SeenCertificate& seen) { return seen.der == der; });
        });
    const bool shows =
        removal
            ? has.empty()
            : (brings || !has_more) &&
                  std::all_of(change.observed.begin(), change.observed.end(),
                              [&](const SeenCertificate& seen) {
                                return (brings && seen.pinned) ||
                                       std::find(has.begin(), has.end(),
                                                 seen.der) != has.end();
                              });
    ++(shows ? count.agreeing : count.disagreeing);
  }
  return count;
}

}  // namespace anchorage::trustd
