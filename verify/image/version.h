// The version of an image, and which of two is newer.
//
//   auto version = ImageVersion::Parse("2026.11.30.1");
//   if (*version < least) ...
//
// One to eight decimal numbers with dots between them, each below 2^32 and
// without leading zeros; nothing before or after them, because an order must
// be unambiguous. Compared number by number; a missing number is 0, so "1.2"
// and "1.2.0" are the same version. Pure.

#ifndef ANCHORAGE_VERIFY_IMAGE_VERSION_H_
#define ANCHORAGE_VERIFY_IMAGE_VERSION_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace anchorage::verify {

inline constexpr std::size_t kMaxVersionNumbers = 8;

class ImageVersion {
 public:
  // The version "0", which no version is older than.
  ImageVersion() = default;

  // Fails with kVersionMalformed.
  static absl::StatusOr<ImageVersion> Parse(std::string_view text);

  // Returns the text that Parse() read.
  std::string ToString() const;

  friend bool operator==(const ImageVersion& a, const ImageVersion& b) {
    return a.numbers_ == b.numbers_;
  }
  friend std::strong_ordering operator<=>(const ImageVersion& a,
                                          const ImageVersion& b) {
    return a.numbers_ <=> b.numbers_;
  }

 private:
  std::array<std::uint32_t, kMaxVersionNumbers> numbers_{};
  std::size_t count_ = 1;
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IMAGE_VERSION_H_
