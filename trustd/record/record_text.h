// Records in words, for people.
//
//   RecordWords words;
//   for each record, from the first on: words.Read(record);
//   ToLine(text);  // "2026-03-04 10:11 UTC alice approved RE_KEY of us-east-1
//                  //  rsa2048, 2 of 2: AWS support case 1234"
//
// A record names a rotation by its number alone, so what it says in words takes
// the records before it. Where they are not there, or were forgotten, the
// rotation is called by its number.

#ifndef ANCHORAGE_TRUSTD_RECORD_RECORD_TEXT_H_
#define ANCHORAGE_TRUSTD_RECORD_RECORD_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "proto/anchorage/v1/ledger.pb.h"
#include "proto/anchorage/v1/record_text.pb.h"
#include "proto/anchorage/v1/rotation.pb.h"

namespace anchorage::trustd {

// Reads records in their order. One thread at a time.
//
// It remembers the newest kMaxRotations rotations, each with at most
// kMaxApprovals approvals, whatever the records say: about a kilobyte for a
// rotation.
class RecordWords {
 public:
  static constexpr std::size_t kMaxRotations = 65'536;
  static constexpr std::size_t kMaxApprovals = 64;

  // Reads the next record and returns it in words. Never fails: what a record
  // lacks is left out, and a fact of a later version is called that.
  v1::RecordText Read(const v1::LedgerRecord& record);

 private:
  // What the records so far say of a rotation.
  struct Known {
    // Such as "RE_KEY of us-east-1 rsa2048".
    std::string subject;
    v1::Slot slot;
    bool has_slot = false;
    std::string effect_sha256;
    // Who approved, and what.
    std::set<std::pair<std::string, std::string>> approvals;

    // The people who approved what publishing it would do now.
    int approvers() const;
  };

  // Each sets `text` for a fact.
  void Say(const v1::ObservationFact& fact, v1::RecordText& text);
  void Say(const v1::SourceFact& fact, v1::RecordText& text);
  void Say(const v1::Rotation& detection, v1::RecordText& text);
  void Say(const v1::StanceFact& fact, v1::RecordText& text);
  void Say(const v1::ProofFact& fact, v1::RecordText& text);
  void Say(const v1::DecisionFact& fact, v1::RecordText& text);
  void Say(const v1::StateFact& fact, v1::RecordText& text);
  void Say(const v1::PublicationFact& fact, v1::RecordText& text);
  void Say(const v1::PinFact& fact, v1::RecordText& text);
  void Say(const v1::ManifestFact& fact, v1::RecordText& text);
  void Say(const v1::StoreFact& fact, v1::RecordText& text);
  void Say(const v1::AlertFact& fact, v1::RecordText& text);
  void Say(const v1::VoidFact& fact, v1::RecordText& text);

  // What a rotation is called. Adds number and slot to `text`.
  std::string Name(std::uint64_t rotation_id, v1::RecordText& text) const;
  // Remembers what a decision changes. Returns how many people's approvals
  // count after it.
  int Count(const v1::DecisionFact& fact);

  std::map<std::uint64_t, Known> rotations_;
};

// The words with their time: "2026-03-04 10:11 UTC ...".
std::string ToLine(const v1::RecordText& text);

// A slot as it is called in words, such as "us-east-1 rsa2048", "aws nitro-root".
std::string SlotWords(const v1::Slot& slot);

// The kind of a record's fact, such as "DECISION"; "UNKNOWN" for one of a later
// version.
std::string FactName(const v1::LedgerRecord& record);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RECORD_RECORD_TEXT_H_
