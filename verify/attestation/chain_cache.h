// Remembers which certificates have been verified, so that they need not be
// verified again.
//
//   ChainCache cache;
//   VerifyEnclave(document, anchors, policy, now, &cache);
//
// Documents of one fleet share their certificate authorities, and those of
// one enclave share a leaf for three hours: with a cache each document costs
// one signature verification. An entry says one thing only: exactly these
// bytes bear a signature of exactly this issuer's key. Whether the root is
// still an anchor, and every certificate's validity and constraints, are
// checked at every use, so an entry cannot outlive anything.
//
// Bounded: the least recently used entries are evicted first. Only certificates
// of a chain that begins at an anchor are ever added. Thread-safe.

#ifndef ANCHORAGE_VERIFY_ATTESTATION_CHAIN_CACHE_H_
#define ANCHORAGE_VERIFY_ATTESTATION_CHAIN_CACHE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/hash/hash.h"
#include "absl/synchronization/mutex.h"
#include "verify/crypto/public_key.h"

namespace anchorage::verify {

class ChainCache {
 public:
  // An entry takes some two kilobytes, most of it the library's key.
  static constexpr std::size_t kDefaultCapacity = 1024;

  // Names a certificate and the key that signed it.
  using Key = std::array<std::uint8_t, 32>;

  // Returns the key of the entry for `certificate_der` as issued by the owner
  // of `issuer_point` (an uncompressed P-384 point).
  static Key KeyOf(std::string_view issuer_point,
                   std::string_view certificate_der);

  // A capacity of less than one entry for each shard is raised to that.
  explicit ChainCache(std::size_t capacity = kDefaultCapacity);
  ChainCache(const ChainCache&) = delete;
  ChainCache& operator=(const ChainCache&) = delete;

  // Returns the public key of the certificate, if it was verified before.
  std::optional<PublicKey> Find(const Key& key);

  // Adds a certificate that was just verified, with its public key.
  void Add(const Key& key, const PublicKey& public_key);

  // How many entries there are, and how often Find() did or did not find one.
  struct Stats {
    std::size_t size = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
  };
  Stats stats() const;

 private:
  using Entries = std::list<std::pair<Key, PublicKey>>;

  struct Shard {
    mutable absl::Mutex mutex;
    // The most recently used entry first.
    Entries entries ABSL_GUARDED_BY(mutex);
    std::unordered_map<Key, Entries::iterator, absl::Hash<Key>> index
        ABSL_GUARDED_BY(mutex);
    std::uint64_t hits ABSL_GUARDED_BY(mutex) = 0;
    std::uint64_t misses ABSL_GUARDED_BY(mutex) = 0;
  };
  // Enough that threads seldom wait for each other's lock. A power of two.
  static constexpr std::size_t kShards = 8;

  Shard& ShardOf(const Key& key) { return shards_[key[0] % kShards]; }

  const std::size_t capacity_of_shard_;
  std::array<Shard, kShards> shards_;
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_CHAIN_CACHE_H_
