#include "trustd/rotation/change.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using ClassRow = std::pair<RotationClass, std::string_view>;

constexpr std::array<ClassRow, 10> kClasses = {{
    {RotationClass::kReissue, "RE_ISSUE"},
    {RotationClass::kNewKind, "NEW_KIND"},
    {RotationClass::kNewRegion, "NEW_REGION"},
    {RotationClass::kReKey, "RE_KEY"},
    {RotationClass::kAlgorithmChange, "ALGORITHM_CHANGE"},
    {RotationClass::kRemoval, "REMOVAL"},
    {RotationClass::kSourceAnomaly, "SOURCE_ANOMALY"},
    {RotationClass::kAddition, "ADDITION"},
    {RotationClass::kReactivation, "REACTIVATION"},
    {RotationClass::kAnnouncement, "ANNOUNCEMENT"},
}};

constexpr bool HasEveryClassInOrder() {
  for (std::size_t i = 0; i < kClasses.size(); ++i) {
    if (static_cast<std::size_t>(kClasses[i].first) != i) return false;
  }
  return kClasses.size() ==
         static_cast<std::size_t>(RotationClass::kMaxValue) + 1;
}
static_assert(HasEveryClassInOrder());

}  // namespace

std::string_view NameOf(RotationClass rotation_class) {
  return kClasses[static_cast<std::size_t>(rotation_class)].second;
}

std::optional<RotationClass> RotationClassNamed(std::string_view name) {
  for (const auto& [rotation_class, known] : kClasses) {
    if (name == known) return rotation_class;
  }
  return std::nullopt;
}

std::string_view NameOf(AnomalyKind anomaly) {
  switch (anomaly) {
    case AnomalyKind::kProblem:
      return "PROBLEM";
    case AnomalyKind::kSlotsMissing:
      return "SLOTS_MISSING";
    case AnomalyKind::kFewerSlots:
      return "FEWER_SLOTS";
    case AnomalyKind::kStale:
      return "STALE";
    case AnomalyKind::kSourcesDisagree:
      return "SOURCES_DISAGREE";
    case AnomalyKind::kTooManyCertificates:
      return "TOO_MANY_CERTIFICATES";
  }
  return "UNKNOWN";
}

std::string Change::id() const {
  // No part can have a line feed but the source's name, which comes last.
  std::vector<std::string> parts;
  for (const SeenCertificate& seen : observed) {
    parts.push_back(absl::StrCat(seen.spki_sha256, " ", seen.sha256));
  }
  if (rotation_class == RotationClass::kRemoval) parts = pinned.spki_sha256;
  if (anomaly) {
    parts = {std::string(NameOf(*anomaly))};
    if (problem) parts.push_back(std::string(ToString(*problem)));
    if (anomaly != AnomalyKind::kSourcesDisagree) parts.push_back(source);
  } else {
    std::sort(parts.begin(), parts.end());
  }
  std::string text = absl::StrCat(std::string(NameOf(rotation_class)), "\n",
                                  verify::ToString(slot));
  for (const std::string& part : parts) absl::StrAppend(&text, "\n", part);
  return verify::Sha256Hex(text);
}

}  // namespace anchorage::trustd
