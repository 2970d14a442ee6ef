#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "anchors/base/atomic_file.h"
#include "anchors/releases.h"
#include "test/support/run_command.h"
#include "tools/trustctl/commands.h"

namespace anchorage::trustctl {
namespace {

using anchors::Release;
using verify::AttestationType;
using verify::ReleaseStatus;

Release Made(const std::string& name, AttestationType type) {
  Release release;
  release.product = "signer";
  release.name = name;
  release.type = type;
  if (type == AttestationType::kEnclave) {
    release.measurements = {{0, std::string(48, 'a')}};
  } else {
    release.measurements = {{4, std::string(48, 'a')},
                            {12, std::string(48, '\0')}};
  }
  return release;
}

class ReleasesMark : public ::testing::Test {
 protected:
  // "both" is an enclave's and a NitroTPM's.
  void SetUp() override {
    anchors::ReleaseList list;
    list.sequence = 7;
    list.created = absl::FromUnixSeconds(1'700'000'000);
    list.releases = {Made("1", AttestationType::kEnclave),
                     Made("both", AttestationType::kEnclave),
                     Made("both", AttestationType::kNitroTpm)};
    ASSERT_TRUE(
        anchors::WriteFileAtomically(path_, anchors::SerializeReleases(list))
            .ok());
  }

  Ran Mark(const std::string& name, const std::string& status,
           const std::vector<std::string>& more = {}) {
    std::vector<std::string> line = {"releases", "mark", "--product", "signer",
                                     "--name",   name,   "--status",  status,
                                     "--list",   path_,  "-o",        "json"};
    line.insert(line.end(), more.begin(), more.end());
    return RunCommand(AddReleases, line);
  }

  anchors::ReleaseList List() {
    const auto text = anchors::ReadFile(path_, 1 << 20);
    auto list = anchors::ParseReleases(text.value_or(""));
    EXPECT_TRUE(list.ok()) << list.status();
    return *std::move(list);
  }

  const std::string path_ = ::testing::TempDir() + "/releases.json";
};

TEST_F(ReleasesMark, ChangesOneReleaseAndTheSequence) {
  const Ran ran = Mark("1", "REVOKED", {"--notes", "CVE"});
  ASSERT_EQ(ran.code, kAccepted) << ran.err;
  EXPECT_EQ(nlohmann::json::parse(ran.out)["sequence"], 8);
  const anchors::ReleaseList list = List();
  EXPECT_EQ(list.sequence, 8u);
  for (const Release& release : list.releases) {
    EXPECT_EQ(release.status == ReleaseStatus::kRevoked, release.name == "1");
    EXPECT_EQ(release.notes, release.name == "1" ? "CVE" : "");
  }
}

TEST_F(ReleasesMark, AsksWhichOfTwo) {
  EXPECT_EQ(Mark("both", "RETIRED").code, kUsage);
  EXPECT_EQ(List().sequence, 7u);
  EXPECT_EQ(Mark("both", "RETIRED", {"--type", "nitrotpm"}).code, kAccepted);
  for (const Release& release : List().releases) {
    EXPECT_EQ(release.status == ReleaseStatus::kRetired,
              release.type == AttestationType::kNitroTpm);
  }
}

TEST_F(ReleasesMark, WritesNothingForOneThatIsNotThere) {
  EXPECT_EQ(Mark("2", "REVOKED").code, kUsage);
  EXPECT_EQ(Mark("1", "GONE").code, kUsage);
  EXPECT_EQ(List().sequence, 7u);
}

class ReleasesImport : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove(list_); }

  static std::string Write(const std::string& name, const std::string& text) {
    std::string path = ::testing::TempDir() + "/" + name;
    EXPECT_TRUE(anchors::WriteFileAtomically(path, text).ok());
    return path;
  }

  // The registers of a build, with `more` members beside them.
  static std::string Built(const nlohmann::json& more = {}) {
    nlohmann::json built = {{"Measurements",
                             {{"HashAlgorithm", "SHA384"},
                              {"PCR4", std::string(96, 'a')},
                              {"PCR12", std::string(96, '0')},
                              {"PCR13", std::string(96, '0')}}}};
    if (!more.is_null()) built.update(more);
    return Write("built.json", built.dump());
  }

  Ran Import(const std::string& file,
             const std::vector<std::string>& more = {}) {
    std::vector<std::string> line = {"releases",  "import", file,
                                     "--product", "shop",   "--name",
                                     "1",         "--list", list_};
    line.insert(line.end(), more.begin(), more.end());
    return RunCommand(AddReleases, line);
  }

  const std::string list_ = ::testing::TempDir() + "/imported.json";
};

TEST_F(ReleasesImport, AddsWhatNoFileHas) {
  const std::string value(96, 'b');
  const Ran ran = Import(
      Built(), {"--pcr", "8=" + value, "--pcr", "4=" + std::string(96, 'A')});
  ASSERT_EQ(ran.code, kAccepted) << ran.err;
  const auto text = anchors::ReadFile(list_, 1 << 20);
  const auto list = anchors::ParseReleases(text.value_or(""));
  ASSERT_TRUE(list.ok()) << list.status();
  const auto& measured = list->releases.at(0).measurements;
  EXPECT_EQ(measured.size(), 4u);
  EXPECT_EQ(measured.at(8), std::string(48, '\xbb'));
}

TEST_F(ReleasesImport, RefusesAPcrThatIsNotTheOneOfTheFiles) {
  const std::string value(96, 'b');
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{"--pcr", "4=" + value},
        std::vector<std::string>{"--pcr", "8=" + value, "--pcr", "8=" + value},
        std::vector<std::string>{"--pcr", "8"},
        std::vector<std::string>{"--pcr", "8=bb"},
        std::vector<std::string>{"--pcr", "32=" + value}}) {
    EXPECT_EQ(Import(Built(), flags).code, kUsage) << flags.back();
    EXPECT_FALSE(std::filesystem::exists(list_));
  }
}

TEST_F(ReleasesImport, WarnsWherePcr4DoesNotSpeakForTheRoot) {
  const auto warns = [&](const nlohmann::json& covers) {
    SetUp();
    const Ran ran = Import(Built({{"pcr4_covers_root", covers}}));
    EXPECT_EQ(ran.code, kAccepted) << ran.err;
    return ran.err.find("NOT COVERED") != std::string::npos;
  };
  EXPECT_TRUE(warns(false));
  EXPECT_TRUE(warns("true"));
  EXPECT_FALSE(warns(true));
}

}  // namespace
}  // namespace anchorage::trustctl
