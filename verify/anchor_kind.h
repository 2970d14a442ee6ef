// The kinds of anchor. Names, flags, the catalog and what a source may speak
// for follow this table: another kind is another row, and its value in
// catalog.proto.

#ifndef ANCHORAGE_VERIFY_ANCHOR_KIND_H_
#define ANCHORAGE_VERIFY_ANCHOR_KIND_H_

#include <cstddef>
#include <iterator>
#include <limits>
#include <optional>
#include <string_view>

#include "verify/crypto/public_key.h"

namespace anchorage::verify {

// What an anchor verifies. The order is the order of strength: a policy's
// minimum kind compares against it.
enum class AnchorKind { kIidDsa, kIidRsa1024, kIidRsa2048, kNitroRoot };

struct AnchorKindRow {
  AnchorKind kind;
  // Stable: in flags, names of files and configurations.
  std::string_view name;
  // Its value in catalog.proto, as JSON has it.
  std::string_view catalog_name;
  // The keys that can be its anchors.
  KeyType key_type;
  int min_bits = 0;
  int max_bits = std::numeric_limits<int>::max();
  // RSA keys of 2048 bits or more, too: as China's are.
  bool or_rsa2048 = false;
};

// In the order of the enum.
inline constexpr AnchorKindRow kAnchorKinds[] = {
    {.kind = AnchorKind::kIidDsa,
     .name = "iid-dsa",
     .catalog_name = "ANCHOR_KIND_IID_DSA",
     .key_type = KeyType::kDsa,
     .or_rsa2048 = true},
    {.kind = AnchorKind::kIidRsa1024,
     .name = "iid-rsa1024",
     .catalog_name = "ANCHOR_KIND_IID_RSA1024",
     .key_type = KeyType::kRsa,
     .min_bits = 1024,
     .max_bits = 1024},
    {.kind = AnchorKind::kIidRsa2048,
     .name = "iid-rsa2048",
     .catalog_name = "ANCHOR_KIND_IID_RSA2048",
     .key_type = KeyType::kRsa,
     .min_bits = 2048},
    {.kind = AnchorKind::kNitroRoot,
     .name = "nitro-root",
     .catalog_name = "ANCHOR_KIND_NITRO_ROOT",
     .key_type = KeyType::kEcP384},
};

// For a value that is no kind: it has no name, and no key fits.
inline constexpr AnchorKindRow kNoAnchorKind = {.kind = AnchorKind::kIidDsa,
                                                .name = "",
                                                .catalog_name = "",
                                                .key_type = KeyType::kDsa,
                                                .max_bits = -1};

constexpr const AnchorKindRow& RowOf(AnchorKind kind) {
  const auto index = static_cast<std::size_t>(kind);
  return index < std::size(kAnchorKinds) ? kAnchorKinds[index] : kNoAnchorKind;
}

static_assert([] {
  for (const AnchorKindRow& row : kAnchorKinds) {
    if (&RowOf(row.kind) != &row) return false;
  }
  return true;
}());

// Returns the stable name, such as "iid-rsa2048".
constexpr std::string_view NameOf(AnchorKind kind) { return RowOf(kind).name; }

constexpr std::optional<AnchorKind> AnchorKindNamed(std::string_view name) {
  for (const AnchorKindRow& row : kAnchorKinds) {
    if (row.name == name) return row.kind;
  }
  return std::nullopt;
}

// Whether a key of that type and size can be an anchor of that kind.
constexpr bool KeyFitsKind(KeyType type, int bits, AnchorKind kind) {
  const AnchorKindRow& row = RowOf(kind);
  return (type == row.key_type && bits >= row.min_bits &&
          bits <= row.max_bits) ||
         (row.or_rsa2048 && type == KeyType::kRsa && bits >= 2048);
}

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ANCHOR_KIND_H_
