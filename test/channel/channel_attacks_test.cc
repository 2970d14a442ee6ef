// Sees to it that every attack of the catalogue on the update channel has a
// test, and prints which.

#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <set>
#include <string>

#include "absl/strings/str_format.h"
#include "test/channel/channel_test.h"

namespace anchorage::test {
namespace {

constexpr int kAttacks = 19;

INSTANTIATE_TEST_SUITE_P(Channel, ChannelTest,
                         ::testing::Values(Transport::kHttp, Transport::kGrpc),
                         [](const auto& info) { return NameOf(info.param); });

TEST(ChannelAttackTableTest, HasATestForEveryAttackOfTheCatalogue) {
  std::map<std::string, std::set<std::string>> tests;
  const auto& all = *::testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const ::testing::TestSuite& suite = *all.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const std::string name = suite.GetTestInfo(j)->name();
      tests[name.substr(0, 3)].insert(name.substr(3));
    }
  }
  for (int number = 1; number <= kAttacks; ++number) {
    const std::string id = absl::StrFormat("b%02d", number);
    EXPECT_TRUE(tests.contains(id)) << id;
    for (const std::string& name : tests[id]) {
      std::cout << id << "  " << name << "\n";
    }
  }
}

}  // namespace
}  // namespace anchorage::test
