// What random years (test/simulation) have found.

#include "test/support/mirror_fixture.h"
#include "trustd/record/rotation_values.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorKind;

// One that some other look shows, an hour and more later.
std::vector<anchors::PageEntry> Again(std::vector<anchors::PageEntry> entries,
                                      const test::FakeIdentity& aws,
                                      absl::Time begins) {
  test::CertSpec spec = aws.Certificate("eu-west-1", AnchorKind::kIidRsa2048);
  spec.serial = "\x7f\x02";
  spec.SetValidity(begins, begins + absl::Hours(24 * 365));
  for (auto& entry : entries) {
    if (entry.slot.region == "eu-west-1" &&
        entry.slot.kind == AnchorKind::kIidRsa2048) {
      entry.der = test::MakeCertificate(spec);
    }
  }
  return entries;
}

// The policy published it: that one person of two was for it changes nothing.
TEST_F(MirrorTest, AnHourPassesAlsoAfterAStartAndOneApprovalOfTwo) {
  options_.core.rotations.approvals = 2;
  Start();
  ASSERT_TRUE(Observe(Page("mirror")).ok());
  const auto entries = Reissued();
  ASSERT_TRUE(Observe(PageOf(entries)).ok());
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes").ok());
  ASSERT_EQ(Sequence(), 1u);
  ASSERT_TRUE(Observe(PageOf(entries, "mirror")).ok());
  ASSERT_EQ(Sequence(), 2u);
  now_ += absl::Minutes(10);
  Start();
  const auto again = Again(entries, aws_, kNow);
  ASSERT_TRUE(Observe(PageOf(again)).ok());
  ASSERT_TRUE(Observe(PageOf(again, "mirror")).ok());
  EXPECT_EQ(Sequence(), 2u);
  now_ += absl::Hours(1);
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(Sequence(), 3u);
}

}  // namespace
}  // namespace anchorage::trustd
