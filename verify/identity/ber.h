// A cursor through nested BER: the subset of X.690 that AWS emits.
//
//   BerReader ber(bytes);
//   if (!ber.Enter(DerTag::kSequence)) return Malformed();
//   ... ber.Read(DerTag::kOid) ... ber.Leave() ... ber.done()
//
// Constructed elements on the outside may have an indefinite length; elements
// that are read whole are strict DER. End-of-contents octets are looked for
// only at the end of a level that was opened with an indefinite length, never
// inside an element that says its length: a DSA signature may well hold 00 00.
//
// Never copies, never allocates, never recurses; at most kMaxDepth levels.

#ifndef ANCHORAGE_VERIFY_IDENTITY_BER_H_
#define ANCHORAGE_VERIFY_IDENTITY_BER_H_

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "verify/encoding/der.h"

namespace anchorage::verify {

// A failed call returns false or nullopt and leaves the cursor where it was.
class BerReader {
 public:
  // PKCS #7 opens six levels around the document.
  static constexpr std::size_t kMaxDepth = 8;

  explicit BerReader(std::string_view bytes) : rest_(bytes) {}

  // Whether the next element of the open level has this tag.
  bool NextIs(DerTag tag) const;

  // Opens the next element, which must have this constructed tag and a
  // definite length in the fewest octets, or an indefinite one.
  bool Enter(DerTag tag);

  // Whether the open level has no further element.
  bool AtEnd() const;

  // Closes the open level, which must be at its end.
  bool Leave();

  // Reads the next element of the open level whole: strict DER outside, its
  // contents unread.
  std::optional<DerElement> Read(DerTag tag);

  // Whether every level is closed and no byte is left.
  bool done() const { return depth_ == 0 && rest_.empty(); }
  // The number of bytes left after the last level was closed.
  std::size_t trailing() const { return depth_ == 0 ? rest_.size() : 0; }

 private:
  struct Level {
    bool indefinite = false;
    // What follows a level of definite length.
    std::string_view after;
  };

  // The bytes left up to the end of the innermost level of definite length.
  std::string_view rest_;
  std::array<Level, kMaxDepth> levels_;
  std::size_t depth_ = 0;
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IDENTITY_BER_H_
