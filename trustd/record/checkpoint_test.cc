#include "trustd/record/checkpoint.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "test/support/fake_store.h"
#include "test/support/forge_checkpoint.h"

namespace anchorage::trustd {
namespace {

bool GoOn() { return true; }

// Any facts, most of them about rotations that there are.
class RandomRecords {
 public:
  explicit RandomRecords(unsigned seed) : random_(seed) {}

  v1::LedgerRecord Next() {
    v1::LedgerRecord record;
    record.mutable_time()->set_seconds(1'700'000'000 + Up(1000));
    record.mutable_time()->set_nanos(Up(2));
    switch (Up(11)) {
      case 0:
        record.mutable_observation()->set_source(Name());
        record.mutable_observation()->set_content_sha256(Name());
        break;
      case 1:
      case 2:
        Detect(*record.mutable_detection());
        break;
      case 3:
        record.mutable_stance()->set_rotation_id(Id());
        record.mutable_stance()->mutable_stance()->set_source(Name());
        record.mutable_stance()->mutable_stance()->set_stance(
            v1::SourceStance::STANCE_AGREES);
        break;
      case 4:
        record.mutable_proof()->set_rotation_id(Id());
        record.mutable_proof()->mutable_proof()->set_submitter(Name());
        record.mutable_proof()->mutable_proof()->mutable_evidence()->set_pkcs7(
            Name());
        break;
      case 5:
      case 6: {
        record.mutable_decision()->set_rotation_id(Id());
        v1::Decision& decision = *record.mutable_decision()->mutable_decision();
        decision.set_kind(static_cast<v1::Decision::Kind>(1 + Up(3)));
        decision.set_by(Name());
        decision.set_effect_sha256("effect");
        break;
      }
      case 7:
      case 8:
        record.mutable_state()->set_rotation_id(Id());
        record.mutable_state()->set_state(
            static_cast<v1::RotationState>(1 + Up(7)));
        break;
      case 9:
        record.mutable_approvals_void()->set_rotation_id(Id());
        if (Up(2) == 0) record.mutable_approvals_void()->set_by(Name());
        break;
      default:
        if (Up(2) == 0) {
          record.mutable_pin()->set_by(Name());
        } else {
          record.mutable_publication()->set_sequence(Up(1000));
          record.mutable_publication()->add_rotation_ids(Id());
        }
    }
    return record;
  }

 private:
  int Up(int below) {
    return static_cast<int>(random_() % static_cast<unsigned>(below));
  }
  std::string Name() { return "name-" + std::to_string(Up(4)); }
  std::uint64_t Id() { return static_cast<std::uint64_t>(1 + Up(last_ + 1)); }

  void Detect(v1::Rotation& rotation) {
    rotation.set_id(Up(4) == 0 ? Id() : static_cast<std::uint64_t>(++last_));
    rotation.set_change_id(Name());
    rotation.set_source(Name());
    rotation.set_effect_sha256("effect");
    rotation.set_state(v1::ROTATION_STATE_DETECTED);
    rotation.mutable_slot()->set_partition("aws");
    rotation.mutable_slot()->set_region(Name());
    rotation.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
    rotation.set_rotation_class(static_cast<v1::RotationClass>(1 + Up(10)));
    if (rotation.rotation_class() == v1::ROTATION_CLASS_SOURCE_ANOMALY) {
      rotation.set_anomaly("STALE");
    }
    v1::SeenCertificate& seen = *rotation.add_observed();
    seen.set_der(Name());
    seen.set_sha256(Name());
  }

  std::mt19937 random_;
  int last_ = 0;
};

class CheckpointTest : public ::testing::Test {
 protected:
  // Has a record grow by `count`, with checkpoints every `between` ones.
  void Grow(int count, std::uint64_t between, unsigned seed = 1) {
    RandomRecords records(seed);
    auto record = Open();
    for (int i = 0; i < count; ++i) {
      StoreBatch also;
      if ((i + 1) % between == 0) {
        record.checkpoint = AddCheckpoint(
            record.ledger->tree(), record.book,
            record.checkpoint ? &*record.checkpoint : nullptr, also);
      }
      const v1::LedgerRecord next = records.Next();
      const auto index = record.ledger->Append({next}, also);
      ASSERT_TRUE(index.ok()) << index.status();
      record.book.Fold(*index, next);
    }
  }

  OpenedRecord Open() {
    auto record = OpenRecord(store_);
    EXPECT_TRUE(record.ok()) << record.status();
    return *std::move(record);
  }

  // As a start that reads everything.
  OpenedRecord ReadAll() {
    FakeStore without = store_;
    without.values.erase("checkpoint");
    auto record = OpenRecord(without);
    EXPECT_TRUE(record.ok()) << record.status();
    EXPECT_FALSE(record->checkpoint.has_value());
    return *std::move(record);
  }

  void ExpectSameAsAll(const OpenedRecord& record) {
    const OpenedRecord all = ReadAll();
    EXPECT_TRUE(record.ledger->health().ok()) << record.ledger->health();
    EXPECT_TRUE(record.book == all.book);
    EXPECT_EQ(record.ledger->head().size, all.ledger->head().size);
    EXPECT_EQ(record.ledger->head().root, all.ledger->head().root);
  }

  // What is found when the records are read again.
  absl::Status Check() {
    const OpenedRecord record = Open();
    EXPECT_TRUE(record.ledger->health().ok()) << record.ledger->health();
    EXPECT_TRUE(record.checkpoint.has_value());
    return CheckAgainstRecord(store_, *record.checkpoint, GoOn);
  }

  std::string& Record(int index) {
    return store_.values[absl::StrFormat("ledger/record/%016x", index)];
  }

  FakeStore store_;
};

TEST_F(CheckpointTest, GivesTheSameAsAllRecords) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    store_ = FakeStore();
    Grow(700, 100 + seed, seed);
    const OpenedRecord record = Open();
    ASSERT_TRUE(record.checkpoint.has_value());
    EXPECT_GT(record.checkpoint->tree.size(), 500u);
    ExpectSameAsAll(record);
    const absl::Status checked =
        CheckAgainstRecord(store_, *record.checkpoint, GoOn);
    EXPECT_TRUE(checked.ok()) << seed << ": " << checked;
  }
}

// More than one piece, one of which alone is new in the last checkpoint.
TEST_F(CheckpointTest, WritesWhatHasChanged) {
  OpenedRecord record = Open();
  v1::LedgerRecord detection;
  for (std::uint64_t id = 1; id <= 600; ++id) {
    detection.mutable_detection()->set_id(id);
    record.book.Fold(id, detection);
  }
  StoreBatch all;
  const Checkpoint first =
      AddCheckpoint(record.ledger->tree(), record.book, nullptr, all);
  EXPECT_EQ(all.changes().size(), 4u);
  detection.mutable_detection()->set_id(300);
  detection.mutable_detection()->set_source("changed");
  record.book.Fold(601, detection);
  StoreBatch more;
  (void)AddCheckpoint(record.ledger->tree(), record.book, &first, more);
  ASSERT_EQ(more.changes().size(), 2u);
  EXPECT_EQ(more.changes()[0].key, "checkpoint/piece/0000000000000001");
}

TEST_F(CheckpointTest, GoesOnAfterAStart) {
  Grow(300, 100);
  Grow(300, 100, 2);
  ExpectSameAsAll(Open());
  EXPECT_TRUE(Check().ok());
}

TEST_F(CheckpointTest, AStoreWithoutOneIsReadInFull) {
  Grow(50, 1000);
  const OpenedRecord record = Open();
  EXPECT_FALSE(record.checkpoint.has_value());
  ExpectSameAsAll(record);
}

TEST_F(CheckpointTest, OneChangedBitThrowsItAway) {
  Grow(300, 100);
  for (const char* key : {"checkpoint", "checkpoint/piece/0000000000000000"}) {
    const std::string sound = store_.values[key];
    for (std::size_t at = 0; at < sound.size(); at += 97) {
      store_.values[key][at] ^= 1;
      const OpenedRecord record = Open();
      EXPECT_FALSE(record.checkpoint.has_value()) << key << " " << at;
      store_.values[key] = sound;
    }
    store_.values[key][sound.size() / 2] ^= 1;
    ExpectSameAsAll(Open());
    store_.values[key] = sound;
  }
}

TEST_F(CheckpointTest, ThatOfAnotherProgramIsThrownAway) {
  Grow(300, 100);
  ASSERT_TRUE(ForgeCheckpoint(store_, [](auto& checkpoint, auto&) {
    checkpoint.set_program(checkpoint.program() + "1");
  }));
  const OpenedRecord record = Open();
  EXPECT_FALSE(record.checkpoint.has_value());
  ExpectSameAsAll(record);
}

TEST_F(CheckpointTest, ThatOfAnotherRecordIsThrownAway) {
  Grow(300, 100);
  const std::string other = store_.values["checkpoint"];
  const std::string piece = store_.values["checkpoint/piece/0000000000000000"];
  store_ = FakeStore();
  Grow(300, 100, 2);
  store_.values["checkpoint"] = other;
  store_.values["checkpoint/piece/0000000000000000"] = piece;
  const OpenedRecord record = Open();
  EXPECT_FALSE(record.checkpoint.has_value());
  ExpectSameAsAll(record);
}

TEST_F(CheckpointTest, OneThatIsAheadOfTheRecordIsThrownAway) {
  Grow(300, 100);
  // As a store that was put back, its head with it.
  FakeStore older;
  std::swap(older, store_);
  Grow(250, 1000);
  store_.values["checkpoint"] = older.values["checkpoint"];
  store_.values["checkpoint/piece/0000000000000000"] =
      older.values["checkpoint/piece/0000000000000000"];
  const OpenedRecord record = Open();
  EXPECT_FALSE(record.checkpoint.has_value());
  ExpectSameAsAll(record);
}

TEST_F(CheckpointTest, ForgeriesAreFoundInTheRecord) {
  const std::function<void(v1::RecordCheckpoint&, v1::CheckpointPiece&)>
      forgeries[] = {
          [](auto&, auto& piece) {
            v1::Decision& decision =
                *piece.mutable_entries(0)->mutable_rotation()->add_decisions();
            decision.set_kind(v1::Decision::KIND_APPROVE);
            decision.set_by("alice");
          },
          [](auto&, auto& piece) {
            piece.mutable_entries(0)->mutable_approved_time()->set_nanos(1);
          },
          [](auto&, auto& piece) {
            piece.mutable_entries(0)->set_void_decisions(77);
          },
          [](auto&, auto& piece) {
            piece.mutable_entries(0)->add_void_people()->set_by("nobody");
          },
          [](auto&, auto& piece) { piece.mutable_entries()->RemoveLast(); },
          [](auto& checkpoint, auto&) { checkpoint.add_live(7777); },
          [](auto& checkpoint, auto&) {
            checkpoint.add_newest()->set_change_id("x");
          },
          [](auto& checkpoint, auto&) {
            checkpoint.add_observed()->mutable_fact()->set_source("x");
          },
          [](auto& checkpoint, auto&) {
            checkpoint.add_pins()->mutable_pin()->set_by("alice");
          },
          [](auto& checkpoint, auto&) {
            checkpoint.add_anomalies()->set_key("x");
          },
          [](auto& checkpoint, auto&) {
            checkpoint.mutable_automatic()->Clear();
          },
          [](auto& checkpoint, auto&) {
            checkpoint.set_next_id(checkpoint.next_id() + 1);
          },
          [](auto& checkpoint, auto&) {
            checkpoint.mutable_last_publication()->set_sequence(7777);
          },
      };
  Grow(700, 100);
  ASSERT_TRUE(Check().ok());
  const FakeStore sound = store_;
  int number = 0;
  for (const auto& forgery : forgeries) {
    store_ = sound;
    ASSERT_TRUE(ForgeCheckpoint(store_, forgery));
    EXPECT_TRUE(absl::IsDataLoss(Check())) << number;
    ++number;
  }
}

TEST_F(CheckpointTest, AnOlderRecordThatWasChangedIsFound) {
  Grow(700, 100);
  const FakeStore sound = store_;
  Record(3).back() ^= 1;
  EXPECT_TRUE(absl::IsDataLoss(Check()));
  store_ = sound;
  store_.values.erase("ledger/record/0000000000000003");
  EXPECT_TRUE(absl::IsDataLoss(Check()));
  store_ = sound;
  // With the hash of its leaf.
  RandomRecords others(99);
  const std::string bytes = others.Next().SerializeAsString();
  const auto leaf = anchors::LeafHash(bytes);
  Record(3) =
      std::string(reinterpret_cast<const char*>(leaf.data()), leaf.size()) +
      bytes;
  EXPECT_TRUE(absl::IsDataLoss(Check()));
}

TEST_F(CheckpointTest, TheCheckCanBeEnded) {
  Grow(700, 100);
  const OpenedRecord record = Open();
  int asked = 0;
  const absl::Status checked = CheckAgainstRecord(store_, *record.checkpoint,
                                                  [&] { return ++asked < 2; });
  EXPECT_TRUE(absl::IsCancelled(checked)) << checked;
}

}  // namespace
}  // namespace anchorage::trustd
