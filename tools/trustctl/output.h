// The one way in which a command prints an answer, in the form that was asked
// for: --output text, table, json, yaml or name.
//
//   Output output;                  // a member of the command's flags
//   output.AddTo(command);          // or AddWatchedTo() for list and show
//   ...
//   output.Print({{"anchors", array}, {"source", source}},
//                {.rows = "anchors",
//                 .columns = {{"REGION", "/region"}, {"KEY", "/spki_sha256"}},
//                 .name = "/spki_sha256"},
//                [&] { std::cout << ...; });
//   return kAccepted;
//
// A command says its facts once, as a JSON object, and how they are read by
// people; all other forms are made here. OUTPUT.md is the page for users.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_OUTPUT_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_OUTPUT_H_

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "tools/trustctl/command.h"

namespace anchorage::trustctl {

// Of every JSON and YAML answer; a change that breaks a reader counts it up.
inline constexpr int kSchemaVersion = 1;

// One column of a table. `member` is a JSON pointer into a row, such as
// "/slot/region".
struct Column {
  std::string header;
  std::string member;
};

// What the rows of an answer are.
struct Shape {
  // The member that is an array of them; empty where the answer itself is the
  // only one.
  std::string rows = "";
  // Empty for one line for each fact of a row: FIELD and VALUE.
  std::vector<Column> columns = {};
  // A JSON pointer into a row: what --output name prints, and other commands
  // take back. Into the answer itself where `rows` is empty.
  std::string name = "";
};

// How a table is laid out.
struct TableLayout {
  bool headers = true;
  // Cells are cut so that lines are no longer, where that is possible; 0 for
  // no limit.
  int width = 0;
  bool colour = false;
};

class Output {
 public:
  // Adds --output and --no-headers.
  void AddTo(CLI::App& command);

  // The same and --watch, for a command that changes nothing.
  void AddWatchedTo(CLI::App& command);

  // Whether the answer is text for people, which a command may then print as
  // it goes, without Print().
  bool is_text() const { return format_ == "text"; }

  // Returns an answer in any other form than text.
  std::string TextOf(const nlohmann::ordered_json& facts,
                     const Shape& shape) const;

  // Prints an answer. `facts` is an object; "schema_version" is put in front
  // of its members. `text` prints it for people, and is called for no other
  // form.
  void Print(const nlohmann::ordered_json& facts, const Shape& shape,
             absl::FunctionRef<void()> text) const;

 private:
  std::string format_ = "text";
  bool no_headers_ = false;
};

// Does `action`, and where --watch was given to `command` or to what was
// parsed below it, again and again: until it fails other than by not reaching
// somebody, or the program is ended.
int RunAsAsked(const CLI::App& command, const Action& action);

// Takes one of `names` in any case, with `prefix` in front of it or without,
// and with '_' for '-': what any version of ours has printed can be given back.
// The value becomes the name.
CLI::Validator OneOf(std::vector<std::string> names, std::string prefix = "");

// The parts of Print(), for tests: each ends with a line feed, or is empty.
std::string TextOfTable(const nlohmann::ordered_json& facts, const Shape& shape,
                        const TableLayout& layout);
std::string TextOfNames(const nlohmann::ordered_json& facts,
                        const Shape& shape);
std::string TextOfJson(const nlohmann::ordered_json& facts);
std::string TextOfYaml(const nlohmann::ordered_json& facts);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_OUTPUT_H_
