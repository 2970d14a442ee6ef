#include "verify/attestation/chain_cache.h"

#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "test/fake_aws/keys.h"

namespace anchorage::verify {
namespace {

PublicKey SomeKey(const std::string& name) {
  return *PublicKey::FromP384Point(
      test::TestKey::Derived(test::KeyType::kP384, name).public_key_bytes());
}

// A key that lands in the shard of its first byte.
ChainCache::Key KeyNumber(std::uint8_t first, std::uint8_t second) {
  return {first, second};
}

TEST(ChainCache, FindsWhatWasAdded) {
  ChainCache cache;
  const ChainCache::Key key = ChainCache::KeyOf("issuer", "certificate");
  EXPECT_FALSE(cache.Find(key).has_value());
  cache.Add(key, SomeKey("a"));
  EXPECT_TRUE(cache.Find(key).has_value());
  EXPECT_EQ(cache.stats().size, 1u);
  EXPECT_EQ(cache.stats().hits, 1u);
  EXPECT_EQ(cache.stats().misses, 1u);
}

TEST(ChainCache, TellsIssuersAndCertificatesApart) {
  const ChainCache::Key key = ChainCache::KeyOf("issuer1", "certificate");
  EXPECT_NE(key, ChainCache::KeyOf("issuer2", "certificate"));
  EXPECT_NE(key, ChainCache::KeyOf("issuer1", "certificatf"));
  EXPECT_EQ(key, ChainCache::KeyOf("issuer1", "certificate"));
}

TEST(ChainCache, KeepsNoMoreThanItsCapacity) {
  ChainCache cache(16);
  const PublicKey key = SomeKey("a");
  for (int i = 0; i < 1000; ++i) {
    cache.Add(ChainCache::KeyOf("issuer", std::to_string(i)), key);
  }
  EXPECT_LE(cache.stats().size, 16u);
  EXPECT_GT(cache.stats().size, 0u);
}

TEST(ChainCache, DropsTheLeastRecentlyUsed) {
  ChainCache cache(16);  // two in each of eight shards
  const PublicKey key = SomeKey("a");
  cache.Add(KeyNumber(0, 1), key);
  cache.Add(KeyNumber(0, 2), key);
  EXPECT_TRUE(cache.Find(KeyNumber(0, 1)).has_value());
  cache.Add(KeyNumber(0, 3), key);
  EXPECT_TRUE(cache.Find(KeyNumber(0, 1)).has_value());
  EXPECT_FALSE(cache.Find(KeyNumber(0, 2)).has_value());
  EXPECT_TRUE(cache.Find(KeyNumber(0, 3)).has_value());
}

TEST(ChainCache, AddingTwiceChangesNothing) {
  ChainCache cache;
  cache.Add(KeyNumber(0, 1), SomeKey("a"));
  cache.Add(KeyNumber(0, 1), SomeKey("a"));
  EXPECT_EQ(cache.stats().size, 1u);
}

TEST(ChainCache, OfNoCapacityStillWorks) {
  ChainCache cache(0);
  cache.Add(KeyNumber(0, 1), SomeKey("a"));
  EXPECT_TRUE(cache.Find(KeyNumber(0, 1)).has_value());
}

TEST(ChainCache, ServesManyThreads) {
  ChainCache cache(64);
  const PublicKey key = SomeKey("a");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, &key] {
      for (int i = 0; i < 2000; ++i) {
        const auto name = ChainCache::KeyOf("issuer", std::to_string(i % 100));
        if (!cache.Find(name).has_value()) cache.Add(name, key);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache.stats().size, 64u);
  EXPECT_EQ(cache.stats().hits + cache.stats().misses, 8000u);
}

}  // namespace
}  // namespace anchorage::verify
