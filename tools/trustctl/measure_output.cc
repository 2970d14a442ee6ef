#include "tools/trustctl/measure_output.h"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "anchors/measurements.h"
#include "anchors/releases.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/measure_inputs.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;
using verify::BootEvent;
using verify::BootMeasurements;
using verify::KernelDecision;

using Registers = std::map<int, std::string>;

constexpr int kGrowingRegister = 11;

// One sentence for each register, of this boot.
std::string_view MeaningOf(int index, const BootMeasurements& boot) {
  switch (index) {
    case 4:
      return "the images that firmware starts, byte for byte: this tells what "
             "boots";
    case 7:
      return boot.secure_boot
                 ? "Secure Boot is on, with these keys, and which entry of db "
                   "let the images start"
                 : "Secure Boot is off: every machine with these keys has this "
                   "value, whatever it boots";
    case kGrowingRegister:
      return "what systemd-stub finds in the image, when the kernel starts; "
             "systemd extends it later, so it is not for a policy";
    case 12:
      return "nothing was added from outside: no command line, no credentials, "
             "no add-ons";
    case 13:
      return "no system extension was added beside the image";
    default:
      return "";
  }
}

ordered_json RegistersJson(const BootMeasurements& boot) {
  ordered_json registers = ordered_json::array();
  for (const auto& [index, value] : boot.registers) {
    registers.push_back({{"register", RegisterName(index)},
                         {"value", HexOf(value.view())},
                         {"meaning", std::string(MeaningOf(index, boot))}});
  }
  return registers;
}

ordered_json ImagesJson(const MeasuredBoot& measured) {
  ordered_json images = ordered_json::array();
  for (std::size_t i = 0; i < measured.boot.images.size(); ++i) {
    const verify::ImageDigest& digest = measured.boot.images[i];
    ordered_json image = {{"name", measured.images[i]},
                          {"authenticode", HexOf(digest.sha384.view())}};
    if (digest.once_signed.has_value()) {
      image["authenticode_once_signed"] = HexOf(digest.once_signed->view());
    }
    for (const KernelDecision& kernel : measured.boot.kernels) {
      if (kernel.image != i) continue;
      image["kernel"] = {{"measured", kernel.measured},
                         {"rule", kernel.rule},
                         {"why", kernel.sentence},
                         {"stub_version", kernel.stub_version}};
    }
    images.push_back(std::move(image));
  }
  return images;
}

ordered_json EventsJson(const BootMeasurements& boot) {
  ordered_json events = ordered_json::array();
  for (const BootEvent& event : boot.events) {
    events.push_back({{"register", RegisterName(event.pcr)},
                      {"type", std::string(event.type_name)},
                      {"digest", HexOf(event.digest.view())},
                      {"explanation", event.explanation}});
  }
  return events;
}

// --- --expect ----------------------------------------------------------------

struct Difference {
  int index = 0;
  std::string expected;
  // Empty where the register was not computed.
  std::string computed;
};

std::vector<Difference> DifferencesOf(const Registers& expected,
                                      const BootMeasurements& boot) {
  std::vector<Difference> differences;
  for (const auto& [index, value] : expected) {
    const auto computed = boot.registers.find(index);
    const std::string found = computed == boot.registers.end()
                                  ? ""
                                  : std::string(computed->second.view());
    if (found != value) differences.push_back({index, value, found});
  }
  return differences;
}

std::string TextOf(const Difference& difference) {
  if (difference.computed.empty()) {
    return absl::StrCat(
        RegisterName(difference.index), " is not computed",
        difference.index == 7 ? " without keys (--pk, --kek, --db)" : "",
        "; expected ", HexOf(difference.expected));
  }
  return absl::StrCat(RegisterName(difference.index), " is ",
                      HexOf(difference.computed), "; expected ",
                      HexOf(difference.expected));
}

ordered_json DifferencesJson(const std::vector<Difference>& differences) {
  ordered_json json = ordered_json::array();
  for (const Difference& difference : differences) {
    ordered_json one = {{"register", RegisterName(difference.index)},
                        {"expected", HexOf(difference.expected)}};
    if (!difference.computed.empty()) {
      one["computed"] = HexOf(difference.computed);
    }
    json.push_back(std::move(one));
  }
  return json;
}

// --- --release ---------------------------------------------------------------

anchors::ReleaseList ListOf(const Registers& registers,
                            const std::string& product,
                            const std::string& name) {
  anchors::Release release;
  release.product = product;
  release.name = name;
  release.type = verify::AttestationType::kNitroTpm;
  release.measurements = registers;
  anchors::ReleaseList list;
  list.sequence = 1;
  list.created = absl::UnixEpoch();
  list.releases.push_back(std::move(release));
  return list;
}

// Returns the entry as a list has it.
ordered_json EntryOf(const anchors::ReleaseList& list) {
  return ordered_json::parse(anchors::SerializeReleases(list))["releases"][0];
}

// --- Text --------------------------------------------------------------------

void PrintImages(const MeasuredBoot& measured) {
  for (std::size_t i = 0; i < measured.boot.images.size(); ++i) {
    std::cout << "image  " << HexOf(measured.boot.images[i].sha384.view())
              << "\n       " << Printable(measured.images[i]) << "\n";
  }
  for (const KernelDecision& kernel : measured.boot.kernels) {
    std::cout << "kernel " << (kernel.measured ? "measured" : "not measured")
              << " (" << Printable(kernel.rule) << ")\n       "
              << Printable(kernel.sentence) << "\n";
  }
}

void PrintEvents(int index, const BootMeasurements& boot) {
  for (const BootEvent& event : boot.events) {
    if (event.pcr != index) continue;
    std::cout << "    +  " << HexOf(event.digest.view()) << "\n       "
              << event.type_name << ": " << Printable(event.explanation)
              << "\n";
  }
}

// What a condition cannot say itself.
const ordered_json& KmsNotes() {
  static const ordered_json notes = {
      "AWS's guide shows conditions on PCR4, PCR7 and PCR12, and its list of "
      "condition keys has PCR13 too: try it on a key of yours first; a request "
      "is denied where KMS does not know a key",
      "whoever may call kms:PutKeyPolicy or kms:CreateGrant on the key can do "
      "without this condition"};
  return notes;
}

// A note for each image that signing makes longer; with `explain`, its digest
// then.
void PrintPaddingNotes(const MeasuredBoot& measured, bool explain) {
  for (std::size_t i = 0; i < measured.boot.images.size(); ++i) {
    const verify::ImageDigest& digest = measured.boot.images[i];
    if (!digest.once_signed.has_value()) continue;
    std::cout << "note   " << Printable(measured.images[i])
              << " is not padded to 8 bytes: signing it will change PCR4 "
                 "(measure the file that boots)\n";
    if (explain) {
      std::cout << "       its digest once signed: "
                << HexOf(digest.once_signed->view()) << "\n";
    }
  }
}

}  // namespace

std::string RegisterName(int index) { return absl::StrCat("PCR", index); }

std::string HexOf(std::string_view bytes) {
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

Registers PolicyRegisters(const BootMeasurements& boot) {
  Registers registers;
  for (const auto& [index, value] : boot.registers) {
    if (index != kGrowingRegister) registers[index] = value.view();
  }
  return registers;
}

ordered_json MeasurementsBlock(const Registers& registers) {
  ordered_json block = {{"HashAlgorithm", "SHA384"}};
  for (const auto& [index, value] : registers) {
    block[RegisterName(index)] = HexOf(value);
  }
  return block;
}

ordered_json KmsCondition(const Registers& registers,
                          std::string_view account) {
  ordered_json attested = ordered_json::object();
  for (const auto& [index, value] : registers) {
    attested[absl::StrCat("kms:RecipientAttestation:NitroTPM",
                          RegisterName(index))] = HexOf(value);
  }
  return {{"StringEqualsIgnoreCase", std::move(attested)},
          {"StringEquals", {{"kms:CallerAccount", std::string(account)}}}};
}

absl::StatusOr<Registers> ReadExpected(const std::string& path) {
  const auto text = ReadInput(path);
  if (!text.ok()) return text.status();
  auto image =
      anchors::ReadMeasurements(*text, verify::AttestationType::kNitroTpm);
  if (!image.ok()) return InFile(path, image.status());
  return std::move(image->pcrs);
}

absl::Status CheckExpected(const std::string& path, const Registers& expected) {
  if (expected.contains(4) || expected.contains(7)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      path, " has neither PCR4 nor PCR7, only ",
      absl::StrJoin(NamesOf(expected), ", "),
      ": that is the same for every image, so nothing would be compared"));
}

std::vector<std::string> NamesOf(const Registers& registers) {
  std::vector<std::string> names;
  for (const auto& [index, value] : registers) {
    names.push_back(RegisterName(index));
  }
  return names;
}

void MeasureOutput::AddTo(CLI::App& command) {
  command.add_flag("--explain", explain_,
                   "show each event that goes into a register, and why");
  command.add_option(
      "--expect", expect_,
      "compare with the registers in this file, of AWS's tool or "
      "of this one; '-' is standard input. Exit code 1 where one "
      "differs");
  CLI::Option* const release =
      command.add_option("--release", product_,
                         "show an entry for a list of releases, of this "
                         "product");
  release->needs(command.add_option("--name", name_, "and of this version")
                     ->needs(release));
  CLI::Option* const condition =
      command.add_flag("--kms-condition", kms_condition_,
                       "show a Condition for the key policy of AWS KMS");
  condition->needs(command
                       .add_option("--account", account_,
                                   "and the account whose machines may ask")
                       ->needs(condition));
  output_.AddTo(command);
}

absl::Status MeasureOutput::Check() const {
  if (kms_condition_ &&
      (account_.size() != 12 ||
       !std::all_of(account_.begin(), account_.end(), absl::ascii_isdigit))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--account: '", account_, "' is not an account: 12 digits"));
  }
  if (product_.empty()) return absl::OkStatus();
  return anchors::CheckReleases(
      ListOf({{4, std::string(48, 'x')}, {12, std::string(48, '\0')}}, product_,
             name_));
}

int MeasureOutput::Print(const MeasuredBoot& measured) const {
  const BootMeasurements& boot = measured.boot;
  const Registers registers = PolicyRegisters(boot);
  ordered_json facts = {{"Measurements", MeasurementsBlock(registers)},
                        {"secure_boot", boot.secure_boot},
                        {"registers", RegistersJson(boot)},
                        {"images", ImagesJson(measured)},
                        {"notes", boot.notes}};
  facts.update(measured.more);
  if (explain_) facts["events"] = EventsJson(boot);
  std::vector<std::string> compared;
  std::vector<Difference> differences;
  if (!expect_.empty()) {
    const auto expected = ReadExpected(expect_);
    if (!expected.ok()) return Fail(expected.status());
    if (absl::Status s = CheckExpected(expect_, *expected); !s.ok()) {
      return UsageError(s);
    }
    compared = NamesOf(*expected);
    facts["compared"] = compared;
    differences = DifferencesOf(*expected, boot);
    facts["differences"] = DifferencesJson(differences);
  }
  if (!product_.empty() && measured.fit_for_policies) {
    const anchors::ReleaseList list = ListOf(registers, product_, name_);
    if (absl::Status s = anchors::CheckReleasesSafe(list); !s.ok()) {
      return Fail(s);
    }
    facts["release"] = EntryOf(list);
  }
  if (kms_condition_ && measured.fit_for_policies) {
    facts["kms_condition"] = KmsCondition(registers, account_);
    facts["notes"].insert(facts["notes"].end(), KmsNotes().begin(),
                          KmsNotes().end());
  }
  output_.Print(
      facts,
      {.rows = "registers",
       .columns = {{"REGISTER", "/register"},
                   {"VALUE", "/value"},
                   {"MEANING", "/meaning"}},
       .name = "/value"},
      [&] {
        for (const auto& [index, value] : boot.registers) {
          std::cout << std::left << std::setw(6) << RegisterName(index) << " "
                    << HexOf(value.view()) << "\n       "
                    << MeaningOf(index, boot) << "\n";
          if (explain_) PrintEvents(index, boot);
        }
        PrintImages(measured);
        for (const std::string& line : measured.lines) {
          std::cout << line << "\n";
        }
        for (const auto& note : facts["notes"]) {
          std::cout << "note   " << Printable(note.get<std::string>()) << "\n";
        }
        PrintPaddingNotes(measured, explain_);
        for (const Difference& difference : differences) {
          std::cout << "differs  " << TextOf(difference) << "\n";
        }
        if (!expect_.empty() && differences.empty()) {
          std::cout << "as expected in " << Printable(expect_) << ": "
                    << absl::StrJoin(compared, ", ") << "\n";
        }
        for (const char* block : {"release", "kms_condition"}) {
          if (facts.contains(block)) {
            std::cout << "\n" << block << "\n" << facts[block].dump(2) << "\n";
          }
        }
      });
  return differences.empty() ? kAccepted : kUsage;
}

}  // namespace anchorage::trustctl
