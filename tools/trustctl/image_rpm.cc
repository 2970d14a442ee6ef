#include "tools/trustctl/image_rpm.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "client/instance/bounded_process.h"

namespace anchorage::trustctl {
namespace {

namespace fs = std::filesystem;
using verify::EntryType;
using verify::ManifestEntry;

constexpr char kRpm[] = "/usr/bin/rpm";
constexpr std::size_t kMaxOutputBytes = 256 * 1024 * 1024;

// Where distributions keep the database, the newer place first. One of the two
// is often a link to the other.
constexpr const char* kDatabases[] = {"usr/lib/sysimage/rpm", "var/lib/rpm"};

absl::Status AskOfCopy(const fs::path& database, const std::string& copy,
                       std::vector<ManifestEntry>& entries) {
  std::error_code error;
  fs::copy(database, copy,
           fs::copy_options::recursive | fs::copy_options::skip_symlinks |
               fs::copy_options::overwrite_existing,
           error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot copy rpm's database: ", error.message()));
  }
  const auto asked = client::RunBounded(
      {.program = kRpm,
       .arguments = {"--dbpath", copy, "-qa", "--qf",
                     "[%{FILENAMES}\t%{=NAME}=%{=EVR}.%{=ARCH}\n]"},
       .timeout = absl::Minutes(2),
       .max_output_bytes = kMaxOutputBytes});
  if (!asked.ok()) return asked.status();
  if (asked->end != client::ProcessEnd::kExited || asked->code != 0) {
    return absl::UnavailableError("rpm did not say what it owns");
  }
  SetRpmPackages(asked->output, entries);
  return absl::OkStatus();
}

bool IsVisibleAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

void SetRpmPackages(std::string_view lines,
                    std::vector<ManifestEntry>& entries) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const std::size_t tab = line.rfind('\t');
    if (!line.starts_with('/') || tab == std::string_view::npos) continue;
    const std::string_view name = line.substr(1, tab - 1);
    const std::string owner =
        absl::StrCat("rpm:", std::string(line.substr(tab + 1)));
    const auto it = std::lower_bound(
        entries.begin(), entries.end(), name,
        [](const ManifestEntry& e, std::string_view n) { return e.name < n; });
    if (it != entries.end() && it->name == name && it->package.empty() &&
        (it->type == EntryType::kFile || it->type == EntryType::kLink) &&
        owner.size() <= verify::kMaxPackageBytes && IsVisibleAscii(owner)) {
      it->package = owner;
    }
  }
}

absl::Status AddRpmPackages(const std::string& root,
                            std::vector<ManifestEntry>& entries) {
  for (const char* name : kDatabases) {
    const fs::path database = fs::path(root) / name;
    std::error_code error;
    if (!fs::is_directory(fs::symlink_status(database, error))) continue;
    if (!fs::exists(kRpm, error)) {
      return absl::NotFoundError(
          "this machine has no rpm, so entries name no package of rpm's");
    }
    std::string copy = fs::temp_directory_path(error) / "trustctl-rpm-XXXXXX";
    if (::mkdtemp(copy.data()) == nullptr) {
      return absl::UnavailableError("cannot make a folder for temporary files");
    }
    const auto remove = absl::MakeCleanup([&] {
      std::error_code ignored;
      fs::remove_all(copy, ignored);
    });
    return AskOfCopy(database, copy, entries);
  }
  return absl::OkStatus();
}

}  // namespace anchorage::trustctl
