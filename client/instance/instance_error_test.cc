#include "client/instance/instance_error.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

namespace anchorage::client {
namespace {

TEST(InstanceErrorTest, GivesEveryReasonANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const InstanceReason reason : AllInstanceReasons()) {
    const std::string_view name = NameOf(reason);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"),
              std::string_view::npos)
        << name;
  }
  EXPECT_EQ(names.size(),
            static_cast<std::size_t>(InstanceReason::kMaxValue) + 1);
}

TEST(InstanceErrorTest, CarriesTheReasonInTheStatus) {
  for (const InstanceReason reason : AllInstanceReasons()) {
    const absl::Status status = NotFromInstance(reason, "detail");
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(InstanceReasonOf(status), reason);
    EXPECT_EQ(std::string(status.message()),
              std::string(NameOf(reason)) + ": detail");
  }
}

TEST(InstanceErrorTest, HasARowOfAManualForEachReason) {
  std::string manuals;
  for (const char* name : {"README.md", "ATTESTATION.md"}) {
    std::ifstream file(std::string("client/instance/") + name);
    ASSERT_TRUE(file.good()) << name;
    manuals.append(std::istreambuf_iterator<char>(file), {});
  }
  for (const InstanceReason reason : AllInstanceReasons()) {
    const std::string row = "\n| `" + std::string(NameOf(reason)) + "` | ";
    EXPECT_NE(manuals.find(row), std::string::npos) << NameOf(reason);
  }
}

TEST(InstanceErrorTest, ShowsWhatOthersWroteOnOneLine) {
  const absl::Status status = NotFromInstance(
      InstanceReason::kAttestationRefused, "a\nATTESTED\x1b[2J");
  EXPECT_EQ(std::string(status.message()),
            "ATTESTATION_REFUSED: a\\nATTESTED\\x1b[2J");
}

TEST(InstanceErrorTest, FindsNoReasonInOtherStatuses) {
  EXPECT_EQ(InstanceReasonOf(absl::OkStatus()), std::nullopt);
  EXPECT_EQ(InstanceReasonOf(absl::NotFoundError("IMDS_ABSENT")), std::nullopt);
}

}  // namespace
}  // namespace anchorage::client
