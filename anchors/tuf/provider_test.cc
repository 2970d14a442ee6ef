// Where no provider of the library verifies with the repository's keys: could
// not be done, and not "signed by somebody else".

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <string>

#include "anchors/tuf/trusted_set.h"
#include "anchors/tuf/tuf_error.h"
#include "anchors/tuf/tuf_key.h"
#include "test/support/repository_simulator.h"
#include "test/support/tuf_test_matchers.h"
#include "verify/encoding/json.h"
#include "verify/reason.h"

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

// In a process of its own: what was fetched once is kept. The hash that is not
// there was taken for the id of another key.
TEST(ProviderDeathTest, IsMissingForTheIdsOfKeys) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        EVP_set_default_properties(nullptr, "provider=none");
        const auto json = verify::ParseJson(
            R"({"keytype":"x","scheme":"y","keyval":{}})", {.max_bytes = 100});
        const auto key = TufKey::Parse(*json);
        const bool good = verify::ReasonOf(key.status()) ==
                          verify::Reason::kCryptoProviderMissing;
        ::_exit(good ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace anchorage::anchors::tuf
