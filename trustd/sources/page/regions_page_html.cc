// A page in HTML is read in two steps:
//
//   1. Reduce(): everything but four elements is removed, and line feeds are
//      kept. What the parser is given has at most kMaxTags tags, none of them
//      of a kind that a parser repeats or moves, whatever the page holds. So
//      its tree is small, and no deeper than that.
//   2. the tree is walked, without recursion:
//        <awsui-expandable-section header="Europe (Ireland) — eu-west-1"
//            id="eu-west-1-cert">        a region
//          <dl>
//            <dt>RSA-2048</dt>           a tab
//            <dd>-----BEGIN ...</dd>     its text

#include <gumbo.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "trustd/sources/page/page_layouts.h"

namespace anchorage::trustd {
namespace {

// AWS's page has about 600.
constexpr int kMaxTags = 4096;
constexpr std::string_view kSection = "awsui-expandable-section";
constexpr std::array<std::string_view, 4> kKept = {kSection, "dl", "dt", "dd"};
// Elements whose text is not for people.
constexpr std::array<std::string_view, 2> kHidden = {"script", "style"};

bool EqualsNoCase(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase({a.data(), a.size()}, {b.data(), b.size()});
}

template <std::size_t N>
bool IsOneOf(std::string_view name,
             const std::array<std::string_view, N>& names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view known) {
    return EqualsNoCase(name, known);
  });
}

class Reducer {
 public:
  explicit Reducer(std::string_view text) : text_(text) {
    out_.reserve(text.size());
  }

  void Run() {
    while (at_ < text_.size()) {
      const std::size_t open = std::min(text_.find('<', at_), text_.size());
      Copy(text_.substr(at_, open - at_));
      at_ = open;
      if (at_ < text_.size()) Markup();
    }
  }

  const std::string& out() const { return out_; }
  bool too_many() const { return tags_ > kMaxTags; }
  // Whether the text ends inside markup, or inside an open element.
  bool cut() const { return cut_ || sections_ > 0 || html_ > 0; }

 private:
  // Copies text. A carriage return would count as a line of its own.
  void Copy(std::string_view text) {
    for (const char c : text) {
      if (c == '<') {
        out_ += "&lt;";
      } else if (c != '\r') {
        out_.push_back(c);
      }
    }
  }

  // Leaves out `size` bytes, but keeps their line feeds.
  void Skip(std::size_t size) {
    const std::string_view skipped = text_.substr(at_, size);
    out_.append(std::count(skipped.begin(), skipped.end(), '\n'), '\n');
    at_ += skipped.size();
  }

  void SkipPast(std::string_view end, std::size_t from) {
    const std::size_t found = text_.find(end, from);
    cut_ = cut_ || found == std::string_view::npos;
    Skip(found == std::string_view::npos ? text_.size() - at_
                                         : found + end.size() - at_);
  }

  void Markup() {
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("<!--")) return SkipPast("-->", at_ + 4);
    if (rest.starts_with("<!") || rest.starts_with("<?")) {
      return SkipPast(">", at_);
    }
    const std::size_t name_at = rest.starts_with("</") ? 2 : 1;
    if (name_at >= rest.size()) {
      cut_ = true;
      return Skip(rest.size());
    }
    if (!absl::ascii_isalpha(static_cast<unsigned char>(rest[name_at]))) {
      Copy("<");
      ++at_;
      return;
    }
    Tag(rest, name_at);
  }

  void Tag(std::string_view rest, std::size_t name_at) {
    const std::size_t end = EndOfTag(rest);
    if (end == std::string_view::npos) {
      cut_ = true;
      return Skip(rest.size());
    }
    const std::string_view name = rest.substr(
        name_at, rest.find_first_of(" \t\r\n\f/>", name_at) - name_at);
    const bool closes = name_at == 2;
    Count(name, closes);
    if (!closes && IsOneOf(name, kHidden)) return SkipElement(name, end);
    if (!IsOneOf(name, kKept)) return Skip(end);
    if (++tags_ > kMaxTags) return Skip(text_.size() - at_);
    // A line feed inside the tag stays inside it.
    out_.push_back('<');
    if (closes) out_.push_back('/');
    Copy(rest.substr(name_at, end - name_at));
    at_ += end;
  }

  // Returns the length of the tag, with its '>'; npos if it has none. A '>'
  // in quotes does not end it.
  static std::size_t EndOfTag(std::string_view tag) {
    char quote = 0;
    for (std::size_t i = 1; i < tag.size(); ++i) {
      const char c = tag[i];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '>') {
        return i + 1;
      } else if ((c == '"' || c == '\'') && tag[i - 1] == '=') {
        quote = c;
      }
    }
    return std::string_view::npos;
  }

  void SkipElement(std::string_view name, std::size_t from) {
    const std::string end =
        "</" + absl::AsciiStrToLower({name.data(), name.size()});
    for (std::size_t i = at_ + from; i < text_.size(); ++i) {
      if (text_[i] == '<' && EqualsNoCase(text_.substr(i, end.size()), end)) {
        return SkipPast(">", i);
      }
    }
    cut_ = true;
    Skip(text_.size() - at_);
  }

  void Count(std::string_view name, bool closes) {
    const int step = closes ? -1 : 1;
    if (EqualsNoCase(name, "html")) html_ += step;
    if (EqualsNoCase(name, kSection)) sections_ += step;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
  int tags_ = 0;
  int html_ = 0;
  int sections_ = 0;
  bool cut_ = false;
};

struct OutputDeleter {
  void operator()(GumboOutput* output) const {
    gumbo_destroy_output(&kGumboDefaultOptions, output);
  }
};

bool IsSection(const GumboElement& element) {
  if (element.tag != GUMBO_TAG_UNKNOWN) return false;
  GumboStringPiece name = element.original_tag;
  gumbo_tag_from_original_text(&name);
  return EqualsNoCase({name.data, name.length}, kSection);
}

std::string_view Attribute(const GumboElement& element, const char* name) {
  const GumboAttribute* attribute =
      gumbo_get_attribute(&element.attributes, name);
  return attribute == nullptr ? std::string_view() : attribute->value;
}

bool IsText(const GumboNode& node) {
  return node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_WHITESPACE ||
         node.type == GUMBO_NODE_CDATA;
}

// The text directly in an element. Nothing else can be in a <dt>.
std::string TextIn(const GumboElement& element) {
  std::string out;
  for (unsigned i = 0; i < element.children.length; ++i) {
    const auto* child = static_cast<GumboNode*>(element.children.data[i]);
    if (IsText(*child)) out += child->v.text.text;
  }
  return out;
}

class TreeWalker {
 public:
  explicit TreeWalker(PagePlacer& placer) : placer_(placer) {}

  void Walk(const GumboNode& root) {
    std::vector<Step> steps = {{&root, 0}};
    if (!Enter(root)) return;
    while (!steps.empty()) {
      Step& step = steps.back();
      const GumboVector& children = ChildrenOf(*step.node);
      if (step.child == children.length) {
        Leave(*step.node);
        steps.pop_back();
        continue;
      }
      const auto& child =
          *static_cast<const GumboNode*>(children.data[step.child++]);
      if (IsText(child)) {
        Text(child.v.text);
      } else if (Enter(child)) {
        steps.push_back({&child, 0});
      }
    }
  }

 private:
  struct Step {
    const GumboNode* node;
    unsigned child;
  };

  static const GumboVector& ChildrenOf(const GumboNode& node) {
    return node.type == GUMBO_NODE_DOCUMENT ? node.v.document.children
                                            : node.v.element.children;
  }

  // Whether to descend into the node.
  bool Enter(const GumboNode& node) {
    if (node.type == GUMBO_NODE_DOCUMENT) return true;
    if (node.type != GUMBO_NODE_ELEMENT) return false;
    const GumboElement& element = node.v.element;
    const int line = static_cast<int>(element.start_pos.line);
    if (element.tag == GUMBO_TAG_DT) {
      placer_.BeginTab(TextIn(element), line);
      return false;
    }
    if (!IsSection(element)) return true;
    const std::string_view header = Attribute(element, "header");
    if (header.find(kEmDash) == std::string_view::npos) {
      placer_.EndRegion();
    } else {
      placer_.BeginRegion(header, line);
      placer_.Anchor(Attribute(element, "id"), line);
    }
    return true;
  }

  void Leave(const GumboNode& node) {
    if (node.type != GUMBO_NODE_ELEMENT) return;
    if (node.v.element.tag == GUMBO_TAG_DD) placer_.EndTab();
    if (IsSection(node.v.element)) placer_.EndRegion();
  }

  void Text(const GumboText& text) {
    int line = static_cast<int>(text.start_pos.line);
    for (std::string_view rest = text.text; !rest.empty(); ++line) {
      const std::size_t end = rest.find('\n');
      placer_.Text(rest.substr(0, end), line);
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }

  PagePlacer& placer_;
};

}  // namespace

void ReadHtmlPage(std::string_view text, PagePlacer& placer) {
  Reducer reducer(text);
  reducer.Run();
  const int last_line =
      1 + static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  if (reducer.too_many() || reducer.cut()) {
    placer.Truncated(reducer.too_many() ? "more tags than are read"
                                        : "the page ends inside an element",
                     last_line);
  }
  GumboOptions options = kGumboDefaultOptions;
  // Errors are ignored.
  options.max_errors = 0;
  const std::unique_ptr<GumboOutput, OutputDeleter> output(
      gumbo_parse_with_options(&options, reducer.out().data(),
                               reducer.out().size()));
  if (output == nullptr) return;
  TreeWalker(placer).Walk(*output->document);
}

}  // namespace anchorage::trustd
