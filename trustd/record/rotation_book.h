// What is known about rotations: what the record says, read from its beginning.
//
//   RotationBook book;
//   for each record: book.Fold(index, record);
//   for (const std::uint64_t id : book.Live()) ... book.Find(id) ...
//
// It judges nothing and remembers nothing that is not on the record, so two
// books that read the same records are equal. It accepts every fact that any
// version ever wrote.
//
// A value. A copy shares what both have and costs as much as there are
// rotations that are not over, so code that decides may fold what follows into
// a copy, and throw the copy away. One thread at a time.

#ifndef ANCHORAGE_TRUSTD_RECORD_ROTATION_BOOK_H_
#define ANCHORAGE_TRUSTD_RECORD_ROTATION_BOOK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "proto/anchorage/v1/checkpoint.pb.h"
#include "proto/anchorage/v1/ledger.pb.h"
#include "proto/anchorage/v1/rotation.pb.h"
#include "trustd/rotation/change.h"
#include "trustd/rotation/rotation_policy.h"
#include "verify/anchor_set.h"

namespace anchorage::trustd {

// The name on the record where no person decided. No person may have this name.
inline constexpr char kPolicyName[] = "policy";

// Returns the number of the rotation that a record is about; 0 for none.
std::uint64_t RotationOf(const v1::LedgerRecord& record);

class RotationBook {
 public:
  struct Entry {
    v1::Rotation rotation;
    // The change that the rotation is about; unset for an unknown signer. When
    // the rotation is over, only its class and slot.
    Change change;
    // When it was approved; InfinitePast() while it is not.
    absl::Time approved = absl::InfinitePast();
    // How many of `rotation.decisions`, from the first on, are void.
    int void_decisions = 0;
    // The people who lost the right to decide, each with the number of
    // decisions at that time: those of theirs before it are void.
    std::map<std::string, int> void_people;

    bool is_anomaly() const {
      return rotation.rotation_class() == v1::ROTATION_CLASS_SOURCE_ANOMALY;
    }
    bool is_unknown_signer() const {
      return rotation.rotation_class() == v1::ROTATION_CLASS_UNKNOWN_SIGNER;
    }
    // Whether people asked for it, and no source.
    bool is_request() const {
      return rotation.rotation_class() == v1::ROTATION_CLASS_ADDITION ||
             rotation.rotation_class() == v1::ROTATION_CLASS_REACTIVATION ||
             rotation.rotation_class() == v1::ROTATION_CLASS_ANNOUNCEMENT ||
             rotation.rotation_class() == v1::ROTATION_CLASS_UNDO;
    }
    // Whether it could be published.
    bool is_publishable() const {
      return !is_anomaly() && !is_unknown_signer();
    }
    bool is_open() const;
    // What a source said last; null if it has said nothing.
    const v1::SourceStance* StanceOf(const std::string& source) const;
    // Whether any source shows it.
    bool is_shown() const;
    // Whether people hold it back from the policy.
    bool is_held() const;
    // Whether the last decision is the policy's.
    bool is_by_policy() const;

    // The approvals by people of exactly what publishing it would do now, by
    // name, of each the first. A hold voids all approvals before it. Valid as
    // long as the entry.
    std::map<std::string, const v1::Decision*> Approvals() const;
    // The people who gave them.
    std::set<std::string> Approvers() const;
    int approvals() const { return static_cast<int>(Approvals().size()); }
    // Whether a person approved before approvals were of an effect.
    bool has_old_approvals() const;
    // The change as it is now: held by what holds every source that shows it.
    Change CurrentChange() const;
    EvidenceSummary Evidence() const;
  };

  // Folds one record into the book. Facts about rotations that do not exist,
  // and facts of an unknown kind, are skipped.
  void Fold(std::uint64_t index, const v1::LedgerRecord& record);

  // The numbers of those that are neither WITHDRAWN nor COMPLETED, in order.
  const std::set<std::uint64_t>& Live() const { return live_; }
  // Calls `visit` for every rotation, in the order of their numbers.
  void ForEach(const std::function<void(const Entry&)>& visit) const;
  // Returns a rotation; null if there is none. Valid until the next Fold().
  const Entry* Find(std::uint64_t id) const;
  // The rotation of that change that is open, or was rejected, or is published
  // and not completed; null if there is none.
  const Entry* FindChange(const std::string& change_id) const;
  std::uint64_t next_id() const { return next_id_; }

  // The last observation of each source, and its index; null if there is none.
  struct Observed {
    std::uint64_t index = 0;
    v1::ObservationFact fact;
  };
  const Observed* LastObservation(const std::string& source) const;

  // What people changed by hand since the last publication and have not taken
  // back, in order.
  const std::vector<v1::LedgerRecord>& pins() const { return pins_; }

  // What people said last of the alerts of which they know, by the alert's id.
  // What has run out is dropped when the next is said, and so is what runs out
  // first where there would be too many.
  static constexpr std::size_t kMaxAcknowledged = 1000;
  using Acknowledged =
      std::map<std::string, std::shared_ptr<const v1::LedgerRecord>>;
  const Acknowledged& acknowledged() const { return acknowledged_; }
  // Returns what is said of the alert `id` and holds at `now`; null if nothing
  // does. Nothing holds before it was said, whatever the clock has become.
  const v1::AlertFact* AcknowledgedAt(const std::string& id,
                                      absl::Time now) const;

  // When anomalies of one source and kind were found while none was open: the
  // most recent times, in the record's order.
  static constexpr std::size_t kKeptAnomalies = 2;
  const std::vector<absl::Time>& AnomaliesOf(const Change& anomaly) const;
  // Whether an anomaly of the same source and kind is open, in any slot.
  bool HasOpenLike(const Change& anomaly) const;

  // When something was published in a slot without people: the most recent
  // times, in the record's order.
  static constexpr std::size_t kKeptAutomatic = 4;
  const std::map<verify::Slot, std::vector<absl::Time>>& automatic() const {
    return automatic_;
  }

  // The last publication on the record; empty for none. Sequences may fall
  // where a root removes a thief's.
  const v1::PublicationFact& last_publication() const {
    return last_publication_;
  }

  // --- for checkpoints: see checkpoint.h ---

  // Returns the numbers of the pieces that `older` lacks or has differently.
  // `older` is a copy of an earlier state of this book, or empty.
  std::vector<std::uint64_t> PiecesSince(const RotationBook& older) const;
  v1::CheckpointPiece SavePiece(std::uint64_t number) const;
  // Saves everything but the pieces.
  void SaveRest(v1::RecordCheckpoint& checkpoint) const;
  // Loads a piece into an empty book.
  void LoadPiece(const v1::CheckpointPiece& piece);
  void LoadRest(const v1::RecordCheckpoint& checkpoint);
  // Shares with `other` the memory of the rotation that `record` is about, if
  // it is over and the same in both.
  void ShareWith(const RotationBook& other, const v1::LedgerRecord& record);

  // Compares everything.
  friend bool operator==(const RotationBook& a, const RotationBook& b);

 private:
  // Rotations are numbered without gaps, and most are over: pieces of the list
  // are shared between copies of the book.
  static constexpr std::uint64_t kPiece = 256;
  using Piece = std::array<std::shared_ptr<Entry>, kPiece>;

  // Returns an unshared entry, to be changed; null if there is none.
  Entry* Mutable(std::uint64_t id);
  Entry& Put(std::uint64_t id);
  void FoldDetection(const v1::Rotation& rotation, absl::Time time);
  void FoldStance(const v1::StanceFact& fact);
  void FoldState(const v1::StateFact& fact, absl::Time time);
  void FoldVoid(const v1::VoidFact& fact);
  void FoldPin(const v1::LedgerRecord& record);
  void FoldPublication(const v1::PublicationFact& fact);
  void FoldAcknowledgement(const v1::LedgerRecord& record);

  std::map<std::uint64_t, std::shared_ptr<Piece>> pieces_;
  std::set<std::uint64_t> live_;
  // The newest rotation of each change, of those that are live.
  std::map<std::string, std::uint64_t> by_change_;
  std::map<std::string, std::shared_ptr<const Observed>> observations_;
  std::vector<v1::LedgerRecord> pins_;
  Acknowledged acknowledged_;
  // The times of anomalies, by source and kind.
  std::map<std::string, std::vector<absl::Time>> anomalies_;
  std::map<verify::Slot, std::vector<absl::Time>> automatic_;
  std::uint64_t next_id_ = 1;
  v1::PublicationFact last_publication_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RECORD_ROTATION_BOOK_H_
