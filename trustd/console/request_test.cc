#include "trustd/console/request.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"

namespace anchorage::trustd {
namespace {

TEST(Request, ReadsAddresses) {
  const auto list = ReadAddress("/changes?year=2026&page=7");
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->path, "/changes");
  EXPECT_EQ(list->query.year, 2026);
  EXPECT_EQ(list->query.page, 7u);
  EXPECT_TRUE(ReadAddress("/changes?state=open")->query.open_only);
  const auto other = ReadAddress("/changes/7");
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ(other->entry, nullptr);
}

TEST(Request, ReadsNoParameterThatAPageDoesNotTake) {
  for (const char* target :
       {"/?page=1", "/record?year=1", "/record?page=1&page",
        "/changes/7?page=1", "/record?page=1&", "/record?page=%31",
        "/record?page=1#a"}) {
    EXPECT_FALSE(ReadAddress(target).has_value()) << target;
  }
}

TEST(Request, ReadsNumbersOfOneForm) {
  EXPECT_EQ(ReadNumber("1"), 1u);
  EXPECT_EQ(ReadNumber("999999999999"), 999'999'999'999u);
  for (const char* text : {"", "0", "01", "-1", "+1", " 1", "1 ", "0x1", "1e3",
                           "1000000000000", "18446744073709551616"}) {
    EXPECT_FALSE(ReadNumber(text).has_value()) << text;
  }
}

TEST(Request, ReadsNamesOfHosts) {
  EXPECT_EQ(ReadHostName("Trustd.Example:8443"), "trustd.example");
  EXPECT_EQ(ReadHostName("localhost"), "localhost");
  EXPECT_EQ(ReadHostName("[::1]:7445"), "[::1]");
  EXPECT_EQ(ReadHostName("[::1]"), "[::1]");
  for (const char* host :
       {"", ":80", "a:", "a:b", "a:1:2", "[::1", "[::1]x", "[::1]:", "a:-1"}) {
    EXPECT_FALSE(ReadHostName(host).has_value()) << host;
  }
}

TEST(Request, ReadsCredentials) {
  const auto read =
      ReadCredentials(" basic " + absl::Base64Escape("night:a:b"));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->user, "night");
  EXPECT_EQ(read->password, "a:b");
  EXPECT_FALSE(ReadCredentials("Basic " + absl::Base64Escape("night")));
  EXPECT_FALSE(ReadCredentials("Bearer " + absl::Base64Escape("a:b")));
  EXPECT_FALSE(ReadCredentials("Basic a:b"));
  EXPECT_FALSE(
      ReadCredentials("Basic " + absl::Base64Escape(std::string("a:b\0c", 5))));
  EXPECT_FALSE(ReadCredentials(
      "Basic " + absl::Base64Escape("a:" + std::string(73, 'x'))));
}

}  // namespace
}  // namespace anchorage::trustd
