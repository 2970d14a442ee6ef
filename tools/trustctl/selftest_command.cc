// trustctl selftest

#include <unistd.h>

#include <iomanip>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/selftest.h"
#include "tools/trustctl/terminal.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

constexpr char kFooter[] = R"(
    trustctl selftest

Verifies, inside this very program and with the anchors that are built in,
evidence that AWS really made, and the same with a byte changed, cut, longer,
late, or for another: all of that has to be refused, for its reason. Reads no
file and asks nobody. Exit code 1: something is not as it should be; do not
trust this program on this machine.
)";

int Run(const Output& output) {
  const auto anchors = AnchorSource().Load({});
  if (!anchors.ok()) return Fail(anchors.status());
  std::vector<SelftestGroup> groups;
  {
    const Progress progress("verifying");
    groups =
        RunSelftest(ThisProgramsVerifiers(), BuiltInVectors(), *anchors->set);
  }
  int cases = 0;
  int failed = 0;
  ordered_json json = {{"program", Program()},
                       {"sound", true},
                       {"groups", ordered_json::array()}};
  for (const SelftestGroup& group : groups) {
    cases += group.cases;
    failed += group.failed;
    json["groups"].push_back({{"name", group.name},
                              {"cases", group.cases},
                              {"failed", group.failed},
                              {"failures", group.failures}});
  }
  json["sound"] = failed == 0;
  output.Print(json,
               {.rows = "groups",
                .columns = {{"GROUP", "/name"},
                            {"CASES", "/cases"},
                            {"FAILED", "/failed"}},
                .name = "/name"},
               [&] {
                 for (const SelftestGroup& group : groups) {
                   std::cout << std::left << std::setw(6)
                             << (group.failed == 0 ? "ok" : "FAIL")
                             << std::setw(40) << group.name << std::right
                             << std::setw(6) << group.cases << "\n";
                   for (const std::string& failure : group.failures) {
                     std::cout << "      " << failure << "\n";
                   }
                 }
                 std::cout << "\n"
                           << Paint(failed == 0 ? "SOUND" : "UNSOUND",
                                    failed == 0 ? Colour::kGood : Colour::kBad,
                                    MayColour(STDOUT_FILENO))
                           << "  " << Program() << "  " << cases << " cases, "
                           << failed << " failed\n";
               });
  if (failed == 0) return kAccepted;
  PrintError(absl::StrCat(failed, " cases were not judged as they should be"),
             "do not trust this program on this machine");
  return kUsage;
}

}  // namespace

void AddSelftest(CLI::App& selftest, Action& action) {
  selftest.footer(kFooter);
  auto output = std::make_shared<Output>();
  output->AddTo(selftest);
  selftest.callback(
      [output, &action] { action = [output] { return Run(*output); }; });
}

}  // namespace anchorage::trustctl
