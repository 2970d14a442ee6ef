#include "client/image/package_owner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace anchorage::client {
namespace {

using verify::EntryType;
using verify::ManifestEntry;

constexpr std::size_t kMaxRecordBytes = 64 * 1024 * 1024;
constexpr char kInfo[] = "var/lib/dpkg/info";

std::string_view Take(char end, std::string_view& rest) {
  const std::string_view taken = rest.substr(0, rest.find(end));
  rest.remove_prefix(std::min(rest.size(), taken.size() + 1));
  return taken;
}

// Returns the whole of a regular file; "" where it cannot be read.
std::string Contents(int at, const std::string& name) {
  const Descriptor it = OpenBeneath(at, name, O_PATH);
  struct statx facts;
  if (!it.ok() || !FactsOf(it, facts) || !S_ISREG(facts.stx_mode)) return "";
  const Descriptor file = OpenBeneath(at, name, O_RDONLY);
  std::string text;
  char buffer[64 * 1024];
  while (file.ok()) {
    const ssize_t n = ::read(file.get(), buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > kMaxRecordBytes) return "";
  }
  return text;
}

struct Diversion {
  std::string to;
  // The package whose own file keeps the name; ":" for none.
  std::string by;
};

std::map<std::string, Diversion, std::less<>> DiversionsOf(
    std::string_view text) {
  std::map<std::string, Diversion, std::less<>> diversions;
  while (!text.empty()) {
    const std::string_view from = Take('\n', text);
    const std::string_view to = Take('\n', text);
    diversions[std::string(from)] = {std::string(to),
                                     std::string(Take('\n', text))};
  }
  return diversions;
}

ManifestEntry* Find(std::vector<ManifestEntry>& entries,
                    std::string_view name) {
  const auto it = std::lower_bound(
      entries.begin(), entries.end(), name,
      [](const ManifestEntry& e, std::string_view n) { return e.name < n; });
  return it != entries.end() && it->name == name ? &*it : nullptr;
}

// The entry that a record means by an absolute `path`; null for none.
ManifestEntry* EntryAt(std::vector<ManifestEntry>& entries,
                       std::string_view path) {
  if (!path.starts_with('/')) return nullptr;
  path.remove_prefix(1);
  if (ManifestEntry* const entry = Find(entries, path)) return entry;
  const std::size_t slash = path.find('/');
  const ManifestEntry* const top = Find(entries, path.substr(0, slash));
  if (slash == std::string_view::npos || top == nullptr ||
      top->type != EntryType::kLink) {
    return nullptr;
  }
  return Find(entries, top->target + std::string(path.substr(slash)));
}

bool IsVisibleAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

std::map<std::string, std::string> ParseDpkgStatus(std::string_view text) {
  std::map<std::string, std::string> versions;
  std::string_view name, architecture, version, status;
  while (!text.empty()) {
    const std::string_view line = Take('\n', text);
    const auto take = [&](std::string_view field, std::string_view& value) {
      if (line.starts_with(field)) value = line.substr(field.size());
    };
    take("Package: ", name);
    take("Architecture: ", architecture);
    take("Version: ", version);
    take("Status: ", status);
    if (!line.empty() && !text.empty()) continue;
    if (!name.empty() && status.ends_with(" installed")) {
      versions[std::string(name)] = std::string(version);
      versions[absl::StrCat(std::string(name), ":",
                            std::string(architecture))] = std::string(version);
    }
    name = architecture = version = status = "";
  }
  return versions;
}

void AddPackages(const Descriptor& root, std::vector<ManifestEntry>& entries) {
  const auto versions =
      ParseDpkgStatus(Contents(root.get(), "var/lib/dpkg/status"));
  const auto diversions =
      DiversionsOf(Contents(root.get(), "var/lib/dpkg/diversions"));
  Descriptor folder = OpenBeneath(root.get(), kInfo, O_RDONLY | O_DIRECTORY);
  const int info = folder.get();
  const std::unique_ptr<DIR, int (*)(DIR*)> names(
      folder.ok() ? ::fdopendir(info) : nullptr, ::closedir);
  if (names == nullptr) return;
  folder.Release();
  std::vector<std::string> lists;
  while (const dirent* const found = ::readdir(names.get())) {
    if (std::string_view(found->d_name).ends_with(".list")) {
      lists.emplace_back(found->d_name);
    }
  }
  // Where two say that they own one, the first does.
  std::sort(lists.begin(), lists.end());
  for (const std::string& list : lists) {
    const std::string package = list.substr(0, list.size() - 5);
    const auto version = versions.find(package);
    if (version == versions.end()) continue;
    const std::string owner =
        absl::StrCat("dpkg:", package, "=", version->second);
    if (owner.size() > verify::kMaxPackageBytes || !IsVisibleAscii(owner)) {
      continue;
    }
    const std::string text = Contents(info, list);
    std::string_view rest = text;
    while (!rest.empty()) {
      std::string_view path = Take('\n', rest);
      const auto diverted = diversions.find(path);
      if (diverted != diversions.end() &&
          diverted->second.by != package.substr(0, package.find(':'))) {
        path = diverted->second.to;
      }
      ManifestEntry* const entry = EntryAt(entries, path);
      if (entry != nullptr && entry->package.empty() &&
          (entry->type == EntryType::kFile ||
           entry->type == EntryType::kLink)) {
        entry->package = owner;
      }
    }
  }
}

}  // namespace anchorage::client
