#include "anchors/base/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "verify/encoding/utf8.h"

namespace anchorage::anchors {
namespace {

using verify::Reason;
using verify::Reject;

// Thrown out of the library's parser, which has no other way to be stopped.
struct Refused {
  Reason reason;
  int line;
  const char* what;
};

class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(std::string_view yaml) : yaml_(yaml) {}

  YamlNode root;
  int documents = 0;

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents > 1) {
      Refuse(Reason::kDocumentMalformed, mark, "a second document");
    }
    open_.assign(1, &root);
  }
  void OnDocumentEnd() override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Refuse(Reason::kDocumentMalformed, mark, "aliases are not allowed");
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    CheckBare(mark, anchor);
    Add(mark, YamlNode::Kind::kNull);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag,
                YAML::anchor_t anchor, const std::string& value) override {
    CheckBare(mark, anchor);
    YamlNode& node = Add(mark, YamlNode::Kind::kScalar);
    node.text = value;
    // "?" is a plain value and "!" a quoted one.
    node.plain = tag == "?";
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, anchor, YamlNode::Kind::kList);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&,
                  YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    Open(mark, anchor, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  [[noreturn]] static void Refuse(Reason reason, const YAML::Mark& mark,
                                  const char* what) {
    throw Refused{reason, mark.line + 1, what};
  }

  // A tag or an anchor stands where the node begins.
  void CheckBare(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    const auto at = static_cast<std::size_t>(std::max(mark.pos, 0));
    if (at < yaml_.size() && yaml_[at] == '!') {
      Refuse(Reason::kDocumentMalformed, mark, "tags are not allowed");
    }
    if (anchor != YAML::NullAnchor) {
      Refuse(Reason::kDocumentMalformed, mark, "anchors are not allowed");
    }
  }

  YamlNode& Add(const YAML::Mark& mark, YamlNode::Kind kind) {
    YamlNode* node = open_.back();
    // The root is there before its first event.
    if (open_.size() > 1 || node->line != 0) {
      node = &node->children.emplace_back();
    }
    node->kind = kind;
    node->line = mark.line + 1;
    return *node;
  }

  void Open(const YAML::Mark& mark, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    CheckBare(mark, anchor);
    if (open_.size() > kMaxYamlTreeDepth) {
      Refuse(Reason::kInputTooLarge, mark, "nested too deep");
    }
    YamlNode& node = Add(mark, kind);
    open_.push_back(&node);
  }

  // Of the nodes that are open only the last grows, so they stay where they
  // are.
  std::vector<YamlNode*> open_;
  const std::string_view yaml_;
};

// The library skips directives that it does not know, and a byte order mark.
bool HasDirective(std::string_view yaml) {
  return yaml.starts_with('%') || yaml.find("\n%") != yaml.npos ||
         yaml.find("\r%") != yaml.npos;
}

}  // namespace

absl::Status YamlError(Reason reason, const std::string& name,
                       const YamlNode& node, const std::string& what) {
  return Reject(reason, absl::StrCat(name, ":", node.line, ": ", what));
}

absl::StatusOr<YamlNode> ParseYaml(std::string_view yaml,
                                   const std::string& name) {
  if (yaml.size() > kMaxYamlTreeBytes) {
    return Reject(Reason::kInputTooLarge, name + ": larger than 256 KiB");
  }
  // The library would guess at other encodings.
  if (!verify::IsUtf8(yaml) || yaml.find('\0') != yaml.npos) {
    return Reject(Reason::kDocumentMalformed, name + ": not UTF-8 text");
  }
  if (yaml.starts_with("\xef\xbb\xbf") || HasDirective(yaml)) {
    return Reject(Reason::kDocumentMalformed,
                  name +
                      ": a second byte order mark, or a line that begins "
                      "with '%'");
  }
  Builder builder(yaml);
  // The library reports by exceptions; none may pass our interface.
  try {
    std::istringstream stream{std::string(yaml)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refused& refused) {
    return Reject(refused.reason,
                  absl::StrCat(name, ":", refused.line, ": ", refused.what));
  } catch (const YAML::Exception& error) {
    return Reject(
        Reason::kDocumentMalformed,
        absl::StrCat(name, ":", error.mark.line + 1, ": ", error.msg));
  }
  if (builder.root.kind != YamlNode::Kind::kMap) {
    return Reject(Reason::kDocumentMalformed,
                  name + ": expected exactly one YAML document with keys");
  }
  return std::move(builder.root);
}

}  // namespace anchorage::anchors
