#include "client/bundle_cache.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/bundle_file.h"

namespace anchorage::client {
namespace {

// The limit that GetUpdateResponse documents. Older programs kept the roots in
// this file too.
constexpr std::size_t kMaxBundleBytes = 14 * 1024 * 1024;
namespace fs = std::filesystem;

constexpr std::string_view kForkFile = "fork.root.json";

std::string FolderOf(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

}  // namespace

BundleCache::BundleCache(std::string folder, Access access)
    : folder_(std::move(folder)) {
  if (folder_.empty() || access == Access::kReadOnly) return;
  status_ = anchors::MakeFolder(folder_);
  if (!status_.ok()) return;
  auto lock = anchors::FolderLock::Take(folder_);
  if (lock.ok()) {
    lock_ = *std::move(lock);
  } else {
    status_ = lock.status();
  }
}

absl::StatusOr<std::string> BundleCache::Read(std::string_view name,
                                              std::size_t max_bytes) {
  if (const auto found = files_.find(name); found != files_.end()) {
    if (found->second.size() <= max_bytes) return found->second;
    return absl::OutOfRangeError(
        absl::StrCat(std::string(name), " is longer than its limit"));
  }
  if (folder_.empty() || disowned_) return absl::NotFoundError("not kept");
  // A folder that we cannot lock or write can still be read.
  return anchors::ReadFile(absl::StrCat(folder_, "/", std::string(name)),
                           max_bytes);
}

std::optional<std::string> BundleCache::Load(std::string_view name,
                                             std::size_t max_bytes) {
  auto bytes = Read(name, max_bytes);
  if (bytes.ok()) return *std::move(bytes);
  if (!absl::IsNotFound(bytes.status())) status_ = bytes.status();
  return std::nullopt;
}

absl::Status BundleCache::Save(std::string_view name, std::string_view bytes) {
  const std::string file(name);
  files_.insert_or_assign(file, std::string(bytes));
  if (!lock_.has_value()) return absl::OkStatus();
  const std::string path = absl::StrCat(folder_, "/", file);
  absl::Status s = anchors::MakeFolder(FolderOf(path));
  if (s.ok()) s = anchors::WriteFileAtomically(path, bytes);
  failures_.erase(file);
  if (!s.ok()) failures_.emplace(file, s);
  status_ = absl::OkStatus();
  return absl::OkStatus();
}

absl::StatusOr<anchors::BundleFiles> BundleCache::LoadBundle() {
  const auto bytes = Read(kBundleFile, kMaxBundleBytes);
  if (!bytes.ok()) return bytes.status();
  return ParseBundle(*bytes);
}

absl::StatusOr<anchors::BundleFiles> BundleCache::LoadWithRoots() {
  auto files = LoadBundle();
  if (!files.ok()) return files;
  files->roots.clear();
  std::size_t bytes = SerializeBundle(*files, 0).size();
  for (const std::string& name : RootNames()) {
    auto root = Read(name, anchors::tuf::kMaxRootBytes);
    if (!root.ok()) return root.status();
    bytes += root->size() + 8;
    if (bytes > kMaxBundleBytes) {
      return absl::OutOfRangeError("the folder has more roots than a bundle");
    }
    files->roots.push_back(*std::move(root));
  }
  return files;
}

std::vector<std::string> BundleCache::RootNames() const {
  std::map<std::int64_t, std::string> names;
  std::error_code error;
  for (const auto& entry :
       fs::directory_iterator(folder_ + "/root_history", error)) {
    const std::string name = entry.path().filename().string();
    const std::size_t dot = name.find('.');
    std::int64_t version = 0;
    if (name.ends_with(".root.json") &&
        absl::SimpleAtoi(name.substr(0, dot), &version)) {
      names.emplace(version, "root_history/" + name);
    }
  }
  std::vector<std::string> sorted;
  for (auto& [version, name] : names) sorted.push_back(std::move(name));
  return sorted;
}

absl::StatusOr<Memory> BundleCache::LoadMemory() {
  const auto text = Read(kMemoryFile, kMaxMemoryBytes);
  if (!text.ok()) return text.status();
  return ParseMemory(*text);
}

void BundleCache::SaveBundle(const anchors::BundleFiles& files,
                             const Memory& memory) {
  // Older programs show the sequence.
  Save(kBundleFile,
       SerializeBundle(files, memory.floor.Of(anchors::kCatalogName)))
      .IgnoreError();
  SaveMemory(memory);
  const bool is_kept = !failures_.contains(std::string(kBundleFile));
  if (is_kept && !is_marked()) Save(kMarkFile, "").IgnoreError();
}

void BundleCache::SaveMemory(const Memory& memory) {
  Save(kMemoryFile, Serialize(memory)).IgnoreError();
}

bool BundleCache::is_marked() { return Read(kMarkFile, 0).ok(); }

void BundleCache::Disown(std::string_view fork,
                         const anchors::tuf::Envelope& root) {
  const auto other = Read(fork, anchors::tuf::kMaxRootBytes);
  disowned_ = true;
  if (other.ok()) Save(kForkFile, *other).IgnoreError();
  Save("root.json", root.bytes).IgnoreError();
  Save(absl::StrCat("root_history/", root.version, ".root.json"), root.bytes)
      .IgnoreError();
  // Emptied on the disk too, for the next start: they belong to the other
  // history.
  for (const std::string_view name :
       {kBundleFile, std::string_view("timestamp.json"),
        std::string_view("snapshot.json"), std::string_view("targets.json")}) {
    Save(name, "").IgnoreError();
  }
}

absl::StatusOr<std::vector<std::string>> BundleCache::Clear(bool keep_memory) {
  if (!lock_.has_value()) {
    return absl::FailedPreconditionError("the folder is not locked");
  }
  std::vector<std::string> names = {std::string(kBundleFile),
                                    std::string(kMarkFile),
                                    std::string(kForkFile),
                                    "root.json",
                                    "timestamp.json",
                                    "snapshot.json",
                                    "targets.json"};
  if (!keep_memory) names.emplace_back(kMemoryFile);
  for (std::string& name : RootNames()) names.push_back(std::move(name));
  std::error_code error;
  std::vector<std::string> removed;
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(folder_, "/", name);
    if (!fs::exists(fs::symlink_status(path, error))) continue;
    if (absl::Status s = anchors::RemoveFile(path); !s.ok()) return s;
    removed.push_back(name);
  }
  files_.clear();
  return removed;
}

}  // namespace anchorage::client
