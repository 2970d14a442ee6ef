#include "trustd/fleet/window.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace anchorage::trustd {
namespace {

constexpr char kSlot[] = "aws/eu-west-1/iid-rsa2048";
constexpr char kElsewhere[] = "aws/us-east-1/iid-rsa2048";

// Like a keyed hash.
std::uint64_t Sender(std::uint64_t number) {
  return (number + 1) * 0x9e3779b97f4a7c15;
}

Report ReportOf(const std::string& slot, const std::string& reason,
                const std::string& version = "1.0.0") {
  return {.version = version,
          .sequence = 7,
          .outcomes = {{.slot = slot, .reason = reason, .count = 2}}};
}

v1::FleetWindow Described(const Window& window) {
  v1::FleetWindow message;
  window.Describe(256, message);
  return message;
}

Window Known() { return Window({kSlot, kElsewhere}); }

TEST(Window, CountsASenderOnceForEachSlotAndReason) {
  Window window = Known();
  for (int i = 0; i < 10; ++i) {
    window.Add(ReportOf(kSlot, "SIGNATURE_MISMATCH"), Sender(1));
  }
  window.Add(ReportOf(kSlot, "SIGNATURE_MISMATCH"), Sender(2));
  window.Add(ReportOf(kSlot, "ACCEPTED"), Sender(1));
  const v1::FleetWindow message = Described(window);
  EXPECT_EQ(message.senders(), 2u);
  EXPECT_EQ(message.reports(), 12u);
  ASSERT_EQ(message.rows_size(), 2);
  EXPECT_EQ(message.rows(0).slot(), kSlot);
  EXPECT_EQ(message.rows(0).reason(), "SIGNATURE_MISMATCH");
  EXPECT_EQ(message.rows(0).senders(), 2u);
  EXPECT_EQ(message.rows(0).outcomes(), 22u);
  EXPECT_EQ(message.rows(1).reason(), "ACCEPTED");
}

TEST(Window, NeedsAsManySendersAsTheThresholdSays) {
  Window window = Known();
  for (std::uint64_t i = 0; i < 4; ++i) {
    window.Add(ReportOf(kSlot, "SIGNATURE_MISMATCH"), Sender(i));
  }
  EXPECT_TRUE(window.Failing({}, window.senders()).empty());
  // The same again adds none.
  window.Add(ReportOf(kSlot, "SIGNATURE_MISMATCH"), Sender(3));
  EXPECT_TRUE(window.Failing({}, window.senders()).empty());
  window.Add(ReportOf(kSlot, "REGION_UNKNOWN"), Sender(4));
  EXPECT_EQ(window.Failing({}, window.senders()),
            std::vector<std::string>{kSlot});
  EXPECT_TRUE(window.Failing({.senders = 6}, window.senders()).empty());
}

TEST(Window, NeedsAsMuchOfTheFleetAsTheThresholdSays) {
  Window window = Known();
  for (std::uint64_t i = 0; i < 5; ++i) {
    window.Add(ReportOf(kSlot, "SIGNATURE_MISMATCH"), Sender(i));
  }
  EXPECT_FALSE(window.Failing({}, 500).empty());
  EXPECT_TRUE(window.Failing({}, 501).empty());
  EXPECT_TRUE(window.Failing({.percent = 2}, 251).empty());
}

TEST(Window, FailuresOfOneSlotAreNotThoseOfAnother) {
  Window window = Known();
  for (std::uint64_t i = 0; i < 4; ++i) {
    window.Add(ReportOf(kSlot, "SIGNATURE_MISMATCH"), Sender(i));
    window.Add(ReportOf(kElsewhere, "SIGNATURE_MISMATCH"), Sender(i + 4));
  }
  EXPECT_TRUE(window.Failing({}, window.senders()).empty());
}

TEST(Window, WhatSaysNothingOfAwsIsNoFailure) {
  Window window = Known();
  for (std::uint64_t i = 0; i < 100; ++i) {
    window.Add(ReportOf(kSlot, "ACCEPTED"), Sender(i));
    window.Add(ReportOf(kSlot, "ACCOUNT_NOT_ALLOWED"), Sender(i));
    window.Add(ReportOf(kSlot, "TOO_OLD"), Sender(i));
    window.Add(ReportOf(kSlot, "OF_A_LATER_VERSION"), Sender(i));
  }
  EXPECT_TRUE(window.Failing({}, window.senders()).empty());
}

TEST(Window, ARegionThatTheCatalogDoesNotHaveIsOneFailureWithItsName) {
  Window window = Known();
  for (std::uint64_t i = 0; i < 5; ++i) {
    window.Add(ReportOf("aws/mx-south-9/iid-rsa2048", "REGION_UNKNOWN"),
               Sender(i));
  }
  EXPECT_EQ(window.Failing({}, window.senders()),
            std::vector<std::string>{"other"});
  const v1::FleetFailure failure = window.FailureOf("other");
  ASSERT_EQ(failure.names_size(), 1);
  EXPECT_EQ(failure.names(0).value(), "aws/mx-south-9/iid-rsa2048");
  EXPECT_EQ(failure.names(0).senders(), 5u);
}

TEST(Window, EvidenceThatCannotBeReadIsASlotOfItsOwn) {
  Window window = Known();
  for (std::uint64_t i = 0; i < 5; ++i) {
    window.Add(ReportOf("unread", "PKCS7_MALFORMED"), Sender(i));
  }
  EXPECT_EQ(window.Failing({}, window.senders()),
            std::vector<std::string>{"unread"});
}

TEST(Window, MadeUpNamesAreOneRow) {
  Window window = Known();
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    window.Add(ReportOf(absl::StrCat("aws/x-", i, "/iid-dsa"),
                        absl::StrCat("R", i), absl::StrCat("v", i)),
               Sender(i));
  }
  const v1::FleetWindow message = Described(window);
  ASSERT_EQ(message.rows_size(), 1);
  EXPECT_EQ(message.rows(0).slot(), "other");
  EXPECT_EQ(message.rows(0).reason(), "other");
  EXPECT_EQ(message.versions_size(), 9);
}

TEST(Window, NamesWhoFails) {
  Window window = Known();
  for (std::uint64_t i = 0; i < 3; ++i) {
    window.Add(ReportOf(kSlot, "SIGNATURE_MISMATCH", "1.0.0"), Sender(i));
  }
  window.Add(ReportOf(kSlot, "REGION_MISMATCH", "1.1.0"), Sender(3));
  window.Add(ReportOf(kSlot, "ACCEPTED", "2.0.0"), Sender(4));
  const v1::FleetFailure failure = window.FailureOf(kSlot);
  EXPECT_EQ(failure.senders(), 4u);
  ASSERT_EQ(failure.reasons_size(), 2);
  EXPECT_EQ(failure.reasons(0).value(), "SIGNATURE_MISMATCH");
  EXPECT_EQ(failure.reasons(0).senders(), 3u);
  ASSERT_EQ(failure.versions_size(), 2);
  EXPECT_EQ(failure.versions(0).value(), "1.0.0");
  ASSERT_EQ(failure.sequences_size(), 1);
  EXPECT_EQ(failure.sequences(0).value(), "7");
}

TEST(Window, OutcomesNeverWrap) {
  Window window = Known();
  Report report = ReportOf(kSlot, "ACCEPTED");
  report.outcomes[0].count = ~std::uint64_t{0};
  window.Add(report, Sender(1));
  window.Add(report, Sender(2));
  EXPECT_EQ(Described(window).rows(0).outcomes(), ~std::uint64_t{0});
}

}  // namespace
}  // namespace anchorage::trustd
