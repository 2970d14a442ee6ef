// What is done, in order:
//
//   1. What was given is complete, and a machine can boot it.
//   2. For each image: what firmware checks before it starts it (with Secure
//      Boot), and its digest.
//   3. For a unified kernel image: nothing may come from outside; whether its
//      kernel is measured; its sections.
//   4. The registers are what the events make of them.

#include "verify/measure/boot/boot_measurements.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "verify/measure/boot/authenticode.h"
#include "verify/measure/boot/measure_error.h"
#include "verify/measure/boot/stub.h"
#include "verify/no_exceptions.h"
#include "verify/printable.h"

namespace anchorage::verify {
namespace {

using namespace std::string_view_literals;

constexpr int kBootManagerCode = 4;
constexpr int kSecureBootPolicy = 7;
constexpr int kUnifiedKernel = 11;
constexpr int kCommandLine = 12;
constexpr int kExtensions = 13;

// Types of events (PC Client Platform Firmware Profile, 10.4.1).
struct EventType {
  std::uint32_t number;
  std::string_view name;
};
constexpr EventType kSeparator = {0x4, "EV_SEPARATOR"};
constexpr EventType kIpl = {0xd, "EV_IPL"};
constexpr EventType kVariable = {0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG"};
constexpr EventType kApplication = {0x80000003,
                                    "EV_EFI_BOOT_SERVICES_APPLICATION"};
constexpr EventType kAction = {0x80000007, "EV_EFI_ACTION"};
constexpr EventType kAuthority = {0x800000e0, "EV_EFI_VARIABLE_AUTHORITY"};

// EFI_GLOBAL_VARIABLE and EFI_IMAGE_SECURITY_DATABASE_GUID, as measured.
constexpr std::string_view kGlobal =
    "\x61\xdf\xe4\x8b\xca\x93\xd2\x11\xaa\x0d\x00\xe0\x98\x03\x2b\x8c"sv;
constexpr std::string_view kSecurityDatabase =
    "\xcb\xb2\x19\xd7\x3a\x3d\x96\x45\xa3\xbc\xda\xd0\x0e\x67\x65\x6f"sv;

constexpr std::string_view kFourZeros = "\0\0\0\0"sv;

BootEvent Event(int pcr, const EventType& type, const Digest& digest,
                std::string explanation) {
  return {pcr, type.number, type.name, digest, std::move(explanation)};
}

BootEvent SeparatorEvent(HashAlgorithm algorithm, int pcr) {
  return Event(pcr, kSeparator, Hash(algorithm, kFourZeros),
               "The firmware's own part ends here.");
}

std::string U64(std::uint64_t value) {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) {
    bytes.push_back(static_cast<char>(value >> shift & 0xff));
  }
  return bytes;
}

// UEFI_VARIABLE_DATA. `name` is ASCII.
Digest HashVariable(HashAlgorithm algorithm, std::string_view vendor,
                    std::string_view name, std::string_view data) {
  std::string utf16;
  for (const char c : name) utf16 += {c, '\0'};
  return HashParts(algorithm,
                   {vendor, U64(name.size()), U64(data.size()), utf16, data});
}

BootEvent VariableEvent(HashAlgorithm algorithm, std::string_view vendor,
                        std::string_view name, std::string_view data) {
  return Event(kSecureBootPolicy, kVariable,
               HashVariable(algorithm, vendor, name, data),
               absl::StrCat("The variable ", std::string(name), ", ",
                            data.empty() ? "which is not set"
                                         : absl::StrCat(data.size(), " bytes"),
                            "."));
}

std::string_view VariableOf(const std::optional<SignatureDatabase>& database) {
  return database.has_value() ? database->variable : std::string_view();
}

// Whether the section `name` is there, for a stub, whatever profile it boots.
bool Has(const PeImage& image, std::string_view name) {
  const PeSection* const section = image.FindInEveryProfile(name);
  return section != nullptr && !section->content().empty();
}

bool IsShim(const PeImage& image) {
  const PeSection* const sbat = image.Find(".sbat");
  return sbat != nullptr &&
         (sbat->raw.starts_with("shim,") ||
          sbat->raw.find("\nshim,") != std::string_view::npos);
}

// Says which image a failure is about, and keeps its reason.
absl::Status In(std::string_view where, const absl::Status& status) {
  const auto reason = MeasureReasonOf(status);
  if (!reason.has_value()) return status;
  const std::string name(NameOf(*reason));
  std::string detail(status.message());
  if (detail.starts_with(name + ": ")) detail.erase(0, name.size() + 2);
  return CannotMeasure(*reason, absl::StrCat(std::string(where), ": ", detail));
}

class Boot {
 public:
  explicit Boot(const BootInputs& inputs) : inputs_(inputs) {}

  absl::StatusOr<BootMeasurements> Measure() && {
    if (absl::Status s = CheckInputs(); !s.ok()) return s;
    for (std::size_t i = 0; i < inputs_.images.size(); ++i) {
      if (absl::Status s = StartImage(i); !s.ok()) {
        return In(absl::StrCat("image ", i + 1), s);
      }
    }
    Finish();
    return std::move(out_);
  }

 private:
  // 1.
  absl::Status CheckInputs() {
    const SecureBootKeys& keys = inputs_.keys;
    if (keys.any() && !(keys.pk && keys.kek && keys.db)) {
      return CannotMeasure(
          MeasureReason::kKeysIncomplete,
          "PCR7 needs PK, KEK and db: an empty file for one that is not set");
    }
    out_.secure_boot =
        inputs_.secure_boot.value_or(!VariableOf(keys.pk).empty());
    if (inputs_.images.empty()) {
      return CannotMeasure(MeasureReason::kImageNotBootable,
                           "there is no image");
    }
    for (const PeImage* const image : inputs_.images) {
      if (image->subsystem() != kSubsystemEfiApplication ||
          image->machine() != inputs_.images.front()->machine()) {
        return CannotMeasure(
            MeasureReason::kImageNotBootable,
            "an image is not an EFI application, or not for one machine");
      }
      if (image->Find(".linux") != nullptr && image != inputs_.images.back()) {
        return CannotMeasure(MeasureReason::kImageNotBootable,
                             "a unified kernel image starts its kernel, and no "
                             "other image after it");
      }
    }
    return absl::OkStatus();
  }

  // 2.
  absl::Status StartImage(std::size_t index) {
    const PeImage& image = *inputs_.images[index];
    if (absl::Status s = Authorize(image); !s.ok()) return s;
    if (IsShim(image)) {
      if (!inputs_.allow_shim) {
        return CannotMeasure(MeasureReason::kShimNotModelled,
                             "this is shim, which measures more, and lets more "
                             "boot, than is computed here; allow it if PCR4 "
                             "alone is wanted");
      }
      through_shim_ = true;
    }
    const Digest digest = image.Authenticode(HashAlgorithm::kSha384);
    if (digest.size == 0) return HashUnavailable(HashAlgorithm::kSha384);
    out_.images.push_back(
        {digest, image.AuthenticodeOnceSigned(HashAlgorithm::kSha384)});
    image_events_.push_back(
        Event(kBootManagerCode, kApplication, digest,
              absl::StrCat("Image ", index + 1, ": its Authenticode digest.")));
    NoteHoles(image, index);
    if (image.Find(".linux") != nullptr) return StartKernel(image, index);
    if (index + 1 < inputs_.images.size()) return absl::OkStatus();
    return In("a kernel, a stub or a boot loader, and no unified kernel image",
              CheckNothingFromOutside(false, false));
  }

  // What firmware checks before it starts an image. Behind shim it checks
  // nothing.
  absl::Status Authorize(const PeImage& image) {
    if (!out_.secure_boot || !inputs_.keys.any() || through_shim_) {
      return absl::OkStatus();
    }
    const auto entry =
        FindAuthority(image, *inputs_.keys.db,
                      inputs_.keys.dbx.value_or(SignatureDatabase()));
    if (!entry.ok()) return entry.status();
    const bool is_new = std::none_of(
        authorities_.begin(), authorities_.end(),
        [&](const EfiSignature& a) { return a.whole == entry->whole; });
    if (is_new) authorities_.push_back(*entry);
    return absl::OkStatus();
  }

  void NoteHoles(const PeImage& image, std::size_t index) {
    const std::size_t uncovered = image.uncovered_bytes();
    if (uncovered == 0) return;
    out_.notes.push_back(absl::StrCat(
        "Image ", index + 1, " has ", uncovered,
        " bytes between its sections that no digest covers; firmware does not "
        "load them."));
  }

  // 3.
  absl::Status CheckNothingFromOutside(bool has_command_line, bool has_initrd) {
    if (!has_command_line && !inputs_.allow_no_command_line) {
      return CannotMeasure(
          MeasureReason::kCommandLineMissing,
          "the image has no command line inside, so it takes any");
    }
    if (!has_initrd && !inputs_.allow_no_initrd) {
      return CannotMeasure(MeasureReason::kInitrdMissing,
                           "the image has no initrd inside, so it takes any");
    }
    if (!has_command_line || !has_initrd) {
      out_.notes.push_back(
          "The image takes a command line or an initrd from outside, which "
          "PCR4 "
          "does not show.");
    }
    return absl::OkStatus();
  }

  absl::Status StartKernel(const PeImage& image, std::size_t index) {
    const auto rule = RuleFor(image, out_.secure_boot, through_shim_);
    if (!rule.ok()) return rule.status();
    if (absl::Status s = CheckNothingFromOutside(Has(image, ".cmdline"),
                                                 Has(image, ".initrd"));
        !s.ok()) {
      return s;
    }
    out_.kernels.push_back({index, std::string(rule->name),
                            std::string(rule->sentence),
                            Printable(rule->version), rule->measures_kernel});
    NoteSecureBoot(image, rule->measures_kernel);
    if (absl::Status s = MeasureSections(image); !s.ok()) return s;
    return rule->measures_kernel ? MeasureKernel(image, *rule)
                                 : absl::OkStatus();
  }

  // Where nobody said whether Secure Boot is on, and PCR4 depends on it.
  void NoteSecureBoot(const PeImage& image, bool measures_kernel) {
    if (inputs_.secure_boot.has_value() || inputs_.keys.any() ||
        image.certificate_table().empty()) {
      return;
    }
    const auto on = RuleFor(image, true, through_shim_);
    if (on.ok() && on->measures_kernel == measures_kernel) return;
    out_.notes.push_back(
        "Secure Boot was taken to be off, because neither its state nor its "
        "keys were given; but the image is signed, and where Secure Boot is on "
        "PCR4 is another one.");
  }

  absl::Status MeasureKernel(const PeImage& image, const StubRule& rule) {
    const auto kernel = PeImage::Parse(image.Find(".linux")->content());
    if (!kernel.ok()) return In("the kernel in .linux", kernel.status());
    image_events_.push_back(
        Event(kBootManagerCode, kApplication,
              kernel->Authenticode(HashAlgorithm::kSha384),
              absl::StrCat("The kernel in .linux: its Authenticode digest. ",
                           std::string(rule.sentence))));
    return absl::OkStatus();
  }

  absl::Status MeasureSections(const PeImage& image) {
    const auto sections = MeasuredSections(image);
    if (MeasureReasonOf(sections.status()) ==
            MeasureReason::kProfileChosenAtBoot &&
        inputs_.allow_profiles) {
      has_pcr11_ = false;
      out_.notes.push_back(
          "Which profile of the image boots is chosen at boot: PCR4 is the "
          "same "
          "for all, and PCR11 is left out.");
      return absl::OkStatus();
    }
    if (!sections.ok()) return sections.status();
    for (const PeSection& section : *sections) {
      const std::string name(section.name);
      section_events_.push_back(Event(
          kUnifiedKernel, kIpl,
          HashParts(HashAlgorithm::kSha384,
                    {section.name, kFourZeros.substr(0, 1)}),
          absl::StrCat("The name of section ", name, ", with a zero byte.")));
      section_events_.push_back(Event(
          kUnifiedKernel, kIpl, Hash(HashAlgorithm::kSha384, section.content()),
          absl::StrCat("The content of section ", name, ", ",
                       section.content().size(), " bytes.")));
    }
    out_.notes.push_back(
        "PCR11 is as the kernel finds it: systemd-pcrphase extends it further "
        "while the system starts.");
    return absl::OkStatus();
  }

  // 4.
  void Finish() {
    constexpr HashAlgorithm kSha384 = HashAlgorithm::kSha384;
    out_.events = ImageEvents(kSha384, {});
    Append(std::move(image_events_));
    if (inputs_.keys.any() && !through_shim_) {
      Append(SecureBootEvents(kSha384, inputs_.keys, out_.secure_boot));
      for (const EfiSignature& entry : authorities_) {
        out_.events.push_back(AuthorityEvent(kSha384, entry));
      }
      SetRegister(kSecureBootPolicy);
    } else if (through_shim_) {
      out_.notes.push_back(
          "PCR7 is left out: shim measures its own keys into it.");
    } else if (out_.secure_boot) {
      out_.notes.push_back(
          "Without the keys it is not known whether Secure Boot lets the image "
          "boot, and PCR7 is left out.");
    }
    Append(std::move(section_events_));
    SetRegister(kBootManagerCode);
    if (has_pcr11_) SetRegister(kUnifiedKernel);
    SetRegister(kCommandLine);
    SetRegister(kExtensions);
  }

  void Append(std::vector<BootEvent> events) {
    std::move(events.begin(), events.end(), std::back_inserter(out_.events));
  }

  void SetRegister(int pcr) {
    out_.registers[pcr] =
        ReplayRegister(HashAlgorithm::kSha384, pcr, out_.events);
  }

  const BootInputs& inputs_;
  BootMeasurements out_;
  std::vector<BootEvent> image_events_;
  std::vector<BootEvent> section_events_;
  std::vector<EfiSignature> authorities_;
  bool through_shim_ = false;
  bool has_pcr11_ = true;
};

}  // namespace

absl::StatusOr<BootMeasurements> MeasureBoot(const BootInputs& inputs) {
  return WithoutExceptions([&] { return Boot(inputs).Measure(); });
}

Digest EmptyRegister(HashAlgorithm algorithm) {
  Digest value;
  value.size = Hash(algorithm, "").size;
  return value;
}

Digest ExtendRegister(HashAlgorithm algorithm, const Digest& value,
                      const Digest& digest) {
  return HashParts(algorithm, {value.view(), digest.view()});
}

Digest ReplayRegister(HashAlgorithm algorithm, int pcr,
                      absl::Span<const BootEvent> events) {
  Digest value = EmptyRegister(algorithm);
  for (const BootEvent& event : events) {
    if (event.pcr == pcr) {
      value = ExtendRegister(algorithm, value, event.digest);
    }
  }
  return value;
}

std::vector<BootEvent> ImageEvents(HashAlgorithm algorithm,
                                   absl::Span<const Digest> images) {
  std::vector<BootEvent> events = {
      Event(kBootManagerCode, kAction,
            Hash(algorithm, "Calling EFI Application from Boot Option"),
            "The firmware is about to start an image."),
      SeparatorEvent(algorithm, kBootManagerCode)};
  for (const Digest& image : images) {
    events.push_back(Event(kBootManagerCode, kApplication, image, ""));
  }
  return events;
}

std::vector<BootEvent> SecureBootEvents(HashAlgorithm algorithm,
                                        const SecureBootKeys& keys,
                                        bool secure_boot) {
  return {
      VariableEvent(algorithm, kGlobal, "SecureBoot",
                    secure_boot ? "\x01"sv : "\x00"sv),
      VariableEvent(algorithm, kGlobal, "PK", VariableOf(keys.pk)),
      VariableEvent(algorithm, kGlobal, "KEK", VariableOf(keys.kek)),
      VariableEvent(algorithm, kSecurityDatabase, "db", VariableOf(keys.db)),
      VariableEvent(algorithm, kSecurityDatabase, "dbx", VariableOf(keys.dbx)),
      SeparatorEvent(algorithm, kSecureBootPolicy)};
}

BootEvent AuthorityEvent(HashAlgorithm algorithm, const EfiSignature& entry) {
  return Event(
      kSecureBootPolicy, kAuthority,
      HashVariable(algorithm, kSecurityDatabase, "db", entry.whole),
      entry.type == kEfiCertX509
          ? absl::StrCat("The certificate of db that validates an image, "
                         "SHA-256 ",
                         Sha256Hex(entry.data), ".")
          : "The SHA-256 of db that is an image's.");
}

}  // namespace anchorage::verify
