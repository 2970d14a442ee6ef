#include "anchors/tuf/tuf_error.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace anchorage::anchors::tuf {
namespace {

TEST(TufErrorTest, GivesEveryReasonANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const TufReason reason : AllTufReasons()) {
    const std::string_view name = NameOf(reason);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_LE(name.size(), 63u);
    EXPECT_EQ(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_"),
              std::string_view::npos)
        << name;
    EXPECT_EQ(TufReasonNamed(name), reason);
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(TufReason::kMaxValue) + 1);
}

TEST(TufErrorTest, CarriesTheReasonInTheStatus) {
  for (const TufReason reason : AllTufReasons()) {
    const absl::Status status = RejectUpdate(reason, "detail");
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(TufReasonOf(status), reason);
  }
}

TEST(TufErrorTest, NamesTheFileBeforeTheDetail) {
  for (const TufReason reason : AllTufReasons()) {
    const absl::Status status =
        InFile("2.root.json", RejectUpdate(reason, "it's \"so\""));
    const absl::Status plain = RejectUpdate(reason, "it's \"so\"");
    EXPECT_EQ(TufReasonOf(status), reason);
    EXPECT_EQ(status.code(), plain.code());
    const std::string name(NameOf(reason));
    EXPECT_EQ(std::string(status.message()),
              name + ": 2.root.json" +
                  std::string(plain.message()).substr(name.size()));
  }
  EXPECT_EQ(InFile("x", absl::OkStatus()), absl::OkStatus());
  EXPECT_EQ(InFile("x", absl::InternalError("y")), absl::InternalError("y"));
}

TEST(TufErrorTest, SaysNothingThatATerminalObeysForAnyReason) {
  for (const TufReason reason : AllTufReasons()) {
    const absl::Status status =
        RejectUpdate(reason, "a\x1b[2J\u009b\u202e\nACCEPTED  account 1");
    EXPECT_EQ(std::string(status.message()),
              absl::StrCat(std::string(NameOf(reason)),
                           ": a\\x1b[2J\\u009b\\u202e\\nACCEPTED  account 1"));
    // Not escaped again where it becomes part of another.
    const absl::Status outer =
        RejectUpdate(reason, std::string(status.message()));
    EXPECT_EQ(
        std::string(outer.message()),
        absl::StrCat(std::string(NameOf(reason)), ": ", status.message()));
  }
}

TEST(TufErrorTest, LeavesQuotesAsTheyAre) {
  EXPECT_EQ(RejectUpdate(TufReason::kFetchFailed, "Couldn't connect").message(),
            "FETCH_FAILED: Couldn't connect");
}

TEST(TufErrorTest, KnowsNoReasonOfOtherStatuses) {
  EXPECT_EQ(TufReasonOf(absl::OkStatus()), std::nullopt);
  EXPECT_EQ(TufReasonOf(absl::InternalError("THRESHOLD_NOT_MET")),
            std::nullopt);
  EXPECT_EQ(TufReasonNamed("NO_SUCH_REASON"), std::nullopt);
}

}  // namespace
}  // namespace anchorage::anchors::tuf
