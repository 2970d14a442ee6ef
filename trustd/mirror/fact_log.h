// What was put on the record, in the log of the process.

#ifndef ANCHORAGE_TRUSTD_MIRROR_FACT_LOG_H_
#define ANCHORAGE_TRUSTD_MIRROR_FACT_LOG_H_

#include <vector>

#include "proto/anchorage/v1/ledger.pb.h"
#include "trustd/record/rotation_book.h"

namespace anchorage::trustd {

// Logs each of `records`, in words and with its fields (SLOT, CLASS, ROTATION,
// PERSON, FACT): what people and the policy decided, what was published and what
// became of rotations as information; what sources and instances said, which
// comes more often, for developers. `before` and `after` are what was known
// before the records and after them.
void LogFacts(const std::vector<v1::LedgerRecord>& records,
              const RotationBook& before, const RotationBook& after);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_FACT_LOG_H_
