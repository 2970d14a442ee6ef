#include "trustd/explain/history.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "trustd/explain/history_file.h"
#include "verify/anchor_kind.h"

namespace anchorage::trustd {
namespace {

using verify::Slot;

constexpr std::size_t kColumns = 7;

absl::Time DayOf(absl::string_view text) {
  absl::Time day = absl::InfinitePast();
  absl::ParseTime("%Y-%m-%d", text, absl::UTCTimeZone(), &day, nullptr);
  return day;
}

std::string Day(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d", time, absl::UTCTimeZone());
}

// A test of the build reads every line: what is wrong in one is no one's fault
// but ours.
std::vector<PastChange> Read(std::string_view file) {
  const absl::string_view text(file.data(), file.size());
  std::vector<PastChange> changes;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> columns = absl::StrSplit(line, '\t');
    if (columns.size() != kColumns) continue;
    PastChange& change = changes.emplace_back();
    change.day = DayOf(columns[0]);
    change.rotation_class =
        RotationClassNamed(columns[1]).value_or(change.rotation_class);
    const auto kind = verify::AnchorKindNamed(columns[3]);
    for (const std::string& region :
         std::vector<std::string>(absl::StrSplit(columns[4], ' '))) {
      change.slots.push_back(
          {columns[2], region, kind.value_or(verify::AnchorKind::kIidDsa)});
    }
    change.old_end = DayOf(columns[5]);
    change.new_end = DayOf(columns[6]);
  }
  return changes;
}

std::string Reissues(const Slot& slot) {
  std::size_t slots = 0;
  std::string here;
  for (const PastChange& change : PastChanges()) {
    slots += change.slots.size();
    if (std::find(change.slots.begin(), change.slots.end(), slot) !=
        change.slots.end()) {
      here = Day(change.day);
    }
  }
  return absl::StrCat(
      "AWS re-issued ", slots, " certificates over the same key on ",
      PastChanges().size(), " days since ", Day(PastChanges().front().day),
      here.empty() ? ", none of this slot."
                   : ", that of this slot on " + here + ".");
}

}  // namespace

const std::vector<PastChange>& PastChanges() {
  static const auto* const changes =
      new std::vector<PastChange>(Read(history_file::History()));
  return *changes;
}

std::string WhatThePastSays(RotationClass rotation_class, const Slot& slot) {
  switch (rotation_class) {
    case RotationClass::kReissue:
      return Reissues(slot);
    case RotationClass::kReKey:
    case RotationClass::kAlgorithmChange:
      return "AWS has never re-keyed a region: every change from 2012 to 2026 "
             "was a re-issue over the same key.";
    case RotationClass::kRemoval:
      return "AWS has never removed a certificate: every change from 2012 to "
             "2026 was a re-issue over the same key.";
    case RotationClass::kNewKind:
    case RotationClass::kNewRegion:
      return "AWS published the certificates of new regions up to seven months "
             "after it opened them.";
    default:
      return "";
  }
}

std::string ToText(const PastChange& change) {
  std::vector<std::string> regions;
  for (const Slot& slot : change.slots) regions.push_back(slot.region);
  return absl::StrCat(
      Day(change.day), " ", std::string(NameOf(change.rotation_class)), " of ",
      change.slots.size(), change.slots.size() == 1 ? " slot" : " slots",
      " of ", change.slots.front().partition, ", ",
      std::string(NameOf(change.slots.front().kind)), ", ending ",
      Day(change.new_end), " instead of ", Day(change.old_end), ": ",
      absl::StrJoin(regions, ", "));
}

}  // namespace anchorage::trustd
