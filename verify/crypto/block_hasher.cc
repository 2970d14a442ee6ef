#include "verify/crypto/block_hasher.h"

#include <openssl/evp.h>

#include <utility>

namespace anchorage::verify {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

struct BlockHasher::State {
  std::unique_ptr<EVP_MD_CTX, FreeContext> context;
  std::string before;
  std::string after;
};

BlockHasher::BlockHasher(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
BlockHasher::BlockHasher(BlockHasher&&) noexcept = default;
BlockHasher& BlockHasher::operator=(BlockHasher&&) noexcept = default;
BlockHasher::~BlockHasher() = default;

std::optional<BlockHasher> BlockHasher::Make(BlockHash hash,
                                             std::string_view before,
                                             std::string_view after) {
  auto state = std::make_unique<State>();
  state->context.reset(EVP_MD_CTX_new());
  state->before = before;
  state->after = after;
  const EVP_MD* md = hash == BlockHash::kSha256 ? EVP_sha256() : EVP_sha512();
  if (state->context == nullptr ||
      EVP_DigestInit_ex(state->context.get(), md, nullptr) != 1) {
    return std::nullopt;
  }
  return BlockHasher(std::move(state));
}

bool BlockHasher::Hash(std::string_view block, char* digest) {
  EVP_MD_CTX* const context = state_->context.get();
  const auto update = [context](std::string_view bytes) {
    return EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1;
  };
  // Without an algorithm it keeps the one that it has, and its provider.
  return EVP_DigestInit_ex(context, nullptr, nullptr) == 1 &&
         update(state_->before) && update(block) && update(state_->after) &&
         EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(digest),
                            nullptr) == 1;
}

}  // namespace anchorage::verify
