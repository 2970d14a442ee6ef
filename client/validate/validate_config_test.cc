#include "client/validate/validate_config.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "client/validate/validate_error.h"
#include "gtest/gtest.h"
#include "test/support/fake_producer.h"

namespace anchorage::client {
namespace {

using Reason = ValidateReason;
using verify::ManifestScope;
using verify::MismatchAction;

// What stands in it is not looked at here.
constexpr char kPem[] =
    "-----BEGIN CERTIFICATE-----\\nMAA=\\n-----END CERTIFICATE-----\\n";

std::string Whole() {
  return absl::StrCat(R"({
    "schema_version": 1,
    "producers": [
      {"name": "Example", "certificates": ["example.pem", ")",
                      kPem, R"("]}
    ],
    "product": "ledger",
    "least_version": "2026.11",
    "least_scope": "everything",
    "manifests": ["usr/lib/a.json", "boot/b.json"],
    "allowed_exclusions": ["var/log", "srv/data"],
    "max_bundle_bytes": 1000,
    "least_action": "emergency",
    "without_manifest": "continue",
    "as_seen": true,
    "tpm": "/dev/tpm0",
    "pcr": 14,
    "require_tpm": false,
    "tpm_wait_seconds": 3,
    "time_limit_seconds": 60
  })");
}

std::string Least() {
  return absl::StrCat(
      R"({"schema_version":1,"producers":[{"name":"E","certificates":[")", kPem,
      R"("]}],"product":"ledger","least_version":"1"})");
}

TEST(ValidateConfigTest, ReadsEveryMember) {
  const auto config = ParseValidateConfig(Whole());
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->producers.size(), 1u);
  EXPECT_EQ(config->producers[0].name, "Example");
  ASSERT_EQ(config->producers[0].certificates_der.size(), 2u);
  EXPECT_EQ(config->producers[0].certificates_der[0], "example.pem");
  EXPECT_EQ(config->expected.product, "ledger");
  EXPECT_EQ(config->expected.least_version.ToString(), "2026.11");
  EXPECT_EQ(config->least_scope, ManifestScope::kEverything);
  EXPECT_EQ(config->manifests,
            (std::vector<std::string>{"usr/lib/a.json", "boot/b.json"}));
  EXPECT_EQ(config->allowed_exclusions,
            (std::vector<std::string>{"srv/data", "var/log"}));
  EXPECT_EQ(config->max_bundle_bytes, 1000u);
  EXPECT_EQ(config->least_action, MismatchAction::kEmergency);
  EXPECT_EQ(config->without_manifest, MismatchAction::kContinue);
  EXPECT_TRUE(config->as_seen);
  EXPECT_EQ(config->tpm, "/dev/tpm0");
  EXPECT_EQ(config->pcr, 14);
  EXPECT_FALSE(config->require_tpm);
  EXPECT_EQ(config->tpm_wait, absl::Seconds(3));
  EXPECT_EQ(config->time_limit, absl::Minutes(1));
}

TEST(ValidateConfigTest, WhatIsNotSaidIsStrict) {
  const auto config = ParseValidateConfig(Least());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->least_scope, ManifestScope::kCodeAndStartup);
  EXPECT_EQ(config->least_action, MismatchAction::kPowerOff);
  EXPECT_EQ(config->without_manifest, MismatchAction::kPowerOff);
  EXPECT_EQ(config->allowed_exclusions, config->manifests);
  EXPECT_EQ(config->max_bundle_bytes, 64u << 20);
  EXPECT_FALSE(config->as_seen);
  EXPECT_TRUE(config->require_tpm);
  EXPECT_EQ(config->pcr, 8);
  EXPECT_EQ(config->tpm, "/dev/tpmrm0");
}

TEST(ValidateConfigTest, ExclusionsThatAreAllowed) {
  const auto with = [](const std::string& list) {
    return ParseValidateConfig(
        absl::StrReplaceAll(Whole(), {{R"(["var/log", "srv/data"])", list}}));
  };
  const auto none = with("[]");
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_TRUE(none->allowed_exclusions.empty());
  std::string names;
  for (int i = 0; i < 64; ++i) {
    absl::StrAppend(&names, i > 0 ? "," : "", "\"", i, "\"");
  }
  EXPECT_TRUE(with("[" + names + "]").ok());
  EXPECT_FALSE(with("[" + names + ",\"64\"]").ok());
  const auto without = ParseValidateConfig(absl::StrReplaceAll(
      Whole(), {{R"("allowed_exclusions": ["var/log", "srv/data"],)", ""}}));
  ASSERT_TRUE(without.ok()) << without.status();
  EXPECT_EQ(without->allowed_exclusions,
            (std::vector<std::string>{"boot/b.json", "usr/lib/a.json"}));
}

TEST(ValidateConfigTest, ReadsTheManualsExample) {
  std::ifstream file("client/validate/README.md");
  const std::string manual{std::istreambuf_iterator<char>(file), {}};
  const std::string fence = "```json\n";
  const std::size_t begin = manual.find(fence);
  ASSERT_NE(begin, std::string::npos);
  const std::size_t from = begin + fence.size();
  const auto config =
      ParseValidateConfig(manual.substr(from, manual.find("```", from) - from));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->expected.product, "shop");
}

struct Breakage {
  const char* name;
  // In the text of Whole().
  const char* good;
  const char* bad;
};

class OneBreakage : public ::testing::TestWithParam<Breakage> {};

TEST_P(OneBreakage, IsInvalid) {
  const std::string broken =
      absl::StrReplaceAll(Whole(), {{GetParam().good, GetParam().bad}});
  ASSERT_NE(broken, Whole());
  EXPECT_EQ(ValidateReasonOf(ParseValidateConfig(broken).status()),
            Reason::kConfigInvalid);
}

INSTANTIATE_TEST_SUITE_P(
    Config, OneBreakage,
    ::testing::Values(
        Breakage{"OtherSchema", "\"schema_version\": 1",
                 "\"schema_version\": 2"},
        Breakage{"NoSchema", "\"schema_version\": 1,", ""},
        Breakage{"UnknownMember", "\"pcr\"", "\"PCR\""},
        Breakage{"MemberTwice", "\"tpm\": ", "\"pcr\": 8, \"tpm\": "},
        Breakage{"Comment", "\"pcr\"", "/* 8 */ \"pcr\""},
        Breakage{"NoObject", "\"schema_version\": 1,", "[]"},
        Breakage{"NoProduct", "\"product\": \"ledger\",", ""},
        Breakage{"EmptyProduct", "\"ledger\"", "\"\""},
        Breakage{"NoVersion", "\"least_version\": \"2026.11\",", ""},
        Breakage{"VersionWithSuffix", "2026.11", "2026.11-rc1"},
        Breakage{"VersionAsNumber", "\"2026.11\"", "2026.11"},
        Breakage{"UnknownScope", "\"everything\"", "\"nothing\""},
        Breakage{"UnknownAction", "\"emergency\"", "\"ignore\""},
        Breakage{"ActionOfAnotherCase", "\"continue\"", "\"Continue\""},
        Breakage{"NullAction", "\"continue\"", "null"},
        Breakage{"AbsolutePlace", "\"usr/lib/a.json\"", "\"/usr/lib/a.json\""},
        Breakage{"PlaceOutside", "\"usr/lib/a.json\"", "\"usr/../../a.json\""},
        Breakage{"NoPlace", "[\"usr/lib/a.json\", \"boot/b.json\"]", "[]"},
        Breakage{"PlaceIsNoList", "[\"usr/lib/a.json\", \"boot/b.json\"]",
                 "\"usr/lib/a.json\""},
        Breakage{"AllowedAbsolute", "\"var/log\"", "\"/var/log\""},
        Breakage{"AllowedEmpty", "\"var/log\"", "\"\""},
        Breakage{"AllowedIsNoList", "[\"var/log\", \"srv/data\"]",
                 "\"var/log\""},
        Breakage{"AllowedIsNull", "[\"var/log\", \"srv/data\"]", "null"},
        Breakage{"NoBytes", "1000", "0"},
        Breakage{"TooManyBytes", "1000", "272629761"},
        Breakage{"RelativeTpm", "/dev/tpm0", "dev/tpm0"},
        Breakage{"RegisterOfTheFirmware", "\"pcr\": 14", "\"pcr\": 4"},
        Breakage{"RegisterThatCanBeReset", "\"pcr\": 14", "\"pcr\": 16"},
        Breakage{"RegisterAsText", "\"pcr\": 14", "\"pcr\": \"14\""},
        Breakage{"RegisterAsFraction", "\"pcr\": 14", "\"pcr\": 14.0"},
        Breakage{"TextForTruth", "\"require_tpm\": false",
                 "\"require_tpm\": \"false\""},
        Breakage{"NegativeTime", "\"tpm_wait_seconds\": 3",
                 "\"tpm_wait_seconds\": -3"},
        Breakage{"TimeWithoutEnd", "\"time_limit_seconds\": 60",
                 "\"time_limit_seconds\": 86401"},
        Breakage{"NoTime", "\"time_limit_seconds\": 60",
                 "\"time_limit_seconds\": 0"},
        Breakage{"NoProducer", "\"producers\": [",
                 "\"producers\": [], \"x\": ["},
        Breakage{"ProducerWithoutName", "\"name\": \"Example\", ", ""},
        Breakage{"ProducerWithEmptyName", "\"Example\"", "\"\""},
        Breakage{"ProducerWithMore", "\"name\": \"Example\"",
                 "\"name\": \"Example\", \"status\": \"ACTIVE\""},
        Breakage{"CertificateElsewhere", "\"example.pem\"",
                 "\"../example.pem\""},
        Breakage{"CertificateAbsolute", "\"example.pem\"", "\"/example.pem\""},
        Breakage{"CertificateEmpty", "\"example.pem\"", "\"\""},
        Breakage{"PemWithoutEnd", "-----END CERTIFICATE-----", ""},
        Breakage{"PemOfAKey", " CERTIFICATE-----", " PRIVATE KEY-----"},
        Breakage{"TwoInOnePem", "-----END CERTIFICATE-----\\n",
                 "-----END CERTIFICATE-----\\n-----BEGIN CERTIFICATE-----\\n"
                 "MAA=\\n-----END CERTIFICATE-----\\n"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ValidateConfigTest, SaysWhichProducerHasMore) {
  const std::string broken = absl::StrReplaceAll(
      Whole(), {{"\"producers\": [",
                 "\"producers\": [{\"name\": \"A\", \"certificates\": "
                 "[\"a.pem\"]},"},
                {"\"name\": \"Example\"", "\"nam\": \"Example\""}});
  EXPECT_EQ(ParseValidateConfig(broken).status().message(),
            "CONFIG_INVALID: producers[1]: unknown member nam");
}

TEST(ValidateConfigTest, SaysThatNoNameEndsWithASlash) {
  const std::string broken =
      absl::StrReplaceAll(Whole(), {{"\"var/log\"", "\"var/log/\""}});
  EXPECT_EQ(ParseValidateConfig(broken).status().message(),
            "CONFIG_INVALID: allowed_exclusions: names below the root, without "
            "a leading / or an ending one");
}

TEST(ValidateConfigTest, HasALimit) {
  EXPECT_TRUE(
      ParseValidateConfig(
          Least() + std::string(kMaxValidateConfigBytes - Least().size(), ' '))
          .ok());
  EXPECT_EQ(
      ValidateReasonOf(ParseValidateConfig(
                           Least() + std::string(kMaxValidateConfigBytes, ' '))
                           .status()),
      Reason::kConfigInvalid);
}

// --- Files -------------------------------------------------------------------

class ValidateConfigFile : public ::testing::Test {
 protected:
  ValidateConfigFile() {
    std::string folder =
        std::filesystem::temp_directory_path() / "validate_config.XXXXXX";
    folder_ = ::mkdtemp(folder.data());
    Write("validate.json",
          absl::StrReplaceAll(Whole(), {{"MAA=", absl::Base64Escape(der_)}}));
    Write("example.pem", Pem(der_));
  }
  ~ValidateConfigFile() override { std::filesystem::remove_all(folder_); }

  static std::string Pem(const std::string& der) {
    return absl::StrReplaceAll(
        kPem, {{"\\n", "\n"}, {"MAA=", absl::Base64Escape(der)}});
  }
  std::string Path(const std::string& name) { return folder_ + "/" + name; }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(Path(name)) << text;
  }
  std::optional<Reason> ReasonToRead() {
    return ValidateReasonOf(ReadValidateConfig(Path("validate.json")).status());
  }

  const std::string der_ =
      test::FakeProducer().Pinned().certificates_der.front();
  std::string folder_;
};

TEST_F(ValidateConfigFile, CertificatesAreReadFromBesideIt) {
  const auto config = ReadValidateConfig(Path("validate.json"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->producers[0].certificates_der,
            (std::vector<std::string>{der_, der_}));
  EXPECT_EQ(
      FilesOfValidateConfig(Path("validate.json")).value(),
      (std::vector<std::string>{Path("validate.json"), Path("example.pem")}));
}

TEST_F(ValidateConfigFile, IsMissing) {
  std::filesystem::remove(Path("validate.json"));
  EXPECT_EQ(ReasonToRead(), Reason::kConfigMissing);
  std::filesystem::create_directory(Path("validate.json"));
  EXPECT_EQ(ReasonToRead(), Reason::kConfigMissing);
}

TEST_F(ValidateConfigFile, ACertificateIsMissing) {
  std::filesystem::remove(Path("example.pem"));
  EXPECT_EQ(ReadValidateConfig(Path("validate.json")).status().message(),
            "CONFIG_INVALID: certificates: example.pem is no file (looked for "
            "beside the configuration)");
}

TEST_F(ValidateConfigFile, ACertificateIsNone) {
  Write("example.pem", "MAA=");
  EXPECT_EQ(ReasonToRead(), Reason::kConfigInvalid);
  Write("example.pem", "");
  EXPECT_EQ(ReasonToRead(), Reason::kConfigInvalid);
  Write("example.pem", Pem(std::string("\x30\x00", 2)));
  EXPECT_EQ(ReasonToRead(), Reason::kConfigInvalid);
  Write("example.pem", std::string(1 << 20, 'x'));
  EXPECT_EQ(ReasonToRead(), Reason::kConfigInvalid);
}

}  // namespace
}  // namespace anchorage::client
