#include "tools/trustctl/image_lint_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace anchorage::trustctl {
namespace {

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::string NameOf(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// Nothing there, or a link that leads nowhere or in a circle.
bool IsAbsent(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

std::string ErrorText(int error) {
  return std::generic_category().message(error);
}

}  // namespace

client::Descriptor LintTree::OpenName(const std::string& path) {
  const client::Descriptor folder =
      client::ResolveInRoot(root_.get(), FolderOf(path));
  if (!folder.ok()) return {};
  return client::OpenBeneath(folder.get(), NameOf(path), O_PATH);
}

bool LintTree::Exists(const std::string& path) {
  if (OpenName(path).ok()) return true;
  const int error = errno;
  if (!IsAbsent(error)) unreadable_(path, ErrorText(error));
  return false;
}

std::optional<std::string> LintTree::Read(const std::string& path) {
  const client::Descriptor found = client::ResolveInRoot(root_.get(), path);
  if (!found.ok()) {
    const int error = errno;
    if (!IsAbsent(error)) unreadable_(path, ErrorText(error));
    return std::nullopt;
  }
  struct statx facts {};
  if (!client::FactsOf(found, facts) || (facts.stx_mode & S_IFMT) != S_IFREG) {
    // What systemd reads as empty: a masked unit is a link to /dev/null.
    if ((facts.stx_mode & S_IFMT) != S_IFCHR) unreadable_(path, "not a file");
    return std::nullopt;
  }
  if (bytes_ > kMaxBytes) {
    unreadable_(path, "too much has been read");
    return std::nullopt;
  }
  const client::Descriptor file = client::Reopen(found, O_RDONLY);
  if (facts.stx_size > kMaxFileBytes) {
    unreadable_(path, "longer than 1 MiB");
    return std::nullopt;
  }
  // One more than there is, to see the end.
  std::string text(facts.stx_size + 1, '\0');
  std::size_t size = 0;
  while (file.ok() && size < text.size()) {
    const ssize_t count =
        ::read(file.get(), text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    if (count == 0) {
      text.resize(size);
      bytes_ += size;
      return text;
    }
    size += static_cast<std::size_t>(count);
  }
  unreadable_(path,
              size == text.size() ? "longer than 1 MiB" : ErrorText(errno));
  return std::nullopt;
}

std::vector<std::string> LintTree::List(const std::string& folder) {
  std::vector<std::string> names;
  const client::Descriptor found = client::ResolveInRoot(root_.get(), folder);
  client::Descriptor opened =
      found.ok() ? client::OpenBeneath(found.get(), ".", O_RDONLY | O_DIRECTORY)
                 : client::Descriptor();
  if (!opened.ok()) {
    const int error = errno;
    if (!IsAbsent(error)) unreadable_(folder, ErrorText(error));
    return names;
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(opened.get()),
                                                   ::closedir);
  if (stream == nullptr) return names;
  opened.Release();
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names_ == kMaxNames) {
      unreadable_(folder, absl::StrCat("more than ", kMaxNames, " files"));
      break;
    }
    ++names_;
    names.push_back(name);
  }
  if (errno != 0) unreadable_(folder, ErrorText(errno));
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> LintTree::Match(const std::string& pattern) {
  std::vector<std::string> paths = {""};
  for (const absl::string_view part :
       absl::StrSplit(pattern, '/', absl::SkipEmpty())) {
    std::vector<std::string> longer;
    for (const std::string& path : paths) {
      if (!absl::StrContains(part, '*')) {
        longer.push_back(absl::StrCat(path, "/", part));
        continue;
      }
      for (const std::string& name : List(path.empty() ? "/" : path)) {
        if (::fnmatch(std::string(part).c_str(), name.c_str(), FNM_NOESCAPE) ==
            0) {
          longer.push_back(absl::StrCat(path, "/", name));
        }
      }
    }
    paths = std::move(longer);
  }
  std::erase_if(paths, [this](const auto& path) { return !Exists(path); });
  return paths;
}

std::optional<std::string> LintTree::LinkTarget(const std::string& path) {
  const client::Descriptor link = OpenName(path);
  if (!link.ok()) return std::nullopt;
  std::string target(PATH_MAX, '\0');
  // An empty name is the link itself.
  const ssize_t size =
      ::readlinkat(link.get(), "", target.data(), target.size());
  if (size <= 0) return std::nullopt;
  target.resize(static_cast<std::size_t>(size));
  return target;
}

}  // namespace anchorage::trustctl
