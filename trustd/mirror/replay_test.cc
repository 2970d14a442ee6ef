// What another configuration would have decided about a record.

#include "trustd/mirror/replay.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "anchors/catalog_proto.h"
#include "test/support/mirror_fixture.h"
#include "trustd/base/rocksdb_store.h"
#include "trustd/base/store_keys.h"

namespace anchorage::trustd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using End = Replay::End;

class ReplayTest : public MirrorTest {
 protected:
  void SetUp() override {
    MirrorTest::SetUp();
    // AWS re-issues a certificate, which is published, and a day later shows a
    // new key, which alice approves after five hours.
    auto entries = Reissued();
    ASSERT_TRUE(Observe(PageOf(entries)).ok());
    ASSERT_EQ(Sequence(), 2u);
    Pass(absl::Hours(24));
    Rekey();
    ASSERT_TRUE(Observe(Page()).ok());
    Pass(absl::Hours(5));
    ASSERT_TRUE(Decide(2, v1::Decision::KIND_APPROVE, "alice", "yes").ok());
    ASSERT_EQ(Sequence(), 3u);
  }

  void Pass(absl::Duration time) {
    now_ += time;
    ASSERT_TRUE(mirror_->Settle(now_).ok());
  }

  std::vector<v1::LedgerRecord> Records() const {
    std::vector<v1::LedgerRecord> records;
    EXPECT_TRUE(mirror_->ledger()
                    .Scan(0,
                          [&](std::uint64_t, const v1::LedgerRecord& record) {
                            records.push_back(record);
                            return true;
                          })
                    .ok());
    return records;
  }

  Replay Again(const std::vector<v1::LedgerRecord>& records) const {
    const auto replay = ReplayRecord(records, hub_.Current()->catalog,
                                     {.rotations = rotations_}, now_);
    EXPECT_TRUE(replay.ok()) << replay.status();
    return replay.value_or(Replay());
  }
  Replay Again() const { return Again(Records()); }

  void SetRule(RotationClass rotation_class, const RotationRule& rule) {
    ASSERT_TRUE(rotations_.policy.Set(rotation_class, rule).ok());
  }

  RotationOptions rotations_;
};

TEST_F(ReplayTest, TheSameConfigurationDecidesTheSame) {
  const Replay replay = Again();
  ASSERT_THAT(replay.rows, SizeIs(2));
  EXPECT_EQ(replay.rows[0].happened.end, End::kPublishedByPolicy);
  EXPECT_EQ(replay.rows[1].happened.end, End::kPublishedByPeople);
  EXPECT_THAT(replay.rows[1].happened.text,
              ::testing::AllOf(StartsWith("published after 5h"),
                               HasSubstr("by alice")));
  for (const Replay::Row& row : replay.rows) {
    EXPECT_TRUE(row.is_same) << row.replayed.text;
    EXPECT_EQ(row.replayed.text, row.happened.text);
  }
  EXPECT_EQ(replay.looks, 2);
  EXPECT_EQ(replay.looks_left_out, 0);
  EXPECT_EQ(replay.unexplained, 0);
}

TEST_F(ReplayTest, ARuleWouldHavePublishedWithoutPeople) {
  SetRule(RotationClass::kReKey, {.action = RotationAction::kPublishAfter,
                                  .sources = 1,
                                  .hold = absl::Hours(3)});
  const Replay replay = Again();
  ASSERT_THAT(replay.rows, SizeIs(2));
  EXPECT_EQ(replay.rows[1].replayed.end, End::kPublishedByPolicy);
  EXPECT_THAT(replay.rows[1].replayed.text, StartsWith("published after 3h,"));
  EXPECT_FALSE(replay.rows[1].is_same);
}

TEST_F(ReplayTest, TwoSourcesWouldHaveBeenTooMany) {
  SetRule(RotationClass::kReissue,
          {.action = RotationAction::kPublishAfter, .sources = 2});
  const Replay replay = Again();
  EXPECT_NE(replay.rows[0].replayed.end, End::kPublishedByPolicy);
  EXPECT_THAT(replay.rows[0].replayed.text, HasSubstr("1 of 2 sources"));
}

TEST_F(ReplayTest, MoreApprovalsWouldHaveHeldIt) {
  rotations_.approvals = 2;
  const Replay replay = Again();
  EXPECT_TRUE(replay.rows[0].is_same);
  EXPECT_EQ(replay.rows[1].replayed.end, End::kOpen);
  EXPECT_EQ(replay.rows[1].replayed.text,
            "held for people (1 approved): the policy holds RE_KEY");
}

// The digest of what is approved has the overlap in it.
TEST_F(ReplayTest, AnApprovalCountsUnderAnotherOverlap) {
  rotations_.overlap = absl::Hours(24);
  EXPECT_TRUE(Again().rows[1].is_same);
}

TEST_F(ReplayTest, TheGateIsNamed) {
  // Both in one hour: the second without people is too much.
  Rekey();
  auto spec = aws_.Certificate("eu-west-1", verify::AnchorKind::kIidRsa2048);
  spec.serial = "\x7f\x02";
  spec.SetValidity(now_, now_ + absl::Hours(24));
  auto entries = anchors::PageEntries(hub_.Current()->catalog);
  std::erase_if(entries, [](const auto& entry) {
    return entry.slot.region == "eu-west-1" &&
           entry.slot.kind == verify::AnchorKind::kIidRsa2048;
  });
  entries.push_back({{"aws", "eu-west-1", verify::AnchorKind::kIidRsa2048},
                     test::MakeCertificate(spec)});
  now_ += absl::Minutes(10);
  ASSERT_TRUE(Observe(PageOf(entries)).ok());
  // What was published by alice does not count against the rate; what a rule
  // publishes does.
  SetRule(RotationClass::kReKey, {.action = RotationAction::kPublishAfter,
                                  .sources = 1,
                                  .hold = absl::Minutes(4 * 60 + 30)});
  const Replay replay = Again();
  ASSERT_THAT(replay.rows, SizeIs(3));
  EXPECT_EQ(replay.rows[2].happened.end, End::kPublishedByPolicy);
  EXPECT_EQ(replay.rows[2].replayed.end, End::kOpen);
  EXPECT_THAT(replay.rows[2].replayed.text, HasSubstr(": TOO_OFTEN: "));
}

TEST_F(ReplayTest, ARevocationIsRevokedAgain) {
  PersonPins pin{.fact = {}, .last_key = true};
  pin.fact.set_action(v1::PinFact::ACTION_REVOKE);
  const auto& anchor = hub_.Current()->catalog.anchors.front();
  *pin.fact.mutable_slot() = anchors::ToProto(anchor.slot);
  pin.fact.set_spki_sha256(anchor.spki_sha256);
  pin.fact.set_by("olga");
  pin.fact.set_why("stolen");
  ASSERT_TRUE(mirror_->Pin(pin, now_).ok());
  for (const Replay::Row& row : Again().rows) EXPECT_TRUE(row.is_same);
}

TEST_F(ReplayTest, ALookWithoutItsCertificatesIsLeftOut) {
  auto records = Records();
  for (v1::LedgerRecord& record : records) {
    if (!record.has_detection() || record.detection().id() != 2) continue;
    for (auto& seen : *record.mutable_detection()->mutable_observed()) {
      seen.clear_der();
    }
  }
  // And from a catalog of before that.
  const auto replay =
      ReplayRecord(records, seed_, {.rotations = rotations_}, now_);
  ASSERT_TRUE(replay.ok()) << replay.status();
  EXPECT_EQ(replay->looks_left_out, 1);
  ASSERT_THAT(replay->rows, SizeIs(2));
  EXPECT_TRUE(replay->rows[0].is_same);
  EXPECT_EQ(replay->rows[1].replayed.end, End::kAbsent);
  EXPECT_THAT(ToText(*replay, "x"), HasSubstr("1 of 2 looks left out"));
}

TEST_F(ReplayTest, AnEmptyRecordHasNothing) {
  EXPECT_THAT(Again({}).rows, IsEmpty());
}

// All files of a folder, by name.
std::map<std::string, std::string> FilesIn(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(file.path(), std::ios::binary);
    files[file.path().filename()] = std::string(
        std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return files;
}

TEST_F(ReplayTest, AStoreThatIsInUseIsReadAndNotTouched) {
  const std::string folder = folder_ + "/store";
  {
    const auto store = *RocksDbStore::Open(folder);
    StoreBatch batch;
    for (const auto& [key, value] : store_.values) batch.Put(key, value);
    ASSERT_TRUE(store->Commit(batch).ok());
    const auto before = FilesIn(folder);
    const auto replay = ReplayStore(folder, {.rotations = rotations_}, now_);
    ASSERT_TRUE(replay.ok()) << replay.status();
    ASSERT_THAT(replay->rows, SizeIs(2));
    EXPECT_TRUE(replay->rows[1].is_same);
    EXPECT_EQ(FilesIn(folder), before);
    // It is written on.
    EXPECT_TRUE(store->Commit(batch).ok());
  }
  // A damaged record decides nothing.
  {
    const auto store = *RocksDbStore::Open(folder);
    StoreBatch batch;
    batch.Put(absl::StrCat(keys::kRecordPrefix, "0000000000000001"), "x");
    ASSERT_TRUE(store->Commit(batch).ok());
  }
  EXPECT_TRUE(absl::IsDataLoss(
      ReplayStore(folder, {.rotations = rotations_}, now_).status()));
  EXPECT_TRUE(absl::IsNotFound(
      ReplayStore(folder_, {.rotations = rotations_}, now_).status()));
}

}  // namespace
}  // namespace anchorage::trustd
