#include "test/bench/published.h"

#include <spdlog/spdlog.h>
#include <stdlib.h>

#include <filesystem>
#include <system_error>

#include "absl/time/clock.h"
#include "test/bench/report.h"
#include "trustd/service.h"

namespace anchorage::bench {

TemporaryFolder::TemporaryFolder()
    : path_((std::filesystem::temp_directory_path() / "anchorage-bench-XXXXXX")
                .string()) {
  if (::mkdtemp(path_.data()) == nullptr) Fail("no folder " + path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

trustd::Config ConfigIn(const std::string& folder) {
  const auto config = trustd::ParseConfig(
      "data_dir: " + folder +
          "\nmode: MODE_ONLINE\nlisten_address: 127.0.0.1:0\n"
          "shutdown_grace: 1s\nmax_watchers: 100000\n",
      "bench.yaml");
  if (!config.ok()) Fail(config.status().ToString());
  return *config;
}

std::shared_ptr<const trustd::Publication> PublishBakedIn() {
  spdlog::set_level(spdlog::level::off);
  const TemporaryFolder folder;
  const auto service =
      trustd::Service::Start(ConfigIn(folder.path()), &absl::Now);
  if (!service.ok()) Fail(service.status().ToString());
  return (*service)->publication();
}

}  // namespace anchorage::bench
