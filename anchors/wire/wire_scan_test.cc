#include "anchors/wire/wire_scan.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/anchorage/v1/anchor_service.pb.h"
#include "test/support/failing_new.h"

namespace anchorage::anchors {
namespace {

using Code = absl::StatusCode;

absl::StatusCode ScanOf(std::string_view bytes, const WireLimits& limits = {}) {
  return ScanWire(bytes, *v1::GetUpdateResponse::descriptor(), limits).code();
}

TEST(ScanWire, PassesWhatProtobufWrites) {
  v1::ListAnchorsResponse page;
  for (int i = 0; i < 100; ++i) {
    page.add_anchors()->mutable_slot()->set_region("eu-west-1");
  }
  const std::string bytes = page.SerializeAsString();
  v1::ListAnchorsResponse read;
  ASSERT_TRUE(ParseBounded(bytes, {}, read).ok());
  EXPECT_EQ(read.SerializeAsString(), bytes);
  // An anchor, its slot and its region.
  EXPECT_EQ(ParseBounded(bytes, {.fields = 300}, read).code(), Code::kOk);
  EXPECT_EQ(ParseBounded(bytes, {.fields = 299}, read).code(),
            Code::kResourceExhausted);
}

TEST(ScanWire, RefusesWhatIsNoWireForm) {
  for (const std::string_view bytes :
       {std::string_view("\x0a"), std::string_view("\x0a\x02x"),
        std::string_view("\x00\x00", 2), std::string_view("\x08"),
        std::string_view("\x08\xff"), std::string_view("\x0d\0\0\0", 4),
        std::string_view("\x09\0\0\0\0\0\0\0", 8),
        // Groups, and types that there are not.
        std::string_view("\x0b\x0c"), std::string_view("\x0c"),
        std::string_view("\x0e"), std::string_view("\x0f"),
        // Tags and numbers that are too long.
        std::string_view("\x88\x80\x80\x80\x10\x01"),
        std::string_view("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        // A length beyond every buffer.
        std::string_view("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")}) {
    EXPECT_EQ(ScanOf(bytes), Code::kInvalidArgument)
        << testing::PrintToString(bytes);
  }
  EXPECT_EQ(ScanOf(""), Code::kOk);
}

// Of a newer peer.
TEST(ScanWire, CountsFieldsThatItDoesNotKnowAndSkipsThem) {
  const std::string one = "\xfa\x07\x02\xff\xff";
  EXPECT_EQ(ScanOf(one), Code::kOk);
  EXPECT_EQ(ScanOf(one + one, {.fields = 2}), Code::kOk);
  EXPECT_EQ(ScanOf(one + one, {.fields = 1}), Code::kResourceExhausted);
}

// 16 MiB of empty roots cost 500 MB.
TEST(ScanWire, CountsEmptyFieldsBeforeTheyCost) {
  std::string bytes(16 * 1024 * 1024, '\0');
  for (std::size_t i = 0; i < bytes.size(); i += 2) bytes[i] = '\x0a';
  v1::GetUpdateResponse message;
  const std::size_t before = AllocatedBytes();
  EXPECT_EQ(ParseBounded(bytes, {}, message).code(), Code::kResourceExhausted);
  EXPECT_LT(AllocatedBytes() - before, 4096u);
}

TEST(ScanWire, BoundsTheDepth) {
  // A root that holds a slot that holds strings: depth is of known messages.
  v1::ListAnchorsResponse page;
  page.add_anchors()->mutable_slot()->set_region("r");
  const std::string bytes = page.SerializeAsString();
  EXPECT_EQ(ParseBounded(bytes, {.depth = 3}, page).code(), Code::kOk);
  EXPECT_EQ(ParseBounded(bytes, {.depth = 2}, page).code(),
            Code::kResourceExhausted);
}

}  // namespace
}  // namespace anchorage::anchors
