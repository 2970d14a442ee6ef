#include "trustd/rotation/gate.h"

#include <algorithm>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "anchors/self_signature.h"
#include "trustd/rotation/classifier.h"
#include "verify/crypto/public_key.h"
#include "verify/enum_table.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorStatus;
using verify::Slot;

constexpr absl::Duration kMaxAhead = absl::Hours(24);

constexpr char kReasonUrl[] = "anchorage.v1/gate-reason";

struct Row {
  GateReason value;
  std::string_view name;
  bool may_pass;
};

constexpr Row kRows[] = {
    {GateReason::kNotSelfSigned, "NOT_SELF_SIGNED", false},
    {GateReason::kFromTheFuture, "FROM_THE_FUTURE", true},
    {GateReason::kKeyIsOver, "KEY_IS_OVER", false},
    {GateReason::kKeyRevokedElsewhere, "KEY_REVOKED_ELSEWHERE", false},
    {GateReason::kNotLater, "NOT_LATER", false},
    {GateReason::kInUseElsewhere, "IN_USE_ELSEWHERE", false},
    {GateReason::kSameCertificate, "SAME_CERTIFICATE", false},
    {GateReason::kUnreadable, "UNREADABLE", false},
    {GateReason::kTakesAway, "TAKES_AWAY", false},
    {GateReason::kApprovalsMissing, "APPROVALS_MISSING", false},
    {GateReason::kNotWhatWasApproved, "NOT_WHAT_WAS_APPROVED", false},
    {GateReason::kNotTowardsRevoked, "NOT_TOWARDS_REVOKED", false},
    {GateReason::kSourceSaysOtherwise, "SOURCE_SAYS_OTHERWISE", true},
    {GateReason::kNotShownNow, "NOT_SHOWN_NOW", true},
    {GateReason::kSeveralNew, "SEVERAL_NEW", true},
    {GateReason::kNotAllAsked, "NOT_ALL_ASKED", true},
    {GateReason::kTooOften, "TOO_OFTEN", true},
    {GateReason::kClockSuspect, "CLOCK_SUSPECT", true},
    {GateReason::kRecordNotChecked, "RECORD_NOT_CHECKED", true},
    {GateReason::kNotASuccessor, "NOT_A_SUCCESSOR", false},
};

using GateReasons = verify::EnumTable<kRows>;

absl::Status Refuse(GateReason reason, const Slot& slot, std::string why) {
  absl::Status status = absl::FailedPreconditionError(
      absl::StrCat(verify::ToString(slot), ": ", why));
  status.SetPayload(kReasonUrl, absl::Cord(std::string(NameOf(reason))));
  return status;
}

// In whole: what cannot be read has no to-be-signed bytes.
std::string TbsOf(std::string_view der) {
  const auto tbs = anchors::TbsSha256(der);
  return tbs.ok() ? *tbs : verify::Sha256Hex(der);
}

bool IsInUse(const anchors::CatalogAnchor* anchor, std::string_view sha256) {
  const anchors::CatalogCertificate* known =
      anchors::FindCertificate(anchor, sha256);
  return anchor != nullptr && anchors::Verifies(*anchor) && known != nullptr &&
         !known->superseded;
}

// The to-be-signed bytes of what is in use, by slot.
std::set<std::string> TbsInUse(const anchors::Catalog& catalog,
                               const Slot& slot) {
  std::set<std::string> in_use;
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot != slot || !anchors::Verifies(anchor)) continue;
    for (const anchors::CatalogCertificate& certificate : anchor.certificates) {
      if (!certificate.superseded) in_use.insert(TbsOf(certificate.der));
    }
  }
  return in_use;
}

// Whether two slots have a certificate in use in common: 19 slots share one, and
// what AWS puts in its place is in use in all of them.
bool HaveOneInCommon(const anchors::Catalog& catalog, const Slot& one,
                     const Slot& other) {
  const std::set<std::string> here = TbsInUse(catalog, one);
  const std::set<std::string> there = TbsInUse(catalog, other);
  return std::any_of(here.begin(), here.end(), [&](const std::string& tbs) {
    return there.count(tbs) != 0;
  });
}

// The first other slot that has a certificate in use, before or after, where
// this slot has not, and had none in common with that one: a page that shows one
// region's under another's name is wrong.
std::optional<Slot> InUseElsewhere(const std::string& tbs,
                                   const std::string& serial, const Slot& slot,
                                   const anchors::Catalog& before,
                                   const anchors::Catalog& after) {
  if (TbsInUse(before, slot).count(tbs) != 0) return std::nullopt;
  std::set<Slot> others;
  for (const anchors::Catalog* catalog : {&before, &after}) {
    for (const anchors::CatalogAnchor& anchor : catalog->anchors) {
      if (anchor.slot == slot || !anchors::Verifies(anchor)) continue;
      for (const anchors::CatalogCertificate& certificate :
           anchor.certificates) {
        // The serial is in the to-be-signed bytes, and found sooner.
        if (!certificate.superseded && certificate.serial == serial &&
            TbsOf(certificate.der) == tbs) {
          others.insert(anchor.slot);
        }
      }
    }
  }
  for (const Slot& other : others) {
    if (!HaveOneInCommon(before, slot, other)) return other;
  }
  return std::nullopt;
}

std::optional<Slot> RevokedElsewhere(const anchors::Catalog& catalog,
                                     const Slot& slot,
                                     std::string_view spki_sha256) {
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot != slot && anchor.spki_sha256 == spki_sha256 &&
        anchor.status == AnchorStatus::kRevoked) {
      return anchor.slot;
    }
  }
  return std::nullopt;
}

// What a step does in one slot.
struct Difference {
  // Certificates that come into use, and go out of it.
  std::vector<const anchors::CatalogCertificate*> comes;
  std::vector<const anchors::CatalogCertificate*> goes;
  // Whether a key begins to verify.
  bool brings_a_key = false;
  // The keys that lose a certificate, and bring none.
  std::vector<const anchors::CatalogAnchor*> loses;
};

Difference DifferenceIn(const anchors::Catalog& before,
                        const anchors::Catalog& after, const Slot& slot) {
  Difference difference;
  for (const anchors::CatalogAnchor& anchor : after.anchors) {
    if (anchor.slot != slot) continue;
    const anchors::CatalogAnchor* old =
        anchors::FindAnchor(before, slot, anchor.spki_sha256);
    const bool verified = old != nullptr && anchors::Verifies(*old);
    if (anchors::Verifies(anchor) && !verified) difference.brings_a_key = true;
    const std::size_t had = difference.goes.size();
    const std::size_t brought = difference.comes.size();
    for (const anchors::CatalogCertificate& certificate : anchor.certificates) {
      const bool was = IsInUse(old, certificate.sha256);
      const bool is = IsInUse(&anchor, certificate.sha256);
      if (is && !was) difference.comes.push_back(&certificate);
      if (was && !is) difference.goes.push_back(&certificate);
    }
    if (difference.goes.size() > had && difference.comes.size() == brought) {
      difference.loses.push_back(&anchor);
    }
  }
  return difference;
}

// Whether a step only says that certificates beside others of their keys are no
// longer in use, and no person brought them.
bool IsOfRemnants(const anchors::Catalog& before, const anchors::Catalog& after,
                  const Slot& slot, const Difference& difference) {
  anchors::Catalog same = before;
  for (const anchors::CatalogCertificate* one : difference.goes) {
    if (anchors::IsByOperator(*one)) return false;
    for (anchors::CatalogAnchor& anchor : same.anchors) {
      if (anchor.slot != slot) continue;
      for (anchors::CatalogCertificate& old : anchor.certificates) {
        if (old.sha256 == one->sha256) old.superseded = true;
      }
    }
  }
  anchors::Sort(same);
  const auto changed = ChangedSlots(same, after);
  return !difference.goes.empty() &&
         std::find(changed.begin(), changed.end(), slot) == changed.end();
}

std::vector<std::string_view> ShownIn(const Observation& look,
                                      const Slot& slot) {
  std::vector<std::string_view> shown;
  if (!look.scope.Covers(slot)) return shown;
  for (const ObservedCertificate& observed : look.certificates) {
    if (observed.slot == slot) shown.push_back(observed.der);
  }
  return shown;
}

bool Has(const std::vector<std::string_view>& shown, std::string_view der) {
  return std::find(shown.begin(), shown.end(), der) != shown.end();
}

bool HasOneOf(const std::vector<std::string_view>& shown,
              const anchors::CatalogAnchor& anchor) {
  return std::any_of(anchor.certificates.begin(), anchor.certificates.end(),
                     [&](const anchors::CatalogCertificate& one) {
                       return !one.superseded && Has(shown, one.der);
                     });
}

// Whether a certificate that a source shows would be new in the slot, rather
// than one that is or was in use there, or one from before those.
bool IsNew(const anchors::Catalog& before, const Slot& slot,
           std::string_view der) {
  const auto facts = anchors::ReadCertificateFacts(der);
  if (!facts.ok()) return true;
  const anchors::CatalogAnchor* anchor =
      anchors::FindAnchor(before, slot, verify::Sha256Hex(facts->spki_der));
  if (anchor == nullptr) return true;
  return std::none_of(
      anchor->certificates.begin(), anchor->certificates.end(),
      [&](const anchors::CatalogCertificate& known) {
        return known.der == der ||
               (!known.superseded && facts->not_before < known.not_before);
      });
}

// A Nitro root is printed with its hash; where a source found that hash nowhere,
// it shows the root to people alone.
bool IsConfirmed(const Observation& look) {
  return std::none_of(look.problems.begin(), look.problems.end(),
                      [](const SourceProblem& problem) {
                        return problem.kind == ProblemKind::kNotConfirmed;
                      });
}

// The other slots in which a source shows what comes into use here.
std::set<Slot> AlsoShownIn(const Slot& slot, const Difference& difference,
                           const Observation& look) {
  std::set<std::string> comes;
  for (const anchors::CatalogCertificate* one : difference.comes) {
    comes.insert(TbsOf(one->der));
  }
  std::set<Slot> slots;
  for (const ObservedCertificate& observed : look.certificates) {
    if (observed.slot != slot && look.scope.Covers(observed.slot) &&
        comes.count(TbsOf(observed.der)) != 0) {
      slots.insert(observed.slot);
    }
  }
  return slots;
}

// What sources show of it.
absl::StatusOr<int> JudgeLooks(const anchors::Catalog& before, const Slot& slot,
                               const Difference& difference,
                               const Situation& situation) {
  std::set<std::string_view> fresh;
  for (const anchors::CatalogCertificate* one : difference.comes) {
    fresh.insert(one->der);
  }
  std::set<std::string> families;
  for (const SourceLook& source : situation.looks) {
    for (const Slot& other : AlsoShownIn(slot, difference, *source.look)) {
      // It belongs to one of them, and nobody knows to which.
      if (HaveOneInCommon(before, slot, other)) continue;
      return Refuse(GateReason::kSourceSaysOtherwise, slot,
                    absl::StrCat(source.look->source, " shows it in ",
                                 verify::ToString(other), ", too"));
    }
    const auto shown = ShownIn(*source.look, slot);
    for (const std::string_view der : shown) {
      if (IsNew(before, slot, der)) fresh.insert(der);
    }
    const bool is_understood = std::none_of(
        source.look->problems.begin(), source.look->problems.end(), IsAnomaly);
    if (shown.empty()) continue;
    const bool shows_all =
        std::all_of(difference.comes.begin(), difference.comes.end(),
                    [&](const auto* one) { return Has(shown, one->der); }) &&
        std::all_of(
            difference.loses.begin(), difference.loses.end(),
            [&](const auto* anchor) { return HasOneOf(shown, *anchor); });
    const bool shows_what_goes =
        std::any_of(difference.goes.begin(), difference.goes.end(),
                    [&](const auto* one) { return Has(shown, one->der); });
    if (!shows_all || shows_what_goes) {
      return Refuse(GateReason::kSourceSaysOtherwise, slot,
                    source.look->source + " shows something else");
    }
    // One that is not understood contradicts, and confirms nothing.
    if (is_understood && !source.is_doubtful && IsConfirmed(*source.look)) {
      families.insert(source.family.empty() ? source.look->source
                                            : source.family);
    }
  }
  if (fresh.size() > 1) {
    return Refuse(GateReason::kSeveralNew, slot,
                  "more than one new certificate in the slot");
  }
  if (families.empty()) {
    return Refuse(GateReason::kNotShownNow, slot, "no source shows it now");
  }
  return static_cast<int>(families.size());
}

absl::Status JudgeRecord(const Slot& slot, const Situation& situation) {
  if (situation.record_checked) return absl::OkStatus();
  return Refuse(GateReason::kRecordNotChecked, slot,
                "the record has not been read again since the start");
}

absl::Status JudgeMoment(const Slot& slot, const Situation& situation) {
  if (absl::Status s = JudgeRecord(slot, situation); !s.ok()) return s;
  if (!situation.all_asked) {
    return Refuse(GateReason::kNotAllAsked, slot,
                  "not every source has been asked since the start");
  }
  if (situation.clock_is_suspect) {
    return Refuse(GateReason::kClockSuspect, slot, "the clock jumped");
  }
  const auto automatic = situation.automatic.find(slot);
  if (automatic == situation.automatic.end()) return absl::OkStatus();
  std::size_t today = 0;
  for (const absl::Duration ago : automatic->second) {
    today += ago < absl::Hours(24);
    if (ago < kBetweenAutomatic) {
      return Refuse(GateReason::kTooOften, slot,
                    "it was changed without people within the hour");
    }
  }
  if (today < kMaxAutomaticADay) return absl::OkStatus();
  return Refuse(GateReason::kTooOften, slot,
                absl::StrCat("it was changed without people ", today,
                             " times within a day"));
}

// What slots have in common is re-issued in all of them at once: where one came
// first, the others would have nothing in common with it any more. So a slot
// waits for those in which a source shows the same.
absl::Status JudgeInCommon(const anchors::Catalog& before, const Slot& slot,
                           const Difference& difference,
                           const Situation& situation) {
  std::set<Slot> others;
  for (const SourceLook& source : situation.looks) {
    others.merge(AlsoShownIn(slot, difference, *source.look));
  }
  for (const Slot& other : others) {
    const std::set<std::string> in_use = TbsInUse(before, other);
    const auto is_there = [&](const anchors::CatalogCertificate* one) {
      return in_use.count(TbsOf(one->der)) != 0;
    };
    if (std::all_of(difference.comes.begin(), difference.comes.end(),
                    is_there)) {
      continue;
    }
    if (absl::Status s = JudgeMoment(other, situation); !s.ok()) return s;
    for (const SourceLook& source : situation.looks) {
      const auto shown = ShownIn(*source.look, other);
      const auto has = [&](const anchors::CatalogCertificate* one) {
        return Has(shown, one->der);
      };
      const auto is_more = [&](std::string_view der) {
        return IsNew(before, other, der) &&
               std::none_of(difference.comes.begin(), difference.comes.end(),
                            [&](const auto* one) { return one->der == der; });
      };
      if (shown.empty() ||
          (std::any_of(difference.comes.begin(), difference.comes.end(), has) &&
           std::none_of(difference.goes.begin(), difference.goes.end(), has) &&
           std::none_of(shown.begin(), shown.end(), is_more))) {
        continue;
      }
      return Refuse(GateReason::kSourceSaysOtherwise, slot,
                    absl::StrCat("it is that of ", verify::ToString(other),
                                 ", too, where ", source.look->source,
                                 " shows something else"));
    }
  }
  return absl::OkStatus();
}

// Whether a person alone may do it: no certificate and no key comes into use,
// and no window is wider. CheckSuccessor() sees to statuses.
bool IsTowardsRevoked(const Difference& difference) {
  return difference.comes.empty() && !difference.brings_a_key;
}

absl::Status JudgePeople(const Step& step, const Ground& ground,
                         const Situation& situation) {
  if (ground.is_safe) {
    return IsTowardsRevoked(DifferenceIn(step.before, step.after, ground.slot))
               ? absl::OkStatus()
               : Refuse(GateReason::kNotTowardsRevoked, ground.slot,
                        "it brings something into use");
  }
  // Who approved is known from it.
  if (absl::Status s = JudgeRecord(ground.slot, situation); !s.ok()) return s;
  if (static_cast<int>(ground.approvers.size()) < situation.approvals) {
    return Refuse(GateReason::kApprovalsMissing, ground.slot,
                  absl::StrCat(ground.approvers.size(), " of ",
                               situation.approvals, " people have approved"));
  }
  if (ground.effect_sha256 !=
      EffectSha256(step.before, step.after, ground.slot, situation.overlap)) {
    return Refuse(GateReason::kNotWhatWasApproved, ground.slot,
                  "it would do something else than was approved");
  }
  return absl::OkStatus();
}

void AppendAnchors(const anchors::Catalog& catalog,
                   const anchors::Catalog* before, const Slot& slot,
                   std::string& text) {
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot != slot) continue;
    const anchors::CatalogAnchor* old =
        before == nullptr
            ? nullptr
            : anchors::FindAnchor(*before, slot, anchor.spki_sha256);
    const auto time = [](const std::optional<absl::Time>& at) {
      return at ? absl::StrCat(absl::ToUnixSeconds(*at)) : std::string("-");
    };
    // An end that the step sets is the overlap from the moment on.
    const bool sets_end =
        before != nullptr && anchor.valid_until.has_value() &&
        (old == nullptr || old->valid_until != anchor.valid_until);
    absl::StrAppend(&text, "key ", anchor.spki_sha256, " ",
                    std::string(verify::NameOf(anchor.status)), " ",
                    time(anchor.valid_from), " ",
                    sets_end ? "overlap" : time(anchor.valid_until), " ",
                    time(anchor.accept_until), " ", anchor.replaces, "\n");
    std::vector<std::string> certificates;
    for (const anchors::CatalogCertificate& certificate : anchor.certificates) {
      certificates.push_back(absl::StrCat(
          certificate.sha256, certificate.superseded ? " superseded" : ""));
    }
    std::sort(certificates.begin(), certificates.end());
    for (const std::string& certificate : certificates) {
      absl::StrAppend(&text, "certificate ", certificate, "\n");
    }
  }
}

std::vector<const anchors::CatalogAnchor*> AnchorsIn(
    const anchors::Catalog& catalog, const Slot& slot) {
  std::vector<const anchors::CatalogAnchor*> anchors;
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot == slot) anchors.push_back(&anchor);
  }
  std::sort(anchors.begin(), anchors.end(), [](const auto* a, const auto* b) {
    return a->spki_sha256 < b->spki_sha256;
  });
  return anchors;
}

}  // namespace

std::string_view NameOf(GateReason reason) {
  return GateReasons::Of(reason).name;
}

bool MayPass(GateReason reason) { return GateReasons::Of(reason).may_pass; }

std::optional<GateReason> GateReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kReasonUrl);
  if (!payload.has_value()) return std::nullopt;
  return GateReasons::Named(std::string(*payload));
}

std::vector<Objection> ObjectionsTo(
    const anchors::CatalogCertificate& certificate, const Slot& slot,
    const anchors::Catalog& before, const anchors::Catalog& after,
    absl::Time now) {
  std::vector<Objection> out;
  const auto facts = anchors::ReadCertificateFacts(certificate.der);
  if (!facts.ok()) return {{GateReason::kUnreadable, "it cannot be read"}};
  const std::string spki_sha256 = verify::Sha256Hex(facts->spki_der);
  const std::string tbs = TbsOf(certificate.der);
  const anchors::CatalogAnchor* anchor =
      anchors::FindAnchor(before, slot, spki_sha256);
  if (!anchors::IsSelfSigned(certificate.der)) {
    out.push_back(
        {GateReason::kNotSelfSigned,
         anchor == nullptr
             ? "a certificate that its own key has not signed"
             : "a certificate over a pinned key that the key has not signed"});
  }
  if (facts->not_before > now + kMaxAhead) {
    out.push_back(
        {GateReason::kFromTheFuture, "a certificate from the future"});
  }
  if (anchor != nullptr) {
    if (anchor->status == AnchorStatus::kRetired ||
        anchor->status == AnchorStatus::kRevoked) {
      out.push_back({GateReason::kKeyIsOver,
                     absl::StrCat("the key is ", std::string(verify::NameOf(
                                                     anchor->status)))});
    }
    bool is_later = true;
    bool is_other = false;
    bool was_here = false;
    for (const anchors::CatalogCertificate& known : anchor->certificates) {
      if (known.der == certificate.der) {
        was_here = true;
      } else {
        is_later = is_later && known.not_before < facts->not_before;
        is_other = is_other ||
                   (known.serial == facts->serial && TbsOf(known.der) == tbs);
      }
    }
    if (!is_later && !was_here) {
      out.push_back({GateReason::kNotLater,
                     "it begins no later than another certificate of the key"});
    }
    if (is_other) {
      out.push_back(
          {GateReason::kSameCertificate,
           "another certificate with its signature written otherwise"});
    }
  }
  if (const auto other = RevokedElsewhere(before, slot, spki_sha256)) {
    out.push_back({GateReason::kKeyRevokedElsewhere,
                   "the key is REVOKED in " + verify::ToString(*other)});
  }
  if (const auto other =
          InUseElsewhere(tbs, facts->serial, slot, before, after)) {
    out.push_back({GateReason::kInUseElsewhere,
                   "it is in use in " + verify::ToString(*other)});
  }
  return out;
}

std::vector<Slot> ChangedSlots(const anchors::Catalog& before,
                               const anchors::Catalog& after) {
  std::set<Slot> slots;
  for (const anchors::Catalog* catalog : {&before, &after}) {
    for (const anchors::CatalogAnchor& anchor : catalog->anchors) {
      slots.insert(anchor.slot);
    }
  }
  std::vector<Slot> changed;
  for (const Slot& slot : slots) {
    const auto a = AnchorsIn(before, slot);
    const auto b = AnchorsIn(after, slot);
    if (!std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto* x, const auto* y) { return *x == *y; })) {
      changed.push_back(slot);
    }
  }
  return changed;
}

std::string EffectSha256(const anchors::Catalog& before,
                         const anchors::Catalog& after, const Slot& slot,
                         absl::Duration overlap) {
  std::string text = absl::StrCat("effect 1\n", verify::ToString(slot), "\n",
                                  absl::ToInt64Seconds(overlap), "\nbefore\n");
  AppendAnchors(before, nullptr, slot, text);
  absl::StrAppend(&text, "after\n");
  AppendAnchors(after, &before, slot, text);
  return verify::Sha256Hex(text);
}

absl::StatusOr<int> JudgeAutomatic(const anchors::Catalog& before,
                                   const anchors::Catalog& after,
                                   const Slot& slot,
                                   const Situation& situation) {
  const Difference difference = DifferenceIn(before, after, slot);
  if (difference.comes.empty() &&
      !IsOfRemnants(before, after, slot, difference)) {
    return Refuse(GateReason::kTakesAway, slot,
                  "it brings nothing and takes away");
  }
  for (const anchors::CatalogCertificate* certificate : difference.comes) {
    const auto objections =
        ObjectionsTo(*certificate, slot, before, after, situation.now);
    if (!objections.empty()) {
      return Refuse(objections.front().reason, slot, objections.front().why);
    }
  }
  if (absl::Status s = JudgeMoment(slot, situation); !s.ok()) return s;
  auto families = JudgeLooks(before, slot, difference, situation);
  if (!families.ok()) return families;
  if (absl::Status s = JudgeInCommon(before, slot, difference, situation);
      !s.ok()) {
    return s;
  }
  return families;
}

absl::StatusOr<Admitted> Admit(Step step, const Situation& situation) {
  for (const Slot& slot : ChangedSlots(step.before, step.after)) {
    const auto ground =
        std::find_if(step.grounds.begin(), step.grounds.end(),
                     [&](const Ground& one) { return one.slot == slot; });
    if (ground == step.grounds.end()) {
      return Refuse(GateReason::kApprovalsMissing, slot, "nobody decided it");
    }
    if (!ground->is_safe && ground->approvers.empty()) {
      const auto judged =
          JudgeAutomatic(step.before, step.after, slot, situation);
      if (!judged.ok()) return judged.status();
    } else if (absl::Status s = JudgePeople(step, *ground, situation);
               !s.ok()) {
      return s;
    }
  }
  if (absl::Status s =
          anchors::CheckSuccessor(step.before, step.after, step.reactivated);
      !s.ok()) {
    absl::Status refused = absl::FailedPreconditionError(s.message());
    refused.SetPayload(
        kReasonUrl,
        absl::Cord(std::string(NameOf(GateReason::kNotASuccessor))));
    return refused;
  }
  return Admitted(std::move(step.after));
}

}  // namespace anchorage::trustd
