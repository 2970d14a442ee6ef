#include "trustd/sources/gunzip.h"

#include <gtest/gtest.h>

#include <string>

#include "test/support/hostile_server.h"
#include "trustd/sources/source_failure.h"

namespace anchorage::trustd {
namespace {

TEST(Gunzip, UnpacksUpToItsLimit) {
  const std::string plain(100'000, 'x');
  EXPECT_EQ(Gunzip(Gzip(plain), plain.size()).value(), plain);
  EXPECT_EQ(SourceFailureOf(Gunzip(Gzip(plain), plain.size() - 1).status()),
            SourceFailure::kTooLarge);
  EXPECT_EQ(Gunzip(Gzip(""), 0).value(), "");
}

TEST(Gunzip, RefusesEveryPrefix) {
  const std::string packed = Gzip("a page of certificates");
  for (std::size_t size = 0; size < packed.size(); ++size) {
    EXPECT_EQ(
        SourceFailureOf(
            Gunzip(std::string_view(packed).substr(0, size), 1000).status()),
        SourceFailure::kContentEncoding)
        << size;
  }
}

TEST(Gunzip, RefusesWhatFollowsAndWhatIsDamaged) {
  std::string packed = Gzip("a page of certificates");
  EXPECT_EQ(SourceFailureOf(Gunzip(packed + packed, 1000).status()),
            SourceFailure::kContentEncoding);
  packed[packed.size() - 6] ^= 1;  // the checksum
  EXPECT_EQ(SourceFailureOf(Gunzip(packed, 1000).status()),
            SourceFailure::kContentEncoding);
}

}  // namespace
}  // namespace anchorage::trustd
