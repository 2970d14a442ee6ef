// Replays the committed recoveries of test/vectors/recovery over HTTP: after
// each step the client must have what the case says, and nothing else.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "anchors/tuf/tuf_error.h"
#include "client/trust_client.h"
#include "test/channel/recovery_cases.h"
#include "test/channel/servers.h"

namespace anchorage::test {
namespace {

namespace fs = std::filesystem;
namespace tuf = anchors::tuf;
using client::TrustClient;
using client::TrustClientOptions;
using Json = nlohmann::json;

constexpr char kFolder[] = "test/vectors/recovery";
constexpr std::string_view kTargets = "targets/";

std::string Read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// Every file below a folder, by its path there.
std::map<std::string, std::string> ReadAll(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    files[entry.path().lexically_relative(folder).string()] =
        Read(entry.path());
  }
  return files;
}

absl::Time TimeOf(const Json& text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text.get<std::string>(),
                              &time, &error))
      << error;
  return time;
}

std::string ResultOf(const absl::Status& status) {
  if (status.ok()) return "ok";
  const auto reason = tuf::TufReasonOf(status);
  return reason.has_value() ? std::string(tuf::NameOf(*reason))
                            : status.ToString();
}

class Replay {
 public:
  explicit Replay(const std::string& name)
      : folder_(fs::path(kFolder) / name),
        case_(Json::parse(Read(folder_ / "case.json"))),
        cache_(::testing::TempDir() + "/" + name),
        now_(TimeOf(case_["built"])),
        servers_(now_) {
    fs::remove_all(cache_);
  }

  void Run() {
    EXPECT_EQ(case_["format"], 1);
    for (const Json& step : case_["steps"]) {
      SCOPED_TRACE(step["says"].get<std::string>());
      now_ = TimeOf(step["clock"]);
      if (step.contains("start")) {
        Start(folder_ / step["start"].get<std::string>());
      }
      ASSERT_NE(client_, nullptr);
      if (step.contains("repository")) {
        Serve(folder_ / step["repository"].get<std::string>());
        const absl::Status status = client_->Refresh();
        EXPECT_EQ(ResultOf(status), step["refresh"].get<std::string>())
            << status;
      }
      Expect(step["then"]);
    }
  }

 private:
  void Start(const fs::path& trusted_root) {
    client_.reset();  // Its cache is one client's alone.
    TrustClientOptions options;
    options.metadata_url = servers_.http_url();
    options.trusted_root = Read(trusted_root);
    options.baked.as_of = TimeOf(case_["built"]);
    options.cache_folder = cache_;
    options.background_refresh = false;
    options.clock = [this] { return now_; };
    auto client = TrustClient::Create(std::move(options));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  void Serve(const fs::path& repository) {
    auto& metadata = servers_.repository.metadata;
    auto& files = servers_.repository.files;
    metadata.clear();
    files.clear();
    for (const auto& [path, bytes] : ReadAll(repository)) {
      if (path.starts_with(kTargets)) {
        files[path.substr(kTargets.size())] = bytes;
      } else {
        metadata[path] = bytes;
      }
    }
  }

  void Expect(const Json& then) const {
    const client::TrustClientState state = client_->state();
    EXPECT_EQ(verify::NameOf(state.provenance.origin),
              then["origin"].get<std::string>())
        << state.cache;
    if (then.contains("sequence")) {
      EXPECT_EQ(std::to_string(state.provenance.sequence),
                then["sequence"].get<std::string>());
    }
    EXPECT_EQ(verify::NameOf(state.freshness),
              then["freshness"].get<std::string>());
    EXPECT_EQ(state.equivocations, then["equivocations"].get<unsigned>());
    for (const Json& name : then["accepts"]) {
      EXPECT_TRUE(Accepts(name.get<std::string>())) << name;
    }
    for (const Json& name : then["refuses"]) {
      EXPECT_FALSE(Accepts(name.get<std::string>())) << name;
    }
  }

  bool Accepts(const std::string& name) const {
    const Json& wanted = case_["anchors"].at(name);
    const auto kind =
        verify::AnchorKindNamed(wanted["kind"].get<std::string>());
    EXPECT_TRUE(kind.has_value());
    const auto anchors = client_->anchors();
    const auto slot =
        anchors->In({.partition = wanted["partition"].get<std::string>(),
                     .region = wanted["region"].get<std::string>(),
                     .kind = *kind});
    return std::any_of(
        slot.begin(), slot.end(), [&](const verify::Anchor& anchor) {
          return anchor.spki_sha256() ==
                     wanted["spkiSha256"].get<std::string>() &&
                 (anchor.status() == verify::AnchorStatus::kActive ||
                  anchor.status() == verify::AnchorStatus::kRetiring);
        });
  }

  const fs::path folder_;
  const Json case_;
  const std::string cache_;
  absl::Time now_;
  RepositoryServers servers_;
  std::unique_ptr<TrustClient> client_;
};

std::set<std::string> CaseNames() {
  std::set<std::string> names;
  for (const auto& [path, bytes] : MakeRecoveryCases()) {
    names.insert(path.substr(0, path.find('/')));
  }
  return names;
}

class RecoveryVectorTest : public ::testing::TestWithParam<std::string> {};

TEST_P(RecoveryVectorTest, IsWhatAClientDoes) { Replay(GetParam()).Run(); }

INSTANTIATE_TEST_SUITE_P(Case, RecoveryVectorTest,
                         ::testing::ValuesIn(CaseNames()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(RecoveryVectorsTest, AreWhatTheGeneratorMakes) {
  auto committed = ReadAll(kFolder);
  committed.erase("README.md");
  const auto made = MakeRecoveryCases();
  for (const auto& [path, bytes] : made) {
    EXPECT_TRUE(committed.contains(path)) << path;
    EXPECT_EQ(committed[path], bytes) << path;
    committed.erase(path);
  }
  for (const auto& [path, bytes] : committed) {
    ADD_FAILURE() << path << " is not made any more";
  }
}

}  // namespace
}  // namespace anchorage::test
