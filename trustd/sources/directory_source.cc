#include "trustd/sources/directory_source.h"

#include <filesystem>
#include <map>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "anchors/base/atomic_file.h"
#include "anchors/catalog.h"
#include "trustd/sources/observer.h"
#include "trustd/sources/source_failure.h"
#include "verify/crypto/public_key.h"
#include "verify/partition.h"

namespace anchorage::trustd {
namespace {

namespace fs = std::filesystem;
using verify::AnchorKind;

constexpr std::string_view kPem = ".pem";
// PARTITION/REGION/FILE.
constexpr int kMaxDepth = 3;

// The .pem files of a folder by their paths in it, with "/" between the parts.
using PemFiles = std::map<std::string, std::string>;

absl::Status Unreadable(const std::string& path, const std::string& why) {
  return FailSource(SourceFailure::kPathUnreadable,
                    absl::StrCat(path, ": ", why));
}

absl::Status TooLarge(const std::string& path, const char* what) {
  return FailSource(SourceFailure::kTooLarge, absl::StrCat(path, what));
}

class FolderReader {
 public:
  explicit FolderReader(std::string root) : root_(std::move(root)) {}

  absl::StatusOr<PemFiles> Read() && {
    if (absl::Status s = ReadFolder("", 1); !s.ok()) return s;
    return std::move(files_);
  }

 private:
  // Reads the folder `prefix` (empty or with a slash at its end).
  absl::Status ReadFolder(const std::string& prefix, int depth) {
    std::error_code error;
    fs::directory_iterator it(root_ + "/" + prefix, error);
    for (; !error && it != fs::directory_iterator(); it.increment(error)) {
      if (++entries_ > kMaxDirectoryEntries) {
        return TooLarge(root_, " has too many entries");
      }
      const std::string name = it->path().filename().string();
      if (name.starts_with('.')) continue;
      if (absl::Status s = ReadEntry(*it, prefix + name, depth); !s.ok()) {
        return s;
      }
    }
    if (error) return Unreadable(root_ + "/" + prefix, error.message());
    return absl::OkStatus();
  }

  absl::Status ReadEntry(const fs::directory_entry& entry,
                         const std::string& path, int depth) {
    std::error_code error;
    // Follows links: a Kubernetes volume is made of them.
    const bool is_folder = entry.is_directory(error);
    if (error) return Unreadable(root_ + "/" + path, error.message());
    if (is_folder) {
      // Nothing below could be placed, and a link may lead in a circle.
      return depth < kMaxDepth ? ReadFolder(path + "/", depth + 1)
                               : absl::OkStatus();
    }
    if (!path.ends_with(kPem)) return absl::OkStatus();
    auto bytes = anchors::ReadFile(root_ + "/" + path, kMaxPemFileBytes);
    if (absl::IsOutOfRange(bytes.status())) {
      return TooLarge(root_ + "/" + path, " is too long");
    }
    if (!bytes.ok()) {
      return FailSource(SourceFailure::kPathUnreadable, bytes.status());
    }
    total_ += bytes->size();
    if (total_ > kMaxDirectoryBytes) return TooLarge(root_, " is too large");
    files_.emplace(path, *std::move(bytes));
    return absl::OkStatus();
  }

  const std::string root_;
  PemFiles files_;
  std::size_t entries_ = 0;
  std::size_t total_ = 0;
};

// Returns the slot that a path names; nullopt for none.
std::optional<verify::Slot> SlotOf(const std::string& path) {
  const std::vector<std::string> parts = absl::StrSplit(
      absl::string_view(path).substr(0, path.size() - kPem.size()), '/');
  const auto kind = verify::AnchorKindNamed(parts.back());
  if (!kind.has_value()) return std::nullopt;
  const bool is_root = *kind == AnchorKind::kNitroRoot;
  if (is_root && parts.size() == 2) return verify::Slot{parts[0], "", *kind};
  if (is_root || parts.size() != 3) return std::nullopt;
  // A region determines its partition: a folder that says otherwise is a
  // mistake.
  if (!verify::IsRegionCode(parts[1]) ||
      verify::PartitionOfRegion(parts[1]) != parts[0]) {
    return std::nullopt;
  }
  return verify::Slot{parts[0], parts[1], *kind};
}

std::string HashOf(const PemFiles& files) {
  std::string lines;
  for (const auto& [path, bytes] : files) {
    absl::StrAppend(&lines, verify::Sha256Hex(bytes), "  ", path, "\n");
  }
  return verify::Sha256Hex(lines);
}

void Observe(const PemFiles& files, Observer& observer) {
  for (const auto& [path, bytes] : files) {
    const auto slot = SlotOf(path);
    if (slot.has_value()) {
      observer.AddPem(*slot, bytes, path);
    } else {
      observer.Report(ProblemKind::kNotPlaced, 0,
                      absl::StrCat(path,
                                   " is not PARTITION/REGION/KIND.pem or "
                                   "PARTITION/nitro-root.pem"));
    }
  }
  if (files.empty()) {
    observer.Report(ProblemKind::kNotTheDocument, 0,
                    "the folder holds no .pem file");
  }
}

void ObserveCatalog(std::string_view json, Observer& observer) {
  const auto catalog = anchors::ParseCatalog(json);
  if (!catalog.ok()) {
    return observer.Report(ProblemKind::kNotTheDocument, 0,
                           std::string(catalog.status().message()));
  }
  observer.AddCatalog(*catalog, "the catalog");
}

}  // namespace

DirectorySource::DirectorySource(SourceProfile profile, std::string path)
    : Source(std::move(profile)), path_(std::move(path)) {}

absl::StatusOr<SourceAnswer> DirectorySource::Poll(absl::Time now) {
  std::error_code error;
  const fs::file_status status = fs::status(path_, error);
  if (status.type() == fs::file_type::not_found) {
    return FailSource(SourceFailure::kPathMissing,
                      fs::absolute(path_, error).string());
  }
  PemFiles files;
  std::string catalog;
  if (fs::is_directory(status)) {
    auto read = FolderReader(path_).Read();
    if (!read.ok()) return read.status();
    files = *std::move(read);
  } else {
    auto read = anchors::ReadFile(path_, anchors::kMaxCatalogBytes);
    if (absl::IsOutOfRange(read.status())) {
      return TooLarge(path_, " is too long");
    }
    if (!read.ok()) {
      return FailSource(SourceFailure::kPathUnreadable, read.status());
    }
    catalog = *std::move(read);
  }
  const std::string sha256 =
      fs::is_directory(status) ? HashOf(files) : verify::Sha256Hex(catalog);
  if (sha256 == last_sha256_) return SourceAnswer();
  Observer observer(MakeObservation(*this, path_, sha256, now));
  if (fs::is_directory(status)) {
    Observe(files, observer);
  } else {
    ObserveCatalog(catalog, observer);
  }
  last_sha256_ = sha256;
  SourceAnswer answer;
  answer.observation = std::move(observer).Finish();
  return answer;
}

absl::StatusOr<std::unique_ptr<Source>> DirectorySettings::Make(
    const SourceSettings& settings, const SourceEnvironment&) const {
  return std::make_unique<DirectorySource>(settings.profile, path);
}

}  // namespace anchorage::trustd
