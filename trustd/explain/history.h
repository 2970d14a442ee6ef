// What AWS did before: history.tsv, which is part of the program.

#ifndef ANCHORAGE_TRUSTD_EXPLAIN_HISTORY_H_
#define ANCHORAGE_TRUSTD_EXPLAIN_HISTORY_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "trustd/rotation/change.h"
#include "verify/anchor_set.h"

namespace anchorage::trustd {

// Certificates that AWS replaced on one day.
struct PastChange {
  // When the new certificates begin.
  absl::Time day;
  RotationClass rotation_class = RotationClass::kReissue;
  std::vector<verify::Slot> slots;
  absl::Time old_end;
  absl::Time new_end;
};

// All of them, the oldest first.
const std::vector<PastChange>& PastChanges();

// Returns what they say of a change of that class in that slot, in a sentence;
// empty for what no source shows.
std::string WhatThePastSays(RotationClass rotation_class,
                            const verify::Slot& slot);

// Returns one of them in a line.
std::string ToText(const PastChange& change);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_EXPLAIN_HISTORY_H_
