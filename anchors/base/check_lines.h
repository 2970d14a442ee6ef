// The answer of a program that checks a machine: a line for each check, for
// people and for programs.
//
//   std::vector<CheckLine> lines = {{.id = "disk", .detail = "9 GiB free"}};
//   std::cout << TextOf(lines);
//
// The rule of the marks: "fail" is what does not work, "warn" what one can live
// with. Ids and reasons are API: they keep their meaning for ever. Details are
// for people: they may have what a server or a file said, and may change. Pure.

#ifndef ANCHORAGE_ANCHORS_BASE_CHECK_LINES_H_
#define ANCHORAGE_ANCHORS_BASE_CHECK_LINES_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace anchorage::anchors {

enum class Mark {
  kOk,
  kWarn,
  kFail,
  // Not asked for, or what it rests on is not there.
  kSkipped,
};

// Returns the stable name: "ok", "warn", "fail", "skipped".
std::string_view NameOf(Mark mark);

struct CheckLine {
  // Stable, such as "product-codes".
  std::string_view id = {};
  Mark mark = Mark::kOk;
  // For kWarn and kFail: a stable name, and what to do. Empty otherwise.
  std::string reason = {};
  std::string hint = {};
  std::string detail = {};
  // Of kFail: how a program ends for that.
  int exit_code = 0;
};

// The worst of them: kFail, kWarn or else kOk.
Mark WorstOf(const std::vector<CheckLine>& lines);

// Lines of text, the last of which counts the marks; everything is escaped by
// verify::Printable().
std::string TextOf(const std::vector<CheckLine>& lines);

// An array of {"id", "result", "reason", "detail", "hint"}.
nlohmann::ordered_json ToJson(const std::vector<CheckLine>& lines);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_CHECK_LINES_H_
