#include "client/validate/tree.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "client/image/inventory.h"
#include "verify/image/bundle.h"
#include "verify/image/comparison.h"
#include "verify/image/image_error.h"
#include "verify/image/version.h"

namespace anchorage::client {
namespace {

using verify::ImageManifest;
using verify::ImageReason;

// --- The bundle --------------------------------------------------------------

// Opens `name` below the folder `root`, through no link; below 0, with errno.
int OpenBelow(int root, const std::string& name) {
  open_how how{};
  // A FIFO must not block; what is no file is refused once it is open.
  how.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(
      ::syscall(SYS_openat2, root, name.c_str(), &how, sizeof(how)));
}

absl::Status Unreadable(const std::string& name, const char* why) {
  return NotValid(ValidateReason::kManifestUnreadable,
                  absl::StrCat(name, ": ", why));
}

absl::StatusOr<std::string> ReadAll(int descriptor, const std::string& name,
                                    std::size_t most) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    return Unreadable(name, "is no file");
  }
  if (static_cast<std::uint64_t>(status.st_size) > most) {
    return Unreadable(name, "is too long");
  }
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t got =
        ::read(descriptor, text.data() + done, text.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unreadable(name, std::strerror(errno));
    if (got == 0) return Unreadable(name, "ends early");
    done += static_cast<std::size_t>(got);
  }
  return text;
}

// The first of the places where something is counts, whatever it is.
absl::StatusOr<std::string> ReadBundleText(const ValidateConfig& config,
                                           const std::string& root) {
  const int folder = ::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) {
    return NotValid(ValidateReason::kTreeUnreadable,
                    absl::StrCat(root, ": ", std::strerror(errno)));
  }
  const absl::Cleanup close_folder = [folder] { ::close(folder); };
  for (const std::string& name : config.manifests) {
    const int file = OpenBelow(folder, name);
    if (file < 0 && errno == ENOENT) continue;
    if (file < 0) return Unreadable(name, std::strerror(errno));
    const absl::Cleanup close_file = [file] { ::close(file); };
    return ReadAll(file, name, config.max_bundle_bytes);
  }
  return NotValid(ValidateReason::kManifestMissing,
                  absl::StrCat("there is no ", config.manifests.front()));
}

ValidateReason ReasonOf(const absl::Status& refused) {
  switch (verify::ImageReasonOf(refused).value_or(
      ImageReason::kManifestMalformed)) {
    case ImageReason::kProducerNotTrusted:
      return ValidateReason::kManifestForeign;
    case ImageReason::kProductMismatch:
      return ValidateReason::kManifestOfAnotherProduct;
    case ImageReason::kVersionTooOld:
      return ValidateReason::kManifestOlder;
    default:
      return ValidateReason::kManifestUnreadable;
  }
}

absl::Status Translate(const absl::Status& refused) {
  if (refused.ok()) return refused;
  return NotValid(ReasonOf(refused), std::string(refused.message()));
}

absl::Status CheckScope(const ValidateConfig& config,
                        const ImageManifest& manifest) {
  if (manifest.content_only) {
    return NotValid(ValidateReason::kManifestScopeTooSmall,
                    "the manifest says nothing of modes, owners and links");
  }
  if (manifest.scope < config.least_scope) {
    const std::string_view scope = verify::NameOf(manifest.scope);
    return NotValid(
        ValidateReason::kManifestScopeTooSmall,
        absl::StrCat("the manifest's scope is ", std::string(scope)));
  }
  return absl::OkStatus();
}

absl::Status CheckExclusions(const ValidateConfig& config,
                             const ImageManifest& manifest) {
  for (const std::string& name : manifest.exclusions) {
    if (verify::IsExcluded(config.allowed_exclusions, name)) continue;
    return NotValid(ValidateReason::kManifestExclusions,
                    absl::StrCat("the manifest excludes ", name,
                                 ", and allowed_exclusions of validate.json "
                                 "does not allow it"));
  }
  return absl::OkStatus();
}

// --- The tree ----------------------------------------------------------------

void SayDifferences(const verify::Comparison& comparison, Report& report) {
  std::size_t said = 0;
  for (const verify::Difference& difference : comparison.differences) {
    const std::string line = verify::TextOf(difference);
    if (said++ < kMaxLoggedDifferences) {
      report.Say(Severity::kError, line);
    } else {
      report.SayHere(line);
    }
  }
  if (comparison.total > said) {
    report.Say(Severity::kError, absl::StrCat("and ", comparison.total - said,
                                              " more differences"));
  }
}

void SayNotes(const Inventory& inventory, Report& report) {
  const std::size_t said =
      std::min(inventory.notes.size(), kMaxDifferenceLines);
  for (std::size_t i = 0; i < said; ++i) {
    report.SayHere(absl::StrCat("note: ", inventory.notes[i]));
  }
}

absl::Status CompareTree(const ValidateConfig& config, const std::string& root,
                         const ImageManifest& manifest, Report& report) {
  auto found = ExamineImage(root, manifest,
                            {.as_seen = config.as_seen, .compact = true});
  if (!found.ok()) {
    return NotValid(ValidateReason::kTreeUnreadable,
                    std::string(found.status().message()));
  }
  SayNotes(*found, report);
  const verify::Comparison comparison = verify::Compare(
      manifest, std::move(found->found), std::move(found->problems),
      kMaxDifferenceLines, found->as_listed);
  if (comparison.matches()) return absl::OkStatus();
  SayDifferences(comparison, report);
  return NotValid(ValidateReason::kTreeDiffers,
                  absl::StrCat("differences: ", comparison.total));
}

// Fills in what of `finding` is known, and fails with the reason.
absl::Status Examine(const ValidateConfig& config, const std::string& root,
                     Report& report, Finding& finding) {
  auto text = ReadBundleText(config, root);
  if (!text.ok()) return text.status();
  auto verified =
      verify::VerifyBundle(*std::move(text), config.producers, std::nullopt);
  if (!verified.ok()) return Translate(verified.status());
  const ImageManifest& manifest = verified->manifest();
  finding.manifest_action = manifest.on_mismatch;
  const std::string who =
      absl::StrCat(manifest.product, " ", manifest.version.ToString(), " of ",
                   verified->signer().producer);
  report.Say(Severity::kNotice, absl::StrCat("manifest: ", who));
  if (absl::Status expected =
          verify::CheckExpectations(manifest, config.expected);
      !expected.ok()) {
    return Translate(expected);
  }
  if (absl::Status scope = CheckScope(config, manifest); !scope.ok()) {
    return scope;
  }
  if (absl::Status allowed = CheckExclusions(config, manifest); !allowed.ok()) {
    return allowed;
  }
  if (absl::Status same = CompareTree(config, root, manifest, report);
      !same.ok()) {
    return same;
  }
  finding.manifest_digest = verified->digest();
  return absl::OkStatus();
}

// --- From one process to another ---------------------------------------------

constexpr std::size_t kFindingBytes = 2 + sizeof(verify::Sha256Bytes);

// 0 for none, so that no value is taken for it.
template <typename Enum>
char ByteOf(std::optional<Enum> value) {
  return static_cast<char>(value.has_value() ? static_cast<int>(*value) + 1
                                             : 0);
}

template <typename Enum>
bool FromByte(char byte, std::optional<Enum>& out) {
  const int value = static_cast<unsigned char>(byte);
  if (value > static_cast<int>(Enum::kMaxValue) + 1) return false;
  if (value > 0) out = static_cast<Enum>(value - 1);
  return true;
}

}  // namespace

Finding ExamineTree(const ValidateConfig& config, const std::string& root,
                    Report& report) {
  Finding finding;
  const absl::Status examined = Examine(config, root, report, finding);
  if (!examined.ok()) {
    report.Say(Severity::kError, std::string(examined.message()));
    finding.reason = ValidateReasonOf(examined).value_or(
        ValidateReason::kValidatorUnavailable);
  }
  return finding;
}

std::string WriteFinding(const Finding& finding) {
  std::string bytes = {ByteOf(finding.reason), ByteOf(finding.manifest_action)};
  bytes.append(finding.manifest_digest.begin(), finding.manifest_digest.end());
  return bytes;
}

absl::StatusOr<Finding> ReadFinding(std::string_view bytes) {
  Finding finding;
  if (bytes.size() != kFindingBytes || !FromByte(bytes[0], finding.reason) ||
      !FromByte(bytes[1], finding.manifest_action)) {
    return NotValid(ValidateReason::kValidatorDied,
                    "the validating process gave no finding");
  }
  std::copy(bytes.begin() + 2, bytes.end(), finding.manifest_digest.begin());
  return finding;
}

}  // namespace anchorage::client
