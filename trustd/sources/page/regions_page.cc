#include "trustd/sources/page/regions_page.h"

#include <array>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "trustd/sources/page/page_layouts.h"
#include "trustd/sources/page/page_placer.h"

namespace anchorage::trustd {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// What an HTML page may begin with. Markdown can begin with other tags.
constexpr std::array<std::string_view, 7> kHtmlBeginnings = {
    "<!doctype", "<html", "<head", "<body", "<!--", "<?xml", "<awsui-"};

bool IsHtml(std::string_view text) {
  for (const std::string_view beginning : kHtmlBeginnings) {
    if (absl::StartsWithIgnoreCase({text.data(), text.size()},
                                   {beginning.data(), beginning.size()})) {
      return true;
    }
  }
  return false;
}

}  // namespace

PageContent ParseRegionsPage(std::string_view text, const SourceScope& scope) {
  if (text.size() > kMaxPageBytes) {
    PageContent refused;
    refused.problems.push_back({ProblemKind::kNotTheDocument, 0,
                                "a page of " + std::to_string(text.size()) +
                                    " bytes, the limit is " +
                                    std::to_string(kMaxPageBytes)});
    return refused;
  }
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  PagePlacer placer(scope);
  if (IsHtml(StripBlanks(text))) {
    ReadHtmlPage(text, placer);
  } else {
    ReadMarkdownPage(text, placer);
  }
  return std::move(placer).Finish();
}

}  // namespace anchorage::trustd
