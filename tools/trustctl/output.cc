#include "tools/trustctl/output.h"

#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <iostream>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "tools/trustctl/terminal.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

// What tells this --watch from another's.
constexpr char kInterval[] = "[DURATION]";
constexpr char kEllipsis[] = "...";
constexpr std::size_t kGap = 2;
// A column is not made narrower than this, as nothing could be read any more.
constexpr std::size_t kNarrowest = 8;

ordered_json WithVersion(const ordered_json& facts) {
  ordered_json all = {{"schema_version", kSchemaVersion}};
  all.update(facts);
  return all;
}

// One fact as a cell: several are told by their number where they are no plain
// values.
std::string CellOf(const ordered_json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return text.empty() ? "-" : Printable(text);
  }
  if (value.is_object()) return absl::StrCat(value.size());
  if (!value.is_array()) return value.dump();
  if (value.empty()) return "-";
  std::vector<std::string> cells;
  for (const ordered_json& element : value) {
    if (element.is_structured()) return absl::StrCat(value.size());
    cells.push_back(CellOf(element));
  }
  return absl::StrJoin(cells, ",");
}

const ordered_json& At(const ordered_json& row, const std::string& member) {
  static const ordered_json& kNothing = *new ordered_json();
  const ordered_json::json_pointer pointer(member);
  return row.contains(pointer) ? row.at(pointer) : kNothing;
}

using Row = std::vector<std::string>;

// Every plain fact of a row as a line, those of objects with a dotted name.
void AddFacts(const ordered_json& value, const std::string& name,
              std::vector<Row>& rows) {
  if (!value.is_object() || (value.empty() && !name.empty())) {
    rows.push_back({Printable(name), CellOf(value)});
    return;
  }
  for (const auto& [member, below] : value.items()) {
    AddFacts(below, name.empty() ? member : absl::StrCat(name, ".", member),
             rows);
  }
}

std::vector<const ordered_json*> RowsOf(const ordered_json& facts,
                                        const Shape& shape) {
  if (shape.rows.empty()) return {&facts};
  std::vector<const ordered_json*> rows;
  const auto found = facts.find(shape.rows);
  if (found == facts.end()) return rows;
  for (const ordered_json& row : *found) rows.push_back(&row);
  return rows;
}

// How many columns `text`, which is printable UTF-8, takes on a terminal, where
// every character takes one.
std::size_t WidthOf(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (c & '\xc0') != '\x80'; }));
}

// Takes from the widest column, until a line fits or nothing more can be taken.
void Narrow(std::vector<std::size_t>& widths, std::size_t limit) {
  std::size_t line = kGap * (widths.size() - 1);
  for (const std::size_t width : widths) line += width;
  while (line > limit) {
    std::size_t& widest = *std::max_element(widths.begin(), widths.end());
    if (widest <= kNarrowest) return;
    --widest;
    --line;
  }
}

// The first characters of `text` and an ellipsis, where it is too wide.
std::string Cut(const std::string& text, std::size_t width) {
  if (WidthOf(text) <= width) return text;
  std::size_t left = width - (sizeof(kEllipsis) - 1);
  std::size_t end = 0;
  while (end < text.size()) {
    if ((text[end] & '\xc0') != '\x80' && left-- == 0) break;
    ++end;
  }
  return text.substr(0, end) + kEllipsis;
}

void Emit(const ordered_json& value, YAML::Emitter& yaml) {
  switch (value.type()) {
    case ordered_json::value_t::object:
      yaml << YAML::BeginMap;
      for (const auto& [name, member] : value.items()) {
        yaml << YAML::Key << name << YAML::Value;
        Emit(member, yaml);
      }
      yaml << YAML::EndMap;
      return;
    case ordered_json::value_t::array:
      yaml << YAML::BeginSeq;
      for (const ordered_json& element : value) Emit(element, yaml);
      yaml << YAML::EndSeq;
      return;
    case ordered_json::value_t::string:
      // Always in quotes: what reads as a date, a number or "no" is a text.
      yaml << YAML::DoubleQuoted << value.get_ref<const std::string&>();
      return;
    case ordered_json::value_t::null:
      yaml << YAML::Null;
      return;
    default:
      yaml << value.dump();
  }
}

const CLI::App& Parsed(const CLI::App& command) {
  const CLI::App* parsed = &command;
  while (!parsed->get_subcommands().empty()) {
    parsed = parsed->get_subcommands().front();
  }
  return *parsed;
}

// As all versions of a name are compared.
std::string Folded(std::string_view name, std::string_view prefix) {
  std::string text = absl::StrReplaceAll(
      absl::AsciiStrToUpper(absl::string_view(name.data(), name.size())),
      {{"-", "_"}});
  const absl::string_view rest =
      absl::StripPrefix(text, absl::string_view(prefix.data(), prefix.size()));
  return std::string(rest);
}

}  // namespace

void Output::AddTo(CLI::App& command) {
  command
      .add_option("-o,--output", format_,
                  "how to print it; json and yaml are for programs, name "
                  "prints one name a line")
      ->check(CLI::IsMember({"text", "table", "json", "yaml", "name"}))
      ->capture_default_str();
  command.add_flag("--no-headers", no_headers_, "a table without its head");
}

void Output::AddWatchedTo(CLI::App& command) {
  AddTo(command);
  command
      .add_option("--watch", "print it again each 2s, or as often as is given")
      ->check([](const std::string& text) {
        const auto interval = ParseDuration(text);
        return interval.ok() ? std::string()
                             : trustctl::TextOf(interval.status());
      })
      ->expected(0, 1)
      ->type_name(kInterval)
      ->default_str("2s");
}

std::string Output::TextOf(const ordered_json& facts,
                           const Shape& shape) const {
  if (format_ == "json") return TextOfJson(facts);
  if (format_ == "yaml") return TextOfYaml(facts);
  if (format_ == "name") return TextOfNames(facts, shape);
  return TextOfTable(facts, shape,
                     {.headers = !no_headers_,
                      .width = WidthOfOutput(),
                      .colour = MayColour(STDOUT_FILENO)});
}

void Output::Print(const ordered_json& facts, const Shape& shape,
                   absl::FunctionRef<void()> text) const {
  if (is_text()) {
    text();
  } else {
    std::cout << TextOf(facts, shape);
  }
}

int RunAsAsked(const CLI::App& command, const Action& action) {
  const CLI::Option* const watch =
      Parsed(command).get_option_no_throw("--watch");
  if (watch == nullptr || watch->count() == 0 ||
      watch->get_type_name().find(kInterval) != 0) {
    return action();
  }
  const auto interval = ParseDuration(watch->as<std::string>());
  if (!interval.ok()) return UsageError(interval.status());
  for (;;) {
    if (MayMove(STDOUT_FILENO)) std::cout << "\x1b[H\x1b[2J";
    const int code = action();
    std::cout.flush();
    if (!std::cout || (code != kAccepted && code != kUndecided)) return code;
    std::this_thread::sleep_for(absl::ToChronoMilliseconds(*interval));
  }
}

CLI::Validator OneOf(std::vector<std::string> names, std::string prefix) {
  const std::string list = absl::StrCat("{", absl::StrJoin(names, ","), "}");
  return CLI::Validator(
      [names = std::move(names), prefix = std::move(prefix),
       list](std::string& value) {
        const std::string folded = Folded(value, prefix);
        for (const std::string& name : names) {
          if (Folded(name, prefix) != folded) continue;
          value = name;
          return std::string();
        }
        return absl::StrCat(value, " not in ", list);
      },
      list);
}

std::string TextOfTable(const ordered_json& facts, const Shape& shape,
                        const TableLayout& layout) {
  std::vector<Row> rows;
  Row head;
  for (const Column& column : shape.columns) head.push_back(column.header);
  if (shape.columns.empty()) head = {"FIELD", "VALUE"};
  for (const ordered_json* row : RowsOf(facts, shape)) {
    if (shape.columns.empty()) {
      AddFacts(*row, "", rows);
      continue;
    }
    Row cells;
    for (const Column& column : shape.columns) {
      cells.push_back(CellOf(At(*row, column.member)));
    }
    rows.push_back(std::move(cells));
  }
  if (layout.headers) rows.insert(rows.begin(), head);

  std::vector<std::size_t> widths(head.size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], WidthOf(row[i]));
    }
  }
  if (layout.width > 0) Narrow(widths, static_cast<std::size_t>(layout.width));

  std::string text;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t i = 0; i < rows[r].size(); ++i) {
      const std::string cell =
          layout.width > 0 ? Cut(rows[r][i], widths[i]) : rows[r][i];
      line += cell;
      if (i + 1 < rows[r].size()) {
        line.append(widths[i] - WidthOf(cell) + kGap, ' ');
      }
    }
    const bool is_head = layout.headers && r == 0;
    absl::StrAppend(&text, Paint(line, Colour::kBold, is_head && layout.colour),
                    "\n");
  }
  return text;
}

std::string TextOfNames(const ordered_json& facts, const Shape& shape) {
  std::string text;
  for (const ordered_json* row : RowsOf(facts, shape)) {
    const ordered_json& name = At(*row, shape.name);
    if (!name.is_null()) absl::StrAppend(&text, CellOf(name), "\n");
  }
  return text;
}

std::string TextOfJson(const ordered_json& facts) {
  // In ASCII, as a terminal obeys characters that JSON takes as they are.
  return WithVersion(facts).dump(2, ' ', true,
                                 ordered_json::error_handler_t::replace) +
         "\n";
}

std::string TextOfYaml(const ordered_json& facts) {
  YAML::Emitter yaml;
  yaml.SetOutputCharset(YAML::EscapeNonAscii);
  yaml.SetNullFormat(YAML::LowerNull);
  yaml << YAML::BeginDoc;
  Emit(WithVersion(facts), yaml);
  return std::string(yaml.c_str()) + "\n";
}

}  // namespace anchorage::trustctl
