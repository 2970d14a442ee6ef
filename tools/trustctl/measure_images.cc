#include "tools/trustctl/measure_images.h"

#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/terminal.h"
#include "verify/measure/boot/measure_error.h"
#include "verify/measure/boot/pe_image.h"

namespace anchorage::trustctl {
namespace {

using verify::MeasureReason;

std::string_view HintFor(MeasureReason reason) {
  switch (reason) {
    case MeasureReason::kNotPe:
      return "a unified kernel image is a PE file, as ukify writes it; an "
             "initrd or a disk is none ('trustctl measure image' reads a disk)";
    case MeasureReason::kSignatureListMalformed:
      return "give the variable itself, or lists (.esl); a certificate is "
             "none: 'sbsiglist' makes one of it";
    case MeasureReason::kSignatureListIsUpdate:
      return "give the variable itself: the .esl file, or what efivarfs has";
    case MeasureReason::kKeysIncomplete:
      return "give --pk, --kek and --db together, as the machine has them";
    case MeasureReason::kCommandLineMissing:
      return "build a unified kernel image with a command line (ukify), or "
             "say --allow-no-command-line";
    case MeasureReason::kInitrdMissing:
      return "build the image with an initrd, or say --allow-no-initrd";
    case MeasureReason::kProfileChosenAtBoot:
      return "build one image a profile, or say --allow-profiles";
    case MeasureReason::kShimNotModelled:
      return "have firmware start the image itself, or say --allow-shim";
    case MeasureReason::kEventLogSha384Missing:
      return "a log of a NitroTPM has this bank; on Linux it is "
             "/sys/kernel/security/tpm0/binary_bios_measurements";
    default:
      return "";
  }
}

}  // namespace

absl::Status CheckImages(const std::vector<std::string>& files) {
  if (files.size() > kMaxBootImages) {
    return absl::InvalidArgumentError(
        absl::StrCat(files.size(), " images: at most ", kMaxBootImages,
                     " can start one another"));
  }
  return absl::OkStatus();
}

absl::StatusOr<MeasuredBoot> MeasureFiles(const std::vector<std::string>& files,
                                          BootFlags& boot) {
  const Progress progress(absl::StrCat("measuring ", files.back()));
  auto inputs = boot.Read();
  if (!inputs.ok()) return inputs.status();
  std::vector<MappedFile> mapped;
  std::vector<verify::PeImage> images;
  // What points to them stays good.
  mapped.reserve(files.size());
  images.reserve(files.size());
  for (const std::string& file : files) {
    auto opened = MappedFile::Open(file, kMaxBootImageBytes);
    if (!opened.ok()) return opened.status();
    mapped.push_back(*std::move(opened));
    auto image = verify::PeImage::Parse(mapped.back().bytes());
    if (!image.ok()) return InFile(file, image.status());
    images.push_back(*std::move(image));
    inputs->images.push_back(&images.back());
  }
  auto measurements = verify::MeasureBoot(*inputs);
  if (!measurements.ok()) {
    return files.size() == 1 ? InFile(files.front(), measurements.status())
                             : measurements.status();
  }
  for (const MappedFile& file : mapped) {
    if (absl::Status s = file.CheckUnchanged(); !s.ok()) return s;
  }
  MeasuredBoot measured;
  measured.boot = *std::move(measurements);
  measured.images = files;
  return measured;
}

int FailToMeasure(const absl::Status& why) {
  const std::optional<MeasureReason> reason = verify::MeasureReasonOf(why);
  return Fail(why, reason.has_value() ? HintFor(*reason) : "");
}

}  // namespace anchorage::trustctl
