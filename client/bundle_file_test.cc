#include "client/bundle_file.h"

#include <gtest/gtest.h>

#include <string>

#include "anchors/bundle_proto.h"
#include "proto/anchorage/v1/anchor_service.pb.h"

namespace anchorage::client {
namespace {

anchors::BundleFiles Files() {
  anchors::BundleFiles files;
  files.roots = {"first", "", std::string(300, 'r')};
  files.timestamp = std::string("t\0imestamp", 10);
  files.snapshot = std::string(20'000, 's');
  files.targets = "targets";
  files.SetTarget(anchors::kCatalogTargetPath, "catalog");
  files.SetTarget(anchors::kReleasesTargetPath, "releases");
  return files;
}

void ExpectSame(const anchors::BundleFiles& a, const anchors::BundleFiles& b) {
  EXPECT_EQ(a.roots, b.roots);
  EXPECT_EQ(a.timestamp, b.timestamp);
  EXPECT_EQ(a.snapshot, b.snapshot);
  EXPECT_EQ(a.targets, b.targets);
  EXPECT_EQ(a.target_files, b.target_files);
}

TEST(BundleFileTest, WritesWhatProtobufWrites) {
  v1::GetUpdateResponse message = anchors::ToProto(Files());
  message.set_sequence(300);
  EXPECT_EQ(SerializeBundle(Files(), 300), message.SerializeAsString());
  EXPECT_EQ(SerializeBundle({}, 0), "");
}

TEST(BundleFileTest, ReadsWhatItWrites) {
  const auto read = ParseBundle(SerializeBundle(Files(), 1ull << 63));
  ASSERT_TRUE(read.ok()) << read.status();
  ExpectSame(*read, Files());
}

TEST(BundleFileTest, SkipsFieldsOfNewerPrograms) {
  // 100: a length; 101: 64 bits; 102: 32 bits; more_roots.
  const std::string newer(
      "\xa2\x06\x01x\xa9\x06"
      "12345678\xb5\x06"
      "1234\x10\x01",
      22);
  const auto read = ParseBundle(newer + SerializeBundle(Files(), 7) + newer);
  ASSERT_TRUE(read.ok()) << read.status();
  ExpectSame(*read, Files());
}

TEST(BundleFileTest, EveryTruncationEndsInTheSameWayAsProtobufs) {
  const std::string whole = SerializeBundle(Files(), 300);
  for (std::size_t size = 0; size < 400; ++size) {
    v1::GetUpdateResponse message;
    const std::string bytes = whole.substr(0, size);
    EXPECT_EQ(ParseBundle(bytes).ok(), message.ParseFromString(bytes)) << size;
  }
}

TEST(BundleFileTest, RefusesWhatIsNoMessage) {
  for (const std::string& bytes : {std::string("\x0b"), std::string("\0", 1),
                                   std::string("\x0a\x05"
                                               "ab"),
                                   std::string(11, '\xff')}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseBundle(bytes).status()));
  }
}

TEST(BundleFileTest, RefusesMoreFieldsThanABundleHas) {
  anchors::BundleFiles files;
  files.roots.resize(4096);
  EXPECT_TRUE(ParseBundle(SerializeBundle(files, 0)).ok());
  files.roots.resize(4097);
  EXPECT_FALSE(ParseBundle(SerializeBundle(files, 0)).ok());
}

}  // namespace
}  // namespace anchorage::client
