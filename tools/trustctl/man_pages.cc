#include "tools/trustctl/man_pages.h"

#include <iostream>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/version.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/help.h"
#include "tools/trustctl/program.h"

namespace anchorage::trustctl {
namespace {

constexpr char kExitCodes[] =
    ".SH EXIT STATUS\n"
    "0: accepted, or done. 1: wrong usage. 2: unreadable. 3: not from AWS, or\n"
    "not signed by whom we trust. 4: stale, or for another. 5: refused by\n"
    "policy. 6: undecided, such as a server that cannot be asked.\n";

// One line of text, of which nothing is a macro or an escape.
std::string Roff(std::string_view line) {
  std::string text = absl::StrReplaceAll(
      absl::string_view(line.data(), line.size()), {{"\\", "\\e"},
                                                    {"-", "\\-"},
                                                    {"'", "\\(aq"},
                                                    {"`", "\\(ga"},
                                                    {"^", "\\(ha"},
                                                    {"~", "\\(ti"}});
  if (text.starts_with(".")) text.insert(0, "\\&");
  return text;
}

// A footer: what is indented are examples, all else is text.
std::string RoffOf(const std::string& footer) {
  std::string roff;
  bool in_example = false;
  for (const absl::string_view line : absl::StrSplit(
           absl::StripPrefix(absl::StripTrailingAsciiWhitespace(footer), "\n"),
           '\n')) {
    const bool is_example = line.substr(0, 4) == "    ";
    if (is_example != in_example) roff += is_example ? ".PP\n.nf\n" : ".fi\n";
    in_example = is_example;
    const std::string text(absl::StripAsciiWhitespace(line));
    if (text.empty()) {
      if (!roff.empty()) roff += ".PP\n";
    } else {
      absl::StrAppend(
          &roff, Roff(is_example ? std::string(line.substr(4)) : text), "\n");
    }
  }
  if (in_example) roff += ".fi\n";
  return absl::StrReplaceAll(roff, {{".PP\n.PP\n", ".PP\n"}});
}

// "TEXT", or what it can be.
std::string ValueOf(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return "";
  std::string type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

void AddOption(const CLI::Option& option, std::string& page) {
  const bool is_flag = !option.get_positional();
  std::string names;
  for (const std::string& name : option.get_snames()) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", "-", name);
  }
  for (const std::string& name : option.get_lnames()) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", "--", name);
  }
  if (!is_flag) names = option.get_name(true);
  absl::StrAppend(&page, ".TP\n\\fB", Roff(names), "\\fR");
  const std::string value = ValueOf(option);
  if (is_flag && !value.empty()) {
    absl::StrAppend(&page, " \\fI", Roff(value), "\\fR");
  }
  page += "\n";
  std::string about = option.get_description();
  const auto values = ValuesOf(option);
  if (!values.empty()) {
    absl::StrAppend(&about, about.empty() ? "" : "; ", "one of");
    const char* separator = " ";
    for (const std::string& one : values) {
      absl::StrAppend(&about, separator, one);
      separator = ", ";
    }
  }
  const std::string preset = option.get_default_str();
  if (!preset.empty()) absl::StrAppend(&about, " (default: ", preset, ")");
  if (option.get_required()) about += " (required)";
  if (!option.get_envname().empty()) {
    absl::StrAppend(&about, " [", option.get_envname(), "]");
  }
  absl::StrAppend(&page, Roff(about), "\n");
}

void AddPages(CLI::App& command, const std::string& path,
              const std::string& parent,
              std::map<std::string, std::string>& pages) {
  const std::string name = absl::StrReplaceAll(path, {{" ", "-"}});
  const auto below = CommandsOf(command);
  std::string page = absl::StrCat(
      ".TH ", Roff(absl::AsciiStrToUpper(name)), " 1 \"\" \"trustctl ",
      anchors::kVersion, "\" Anchorage\n.nh\n.ad l\n.SH NAME\n", Roff(name),
      " \\- ", Roff(command.get_description()), "\n.SH SYNOPSIS\n\\fB",
      Roff(path), "\\fR",
      below.empty() ? " [\\fIOPTIONS\\fR]" : " \\fICOMMAND\\fR ...");
  for (const CLI::Option* argument : ArgumentsOf(command)) {
    absl::StrAppend(&page, " \\fI", Roff(argument->get_name(true)), "\\fR");
  }
  page += "\n";
  if (!below.empty()) page += ".SH COMMANDS\n";
  for (const CLI::App* next : below) {
    absl::StrAppend(&page, ".TP\n\\fB", Roff(next->get_name()), "\\fR\n",
                    Roff(next->get_description()), "\n");
  }
  page += ".SH OPTIONS\n";
  for (const CLI::Option* argument : ArgumentsOf(command)) {
    AddOption(*argument, page);
  }
  for (const CLI::Option* flag : FlagsOf(command)) AddOption(*flag, page);
  const std::string footer = RoffOf(command.get_footer());
  if (!footer.empty()) absl::StrAppend(&page, ".SH EXAMPLES\n", footer);
  page += kExitCodes;
  std::string also;
  if (!parent.empty()) also = absl::StrCat("\\fB", Roff(parent), "\\fR(1)");
  for (const CLI::App* next : below) {
    absl::StrAppend(&also, also.empty() ? "" : ",\n", "\\fB",
                    Roff(absl::StrCat(name, "-", next->get_name())), "\\fR(1)");
  }
  if (!also.empty()) absl::StrAppend(&page, ".SH SEE ALSO\n", also, "\n");
  pages[name + ".1"] = std::move(page);
  for (CLI::App* next : below) {
    AddPages(*next, absl::StrCat(path, " ", next->get_name()), name, pages);
  }
}

int Write(const std::string& folder) {
  CLI::App program;
  Action ignored;
  AddAllCommands(program, ignored);
  const auto pages = ManPages(program);
  if (absl::Status s = anchors::MakeFolder(folder); !s.ok()) return Fail(s);
  for (const auto& [name, page] : pages) {
    const std::string path = absl::StrCat(folder, "/", name);
    if (absl::Status s = anchors::WriteFileAtomically(path, page); !s.ok()) {
      return Fail(s);
    }
  }
  std::cout << "wrote  " << pages.size() << " pages to " << Printable(folder)
            << "\n";
  return kAccepted;
}

}  // namespace

std::map<std::string, std::string> ManPages(CLI::App& program) {
  std::map<std::string, std::string> pages;
  AddPages(program, program.get_name(), "", pages);
  return pages;
}

void AddMan(CLI::App& man, Action& action) {
  man.footer(R"(
    trustctl man ~/.local/share/man/man1

Writes a page for each command, such as trustctl-verify-identity.1.
)");
  auto folder = std::make_shared<std::string>();
  man.add_option("folder", *folder, "folder to write to, made if need be")
      ->required();
  man.add_flag("--offline")
      ->description("leave out the commands that only ask a trustd");
  man.callback(
      [folder, &action] { action = [folder] { return Write(*folder); }; });
}

}  // namespace anchorage::trustctl
