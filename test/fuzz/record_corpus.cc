#include <cstdint>
#include <string>
#include <vector>

#include "proto/anchorage/v1/backup.pb.h"
#include "proto/anchorage/v1/ledger.pb.h"
#include "proto/anchorage/v1/rotation.pb.h"
#include "test/fuzz/corpus.h"
#include "test/fuzz/fuzz.h"
#include "tools/trustctl/ledger_check.h"
#include "trustd/backup/manifest.h"

namespace anchorage::test {
namespace {

v1::LedgerRecord At(int seconds) {
  v1::LedgerRecord record;
  record.mutable_time()->set_seconds(1'800'000'000 + seconds);
  return record;
}

v1::Rotation Opened(int id, v1::RotationClass rotation_class) {
  v1::Rotation rotation;
  rotation.set_id(static_cast<std::uint64_t>(id));
  rotation.set_change_id("change " + std::to_string(id));
  rotation.set_rotation_class(rotation_class);
  rotation.mutable_slot()->set_partition("aws");
  rotation.mutable_slot()->set_region("eu-west-1");
  rotation.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  rotation.set_state(v1::ROTATION_STATE_DETECTED);
  rotation.set_source("page");
  rotation.set_effect_sha256("effect");
  if (rotation_class == v1::ROTATION_CLASS_SOURCE_ANOMALY) {
    rotation.set_anomaly("STALE");
  } else {
    rotation.add_observed()->set_der("certificate");
  }
  return rotation;
}

std::string Text(const std::vector<v1::LedgerRecord>& records) {
  std::string text;
  for (const v1::LedgerRecord& record : records) {
    text += Part(record.SerializeAsString());
  }
  return text;
}

}  // namespace

Seeds RecordSeeds() {
  // The life of a rotation, with what is beside it.
  std::vector<v1::LedgerRecord> life;
  const auto add = [&]() -> v1::LedgerRecord& {
    life.push_back(At(static_cast<int>(life.size())));
    return life.back();
  };
  add().mutable_observation()->set_source("page");
  *add().mutable_detection() = Opened(1, v1::ROTATION_CLASS_RE_KEY);
  v1::StanceFact& stance = *add().mutable_stance();
  stance.set_rotation_id(1);
  stance.mutable_stance()->set_source("page");
  stance.mutable_stance()->set_stance(v1::SourceStance::STANCE_AGREES);
  add().mutable_proof()->set_rotation_id(1);
  v1::DecisionFact& decision = *add().mutable_decision();
  decision.set_rotation_id(1);
  decision.mutable_decision()->set_kind(v1::Decision::KIND_APPROVE);
  decision.mutable_decision()->set_by("alice");
  decision.mutable_decision()->set_effect_sha256("effect");
  v1::VoidFact& is_void = *add().mutable_approvals_void();
  is_void.set_rotation_id(1);
  is_void.set_by("alice");
  for (const auto state :
       {v1::ROTATION_STATE_APPROVED, v1::ROTATION_STATE_PUBLISHED,
        v1::ROTATION_STATE_COMPLETED}) {
    v1::StateFact& fact = *add().mutable_state();
    fact.set_rotation_id(1);
    fact.set_state(state);
  }
  add().mutable_pin()->set_by("alice");
  add().mutable_publication()->add_rotation_ids(1);
  add().mutable_source()->set_source("page");
  add().mutable_store()->set_by("alice");
  v1::ManifestFact& manifest = *add().mutable_manifest();
  manifest.set_by("builder");
  manifest.set_product("ledger");

  // Anomalies that come and go.
  std::vector<v1::LedgerRecord> flicker;
  for (int id = 1; id <= 4; ++id) {
    v1::LedgerRecord found = At(id);
    *found.mutable_detection() = Opened(id, v1::ROTATION_CLASS_SOURCE_ANOMALY);
    flicker.push_back(found);
    v1::LedgerRecord gone = At(id);
    gone.mutable_state()->set_rotation_id(static_cast<std::uint64_t>(id));
    gone.mutable_state()->set_state(v1::ROTATION_STATE_WITHDRAWN);
    flicker.push_back(gone);
  }
  return {Text(life), Text(flicker)};
}

Seeds LedgerFileSeeds() {
  Seeds seeds(2);
  for (int i = 0; i < 3; ++i) {
    v1::LedgerRecord record = At(i);
    record.mutable_source()->set_source("page");
    const std::string bytes = record.SerializeAsString();
    seeds[0] += trustctl::ToText({static_cast<std::uint64_t>(i), bytes}) + "\n";
    seeds[1] += trustctl::Delimited(bytes);
  }
  return seeds;
}

Seeds ManifestSeeds() {
  v1::BackupManifest manifest;
  manifest.set_format(trustd::kBackupFormat);
  manifest.set_program("trustd 1.2.0");
  manifest.mutable_made()->set_seconds(1'800'000'000);
  manifest.set_store_schema(1);
  manifest.set_first_root_sha256(std::string(64, 'a'));
  Seeds seeds;
  for (const char* name : {"store.head", "store/000001.sst", "store/CURRENT"}) {
    v1::BackupFile& file = *manifest.add_files();
    file.set_name(name);
    file.set_bytes(4096);
    file.set_sha256(std::string(64, '0'));
    seeds.push_back(trustd::FormatManifest(manifest));
  }
  return seeds;
}

}  // namespace anchorage::test
