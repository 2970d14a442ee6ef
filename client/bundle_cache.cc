#include "client/bundle_cache.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/bundle_file.h"

namespace anchorage::client {
namespace {

// The limit that GetUpdateResponse documents. Older programs kept the roots in
// this file too.
constexpr std::size_t kMaxBundleBytes = 15 * 1024 * 1024;

constexpr std::string_view kForkFile = "fork.root.json";
constexpr std::string_view kRootHistory = "root_history/";
constexpr std::string_view kMetadata[] = {"timestamp.json", "snapshot.json",
                                          "targets.json"};

// The version of "N.root.json"; 0 for another name.
std::int64_t VersionOf(std::string_view file) {
  std::int64_t version = 0;
  const std::string_view number = file.substr(0, file.find('.'));
  const bool is_root =
      file.substr(number.size()) == ".root.json" &&
      absl::SimpleAtoi(absl::string_view(number.data(), number.size()),
                       &version);
  return is_root ? version : 0;
}

}  // namespace

absl::StatusOr<std::string> BundleCache::Read(std::string_view name,
                                              std::size_t max_bytes) {
  if (folder_ == nullptr || disowned_) return absl::NotFoundError("not kept");
  return folder_->Read(name, max_bytes);
}

std::optional<std::string> BundleCache::Load(std::string_view name,
                                             std::size_t max_bytes) {
  if (const auto found = files_.find(name); found != files_.end()) {
    if (found->second.size() <= max_bytes) return found->second;
    return std::nullopt;
  }
  auto bytes = Read(name, max_bytes);
  if (bytes.ok()) return *std::move(bytes);
  if (!absl::IsNotFound(bytes.status())) status_ = bytes.status();
  return std::nullopt;
}

absl::Status BundleCache::Save(std::string_view name, std::string_view bytes) {
  files_.insert_or_assign(std::string(name), std::string(bytes));
  unwritten_.insert(OrderOf(name));
  return absl::OkStatus();
}

void BundleCache::MarkWritten(std::string_view name) {
  unwritten_.erase(OrderOf(name));
  if (name == kBundleFile || name == kMemoryFile) {
    files_.erase(std::string(name));
  }
}

void BundleCache::MarkUnwritten(std::string_view name) {
  if (files_.contains(name)) unwritten_.insert(OrderOf(name));
}

absl::StatusOr<anchors::BundleFiles> BundleCache::LoadBundle() {
  const auto bytes = Read(kBundleFile, kMaxBundleBytes);
  if (!bytes.ok()) return bytes.status();
  return ParseBundle(*bytes);
}

absl::StatusOr<anchors::BundleFiles> BundleCache::LoadWithRoots() {
  auto files = LoadBundle();
  if (!files.ok()) return files;
  const auto names = RootNames();
  if (!names.ok()) return names.status();
  files->roots.clear();
  std::size_t bytes = SerializeBundle(*files, 0).size();
  for (const std::string& name : *names) {
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

absl::StatusOr<std::vector<std::string>> BundleCache::RootNames() {
  if (folder_ == nullptr) return std::vector<std::string>();
  const auto files = folder_->ListRoots();
  if (!files.ok()) return files.status();
  std::map<std::int64_t, std::string> names;
  for (const std::string& file : *files) {
    const std::int64_t version = VersionOf(file);
    if (version != 0) names.emplace(version, std::string(kRootHistory) + file);
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
  if (!is_marked()) Save(kMarkFile, "").IgnoreError();
}

void BundleCache::SaveMemory(const Memory& memory) {
  Save(kMemoryFile, Serialize(memory)).IgnoreError();
}

bool BundleCache::is_marked() { return Read(kMarkFile, 0).ok(); }

// The first two change with every root and every refresh that found something,
// the others with whatever is remembered.
std::vector<std::string> BundleCache::Stamps() {
  std::vector<std::string> stamps;
  for (const std::string_view name :
       {std::string_view("root.json"), std::string_view("timestamp.json"),
        kBundleFile, kMemoryFile}) {
    stamps.push_back(folder_->Stamp(name));
  }
  return stamps;
}

bool BundleCache::HasChanged() {
  if (folder_ == nullptr || disowned_) return false;
  std::vector<std::string> stamps = Stamps();
  if (stamps == stamps_) return false;
  stamps_ = std::move(stamps);
  status_ = absl::OkStatus();
  // The folder may have been emptied.
  for (const auto& [name, bytes] : files_) {
    if (folder_->Stamp(name).empty()) unwritten_.insert(OrderOf(name));
  }
  return true;
}

// Roots first, because everything else is judged under the newest; the mark
// last, because it says that the rest was there.
BundleCache::Order BundleCache::OrderOf(std::string_view name) {
  std::string text(name);
  if (name == kForkFile) return {0, 0, std::move(text)};
  if (name.starts_with(kRootHistory)) {
    return {1, VersionOf(name.substr(kRootHistory.size())), std::move(text)};
  }
  if (name == "root.json") return {2, 0, std::move(text)};
  if (name == kBundleFile) return {4, 0, std::move(text)};
  if (name == kMemoryFile) return {5, 0, std::move(text)};
  if (name == kMarkFile) return {6, 0, std::move(text)};
  const auto place =
      std::find(std::begin(kMetadata), std::end(kMetadata), name);
  return {3, place - std::begin(kMetadata), std::move(text)};
}

void BundleCache::Write(absl::FunctionRef<void()> look) {
  write_status_ = has_unwritten() ? WriteAll(look) : absl::OkStatus();
}

void BundleCache::MakeFolder() {
  if (folder_ == nullptr) return;
  const absl::Status made = folder_->BeginWrite().status();
  if (!absl::IsAborted(made)) write_status_ = made;
}

absl::Status BundleCache::WriteAll(absl::FunctionRef<void()> look) {
  const auto writer = folder_->BeginWrite();
  if (!writer.ok()) return writer.status();
  look();
  absl::Status written;
  while (written.ok() && !unwritten_.empty()) {
    const std::string& name = std::get<std::string>(*unwritten_.begin());
    written = (*writer)->Write(name, files_.at(name));
    if (!written.ok()) break;
    MarkWritten(std::string(name));
  }
  stamps_ = Stamps();
  return written;
}

void BundleCache::Disown(std::string_view fork,
                         const anchors::tuf::Envelope& root) {
  const auto other = Read(fork, anchors::tuf::kMaxRootBytes);
  disowned_ = true;
  if (other.ok()) Save(kForkFile, *other).IgnoreError();
  Save("root.json", root.bytes).IgnoreError();
  Save(absl::StrCat("root_history/", root.version, ".root.json"), root.bytes)
      .IgnoreError();
  // Emptied in the folder too, for the next start: they belong to the other
  // history.
  Save(kBundleFile, "").IgnoreError();
  for (const std::string_view name : kMetadata) Save(name, "").IgnoreError();
}

absl::StatusOr<std::vector<std::string>> BundleCache::Clear(
    absl::FunctionRef<absl::StatusOr<std::optional<Memory>>()> keep) {
  const auto writer = folder_->BeginWrite();
  if (!writer.ok()) return writer.status();
  const auto kept = keep();
  if (!kept.ok()) return kept.status();
  const auto roots = RootNames();
  if (!roots.ok()) return roots.status();
  std::vector<std::string> names = {std::string(kBundleFile),
                                    std::string(kMarkFile),
                                    std::string(kForkFile), "root.json"};
  names.insert(names.end(), std::begin(kMetadata), std::end(kMetadata));
  // First what stays: a crash in between must not forget it.
  if (kept->has_value()) {
    if (absl::Status s = (*writer)->Write(kMemoryFile, Serialize(**kept));
        !s.ok()) {
      return s;
    }
  } else {
    names.emplace_back(kMemoryFile);
  }
  names.insert(names.end(), roots->begin(), roots->end());
  std::vector<std::string> removed;
  for (std::string& name : names) {
    if (folder_->Stamp(name).empty()) continue;
    if (absl::Status s = (*writer)->Remove(name); !s.ok()) return s;
    removed.push_back(std::move(name));
  }
  return removed;
}

}  // namespace anchorage::client
