#include "trustd/explain/explain.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "anchors/base/proto_time.h"
#include "anchors/catalog_proto.h"
#include "trustd/explain/certificates.h"
#include "trustd/explain/history.h"
#include "trustd/explain/recommendation.h"
#include "trustd/mirror/looks.h"
#include "trustd/mirror/undo.h"
#include "trustd/record/rotation_values.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

using Action = v1::Recommendation;
using Entry = RotationBook::Entry;

// Names in one sentence; more are counted.
constexpr std::size_t kMaxNames = 8;
constexpr std::size_t kMaxHistory = 16;
constexpr std::size_t kMaxPublished = 3;

std::string Text(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

// Names, sources and reasons are others'.
template <typename... Parts>
std::string Sentence(const Parts&... parts) {
  return verify::Printable(absl::StrCat(parts...), verify::kMaxSentenceBytes);
}

template <typename Names>
std::string Join(const Names& names) {
  std::vector<std::string> first(names.begin(), names.end());
  const std::size_t more =
      first.size() > kMaxNames ? first.size() - kMaxNames : 0;
  first.resize(first.size() - more);
  return absl::StrCat(absl::StrJoin(first, ", "),
                      more > 0 ? absl::StrCat(" and ", more, " more") : "");
}

std::string SlotOf(const Entry& entry) {
  return verify::ToString(entry.change.slot);
}

std::string SummaryOf(const Entry& entry) {
  const v1::Rotation& rotation = entry.rotation;
  switch (rotation.rotation_class()) {
    case v1::ROTATION_CLASS_RE_ISSUE:
      return Sentence("Another certificate over the same key, in ",
                      SlotOf(entry), ".");
    case v1::ROTATION_CLASS_NEW_KIND:
      return Sentence("The first certificate of its kind in its region: ",
                      SlotOf(entry), ".");
    case v1::ROTATION_CLASS_NEW_REGION:
      return Sentence("The first certificate of its region: ", SlotOf(entry),
                      ".");
    case v1::ROTATION_CLASS_RE_KEY:
      return Sentence("Another key of the same algorithm and size, in ",
                      SlotOf(entry), ".");
    case v1::ROTATION_CLASS_ALGORITHM_CHANGE:
      return Sentence("Another key of another algorithm or size, in ",
                      SlotOf(entry), ".");
    case v1::ROTATION_CLASS_REMOVAL:
      return Sentence("A certificate is gone: a source shows none in ",
                      SlotOf(entry), " any more.");
    case v1::ROTATION_CLASS_SOURCE_ANOMALY:
      return Sentence(
          rotation.source(), " cannot be relied on: ", rotation.anomaly(),
          rotation.problem().empty() ? "" : " " + rotation.problem(),
          rotation.notes().empty() ? "" : ", " + rotation.notes(0), ".");
    case v1::ROTATION_CLASS_UNKNOWN_SIGNER:
      return Sentence("An instance shows evidence of ", SlotOf(entry),
                      " that no pinned key verifies.");
    case v1::ROTATION_CLASS_ADDITION:
      return Sentence(rotation.source(),
                      " brings a certificate that no source has shown, for ",
                      SlotOf(entry), ".");
    case v1::ROTATION_CLASS_ANNOUNCEMENT:
      return Sentence(rotation.source(),
                      " brings a certificate over a key that is to come, for ",
                      SlotOf(entry), ".");
    case v1::ROTATION_CLASS_REACTIVATION:
      return Sentence(rotation.source(), " wants a key ACTIVE again, in ",
                      SlotOf(entry), ".");
    case v1::ROTATION_CLASS_UNDO:
      return Sentence(
          rotation.source(), " wants rotation ", rotation.undo().rotation_id(),
          " taken back: in ", SlotOf(entry),
          ", the key before is ACTIVE again and the one that came is ",
          rotation.undo().revokes() ? "REVOKED, for ever." : "RETIRED.");
    default:
      return Sentence("A change in ", SlotOf(entry), ".");
  }
}

// --- who says so -------------------------------------------------------------

std::string FamilyOf(const Work& view, const std::string& source) {
  const auto& sources = view.moment.sources;
  return sources.has_value() && sources->count(source) != 0
             ? sources->at(source)
             : source;
}

void AddSources(const Work& view, const Entry& entry,
                v1::RotationExplanation& explanation) {
  for (const v1::SourceStance& stance : entry.rotation.sources()) {
    v1::ExplainedSource& source = *explanation.add_sources();
    *source.mutable_stance() = stance;
    source.set_family(FamilyOf(view, stance.source()));
    const auto look = view.moment.newest.find(stance.source());
    if (look != view.moment.newest.end()) {
      source.set_location(look->second->location);
    }
    const auto health = view.moment.health.find(stance.source());
    const bool fails =
        health != view.moment.health.end() && health->second.failures() > 0;
    source.set_counts(look != view.moment.newest.end() && !fails &&
                      stance.held_by().empty() &&
                      !IsDoubted(view.book(), stance.source()));
  }
  std::sort(explanation.mutable_sources()->begin(),
            explanation.mutable_sources()->end(),
            [](const auto& a, const auto& b) {
              return a.stance().source() < b.stance().source();
            });
}

std::string WitnessesOf(const Entry& entry,
                        const v1::RotationExplanation& explanation) {
  if (entry.is_anomaly()) {
    return Sentence("Seen since ",
                    Text(anchors::TimeOf(entry.rotation.detected_time())),
                    " in what ", entry.rotation.source(), " shows.");
  }
  if (entry.is_request()) {
    return Sentence("Asked for by ", entry.rotation.source(), " at ",
                    Text(anchors::TimeOf(entry.rotation.detected_time())),
                    "; sources are not asked.");
  }
  std::vector<std::string> agree;
  std::vector<std::string> contradict;
  std::set<std::string> families;
  absl::Time since = absl::InfiniteFuture();
  for (const v1::ExplainedSource& source : explanation.sources()) {
    const v1::SourceStance& stance = source.stance();
    if (stance.stance() == v1::SourceStance::STANCE_AGREES) {
      agree.push_back(stance.source());
      families.insert(source.family());
      since = std::min(since, anchors::TimeOf(stance.since_time()));
    } else if (stance.stance() == v1::SourceStance::STANCE_CONTRADICTS) {
      contradict.push_back(stance.source());
    }
  }
  std::string text = agree.empty() ? std::string("No source shows it")
                                   : absl::StrCat("Shown since ", Text(since),
                                                  " by ", Join(agree));
  if (agree.size() > 1 && families.size() == 1) text += ", which count as one";
  if (!contradict.empty()) {
    absl::StrAppend(&text, "; contradicted by ", Join(contradict));
  }
  std::set<std::string> submitters;
  for (const v1::LiveProof& proof : entry.rotation.live_proofs()) {
    submitters.insert(proof.submitter());
  }
  if (submitters.empty()) {
    text += "; no instance has proved it";
  } else {
    absl::StrAppend(&text,
                    entry.is_unknown_signer() ? "; submitted by "
                                              : "; proved by instances of ",
                    Join(submitters));
  }
  return Sentence(text, ".");
}

// --- what happens by itself ----------------------------------------------------

bool IsOfTheGate(const Answers& answers) {
  const auto reason = GateReasonOf(answers.without_people.status());
  return reason.has_value() &&
         absl::StartsWith(answers.policy.reason,
                          absl::StrCat(std::string(NameOf(*reason)), ": "));
}

v1::PolicyOutlook OutlookOf(const Work& view, const Entry& entry,
                            const Answers& answers) {
  v1::PolicyOutlook outlook;
  const v1::Rotation& rotation = entry.rotation;
  if (!entry.is_open()) {
    outlook.set_sentence(Sentence("It is ", ShortName(rotation.state()), ": ",
                                  rotation.reason(), "."));
    return outlook;
  }
  outlook.set_outcome(v1::PolicyOutlook::OUTCOME_HOLDS);
  if (!entry.is_publishable()) {
    outlook.set_sentence(
        entry.rotation.needs_person()
            ? "It stays until a person rejects it, and its source counts for "
              "nothing until then."
            : "It ends by itself when it is no longer seen, and is never "
              "published.");
  } else if (rotation.state() == v1::ROTATION_STATE_APPROVED) {
    outlook.set_outcome(v1::PolicyOutlook::OUTCOME_PUBLISHES);
    outlook.set_sentence(
        view.options.offline
            ? "It is in the proposal, and published when people have signed it."
            : "It is approved, and published as soon as the gate lets it "
              "through.");
  } else if (entry.is_held()) {
    const v1::Decision& hold = *rotation.decisions().rbegin();
    outlook.set_sentence(
        Sentence("The policy does not decide: held by ", hold.by(), " at ",
                 Text(anchors::TimeOf(hold.time())), ": ", hold.why(), "."));
  } else if (entry.is_request()) {
    outlook.set_sentence("The policy never decides what people ask for.");
  } else if (answers.policy.outcome == Outcome::kPublishNow) {
    outlook.set_outcome(v1::PolicyOutlook::OUTCOME_PUBLISHES);
    outlook.set_sentence(Sentence(
        "It is published with the next event: ", answers.policy.reason, "."));
  } else if (answers.policy.outcome == Outcome::kWaitUntil) {
    outlook.set_outcome(v1::PolicyOutlook::OUTCOME_WAITS);
    anchors::SetTime(answers.policy.until, *outlook.mutable_time());
    outlook.set_sentence(Sentence(
        "The policy publishes it at ", Text(answers.policy.until),
        ", if nothing speaks against it then: ", answers.policy.reason, "."));
  } else if (IsOfTheGate(answers)) {
    outlook.set_sentence(Sentence(
        "The policy would publish it, and the gate does not let it: ",
        answers.policy.reason, ". It is asked again with each event."));
  } else {
    outlook.set_sentence(
        Sentence("It waits for people: ", answers.policy.reason, "."));
  }
  return outlook;
}

void AddRefusals(const Answers& answers, v1::RotationExplanation& explanation) {
  std::set<GateReason> said;
  const auto add = [&](GateReason reason, absl::string_view why,
                       bool for_people) {
    if (!said.insert(reason).second) return;
    v1::GateRefusal& refusal = *explanation.add_refusals();
    refusal.set_reason(std::string(NameOf(reason)));
    refusal.set_sentence(Sentence(why));
    refusal.set_also_for_people(for_people);
    refusal.set_may_pass(MayPass(reason));
  };
  const auto add_status = [&](const absl::Status& status, bool for_people) {
    const auto reason = GateReasonOf(status);
    if (reason.has_value()) add(*reason, status.message(), for_people);
  };
  add_status(answers.with_people, true);
  // What people may not lift is in the answer to them.
  for (const Objection& objection : answers.objections) {
    add(objection.reason, objection.why, false);
  }
  add_status(answers.without_people.status(), false);
}

// --- and then ------------------------------------------------------------------

// What this trustd published in the slot before, the newest first.
std::string PublishedBefore(const Work& view, const Entry& entry) {
  std::vector<std::string> before;
  view.book().ForEach([&](const Entry& other) {
    const v1::Rotation& rotation = other.rotation;
    if (rotation.published_sequence() == 0 ||
        rotation.id() >= entry.rotation.id() ||
        !(other.change.slot == entry.change.slot)) {
      return;
    }
    before.push_back(absl::StrCat(
        "rotation ", rotation.id(), ", ",
        std::string(NameOf(other.change.rotation_class)),
        " of this slot, seen ", Text(anchors::TimeOf(rotation.detected_time())),
        ", in sequence ", rotation.published_sequence(), ", by ",
        other.is_by_policy() || other.approvals() == 0
            ? std::string("the policy")
            : Join(other.Approvers())));
  });
  if (before.empty()) return "";
  std::reverse(before.begin(), before.end());
  if (before.size() > kMaxPublished) before.resize(kMaxPublished);
  return Sentence("This trustd published ", absl::StrJoin(before, "; "), ".");
}

void AddHistory(const Work& view, const Entry& entry,
                v1::RotationExplanation& explanation) {
  const std::string said =
      WhatThePastSays(entry.change.rotation_class, entry.change.slot);
  const std::string ours =
      entry.is_publishable() ? PublishedBefore(view, entry) : "";
  explanation.set_history_summary(
      absl::StrCat(said, said.empty() || ours.empty() ? "" : " ", ours));
  if (said.empty()) return;
  const auto& past = PastChanges();
  for (auto change = past.rbegin();
       change != past.rend() &&
       explanation.history_size() < static_cast<int>(kMaxHistory);
       ++change) {
    v1::HistoricChange& out = *explanation.add_history();
    anchors::SetTime(change->day, *out.mutable_day());
    out.set_rotation_class(ToProto(change->rotation_class));
    out.set_slots(static_cast<int>(change->slots.size()));
    out.set_of_this_slot(std::find(change->slots.begin(), change->slots.end(),
                                   entry.change.slot) != change->slots.end());
    out.set_sentence(ToText(*change));
  }
}

void SetUndo(const Work& view, const Entry& entry,
             v1::RotationExplanation& explanation) {
  const v1::Rotation& rotation = entry.rotation;
  const bool is_published = rotation.state() == v1::ROTATION_STATE_PUBLISHED ||
                            rotation.state() == v1::ROTATION_STATE_COMPLETED;
  const bool replaces =
      rotation.rotation_class() == v1::ROTATION_CLASS_RE_KEY ||
      rotation.rotation_class() == v1::ROTATION_CLASS_ALGORITHM_CHANGE ||
      rotation.rotation_class() == v1::ROTATION_CLASS_UNDO;
  if (is_published) {
    const auto undo = UndoOf(view.catalog(), rotation, "", false);
    explanation.set_can_undo(undo.ok());
    explanation.set_undo(undo.ok()
                             ? Sentence("It can be taken back: the key ",
                                        undo->undo->reactivated.front(),
                                        " is ACTIVE again and the key ",
                                        undo->undo->ended.front(),
                                        " RETIRED, in one publication that ",
                                        view.options.rotations.approvals,
                                        view.options.rotations.approvals == 1
                                            ? " person approves."
                                            : " people approve.")
                             : Sentence(undo.status().message(), "."));
  } else if (entry.is_open() && replaces) {
    explanation.set_undo(
        rotation.undo().revokes()
            ? "It can never be taken back: a revoked key never comes back."
            : "Once it is published it can be taken back: the key of now is "
              "ACTIVE again and the new one RETIRED, in one publication.");
  }
}

void AddCommand(std::string purpose, std::string command,
                v1::RotationExplanation& explanation) {
  v1::NextCommand& next = *explanation.add_commands();
  next.set_purpose(std::move(purpose));
  next.set_command(std::move(command));
}

// How a change that was rejected by mistake is brought in after all.
void AddWayBack(const Work& view, const Entry& entry,
                v1::RotationExplanation& explanation) {
  const auto& newest = view.moment.newest;
  const bool is_shown = std::any_of(
      newest.begin(), newest.end(),
      [&](const auto& look) { return ShowsRejected(view, entry, look.first); });
  if (!is_shown || entry.rotation.observed().empty()) return;
  const verify::Slot& slot = entry.change.slot;
  AddCommand(
      "bring it in after all, if it is AWS's; FILE is its certificate",
      absl::StrCat("trustctl anchors add FILE --partition ",
                   verify::Printable(slot.partition), " --region ",
                   verify::Printable(slot.region), " --kind ",
                   std::string(verify::NameOf(slot.kind)), " --why REASON"),
      explanation);
}

void AddCommands(const Work& view, const Entry& entry,
                 v1::RotationExplanation& explanation) {
  const std::uint64_t id = entry.rotation.id();
  const auto decide = [&](absl::string_view verb, std::string purpose) {
    AddCommand(
        std::move(purpose),
        absl::StrCat("trustctl rotations ", verb, " ", id, " --why REASON"),
        explanation);
  };
  const bool is_of_sources = !entry.is_request() && !entry.is_unknown_signer();
  const auto poll = [&] {
    if (!is_of_sources) return;
    AddCommand("have the sources polled now", "trustctl sources poll --wait",
               explanation);
  };
  const auto prove = [&] {
    if (!is_of_sources || entry.is_anomaly()) return;
    AddCommand("have an instance prove it, on that instance",
               "curl -s -H \"X-aws-ec2-metadata-token: $TOKEN\" "
               "http://169.254.169.254/latest/dynamic/instance-identity/rsa2048"
               " | trustctl evidence submit --rsa2048 -",
               explanation);
  };
  const bool is_held = entry.is_held() && !entry.is_by_policy();
  const auto hold = [&] {
    if (!is_held) decide("hold", "keep it back until people have looked");
  };
  switch (explanation.recommendation().action()) {
    case Action::ACTION_APPROVE:
      decide("approve", "approve it");
      hold();
      decide("reject", "decide against it");
      break;
    case Action::ACTION_CONFIRM:
      poll();
      prove();
      decide("approve", "approve it, once you have confirmed it");
      AddCommand("leave it for the morning",
                 absl::StrCat("trustctl alerts ack rotation/", id,
                              " --until 12h --why REASON"),
                 explanation);
      decide("reject", "decide against it");
      break;
    case Action::ACTION_HOLD:
      if (explanation.recommendation().name() ==
          RecommendationOf(Case::kPersonHolds).name) {
        decide("approve", "approve it, once that person agrees");
      }
      hold();
      poll();
      decide("reject", "decide against it");
      break;
    case Action::ACTION_REJECT:
      decide("reject", "decide against it");
      break;
    case Action::ACTION_WAIT:
      hold();
      break;
    case Action::ACTION_LOOK:
      poll();
      AddCommand("see how the sources do", "trustctl sources list",
                 explanation);
      decide("reject", "end it, once you know why it came");
      break;
    case Action::ACTION_SIGN:
      AddCommand("see what is to be signed",
                 "trustctl targets propose --folder FOLDER --catalog "
                 "DATA_DIR/proposal.json",
                 explanation);
      decide("reject", "decide against it");
      break;
    default:
      if (explanation.can_undo()) {
        AddCommand(
            "take it back",
            absl::StrCat("trustctl rotations undo ", id, " --why REASON"),
            explanation);
      }
      AddWayBack(view, entry, explanation);
  }
}

}  // namespace

std::optional<std::string> AdviceOn(const Work& view, std::uint64_t id) {
  const Entry* entry = view.book().Find(id);
  if (entry == nullptr || entry->is_publishable()) return std::nullopt;
  return std::string(
      RecommendationOf(CaseOf(view, *entry, Answers())).sentence);
}

v1::ApprovalCount CountApprovals(const Work& view, const Entry& entry) {
  v1::ApprovalCount count;
  const auto given = entry.Approvals();
  const int needed = view.options.rotations.approvals;
  count.set_needed(needed);
  for (const auto& [name, decision] : given) {
    v1::ApprovalCount::Approval& approval = *count.add_given();
    approval.set_name(name);
    *approval.mutable_time() = decision->time();
    approval.set_why(decision->why());
  }
  if (!entry.is_publishable()) {
    count.set_needed(0);
    count.set_sentence("there is nothing to approve");
    return count;
  }
  const int missing = needed - static_cast<int>(given.size());
  if (!entry.is_open() && missing > 0) {
    count.set_sentence(entry.is_by_policy()
                           ? "it was published without people"
                           : "it is over, and was not approved");
    return count;
  }
  std::string sentence = absl::StrCat(given.size(), " of ", needed);
  if (missing > 0) {
    std::vector<std::string> names;
    for (const std::string& name : view.options.people) {
      if (given.count(name) == 0) names.push_back(name);
    }
    count.mutable_missing()->Assign(names.begin(), names.end());
    absl::StrAppend(
        &sentence, "; missing ", missing == 1 ? "one" : absl::StrCat(missing),
        " of ", names.empty() ? "nobody: no person may approve" : Join(names));
  }
  count.set_sentence(Sentence(sentence));
  return count;
}

std::optional<v1::RotationExplanation> ExplainRotation(const Work& view,
                                                       std::uint64_t id) {
  const Entry* found = view.book().Find(id);
  if (found == nullptr) return std::nullopt;
  const Entry& entry = *found;
  const bool is_decidable = entry.is_open() && entry.is_publishable();
  const Answers answers = is_decidable ? AskAll(view, entry) : Answers();
  const RecommendationRow& row = RecommendationOf(CaseOf(view, entry, answers));
  v1::RotationExplanation explanation;
  *explanation.mutable_rotation() = entry.rotation;
  Shorten(*explanation.mutable_rotation());
  anchors::SetTime(view.at.now, *explanation.mutable_time());
  explanation.set_summary(SummaryOf(entry));
  AddCertificates(view.catalog(), entry, explanation);
  AddSources(view, entry, explanation);
  explanation.set_witnesses(WitnessesOf(entry, explanation));
  const auto refused = GateReasonOf(answers.with_people);
  explanation.set_can_approve(
      is_decidable && entry.rotation.state() != v1::ROTATION_STATE_APPROVED &&
      answers.next.ok() && !answers.changes_nothing &&
      (answers.with_people.ok() || (refused && MayPass(*refused))));
  *explanation.mutable_approvals() = CountApprovals(view, entry);
  *explanation.mutable_policy() = OutlookOf(view, entry, answers);
  if (is_decidable) AddRefusals(answers, explanation);
  explanation.mutable_recommendation()->set_action(row.action);
  explanation.mutable_recommendation()->set_name(std::string(row.name));
  explanation.mutable_recommendation()->set_sentence(std::string(row.sentence));
  AddHistory(view, entry, explanation);
  SetUndo(view, entry, explanation);
  AddCommands(view, entry, explanation);
  return explanation;
}

}  // namespace anchorage::trustd
