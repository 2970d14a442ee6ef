#include "trustd/rotation/observation.h"

#include <algorithm>

#include "verify/enum_table.h"

namespace anchorage::trustd {

namespace {

struct Row {
  ProblemKind value;
  std::string_view name;
};

constexpr Row kRows[] = {
    {ProblemKind::kNotTheDocument, "NOT_THE_DOCUMENT"},
    {ProblemKind::kTruncated, "TRUNCATED"},
    {ProblemKind::kCertificateUnreadable, "CERTIFICATE_UNREADABLE"},
    {ProblemKind::kNotPlaced, "NOT_PLACED"},
    {ProblemKind::kNoCertificate, "NO_CERTIFICATE"},
    {ProblemKind::kWrongKind, "WRONG_KIND"},
    {ProblemKind::kSlotTwice, "SLOT_TWICE"},
    {ProblemKind::kOutOfScope, "OUT_OF_SCOPE"},
    {ProblemKind::kNotConfirmed, "NOT_CONFIRMED"},
};

using Problems = verify::EnumTable<kRows>;

}  // namespace

std::string_view ToString(ProblemKind kind) { return Problems::Of(kind).name; }

std::optional<ProblemKind> ProblemKindNamed(std::string_view name) {
  return Problems::Named(name);
}

bool SourceScope::Covers(const verify::Slot& slot) const {
  return std::find(partitions.begin(), partitions.end(), slot.partition) !=
             partitions.end() &&
         std::find(kinds.begin(), kinds.end(), slot.kind) != kinds.end();
}

}  // namespace anchorage::trustd
