#include "trustd/record/rotation_book.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "anchors/catalog_proto.h"
#include "trustd/record/rotation_values.h"

namespace anchorage::trustd {
namespace {

bool IsOver(v1::RotationState state) {
  return state == v1::ROTATION_STATE_WITHDRAWN ||
         state == v1::ROTATION_STATE_COMPLETED;
}

std::string AnomalyKey(const Change& anomaly) {
  return absl::StrCat(
      anomaly.source, "\n",
      anomaly.anomaly ? std::string(NameOf(*anomaly.anomaly)) : std::string(),
      "\n",
      anomaly.problem ? std::string(ToString(*anomaly.problem))
                      : std::string());
}

// Of what is over, what the book itself needs: people read the rotation.
Change ChangeKeptOf(const v1::Rotation& rotation) {
  Change change = ChangeOf(rotation);
  if (!IsOver(rotation.state())) return change;
  Change kept;
  kept.rotation_class = change.rotation_class;
  kept.slot = change.slot;
  return kept;
}

bool IsSame(const google::protobuf::MessageLite& a,
            const google::protobuf::MessageLite& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

bool IsSame(const RotationBook::Entry& a, const RotationBook::Entry& b) {
  return &a == &b ||
         (IsSame(a.rotation, b.rotation) && a.change == b.change &&
          a.approved == b.approved && a.void_decisions == b.void_decisions &&
          a.void_people == b.void_people);
}

template <typename Message>
std::vector<absl::Time> TimesOf(const Message& message) {
  std::vector<absl::Time> times;
  for (const auto& time : message.times()) {
    times.push_back(anchors::TimeOf(time));
  }
  return times;
}

void Keep(std::size_t most, absl::Time time, std::vector<absl::Time>& times) {
  times.push_back(time);
  if (times.size() > most) times.erase(times.begin());
}

}  // namespace

std::uint64_t RotationOf(const v1::LedgerRecord& record) {
  switch (record.fact_case()) {
    case v1::LedgerRecord::kDetection:
      return record.detection().id();
    case v1::LedgerRecord::kStance:
      return record.stance().rotation_id();
    case v1::LedgerRecord::kProof:
      return record.proof().rotation_id();
    case v1::LedgerRecord::kDecision:
      return record.decision().rotation_id();
    case v1::LedgerRecord::kState:
      return record.state().rotation_id();
    case v1::LedgerRecord::kApprovalsVoid:
      return record.approvals_void().rotation_id();
    default:
      return 0;
  }
}

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

bool RotationBook::Entry::is_by_policy() const {
  return !rotation.decisions().empty() &&
         rotation.decisions().rbegin()->by() == kPolicyName;
}

std::map<std::string, const v1::Decision*> RotationBook::Entry::Approvals()
    const {
  std::map<std::string, const v1::Decision*> people;
  for (int i = void_decisions; i < rotation.decisions_size(); ++i) {
    const v1::Decision& decision = rotation.decisions(i);
    if (decision.kind() != v1::Decision::KIND_APPROVE) {
      people.clear();
      continue;
    }
    const auto left = void_people.find(decision.by());
    const bool is_void = left != void_people.end() && i < left->second;
    if (decision.by() != kPolicyName && !is_void &&
        !decision.effect_sha256().empty() &&
        decision.effect_sha256() == rotation.effect_sha256()) {
      people.emplace(decision.by(), &decision);
    }
  }
  return people;
}

std::set<std::string> RotationBook::Entry::Approvers() const {
  std::set<std::string> names;
  for (const auto& [name, decision] : Approvals()) names.insert(name);
  return names;
}

bool RotationBook::Entry::has_old_approvals() const {
  return std::any_of(
      rotation.decisions().begin() + void_decisions, rotation.decisions().end(),
      [](const v1::Decision& decision) {
        return decision.kind() == v1::Decision::KIND_APPROVE &&
               decision.by() != kPolicyName && decision.effect_sha256().empty();
      });
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
  const auto piece = pieces_.find(id / kPiece);
  return piece == pieces_.end() ? nullptr : (*piece->second)[id % kPiece].get();
}

void RotationBook::ForEach(
    const std::function<void(const Entry&)>& visit) const {
  for (const auto& [number, piece] : pieces_) {
    for (const auto& entry : *piece) {
      if (entry != nullptr) visit(*entry);
    }
  }
}

RotationBook::Entry* RotationBook::Mutable(std::uint64_t id) {
  return Find(id) == nullptr ? nullptr : &Put(id);
}

RotationBook::Entry& RotationBook::Put(std::uint64_t id) {
  std::shared_ptr<Piece>& piece = pieces_[id / kPiece];
  if (piece == nullptr) {
    piece = std::make_shared<Piece>();
  } else if (piece.use_count() > 1) {
    piece = std::make_shared<Piece>(*piece);
  }
  std::shared_ptr<Entry>& entry = (*piece)[id % kPiece];
  if (entry == nullptr) {
    entry = std::make_shared<Entry>();
  } else if (entry.use_count() > 1) {
    entry = std::make_shared<Entry>(*entry);
  }
  return *entry;
}

const RotationBook::Entry* RotationBook::FindChange(
    const std::string& change_id) const {
  const auto found = by_change_.find(change_id);
  return found == by_change_.end() ? nullptr : Find(found->second);
}

const RotationBook::Observed* RotationBook::LastObservation(
    const std::string& source) const {
  const auto found = observations_.find(source);
  return found == observations_.end() ? nullptr : found->second.get();
}

const std::vector<absl::Time>& RotationBook::AnomaliesOf(
    const Change& anomaly) const {
  static const std::vector<absl::Time> none;
  const auto found = anomalies_.find(AnomalyKey(anomaly));
  return found == anomalies_.end() ? none : found->second;
}

bool RotationBook::HasOpenLike(const Change& anomaly) const {
  const std::string key = AnomalyKey(anomaly);
  return std::any_of(live_.begin(), live_.end(), [&](std::uint64_t id) {
    const Entry& entry = *Find(id);
    return entry.is_anomaly() && entry.is_open() &&
           AnomalyKey(entry.change) == key;
  });
}

void RotationBook::FoldDetection(const v1::Rotation& rotation,
                                 absl::Time time) {
  const std::uint64_t id = rotation.id();
  const Entry* known = Find(id);
  // One that is compared again with what is pinned by now was found before.
  const bool is_new = known == nullptr;
  Entry& entry = Put(id);
  entry.rotation = rotation;
  entry.change = ChangeKeptOf(rotation);
  next_id_ = std::max(next_id_, id + 1);
  if (IsOver(rotation.state())) return;
  // Those that are there at one time are one: a wave is no flicker.
  if (is_new && entry.is_anomaly() && !HasOpenLike(entry.change)) {
    Keep(kKeptAnomalies, time, anomalies_[AnomalyKey(entry.change)]);
  }
  live_.insert(id);
  by_change_[rotation.change_id()] = id;
}

void RotationBook::FoldStance(const v1::StanceFact& fact) {
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

void RotationBook::FoldState(const v1::StateFact& fact, absl::Time time) {
  Entry* entry = Mutable(fact.rotation_id());
  if (entry == nullptr) return;
  if (fact.state() == v1::ROTATION_STATE_APPROVED) entry->approved = time;
  // Also where the policy did and fewer people than must were for it.
  if (fact.state() == v1::ROTATION_STATE_PUBLISHED && entry->is_publishable() &&
      (entry->is_by_policy() || entry->Approvers().empty())) {
    Keep(kKeptAutomatic, time, automatic_[entry->change.slot]);
  }
  const bool was_over = IsOver(entry->rotation.state());
  entry->rotation.set_state(fact.state());
  entry->rotation.set_reason(fact.reason());
  if (was_over || IsOver(fact.state())) {
    entry->change = ChangeKeptOf(entry->rotation);
  }
  if (!IsOver(fact.state())) return;
  // What is over is for people to read; its certificates are in the record.
  Shorten(entry->rotation);
  live_.erase(fact.rotation_id());
  const auto by_change = by_change_.find(entry->rotation.change_id());
  if (by_change != by_change_.end() &&
      by_change->second == fact.rotation_id()) {
    by_change_.erase(by_change);
  }
}

void RotationBook::FoldVoid(const v1::VoidFact& fact) {
  Entry* entry = Mutable(fact.rotation_id());
  if (entry == nullptr) return;
  if (fact.by().empty()) {
    entry->void_decisions = entry->rotation.decisions_size();
  } else {
    entry->void_people[fact.by()] = entry->rotation.decisions_size();
  }
}

void RotationBook::FoldPin(const v1::LedgerRecord& record) {
  const v1::PinFact& pin = record.pin();
  if (pin.action() != v1::PinFact::ACTION_REACTIVATE) {
    pins_.push_back(record);
    return;
  }
  std::erase_if(pins_, [&](const v1::LedgerRecord& other) {
    return anchors::SlotFromProto(other.pin().slot()) ==
               anchors::SlotFromProto(pin.slot()) &&
           other.pin().spki_sha256() == pin.spki_sha256();
  });
}

void RotationBook::FoldPublication(const v1::PublicationFact& fact) {
  last_publication_ = fact;
  pins_.clear();
  for (const std::uint64_t id : fact.rotation_ids()) {
    if (Entry* entry = Mutable(id); entry != nullptr) {
      entry->rotation.set_published_sequence(fact.sequence());
    }
  }
}

void RotationBook::FoldAcknowledgement(const v1::LedgerRecord& record) {
  const auto until = [](const auto& one) {
    return anchors::TimeOf(one.second->alert_acknowledged().until_time());
  };
  std::erase_if(acknowledged_, [&](const auto& one) {
    return until(one) <= anchors::TimeOf(record.time());
  });
  acknowledged_[record.alert_acknowledged().alert_id()] =
      std::make_shared<const v1::LedgerRecord>(record);
  if (acknowledged_.size() <= kMaxAcknowledged) return;
  acknowledged_.erase(std::min_element(
      acknowledged_.begin(), acknowledged_.end(),
      [&](const auto& a, const auto& b) { return until(a) < until(b); }));
}

const v1::AlertFact* RotationBook::AcknowledgedAt(const std::string& id,
                                                  absl::Time now) const {
  const auto found = acknowledged_.find(id);
  if (found == acknowledged_.end()) return nullptr;
  const v1::LedgerRecord& record = *found->second;
  const v1::AlertFact& fact = record.alert_acknowledged();
  return now >= anchors::TimeOf(record.time()) &&
                 now < anchors::TimeOf(fact.until_time())
             ? &fact
             : nullptr;
}

void RotationBook::Fold(std::uint64_t index, const v1::LedgerRecord& record) {
  const std::uint64_t touched = RotationOf(record);
  switch (record.fact_case()) {
    case v1::LedgerRecord::kObservation:
      observations_[record.observation().source()] =
          std::make_shared<const Observed>(
              Observed{index, record.observation()});
      break;
    case v1::LedgerRecord::kDetection:
      FoldDetection(record.detection(), anchors::TimeOf(record.time()));
      break;
    case v1::LedgerRecord::kStance:
      FoldStance(record.stance());
      break;
    case v1::LedgerRecord::kProof:
      if (Entry* entry = Mutable(touched); entry != nullptr) {
        *entry->rotation.add_live_proofs() = record.proof().proof();
      }
      break;
    case v1::LedgerRecord::kDecision:
      if (Entry* entry = Mutable(touched); entry != nullptr) {
        *entry->rotation.add_decisions() = record.decision().decision();
      }
      break;
    case v1::LedgerRecord::kState:
      FoldState(record.state(), anchors::TimeOf(record.time()));
      break;
    case v1::LedgerRecord::kApprovalsVoid:
      FoldVoid(record.approvals_void());
      break;
    case v1::LedgerRecord::kPublication:
      FoldPublication(record.publication());
      break;
    case v1::LedgerRecord::kPin:
      FoldPin(record);
      break;
    case v1::LedgerRecord::kAlertAcknowledged:
      FoldAcknowledgement(record);
      break;
    case v1::LedgerRecord::kSource:
    case v1::LedgerRecord::kStore:
    case v1::LedgerRecord::kManifest:
    case v1::LedgerRecord::FACT_NOT_SET:
      break;
  }
  if (Entry* entry = Mutable(touched); entry != nullptr) {
    *entry->rotation.mutable_changed_time() = record.time();
  }
}

// --- for checkpoints -------------------------------------------------------------

std::vector<std::uint64_t> RotationBook::PiecesSince(
    const RotationBook& older) const {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, piece] : pieces_) {
    const auto before = older.pieces_.find(number);
    if (before == older.pieces_.end() || before->second != piece) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

v1::CheckpointPiece RotationBook::SavePiece(std::uint64_t number) const {
  v1::CheckpointPiece piece;
  for (const auto& entry : *pieces_.at(number)) {
    if (entry == nullptr) continue;
    v1::CheckpointPiece::Entry& saved = *piece.add_entries();
    *saved.mutable_rotation() = entry->rotation;
    if (entry->approved != absl::InfinitePast()) {
      *saved.mutable_approved_time() = anchors::ExactTime(entry->approved);
    }
    saved.set_void_decisions(entry->void_decisions);
    for (const auto& [by, decisions] : entry->void_people) {
      v1::CheckpointPiece::Void& person = *saved.add_void_people();
      person.set_by(by);
      person.set_decisions(decisions);
    }
  }
  return piece;
}

void RotationBook::LoadPiece(const v1::CheckpointPiece& piece) {
  for (const v1::CheckpointPiece::Entry& saved : piece.entries()) {
    Entry& entry = Put(saved.rotation().id());
    entry.rotation = saved.rotation();
    entry.change = ChangeKeptOf(saved.rotation());
    if (saved.has_approved_time()) {
      entry.approved = anchors::TimeOf(saved.approved_time());
    }
    entry.void_decisions = saved.void_decisions();
    for (const v1::CheckpointPiece::Void& person : saved.void_people()) {
      entry.void_people[person.by()] = person.decisions();
    }
  }
}

void RotationBook::SaveRest(v1::RecordCheckpoint& checkpoint) const {
  for (const std::uint64_t id : live_) checkpoint.add_live(id);
  for (const auto& [change_id, id] : by_change_) {
    v1::RecordCheckpoint::Newest& newest = *checkpoint.add_newest();
    newest.set_change_id(change_id);
    newest.set_rotation_id(id);
  }
  for (const auto& [source, observed] : observations_) {
    v1::RecordCheckpoint::Observed& saved = *checkpoint.add_observed();
    saved.set_index(observed->index);
    *saved.mutable_fact() = observed->fact;
  }
  for (const v1::LedgerRecord& pin : pins_) *checkpoint.add_pins() = pin;
  for (const auto& [id, record] : acknowledged_) {
    *checkpoint.add_acknowledged() = *record;
  }
  for (const auto& [key, times] : anomalies_) {
    v1::RecordCheckpoint::Anomalies& saved = *checkpoint.add_anomalies();
    saved.set_key(key);
    for (const absl::Time time : times)
      *saved.add_times() = anchors::ExactTime(time);
  }
  for (const auto& [slot, times] : automatic_) {
    v1::RecordCheckpoint::Automatic& saved = *checkpoint.add_automatic();
    *saved.mutable_slot() = anchors::ToProto(slot);
    for (const absl::Time time : times)
      *saved.add_times() = anchors::ExactTime(time);
  }
  checkpoint.set_next_id(next_id_);
  *checkpoint.mutable_last_publication() = last_publication_;
}

void RotationBook::LoadRest(const v1::RecordCheckpoint& checkpoint) {
  live_.insert(checkpoint.live().begin(), checkpoint.live().end());
  for (const v1::RecordCheckpoint::Newest& newest : checkpoint.newest()) {
    by_change_[newest.change_id()] = newest.rotation_id();
  }
  for (const v1::RecordCheckpoint::Observed& saved : checkpoint.observed()) {
    observations_[saved.fact().source()] =
        std::make_shared<const Observed>(Observed{saved.index(), saved.fact()});
  }
  pins_.assign(checkpoint.pins().begin(), checkpoint.pins().end());
  for (const v1::LedgerRecord& record : checkpoint.acknowledged()) {
    acknowledged_[record.alert_acknowledged().alert_id()] =
        std::make_shared<const v1::LedgerRecord>(record);
  }
  for (const v1::RecordCheckpoint::Anomalies& saved : checkpoint.anomalies()) {
    anomalies_[saved.key()] = TimesOf(saved);
  }
  for (const v1::RecordCheckpoint::Automatic& saved : checkpoint.automatic()) {
    if (const auto slot = anchors::SlotFromProto(saved.slot())) {
      automatic_[*slot] = TimesOf(saved);
    }
  }
  next_id_ = checkpoint.next_id();
  last_publication_ = checkpoint.last_publication();
}

void RotationBook::ShareWith(const RotationBook& other,
                             const v1::LedgerRecord& record) {
  const std::uint64_t id = RotationOf(record);
  const Entry* mine = Find(id);
  const Entry* theirs = other.Find(id);
  if (mine == nullptr || theirs == nullptr || !IsOver(mine->rotation.state()) ||
      !IsSame(*mine, *theirs)) {
    return;
  }
  (*pieces_[id / kPiece])[id % kPiece] =
      (*other.pieces_.at(id / kPiece))[id % kPiece];
}

bool operator==(const RotationBook& a, const RotationBook& b) {
  std::vector<const RotationBook::Entry*> left;
  std::vector<const RotationBook::Entry*> right;
  a.ForEach([&](const auto& entry) { left.push_back(&entry); });
  b.ForEach([&](const auto& entry) { right.push_back(&entry); });
  return std::equal(
             left.begin(), left.end(), right.begin(), right.end(),
             [](const auto* x, const auto* y) { return IsSame(*x, *y); }) &&
         std::equal(a.observations_.begin(), a.observations_.end(),
                    b.observations_.begin(), b.observations_.end(),
                    [](const auto& x, const auto& y) {
                      return x.first == y.first &&
                             x.second->index == y.second->index &&
                             IsSame(x.second->fact, y.second->fact);
                    }) &&
         std::equal(
             a.pins_.begin(), a.pins_.end(), b.pins_.begin(), b.pins_.end(),
             [](const auto& x, const auto& y) { return IsSame(x, y); }) &&
         std::equal(a.acknowledged_.begin(), a.acknowledged_.end(),
                    b.acknowledged_.begin(), b.acknowledged_.end(),
                    [](const auto& x, const auto& y) {
                      return x.first == y.first && IsSame(*x.second, *y.second);
                    }) &&
         a.live_ == b.live_ && a.by_change_ == b.by_change_ &&
         a.anomalies_ == b.anomalies_ && a.automatic_ == b.automatic_ &&
         a.next_id_ == b.next_id_ &&
         IsSame(a.last_publication_, b.last_publication_);
}

}  // namespace anchorage::trustd
