// What thousands of clients verify alike is verified once: the linker sends the
// calls of a few pure functions here (BUILD.bazel), which remember what each
// returned for the same arguments, all of them, byte for byte. None of them has
// a clock: whatever depends on time is decided by their callers, for each client
// anew. Only programs that are linked so have it; nothing that is shipped can.

#ifndef ANCHORAGE_TEST_FLEET_MEMO_H_
#define ANCHORAGE_TEST_FLEET_MEMO_H_

#include <cstdint>

namespace anchorage::fleet {

struct MemoFacts {
  std::uint64_t asked = 0;
  std::uint64_t remembered = 0;
};

// What was asked since the start of this process.
MemoFacts Memos();

// Off: every call goes through. For the test that shows that it makes no
// difference.
void UseMemos(bool use);

// A broken client, for the test that shows that the simulation notices: every
// signature of TUF metadata counts as good.
void BelieveAnySignature(bool believe);

}  // namespace anchorage::fleet

#endif  // ANCHORAGE_TEST_FLEET_MEMO_H_
