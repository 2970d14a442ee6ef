#include "verify/identity/identity_document.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "gtest/gtest.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

// As AWS writes one, with every field that can be null given a value.
constexpr char kGood[] = R"({
  "accountId" : "012345678901",
  "architecture" : "x86_64",
  "availabilityZone" : "us-east-1a",
  "billingProducts" : [ "bp-6fa54006" ],
  "devpayProductCodes" : null,
  "marketplaceProductCodes" : [ "1abc2defghijklm3nopqrs4tu", "second" ],
  "imageId" : "ami-0cbde744623b7506b",
  "instanceId" : "i-0c5541936caf78c12",
  "instanceType" : "u-6tb1.56xlarge",
  "kernelId" : "aki-919dcaf8",
  "pendingTime" : "2026-02-16T00:38:27Z",
  "privateIp" : "10.0.1.242",
  "ramdiskId" : "ari-12345678",
  "region" : "us-east-1",
  "version" : "2017-09-30"
})";

absl::StatusOr<IdentityDocument> Read(std::string_view text) {
  const auto scan = ScanIdentityDocument(text);
  if (!scan.ok()) return scan.status();
  return scan->ToDocument();
}

// kGood with one text in place of another, which must occur.
std::string Edited(std::string_view from, std::string_view to) {
  std::string text = kGood;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

std::optional<Reason> ReasonFor(std::string_view text) {
  return ReasonOf(Read(text).status());
}

TEST(IdentityDocument, HasEveryField) {
  const auto document = Read(kGood);
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->account_id, "012345678901");
  EXPECT_EQ(document->architecture, "x86_64");
  EXPECT_EQ(document->availability_zone, "us-east-1a");
  EXPECT_EQ(document->image_id, "ami-0cbde744623b7506b");
  EXPECT_EQ(document->instance_id, "i-0c5541936caf78c12");
  EXPECT_EQ(document->instance_type, "u-6tb1.56xlarge");
  EXPECT_EQ(document->kernel_id, "aki-919dcaf8");
  EXPECT_EQ(document->ramdisk_id, "ari-12345678");
  EXPECT_EQ(document->private_ip, "10.0.1.242");
  EXPECT_EQ(document->region, "us-east-1");
  EXPECT_EQ(document->version, "2017-09-30");
  EXPECT_EQ(document->pending_time,
            absl::FromCivil(absl::CivilSecond(2026, 2, 16, 0, 38, 27),
                            absl::UTCTimeZone()));
  EXPECT_EQ(document->devpay_product_codes, std::nullopt);
  EXPECT_EQ(document->billing_products,
            std::vector<std::string>{"bp-6fa54006"});
  EXPECT_EQ(document->marketplace_product_codes,
            (std::vector<std::string>{"1abc2defghijklm3nopqrs4tu", "second"}));
  EXPECT_TRUE(document->unknown_keys.empty());
}

TEST(IdentityDocument, ReadsVersion2010WithItsShortIds) {
  const auto document = Read(R"({"privateIp" : "172.18.130.217",
      "devpayProductCodes" : null, "availabilityZone" : "us-east-1a",
      "version" : "2010-08-31", "instanceId" : "i-b355e7f6",
      "billingProducts" : null, "instanceType" : "t2.small",
      "accountId" : "042293964381", "imageId" : "ami-6962a304",
      "pendingTime" : "2016-06-21T17:28:23Z", "architecture" : "x86_64",
      "kernelId" : null, "ramdiskId" : null, "region" : "us-east-1"})");
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->instance_id, "i-b355e7f6");
  EXPECT_EQ(document->marketplace_product_codes, std::nullopt);
}

TEST(IdentityDocument, TakesNullForAbsentAndTellsAnEmptyListApart) {
  EXPECT_EQ(Read(Edited("\"privateIp\" : \"10.0.1.242\",", ""))->private_ip,
            std::nullopt);
  EXPECT_EQ(Read(Edited("\"10.0.1.242\"", "null"))->private_ip, std::nullopt);
  EXPECT_EQ(Read(Edited("[ \"bp-6fa54006\" ]", "[]"))->billing_products,
            std::vector<std::string>{});
}

TEST(IdentityDocument, ListsUnknownKeysInTheirOrder) {
  const auto document = Read(
      Edited("{", R"({"zeta" : {"a" : [1, {"b" : 2}]}, "al\u0070ha" : 1,)"));
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->unknown_keys,
            (std::vector<std::string>{"zeta", "alpha"}));
}

TEST(IdentityDocument, ReadsEscapedKeysAndValuesAsWhatTheyMean) {
  const auto document =
      Read(Edited(R"("accountId" : "0)", R"("acc\u006funtId" : "\u0030)"));
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->account_id, "012345678901");
}

TEST(IdentityDocument, KeepsTheUnverifiedRegionApart) {
  const auto scan = ScanIdentityDocument(R"({"region" : "mars-north-1"})");
  ASSERT_TRUE(scan.ok());
  EXPECT_EQ(*scan->UnverifiedRegion(), "mars-north-1");
  EXPECT_EQ(ReasonOf(scan->ToDocument().status()), Reason::kFieldMissing);
}

TEST(IdentityDocument, RefusesARegionThatIsNone) {
  const auto reason = [](std::string_view text) {
    const auto scan = ScanIdentityDocument(text);
    EXPECT_TRUE(scan.ok());
    return ReasonOf(scan->UnverifiedRegion().status());
  };
  EXPECT_EQ(reason("{}"), Reason::kFieldMissing);
  EXPECT_EQ(reason(R"({"region" : null})"), Reason::kFieldMissing);
  EXPECT_EQ(reason(R"({"region" : 1})"), Reason::kFieldInvalid);
  EXPECT_EQ(reason(R"({"region" : ""})"), Reason::kFieldInvalid);
  EXPECT_EQ(reason(R"({"region" : "US-EAST-1"})"), Reason::kFieldInvalid);
  EXPECT_EQ(reason(R"({"region" : "us\u002deast-1"})"), Reason::kFieldInvalid);
}

TEST(IdentityDocument, NeedsTheFieldsThatAwsAlwaysGives) {
  for (const std::string name :
       {"accountId", "architecture", "availabilityZone", "imageId",
        "instanceId", "instanceType", "pendingTime", "region", "version"}) {
    // Under another name, and null.
    EXPECT_EQ(ReasonFor(Edited("\"" + name + "\"", "\"another\"")),
              Reason::kFieldMissing)
        << name;
    const std::string text = kGood;
    const std::size_t value = text.find('"', text.find(name) + name.size() + 1);
    const std::size_t end = text.find('"', value + 1);
    EXPECT_EQ(ReasonFor(text.substr(0, value) + "null" + text.substr(end + 1)),
              Reason::kFieldMissing)
        << name;
  }
}

struct BadValue {
  std::string_view from;
  std::string_view to;
};

TEST(IdentityDocument, RefusesAValueOfTheWrongTypeOrForm) {
  const std::string long_text = "\"" + std::string(129, 'a') + "\"";
  const BadValue bad[] = {
      {"\"012345678901\"", "12345678901"},
      {"\"012345678901\"", "\"12345678901\""},
      {"\"012345678901\"", "\"0123456789012\""},
      {"\"012345678901\"", "\"01234567890a\""},
      {"\"012345678901\"", "[\"012345678901\"]"},
      {"\"x86_64\"", "\"\""},
      {"\"x86_64\"", "true"},
      {"\"x86_64\"", "\"x86 64\""},
      {"\"x86_64\"", "\"x86_64\\u0001\""},
      {"\"x86_64\"", long_text},
      {"\"us-east-1a\"", "\"us-east-1\u00e4\""},
      {"\"us-east-1\",", "\"us_east_1\","},
      {"\"i-0c5541936caf78c12\"", "\"i-0C5541936CAF78C12\""},
      {"\"i-0c5541936caf78c12\"", "\"0c5541936caf78c12\""},
      {"\"i-0c5541936caf78c12\"", "\"i-0c55419\""},
      {"\"ami-0cbde744623b7506b\"", "\"ari-0cbde744623b7506b\""},
      {"\"aki-919dcaf8\"", "\"kernel\""},
      {"\"ari-12345678\"", "1"},
      {"\"10.0.1.242\"", "\"localhost\""},
      {"[ \"bp-6fa54006\" ]", "\"bp-6fa54006\""},
      {"[ \"bp-6fa54006\" ]", "[ 6 ]"},
      {"[ \"bp-6fa54006\" ]", "[ null ]"},
      {"[ \"bp-6fa54006\" ]", "[ \"\" ]"},
      {"[ \"bp-6fa54006\" ]", "[ \"a b\" ]"},
      {"[ \"bp-6fa54006\" ]", "[ [ \"a\" ] ]"},
      {"[ \"bp-6fa54006\" ]", "{ \"a\" : \"b\" }"},
      {"\"devpayProductCodes\" : null", "\"devpayProductCodes\" : false"},
  };
  for (const BadValue& b : bad) {
    EXPECT_EQ(ReasonFor(Edited(b.from, b.to)), Reason::kFieldInvalid)
        << b.from << " -> " << b.to;
  }
}

TEST(IdentityDocument, RefusesATimeOfAnyOtherForm) {
  for (const std::string_view time :
       {"2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
        "2026-02-16T24:00:00Z", "2026-02-16T00:60:00Z", "2016-12-31T23:59:60Z",
        "2026-02-16T00:38:27.5Z", "2026-02-16T00:38:27+00:00",
        "2026-02-16T00:38:27z", "2026-02-16t00:38:27Z", "2026-02-16 00:38:27Z",
        "2026-02-16T00:38:27", "26-02-16T00:38:27Z", "2026-02-16T00:38Z",
        "-026-02-16T00:38:27Z", "+026-02-16T00:38:27Z", "2025-02-29T00:00:00Z",
        ""}) {
    EXPECT_EQ(ParseDocumentTime(time), std::nullopt) << time;
    EXPECT_EQ(ReasonFor(Edited("2026-02-16T00:38:27Z", time)),
              Reason::kFieldInvalid)
        << time;
  }
  EXPECT_EQ(ReasonFor(Edited("\"2026-02-16T00:38:27Z\"", "1771202307")),
            Reason::kFieldInvalid);
}

TEST(IdentityDocument, ReadsTimesOfEveryYear) {
  EXPECT_EQ(ParseDocumentTime("1970-01-01T00:00:00Z"), absl::UnixEpoch());
  EXPECT_EQ(ParseDocumentTime("2024-02-29T23:59:59Z"),
            absl::FromCivil(absl::CivilSecond(2024, 2, 29, 23, 59, 59),
                            absl::UTCTimeZone()));
  EXPECT_EQ(ParseDocumentTime("9999-12-31T23:59:59Z"),
            absl::FromCivil(absl::CivilSecond(9999, 12, 31, 23, 59, 59),
                            absl::UTCTimeZone()));
}

TEST(IdentityDocument, RefusesAKeyThatAnotherReaderWouldTakeForAKnownOne) {
  for (const std::string_view key :
       {"accountID", "AccountId", "ACCOUNTID", "acc\\u006funtID",
        "\\u212aernelId", "bi\\u004clingProduct\\u017f", "Region"}) {
    EXPECT_EQ(ReasonFor(Edited("{", "{\"" + std::string(key) + "\" : null,")),
              Reason::kFieldInvalid)
        << key;
  }
}

TEST(IdentityDocument, RefusesTheSameKeyTwice) {
  for (const std::string_view first :
       {R"({"region" : "us-east-1",)", R"({"re\u0067ion" : "us-east-1",)",
        R"({"new" : 1, "n\u0065w" : 1,)", R"({"new" : {"a" : 1, "a" : 1},)",
        R"({"new" : [{"a" : 1, "\u0061" : 1}],)"}) {
    EXPECT_EQ(ReasonFor(Edited("{", first)), Reason::kDuplicateKey) << first;
  }
}

TEST(IdentityDocument, RefusesWhatIsNotStrictJson) {
  const std::string good = kGood;
  const std::string deep(kMaxDocumentDepth, '[');
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("null"),
        "\xef\xbb\xbf" + good, "// no\n" + good, Edited("null", "NaN"),
        Edited("null", "01"), Edited("null", "'a'"), Edited("null,", "null,,"),
        Edited("x86_64", "x86_64\n"), Edited("x86_64", "\xff"),
        Edited("x86_64", "\\ud800"), Edited("x86_64", "x86_64\\u0000"),
        Edited("x86_64", "\\x41"), Edited("\"version\"", "version"),
        Edited("2017-09-30\"", "2017-09-30\","),
        Edited("{", "{\"new\" : " + deep + ","), good.substr(0, 200)}) {
    EXPECT_EQ(ReasonFor(text), Reason::kDocumentMalformed) << text;
  }
  EXPECT_EQ(ReasonFor(good + "x"), Reason::kTrailingBytes);
  EXPECT_EQ(ReasonFor(good + good), Reason::kTrailingBytes);
}

TEST(IdentityDocument, RefusesMoreThanItsLimits) {
  const std::string good = kGood;
  EXPECT_TRUE(
      Read(good + std::string(kMaxDocumentBytes - good.size(), ' ')).ok());
  EXPECT_EQ(
      ReasonFor(good + std::string(kMaxDocumentBytes - good.size() + 1, ' ')),
      Reason::kInputTooLarge);

  std::string numbers = "0";
  for (std::size_t i = 1; i < kMaxDocumentValues; ++i) numbers += ",0";
  EXPECT_EQ(ReasonFor(Edited("{", "{\"new\" : [" + numbers + "],")),
            Reason::kInputTooLarge);
}

}  // namespace
}  // namespace anchorage::verify
