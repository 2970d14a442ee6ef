#include "anchors/base/check_lines.h"

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <utility>

#include "verify/printable.h"

namespace anchorage::anchors {

using verify::Printable;

std::string_view NameOf(Mark mark) {
  constexpr std::string_view kNames[] = {"ok", "warn", "fail", "skipped"};
  return kNames[static_cast<int>(mark)];
}

Mark WorstOf(const std::vector<CheckLine>& lines) {
  Mark worst = Mark::kOk;
  for (const CheckLine& line : lines) {
    if (line.mark != Mark::kSkipped) worst = std::max(worst, line.mark);
  }
  return worst;
}

std::string TextOf(const std::vector<CheckLine>& lines) {
  std::ostringstream text;
  int count[4] = {};
  for (const CheckLine& line : lines) {
    ++count[static_cast<int>(line.mark)];
    text << std::left << std::setw(6)
         << (line.mark == Mark::kSkipped ? "--" : NameOf(line.mark))
         << std::setw(15) << line.id << line.reason
         << (line.reason.empty() ? "" : "  ") << Printable(line.detail) << "\n";
    if (!line.hint.empty()) {
      text << "      hint: " << Printable(line.hint) << "\n";
    }
  }
  text << "\n"
       << count[0] << " ok, " << count[1] << " warn, " << count[2] << " fail, "
       << count[3] << " skipped\n";
  return text.str();
}

nlohmann::ordered_json ToJson(const std::vector<CheckLine>& lines) {
  nlohmann::ordered_json checks = nlohmann::ordered_json::array();
  for (const CheckLine& line : lines) {
    nlohmann::ordered_json check = {{"id", line.id},
                                    {"result", NameOf(line.mark)}};
    if (!line.reason.empty()) check["reason"] = line.reason;
    check["detail"] = Printable(line.detail);
    if (!line.hint.empty()) check["hint"] = Printable(line.hint);
    checks.push_back(std::move(check));
  }
  return checks;
}

}  // namespace anchorage::anchors
