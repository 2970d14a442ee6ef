#include "client/bundle_cache.h"

#include <utility>

namespace anchorage::client {
namespace {

// Not *.json: a role of the metadata beside it could have that name.
constexpr char kBundleFile[] = "last_verified.bundle";
// As GetUpdateResponse documents it.
constexpr std::size_t kMaxBundleBytes = 14 * 1024 * 1024;

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

std::optional<v1::GetUpdateResponse> BundleCache::LoadBundle() {
  const auto bytes = Load(kBundleFile, kMaxBundleBytes);
  if (!bytes.has_value()) return std::nullopt;
  v1::GetUpdateResponse files;
  if (!files.ParseFromString(*bytes)) {
    status_ = absl::DataLossError("the cached bundle is damaged");
    return std::nullopt;
  }
  return files;
}

void BundleCache::SaveBundle(const v1::GetUpdateResponse& files) {
  Save(kBundleFile, files.SerializeAsString()).IgnoreError();
}

}  // namespace anchorage::client
