// The recoveries of test/vectors/recovery, as they are made: each a story in
// which keys, roots, clocks or caches were wrong, step by step, with what a
// client must have after each. Their format is in the README there.
//
// Deterministic: keys, signatures and times are the same in every run.

#ifndef ANCHORAGE_TEST_CHANNEL_RECOVERY_CASES_H_
#define ANCHORAGE_TEST_CHANNEL_RECOVERY_CASES_H_

#include <map>
#include <string>

namespace anchorage::test {

// Returns the bytes of every file, by its path in the folder of all cases
// ("stolen-targets-key/case.json").
std::map<std::string, std::string> MakeRecoveryCases();

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_CHANNEL_RECOVERY_CASES_H_
