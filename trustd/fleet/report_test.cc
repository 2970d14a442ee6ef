#include "trustd/fleet/report.h"

#include <gtest/gtest.h>

#include <functional>

#include "trustd/fleet/failure_reasons.h"
#include "trustd/fleet/sender_address.h"
#include "verify/reason.h"

namespace anchorage::trustd {
namespace {

v1::ReportOutcomesRequest Good() {
  v1::ReportOutcomesRequest request;
  request.set_library_version("1.2.0-rc.1+x");
  request.set_bundle_sequence(7);
  request.set_seconds(3600);
  request.set_sampled_one_in(1);
  v1::OutcomeCount& count = *request.add_counts();
  count.set_partition("aws");
  count.set_region("eu-west-1");
  count.set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  count.set_reason("SIGNATURE_MISMATCH");
  count.set_count(3);
  return request;
}

// Returns the only outcome of Good() after a change.
ReportedOutcome OutcomeOf(const std::function<void(v1::OutcomeCount&)>& change,
                          std::uint32_t sampled_one_in = 1) {
  v1::ReportOutcomesRequest request = Good();
  request.set_sampled_one_in(sampled_one_in);
  change(*request.mutable_counts(0));
  const auto report = ReadReport(request);
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? report->outcomes.at(0) : ReportedOutcome();
}

TEST(ReadReport, ReadsAReport) {
  const auto report = ReadReport(Good());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->version, "1.2.0-rc.1+x");
  EXPECT_EQ(report->sequence, 7u);
  ASSERT_EQ(report->outcomes.size(), 1u);
  EXPECT_EQ(report->outcomes[0].slot, "aws/eu-west-1/iid-rsa2048");
  EXPECT_EQ(report->outcomes[0].reason, "SIGNATURE_MISMATCH");
  EXPECT_EQ(report->outcomes[0].count, 3u);
}

TEST(ReadReport, RefusesWhatExceedsALimit) {
  using Change = std::function<void(v1::ReportOutcomesRequest&)>;
  const std::string long_name(33, 'a');
  for (const Change& change : std::initializer_list<Change>{
           [](auto& r) { r.set_library_version(""); },
           [&](auto& r) { r.set_library_version(long_name); },
           [](auto& r) { r.set_library_version("1 0"); },
           [](auto& r) { r.set_library_version("1\n"); },
           [](auto& r) { r.set_seconds(7 * 86400 + 1); },
           [](auto& r) { r.set_sampled_one_in(1'000'001); },
           [](auto& r) { r.mutable_counts(0)->set_count(0); },
           [](auto& r) { r.mutable_counts(0)->set_partition("AWS"); },
           [&](auto& r) { r.mutable_counts(0)->set_region(long_name); },
           [](auto& r) { r.mutable_counts(0)->set_region("a/b"); },
           [](auto& r) { r.mutable_counts(0)->set_reason("lower"); },
           [](auto& r) {
             r.mutable_counts(0)->set_reason(std::string(64, 'A'));
           },
           [](auto& r) {
             for (int i = 0; i < 64; ++i) *r.add_counts() = r.counts(0);
           }}) {
    v1::ReportOutcomesRequest request = Good();
    change(request);
    EXPECT_TRUE(absl::IsInvalidArgument(ReadReport(request).status()))
        << request.ShortDebugString();
  }
}

TEST(ReadReport, TakesWhatIsAtALimit) {
  v1::ReportOutcomesRequest request = Good();
  request.set_library_version(std::string(32, 'z'));
  request.set_seconds(7 * 86400);
  request.set_sampled_one_in(0);
  for (int i = 1; i < 64; ++i) *request.add_counts() = request.counts(0);
  EXPECT_TRUE(ReadReport(request).ok());
  request.clear_counts();
  request.set_seconds(0);
  EXPECT_TRUE(ReadReport(request).ok());
}

TEST(ReadReport, CountsNoMoreThanTheMost) {
  EXPECT_EQ(OutcomeOf([](auto& c) { c.set_count(~std::uint64_t{0}); }).count,
            kMostOutcomes);
  EXPECT_EQ(
      OutcomeOf([](auto& c) { c.set_count(~std::uint64_t{0}); }, 1'000'000)
          .count,
      kMostOutcomes);
  EXPECT_EQ(OutcomeOf([](auto& c) { c.set_count(5); }, 100).count, 500u);
}

TEST(ReadReport, NamesTheSlotAsWellAsItCan) {
  const auto slot = [](const char* partition, const char* region,
                       v1::AnchorKind kind) {
    return OutcomeOf([&](auto& c) {
             c.set_partition(partition);
             c.set_region(region);
             c.set_kind(kind);
           })
        .slot;
  };
  EXPECT_EQ(slot("", "", v1::ANCHOR_KIND_IID_DSA), kUnreadSlot);
  EXPECT_EQ(slot("", "cn-north-1", v1::ANCHOR_KIND_IID_DSA),
            "aws-cn/cn-north-1/iid-dsa");
  // One root is for all regions of a partition.
  EXPECT_EQ(slot("aws", "eu-west-1", v1::ANCHOR_KIND_NITRO_ROOT),
            "aws//nitro-root");
  EXPECT_EQ(slot("aws", "eu-west-1", v1::ANCHOR_KIND_UNSPECIFIED),
            "aws/eu-west-1/-");
  EXPECT_EQ(slot("aws", "eu-west-1", static_cast<v1::AnchorKind>(99)),
            "aws/eu-west-1/-");
}

TEST(ReadReport, WhatHasNoReasonWasAccepted) {
  EXPECT_EQ(OutcomeOf([](auto& c) { c.clear_reason(); }).reason, kAccepted);
}

TEST(MayRefuseGenuine, NoPolicyIsAnAlert) {
  int alerting = 0;
  for (const verify::Reason reason : verify::AllReasons()) {
    const bool may = MayRefuseGenuine(reason);
    if (may) ++alerting;
    if (verify::FamilyOf(reason) == verify::Family::kRefusedByPolicy) {
      EXPECT_FALSE(may) << verify::NameOf(reason);
    }
  }
  EXPECT_GT(alerting, 0);
}

TEST(MayRefuseGenuine, UnknownSignersAndFormsAreAlertsAndStaleOnesAreNot) {
  using enum verify::Reason;
  for (const verify::Reason reason :
       {kSignatureMismatch, kRegionUnknown, kRootNotPinned, kAnchorNotActive,
        kAnchorRevoked, kAnchorsExpired, kPkcs7Malformed, kClockSuspect}) {
    EXPECT_TRUE(MayRefuseGenuine(reason)) << verify::NameOf(reason);
  }
  for (const verify::Reason reason :
       {kTooOld, kReplayed, kNonceMismatch, kLeafExpired, kDigestMismatch,
        kContentMismatch, kWrongDocumentType, kLedgerUnavailable}) {
    EXPECT_FALSE(MayRefuseGenuine(reason)) << verify::NameOf(reason);
  }
}

IpAddress Address(const char* text) {
  const auto address = IpAddress::Parse(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address.value_or(IpAddress());
}

TEST(SenderAddress, OnlyAProxySaysWhoSentIt) {
  const auto proxies = AddressList::Parse({"192.0.2.0/24", "::1"});
  ASSERT_TRUE(proxies.ok());
  const auto sender = [&](const char* peer, const char* forwarded) {
    return SenderAddress(Address(peer), forwarded, *proxies);
  };
  const IpAddress client = Address("198.51.100.9");
  // No proxy.
  EXPECT_EQ(sender("198.51.100.9", "203.0.113.1"), client);
  EXPECT_EQ(sender("127.0.0.1", "203.0.113.1"), Address("127.0.0.1"));
  EXPECT_EQ(sender("192.0.2.1", "198.51.100.9"), client);
  EXPECT_EQ(sender("::1", "198.51.100.9"), client);
  // What stands before it is of the sender's own making.
  EXPECT_EQ(sender("192.0.2.1", "203.0.113.1, 198.51.100.9"), client);
  EXPECT_EQ(sender("192.0.2.1", "203.0.113.1,\t198.51.100.9 , 192.0.2.7"),
            client);
  EXPECT_EQ(sender("192.0.2.1", "192.0.2.3, 192.0.2.2"), Address("192.0.2.3"));
}

TEST(SenderAddress, WhatIsNoAddressIsOfTheProxy) {
  const auto proxies = AddressList::Parse({"192.0.2.0/24"});
  ASSERT_TRUE(proxies.ok());
  const IpAddress proxy = Address("192.0.2.1");
  for (const char* forwarded :
       {"", " ", ",", "198.51.100.9,", "unknown", "198.51.100.9:80",
        "[2001:db8::1]", "198.51.100.9;x", "198.51.100.09", "1.2.3",
        "198.51.100.9 198.51.100.8"}) {
    EXPECT_EQ(SenderAddress(proxy, forwarded, *proxies), proxy) << forwarded;
  }
  EXPECT_EQ(
      SenderAddress(proxy, std::string_view("198.51.100.9\0", 13), *proxies),
      proxy);
  // The nearer proxy is listed and known to be right; the one before it isn't.
  EXPECT_EQ(SenderAddress(proxy, "bad, 192.0.2.7", *proxies),
            Address("192.0.2.7"));
}

TEST(SenderAddress, OfIpv6ASixtyFourIsOneSender) {
  EXPECT_EQ(SenderAddress(Address("2001:db8::1"), "", {}),
            SenderAddress(Address("2001:db8::ffff:1"), "", {}));
  EXPECT_NE(SenderAddress(Address("2001:db8::1"), "", {}),
            SenderAddress(Address("2001:db8:0:1::1"), "", {}));
}

}  // namespace
}  // namespace anchorage::trustd
