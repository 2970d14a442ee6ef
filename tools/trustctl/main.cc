// trustctl: for operators who look at anchors and bundles and verify evidence
// by hand. The manual is tools/trustctl/README.md.
//
// What asks a trustd over gRPC is another program, trustctl-online, which this
// one runs in its place: loading gRPC takes longer than a verdict.

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

#include "tools/trustctl/program.h"

namespace anchorage::trustctl {
namespace {

constexpr char kOnline[] = "trustctl-online";

// It lies beside this program, or where packages put what only programs run;
// never where the environment says.
int RunOnline(char** argv) {
  std::error_code error;
  const std::filesystem::path self =
      std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path folder = self.parent_path();
  for (const char* const place : {"", "../lib/anchorage"}) {
    const std::filesystem::path program = folder / place / kOnline;
    execv(program.c_str(), argv);
    if (errno != ENOENT) {
      PrintError(program.string() + ": " + std::strerror(errno));
      return kUndecided;
    }
  }
  PrintError(
      "a trustd is asked by trustctl-online, which is not installed",
      "it is in Debian's package trustctl; a server given as the URL of its "
      "tuf/ folder can do without it");
  return kUndecided;
}

}  // namespace
}  // namespace anchorage::trustctl

int main(int argc, char** argv) {
  using namespace anchorage::trustctl;
  return RunProgram(argc, argv, kNouns<false>, &RunOnline);
}
