#include "trustd/record/rotation_book.h"

#include <algorithm>
#include <set>

#include "anchors/base/proto_time.h"
#include "trustd/record/rotation_values.h"

namespace anchorage::trustd {

bool RotationBook::Entry::is_open() const { return IsOpen(rotation.state()); }

const v1::SourceStance* RotationBook::Entry::StanceOf(
    const std::string& source) const {
  for (const v1::SourceStance& stance : rotation.sources()) {
    if (stance.source() == source) return &stance;
  }
  return nullptr;
}

bool RotationBook::Entry::is_shown() const {
  return std::any_of(rotation.sources().begin(), rotation.sources().end(),
                     [](const v1::SourceStance& stance) {
                       return stance.stance() ==
                              v1::SourceStance::STANCE_AGREES;
                     });
}

bool RotationBook::Entry::is_held() const {
  return !rotation.decisions().empty() &&
         rotation.decisions().rbegin()->kind() == v1::Decision::KIND_HOLD;
}

int RotationBook::Entry::approvals() const {
  std::set<std::string> people;
  for (const v1::Decision& decision : rotation.decisions()) {
    if (decision.by() == kPolicyName) continue;
    // Who holds it back takes an own approval back.
    if (decision.kind() == v1::Decision::KIND_APPROVE) {
      people.insert(decision.by());
    } else {
      people.erase(decision.by());
    }
  }
  return static_cast<int>(people.size());
}

Change RotationBook::Entry::CurrentChange() const {
  Change current = change;
  bool first = true;
  for (const v1::SourceStance& stance : rotation.sources()) {
    if (stance.stance() != v1::SourceStance::STANCE_AGREES) continue;
    // One source that nothing speaks against is enough.
    if (first || stance.held_by().empty()) {
      current.held_by.assign(stance.held_by().begin(), stance.held_by().end());
    }
    if (stance.held_by().empty()) break;
    first = false;
  }
  return current;
}

EvidenceSummary RotationBook::Entry::Evidence() const {
  EvidenceSummary evidence;
  for (const v1::SourceStance& stance : rotation.sources()) {
    if (stance.stance() == v1::SourceStance::STANCE_AGREES) {
      ++evidence.agreeing_sources;
    } else if (stance.stance() == v1::SourceStance::STANCE_CONTRADICTS) {
      ++evidence.disagreeing_sources;
    }
  }
  // Whoever submits can name any instance.
  std::set<std::string> submitters;
  for (const v1::LiveProof& proof : rotation.live_proofs()) {
    submitters.insert(proof.submitter());
  }
  evidence.live_proofs = static_cast<int>(submitters.size());
  evidence.first_seen = anchors::TimeOf(rotation.detected_time());
  return evidence;
}

const RotationBook::Entry* RotationBook::Find(std::uint64_t id) const {
  const auto found = rotations_.find(id);
  return found == rotations_.end() ? nullptr : &found->second;
}

RotationBook::Entry* RotationBook::Mutable(std::uint64_t id) {
  const auto found = rotations_.find(id);
  return found == rotations_.end() ? nullptr : &found->second;
}

const RotationBook::Entry* RotationBook::FindChange(
    const std::string& change_id) const {
  const auto found = by_change_.find(change_id);
  if (found == by_change_.end()) return nullptr;
  const Entry* entry = Find(found->second);
  const bool is_over =
      entry->rotation.state() == v1::ROTATION_STATE_WITHDRAWN ||
      entry->rotation.state() == v1::ROTATION_STATE_COMPLETED;
  return is_over ? nullptr : entry;
}

const RotationBook::Observed* RotationBook::LastObservation(
    const std::string& source) const {
  const auto found = observations_.find(source);
  return found == observations_.end() ? nullptr : &found->second;
}

void RotationBook::ReadStance(const v1::StanceFact& fact) {
  Entry* entry = Mutable(fact.rotation_id());
  if (entry == nullptr) return;
  for (v1::SourceStance& stance : *entry->rotation.mutable_sources()) {
    if (stance.source() == fact.stance().source()) {
      stance = fact.stance();
      return;
    }
  }
  *entry->rotation.add_sources() = fact.stance();
}

void RotationBook::ReadState(const v1::StateFact& fact, absl::Time time) {
  Entry* entry = Mutable(fact.rotation_id());
  if (entry == nullptr) return;
  if (fact.state() == v1::ROTATION_STATE_APPROVED) entry->approved = time;
  // What is over is for people to read; its certificates are in the record.
  if (fact.state() == v1::ROTATION_STATE_WITHDRAWN ||
      fact.state() == v1::ROTATION_STATE_COMPLETED) {
    for (v1::SeenCertificate& seen : *entry->rotation.mutable_observed()) {
      seen.clear_der();
    }
    for (SeenCertificate& seen : entry->change.observed) {
      seen.der.clear();
    }
    for (v1::LiveProof& proof : *entry->rotation.mutable_live_proofs()) {
      proof.clear_evidence();
    }
  }
  entry->rotation.set_state(fact.state());
  entry->rotation.set_reason(fact.reason());
}

void RotationBook::ReadPublication(const v1::PublicationFact& fact) {
  last_publication_ = fact;
  pins_.clear();
  for (const std::uint64_t id : fact.rotation_ids()) {
    if (Entry* entry = Mutable(id); entry != nullptr) {
      entry->rotation.set_published_sequence(fact.sequence());
    }
  }
}

void RotationBook::Read(std::uint64_t index, const v1::LedgerRecord& record) {
  std::uint64_t touched = 0;
  switch (record.fact_case()) {
    case v1::LedgerRecord::kObservation:
      observations_[record.observation().source()] = {index,
                                                      record.observation()};
      break;
    case v1::LedgerRecord::kDetection: {
      touched = record.detection().id();
      by_change_[record.detection().change_id()] = touched;
      next_id_ = std::max(next_id_, touched + 1);
      // Also one that was compared again with what is pinned by now: when it
      // was approved stays.
      Entry& entry = rotations_[touched];
      entry.rotation = record.detection();
      entry.change = ChangeOf(record.detection());
      break;
    }
    case v1::LedgerRecord::kStance:
      touched = record.stance().rotation_id();
      ReadStance(record.stance());
      break;
    case v1::LedgerRecord::kProof:
      touched = record.proof().rotation_id();
      if (Entry* entry = Mutable(touched); entry != nullptr) {
        *entry->rotation.add_live_proofs() = record.proof().proof();
      }
      break;
    case v1::LedgerRecord::kDecision:
      touched = record.decision().rotation_id();
      if (Entry* entry = Mutable(touched); entry != nullptr) {
        *entry->rotation.add_decisions() = record.decision().decision();
      }
      break;
    case v1::LedgerRecord::kState:
      touched = record.state().rotation_id();
      ReadState(record.state(), anchors::TimeOf(record.time()));
      break;
    case v1::LedgerRecord::kPublication:
      ReadPublication(record.publication());
      break;
    case v1::LedgerRecord::kPin:
      pins_.push_back(record);
      break;
    case v1::LedgerRecord::kSource:
    case v1::LedgerRecord::kStore:
    case v1::LedgerRecord::FACT_NOT_SET:
      break;
  }
  if (Entry* entry = Mutable(touched); entry != nullptr) {
    *entry->rotation.mutable_changed_time() = record.time();
  }
}

}  // namespace anchorage::trustd
