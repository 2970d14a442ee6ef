#include "trustd/console/templates.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "trustd/console/template_files.h"

namespace anchorage::trustd {
namespace {

absl::string_view Text(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

Templates::Templates() {
  const std::pair<const char*, std::string_view> kPages[] = {
      {"overview", console::Overview()}, {"anchors", console::Anchors()},
      {"slot", console::Slot()},         {"changes", console::Changes()},
      {"change", console::Change()},     {"timeline", console::Timeline()},
      {"sources", console::Sources()},   {"expiry", console::Expiry()},
      {"fleet", console::Fleet()},       {"record", console::Record()},
      {"alerts", console::Alerts()},     {"error", console::Error()},
  };
  const absl::MutexLock lock(&mutex_);
  for (const auto& [name, page] : kPages) {
    // Put together once: the library would read a partial at each rendering.
    pages_.emplace(name, absl::StrReplaceAll(
                             absl::StrReplaceAll(Text(console::Layout()),
                                                 {{"{{>page}}", Text(page)}}),
                             {{"{{>pager}}", Text(console::Pager())}}));
  }
}

std::string Templates::Render(const std::string& name, const View& view) const {
  const absl::MutexLock lock(&mutex_);
  return pages_.at(name).render(view);
}

std::vector<std::string> Templates::Names() const {
  const absl::MutexLock lock(&mutex_);
  std::vector<std::string> names;
  for (const auto& [name, page] : pages_) names.push_back(name);
  return names;
}

std::string Templates::Problem() const {
  const absl::MutexLock lock(&mutex_);
  for (const auto& [name, page] : pages_) {
    if (!page.is_valid()) return absl::StrCat(name, ": ", page.error_message());
  }
  return "";
}

std::string_view StyleSheet() { return console::Style(); }

std::string_view Icon() { return console::IconSvg(); }

}  // namespace anchorage::trustd
