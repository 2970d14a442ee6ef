// A TUF repository with a history, and the steps in which the update target
// takes its files: for the target and for its corpus.
//
// Every call gives the same bytes in every process.

#ifndef ANCHORAGE_TEST_FUZZ_TUF_EVIDENCE_H_
#define ANCHORAGE_TEST_FUZZ_TUF_EVIDENCE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "test/support/repository_simulator.h"

namespace anchorage::test {

// Before anything in the repository expires.
absl::Time FuzzUpdateNow();

// The role that targets.json delegates to.
inline constexpr std::string_view kFuzzDelegatedRole = "d";

// Root 1 to 3, where root 3 replaces the timestamp's key, and several versions
// of the other roles.
const anchors::tuf::RepositorySimulator& FuzzRepository();

// What one step does, in the low four bits of its first byte. A value is part
// of the corpora: do not change it.
enum class UpdateStep : std::uint8_t {
  kRoot = 0,
  kFinishRoots = 1,
  kTimestamp = 2,
  kSnapshot = 3,
  kTargets = 4,
  kHoldTimestamp = 5,
  kHoldSnapshot = 6,
  kHoldTargets = 7,
  kUseHeldTimestamp = 8,
  kUseHeldSnapshot = 9,
  kUseHeldTargets = 10,
  kBegin = 11,
  kDelegated = 12,
};
inline constexpr std::uint8_t kStepMask = 0x0f;

// The high four bits say which of the keys TestKey(0) to TestKey(3) sign the
// step's bytes, which are then the `signed` member alone. Without any, the
// bytes are a file as it is received. They are the first keys of root,
// timestamp, snapshot and targets.
inline constexpr int kSignerShift = 4;
inline constexpr int kSigners = 4;

// Returns one step as the target reads it.
std::string EncodeStep(UpdateStep step, std::string_view bytes,
                       unsigned signers = 0);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_FUZZ_TUF_EVIDENCE_H_
