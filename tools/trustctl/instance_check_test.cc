#include "tools/trustctl/instance_check.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "anchors/base/atomic_file.h"
#include "anchors/tuf/tuf_error.h"
#include "client/instance/instance_error.h"
#include "tools/trustctl/instance_machine.h"

namespace anchorage::trustctl {
namespace {

namespace fs = std::filesystem;
using client::InstanceReason;
using client::NotFromInstance;
using verify::Freshness;
using verify::IdentityForm;
using verify::Reason;
using Attestation = InstanceNeeds::Attestation;

std::string trustctl_path;

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

// An instance on which everything is as it should be.
InstanceFacts Good() {
  InstanceFacts facts;
  facts.now = kNow;
  facts.machine = {.kind = Machine::Kind::kNitro,
                   .vendor = "Amazon EC2",
                   .instance_type = "m7i.large",
                   .instance_id = "i-0123456789abcdef0",
                   .uefi = true,
                   .tpm_in_firmware = true,
                   .tpm_in_kernel = true,
                   .tpm_device = Machine::TpmDevice::kUsable};
  facts.imds.endpoint = "http://169.254.169.254";
  facts.imds.forms = {{.form = IdentityForm::kRsa2048},
                      {.form = IdentityForm::kPkcs7},
                      {.form = IdentityForm::kSignature}};
  verify::IdentityDocument& document = facts.imds.document.emplace();
  document.account_id = "123456789012";
  document.region = "eu-west-1";
  document.image_id = "ami-0fedcba9876543210";
  document.instance_id = "i-0123456789abcdef0";
  document.pending_time = kNow - absl::Hours(72);
  document.marketplace_product_codes = {"code1", "code2"};
  facts.attestation = {.module_id = "i-0123456789abcdef0-tpm0000000000000000",
                       .made = kNow};
  facts.anchors = {.origin = verify::Origin::kServer,
                   .sequence = 7,
                   .as_of = kNow - absl::Minutes(5),
                   .fresh_until = kNow + absl::Hours(24)};
  facts.freshness = Freshness::kFresh;
  facts.cache = {.folder = "/var/cache/product",
                 .provenance = facts.anchors,
                 .freshness = Freshness::kFresh};
  facts.server = {.name = "https://trust.example/tuf/",
                  .provenance = facts.anchors};
  return facts;
}

CheckLine LineOf(const InstanceFacts& facts, std::string_view id) {
  for (CheckLine& line : Judge(facts)) {
    if (line.id == id) return line;
  }
  ADD_FAILURE() << "no line " << id;
  return {};
}

// One thing that is wrong, and the line that says so.
struct Row {
  const char* what;
  std::function<void(InstanceFacts&)> break_it;
  const char* id;
  Mark mark;
  std::string reason;
  int exit_code = kAccepted;
};

void LoseImds(InstanceFacts& facts, InstanceReason reason) {
  facts.imds = {.session = NotFromInstance(reason, "why")};
}

void LoseTpm(InstanceFacts& facts) {
  facts.machine.tpm_in_firmware = facts.machine.tpm_in_kernel = false;
  facts.machine.tpm_device = Machine::TpmDevice::kAbsent;
  facts.attestation.reset();
}

std::vector<Row> Rows() {
  std::vector<Row> rows = {
      {"another cloud",
       [](InstanceFacts& f) {
         f.machine.kind = Machine::Kind::kNotEc2;
         f.machine.vendor = "QEMU";
       },
       "machine", Mark::kWarn, "NOT_EC2"},
      {"a form that the region lacks",
       [](InstanceFacts& f) {
         f.imds.forms[0].served = absl::NotFoundError("rsa2048");
       },
       "forms", Mark::kOk, ""},
      {"no form",
       [](InstanceFacts& f) {
         for (FormFacts& form : f.imds.forms) {
           form.served = absl::NotFoundError("none");
         }
         f.imds.document.reset();
       },
       "forms", Mark::kFail, "IDENTITY_FORM_NOT_SERVED", kUnreadable},
      {"no form in time",
       [](InstanceFacts& f) {
         for (FormFacts& form : f.imds.forms) {
           form.served = NotFromInstance(InstanceReason::kImdsTimeout, "late");
         }
         f.imds.document.reset();
       },
       "forms", Mark::kFail, "IMDS_TIMEOUT", kUndecided},
      {"a weaker form is refused",
       [](InstanceFacts& f) {
         f.imds.forms[2].verified =
             verify::Reject(Reason::kSignatureMismatch, "no");
       },
       "identity", Mark::kWarn, "SIGNATURE_MISMATCH"},
      {"the strongest form does not come",
       [](InstanceFacts& f) {
         f.imds.forms[0].served =
             NotFromInstance(InstanceReason::kImdsTimeout, "late");
         f.imds.document.reset();
       },
       "forms", Mark::kFail, "IMDS_TIMEOUT", kUndecided},
      {"a weaker form does not come",
       [](InstanceFacts& f) {
         f.imds.forms[2].served =
             NotFromInstance(InstanceReason::kImdsTimeout, "late");
       },
       "forms", Mark::kWarn, "IMDS_TIMEOUT"},
      {"the strongest form is refused",
       [](InstanceFacts& f) {
         f.imds.forms[0].verified =
             verify::Reject(Reason::kSignatureMismatch, "no");
         f.imds.document.reset();
       },
       "identity", Mark::kFail, "SIGNATURE_MISMATCH", kNotFromAws},
      {"every form is refused",
       [](InstanceFacts& f) {
         for (FormFacts& form : f.imds.forms) {
           form.verified = verify::Reject(Reason::kSignatureMismatch, "no");
         }
         f.imds.document.reset();
       },
       "identity", Mark::kFail, "SIGNATURE_MISMATCH", kNotFromAws},
      {"a region that no anchor knows",
       [](InstanceFacts& f) {
         for (FormFacts& form : f.imds.forms) {
           form.verified = verify::Reject(Reason::kRegionUnknown, "no");
         }
         f.imds.document.reset();
       },
       "identity", Mark::kFail, "REGION_UNKNOWN", kNotFromAws},
      {"a genuine document of another instance",
       [](InstanceFacts& f) { f.imds.document->instance_id = "i-other"; },
       "identity", Mark::kFail, "INSTANCE_NOT_THIS", kStaleOrForAnother},
      {"all product codes",
       [](InstanceFacts& f) {
         f.needs.product_codes = {"code2", "code1"};
       },
       "product-codes", Mark::kOk, ""},
      {"one product code too few",
       [](InstanceFacts& f) {
         f.needs.product_codes = {"code1", "code3"};
       },
       "product-codes", Mark::kFail, "PRODUCT_CODE_NOT_ALLOWED",
       kRefusedByPolicy},
      {"no product codes",
       [](InstanceFacts& f) {
         f.imds.document->marketplace_product_codes.reset();
         f.needs.product_codes = {"code1"};
       },
       "product-codes", Mark::kFail, "PRODUCT_CODE_NOT_ALLOWED",
       kRefusedByPolicy},
      {"a product code, and no identity",
       [](InstanceFacts& f) {
         f.imds.document.reset();
         f.needs.product_codes = {"code1"};
       },
       "product-codes", Mark::kSkipped, ""},
      {"a TPM that only root may use",
       [](InstanceFacts& f) {
         f.machine.tpm_device = Machine::TpmDevice::kNotPermitted;
       },
       "tpm", Mark::kWarn, "TPM_NOT_PERMITTED"},
      {"a container without the device",
       [](InstanceFacts& f) {
         LoseTpm(f);
         f.machine.tpm_in_kernel = f.machine.tpm_in_firmware = true;
       },
       "tpm", Mark::kWarn, "TPM_DEVICE_HIDDEN"},
      {"a kernel without the driver",
       [](InstanceFacts& f) {
         LoseTpm(f);
         f.machine.tpm_in_firmware = true;
       },
       "tpm", Mark::kWarn, "TPM_DRIVER_MISSING"},
      {"a type on Xen",
       [](InstanceFacts& f) {
         LoseTpm(f);
         f.machine.kind = Machine::Kind::kXen;
       },
       "tpm", Mark::kWarn, "TPM_TYPE_WITHOUT"},
      {"an image that boots by BIOS",
       [](InstanceFacts& f) {
         LoseTpm(f);
         f.machine.uefi = false;
       },
       "tpm", Mark::kWarn, "TPM_IMAGE_WITHOUT_UEFI"},
      {"an image without TPM support", [](InstanceFacts& f) { LoseTpm(f); },
       "tpm", Mark::kWarn, "TPM_IMAGE_OR_TYPE_WITHOUT"},
      {"a boot that a container hides",
       [](InstanceFacts& f) {
         LoseTpm(f);
         f.machine.uefi.reset();
       },
       "tpm", Mark::kWarn, "TPM_IMAGE_OR_TYPE_WITHOUT"},
      {"an enclave",
       [](InstanceFacts& f) {
         LoseTpm(f);
         f.machine.enclave = true;
       },
       "tpm", Mark::kOk, ""},
      {"an enclave has no IMDS",
       [](InstanceFacts& f) {
         LoseImds(f, InstanceReason::kImdsAbsent);
         f.machine.enclave = true;
       },
       "imds", Mark::kSkipped, ""},
      {"no DMI, and a document of EC2",
       [](InstanceFacts& f) {
         LoseTpm(f);
         f.machine = Machine();
       },
       "tpm", Mark::kWarn, "TPM_IMAGE_OR_TYPE_WITHOUT"},
      {"no TPM on a desk",
       [](InstanceFacts& f) {
         LoseTpm(f);
         f.machine.kind = Machine::Kind::kNotEc2;
       },
       "tpm", Mark::kWarn, "TPM_ABSENT"},
      {"no TPM, and it is needed",
       [](InstanceFacts& f) {
         LoseTpm(f);
         f.needs.attestation = Attestation::kNeed;
       },
       "tpm", Mark::kFail, "TPM_IMAGE_OR_TYPE_WITHOUT", kUndecided},
      {"no TPM, and it is of no concern",
       [](InstanceFacts& f) {
         LoseTpm(f);
         f.needs.attestation = Attestation::kIgnore;
       },
       "tpm", Mark::kSkipped, ""},
      {"a document that does not verify",
       [](InstanceFacts& f) {
         f.attestation->verified =
             verify::Reject(Reason::kRootNotPinned, "another root");
         f.attestation->made.reset();
       },
       "attestation", Mark::kWarn, "ROOT_NOT_PINNED"},
      {"a document that does not verify, and is needed",
       [](InstanceFacts& f) {
         f.attestation->verified =
             verify::Reject(Reason::kRootNotPinned, "another root");
         f.attestation->made.reset();
         f.needs.attestation = Attestation::kNeed;
       },
       "attestation", Mark::kFail, "ROOT_NOT_PINNED", kNotFromAws},
      {"stale anchors",
       [](InstanceFacts& f) { f.freshness = Freshness::kStale; }, "anchors",
       Mark::kWarn, "ANCHORS_STALE"},
      {"expired anchors",
       [](InstanceFacts& f) { f.freshness = Freshness::kExpired; }, "anchors",
       Mark::kWarn, "ANCHORS_EXPIRED"},
      {"expired anchors, for a product that refuses them",
       [](InstanceFacts& f) {
         f.freshness = Freshness::kExpired;
         f.needs.refuse_expired = true;
       },
       "anchors", Mark::kFail, "ANCHORS_EXPIRED", kUndecided},
      {"young anchors of trustctl's own",
       [](InstanceFacts& f) {
         f.freshness = Freshness::kBakedIn;
         f.anchors.origin = verify::Origin::kBakedIn;
         f.anchors.as_of = kNow - absl::Hours(24 * 29);
       },
       "anchors", Mark::kOk, ""},
      {"old anchors of trustctl's own",
       [](InstanceFacts& f) {
         f.freshness = Freshness::kBakedIn;
         f.anchors.origin = verify::Origin::kBakedIn;
         f.anchors.as_of = kNow - absl::Hours(24 * 31);
       },
       "anchors", Mark::kWarn, "ANCHORS_BAKED_IN_OLD"},
      {"a catalog that somebody vouches for, of no known age",
       [](InstanceFacts& f) {
         f.freshness = Freshness::kBakedIn;
         f.anchors = {.origin = verify::Origin::kFile, .sequence = 1};
       },
       "anchors", Mark::kOk, ""},
      {"a clock and nothing to compare it with",
       [](InstanceFacts& f) {
         f.anchors = {.origin = verify::Origin::kFile};
         f.imds.document.reset();
         f.attestation.reset();
       },
       "clock", Mark::kOk, ""},
      {"a clock before the anchors",
       [](InstanceFacts& f) { f.anchors.as_of = kNow + absl::Minutes(6); },
       "clock", Mark::kFail, "CLOCK_SUSPECT", kStaleOrForAnother},
      {"a clock a little before the anchors",
       [](InstanceFacts& f) { f.anchors.as_of = kNow + absl::Minutes(4); },
       "clock", Mark::kOk, ""},
      {"a clock before the instance was started",
       [](InstanceFacts& f) {
         f.imds.document->pending_time = kNow + absl::Minutes(6);
       },
       "clock", Mark::kFail, "CLOCK_SUSPECT", kStaleOrForAnother},
      {"a clock before the attestation",
       [](InstanceFacts& f) { f.attestation->made = kNow + absl::Minutes(6); },
       "clock", Mark::kFail, "CLOCK_SUSPECT", kStaleOrForAnother},
      {"a clock after the attestation",
       [](InstanceFacts& f) { f.attestation->made = kNow - absl::Minutes(6); },
       "clock", Mark::kFail, "CLOCK_SUSPECT", kStaleOrForAnother},
      {"no cache yet",
       [](InstanceFacts& f) {
         f.cache->found = absl::NotFoundError("/var/cache/product");
       },
       "cache", Mark::kWarn, "CACHE_ABSENT"},
      {"a cache that this user may not read",
       [](InstanceFacts& f) {
         f.cache->found = absl::PermissionDeniedError("/var/cache/product");
       },
       "cache", Mark::kWarn, "CACHE_UNREADABLE"},
      {"a cache of somebody else",
       [](InstanceFacts& f) { f.cache->owner_trusted = false; }, "cache",
       Mark::kFail, "CACHE_OF_ANOTHER", kRefusedByPolicy},
      {"a cache that its group can write",
       [](InstanceFacts& f) { f.cache->mode = 0770; }, "cache", Mark::kFail,
       "CACHE_WRITABLE_BY_OTHERS", kRefusedByPolicy},
      {"a cache that everybody can write",
       [](InstanceFacts& f) { f.cache->mode = 01777; }, "cache", Mark::kFail,
       "CACHE_WRITABLE_BY_OTHERS", kRefusedByPolicy},
      {"an empty cache", [](InstanceFacts& f) { f.cache->empty = true; },
       "cache", Mark::kWarn, "CACHE_EMPTY"},
      {"a damaged cache",
       [](InstanceFacts& f) { f.cache->usable = absl::DataLossError("torn"); },
       "cache", Mark::kWarn, "CACHE_UNUSABLE"},
      {"a cache that is written by another process",
       [](InstanceFacts& f) { f.cache->writable = false; }, "cache", Mark::kOk,
       ""},
      {"no --cache", [](InstanceFacts& f) { f.cache.reset(); }, "cache",
       Mark::kSkipped, ""},
      {"a trustd that is down",
       [](InstanceFacts& f) {
         f.server->refreshed = absl::UnavailableError("refused");
       },
       "server", Mark::kWarn, "UNAVAILABLE"},
      {"a trustd that is not ours",
       [](InstanceFacts& f) {
         f.server->refreshed = anchors::tuf::RejectUpdate(
             anchors::tuf::TufReason::kThresholdNotMet, "not signed");
       },
       "server", Mark::kWarn, "THRESHOLD_NOT_MET"},
      {"no --server", [](InstanceFacts& f) { f.server.reset(); }, "server",
       Mark::kSkipped, ""},
  };
  for (const InstanceReason reason :
       {InstanceReason::kImdsAbsent, InstanceReason::kImdsDisabled,
        InstanceReason::kImdsHopLimit, InstanceReason::kImdsThrottled,
        InstanceReason::kImdsTimeout, InstanceReason::kImdsAnswerInvalid,
        InstanceReason::kInstanceUnavailable}) {
    const absl::Status why = NotFromInstance(reason, "why");
    rows.push_back({"no IMDS",
                    [reason](InstanceFacts& f) { LoseImds(f, reason); }, "imds",
                    Mark::kFail, std::string(NameOf(reason)), ExitCodeOf(why)});
  }
  for (const InstanceReason reason :
       {InstanceReason::kAttestationAbsent,
        InstanceReason::kAttestationForbidden,
        InstanceReason::kAttestationRefused,
        InstanceReason::kAttestationTimeout,
        InstanceReason::kAttestationAnswerInvalid}) {
    rows.push_back({"no attestation",
                    [reason](InstanceFacts& f) {
                      f.attestation = {.served =
                                           NotFromInstance(reason, "why")};
                    },
                    "attestation", Mark::kWarn, std::string(NameOf(reason))});
  }
  return rows;
}

TEST(InstanceCheck, HasNothingToSayOfAGoodInstance) {
  const std::vector<CheckLine> lines = Judge(Good());
  for (const CheckLine& line : lines) {
    EXPECT_EQ(line.mark, Mark::kOk) << line.id << " " << line.detail;
    EXPECT_EQ(line.hint, "");
  }
  EXPECT_EQ(WorstOf(lines), Mark::kOk);
  EXPECT_EQ(ExitCodeOf(lines, /*strict=*/true), kAccepted);
}

TEST(InstanceCheck, SaysWhatIsWrong) {
  for (const Row& row : Rows()) {
    SCOPED_TRACE(row.what);
    InstanceFacts facts = Good();
    row.break_it(facts);
    const CheckLine line = LineOf(facts, row.id);
    EXPECT_EQ(NameOf(line.mark), NameOf(row.mark)) << line.detail;
    EXPECT_EQ(line.reason, row.reason);
    EXPECT_EQ(line.exit_code, row.exit_code);
    // Whatever is wrong, there is something to do.
    const bool wrong = row.mark == Mark::kWarn || row.mark == Mark::kFail;
    EXPECT_EQ(!line.hint.empty(), wrong);
    EXPECT_NE(line.detail, "");
  }
}

// Each breaks what its own line is about, and nothing else fails with it.
TEST(InstanceCheck, OneFaultFailsOneLine) {
  for (const Row& row : Rows()) {
    InstanceFacts facts = Good();
    row.break_it(facts);
    for (const CheckLine& line : Judge(facts)) {
      EXPECT_TRUE(line.id == row.id || line.mark != Mark::kFail)
          << row.what << ": " << line.id;
    }
  }
}

TEST(InstanceCheck, HintsNameCommandsThatExist) {
  std::set<std::string> commands;
  const std::regex quoted("'trustctl ([a-z ]+)'");
  for (const Row& row : Rows()) {
    InstanceFacts facts = Good();
    row.break_it(facts);
    for (const CheckLine& line : Judge(facts)) {
      // None escapes for want of its quotes.
      const std::string unquoted = std::regex_replace(line.hint, quoted, "");
      EXPECT_FALSE(std::regex_search(
          unquoted, std::regex("trustctl (anchors|bundle|cache|instance)")))
          << line.hint;
      for (std::sregex_iterator i(line.hint.begin(), line.hint.end(), quoted),
           end;
           i != end; ++i) {
        commands.insert((*i)[1]);
      }
    }
  }
  EXPECT_GE(commands.size(), 3u);
  for (const std::string& command : commands) {
    EXPECT_EQ(
        std::system((trustctl_path + " " + command + " --help >/dev/null 2>&1")
                        .c_str()),
        0)
        << command;
  }
}

TEST(InstanceCheck, AWarningIsAFailureOnlyWhereItIsStrict) {
  InstanceFacts facts = Good();
  facts.freshness = Freshness::kStale;
  const std::vector<CheckLine> lines = Judge(facts);
  EXPECT_EQ(WorstOf(lines), Mark::kWarn);
  EXPECT_EQ(ExitCodeOf(lines, /*strict=*/false), kAccepted);
  EXPECT_EQ(ExitCodeOf(lines, /*strict=*/true), kUsage);
}

TEST(InstanceCheck, EndsAsTheFirstFailure) {
  InstanceFacts facts = Good();
  facts.needs.product_codes = {"code3"};
  facts.cache->usable = absl::DataLossError("torn");
  facts.anchors.as_of = kNow + absl::Hours(1);
  const std::vector<CheckLine> lines = Judge(facts);
  EXPECT_EQ(WorstOf(lines), Mark::kFail);
  EXPECT_EQ(ExitCodeOf(lines, /*strict=*/false), kRefusedByPolicy);
}

TEST(InstanceCheck, WhatRestsOnIdentityIsSkippedWithoutOne) {
  InstanceFacts facts = Good();
  LoseImds(facts, InstanceReason::kImdsHopLimit);
  for (const char* id :
       {"forms", "identity", "account", "region", "image", "product-codes"}) {
    EXPECT_EQ(LineOf(facts, id).mark, Mark::kSkipped) << id;
  }
}

TEST(InstanceCheck, HintsNameWhatIsHere) {
  InstanceFacts facts = Good();
  LoseTpm(facts);
  const std::string hint = LineOf(facts, "tpm").hint;
  EXPECT_NE(hint.find("--image-ids ami-0fedcba9876543210"), hint.npos);
  EXPECT_NE(hint.find("--instance-types m7i.large"), hint.npos);
  LoseImds(facts, InstanceReason::kImdsHopLimit);
  EXPECT_NE(LineOf(facts, "imds").hint.find("i-0123456789abcdef0"),
            std::string::npos);
}

TEST(InstanceCheck, RedactsWhereverItIsNamed) {
  InstanceFacts facts = Good();
  facts.imds.document->instance_id = "i-0fedcba9876543210";
  facts.server->refreshed =
      absl::UnavailableError("https://trust.example/tuf/: refused");
  std::vector<CheckLine> lines = Judge(facts);
  Redact(SecretsOf(facts), lines);
  std::string all;
  for (const CheckLine& line : lines) {
    all += line.id;
    all += line.detail + line.hint + "\n";
  }
  for (const char* secret : {"123456789012", "i-0123456789abcdef0",
                             "i-0fedcba9876543210", "trust.example"}) {
    EXPECT_EQ(all.find(secret), all.npos) << secret << " in\n" << all;
  }
  EXPECT_NE(all.find("eu-west-1"), all.npos);
}

TEST(InstanceCheck, RedactsTheInstanceThatOnlyAnAttestationNames) {
  InstanceFacts facts = Good();
  facts.machine.instance_id.clear();
  facts.imds.document.reset();
  std::vector<CheckLine> lines = Judge(facts);
  Redact(SecretsOf(facts), lines);
  for (const CheckLine& line : lines) {
    EXPECT_EQ(line.detail.find("i-0123456789abcdef0"), std::string::npos)
        << line.detail;
  }
}

// A made-up root folder of a machine.
class MachineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(root_);
    fs::create_directories(root_);
    unsetenv("AWS_EXECUTION_ENV");
  }
  void Write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    ASSERT_TRUE(anchors::WriteFileAtomically(root_ + path, text).ok());
  }
  const std::string root_ = ::testing::TempDir() + "/machine";
};

TEST_F(MachineTest, KnowsNothingWhereThereIsNothing) {
  const Machine machine = LookAtMachine(root_);
  EXPECT_EQ(machine.kind, Machine::Kind::kUnknown);
  EXPECT_EQ(machine.uefi, std::nullopt);
  EXPECT_FALSE(machine.tpm_in_firmware);
  EXPECT_FALSE(machine.tpm_in_kernel);
  EXPECT_EQ(machine.tpm_device, Machine::TpmDevice::kAbsent);
}

TEST_F(MachineTest, KnowsNitro) {
  Write("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
  Write("/sys/class/dmi/id/product_name", "m7i.large\n");
  Write("/sys/class/dmi/id/board_asset_tag", "i-0123456789abcdef0\n");
  Write("/sys/firmware/efi/systab", "");
  Write("/sys/firmware/acpi/tables/TPM2", "");
  Write("/sys/class/tpm/tpm0/tpm_version_major", "2\n");
  Write("/dev/tpm0", "");
  const Machine machine = LookAtMachine(root_);
  EXPECT_EQ(machine.kind, Machine::Kind::kNitro);
  EXPECT_EQ(machine.instance_type, "m7i.large");
  EXPECT_EQ(machine.instance_id, "i-0123456789abcdef0");
  EXPECT_EQ(machine.uefi, true);
  EXPECT_TRUE(machine.tpm_in_firmware);
  EXPECT_TRUE(machine.tpm_in_kernel);
  EXPECT_EQ(machine.tpm_device, Machine::TpmDevice::kUsable);
}

TEST_F(MachineTest, KnowsXen) {
  Write("/sys/class/dmi/id/sys_vendor", "Xen\n");
  Write("/sys/class/dmi/id/bios_version", "4.11.amazon\n");
  EXPECT_EQ(LookAtMachine(root_).kind, Machine::Kind::kXen);
}

TEST_F(MachineTest, KnowsXenWithoutDmi) {
  Write("/sys/hypervisor/uuid", "ec2e1916-9099-7caf-fd21-012345abcdef\n");
  EXPECT_EQ(LookAtMachine(root_).kind, Machine::Kind::kXen);
}

TEST_F(MachineTest, KnowsWhatIsNotEc2) {
  Write("/sys/class/dmi/id/sys_vendor", "QEMU\n");
  Write("/sys/class/dmi/id/board_asset_tag", "i-0123456789abcdef0\n");
  const Machine machine = LookAtMachine(root_);
  EXPECT_EQ(machine.kind, Machine::Kind::kNotEc2);
  EXPECT_EQ(machine.instance_id, "");
}

TEST_F(MachineTest, KnowsBios) {
  Write("/sys/firmware/acpi/tables/FACP", "");
  EXPECT_EQ(LookAtMachine(root_).uefi, false);
}

TEST_F(MachineTest, AHiddenFirmwareIsNotBios) {
  fs::create_directories(root_ + "/sys/firmware");
  EXPECT_EQ(LookAtMachine(root_).uefi, std::nullopt);
}

TEST_F(MachineTest, ReadsNoMoreThanItMust) {
  Write("/sys/class/dmi/id/sys_vendor", std::string(1 << 20, 'x'));
  ASSERT_EQ(mkfifo((root_ + "/sys/class/dmi/id/bios_version").c_str(), 0600),
            0);
  EXPECT_EQ(LookAtMachine(root_).vendor, "");
}

TEST_F(MachineTest, NamesTheContainersOfAws) {
  setenv("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE", 1);
  EXPECT_EQ(LookAtMachine(root_).execution, "AWS_ECS_FARGATE");
  unsetenv("AWS_EXECUTION_ENV");
}

}  // namespace
}  // namespace anchorage::trustctl

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) return 2;
  anchorage::trustctl::trustctl_path = argv[1];
  return RUN_ALL_TESTS();
}
