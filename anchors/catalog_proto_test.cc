#include "anchors/catalog_proto.h"

#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"

namespace anchorage::anchors {
namespace {

using google::protobuf::util::MessageDifferencer;

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

// Protobuf's own reader of JSON takes the text for the messages that we make.
TEST(CatalogProto, MakesWhatTheTextSays) {
  const Catalog good = Good();
  v1::Catalog message;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(
                  SerializeCatalog(good), &message)
                  .ok());
  ASSERT_EQ(message.anchors_size(), static_cast<int>(good.anchors.size()));
  std::string difference;
  MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  for (int i = 0; i < message.anchors_size(); ++i) {
    EXPECT_TRUE(
        differencer.Compare(message.anchors(i), ToProto(good.anchors[i])))
        << difference;
  }
}

// Our writer differs from protobuf's only in that it escapes nothing for HTML,
// so here they agree to the byte.
TEST(CatalogProto, TheTextIsProtobufsOwn) {
  const std::string ours = SerializeCatalog(Good());
  v1::Catalog message;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(ours, &message).ok());
  std::string text;
  ASSERT_TRUE(google::protobuf::util::MessageToJsonString(message, &text).ok());
  EXPECT_EQ(text, ours);
}

TEST(CatalogProto, ASlotComesBackAndAnUnknownKindDoesNot) {
  const Catalog good = Good();
  for (const CatalogAnchor& anchor : good.anchors) {
    EXPECT_EQ(SlotFromProto(ToProto(anchor.slot)), anchor.slot);
  }
  v1::Slot slot = ToProto(good.anchors[0].slot);
  for (const int kind : {0, 99}) {
    slot.set_kind(static_cast<v1::AnchorKind>(kind));
    EXPECT_EQ(SlotFromProto(slot), std::nullopt);
  }
}

TEST(CatalogProto, HasTheKindsOfTheTable) {
  const auto* kinds = v1::AnchorKind_descriptor();
  ASSERT_EQ(kinds->value_count(), 1 + std::size(verify::kAnchorKinds));
  v1::Slot message;
  for (int i = 0; i < kinds->value_count(); ++i) {
    const auto value = static_cast<v1::AnchorKind>(kinds->value(i)->number());
    message.set_kind(value);
    const auto slot = SlotFromProto(message);
    EXPECT_EQ(slot.has_value(), value != v1::ANCHOR_KIND_UNSPECIFIED);
    if (slot.has_value()) {
      EXPECT_EQ(ToProto(slot->kind), value);
    }
  }
}

}  // namespace
}  // namespace anchorage::anchors
