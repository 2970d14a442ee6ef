#include "verify/measure/boot/stub.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "verify/measure/boot/measure_error.h"

namespace anchorage::verify {
namespace {

constexpr std::uint32_t kNewest = std::numeric_limits<std::uint32_t>::max();

enum class Kernel { kMeasured, kNotMeasured, kUnknown };

// A field that is nullopt holds for both.
struct StubRow {
  std::uint32_t oldest;
  std::uint32_t newest;
  std::optional<bool> secure_boot;
  std::optional<bool> through_shim;
  Kernel kernel;
  std::string_view name;
  std::string_view sentence;
};

// Every combination is in one row.
constexpr StubRow kStubs[] = {
    {0, 251, std::nullopt, std::nullopt, Kernel::kUnknown,
     "systemd-stub-before-252",
     "Stubs before 252 start the kernel by the old handover, on some machines "
     "without the firmware, so that nobody can say whether it is measured."},
    {252, 257, false, std::nullopt, Kernel::kMeasured, "systemd-stub-252",
     "Stubs 252 to 257 start the kernel with LoadImage, and the firmware "
     "measures what it loads."},
    {252, 257, true, std::nullopt, Kernel::kNotMeasured,
     "systemd-stub-252-secure-boot",
     "With Secure Boot, stubs 252 to 257 put themselves in the place of the "
     "firmware's check while the kernel is loaded, and the firmware measures "
     "where it checks: the kernel is not measured."},
    {258, kNewest, std::nullopt, false, Kernel::kNotMeasured,
     "systemd-stub-258",
     "Stubs from 258 on load the kernel's sections themselves: the firmware "
     "does not see it."},
    {258, kNewest, std::nullopt, true, Kernel::kUnknown,
     "systemd-stub-258-through-shim",
     "Behind shim, stubs from 258 on load the kernel as shim's version has it: "
     "before 16 it is measured, from 16 on it is not."},
};

// Amazon Linux 2023 builds its stub for arm64 without .sdmagic, from systemd
// 252.
constexpr std::uint32_t kAmazonLinuxVersion = 252;
constexpr StubRow kAmazonLinux[] = {
    {kAmazonLinuxVersion, kAmazonLinuxVersion, false, std::nullopt,
     Kernel::kMeasured, "al2023-arm64",
     "Amazon Linux 2023 has a stub 252 for arm64 that does not say so; the "
     "firmware measures the kernel that it loads."},
    {kAmazonLinuxVersion, kAmazonLinuxVersion, true, std::nullopt,
     Kernel::kNotMeasured, "al2023-arm64-secure-boot",
     "Amazon Linux 2023 has a stub 252 for arm64 that does not say so; with "
     "Secure Boot the kernel that it loads is not measured."},
};

// A section that a stub measures into PCR11. In the order in which it does.
struct MeasuredSection {
  std::string_view name;
  // The first version that does.
  std::uint32_t since;
  // Whether it is the machine or the boot entry that chooses one of several.
  bool chosen_at_boot = false;
};
constexpr MeasuredSection kMeasured[] = {
    {".linux", 252},
    {".osrel", 252},
    {".cmdline", 252},
    {".initrd", 252},
    {".ucode", 256},
    {".splash", 252},
    {".dtb", 252},
    {".uname", 254},
    {".sbat", 254},
    // .pcrsig signs what is measured, and is not.
    {".pcrpkey", 252},
    {".profile", 257, true},
    {".dtbauto", 257, true},
    {".hwids", 257},
    {".efifw", 258, true},
};

constexpr std::string_view kMagicBegin = "#### LoaderInfo: systemd-stub ";
constexpr std::string_view kMagicEnd = " ####";

struct StubVersion {
  std::uint32_t number = 0;
  std::string_view text;
  bool is_amazon_linux = false;
};

absl::Status Missing(std::string_view what) {
  return CannotMeasure(
      MeasureReason::kStubVersionMissing,
      absl::StrCat(std::string(what),
                   ": what a stub measures depends on its version"));
}

bool HasLine(std::string_view text, std::string_view line) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (text.substr(at, end - at) == line) return true;
    at = end + 1;
  }
  return false;
}

bool IsAmazonLinux(const PeImage& image) {
  const PeSection* const release = image.Find(".osrel");
  return image.machine() == kMachineArm64 && release != nullptr &&
         HasLine(release->content(), "NAME=\"Amazon Linux\"") &&
         HasLine(release->content(), "VERSION=\"2023\"");
}

std::size_t CountOf(const PeImage& image, std::string_view name) {
  return static_cast<std::size_t>(
      std::count_if(image.sections().begin(), image.sections().end(),
                    [name](const PeSection& s) { return s.name == name; }));
}

absl::Status Twice(std::string_view name) {
  return CannotMeasure(
      MeasureReason::kPeSectionTwice,
      absl::StrCat("there are two sections ", std::string(name)));
}

// Stubs before that take a section for the one whose name it begins with, and
// the last one counts.
constexpr std::uint32_t kComparesWholeNames = 256;

absl::Status CheckNames(const PeImage& image, const StubVersion& version) {
  if (version.number >= kComparesWholeNames) return absl::OkStatus();
  for (const PeSection& section : image.sections()) {
    for (const MeasuredSection& row : kMeasured) {
      if (row.since < kComparesWholeNames && section.name != row.name &&
          section.name.starts_with(row.name)) {
        return CannotMeasure(
            MeasureReason::kPeSectionTwice,
            absl::StrCat("stubs before ", kComparesWholeNames,
                         " take the section ", std::string(section.name),
                         " for ", std::string(row.name)));
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<StubVersion> VersionOf(const PeImage& image) {
  const PeSection* const magic = image.Find(".sdmagic");
  if (magic == nullptr) {
    if (!IsAmazonLinux(image)) return Missing("the image has no .sdmagic");
    return StubVersion{kAmazonLinuxVersion, "", true};
  }
  if (CountOf(image, magic->name) > 1) return Twice(magic->name);
  std::string_view text = magic->content();
  text = text.substr(0, text.find('\0'));
  if (!text.starts_with(kMagicBegin) || !text.ends_with(kMagicEnd) ||
      text.size() <= kMagicBegin.size() + kMagicEnd.size()) {
    return Missing(".sdmagic is not that of systemd-stub");
  }
  text.remove_prefix(kMagicBegin.size());
  text.remove_suffix(kMagicEnd.size());

  const auto is_digit = [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  };
  const auto begin = std::find_if(text.begin(), text.end(), is_digit);
  const auto end = std::find_if_not(begin, text.end(), is_digit);
  StubVersion version;
  version.text = text;
  if (!absl::SimpleAtoi(std::string(begin, end), &version.number)) {
    return Missing(".sdmagic says no version");
  }
  return version;
}

bool Holds(std::optional<bool> condition, bool fact) {
  return !condition.has_value() || *condition == fact;
}

}  // namespace

absl::StatusOr<StubRule> RuleFor(const PeImage& image, bool secure_boot,
                                 bool through_shim) {
  const auto version = VersionOf(image);
  if (!version.ok()) return version.status();
  const auto rows = version->is_amazon_linux ? absl::MakeConstSpan(kAmazonLinux)
                                             : absl::MakeConstSpan(kStubs);
  const auto row =
      std::find_if(rows.begin(), rows.end(), [&](const StubRow& r) {
        return r.oldest <= version->number && version->number <= r.newest &&
               Holds(r.secure_boot, secure_boot) &&
               Holds(r.through_shim, through_shim);
      });
  if (row == rows.end() || row->kernel == Kernel::kUnknown) {
    return CannotMeasure(
        MeasureReason::kStubVersionUnknown,
        absl::StrCat("systemd-stub ", std::string(version->text), ": ",
                     row == rows.end() ? "" : std::string(row->sentence)));
  }
  return StubRule{row->name, row->sentence, version->text,
                  row->kernel == Kernel::kMeasured};
}

absl::StatusOr<std::vector<PeSection>> MeasuredSections(const PeImage& image) {
  const auto version = VersionOf(image);
  if (!version.ok()) return version.status();
  if (absl::Status s = CheckNames(image, *version); !s.ok()) return s;
  std::vector<PeSection> measured;
  for (const MeasuredSection& row : kMeasured) {
    const PeSection* const section = image.Find(row.name);
    // A stub overlooks a section that has no size in memory.
    if (row.since > version->number || section == nullptr ||
        section->virtual_size == 0) {
      continue;
    }
    if (row.chosen_at_boot) {
      return CannotMeasure(
          MeasureReason::kProfileChosenAtBoot,
          absl::StrCat("the image has a section ", std::string(row.name),
                       ": which of them counts is chosen when it boots"));
    }
    if (CountOf(image, row.name) > 1) return Twice(row.name);
    if (section->virtual_size > section->raw.size()) {
      return CannotMeasure(
          MeasureReason::kPeSectionZeroFilled,
          absl::StrCat("section ", std::string(row.name),
                       " is larger in memory than in the file, and stubs "
                       "differ in what they measure of the rest"));
    }
    measured.push_back(*section);
  }
  return measured;
}

}  // namespace anchorage::verify
