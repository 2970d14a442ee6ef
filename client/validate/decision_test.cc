#include "client/validate/decision.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace anchorage::client {
namespace {

using Extension = Decision::Extension;
using Reason = ValidateReason;
using verify::MismatchAction;
using MaybeReason = std::optional<Reason>;
using MaybeAction = std::optional<MismatchAction>;

constexpr MismatchAction kContinue = MismatchAction::kContinue;
constexpr MismatchAction kEmergency = MismatchAction::kEmergency;
constexpr MismatchAction kPowerOff = MismatchAction::kPowerOff;
constexpr MismatchAction kActions[] = {kContinue, kEmergency, kPowerOff};

ValidateConfig ConfigOf(MismatchAction least, MismatchAction without,
                        bool require_tpm) {
  ValidateConfig config;
  config.least_action = least;
  config.without_manifest = without;
  config.require_tpm = require_tpm;
  return config;
}

// --- Rows that a person can check --------------------------------------------

struct Row {
  const char* name;
  // Of the configuration.
  MismatchAction least;
  MismatchAction without;
  bool require_tpm;
  ValidateStage stage;
  // What was found, what the manifest demands, what is wrong with the TPM.
  MaybeReason found;
  MaybeAction manifest;
  MaybeReason tpm;
  // What follows.
  MaybeReason reason;
  Extension extension;
  MismatchAction action;
};

constexpr ValidateStage kInitrd = ValidateStage::kInitrd;
constexpr ValidateStage kSystem = ValidateStage::kSystem;
constexpr std::nullopt_t kNone = std::nullopt;

const Row kRows[] = {
    {"Valid", kPowerOff, kPowerOff, true, kInitrd, kNone, kPowerOff, kNone,
     kNone, Extension::kManifest, kContinue},
    {"ValidInTheSystem", kPowerOff, kPowerOff, true, kSystem, kNone, kPowerOff,
     kNone, kNone, Extension::kNothing, kContinue},
    {"ValidWithoutATpm", kPowerOff, kPowerOff, false, kInitrd, kNone, kPowerOff,
     Reason::kTpmAbsent, kNone, Extension::kNothing, kContinue},
    {"NoTpm", kPowerOff, kPowerOff, true, kInitrd, kNone, kPowerOff,
     Reason::kTpmAbsent, Reason::kTpmAbsent, Extension::kFailure, kPowerOff},
    {"ATpmThatIsWrongIsNotAbsent", kEmergency, kContinue, false, kInitrd, kNone,
     kContinue, Reason::kTpmRegisterUsed, Reason::kTpmRegisterUsed,
     Extension::kFailure, kEmergency},
    {"Differs", kPowerOff, kContinue, true, kInitrd, Reason::kTreeDiffers,
     kContinue, kNone, Reason::kTreeDiffers, Extension::kFailure, kPowerOff},
    {"DiffersAndMayGoOn", kContinue, kPowerOff, true, kInitrd,
     Reason::kTreeDiffers, kContinue, kNone, Reason::kTreeDiffers,
     Extension::kFailure, kContinue},
    {"ManifestIsStricter", kContinue, kContinue, true, kInitrd,
     Reason::kTreeDiffers, kEmergency, kNone, Reason::kTreeDiffers,
     Extension::kFailure, kEmergency},
    {"ManifestIsNotMilder", kEmergency, kPowerOff, true, kInitrd,
     Reason::kTreeDiffers, kContinue, kNone, Reason::kTreeDiffers,
     Extension::kFailure, kEmergency},
    {"NoManifest", kContinue, kPowerOff, true, kInitrd,
     Reason::kManifestMissing, kNone, kNone, Reason::kManifestMissing,
     Extension::kFailure, kPowerOff},
    {"NoManifestAndMayGoOn", kPowerOff, kContinue, true, kInitrd,
     Reason::kManifestMissing, kNone, kNone, Reason::kManifestMissing,
     Extension::kFailure, kContinue},
    {"OlderManifestIsStricter", kContinue, kContinue, true, kInitrd,
     Reason::kManifestOlder, kPowerOff, kNone, Reason::kManifestOlder,
     Extension::kFailure, kPowerOff},
    {"Crashed", kEmergency, kContinue, true, kInitrd, Reason::kValidatorDied,
     kNone, kNone, Reason::kValidatorDied, Extension::kFailure, kEmergency},
    {"CrashedByWhatMayBeNoManifest", kContinue, kPowerOff, true, kInitrd,
     Reason::kValidatorDied, kNone, kNone, Reason::kValidatorDied,
     Extension::kFailure, kPowerOff},
};

class DecisionRow : public ::testing::TestWithParam<Row> {};

TEST_P(DecisionRow, Follows) {
  const Row& row = GetParam();
  const ValidateConfig config =
      ConfigOf(row.least, row.without, row.require_tpm);
  const Decision decision =
      Decide(&config, row.stage,
             {.reason = row.found, .manifest_action = row.manifest}, row.tpm);
  EXPECT_EQ(decision.reason, row.reason);
  EXPECT_EQ(decision.extension, row.extension);
  EXPECT_EQ(decision.action, row.action);
}

INSTANTIATE_TEST_SUITE_P(Decision, DecisionRow, ::testing::ValuesIn(kRows),
                         [](const auto& info) {
                           return std::string(info.param.name);
                         });

// --- Every combination, by rules of their own --------------------------------

std::vector<MaybeReason> Reasons() {
  std::vector<MaybeReason> reasons = {std::nullopt};
  for (const Reason reason : AllValidateReasons()) reasons.push_back(reason);
  return reasons;
}

template <typename Check>
int ForEach(const Check& check) {
  int count = 0;
  const std::vector<MaybeAction> manifests = {kNone, kContinue, kEmergency,
                                              kPowerOff};
  for (const MaybeReason found : Reasons()) {
    for (const MaybeReason tpm : Reasons()) {
      for (const MaybeAction manifest : manifests) {
        for (const MismatchAction least : kActions) {
          for (const MismatchAction without : kActions) {
            for (const bool require_tpm : {false, true}) {
              for (const ValidateStage stage : {kInitrd, kSystem}) {
                const ValidateConfig config =
                    ConfigOf(least, without, require_tpm);
                const Finding finding = {.reason = found,
                                         .manifest_action = manifest};
                check(config, stage, finding, tpm,
                      Decide(&config, stage, finding, tpm));
                ++count;
              }
            }
          }
        }
      }
    }
  }
  return count;
}

TEST(DecisionTest, NoCombinationIsMilderThanItMayBe) {
  const int count = ForEach([](const ValidateConfig& config,
                               ValidateStage stage, const Finding& finding,
                               MaybeReason tpm, const Decision& decision) {
    const bool tpm_is_good =
        !tpm.has_value() || (tpm == Reason::kTpmAbsent && !config.require_tpm);
    const bool is_valid = !finding.reason.has_value() && tpm_is_good;
    ASSERT_EQ(!decision.reason.has_value(), is_valid);
    // A success is shown only before the system, and by a TPM that can.
    ASSERT_EQ(decision.extension == Extension::kManifest,
              is_valid && stage == kInitrd && !tpm.has_value());
    ASSERT_EQ(decision.extension == Extension::kFailure, !is_valid);
    if (is_valid) {
      ASSERT_EQ(decision.action, kContinue);
      return;
    }
    // What is found in the tree comes before what is wrong with the TPM.
    ASSERT_EQ(decision.reason,
              finding.reason.has_value() ? finding.reason : tpm);
    const std::string name(NameOf(*decision.reason));
    const MismatchAction least =
        name.rfind("MANIFEST_", 0) == 0 ? config.without_manifest
        : name.rfind("VALIDATOR_", 0) == 0
            ? std::max(config.least_action, config.without_manifest)
            : config.least_action;
    ASSERT_GE(decision.action, least);
    ASSERT_GE(decision.action, finding.manifest_action.value_or(kContinue));
    ASSERT_TRUE(decision.action == least ||
                decision.action == finding.manifest_action);
    ASSERT_EQ(decision.manifest_is_stricter, decision.action != least);
  });
  const int reasons = static_cast<int>(Reasons().size());
  EXPECT_EQ(count, reasons * reasons * 4 * 3 * 3 * 2 * 2);
}

TEST(DecisionTest, WithoutAConfigurationTheMachineIsPoweredOff) {
  for (const MaybeReason found : Reasons()) {
    for (const MaybeReason tpm : Reasons()) {
      for (const ValidateStage stage : {kInitrd, kSystem}) {
        const Decision decision =
            Decide(nullptr, stage,
                   {.reason = found, .manifest_action = kContinue}, tpm);
        EXPECT_TRUE(decision.reason.has_value());
        EXPECT_EQ(decision.extension, Extension::kFailure);
        EXPECT_EQ(decision.action, kPowerOff);
      }
    }
  }
}

}  // namespace
}  // namespace anchorage::client
