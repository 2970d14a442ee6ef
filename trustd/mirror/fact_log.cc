#include "trustd/mirror/fact_log.h"

#include <spdlog/spdlog.h>

#include <cstdint>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "anchors/catalog_proto.h"
#include "trustd/base/log.h"
#include "trustd/record/record_text.h"
#include "verify/anchor_set.h"

namespace anchorage::trustd {
namespace {

spdlog::level::level_enum LevelOf(const v1::LedgerRecord& record) {
  switch (record.fact_case()) {
    case v1::LedgerRecord::kObservation:
    case v1::LedgerRecord::kSource:
    case v1::LedgerRecord::kStance:
    case v1::LedgerRecord::kProof:
      return spdlog::level::debug;
    default:
      return spdlog::level::info;
  }
}

// Tells `words` what earlier records said of a rotation.
void Remember(const v1::Rotation& rotation, RecordWords& words) {
  v1::LedgerRecord record;
  *record.mutable_detection() = rotation;
  (void)words.Read(record);
  for (const v1::Decision& decision : rotation.decisions()) {
    v1::LedgerRecord decided;
    decided.mutable_decision()->set_rotation_id(rotation.id());
    *decided.mutable_decision()->mutable_decision() = decision;
    (void)words.Read(decided);
  }
}

// What a rotation changes: "key 1a2b... to 3c4d...".
std::string ChangeOf(const v1::Rotation& rotation) {
  std::set<std::string> seen;
  for (const v1::SeenCertificate& one : rotation.observed()) {
    if (!one.pinned()) seen.insert(one.spki_sha256());
  }
  if (seen.empty()) return "";
  return absl::StrCat("; keys pinned: ",
                      rotation.pinned_spki_sha256().empty()
                          ? "none"
                          : absl::StrJoin(rotation.pinned_spki_sha256(), ", "),
                      "; seen: ", absl::StrJoin(seen, ", "));
}

}  // namespace

void LogFacts(const std::vector<v1::LedgerRecord>& records,
              const RotationBook& before, const RotationBook& after) {
  RecordWords words;
  std::set<std::uint64_t> known;
  const auto remember = [&](std::uint64_t id) {
    if (id == 0 || !known.insert(id).second) return;
    if (const auto* entry = before.Find(id); entry != nullptr) {
      Remember(entry->rotation, words);
    }
  };
  for (const v1::LedgerRecord& record : records) {
    // What comes often names nothing that a later record needs.
    if (!spdlog::default_logger()->should_log(LevelOf(record))) continue;
    remember(RotationOf(record));
    for (const std::uint64_t id : record.publication().rotation_ids()) {
      remember(id);
    }
    const v1::RecordText text = words.Read(record);
    std::vector<LogField> fields = {{"FACT", text.fact()},
                                    {"PERSON", text.person()}};
    for (const v1::Slot& slot : text.slots()) {
      if (const auto read = anchors::SlotFromProto(slot); read.has_value()) {
        fields.emplace_back("SLOT", verify::ToString(*read));
      }
    }
    std::string rotation;
    std::string change;
    for (const std::uint64_t id : text.rotation_ids()) {
      fields.emplace_back("ROTATION", absl::StrCat(id));
      const auto* entry = after.Find(id);
      if (entry == nullptr || text.rotation_ids_size() != 1) continue;
      rotation = absl::StrCat("rotation ", id, ": ");
      fields.emplace_back("CLASS", NameOf(entry->change.rotation_class));
      if (record.has_detection() || record.has_decision()) {
        change = ChangeOf(entry->rotation);
      }
    }
    LogWith(LevelOf(record), fields,
            absl::StrCat(rotation, text.words(), change));
  }
}

}  // namespace anchorage::trustd
