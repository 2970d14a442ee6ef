// What is known of systemd-stub, by version: whether the kernel inside is
// measured, and which sections are.
//
//   auto rule = RuleFor(image, /*secure_boot=*/true);
//   if (!rule.ok()) return rule.status();
//   if (rule->measures_kernel) ...
//
// The table is data (stub.cc), so that another version is another row, and what
// was decided names the row.
//
// Pure; any number of threads.

#ifndef ANCHORAGE_VERIFY_MEASURE_BOOT_STUB_H_
#define ANCHORAGE_VERIFY_MEASURE_BOOT_STUB_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "verify/measure/boot/pe_image.h"

namespace anchorage::verify {

// What holds for one image.
struct StubRule {
  // Stable, such as "systemd-stub-252-secure-boot".
  std::string_view name;
  // Why, as one sentence for people.
  std::string_view sentence;
  // The version that .sdmagic says, such as "252.22-1~deb12u1"; empty where the
  // rule does not need one. What others wrote.
  std::string_view version;
  // Whether firmware measures the image in .linux into PCR4.
  bool measures_kernel = false;
};

// Returns the rule for `image`, which has a .linux section. `through_shim`: an
// image before it is shim. Fails with kStubVersionMissing or
// kStubVersionUnknown.
absl::StatusOr<StubRule> RuleFor(const PeImage& image, bool secure_boot,
                                 bool through_shim);

// Returns the sections of `image` that its stub measures into PCR11, in the
// order in which it does. Fails with kStubVersionMissing; with kPeSectionTwice
// where one of them is there twice, for a stub before 256 also under a longer
// name (.linuxZ); kPeSectionZeroFilled where one is larger in memory than in
// the file, and kProfileChosenAtBoot where what is measured depends on the
// machine or on the boot entry (.profile, .dtbauto, .efifw).
absl::StatusOr<std::vector<PeSection>> MeasuredSections(const PeImage& image);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_MEASURE_BOOT_STUB_H_
