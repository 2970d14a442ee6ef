// A strict cursor over CBOR (RFC 8949), for the subset that AWS emits.
//
//   CborReader reader(bytes);
//   std::optional<CborItem> map = reader.Read();
//   while (reader.More(*map)) { ... reader.Read() the key, then the value ... }
//
// Two readers of the same signed bytes must never see two documents, so what
// decoders disagree about does not exist here: longer heads than needed,
// strings in chunks, floats, simple values other than false, true, null and
// undefined, text that is not UTF-8. Maps and arrays may have definite or
// indefinite length: AWS emits both. A caller can refuse more by inspecting the
// item; tags are items of their own, so no tag passes unnoticed.
//
// The cursor never copies and never allocates: a string is a view into the
// bytes that the caller keeps. Every read is bounded by the bytes that are
// left, and a container that claims more elements than there are bytes left is
// malformed at its head.

#ifndef ANCHORAGE_VERIFY_ENCODING_CBOR_H_
#define ANCHORAGE_VERIFY_ENCODING_CBOR_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"

namespace anchorage::verify {

enum class CborType {
  kUnsigned,
  kNegative,
  kBytes,
  kText,
  kArray,
  kMap,
  kTag,
  kBool,
  kNull,
  kUndefined,
};

// One head, with the contents where it is a string.
struct CborItem {
  CborType type = CborType::kUndefined;
  // kUnsigned: the number. kNegative: n for the number -1 - n. kArray, kMap:
  // how many elements or pairs are left, unless `indefinite`. kTag: the tag.
  // kBool: 0 or 1.
  std::uint64_t value = 0;
  // Whether the map or array has no count and ends with a break code.
  bool indefinite = false;
  // The contents of a kBytes or kText.
  std::string_view string = {};

  bool Is(CborType t) const { return type == t; }
};

// Reads items one after the other.
class CborReader {
 public:
  explicit CborReader(std::string_view bytes) : rest_(bytes) {}

  bool done() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

  // Reads the next head, and the contents of a string. Returns nullopt, and
  // leaves the cursor where it was, for anything but a well-formed item of
  // the subset; a break code is none.
  std::optional<CborItem> Read();

  // Returns whether another element, or pair, follows in `container`, which
  // this reader read; counts it down, and consumes the break code at the end.
  // Every call that returns true must be followed by the reads of exactly one
  // element or pair.
  bool More(CborItem& container);

 private:
  std::string_view rest_;
};

// The keys of one map so far, to find duplicates. Keeps views, not copies.
class CborKeys {
 public:
  // The most keys of one map. Few enough that comparing each with each stays
  // cheap.
  static constexpr std::size_t kMaxKeys = 48;

  // Adds one key. Fails with kDuplicateKey, or with kCborMalformed when there
  // are more than kMaxKeys.
  absl::Status Add(std::string_view key);

 private:
  std::array<std::string_view, kMaxKeys> keys_;
  std::size_t size_ = 0;
};

// The deepest nesting of maps and arrays that SkipCborValue() reads.
inline constexpr int kMaxCborDepth = 8;

// Skips one value of any kind, which must be well-formed: no tags, maps with
// distinct keys that are numbers or strings. Fails with kCborMalformed or
// kDuplicateKey.
absl::Status SkipCborValue(CborReader& reader, int depth = kMaxCborDepth);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ENCODING_CBOR_H_
