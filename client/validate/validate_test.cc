#include "client/validate/validate.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/image/inventory.h"
#include "client/validate/tree.h"
#include "client/validate/validate_error.h"
#include "gtest/gtest.h"
#include "test/support/fake_producer.h"
#include "test/support/fake_tpm.h"
#include "verify/image/boot_pcr.h"
#include "verify/image/bundle.h"
#include "verify/image/version.h"

namespace anchorage::client {
namespace {

namespace fs = std::filesystem;
using Extension = Decision::Extension;
using Reason = ValidateReason;
using test::FakeProducer;
using test::FakeTpm;
using verify::MismatchAction;

// A tree, its signed manifest, a TPM and a configuration: all as it must be.
class ValidateTest : public ::testing::Test {
 protected:
  ValidateTest() : report_(/*to_kernel_log=*/false) {
    ::signal(SIGPIPE, SIG_IGN);
    char folder[] = "/tmp/validate_test.XXXXXX";
    folder_ = ::mkdtemp(folder);
    tpm_.emplace(folder_ + "/tpm");
    Write("usr/bin/tool", "#!/bin/sh\necho tool\n");
    fs::permissions(Root("usr/bin/tool"), fs::perms(0755));
    Write("usr/lib/library.so", std::string("\x7f") + "ELF code");
    Write("etc/ld.so.preload", "");
    config_.product = "ledger";
    // Made now, as the manifest of an image is.
    manifest_.product = "ledger";
    manifest_.version = verify::ImageVersion::Parse("2.1").value();
    manifest_.time = test::SmallManifest().time;
    manifest_.entries = ListImage(folder_ + "/root", {.scope = manifest_.scope},
                                  {.as_seen = true})
                            .value()
                            .found;
  }
  ~ValidateTest() override {
    tpm_.reset();
    fs::remove_all(folder_);
  }

  std::string Root(const std::string& name) {
    return folder_ + "/root/" + name;
  }
  void Write(const std::string& name, const std::string& text) {
    fs::create_directories(fs::path(Root(name)).parent_path());
    std::ofstream(Root(name)) << text;
  }

  // Signs the manifest, writes what is expected, and validates.
  Decision Run() {
    if (has_bundle_)
      Write(kBundle, bundle_.value_or(producer_.Sign(manifest_)));
    std::ofstream(folder_ + "/validate.json") << absl::StrCat(
        R"({"schema_version": 1, "producers": [{"name": "Example",)",
        R"( "certificates": ["-----BEGIN CERTIFICATE-----)",
        absl::Base64Escape(FakeProducer().Pinned().certificates_der.front()),
        R"(-----END CERTIFICATE-----"]}], "product": ")", config_.product,
        R"(", "least_version": ")", config_.least_version, R"(", "as_seen": )",
        R"(true, "tpm": ")", config_.tpm.value_or(tpm_->path()),
        R"(", "tpm_wait_seconds": 0, )", config_.more, R"("pcr": 8})");
    return Validate({.root = folder_ + "/root",
                     .config = folder_ + "/" + config_.file,
                     .stage = stage_,
                     .dry_run = dry_run_,
                     .tpm_limit = tpm_limit_},
                    report_);
  }

  std::string Zero() { return std::string(48, '\0'); }
  static std::string Text(const verify::Sha384Bytes& bytes) {
    return std::string(bytes.begin(), bytes.end());
  }
  // What the register has after it was extended once.
  std::string Failed() {
    return Text(
        verify::RegisterAfter(verify::FailedBootEvent().value()).value());
  }
  std::string Succeeded() {
    const auto verified = verify::VerifyBundle(
        producer_.Sign(manifest_), {producer_.Pinned()}, std::nullopt);
    return Text(
        verify::RegisterAfter(verify::BootEvent(verified->digest()).value())
            .value());
  }

  void ExpectRefused(Reason reason, const Decision& decision) {
    EXPECT_EQ(decision.reason, reason);
    EXPECT_EQ(decision.extension, Extension::kFailure);
    EXPECT_EQ(decision.action, MismatchAction::kPowerOff);
  }
  // Validates, and expects that the register says that it failed.
  void ExpectFailure(Reason reason) {
    ExpectRefused(reason, Run());
    EXPECT_EQ(tpm_->Pcr(8), Failed());
  }

  static constexpr char kBundle[] = "usr/lib/anchorage/image.bundle.json";

  std::string folder_;
  Report report_;
  std::optional<FakeTpm> tpm_;
  FakeProducer producer_;
  verify::ImageManifest manifest_;
  bool has_bundle_ = true;
  // In place of the signed manifest.
  std::optional<std::string> bundle_;
  struct {
    std::string product;
    std::string least_version = "2";
    std::optional<std::string> tpm;
    std::string file = "validate.json";
    // Members, each with a comma behind it.
    std::string more;
  } config_;
  ValidateStage stage_ = ValidateStage::kInitrd;
  bool dry_run_ = false;
  absl::Duration tpm_limit_ = absl::Seconds(30);
};

TEST_F(ValidateTest, WhatIsAsItMustBeBoots) {
  const Decision decision = Run();
  EXPECT_EQ(decision.reason, std::nullopt);
  EXPECT_EQ(decision.action, MismatchAction::kContinue);
  EXPECT_EQ(tpm_->Pcr(8), Succeeded());
  for (const int pcr : {0, 4, 7, 9, 14, 15}) EXPECT_EQ(tpm_->Pcr(pcr), Zero());
}

TEST_F(ValidateTest, AnotherManifestShowsAnotherRegister) {
  Run();
  const std::string before = tpm_->Pcr(8);
  tpm_->SetPcr(8, Zero());
  manifest_.version = verify::ImageVersion::Parse("2.2").value();
  EXPECT_EQ(Run().reason, std::nullopt);
  EXPECT_NE(tpm_->Pcr(8), before);
}

// --- The tree ----------------------------------------------------------------

TEST_F(ValidateTest, AChangedFileIsADifference) {
  Write("usr/lib/library.so", std::string("\x7f") + "ELF c0de");
  ExpectFailure(Reason::kTreeDiffers);
}

TEST_F(ValidateTest, AnAddedFileIsADifference) {
  Write("usr/lib/more.so", std::string("\x7f") + "ELF code");
  ExpectFailure(Reason::kTreeDiffers);
}

TEST_F(ValidateTest, AMissingFileIsADifference) {
  fs::remove(Root("usr/bin/tool"));
  ExpectFailure(Reason::kTreeDiffers);
}

TEST_F(ValidateTest, AModeIsADifference) {
  fs::permissions(Root("usr/bin/tool"), fs::perms(04755));
  ExpectFailure(Reason::kTreeDiffers);
}

TEST_F(ValidateTest, NoTreeIsNone) {
  fs::rename(folder_ + "/root", folder_ + "/away");
  has_bundle_ = false;
  ExpectFailure(Reason::kTreeUnreadable);
}

// --- The manifest ------------------------------------------------------------

TEST_F(ValidateTest, NoManifestIsAFailure) {
  has_bundle_ = false;
  ExpectFailure(Reason::kManifestMissing);
}

TEST_F(ValidateTest, AManifestThatCannotBeReadIsAFailure) {
  bundle_ = "{}";
  ExpectFailure(Reason::kManifestUnreadable);
}

TEST_F(ValidateTest, AnEmptyManifestIsAFailure) {
  bundle_ = "";
  ExpectFailure(Reason::kManifestUnreadable);
}

TEST_F(ValidateTest, AManifestThatIsAFolderIsAFailure) {
  has_bundle_ = false;
  fs::create_directories(Root(kBundle));
  ExpectFailure(Reason::kManifestUnreadable);
}

TEST_F(ValidateTest, AManifestThatIsAFifoIsAFailure) {
  has_bundle_ = false;
  fs::create_directories(fs::path(Root(kBundle)).parent_path());
  ASSERT_EQ(::mkfifo(Root(kBundle).c_str(), 0644), 0);
  ExpectFailure(Reason::kManifestUnreadable);
}

TEST_F(ValidateTest, AManifestBehindALinkIsAFailure) {
  has_bundle_ = false;
  std::ofstream(folder_ + "/elsewhere") << producer_.Sign(manifest_);
  fs::create_directories(fs::path(Root(kBundle)).parent_path());
  fs::create_symlink(folder_ + "/elsewhere", Root(kBundle));
  ExpectFailure(Reason::kManifestUnreadable);
}

TEST_F(ValidateTest, AFlippedByteIsAFailure) {
  std::string bundle = producer_.Sign(manifest_);
  const std::size_t at = bundle.find("\"payload\":\"") + 100;
  bundle[at] = bundle[at] == 'A' ? 'B' : 'A';
  bundle_ = bundle;
  ExpectFailure(Reason::kManifestUnreadable);
}

TEST_F(ValidateTest, ALongerBundleIsAFailure) {
  const std::size_t size = producer_.Sign(manifest_).size();
  config_.more = absl::StrCat(R"("max_bundle_bytes": )", size, ",");
  bundle_ = producer_.Sign(manifest_);
  bundle_->resize(size, ' ');
  EXPECT_EQ(Run().reason, std::nullopt);
  *bundle_ += ' ';
  EXPECT_EQ(Run().reason, Reason::kManifestUnreadable);
}

TEST_F(ValidateTest, AForeignProducerIsAFailure) {
  producer_.root.subject = producer_.issuer.issuer = test::NameOf("Somebody");
  ExpectFailure(Reason::kManifestForeign);
}

TEST_F(ValidateTest, AnOlderVersionIsAFailure) {
  config_.least_version = "2.1.1";
  ExpectFailure(Reason::kManifestOlder);
}

TEST_F(ValidateTest, AnotherProductIsAFailure) {
  config_.product = "ledger2";
  ExpectFailure(Reason::kManifestOfAnotherProduct);
}

TEST_F(ValidateTest, ASmallerScopeIsAFailure) {
  manifest_.scope = verify::ManifestScope::kCode;
  ExpectFailure(Reason::kManifestScopeTooSmall);
}

TEST_F(ValidateTest, AnExclusionThatIsNotAllowedIsAFailure) {
  manifest_.exclusions = {"etc/extra"};
  ExpectFailure(Reason::kManifestExclusions);
}

TEST_F(ValidateTest, TheManifestsOwnPlaceMayBeExcluded) {
  manifest_.exclusions = {kBundle};
  EXPECT_EQ(Run().reason, std::nullopt);
  tpm_->SetPcr(8, Zero());
  config_.more = R"("allowed_exclusions": [],)";
  ExpectFailure(Reason::kManifestExclusions);
}

TEST_F(ValidateTest, WhatIsAllowedMayBeExcludedAndWhatLiesBelow) {
  config_.more = R"("allowed_exclusions": ["var/log", "srv/data"],)";
  manifest_.exclusions = {"srv/data", "var/log/journal"};
  EXPECT_EQ(Run().reason, std::nullopt);
  tpm_->SetPcr(8, Zero());
  manifest_.exclusions = {"srv/data", "var"};
  ExpectFailure(Reason::kManifestExclusions);
}

TEST_F(ValidateTest, TheFirstPlaceWithABundleCounts) {
  config_.more =
      R"("manifests": ["first.json", "usr/lib/anchorage/image.bundle.json"],)";
  EXPECT_EQ(Run().reason, std::nullopt);
  tpm_->SetPcr(8, Zero());
  Write("first.json", "{}");
  ExpectFailure(Reason::kManifestUnreadable);
}

// --- What is to happen -------------------------------------------------------

TEST_F(ValidateTest, TheInitrdMayAllowMore) {
  config_.more =
      R"("least_action": "continue", "without_manifest": "emergency",)";
  manifest_.on_mismatch = MismatchAction::kContinue;
  fs::remove(Root("usr/bin/tool"));
  const Decision differs = Run();
  EXPECT_EQ(differs.reason, Reason::kTreeDiffers);
  EXPECT_EQ(differs.action, MismatchAction::kContinue);
  EXPECT_EQ(tpm_->Pcr(8), Failed());
  fs::remove(Root(kBundle));
  has_bundle_ = false;
  EXPECT_EQ(Run().action, MismatchAction::kEmergency);
}

TEST_F(ValidateTest, TheManifestMayDemandMore) {
  config_.more = R"("least_action": "continue",)";
  manifest_.on_mismatch = MismatchAction::kPowerOff;
  fs::remove(Root("usr/bin/tool"));
  ::testing::internal::CaptureStderr();
  ExpectFailure(Reason::kTreeDiffers);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find(
                "NOT VALID: TREE_DIFFERS; action: power-off (the manifest is "
                "stricter)\n"),
            std::string::npos);
}

TEST_F(ValidateTest, TheManifestMayNotDemandLess) {
  manifest_.on_mismatch = MismatchAction::kContinue;
  fs::remove(Root("usr/bin/tool"));
  ExpectFailure(Reason::kTreeDiffers);
}

// --- The configuration -------------------------------------------------------

TEST_F(ValidateTest, WithoutAConfigurationItIsOff) {
  config_.file = "none.json";
  // It would go to the machine's own TPM, which a test leaves alone.
  dry_run_ = true;
  ExpectRefused(Reason::kConfigMissing, Run());
}

TEST_F(ValidateTest, WithAConfigurationThatIsNotValidItIsOff) {
  config_.more = R"("least_action": "none",)";
  dry_run_ = true;
  ExpectRefused(Reason::kConfigInvalid, Run());
}

// --- The TPM -----------------------------------------------------------------

TEST_F(ValidateTest, ATpmThatIsAbsentIsAFailure) {
  config_.tpm = folder_ + "/none";
  ExpectRefused(Reason::kTpmAbsent, Run());
}

TEST_F(ValidateTest, ATpmThatNeedNotBeThereMayBeAbsent) {
  config_.tpm = folder_ + "/none";
  config_.more = R"("require_tpm": false,)";
  const Decision decision = Run();
  EXPECT_EQ(decision.reason, std::nullopt);
  EXPECT_EQ(decision.extension, Extension::kNothing);
}

TEST_F(ValidateTest, ATpmThatNeedNotBeThereMustBeRightWhereItIs) {
  config_.more = R"("require_tpm": false,)";
  tpm_->AnswerWith(
      [](const std::string&, int) { return FakeTpm::Response(0x101); });
  ExpectRefused(Reason::kTpmRefused, Run());
}

TEST_F(ValidateTest, ARegisterThatIsUsedIsAFailure) {
  tpm_->SetPcr(8, std::string(48, 'x'));
  ExpectRefused(Reason::kTpmRegisterUsed, Run());
  EXPECT_NE(tpm_->Pcr(8), std::string(48, 'x'));
  EXPECT_NE(tpm_->Pcr(8), Succeeded());
}

TEST_F(ValidateTest, ASecondSuccessIsAFailure) {
  EXPECT_EQ(Run().reason, std::nullopt);
  ExpectRefused(Reason::kTpmRegisterUsed, Run());
  EXPECT_NE(tpm_->Pcr(8), Succeeded());
}

TEST_F(ValidateTest, ATpmThatNeverAnswersIsAFailure) {
  tpm_limit_ = absl::Milliseconds(100);
  tpm_->AnswerWith(
      [](const std::string&, int) { return std::string(FakeTpm::kNever); });
  ExpectRefused(Reason::kTpmTimeout, Run());
  EXPECT_EQ(tpm_->Pcr(8), Zero());
}

TEST_F(ValidateTest, ATpmThatAnswersGarbageIsAFailure) {
  tpm_->AnswerWith(
      [](const std::string&, int) { return std::string(100, 'g'); });
  ExpectRefused(Reason::kTpmAnswerInvalid, Run());
}

TEST_F(ValidateTest, AnExtendThatIsRefusedIsAFailure) {
  tpm_->AnswerWith([&](const std::string& command, int before) {
    return before == 1 ? FakeTpm::Response(0x921) : tpm_->Execute(command);
  });
  ExpectFailure(Reason::kTpmRefused);
}

TEST_F(ValidateTest, AnExtendThatIsLostIsAFailure) {
  tpm_->AnswerWith([&](const std::string& command, int before) {
    if (before != 1) return tpm_->Execute(command);
    const std::string answer = tpm_->Execute(command);
    tpm_->SetPcr(8, Zero());
    return answer;
  });
  ExpectFailure(Reason::kTpmRegisterWrong);
}

TEST_F(ValidateTest, AnExtendWhoseAnswerIsLostIsNoSuccess) {
  tpm_->AnswerWith([&](const std::string& command, int before) {
    const std::string answer = tpm_->Execute(command);
    return before == 1 ? std::string(64, 'g') : answer;
  });
  ExpectRefused(Reason::kTpmAnswerInvalid, Run());
  tpm_->WaitUntilClosed();
  EXPECT_NE(tpm_->Pcr(8), Succeeded());
  EXPECT_NE(tpm_->Pcr(8), Zero());
}

// --- Where it runs -----------------------------------------------------------

TEST_F(ValidateTest, InTheSystemNoSuccessIsShown) {
  stage_ = ValidateStage::kSystem;
  const Decision decision = Run();
  EXPECT_EQ(decision.reason, std::nullopt);
  EXPECT_EQ(tpm_->Pcr(8), Zero());
}

TEST_F(ValidateTest, InTheSystemTheInitrdsSuccessStays) {
  Run();
  stage_ = ValidateStage::kSystem;
  EXPECT_EQ(Run().reason, std::nullopt);
  EXPECT_EQ(tpm_->Pcr(8), Succeeded());
}

TEST_F(ValidateTest, InTheSystemAFailureIsShown) {
  stage_ = ValidateStage::kSystem;
  fs::remove(Root("usr/bin/tool"));
  ExpectFailure(Reason::kTreeDiffers);
}

TEST_F(ValidateTest, ADryRunLeavesTheTpmAlone) {
  dry_run_ = true;
  EXPECT_EQ(Run().extension, Extension::kManifest);
  fs::remove(Root("usr/bin/tool"));
  ExpectRefused(Reason::kTreeDiffers, Run());
  EXPECT_EQ(tpm_->commands(), 0);
}

// --- From one process to another ---------------------------------------------

TEST(FindingTest, IsReadAsItWasWritten) {
  Finding finding = {.reason = Reason::kTreeDiffers,
                     .manifest_action = MismatchAction::kEmergency};
  EXPECT_EQ(ReadFinding(WriteFinding(finding)).value(), finding);
  finding = {};
  finding.manifest_digest.fill(0xa5);
  EXPECT_EQ(ReadFinding(WriteFinding(finding)).value(), finding);
  for (const Reason reason : AllValidateReasons()) {
    finding = {.reason = reason, .manifest_action = MismatchAction::kContinue};
    EXPECT_EQ(ReadFinding(WriteFinding(finding)).value(), finding);
  }
}

TEST(FindingTest, NothingElseIsRead) {
  const std::string good = WriteFinding({});
  for (const std::string& bytes :
       {std::string(), good.substr(1), good + good[0], '\x7f' + good.substr(1),
        good.substr(0, 1) + '\x05' + good.substr(2), '\xff' + good.substr(1)}) {
    EXPECT_EQ(ValidateReasonOf(ReadFinding(bytes).status()),
              Reason::kValidatorDied);
  }
}

}  // namespace
}  // namespace anchorage::client
