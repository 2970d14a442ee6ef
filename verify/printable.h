// Makes text that others wrote fit to be shown to a person.
//
//   Reject(reason, absl::StrCat("the region is ", region));  // does it itself
//   std::cout << Printable(release.notes) << "\n";
//
// Evidence, catalogs and answers of servers are anyone's bytes until they are
// verified, and terminals and logs obey some of them: an escape code clears
// the screen, a line break begins a line that reads "ACCEPTED account 1", a
// bidirectional override shows a name backwards. What is for people goes
// through here, once, where the sentence is made. Facts do not: policies
// compare bytes, and JSON has escapes of its own.

#ifndef ANCHORAGE_VERIFY_PRINTABLE_H_
#define ANCHORAGE_VERIFY_PRINTABLE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace anchorage::verify {

// The longest sentence for people, in bytes; a longer one is cut.
inline constexpr std::size_t kMaxSentenceBytes = 2048;

// Returns `text` as UTF-8 on one line in which everything is visible. It
// escapes control characters (C0, DEL, C1), bytes that are not UTF-8, line and
// paragraph separators, and characters that are invisible or reorder others
// (bidirectional controls, zero-width and other format characters, variation
// selectors, tags, noncharacters): "\n", "\r", "\t", "\x1b", "\u202e",
// "\U000e0001". A result longer than `max_bytes`, which is at least 3, is cut
// between two characters and ends with "...".
//
// Backslashes and quotes stay as they are, so what is printable already comes
// back unchanged, and a sentence made of sentences is escaped once. The result
// is for reading: it cannot be unescaped.
//
// Pure; linear in the smaller of `text` and `max_bytes`.
std::string Printable(std::string_view text,
                      std::size_t max_bytes = std::string_view::npos);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_PRINTABLE_H_
