#include "client/bundle_cache.h"

#include <utility>

#include "anchors/catalog.h"

namespace anchorage::client {
namespace {

// Not beside the metadata: a role could have that name.
constexpr char kCatalogFile[] = "targets/anchors.json";

std::string FolderOf(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

}  // namespace

BundleCache::BundleCache(std::string folder) : folder_(std::move(folder)) {
  if (folder_.empty()) return;
  status_ = anchors::MakeFolder(folder_);
  if (!status_.ok()) return;
  auto lock = anchors::FolderLock::Take(folder_);
  if (lock.ok()) {
    lock_ = *std::move(lock);
  } else {
    status_ = lock.status();
  }
}

std::optional<std::string> BundleCache::Load(std::string_view name,
                                             std::size_t max_bytes) {
  if (const auto found = files_.find(name); found != files_.end()) {
    if (found->second.size() > max_bytes) return std::nullopt;
    return found->second;
  }
  if (folder_.empty()) return std::nullopt;
  // A folder that we may not own or write can still be read.
  auto bytes = anchors::ReadFile(folder_ + "/" + std::string(name), max_bytes);
  if (!bytes.ok()) {
    if (!absl::IsNotFound(bytes.status())) status_ = bytes.status();
    return std::nullopt;
  }
  return *std::move(bytes);
}

absl::Status BundleCache::Save(std::string_view name, std::string_view bytes) {
  if (lock_.has_value()) {
    const std::string path = folder_ + "/" + std::string(name);
    status_ = anchors::MakeFolder(FolderOf(path));
    if (status_.ok()) status_ = anchors::WriteFileAtomically(path, bytes);
  }
  files_.insert_or_assign(std::string(name), std::string(bytes));
  return absl::OkStatus();
}

std::optional<std::string> BundleCache::LoadCatalog() {
  return Load(kCatalogFile, anchors::kMaxCatalogBytes);
}

void BundleCache::SaveCatalog(std::string_view bytes) {
  Save(kCatalogFile, bytes).IgnoreError();
}

}  // namespace anchorage::client
