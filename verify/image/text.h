// What the files of this folder share.

#ifndef ANCHORAGE_VERIFY_IMAGE_TEXT_H_
#define ANCHORAGE_VERIFY_IMAGE_TEXT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace anchorage::verify {

inline absl::string_view Abseil(std::string_view text) {
  return {text.data(), text.size()};
}

template <std::size_t kSize>
std::string_view ViewOf(const std::array<std::uint8_t, kSize>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <std::size_t kSize>
std::string HexOf(const std::array<std::uint8_t, kSize>& bytes) {
  return absl::BytesToHexString(Abseil(ViewOf(bytes)));
}

// The sentence of a status of verify/'s other rooms, to be said with a reason
// of this one; lives as long as the status.
inline std::string_view Sentence(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IMAGE_TEXT_H_
