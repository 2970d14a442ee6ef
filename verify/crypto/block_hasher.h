// Hashes many blocks with one salt, as dm-verity does.
//
//   auto hasher = BlockHasher::Make(BlockHash::kSha256, salt, "");
//   if (!hasher.has_value() || !hasher->Hash(block, digest)) ...
//
// Not thread-safe: one for each thread.

#ifndef ANCHORAGE_VERIFY_CRYPTO_BLOCK_HASHER_H_
#define ANCHORAGE_VERIFY_CRYPTO_BLOCK_HASHER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace anchorage::verify {

enum class BlockHash { kSha256, kSha512 };

// In bytes: 32 or 64.
constexpr std::size_t DigestBytes(BlockHash hash) {
  return hash == BlockHash::kSha256 ? 32 : 64;
}

class BlockHasher {
 public:
  // Each digest is of `before`, the block and `after`. nullopt where no loaded
  // provider of the library offers the algorithm.
  static std::optional<BlockHasher> Make(BlockHash hash,
                                         std::string_view before,
                                         std::string_view after);
  BlockHasher(BlockHasher&&) noexcept;
  BlockHasher& operator=(BlockHasher&&) noexcept;
  ~BlockHasher();

  // Writes DigestBytes() to `digest`. False where the library failed.
  bool Hash(std::string_view block, char* digest);

 private:
  struct State;
  explicit BlockHasher(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_CRYPTO_BLOCK_HASHER_H_
