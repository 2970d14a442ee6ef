// That the texts of both lists are protobuf's own mapping of their messages.

#include <string>

#include "absl/time/time.h"
#include "anchors/images/image_index.h"
#include "anchors/images/image_proto.h"
#include "anchors/images/producers.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "proto/anchorage/v1/images.pb.h"
#include "proto/anchorage/v1/producers.pb.h"

namespace anchorage::anchors {
namespace {

using google::protobuf::util::JsonStringToMessage;
using google::protobuf::util::MessageDifferencer;
using google::protobuf::util::MessageToJsonString;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// A producer of each status; the first has everything that one can have.
ProducerList Producers() {
  ProducerList list;
  list.sequence = 7;
  list.created = kNow;
  list.producers = {{"a",
                     {"ledger", "signer"},
                     {"der 1", "der 2"},
                     ProducerStatus::kActive,
                     "says \"\\\""},
                    {"b", {"ledger"}, {"der 3"}, ProducerStatus::kRetired, ""},
                    {"c", {"ledger"}, {"der 4"}, ProducerStatus::kRevoked, ""}};
  return list;
}

// An image of each status; the first has everything that one can have.
ImageIndex Index() {
  ImageIndex index;
  index.sequence = 9;
  index.created = kNow;
  Image image;
  image.product = "ledger";
  image.version = "1.2";
  image.producer = "a";
  image.manifest_sha256 = std::string(64, 'a');
  image.bundle_sha256 = std::string(64, 'b');
  image.chunks = {{kMaxChunkBytes, std::string(64, '1')}};
  image.received = kNow;
  index.images = {image, image};
  index.images[0].disk_sha256 = std::string(64, 'd');
  index.images[0].locations = {{"eu-west-1", "123456789012", "ami-1"},
                               {"us-east-1", "", "ami-2"}};
  index.images[0].notes = "says \"\\\"";
  index.images[1].manifest_sha256 = std::string(64, 'c');
  index.images[1].status = ImageStatus::kWithdrawn;
  index.floors = {{"ledger", "1.1"}};
  return index;
}

template <typename Proto>
Proto Message(const std::string& text) {
  Proto message;
  const auto status = JsonStringToMessage(text, &message);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return message;
}

template <typename Proto>
std::string Rewritten(const std::string& text) {
  std::string out;
  EXPECT_TRUE(MessageToJsonString(Message<Proto>(text), &out).ok());
  return out;
}

TEST(ListingProto, WritesTheCanonicalTexts) {
  const std::string producers = SerializeProducers(Producers());
  EXPECT_EQ(Rewritten<v1::ProducerList>(producers), producers);
  const std::string images = SerializeImageIndex(Index());
  EXPECT_EQ(Rewritten<v1::ImageIndex>(images), images);
  EXPECT_EQ(ParseProducers(producers).value(), Producers());
  EXPECT_EQ(ParseImageIndex(images).value(), Index());
}

TEST(ListingProto, ReadsOurTextsAsWeMeanThem) {
  const auto producers =
      Message<v1::ProducerList>(SerializeProducers(Producers()));
  EXPECT_EQ(producers.sequence(), 7u);
  EXPECT_EQ(producers.created_time().seconds(), absl::ToUnixSeconds(kNow));
  ASSERT_EQ(producers.producers_size(), 3);
  EXPECT_EQ(producers.producers(0).certificates(1).der(), "der 2");
  EXPECT_EQ(producers.producers(1).status(), v1::PRODUCER_STATUS_RETIRED);
  EXPECT_EQ(producers.producers(2).status(), v1::PRODUCER_STATUS_REVOKED);
  const auto index = Message<v1::ImageIndex>(SerializeImageIndex(Index()));
  EXPECT_EQ(index.floors(0).least_version(), "1.1");
  ASSERT_EQ(index.images_size(), 2);
  for (int i = 0; i < 2; ++i) {
    const Image image = Index().images[static_cast<std::size_t>(i)];
    EXPECT_TRUE(MessageDifferencer::Equals(index.images(i), ToProto(image)));
    EXPECT_EQ(FromProto(ToProto(image)).value(), image);
  }
}

TEST(ListingProto, TakesNoImageThatNoIndexCouldHave) {
  v1::Image image = ToProto(Index().images[0]);
  image.set_version("1.02");
  EXPECT_FALSE(FromProto(image).ok());
  // Unset is no permission.
  image = ToProto(Index().images[0]);
  image.clear_status();
  EXPECT_EQ(FromProto(image)->status, ImageStatus::kWithdrawn);
}

}  // namespace
}  // namespace anchorage::anchors
