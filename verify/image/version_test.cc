#include "verify/image/version.h"

#include <string>

#include "gtest/gtest.h"
#include "verify/image/image_error.h"

namespace anchorage::verify {
namespace {

ImageVersion V(std::string_view text) { return *ImageVersion::Parse(text); }

TEST(Version, WritesWhatItRead) {
  for (const char* text :
       {"0", "1", "2026.11.30.1", "1.0", "0.0.0.0.0.0.0.0", "4294967295"}) {
    EXPECT_EQ(V(text).ToString(), text);
  }
  EXPECT_EQ(ImageVersion().ToString(), "0");
}

TEST(Version, ComparesNumberByNumber) {
  EXPECT_LT(V("1.9"), V("1.10"));
  EXPECT_LT(V("1.10"), V("2"));
  EXPECT_LT(V("1"), V("1.0.1"));
  EXPECT_LT(V("2026.11.30"), V("2026.11.30.1"));
  EXPECT_GT(V("4294967295"), V("999.999"));
  EXPECT_LT(ImageVersion(), V("0.0.0.0.0.0.0.1"));
}

TEST(Version, MissingNumberIsZero) {
  EXPECT_EQ(V("1.2"), V("1.2.0"));
  EXPECT_EQ(V("0"), V("0.0"));
}

TEST(Version, RefusesAllElse) {
  for (const char* text : {"", ".", "1.", ".1", "1..2", "01", "1.00", "-1",
                           "+1", "1 ", " 1", "1a", "1.2-rc1", "v1", "0x1",
                           "4294967296", "1.2.3.4.5.6.7.8.9", "1,2", "1\n"}) {
    EXPECT_EQ(ImageReasonOf(ImageVersion::Parse(text).status()),
              ImageReason::kVersionMalformed)
        << text;
  }
}

TEST(Version, SaysThatThereAreNoSuffixes) {
  EXPECT_NE(
      ImageVersion::Parse("1.0-rc1").status().message().find("no suffixes"),
      absl::string_view::npos);
}

}  // namespace
}  // namespace anchorage::verify
