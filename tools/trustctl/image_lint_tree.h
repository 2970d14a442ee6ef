// Reads a tree that anyone may have made: see image_lint.h.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_LINT_TREE_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_LINT_TREE_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/image/beneath.h"

namespace anchorage::trustctl {

class LintTree {
 public:
  static constexpr std::size_t kMaxFileBytes = 1 << 20;
  // Of all files, and names in all folders, that are read.
  static constexpr std::size_t kMaxBytes = 64 << 20;
  static constexpr std::size_t kMaxNames = 1 << 18;

  // `unreadable` is called with each path that is there and cannot be read,
  // and why.
  LintTree(client::Descriptor root,
           std::function<void(const std::string& path, const std::string& why)>
               unreadable)
      : root_(std::move(root)), unreadable_(std::move(unreadable)) {}

  // Whether there is anything of that name, if only a link that leads nowhere.
  bool Exists(const std::string& path);

  // The text of a regular file; nullopt where there is none.
  std::optional<std::string> Read(const std::string& path);

  // Sorted; empty where there is no such folder.
  std::vector<std::string> List(const std::string& folder);

  // The paths of what is there of `pattern`, in which parts may have a '*'.
  std::vector<std::string> Match(const std::string& pattern);

  // Where a link leads, as it says; nullopt where there is none.
  std::optional<std::string> LinkTarget(const std::string& path);

 private:
  // Of the path without a link as its last part.
  client::Descriptor OpenName(const std::string& path);

  client::Descriptor root_;
  std::size_t bytes_ = 0;
  std::size_t names_ = 0;
  std::function<void(const std::string& path, const std::string& why)>
      unreadable_;
};

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_LINT_TREE_H_
