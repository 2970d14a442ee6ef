// A page in Markdown is read by lines:
//
//   ## Europe (Ireland) — eu-west-1     a region begins; the anchor may stand
//   <a name="eu-west-1-cert"></a>       on this line or on the next
//   #### [ RSA-2048 ]                   a tab begins
//   ```                                 a fence opens or closes
//   # , ## or ### without an em dash    no region's text follows
//
// Inside a fence, the first and the third are headings too: there, they mean
// that the fence was never closed, and not that AWS prints them.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "trustd/sources/page/page_layouts.h"

namespace anchorage::trustd {
namespace {

constexpr std::string_view kFence = "```";
constexpr std::string_view kAnchorBegin = "<a name=\"";
constexpr std::string_view kAnchorEnd = "\"></a>";
constexpr int kRegionLevel = 2;
constexpr int kTabLevel = 4;

// Removes the anchor from the end of a line and returns its name; empty if
// there is none.
std::string_view TakeAnchor(std::string_view& line) {
  if (!line.ends_with(kAnchorEnd)) return {};
  const std::size_t at = line.rfind(kAnchorBegin);
  if (at == std::string_view::npos) return {};
  std::string_view name = line.substr(at + kAnchorBegin.size());
  name.remove_suffix(kAnchorEnd.size());
  line = StripBlanks(line.substr(0, at));
  return name;
}

// Removes the backslashes before punctuation.
std::string Unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out.push_back(text[i]);
  }
  return out;
}

class MarkdownReader {
 public:
  explicit MarkdownReader(PagePlacer& placer) : placer_(placer) {}

  void Line(std::string_view line) {
    ++number_;
    const std::string_view stripped = StripBlanks(line);
    if (Heading(stripped) || Fence(stripped)) return;
    std::string_view rest = stripped;
    if (const auto name = TakeAnchor(rest); rest.empty() && !name.empty()) {
      placer_.Anchor(name, number_);
      return;
    }
    placer_.Text(line, number_);
  }

  void End() {
    if (fence_line_ != 0) LeaveOpenFence();
  }

 private:
  void LeaveOpenFence() {
    if (fence_line_ == 0) return;
    placer_.Truncated("a fence opens here and does not close", fence_line_);
    fence_line_ = 0;
  }

  // Whether the line was a heading.
  bool Heading(std::string_view line) {
    const std::size_t level = line.find_first_not_of('#');
    if (level == std::string_view::npos || level == 0 || level > 6 ||
        line[level] != ' ') {
      return false;
    }
    std::string_view text = StripBlanks(line.substr(level));
    const std::string_view anchor = TakeAnchor(text);
    if (level == kRegionLevel && text.find(kEmDash) != std::string_view::npos) {
      LeaveOpenFence();
      placer_.BeginRegion(Unescape(text), number_);
      placer_.Anchor(anchor, number_);
      return true;
    }
    if (level == kTabLevel && text.starts_with('[') && text.ends_with(']')) {
      LeaveOpenFence();
      placer_.BeginTab(Unescape(text.substr(1, text.size() - 2)), number_);
      return true;
    }
    if (fence_line_ != 0) return false;
    if (level < kTabLevel) placer_.EndRegion();
    if (level == kTabLevel) placer_.EndTab();
    return true;
  }

  // Whether the line opened or closed a fence. One may close at the end of the
  // last line of its contents.
  bool Fence(std::string_view line) {
    if (line.starts_with(kFence)) {
      if (line.substr(kFence.size()).find('`') != std::string_view::npos) {
        return false;
      }
      fence_line_ = fence_line_ == 0 ? number_ : 0;
      return true;
    }
    if (fence_line_ == 0 || !line.ends_with(kFence)) return false;
    line.remove_suffix(kFence.size());
    placer_.Text(line, number_);
    fence_line_ = 0;
    return true;
  }

  PagePlacer& placer_;
  int number_ = 0;
  // The line of the open fence; 0 for none.
  int fence_line_ = 0;
};

}  // namespace

void ReadMarkdownPage(std::string_view text, PagePlacer& placer) {
  MarkdownReader reader(placer);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    reader.Line(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  reader.End();
}

}  // namespace anchorage::trustd
