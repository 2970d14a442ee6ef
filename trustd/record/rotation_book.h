// What is known of rotations: what the record says, read from its beginning.
//
//   RotationBook book;
//   for each record: book.Read(index, record);
//   for (const auto& [id, entry] : book.rotations()) ...
//
// It decides nothing and remembers nothing that is not in the record, so two
// books that read the same records are the same. One thread at a time.

#ifndef ANCHORAGE_TRUSTD_RECORD_ROTATION_BOOK_H_
#define ANCHORAGE_TRUSTD_RECORD_ROTATION_BOOK_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "proto/anchorage/v1/ledger.pb.h"
#include "proto/anchorage/v1/rotation.pb.h"
#include "trustd/rotation/change.h"
#include "trustd/rotation/rotation_policy.h"

namespace anchorage::trustd {

// Whom the record names where no person decided. No person may be called so.
inline constexpr char kPolicyName[] = "policy";

class RotationBook {
 public:
  struct Entry {
    v1::Rotation rotation;
    // What it is about; not of an unknown signer.
    Change change;

    bool is_anomaly() const {
      return rotation.rotation_class() == v1::ROTATION_CLASS_SOURCE_ANOMALY;
    }
    bool is_unknown_signer() const {
      return rotation.rotation_class() == v1::ROTATION_CLASS_UNKNOWN_SIGNER;
    }
    // Whether it could be published.
    bool is_publishable() const {
      return !is_anomaly() && !is_unknown_signer();
    }
    bool is_open() const;
    // The last word of a source; null if it has said nothing.
    const v1::SourceStance* StanceOf(const std::string& source) const;
    // Whether any source shows it.
    bool is_shown() const;
    // Whether people hold it back from the policy.
    bool is_held() const;
    // When it was approved; InfinitePast() while it is not.
    absl::Time approved = absl::InfinitePast();

    // How many people are for it, each counted once.
    int approvals() const;
    // The change as it stands: held by what holds every source that shows it.
    Change CurrentChange() const;
    EvidenceSummary Evidence() const;
  };

  // Takes up one record. Facts about rotations that there are not, and facts of
  // a kind that is not known, are skipped.
  void Read(std::uint64_t index, const v1::LedgerRecord& record);

  const std::map<std::uint64_t, Entry>& rotations() const { return rotations_; }
  // Null if there is none.
  const Entry* Find(std::uint64_t id) const;
  // The rotation of that change that is open, or was rejected, or is published
  // and not completed; null if there is none.
  const Entry* FindChange(const std::string& change_id) const;
  std::uint64_t next_id() const { return next_id_; }

  // The last of each source, and its index; null if there is none.
  struct Observed {
    std::uint64_t index = 0;
    v1::ObservationFact fact;
  };
  const Observed* LastObservation(const std::string& source) const;

  // What people changed by hand since the last publication, in order.
  const std::vector<v1::LedgerRecord>& pins() const { return pins_; }

  // The last publication on the record; empty for none. Sequences fall where a
  // root removes a thief's.
  const v1::PublicationFact& last_publication() const {
    return last_publication_;
  }

 private:
  Entry* Mutable(std::uint64_t id);
  void ReadStance(const v1::StanceFact& fact);
  void ReadState(const v1::StateFact& fact, absl::Time time);
  void ReadPublication(const v1::PublicationFact& fact);

  std::map<std::uint64_t, Entry> rotations_;
  // The newest rotation of each change.
  std::map<std::string, std::uint64_t> by_change_;
  std::map<std::string, Observed> observations_;
  std::vector<v1::LedgerRecord> pins_;
  std::uint64_t next_id_ = 1;
  v1::PublicationFact last_publication_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RECORD_ROTATION_BOOK_H_
