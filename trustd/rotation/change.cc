#include "trustd/rotation/change.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "verify/crypto/public_key.h"
#include "verify/enum_table.h"

namespace anchorage::trustd {
namespace {

struct ClassRow {
  RotationClass value;
  std::string_view name;
};

constexpr ClassRow kClassRows[] = {
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
    {RotationClass::kUndo, "UNDO"},
};

using Classes = verify::EnumTable<kClassRows>;

struct AnomalyRow {
  AnomalyKind value;
  std::string_view name;
};

constexpr AnomalyRow kAnomalyRows[] = {
    {AnomalyKind::kProblem, "PROBLEM"},
    {AnomalyKind::kSlotsMissing, "SLOTS_MISSING"},
    {AnomalyKind::kFewerSlots, "FEWER_SLOTS"},
    {AnomalyKind::kStale, "STALE"},
    {AnomalyKind::kSourcesDisagree, "SOURCES_DISAGREE"},
    {AnomalyKind::kTooManyCertificates, "TOO_MANY_CERTIFICATES"},
};

using Anomalies = verify::EnumTable<kAnomalyRows>;

}  // namespace

std::string_view NameOf(RotationClass rotation_class) {
  return Classes::Of(rotation_class).name;
}

std::optional<RotationClass> RotationClassNamed(std::string_view name) {
  return Classes::Named(name);
}

std::string_view NameOf(AnomalyKind anomaly) {
  return Anomalies::Of(anomaly).name;
}

std::optional<AnomalyKind> AnomalyKindNamed(std::string_view name) {
  return Anomalies::Named(name);
}

std::string Change::id() const {
  // No part can have a line feed but the source's name, which comes last.
  std::vector<std::string> parts;
  for (const SeenCertificate& seen : observed) {
    parts.push_back(absl::StrCat(seen.spki_sha256, " ", seen.sha256));
  }
  if (rotation_class == RotationClass::kRemoval) parts = pinned.spki_sha256;
  if (undo) {
    for (const std::string& key : undo->reactivated) {
      parts.push_back("reactivate " + key);
    }
    for (const std::string& key : undo->ended) {
      parts.push_back((undo->revokes ? "revoke " : "retire ") + key);
    }
  }
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
