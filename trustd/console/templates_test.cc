#include "trustd/console/templates.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "trustd/console/template_files.h"

namespace anchorage::trustd {
namespace {

// Ends an attribute and an element, begins a script, and is a template itself.
constexpr char kHostile[] = "\"'><script>alert(1)</script>{{now}}{{{now}}}<!--";

const std::vector<std::string_view>& Files() {
  static const auto* const kFiles = new std::vector<std::string_view>{
      console::Alerts(),  console::Anchors(),  console::Change(),
      console::Changes(), console::Error(),    console::Expiry(),
      console::Fleet(),   console::Layout(),   console::Overview(),
      console::Pager(),   console::Record(),   console::Slot(),
      console::Sources(), console::Timeline(),
  };
  return *kFiles;
}

// Every name that some template asks for.
std::set<std::string> Variables() {
  std::set<std::string> names;
  const std::regex tag("\\{\\{([#^]?)([a-z_0-9]+)\\}\\}");
  for (const std::string_view file : Files()) {
    const std::string text(file);
    for (std::sregex_iterator at(text.begin(), text.end(), tag), end; at != end;
         ++at) {
      names.insert((*at)[2]);
    }
  }
  return names;
}

TEST(Templates, AreAllGood) {
  const Templates templates;
  EXPECT_EQ(templates.Problem(), "");
  EXPECT_EQ(templates.Names().size(), Files().size() - 2);
}

TEST(Templates, NeverShowAnythingUnescaped) {
  for (const std::string_view file : Files()) {
    EXPECT_EQ(file.find("{{{"), file.npos) << file;
    EXPECT_EQ(file.find("{{&"), file.npos) << file;
    EXPECT_EQ(file.find("{{="), file.npos) << file;
  }
}

TEST(Templates, HaveNothingThatThePolicyForbids) {
  const std::regex forbidden(
      "<script|<form|<iframe|\\sstyle=|\\son[a-z]+=|javascript:|https?://",
      std::regex::icase);
  for (const std::string_view file : Files()) {
    EXPECT_FALSE(std::regex_search(std::string(file), forbidden)) << file;
  }
  EXPECT_EQ(StyleSheet().find("url("), std::string_view::npos);
  EXPECT_EQ(StyleSheet().find("@import"), std::string_view::npos);
}

// Whatever stands in whichever place of whichever page.
TEST(Templates, EscapeEveryPlace) {
  const Templates templates;
  View view;
  for (const std::string& name : Variables()) view.set(name, kHostile);
  for (const std::string& name : templates.Names()) {
    const std::string page = templates.Render(name, view);
    EXPECT_NE(page.find("&lt;script&gt;"), std::string::npos) << name;
    EXPECT_EQ(page.find("<script>"), std::string::npos) << page;
    EXPECT_EQ(page.find("\"'>"), std::string::npos) << page;
    EXPECT_EQ(page.find("<!--"), std::string::npos) << page;
    // It was not read as a template.
    EXPECT_NE(page.find("{{now}}{{{now}}}"), std::string::npos) << page;
  }
}

}  // namespace
}  // namespace anchorage::trustd
