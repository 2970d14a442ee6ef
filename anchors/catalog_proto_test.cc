#include "anchors/catalog_proto.h"

#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using google::protobuf::util::MessageDifferencer;
using verify::Reason;
using verify::ReasonOf;

std::string BakedText() {
  std::ifstream file("anchors/baked/catalog.json", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The baked set, with everything in it that an anchor can have.
Catalog Good() {
  auto catalog = ParseCatalog(BakedText());
  EXPECT_TRUE(catalog.ok()) << catalog.status();
  CatalogAnchor& anchor = catalog->anchors[5];
  anchor.status = verify::AnchorStatus::kRetiring;
  anchor.valid_from = absl::FromUnixSeconds(0);
  anchor.valid_until = absl::FromUnixSeconds(2'000'000'000);
  anchor.first_seen = absl::FromUnixSeconds(1'600'000'000);
  anchor.replaces = std::string(64, 'a');
  anchor.accept_until = absl::FromUnixSeconds(2'100'000'000);
  catalog->anchors[6].status = verify::AnchorStatus::kAnnounced;
  catalog->anchors[7].status = verify::AnchorStatus::kRetired;
  catalog->anchors[8].status = verify::AnchorStatus::kRevoked;
  return *std::move(catalog);
}

TEST(CatalogProto, ComesBackFromTheMessage) {
  const auto back = FromProto(ToProto(Good()));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_TRUE(*back == Good());
}

TEST(CatalogProto, ReadsOurTextAsWeDo) {
  v1::Catalog message;
  const auto status = google::protobuf::util::JsonStringToMessage(
      SerializeCatalog(Good()), &message);
  ASSERT_TRUE(status.ok()) << status.ToString();
  std::string difference;
  MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  EXPECT_TRUE(differencer.Compare(message, ToProto(Good()))) << difference;
}

TEST(CatalogProto, WritesTextThatWeRead) {
  std::string text;
  ASSERT_TRUE(
      google::protobuf::util::MessageToJsonString(ToProto(Good()), &text).ok());
  const auto read = ParseCatalog(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(*read == Good());
}

// Our writer differs from protobuf's only in that it escapes nothing for HTML,
// so here they agree to the byte.
TEST(CatalogProto, WritesTheCanonicalText) {
  std::string text;
  ASSERT_TRUE(
      google::protobuf::util::MessageToJsonString(ToProto(Good()), &text).ok());
  EXPECT_EQ(text, SerializeCatalog(Good()));
}

TEST(CatalogProto, SkipsAndCountsWhatIsNewerThanItself) {
  v1::Catalog message = ToProto(Good());
  message.mutable_anchors(0)->mutable_slot()->set_kind(
      static_cast<v1::AnchorKind>(99));
  message.mutable_anchors(1)->set_status(static_cast<v1::AnchorStatus>(99));
  const auto catalog = FromProto(message);
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  EXPECT_EQ(catalog->skipped, 2);
  EXPECT_EQ(catalog->anchors.size(), Good().anchors.size() - 2);
}

TEST(CatalogProto, HasTheKindsOfTheTable) {
  const auto* kinds = v1::AnchorKind_descriptor();
  ASSERT_EQ(kinds->value_count(), 1 + std::size(verify::kAnchorKinds));
  for (int i = 0; i < kinds->value_count(); ++i) {
    const auto value = static_cast<v1::AnchorKind>(kinds->value(i)->number());
    const auto kind = KindFromProto(value);
    EXPECT_EQ(kind.has_value(), value != v1::ANCHOR_KIND_UNSPECIFIED);
    if (kind.has_value()) {
      EXPECT_EQ(ToProto(*kind), value);
    }
  }
}

struct Breakage {
  const char* name;
  std::function<void(v1::Catalog&)> apply;
  Reason expected;
};

class OneBreakage : public ::testing::TestWithParam<Breakage> {};

TEST_P(OneBreakage, IsRejectedForExactlyThatReason) {
  v1::Catalog message = ToProto(Good());
  GetParam().apply(message);
  EXPECT_EQ(ReasonOf(FromProto(message).status()), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    CatalogProto, OneBreakage,
    ::testing::Values(
        Breakage{"NoMediaType", [](v1::Catalog& c) { c.clear_media_type(); },
                 Reason::kFieldInvalid},
        Breakage{"NoSequence", [](v1::Catalog& c) { c.clear_sequence(); },
                 Reason::kFieldInvalid},
        Breakage{"NoTime", [](v1::Catalog& c) { c.clear_created_time(); },
                 Reason::kFieldMissing},
        Breakage{"TimeWithFraction",
                 [](v1::Catalog& c) { c.mutable_created_time()->set_nanos(1); },
                 Reason::kFieldInvalid},
        Breakage{"HintWithFraction",
                 [](v1::Catalog& c) { c.mutable_refresh_hint()->set_nanos(1); },
                 Reason::kFieldInvalid},
        Breakage{"NoAnchors", [](v1::Catalog& c) { c.clear_anchors(); },
                 Reason::kFieldInvalid},
        Breakage{"NoSlot",
                 [](v1::Catalog& c) { c.mutable_anchors(0)->clear_slot(); },
                 Reason::kFieldInvalid},
        Breakage{"NoStatus",
                 [](v1::Catalog& c) { c.mutable_anchors(0)->clear_status(); },
                 Reason::kFieldInvalid},
        Breakage{"OtherKey",
                 [](v1::Catalog& c) {
                   c.mutable_anchors(0)->set_spki_der(c.anchors(1).spki_der());
                 },
                 Reason::kFieldInvalid}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace anchorage::anchors
