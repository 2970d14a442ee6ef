#include "anchors/succession.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/certificate_facts.h"
#include "anchors/self_signature.h"
#include "anchors/target_checks.h"
#include "verify/enum_table.h"
#include "verify/printable.h"

namespace anchorage::anchors {
namespace {

using verify::AnchorKind;
using verify::AnchorStatus;

struct Row {
  SuccessorReason value;
  std::string_view name;
};

constexpr Row kRows[] = {
    {SuccessorReason::kCatalogInvalid, "CATALOG_INVALID"},
    {SuccessorReason::kCatalogTooLarge, "CATALOG_TOO_LARGE"},
    {SuccessorReason::kUnknownAnchors, "UNKNOWN_ANCHORS"},
    {SuccessorReason::kSequenceNotHigher, "SEQUENCE_NOT_HIGHER"},
    {SuccessorReason::kSequenceLeap, "SEQUENCE_LEAP"},
    {SuccessorReason::kAnchorLost, "ANCHOR_LOST"},
    {SuccessorReason::kFirstSeenChanged, "FIRST_SEEN_CHANGED"},
    {SuccessorReason::kReplacesChanged, "REPLACES_CHANGED"},
    {SuccessorReason::kStatusStep, "STATUS_STEP"},
    {SuccessorReason::kReactivated, "REACTIVATED"},
    {SuccessorReason::kRevokedUndone, "REVOKED_UNDONE"},
    {SuccessorReason::kWindowWidened, "WINDOW_WIDENED"},
    {SuccessorReason::kNoCertificateInUse, "NO_CERTIFICATE_IN_USE"},
    {SuccessorReason::kNotSelfSigned, "NOT_SELF_SIGNED"},
    {SuccessorReason::kNotYetBegun, "NOT_YET_BEGUN"},
    {SuccessorReason::kRootCertificateLost, "ROOT_CERTIFICATE_LOST"},
    {SuccessorReason::kCertificateInUseLost, "CERTIFICATE_IN_USE_LOST"},
    {SuccessorReason::kOperatorCertificateLost, "OPERATOR_CERTIFICATE_LOST"},
    {SuccessorReason::kTooFewCertificatesKept, "TOO_FEW_CERTIFICATES_KEPT"},
    {SuccessorReason::kCertificateRewritten, "CERTIFICATE_REWRITTEN"},
    {SuccessorReason::kCertificateTwice, "CERTIFICATE_TWICE"},
    {SuccessorReason::kSourceLost, "SOURCE_LOST"},
};

using SuccessorReasons = verify::EnumTable<kRows>;

// How many problems a status tells of by name.
constexpr std::size_t kProblemsInStatus = 4;
// How much of a hash tells keys apart in a sentence.
constexpr std::size_t kShortHash = 12;

std::string Name(AnchorStatus status) {
  return std::string(verify::NameOf(status));
}

// What may become of a status.
enum class Step { kAllowed, kReactivation, kUndoesRevocation, kForbidden };

Step StepOf(AnchorStatus before, AnchorStatus after) {
  if (before == after) return Step::kAllowed;
  const bool ends =
      after == AnchorStatus::kRetired || after == AnchorStatus::kRevoked;
  switch (before) {
    case AnchorStatus::kAnnounced:
      return ends || after == AnchorStatus::kActive ? Step::kAllowed
                                                    : Step::kForbidden;
    case AnchorStatus::kActive:
      return ends || after == AnchorStatus::kRetiring ? Step::kAllowed
                                                      : Step::kForbidden;
    case AnchorStatus::kRetiring:
    case AnchorStatus::kRetired:
      if (after == AnchorStatus::kRevoked) return Step::kAllowed;
      if (after == AnchorStatus::kAnnounced) return Step::kForbidden;
      return after == AnchorStatus::kRetired ? Step::kAllowed
                                             : Step::kReactivation;
    case AnchorStatus::kRevoked:
      return Step::kUndoesRevocation;
  }
  return Step::kForbidden;
}

// The first limit that allows more than before; null for none.
const char* WidenedLimit(const CatalogAnchor& before,
                         const CatalogAnchor& after) {
  const auto is_later = [](const std::optional<absl::Time>& old,
                           const std::optional<absl::Time>& now) {
    return old.has_value() && now.value_or(absl::InfiniteFuture()) > *old;
  };
  if (before.valid_from.has_value() &&
      after.valid_from.value_or(absl::InfinitePast()) < *before.valid_from) {
    return "valid_from";
  }
  if (is_later(before.valid_until, after.valid_until)) return "valid_until";
  if (is_later(before.accept_until, after.accept_until)) return "accept_until";
  return nullptr;
}

bool HasCertificateInUse(const CatalogAnchor& anchor) {
  return std::any_of(anchor.certificates.begin(), anchor.certificates.end(),
                     [](const CatalogCertificate& c) { return !c.superseded; });
}

// The certificates of an anchor with this TBSCertificate.
std::vector<const CatalogCertificate*> WithTbs(const CatalogAnchor* anchor,
                                               const std::string& tbs_sha256) {
  std::vector<const CatalogCertificate*> found;
  if (anchor == nullptr) return found;
  for (const CatalogCertificate& certificate : anchor->certificates) {
    const auto tbs = TbsSha256(certificate.der);
    if (tbs.ok() && *tbs == tbs_sha256) found.push_back(&certificate);
  }
  return found;
}

using Key = std::pair<verify::Slot, std::string_view>;
// Views into the catalog.
using AnchorsByKey = std::map<Key, const CatalogAnchor*>;

AnchorsByKey ByKey(const Catalog& catalog) {
  AnchorsByKey anchors;
  for (const CatalogAnchor& anchor : catalog.anchors) {
    anchors.emplace(Key{anchor.slot, anchor.spki_sha256}, &anchor);
  }
  return anchors;
}

const CatalogAnchor* Find(const AnchorsByKey& anchors,
                          const CatalogAnchor& like) {
  const auto found = anchors.find(Key{like.slot, like.spki_sha256});
  return found == anchors.end() ? nullptr : found->second;
}

// Whether the step needs people to name the key.
bool NeedsNaming(const CatalogAnchor& before, const CatalogAnchor& after) {
  return before.status != AnchorStatus::kRevoked &&
         (StepOf(before.status, after.status) == Step::kReactivation ||
          WidenedLimit(before, after) != nullptr);
}

class Problems {
 public:
  bool full() const { return list_.size() >= kMaxSuccessorProblems; }

  void Add(SuccessorReason reason, std::string sentence) {
    Put({reason, {}, "", "", std::move(sentence)});
  }

  void Add(SuccessorReason reason, const CatalogAnchor& anchor,
           std::string_view what) {
    Put({reason, anchor.slot, anchor.spki_sha256, "",
         absl::StrCat(NameOfAnchor(anchor), ": ", std::string(what))});
  }

  void Add(SuccessorReason reason, const CatalogAnchor& anchor,
           const CatalogCertificate& certificate, std::string_view what) {
    Put({reason, anchor.slot, anchor.spki_sha256, certificate.sha256,
         absl::StrCat(NameOfAnchor(anchor), ": certificate ",
                      certificate.sha256.substr(0, kShortHash), " ",
                      std::string(what))});
  }

  std::vector<SuccessorProblem> Take() { return std::move(list_); }

 private:
  static std::string NameOfAnchor(const CatalogAnchor& anchor) {
    return absl::StrCat(verify::ToString(anchor.slot), " ",
                        anchor.spki_sha256.substr(0, kShortHash));
  }

  void Put(SuccessorProblem problem) {
    if (!full()) list_.push_back(std::move(problem));
  }

  std::vector<SuccessorProblem> list_;
};

// Whether clients can load what is new. Those that cannot load one anchor have
// none, and who publishes finds out late.
absl::Status CheckNewAnchors(const AnchorsByKey& before, const Catalog& after) {
  Catalog added;
  std::map<std::string_view, std::string_view> partition_of;
  for (const CatalogAnchor& anchor : after.anchors) {
    if (!anchor.slot.region.empty() &&
        partition_of.emplace(anchor.slot.region, anchor.slot.partition)
                .first->second != anchor.slot.partition) {
      return absl::InvalidArgumentError(
          absl::StrCat("region ", anchor.slot.region, " is in two partitions"));
    }
    if (Find(before, anchor) == nullptr) added.anchors.push_back(anchor);
  }
  return CheckAnchorsLoad(added);
}

void CheckWhole(const Catalog& before, const Catalog& after,
                Problems& problems) {
  if (absl::Status s = CheckCatalog(after); !s.ok()) {
    problems.Add(SuccessorReason::kCatalogInvalid, std::string(s.message()));
  } else if (absl::Status loads = CheckNewAnchors(ByKey(before), after);
             !loads.ok()) {
    problems.Add(SuccessorReason::kCatalogInvalid,
                 std::string(loads.message()));
  } else if (const std::size_t bytes = SerializeCatalog(after).size();
             bytes > kMaxCatalogBytes) {
    problems.Add(SuccessorReason::kCatalogTooLarge,
                 absl::StrCat("a text of ", bytes, " bytes, the limit is ",
                              kMaxCatalogBytes));
  }
  if (before.skipped != 0 || after.skipped != 0) {
    problems.Add(SuccessorReason::kUnknownAnchors,
                 "there are anchors that this program does not know: use a "
                 "newer one");
  }
  if (const absl::Status s =
          CheckStep("the catalog", before.sequence, after.sequence);
      !s.ok()) {
    problems.Add(after.sequence <= before.sequence
                     ? SuccessorReason::kSequenceNotHigher
                     : SuccessorReason::kSequenceLeap,
                 std::string(s.message()));
  }
}

// What became of an anchor that was there.
void CheckLife(const CatalogAnchor& before, const CatalogAnchor& after,
               bool is_named, Problems& problems) {
  if (before.first_seen.has_value() && after.first_seen != before.first_seen) {
    problems.Add(SuccessorReason::kFirstSeenChanged, after,
                 "when it was first seen has changed");
  }
  if (!before.replaces.empty() && after.replaces != before.replaces) {
    problems.Add(SuccessorReason::kReplacesChanged, after,
                 "what it replaces has changed");
  }
  const std::string step =
      absl::StrCat("from ", Name(before.status), " to ", Name(after.status));
  switch (StepOf(before.status, after.status)) {
    case Step::kAllowed:
      break;
    case Step::kReactivation:
      if (!is_named) {
        problems.Add(SuccessorReason::kReactivated, after,
                     step + ", and nobody named it");
      }
      break;
    case Step::kUndoesRevocation:
      problems.Add(SuccessorReason::kRevokedUndone, after,
                   step + ": what was revoked stays so");
      break;
    case Step::kForbidden:
      problems.Add(SuccessorReason::kStatusStep, after, step);
      break;
  }
  const char* const widened = WidenedLimit(before, after);
  if (widened != nullptr &&
      !(is_named && before.status != AnchorStatus::kRevoked)) {
    problems.Add(
        SuccessorReason::kWindowWidened, after,
        absl::StrCat(widened, " allows more than before, and nobody named it"));
  }
}

// A certificate of `before` that `after` has no more.
void CheckPruned(const CatalogAnchor& after,
                 const CatalogCertificate& certificate, Problems& problems) {
  const auto add = [&](SuccessorReason reason, std::string_view what) {
    problems.Add(reason, after, certificate, what);
  };
  if (after.slot.kind == AnchorKind::kNitroRoot) {
    add(SuccessorReason::kRootCertificateLost,
        "is gone: chains begin with it byte for byte");
  }
  if (!certificate.superseded) {
    add(SuccessorReason::kCertificateInUseLost, "was in use and is gone");
  }
  if (IsByOperator(certificate)) {
    add(SuccessorReason::kOperatorCertificateLost,
        "was brought by a person and is gone");
  }
  if (after.certificates.size() < kMinCertificatesKept) {
    add(SuccessorReason::kTooFewCertificatesKept,
        absl::StrCat("is gone, and fewer than ", kMinCertificatesKept,
                     " remain"));
  }
}

// A certificate that was there may have it twice: then neither is new.
void CheckTbsIsNew(const CatalogAnchor* before, const CatalogAnchor& after,
                   const CatalogCertificate& certificate, Problems& problems) {
  const auto tbs = TbsSha256(certificate.der);
  if (!tbs.ok()) return;
  for (const CatalogCertificate* other : WithTbs(&after, *tbs)) {
    // Of two new ones, one tells.
    const bool tells = FindCertificate(before, other->sha256) != nullptr ||
                       certificate.sha256 < other->sha256;
    if (other->sha256 != certificate.sha256 && tells) {
      problems.Add(SuccessorReason::kCertificateTwice, after, certificate,
                   absl::StrCat("is ", other->sha256.substr(0, kShortHash),
                                " with another signature"));
    }
  }
  for (const CatalogCertificate* old : WithTbs(before, *tbs)) {
    if (FindCertificate(&after, old->sha256) == nullptr) {
      problems.Add(SuccessorReason::kCertificateRewritten, after, certificate,
                   absl::StrCat("is ", old->sha256.substr(0, kShortHash),
                                ", which is gone, with another signature"));
    }
  }
}

void CheckCertificates(const CatalogAnchor* before, const CatalogAnchor& after,
                       absl::Time created, Problems& problems) {
  for (const CatalogCertificate& certificate : after.certificates) {
    const CatalogCertificate* old = FindCertificate(before, certificate.sha256);
    if (!certificate.superseded && (old == nullptr || old->superseded)) {
      if (!IsSelfSigned(certificate.der)) {
        problems.Add(SuccessorReason::kNotSelfSigned, after, certificate,
                     "is not signed by its own key");
      }
      if (certificate.not_before > created + kMaxNotBeforeAhead) {
        problems.Add(SuccessorReason::kNotYetBegun, after, certificate,
                     "begins more than a day after the catalog was made");
      }
    }
    if (old == nullptr) {
      CheckTbsIsNew(before, after, certificate, problems);
      continue;
    }
    for (const Publication& source : old->sources) {
      if (std::find(certificate.sources.begin(), certificate.sources.end(),
                    source) == certificate.sources.end()) {
        problems.Add(
            SuccessorReason::kSourceLost, after, certificate,
            absl::StrCat("was found by ", source.publisher, ", which is gone"));
      }
    }
  }
  if (before != nullptr) {
    for (const CatalogCertificate& old : before->certificates) {
      if (FindCertificate(&after, old.sha256) == nullptr) {
        CheckPruned(after, old, problems);
      }
    }
  }
  const bool had_none =
      before != nullptr && Verifies(*before) && !HasCertificateInUse(*before);
  if (Verifies(after) && !HasCertificateInUse(after) && !had_none) {
    problems.Add(SuccessorReason::kNoCertificateInUse, after,
                 "it verifies and has no certificate in use");
  }
}

}  // namespace

std::string_view NameOf(SuccessorReason reason) {
  return SuccessorReasons::Of(reason).name;
}

absl::Span<const SuccessorReason> AllSuccessorReasons() {
  return SuccessorReasons::All();
}

std::vector<SuccessorProblem> FindSuccessorProblems(
    const Catalog& before, const Catalog& after,
    const Reactivated& reactivated) {
  Problems problems;
  CheckWhole(before, after, problems);
  const AnchorsByKey old_anchors = ByKey(before);
  const AnchorsByKey new_anchors = ByKey(after);
  for (const CatalogAnchor& anchor : before.anchors) {
    if (Find(new_anchors, anchor) == nullptr) {
      problems.Add(SuccessorReason::kAnchorLost, anchor, "it is gone");
    }
  }
  for (const CatalogAnchor& anchor : after.anchors) {
    if (problems.full()) break;
    const CatalogAnchor* old = Find(old_anchors, anchor);
    if (old != nullptr) {
      const bool is_named =
          std::find(reactivated.begin(), reactivated.end(),
                    ReactivatedKey{anchor.slot, anchor.spki_sha256}) !=
          reactivated.end();
      CheckLife(*old, anchor, is_named, problems);
    }
    CheckCertificates(old, anchor, after.created, problems);
  }
  return problems.Take();
}

absl::Status StatusOf(absl::Span<const SuccessorProblem> problems) {
  if (problems.empty()) return absl::OkStatus();
  std::string text;
  for (const SuccessorProblem& problem :
       problems.first(std::min(problems.size(), kProblemsInStatus))) {
    absl::StrAppend(&text, text.empty() ? "" : "; ",
                    std::string(NameOf(problem.reason)), ": ",
                    problem.sentence);
  }
  if (problems.size() > kProblemsInStatus) {
    absl::StrAppend(&text, "; and ", problems.size() - kProblemsInStatus,
                    problems.size() < kMaxSuccessorProblems ? "" : " or more",
                    " other problems");
  }
  return absl::FailedPreconditionError(
      verify::Printable(text, verify::kMaxSentenceBytes));
}

absl::Status CheckSuccessor(const Catalog& before, const Catalog& after,
                            const Reactivated& reactivated) {
  return StatusOf(FindSuccessorProblems(before, after, reactivated));
}

Reactivated FindReactivated(const Catalog& before, const Catalog& after) {
  Reactivated reactivated;
  const AnchorsByKey old_anchors = ByKey(before);
  for (const CatalogAnchor& anchor : after.anchors) {
    const CatalogAnchor* old = Find(old_anchors, anchor);
    if (old != nullptr && NeedsNaming(*old, anchor)) {
      reactivated.push_back({anchor.slot, anchor.spki_sha256});
    }
  }
  return reactivated;
}

}  // namespace anchorage::anchors
