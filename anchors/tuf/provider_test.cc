// Where no provider of the library verifies with the repository's keys: could
// not be done, and not "signed by somebody else".

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <string>

#include "anchors/tuf/trusted_set.h"
#include "anchors/tuf/tuf_error.h"
#include "test/support/repository_simulator.h"
#include "test/support/tuf_test_matchers.h"

namespace anchorage::anchors::tuf {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class OnlyFips {
 public:
  OnlyFips() { EVP_default_properties_enable_fips(nullptr, 1); }
  OnlyFips(const OnlyFips&) = delete;
  OnlyFips& operator=(const OnlyFips&) = delete;
  ~OnlyFips() { EVP_default_properties_enable_fips(nullptr, 0); }
};

TEST(Provider, IsMissingForTheKeysOfARepository) {
  RepositorySimulator repository(kNow);
  const std::string root = repository.published("root", 1);
  ASSERT_THAT(TrustedSet::FromRoot(root, kNow), IsOk());
  const OnlyFips only_fips;
  EXPECT_THAT(TrustedSet::FromRoot(root, kNow),
              RejectedFor(TufReason::kCryptoUnavailable));
  EXPECT_TRUE(absl::IsUnavailable(TrustedSet::FromRoot(root, kNow).status()));
}

}  // namespace
}  // namespace anchorage::anchors::tuf
