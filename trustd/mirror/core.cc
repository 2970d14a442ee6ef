#include "trustd/mirror/core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "anchors/catalog_proto.h"
#include "trustd/mirror/decisions.h"
#include "trustd/mirror/looks.h"
#include "trustd/mirror/outlet.h"
#include "trustd/mirror/proofs.h"
#include "trustd/mirror/steps.h"
#include "trustd/rotation/apply.h"

namespace anchorage::trustd {
namespace {

struct Take {
  Work& work;

  absl::Status operator()(const PersonDecides& event) const {
    return TakeDecision(work, event);
  }
  absl::Status operator()(const PersonPins& event) const {
    return TakePin(work, event);
  }
  absl::Status operator()(const PersonAcknowledges& event) const {
    return TakeAcknowledgement(work, event);
  }
  absl::Status operator()(const PersonUndoes& event) const {
    return TakeUndo(work, event);
  }
  absl::Status operator()(const InstanceShows& event) const {
    return TakeEvidence(work, event);
  }
  absl::Status operator()(const StoreAccepted& event) const {
    TakeAcceptance(work, event);
    return absl::OkStatus();
  }
  absl::Status operator()(const ManifestReceived& event) const {
    work.draft.AddManifest(event.fact);
    return absl::OkStatus();
  }
  absl::Status operator()(const TimePassed&) const { return absl::OkStatus(); }
  // What sources say is never refused.
  template <typename Said>
  absl::Status operator()(const Said& said) const {
    TakeLook(work, said);
    return absl::OkStatus();
  }
};

RetireTimes RetireTimesOf(const v1::PinFact& fact) {
  RetireTimes times;
  if (fact.has_valid_until()) times.until = anchors::TimeOf(fact.valid_until());
  if (fact.has_accept_until()) {
    times.accept_until = anchors::TimeOf(fact.accept_until());
  }
  return times;
}

}  // namespace

Moment MomentAtStart(const RotationBook& book, absl::Time now,
                     absl::Duration steady) {
  Moment moment;
  for (const auto& [slot, times] : book.automatic()) {
    for (const absl::Time time : times) {
      moment.automatic[slot].push_back(steady - std::clamp(now - time,
                                                           absl::ZeroDuration(),
                                                           absl::Hours(24)));
    }
  }
  for (const std::uint64_t id : book.Live()) {
    moment.seen[id] =
        steady - std::clamp(now - book.Find(id)->Evidence().first_seen,
                            absl::ZeroDuration(), kMaxRotationHold);
  }
  return moment;
}

absl::StatusOr<Work> Decide(const State& state, const Moment& moment,
                            const Event& event, const At& at,
                            const CoreOptions& options) {
  Work work{.options = options,
            .at = at,
            .draft = Draft(state.book, state.records, at.now),
            .moment = moment,
            .served = state.served};
  // What was accepted is signed by the shell, and settled by the next event. A
  // manifest has nothing to do with anchors.
  const bool is_apart = std::holds_alternative<StoreAccepted>(event) ||
                        std::holds_alternative<ManifestReceived>(event);
  // What is served is on the record before anything is compared with it.
  if (!is_apart) Reconcile(work);
  if (absl::Status s = std::visit(Take{work}, event); !s.ok()) return s;
  if (!is_apart) Settle(work);
  return work;
}

absl::StatusOr<anchors::Catalog> Applied(const anchors::Catalog& catalog,
                                         const Change& change,
                                         const CoreOptions& options,
                                         absl::Time time) {
  return Apply(catalog, change,
               {.time = time, .overlap = options.rotations.overlap});
}

anchors::Reactivated ReactivatedBy(const Change& change) {
  anchors::Reactivated keys;
  if (change.rotation_class == RotationClass::kReactivation) {
    keys.push_back({change.slot, change.observed.front().spki_sha256});
  }
  if (change.undo.has_value()) {
    for (const std::string& key : change.undo->reactivated) {
      keys.push_back({change.slot, key});
    }
  }
  return keys;
}

std::vector<std::uint64_t> LiveOf(const Work& work) {
  return {work.book().Live().begin(), work.book().Live().end()};
}

std::string EffectOf(const anchors::Catalog& catalog, const Change& change,
                     const CoreOptions& options, absl::Time time) {
  const auto next = Applied(catalog, change, options, time);
  if (!next.ok()) return "";
  return EffectSha256(catalog, *next, change.slot, options.rotations.overlap);
}

void Rebase(Work& work, v1::Rotation again, std::string effect_sha256) {
  const RotationBook::Entry& entry = *work.book().Find(again.id());
  const bool is_other = entry.rotation.effect_sha256() != effect_sha256;
  if (is_other && (!entry.Approvers().empty() || entry.has_old_approvals())) {
    const std::string why =
        entry.has_old_approvals()
            ? "approvals are void: they were given before approvals were of "
              "what is done"
            : absl::StrCat(
                  entry.approvals(),
                  " approvals are void: the rotation would do something else "
                  "now");
    work.draft.AddAlert(AlertKind::kApprovalsVoid, entry.rotation, why);
    work.draft.AddVoid(again.id(), "", why);
  }
  again.set_effect_sha256(std::move(effect_sha256));
  work.draft.AddRebase(std::move(again));
}

absl::StatusOr<anchors::Catalog> ApplyPin(const anchors::Catalog& catalog,
                                          const v1::PinFact& fact,
                                          absl::Time time) {
  const auto slot = anchors::SlotFromProto(fact.slot());
  if (!slot.has_value()) {
    return absl::InvalidArgumentError("the slot's kind is not known");
  }
  switch (fact.action()) {
    case v1::PinFact::ACTION_ADD:
      return AddAnchor(catalog, *slot, fact.certificate(),
                       {anchors::kOperatorPublisher, fact.by()},
                       {.time = time});
    case v1::PinFact::ACTION_REVOKE:
      return Revoke(catalog, *slot, fact.spki_sha256());
    case v1::PinFact::ACTION_RETIRE:
      return Retire(catalog, *slot, fact.spki_sha256(), RetireTimesOf(fact));
    case v1::PinFact::ACTION_REACTIVATE:
      return Reactivate(catalog, *slot, fact.spki_sha256());
    default:
      return absl::InvalidArgumentError("no action");
  }
}

Situation SituationOf(const Work& work) {
  Situation situation;
  situation.now = work.at.now;
  situation.clock_is_suspect = work.at.clock_is_suspect;
  situation.record_checked = work.moment.record_checked;
  situation.approvals = work.options.rotations.approvals;
  situation.overlap = work.options.rotations.overlap;
  const auto& sources = work.moment.sources;
  situation.all_asked =
      sources.has_value() &&
      std::all_of(sources->begin(), sources->end(), [&](const auto& source) {
        return work.moment.asked.count(source.first) != 0;
      });
  for (const auto& [name, look] : work.moment.newest) {
    const auto health = work.moment.health.find(name);
    const bool fails =
        health != work.moment.health.end() && health->second.failures() > 0;
    std::string family = name;
    if (sources.has_value() && sources->count(name) != 0) {
      family = sources->at(name);
    }
    situation.looks.push_back(
        {.look = look.get(),
         .is_doubtful = fails || IsDoubted(work.book(), name),
         .family = std::move(family)});
  }
  for (const auto& [slot, times] : work.moment.automatic) {
    for (const absl::Duration time : times) {
      situation.automatic[slot].push_back(work.at.steady - time);
    }
  }
  return situation;
}

absl::Status CheckWhy(const std::string& why) {
  if (!absl::StripAsciiWhitespace(why).empty() && why.size() <= kMaxWhyBytes) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "say why, in at most ", kMaxWhyBytes, " bytes: it goes on the record"));
}

}  // namespace anchorage::trustd
