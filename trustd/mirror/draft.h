// Facts on their way to the record, with the alerts about them.
//
//   Draft draft(book, ledger.head().size, now);
//   draft.AddState(id, v1::ROTATION_STATE_WITHDRAWN, "it went away");
//   draft.book()   // what is known once they are on the record
//
// The one place where a fact gets its time. Each is folded into a copy of the
// book as it is added, so that what is decided later sees what was decided
// before. A draft that is thrown away has changed nothing. One thread at a
// time.

#ifndef ANCHORAGE_TRUSTD_MIRROR_DRAFT_H_
#define ANCHORAGE_TRUSTD_MIRROR_DRAFT_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "proto/anchorage/v1/ledger.pb.h"
#include "proto/anchorage/v1/rotation.pb.h"
#include "trustd/alerts/alert.h"
#include "trustd/record/rotation_book.h"

namespace anchorage::trustd {

class Draft {
 public:
  // The next record of the ledger has the index `next`.
  Draft(RotationBook book, std::uint64_t next, absl::Time now)
      : book_(std::move(book)), next_(next), now_(now) {}

  const RotationBook& book() const { return book_; }
  absl::Time now() const { return now_; }
  std::uint64_t next() const { return next_; }
  const std::vector<v1::LedgerRecord>& records() const { return records_; }
  const std::vector<Alert>& alerts() const { return alerts_; }

  void AddObservation(v1::ObservationFact fact);
  void AddSource(v1::SourceFact fact);
  // Adds a detection. `rotation` has everything but its times.
  void AddDetection(v1::Rotation rotation);
  // Adds the same rotation again, compared with what is pinned now.
  void AddRebase(v1::Rotation rotation);
  void AddStance(std::uint64_t id, v1::SourceStance stance);
  // Adds a proof, with the time at which it was received.
  void AddProof(std::uint64_t id, v1::LiveProof proof);
  // Adds a decision. Of a person's approval, `needed` says how many it takes.
  void AddDecision(std::uint64_t id, v1::Decision decision, int needed = 0);
  void AddPolicyDecision(std::uint64_t id, v1::Decision::Kind kind,
                         std::string why);
  // Adds a state; and an alert that it is over, where an open rotation is
  // rejected or withdrawn.
  void AddState(std::uint64_t id, v1::RotationState state, std::string reason);
  // Voids approvals: those by `by`, or everybody's if it is empty.
  void AddVoid(std::uint64_t id, std::string by, std::string reason);
  void AddPublication(v1::PublicationFact fact);
  void AddPin(v1::PinFact fact);
  // Adds a pin that was on the record before, with its own time.
  void AddPinAgain(const v1::LedgerRecord& record);
  void AddStore(v1::StoreFact fact);
  void AddAcknowledgement(v1::AlertFact fact);
  void AddManifest(v1::ManifestFact fact);

  void AddAlert(Alert alert) { alerts_.push_back(std::move(alert)); }
  void AddAlert(AlertKind kind, std::string subject, std::string text);
  // Adds an alert about a rotation as it is now.
  void AddAlert(AlertKind kind, const v1::Rotation& rotation, std::string text);

 private:
  void Add(v1::LedgerRecord record);

  RotationBook book_;
  std::uint64_t next_;
  const absl::Time now_;
  std::vector<v1::LedgerRecord> records_;
  std::vector<Alert> alerts_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_DRAFT_H_
