#include "verify/attestation/chain_cache.h"

#include <algorithm>

namespace anchorage::verify {

ChainCache::Key ChainCache::KeyOf(std::string_view issuer_point,
                                  std::string_view certificate_der) {
  // All points have one length, so no two pairs of inputs concatenate to the
  // same bytes.
  const Digest digest =
      HashParts(HashAlgorithm::kSha256, {issuer_point, certificate_der});
  Key key;
  std::copy_n(digest.bytes.begin(), key.size(), key.begin());
  return key;
}

ChainCache::ChainCache(std::size_t capacity)
    : capacity_of_shard_(std::max<std::size_t>(1, capacity / kShards)) {}

std::optional<PublicKey> ChainCache::Find(const Key& key) {
  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  const auto found = shard.index.find(key);
  if (found == shard.index.end()) {
    ++shard.misses;
    return std::nullopt;
  }
  ++shard.hits;
  shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
  return found->second->second;
}

void ChainCache::Add(const Key& key, const PublicKey& public_key) {
  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  if (shard.index.contains(key)) return;  // another thread was faster
  if (shard.entries.size() == capacity_of_shard_) {
    shard.index.erase(shard.entries.back().first);
    shard.entries.pop_back();
  }
  // Linked in last: if memory runs out for either the list or the index,
  // neither has the entry.
  Entries added;
  added.emplace_front(key, public_key);
  shard.index.emplace(key, added.begin());
  shard.entries.splice(shard.entries.begin(), added);
}

ChainCache::Stats ChainCache::stats() const {
  Stats stats;
  for (const Shard& shard : shards_) {
    absl::MutexLock lock(&shard.mutex);
    stats.size += shard.entries.size();
    stats.hits += shard.hits;
    stats.misses += shard.misses;
  }
  return stats;
}

}  // namespace anchorage::verify
