#include "trustd/rotation/observation.h"

#include <algorithm>

namespace anchorage::trustd {

std::string_view ToString(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::kNotTheDocument:
      return "NOT_THE_DOCUMENT";
    case ProblemKind::kTruncated:
      return "TRUNCATED";
    case ProblemKind::kCertificateUnreadable:
      return "CERTIFICATE_UNREADABLE";
    case ProblemKind::kNotPlaced:
      return "NOT_PLACED";
    case ProblemKind::kNoCertificate:
      return "NO_CERTIFICATE";
    case ProblemKind::kWrongKind:
      return "WRONG_KIND";
    case ProblemKind::kSlotTwice:
      return "SLOT_TWICE";
    case ProblemKind::kOutOfScope:
      return "OUT_OF_SCOPE";
    case ProblemKind::kNotConfirmed:
      return "NOT_CONFIRMED";
  }
  return "UNKNOWN";
}

bool SourceScope::Covers(const verify::Slot& slot) const {
  return std::find(partitions.begin(), partitions.end(), slot.partition) !=
             partitions.end() &&
         std::find(kinds.begin(), kinds.end(), slot.kind) != kinds.end();
}

}  // namespace anchorage::trustd
