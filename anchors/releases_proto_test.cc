// That the text of a list is protobuf's own mapping of its message.

#include <map>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "anchors/releases.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "proto/anchorage/v1/releases.pb.h"

namespace anchorage::anchors {
namespace {

using google::protobuf::util::JsonStringToMessage;
using google::protobuf::util::MessageToJsonString;
using verify::AttestationType;
using verify::ReleaseStatus;

std::string Value(char c) { return std::string(verify::kPcrBytes, c); }

Release Made(std::string product, std::string name, AttestationType type,
             std::map<int, std::string> measurements, ReleaseStatus status) {
  Release release;
  release.product = std::move(product);
  release.name = std::move(name);
  release.type = type;
  release.measurements = std::move(measurements);
  release.status = status;
  return release;
}

// A release of each type and status; the first has everything that one can
// have.
ReleaseList Good() {
  ReleaseList list;
  list.sequence = 7;
  list.created = absl::FromUnixSeconds(1'700'000'000);
  list.releases = {
      Made("signer", "2.3.0", AttestationType::kEnclave, {{0, Value('a')}},
           ReleaseStatus::kActive),
      Made("signer", "2.2.0", AttestationType::kNitroTpm, {{4, Value('b')}},
           ReleaseStatus::kRetired),
      Made("signer", "2.2.1", AttestationType::kNitroTpm, {{4, Value('c')}},
           ReleaseStatus::kRevoked),
  };
  list.releases[2].allow_extensions = "a lab";
  Release& full = list.releases[0];
  full.image_ids = {"signer.eif", "signer-debug.eif"};
  full.valid_from = absl::FromUnixSeconds(0);
  full.valid_until = absl::FromUnixSeconds(2'000'000'000);
  full.notes = "says \"\\\"";
  return list;
}

v1::ReleaseList Message(const ReleaseList& list) {
  v1::ReleaseList message;
  const auto status = JsonStringToMessage(SerializeReleases(list), &message);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return message;
}

TEST(ReleasesProto, ReadsOurTextAsWeMeanIt) {
  const v1::ReleaseList message = Message(Good());
  EXPECT_EQ(message.media_type(), kReleasesMediaType);
  EXPECT_EQ(message.sequence(), 7u);
  EXPECT_EQ(message.created_time().seconds(), 1'700'000'000);
  ASSERT_EQ(message.releases_size(), 3);
  const v1::Release& full = message.releases(0);
  EXPECT_EQ(full.product(), "signer");
  EXPECT_EQ(full.name(), "2.3.0");
  EXPECT_EQ(full.image_ids_size(), 2);
  EXPECT_EQ(full.type(), v1::RELEASE_TYPE_ENCLAVE);
  EXPECT_EQ(full.measurements().at(0), absl::BytesToHexString(Value('a')));
  EXPECT_TRUE(full.has_valid_from());
  EXPECT_EQ(full.valid_until().seconds(), 2'000'000'000);
  EXPECT_EQ(full.status(), v1::RELEASE_STATUS_ACTIVE);
  EXPECT_EQ(full.notes(), "says \"\\\"");
  EXPECT_EQ(message.releases(1).type(), v1::RELEASE_TYPE_NITROTPM);
  EXPECT_EQ(message.releases(1).status(), v1::RELEASE_STATUS_RETIRED);
  EXPECT_EQ(message.releases(2).status(), v1::RELEASE_STATUS_REVOKED);
  EXPECT_EQ(message.releases(2).allow_extensions(), "a lab");
}

TEST(ReleasesProto, WritesTheCanonicalText) {
  std::string text;
  ASSERT_TRUE(MessageToJsonString(Message(Good()), &text).ok());
  EXPECT_EQ(text, SerializeReleases(Good()));
}

// The order of a map's keys in protobuf's text is not defined, so here the
// values are compared.
TEST(ReleasesProto, WritesTextThatWeRead) {
  ReleaseList list = Good();
  for (int i = 1; i < 32; ++i) {
    list.releases[0].measurements[i] = Value(static_cast<char>(i));
  }
  std::string text;
  ASSERT_TRUE(MessageToJsonString(Message(list), &text).ok());
  const auto read = ParseReleases(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(*read == list);
}

}  // namespace
}  // namespace anchorage::anchors
