// The mirror's part about a store that went back.

#include <utility>

#include "absl/strings/str_cat.h"
#include "trustd/mirror/mirror.h"

namespace anchorage::trustd {

absl::StatusOr<Acceptance> Mirror::AcceptStore(
    const StoreHead& known, const std::string& found,
    const std::optional<BundleFiles>& bundle, const std::string& by,
    const std::string& why, absl::Time now) {
  if (why.empty() || why.size() > kMaxWhyBytes) {
    return absl::InvalidArgumentError(
        "say why, in at most 1000 characters: it goes on the record");
  }
  absl::StatusOr<Acceptance> plan;
  {
    const absl::MutexLock lock(&mutex_);
    if (!ledger_->health().ok()) return ledger_->health();
    plan = publisher_.PlanAcceptance(known, bundle, now);
    if (!plan.ok()) return plan;
    Draft draft(now);
    v1::StoreFact& fact = *draft.Add().mutable_store();
    fact.set_by(by);
    fact.set_why(why);
    fact.set_found(found);
    fact.set_catalog_sha256(plan->bundle_catalog_sha256);
    fact.set_sequence(plan->bundle_sequence);
    fact.set_timestamp_version(plan->timestamp_version);
    Alert alert;
    alert.kind = AlertKind::kStoreAccepted;
    alert.time = now;
    alert.subject = "store";
    alert.text =
        absl::StrCat(by,
                     bundle.has_value() ? " accepted it with a bundle: "
                                        : " accepted it without a bundle: ",
                     why);
    for (const std::string& note : plan->notes) {
      absl::StrAppend(&alert.text, "\n", note);
    }
    alert.facts = {{"by", by}, {"sequence", absl::StrCat(plan->sequence)}};
    draft.alerts.push_back(std::move(alert));
    const absl::Status accepted =
        CommitWith(std::move(draft), [&](const StoreBatch& batch) {
          return publisher_.Accept(*plan, batch);
        });
    if (!accepted.ok()) return accepted;
    (void)SettleLocked(now);
  }
  Tell();
  return plan;
}

}  // namespace anchorage::trustd
