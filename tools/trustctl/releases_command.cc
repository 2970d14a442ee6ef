// trustctl releases show | import | mark

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "anchors/base/atomic_file.h"
#include "anchors/measurements.h"
#include "anchors/releases.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/pcr_flags.h"
#include "tools/trustctl/release_source.h"
#include "verify/attestation/pcr_claims.h"
#include "verify/reason.h"

namespace anchorage::trustctl {
namespace {

using anchors::Release;
using anchors::ReleaseList;
using nlohmann::ordered_json;
using verify::AttestationType;
using verify::ReleaseStatus;

// How much of a measurement is enough to tell releases apart at a glance.
constexpr std::size_t kShortHash = 16;

std::optional<AttestationType> TypeNamed(const std::string& name) {
  for (const AttestationType type :
       {AttestationType::kEnclave, AttestationType::kNitroTpm}) {
    if (NameOf(type) == name) return type;
  }
  return std::nullopt;
}

std::optional<ReleaseStatus> StatusNamed(const std::string& name) {
  for (const ReleaseStatus status :
       {ReleaseStatus::kActive, ReleaseStatus::kRetired,
        ReleaseStatus::kRevoked}) {
    if (NameOf(status) == name) return status;
  }
  return std::nullopt;
}

CLI::Option* AddTypeFlag(CLI::App& command, std::string& type,
                         const std::string& help) {
  return command.add_option("--type", type, help)
      ->check(CLI::IsMember({"enclave", "nitrotpm"}));
}

// --- show --------------------------------------------------------------------

struct ShowFlags {
  std::string product;
  ReleaseSource releases;
  AnchorSource source;
  Output output;
};

ordered_json TimeOrNull(const std::optional<absl::Time>& time) {
  return time.has_value() ? ordered_json(Rfc3339(*time))
                          : ordered_json(nullptr);
}

ordered_json ToJson(const Release& release) {
  ordered_json pcrs = ordered_json::object();
  for (const auto& [index, value] : release.measurements) {
    pcrs[absl::StrCat("PCR", index)] = absl::BytesToHexString(value);
  }
  return {{"product", release.product},
          {"name", release.name},
          {"type", NameOf(release.type)},
          {"status", NameOf(release.status)},
          {"image_ids", release.image_ids},
          {"valid_from", TimeOrNull(release.valid_from)},
          {"valid_until", TimeOrNull(release.valid_until)},
          {"pcrs", std::move(pcrs)},
          {"notes", release.notes},
          {"allow_extensions", release.allow_extensions}};
}

void PrintRelease(const Release& release) {
  const auto& [index, value] = *release.measurements.begin();
  std::cout << std::left << std::setw(16) << release.product << " "
            << std::setw(16) << release.name << " " << std::setw(8)
            << NameOf(release.type) << " " << std::setw(8)
            << NameOf(release.status) << " PCR" << index << " "
            << absl::BytesToHexString(value).substr(0, kShortHash);
  if (release.valid_from)
    std::cout << "  from " << Rfc3339(*release.valid_from);
  if (release.valid_until) {
    std::cout << "  until " << Rfc3339(*release.valid_until);
  }
  if (!release.notes.empty()) std::cout << "  " << release.notes;
  std::cout << "\n";
}

const Shape kReleases{.rows = "releases",
                      .columns = {{"PRODUCT", "/product"},
                                  {"NAME", "/name"},
                                  {"TYPE", "/type"},
                                  {"STATUS", "/status"},
                                  {"FROM", "/valid_from"},
                                  {"UNTIL", "/valid_until"},
                                  {"IMAGES", "/image_ids"},
                                  {"NOTES", "/notes"}},
                      .name = "/name"};

int Show(const ShowFlags& flags) {
  Anchors anchors;
  if (flags.releases.file.empty()) {
    auto loaded = flags.source.Load({});
    if (!loaded.ok()) return Fail(loaded.status());
    anchors = *std::move(loaded);
  }
  const auto list = flags.releases.Load(anchors);
  if (!list.ok()) return Fail(list.status());
  if (*list == nullptr) {
    flags.output.Print(
        {{"sequence", nullptr}, {"releases", ordered_json::array()}}, kReleases,
        [] {
          std::cout << "the bundle has no list of releases\n";
          std::cerr << "hint: --releases reads one from a file\n";
        });
    return kAccepted;
  }
  ordered_json json = {{"sequence", (*list)->sequence},
                       {"created_time", Rfc3339((*list)->created)},
                       {"releases", ordered_json::array()}};
  int count = 0;
  for (const Release& release : (*list)->releases) {
    if (!flags.product.empty() && flags.product != release.product) continue;
    ++count;
    json["releases"].push_back(ToJson(release));
    if (flags.output.is_text()) PrintRelease(release);
  }
  flags.output.Print(json, kReleases, [&] {
    std::cout << count << (count == 1 ? " release" : " releases")
              << ", sequence " << (*list)->sequence << " of "
              << Rfc3339((*list)->created) << "\n";
  });
  return kAccepted;
}

// --- import, mark ------------------------------------------------------------

// Reads the list at `path`, to be changed; an empty one if there is no file.
absl::StatusOr<ReleaseList> ReadForChange(const std::string& path) {
  auto list = ReadReleaseFile(path);
  if (absl::IsNotFound(list.status())) return ReleaseList();
  if (list.ok() && list->skipped > 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        path,
        " has releases of a type or status that this program does not "
        "know, and would lose them: use a newer one"));
  }
  return list;
}

// Gives the changed list the next sequence number. Fails where it is no list.
absl::Status Renew(ReleaseList& list) {
  ++list.sequence;
  list.created = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()));
  return anchors::CheckReleases(list);
}

absl::Status Write(const ReleaseList& list, const std::string& path) {
  const std::string text = anchors::SerializeReleases(list);
  if (text.size() > anchors::kMaxReleasesBytes) {
    return absl::OutOfRangeError(
        absl::StrCat(path, " would be longer than ", anchors::kMaxReleasesBytes,
                     " bytes: take out what was retired long ago"));
  }
  return anchors::WriteFileAtomically(path, text);
}

void PrintChange(std::string_view what, const Release& release,
                 const ReleaseList& list, const std::string& path,
                 const Output& output) {
  output.Print({{"list", path},
                {"sequence", list.sequence},
                {"release", ToJson(release)}},
               {.name = "/release/name"}, [&] {
                 std::cout << what << "  " << release.product << " "
                           << release.name << "  " << NameOf(release.type)
                           << "  " << NameOf(release.status) << "  "
                           << release.measurements.size() << " measurements; "
                           << path << " has sequence " << list.sequence << "\n";
               });
}

struct ImportFlags {
  std::vector<std::string> files;
  std::vector<std::string> pcrs;
  std::string type;
  std::string valid_from;
  std::string valid_until;
  Release release;
  std::string list = "releases.json";
  Output output;
};

absl::Status ReadWindow(const ImportFlags& flags, Release& release) {
  for (const auto& [text, time] :
       {std::pair(&flags.valid_from, &release.valid_from),
        std::pair(&flags.valid_until, &release.valid_until)}) {
    if (text->empty()) continue;
    const auto parsed = ParseRfc3339(*text);
    if (!parsed.ok()) return parsed.status();
    *time = *parsed;
  }
  return absl::OkStatus();
}

absl::Status InFile(const std::string& path, const absl::Status& status) {
  const std::string named = absl::StrCat(path, ": ", status.message());
  const auto reason = verify::ReasonOf(status);
  return reason.has_value() ? verify::Reject(*reason, named)
                            : absl::Status(status.code(), named);
}

// Adds what one file has to the measurements of others.
absl::Status Merge(const anchors::ImageMeasurements& more,
                   std::optional<anchors::ImageMeasurements>& image) {
  if (!image.has_value()) {
    image = more;
    return absl::OkStatus();
  }
  if (image->type != more.type) {
    return verify::Reject(verify::Reason::kWrongDocumentType,
                          "the PCRs are of another type of image than those of "
                          "the files before");
  }
  for (const auto& [index, value] : more.pcrs) {
    if (image->pcrs.emplace(index, value).first->second != value) {
      return verify::Reject(
          verify::Reason::kFieldInvalid,
          absl::StrCat("PCR", index, " differs from that of the files before"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<anchors::ImageMeasurements> ReadImage(const ImportFlags& flags) {
  std::optional<anchors::ImageMeasurements> image;
  for (const std::string& file : flags.files) {
    const auto text = ReadInput(file);
    if (!text.ok()) return text.status();
    const auto more = anchors::ReadMeasurements(*text, TypeNamed(flags.type));
    if (!more.ok()) return InFile(file, more.status());
    if (more->root_uncovered) {
      PrintWarning(absl::StrCat(
          file,
          " is of a disk that is NOT COVERED (pcr4_covers_root): whoever has "
          "the volume changes the files of its root file system, and PCR4 "
          "stays as it is, so this release says nothing of them"));
    }
    if (absl::Status s = Merge(*more, image); !s.ok()) return InFile(file, s);
  }
  return *std::move(image);
}

// Returns whether a release tells its image from others; prints what should be
// known of one that does.
absl::Status CheckNew(const Release& release) {
  if (absl::Status s = anchors::CheckReleaseSafe(release); !s.ok()) return s;
  if (release.status != ReleaseStatus::kActive) return absl::OkStatus();
  const std::string_view warning = verify::WarningOf(
      release.type, verify::ClaimsOf(release.type, *verify::PcrSet::FromBytes(
                                                       release.measurements)));
  if (!warning.empty()) PrintWarning(warning);
  return absl::OkStatus();
}

int Import(const ImportFlags& flags) {
  Release release = flags.release;
  if (absl::Status s = ReadWindow(flags, release); !s.ok()) {
    PrintError(TextOf(s));
    return kUsage;
  }
  auto image = ReadImage(flags);
  if (image.ok() && !flags.pcrs.empty()) {
    const auto pcrs = ReadPcrFlags(flags.pcrs);
    if (!pcrs.ok()) return UsageError(pcrs.status());
    for (const auto& [index, value] : pcrs->values()) {
      if (image->pcrs.emplace(index, value).first->second != value) {
        return UsageError(absl::InvalidArgumentError(absl::StrCat(
            "--pcr: PCR", index, " differs from that of the files")));
      }
    }
  }
  if (!image.ok()) {
    return Fail(image.status(),
                verify::ReasonOf(image.status()).has_value()
                    ? "what nitro-cli or the image builder printed is read as "
                      "it is; --type says the type where the PCRs do not"
                    : "");
  }
  release.type = image->type;
  release.measurements = std::move(image->pcrs);
  auto list = ReadForChange(flags.list);
  if (!list.ok()) return Fail(list.status());
  for (const Release& other : list->releases) {
    if (absl::Status s = anchors::CheckReleaseSafe(other); !s.ok()) {
      PrintWarning(TextOf(s));
    }
    if (other.product != release.product || other.type != release.type) {
      continue;
    }
    if (other.name == release.name) {
      PrintError(absl::StrCat(flags.list, " has ", release.product, " ",
                              release.name, " already"),
                 "use another --name, or 'trustctl releases mark' to change "
                 "its status");
      return kUsage;
    }
    if (other.status == ReleaseStatus::kRevoked &&
        other.measurements == release.measurements) {
      PrintWarning(absl::StrCat("the revoked release ", other.name,
                                " has the same measurements, and wins"));
    }
  }
  list->releases.push_back(release);
  absl::Status status = Renew(*list);
  if (status.ok()) status = CheckNew(release);
  if (status.ok()) status = Write(*list, flags.list);
  if (!status.ok()) return Fail(status);
  PrintChange("added", release, *list, flags.list, flags.output);
  return kAccepted;
}

struct MarkFlags {
  std::string product;
  std::string name;
  std::string type;
  std::string status;
  std::string notes;
  std::string list = "releases.json";
  Output output;
};

int Mark(const MarkFlags& flags) {
  auto list = ReadForChange(flags.list);
  if (!list.ok()) return Fail(list.status());
  std::vector<Release*> found;
  for (Release& release : list->releases) {
    if (release.product == flags.product && release.name == flags.name &&
        (flags.type.empty() || NameOf(release.type) == flags.type)) {
      found.push_back(&release);
    }
  }
  if (found.size() != 1) {
    PrintError(absl::StrCat(flags.list, " has ", found.size(),
                            " releases of that name"),
               found.empty() ? "'trustctl releases show --releases FILE' lists "
                               "them"
                             : "say which with --type");
    return kUsage;
  }
  Release& release = *found.front();
  release.status = *StatusNamed(flags.status);
  if (!flags.notes.empty()) release.notes = flags.notes;
  const Release changed = release;
  absl::Status status = Renew(*list);
  if (status.ok()) status = CheckNew(changed);
  if (status.ok()) status = Write(*list, flags.list);
  if (!status.ok()) return Fail(status);
  PrintChange("marked", changed, *list, flags.list, flags.output);
  return kAccepted;
}

// --- Flags -------------------------------------------------------------------

constexpr char kShowFooter[] = R"(
    trustctl releases show --releases releases.json
    trustctl releases show --server 127.0.0.1:7443 --trusted-root 1.root.json
)";

constexpr char kImportFooter[] = R"(
    trustctl releases import pcr_measurements.json --product shop \
        --name 1.4.0 --image-id ami-0123456789abcdef0
    nitro-cli build-enclave ... | trustctl releases import - \
        --product signer --name 2.3.0 --list releases.json
    nitro-cli pcr --signing-certificate signer.pem >signer.json
    trustctl releases import build.json signer.json --product signer \
        --name 2.3.0
    trustctl releases import pcr_measurements.json --pcr 8=HEX --product shop \
        --name 1.4.0

What build-enclave, describe-eif, describe-enclaves (of one enclave) and pcr of
nitro-cli print is read, and what the builder of machine images writes.
Adds a release to a list and gives the list the next sequence number; a list
that is not there is begun. Nothing is signed: that is done by the trustd whose
'releases_path' names the file.
)";

constexpr char kMarkFooter[] = R"(
    trustctl releases mark --product signer --name 2.2.0 --status RETIRED
    trustctl releases mark --product signer --name 2.1.0 --status REVOKED \
        --notes "CVE-2026-12345"

A revoked release is refused even where an active one has its measurements.
)";

void AddShow(CLI::App& releases, Action& action) {
  CLI::App& command = *releases.add_subcommand(
      "show", "Show the releases of the bundle or of a file");
  command.alias("list");
  command.footer(kShowFooter);
  auto flags = std::make_shared<ShowFlags>();
  command.add_option("--product", flags->product, "only this product");
  flags->source.AddTo(command);
  flags->releases.AddTo(command)
      ->excludes(command.get_option("--server"))
      ->excludes(command.get_option("--cache"))
      ->excludes(command.get_option("--catalog"));
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Show(*flags); }; });
}

void AddImport(CLI::App& releases, Action& action) {
  CLI::App& command = *releases.add_subcommand(
      "import", "Add the measurements of an image build to a list");
  command.footer(kImportFooter);
  auto flags = std::make_shared<ImportFlags>();
  command
      .add_option("file", flags->files,
                  "what the build printed, in one file or several; '-' is "
                  "standard input")
      ->required();
  command
      .add_option("--pcr", flags->pcrs,
                  "N=HEX: a measurement that no file has, such as the PCR8 of "
                  "'trustctl image sign' (repeatable)")
      ->allow_extra_args(false);
  command.add_option("--product", flags->release.product, "what was built")
      ->required();
  command
      .add_option("--name", flags->release.name, "its version, such as 2.3.0")
      ->required();
  command
      .add_option("--image-id", flags->release.image_ids,
                  "an image of it, for people (repeatable)")
      ->allow_extra_args(false);
  AddTypeFlag(command, flags->type,
              "enclave or nitrotpm, where the PCRs do not tell");
  command.add_option("--valid-from", flags->valid_from,
                     "not accepted before (RFC 3339)");
  command.add_option("--valid-until", flags->valid_until,
                     "not accepted after (RFC 3339)");
  command.add_option("--notes", flags->release.notes, "for people");
  command.add_option("--allow-extensions", flags->release.allow_extensions,
                     "REASON: machines may boot it with a command line, "
                     "credentials or extensions that PCR4 does not measure");
  command.add_option("--list", flags->list, "the list to add it to")
      ->capture_default_str();
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Import(*flags); }; });
}

void AddMark(CLI::App& releases, Action& action) {
  CLI::App& command =
      *releases.add_subcommand("mark", "Change the status of a release");
  command.footer(kMarkFooter);
  auto flags = std::make_shared<MarkFlags>();
  command.add_option("--product", flags->product, "of which product")
      ->required();
  command.add_option("--name", flags->name, "which release")->required();
  AddTypeFlag(command, flags->type,
              "enclave or nitrotpm, where both have that name");
  command.add_option("--status", flags->status, "what it is from now on")
      ->required()
      ->check(CLI::IsMember({"ACTIVE", "RETIRED", "REVOKED"}));
  command.add_option("--notes", flags->notes, "for people");
  command.add_option("--list", flags->list, "the list that it is in")
      ->capture_default_str();
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Mark(*flags); }; });
}

}  // namespace

void AddReleases(CLI::App& releases, Action& action) {
  AddShow(releases, action);
  AddImport(releases, action);
  AddMark(releases, action);
}

}  // namespace anchorage::trustctl
