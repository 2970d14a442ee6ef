// A client whose memory runs out in the middle: nothing is thrown, nothing is
// believed that was not verified, and the next call works.

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "client/trust_client.h"
#include "test/channel/servers.h"
#include "test/support/failing_new.h"

namespace anchorage::test {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class ExceptionsTest : public ::testing::Test {
 protected:
  ExceptionsTest() : servers_(kNow) {
    servers_.PublishCatalog(1);
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    options_.metadata_url = servers_.http_url();
    options_.trusted_root = servers_.first_root();
    options_.cache_folder = folder_;
    options_.background_refresh = false;
    options_.clock = [] { return kNow; };
  }

  // Calls `call` with one allocation failing, the first, and later and later
  // ones, until none does.
  static void ForSomeAllocations(const std::function<absl::Status()>& call,
                                 const std::function<void()>& check) {
    int runs = 0;
    for (int before = 0;; before += 1 + before / 8, ++runs) {
      absl::Status status;
      bool has_failed = false;
      {
        anchors::FailAllocation fail(before);
        status = call();
        has_failed = fail.has_failed();
      }
      check();
      if (!has_failed) {
        EXPECT_TRUE(status.ok()) << status;
        break;
      }
    }
    EXPECT_GT(runs, 10) << "it allocates";
  }

  RepositoryServers servers_;
  client::TrustClientOptions options_;
  std::string folder_;
};

TEST_F(ExceptionsTest, ARefreshFailsAndTheNextOneWorks) {
  const auto client = client::TrustClient::Create(options_);
  ASSERT_TRUE(client.ok()) << client.status();
  std::uint64_t sequence = 1;
  ForSomeAllocations([&] { return (*client)->Refresh(); },
                     [&] {
                       const absl::Status again = (*client)->Refresh();
                       EXPECT_TRUE(again.ok()) << again;
                       EXPECT_EQ((*client)->state().provenance.sequence,
                                 sequence);
                       servers_.PublishCatalog(++sequence);
                     });
}

TEST_F(ExceptionsTest, AStartFailsAndTheNextOneWorks) {
  ASSERT_TRUE((*client::TrustClient::Create(options_))->Refresh().ok());
  client::TrustClientOptions copy;
  ForSomeAllocations(
      [&] {
        // The caller's own copy is not ours to catch.
        return client::TrustClient::Create(std::move(copy)).status();
      },
      [&] { copy = options_; });
  const auto client = client::TrustClient::Create(options_);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ((*client)->state().provenance.origin, verify::Origin::kCache);
}

TEST_F(ExceptionsTest, AVerificationFailsWithAReason) {
  const auto client = client::TrustClient::Create(options_);
  ASSERT_TRUE(client.ok()) << client.status();
  const auto policy =
      verify::EnclavePolicy::Builder().AuthenticityOnly("test").Build();
  const auto identity = verify::IdentityPolicy::AuthenticityOnly("test");
  anchors::ForEachAllocation([&] {
    EXPECT_FALSE((*client)->VerifyEnclave("x", *policy).ok());
    EXPECT_FALSE(
        (*client)
            ->VerifyIdentity(
                {std::nullopt, verify::IdentityForm::kRsa2048, "x"}, *identity)
            .ok());
  });
}

}  // namespace
}  // namespace anchorage::test
