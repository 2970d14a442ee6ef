#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/yaml_to_proto.h"
#include "proto/anchorage/v1/config.pb.h"
#include "test/support/run_command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/pki_folder.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::json;
using std::filesystem::perms;
using ::testing::HasSubstr;

constexpr perms kOwner = perms::owner_read | perms::owner_write;

class PkiCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(folder_);
    std::filesystem::remove_all(passphrase_);
    ASSERT_TRUE(anchors::WriteFileAtomically(passphrase_, "correct horse\n",
                                             anchors::FileAccess::kPrivate)
                    .ok());
    // Without a passphrase, which takes a while each time.
    const Ran ran = Run("init", {"--unencrypted"});
    ASSERT_EQ(ran.code, kAccepted) << ran.err;
  }

  Ran Run(const std::string& verb, const std::vector<std::string>& more) {
    std::vector<std::string> line = {"pki", verb};
    line.insert(line.end(), more.begin(), more.end());
    line.insert(line.end(), {"--folder", folder_});
    return RunCommand(AddPki, line);
  }
  Ran RunWithKey(const std::string& verb, std::vector<std::string> more) {
    more.insert(more.end(), {"--passphrase-file", passphrase_});
    return Run(verb, more);
  }

  std::string Read(const std::string& file) {
    return anchors::ReadFile(folder_ + "/" + file, 100'000).value_or("");
  }
  perms ModeOf(const std::string& file) {
    return std::filesystem::status(folder_ + "/" + file).permissions();
  }
  std::string Sha256Of(const std::string& file) {
    const auto facts = ReadPkiCertificate(Read(file));
    return facts.ok() ? facts->sha256 : "";
  }

  const std::string folder_ = ::testing::TempDir() + "/pki";
  const std::string passphrase_ = ::testing::TempDir() + "/passphrase";
};

TEST_F(PkiCommand, PrintsTheLinesOfAConfiguration) {
  const Ran server = RunWithKey("server", {"localhost", "::1"});
  ASSERT_EQ(server.code, kAccepted) << server.err;
  EXPECT_THAT(server.out, HasSubstr("\nadmin:\n"));
  EXPECT_THAT(server.out, HasSubstr("\n  listen_address: 127.0.0.1:7444\n"));
  EXPECT_THAT(server.out,
              HasSubstr(absl::StrCat("\n    certificate_path: \"", folder_,
                                     "/servers/localhost.pem\"\n")));
  EXPECT_TRUE(server.out.ends_with("\n  people:\n"));
  const Ran alice = RunWithKey("issue", {"alice", "--role", "approver"});
  ASSERT_EQ(alice.code, kAccepted) << alice.err;
  EXPECT_THAT(alice.out, HasSubstr(absl::StrCat(
                             "\n    - {name: \"alice\", role: ROLE_APPROVER, "
                             "certificate_sha256: [",
                             Sha256Of("people/alice.pem"), "]}\n")));
  EXPECT_THAT(RunWithKey("server", {"localhost", "192.0.2.7", "--replace"}).out,
              HasSubstr("listen_address: 0.0.0.0:7444"));
}

// As the manual has it: one after the other, into one file.
TEST_F(PkiCommand, WritesAConfigurationThatTrustdReads) {
  std::string yaml = "data_dir: data\n";
  yaml += RunWithKey("server", {"trustd.example.com", "2001:db8::7"}).out;
  yaml += RunWithKey("issue", {"true", "--role", "operator"}).out;
  yaml += RunWithKey("issue", {"1e3 @+-._x", "--role", "instance"}).out;
  v1::TrustdConfig config;
  const absl::Status read = anchors::ReadYaml(yaml, "trustd.yaml", config);
  ASSERT_TRUE(read.ok()) << read << yaml;
  const v1::AdminConfig& admin = config.admin();
  EXPECT_EQ(admin.listen_address(), "0.0.0.0:7444");
  EXPECT_EQ(admin.tls().key_path(),
            folder_ + "/servers/trustd.example.com.key");
  EXPECT_EQ(admin.client_ca_path(), folder_ + "/ca.pem");
  ASSERT_EQ(admin.people_size(), 2);
  EXPECT_EQ(admin.people(0).name(), "true");
  EXPECT_EQ(admin.people(0).role(), v1::Person::ROLE_OPERATOR);
  EXPECT_EQ(admin.people(0).certificate_sha256(0), Sha256Of("people/true.pem"));
  EXPECT_EQ(admin.people(1).name(), "1e3 @+-._x");
  EXPECT_EQ(admin.people(1).role(), v1::Person::ROLE_INSTANCE);
}

TEST_F(PkiCommand, LetsNobodyElseHaveAKey) {
  ASSERT_EQ(RunWithKey("server", {"localhost"}).code, kAccepted);
  ASSERT_EQ(RunWithKey("issue", {"alice"}).code, kAccepted);
  for (const char* folder : {"", "people", "servers"}) {
    EXPECT_EQ(ModeOf(folder), perms::owner_all) << folder;
  }
  for (const char* key :
       {"ca.key", "people/alice.key", "servers/localhost.key"}) {
    EXPECT_EQ(ModeOf(key), kOwner) << key;
  }
}

TEST_F(PkiCommand, EncryptsTheKeyOfTheCaUnlessToldNotTo) {
  EXPECT_THAT(Read("ca.key"), HasSubstr("BEGIN PRIVATE KEY"));
  std::filesystem::remove_all(folder_);
  ASSERT_EQ(RunWithKey("init", {}).code, kAccepted);
  EXPECT_THAT(Read("ca.key"), HasSubstr("ENCRYPTED"));
  EXPECT_NE(Run("issue", {"alice"}).code, kAccepted);
  EXPECT_EQ(RunWithKey("issue", {"alice"}).code, kAccepted);
}

TEST_F(PkiCommand, WritesOverNothing) {
  ASSERT_EQ(RunWithKey("server", {"localhost"}).code, kAccepted);
  ASSERT_EQ(RunWithKey("issue", {"alice"}).code, kAccepted);
  const std::vector<std::string> files = {"ca.pem",
                                          "ca.key",
                                          "index",
                                          "people/alice.pem",
                                          "people/alice.key",
                                          "servers/localhost.pem",
                                          "servers/localhost.key"};
  std::vector<std::string> before;
  for (const auto& file : files) before.push_back(Read(file));
  EXPECT_NE(RunWithKey("init", {}).code, kAccepted);
  EXPECT_NE(RunWithKey("issue", {"alice"}).code, kAccepted);
  EXPECT_NE(RunWithKey("server", {"localhost", "::1"}).code, kAccepted);
  for (std::size_t i = 0; i < files.size(); ++i) {
    EXPECT_EQ(Read(files[i]), before[i]) << files[i];
  }
  ASSERT_EQ(RunWithKey("issue", {"alice", "--replace"}).code, kAccepted);
  EXPECT_NE(Read("people/alice.key"), before[4]);
}

TEST_F(PkiCommand, DoesNotUseWhatOthersCanRead) {
  std::filesystem::permissions(folder_ + "/ca.key",
                               kOwner | perms::others_read);
  const Ran ran = RunWithKey("issue", {"alice"});
  EXPECT_EQ(ran.code, kStaleOrForAnother);
  EXPECT_THAT(ran.err, HasSubstr("chmod"));
  std::filesystem::permissions(folder_ + "/ca.key", kOwner);
  std::filesystem::permissions(folder_, perms::owner_all | perms::others_exec);
  EXPECT_EQ(RunWithKey("issue", {"alice"}).code, kStaleOrForAnother);
  std::filesystem::permissions(folder_, perms::owner_all);
  EXPECT_EQ(RunWithKey("issue", {"alice"}).code, kAccepted);
}

TEST_F(PkiCommand, RefusesWhatIsNoNameBeforeItAsks) {
  for (const std::string& name :
       {std::string(""), std::string(65, 'a'), std::string("<b>alice</b>"),
        std::string("a\tb"), std::string("\u202ealice"),
        std::string("../../alice")}) {
    EXPECT_EQ(Run("issue", {name}).code, kUsage) << name;
  }
  for (const std::string& host :
       {std::string("trustd:7444"), std::string("*.example")}) {
    EXPECT_EQ(Run("server", {host}).code, kUsage) << host;
  }
  EXPECT_EQ(Run("issue", {"alice", "--role", "king"}).code, kUsage);
  EXPECT_EQ(Run("issue", {"alice", "--days", "366"}).code, kUsage);
  EXPECT_EQ(Run("renew", {"alice", "--days", "366"}).code, kUsage);
}

TEST_F(PkiCommand, RenewsOverTheSameKeyAndSaysThatBothAreGood) {
  ASSERT_EQ(RunWithKey("issue", {"alice", "--role", "operator"}).code,
            kAccepted);
  const std::string old = Sha256Of("people/alice.pem");
  const std::string key = Read("people/alice.key");
  // Whoever renews need not have it.
  std::filesystem::remove(folder_ + "/people/alice.key");
  const auto before = ReadPkiCertificate(Read("people/alice.pem"));
  const Ran ran = RunWithKey("renew", {"alice"});
  ASSERT_EQ(ran.code, kAccepted) << ran.err;
  const auto after = ReadPkiCertificate(Read("people/alice.pem"));
  EXPECT_NE(after->sha256, old);
  EXPECT_EQ(after->public_key_pem, before->public_key_pem);
  EXPECT_THAT(ran.out,
              HasSubstr(absl::StrCat("role: ROLE_OPERATOR, certificate_sha256: "
                                     "[",
                                     old, ", ", after->sha256, "]}")));
  // A new key is given where the old one may be in other hands.
  const Ran replaced =
      RunWithKey("issue", {"alice", "--role", "operator", "--replace"});
  EXPECT_THAT(replaced.out,
              HasSubstr(absl::StrCat("[", Sha256Of("people/alice.pem"), "]")));
}

// Its key may be in other hands.
TEST_F(PkiCommand, NeverBringsBackWhatWasReplaced) {
  ASSERT_EQ(RunWithKey("issue", {"alice"}).code, kAccepted);
  const std::string stolen = Sha256Of("people/alice.pem");
  ASSERT_EQ(RunWithKey("issue", {"alice", "--replace"}).code, kAccepted);
  for (int i = 0; i < 2; ++i) {
    const std::string before = Sha256Of("people/alice.pem");
    const Ran ran = RunWithKey("renew", {"alice"});
    ASSERT_EQ(ran.code, kAccepted) << ran.err;
    EXPECT_THAT(ran.out,
                HasSubstr(absl::StrCat("[", before, ", ",
                                       Sha256Of("people/alice.pem"), "]")));
    EXPECT_EQ(ran.out.find(stolen), std::string::npos);
  }
}

TEST_F(PkiCommand, RenewsWhatEndsSoon) {
  ASSERT_EQ(RunWithKey("issue", {"alice", "--days", "29"}).code, kAccepted);
  ASSERT_EQ(RunWithKey("issue", {"bob", "--days", "31"}).code, kAccepted);
  ASSERT_EQ(RunWithKey("server", {"localhost", "--days", "1"}).code, kAccepted);
  const Ran ran = RunWithKey("renew", {"-o", "json"});
  ASSERT_EQ(ran.code, kAccepted) << ran.err;
  const json answer = json::parse(ran.out);
  std::vector<std::string> names;
  for (const json& one : answer["certificates"]) {
    names.push_back(one["name"]);
  }
  EXPECT_THAT(names, ::testing::ElementsAre("alice", "localhost"));
}

TEST_F(PkiCommand, RenewsNoCertificateThatWasPutThere) {
  ASSERT_EQ(RunWithKey("issue", {"alice"}).code, kAccepted);
  ASSERT_EQ(RunWithKey("issue", {"mallory"}).code, kAccepted);
  std::filesystem::copy(folder_ + "/people/mallory.pem",
                        folder_ + "/people/alice.pem",
                        std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(RunWithKey("renew", {"alice"}).code, kUnreadable);
  EXPECT_EQ(RunWithKey("renew", {"nobody"}).code, kUnreadable);
}

TEST_F(PkiCommand, RenewsTheCaUnderItsName) {
  const std::string old = Read("ca.pem");
  const Ran ran = RunWithKey("renew", {"--ca", "--days", "3000"});
  ASSERT_EQ(ran.code, kAccepted) << ran.err;
  EXPECT_NE(Read("ca.pem"), old);
  EXPECT_EQ(RunWithKey("issue", {"alice"}).code, kAccepted);
}

TEST_F(PkiCommand, ListsWhatCanBeUsedAndWarnsOfItsEnd) {
  ASSERT_EQ(RunWithKey("issue", {"alice", "--days", "10"}).code, kAccepted);
  Ran ran = Run("list", {"-o", "json"});
  ASSERT_EQ(ran.code, kAccepted) << ran.err;
  const json answer = json::parse(ran.out);
  EXPECT_EQ(answer["schema_version"], 1);
  ASSERT_EQ(answer["certificates"].size(), 2U);
  const json& alice = answer["certificates"][1];
  EXPECT_EQ(alice["name"], "alice");
  EXPECT_EQ(alice["kind"], "person");
  EXPECT_EQ(alice["role"], "viewer");
  EXPECT_EQ(alice["serial"].get<std::string>().size(), 32U);
  EXPECT_EQ(alice["certificate_sha256"], Sha256Of("people/alice.pem"));
  EXPECT_THAT(ran.err, HasSubstr("alice expires in 9 days"));
  // The first can be used for ten days yet.
  ASSERT_EQ(RunWithKey("renew", {"alice"}).code, kAccepted);
  ran = Run("list", {"-o", "json"});
  const json renewed = json::parse(ran.out)["certificates"];
  ASSERT_EQ(renewed.size(), 3U);
  EXPECT_EQ(renewed[0]["current"], true);
  EXPECT_EQ(renewed[1]["current"], false);
  EXPECT_EQ(renewed[2]["current"], true);
  EXPECT_EQ(ran.err, "");
}

TEST_F(PkiCommand, SaysWhereTheIndexIsDamaged) {
  ASSERT_TRUE(
      anchors::WriteFileAtomically(folder_ + "/index", Read("index") + "x\n")
          .ok());
  const Ran ran = Run("list", {});
  EXPECT_EQ(ran.code, kUnreadable);
  EXPECT_THAT(ran.err, HasSubstr("line 2"));
}

TEST_F(PkiCommand, TakesNoIndexWithoutItsCa) {
  const std::string ca = Read("index");
  ASSERT_EQ(RunWithKey("issue", {"alice"}).code, kAccepted);
  for (const std::string& index :
       {std::string(), Read("index").substr(ca.size())}) {
    ASSERT_TRUE(anchors::WriteFileAtomically(folder_ + "/index", index).ok());
    for (const Ran& ran :
         {Run("list", {}), RunWithKey("issue", {"alice", "--replace"})}) {
      EXPECT_EQ(ran.code, kUnreadable);
      EXPECT_THAT(ran.err, HasSubstr("not that of the CA"));
    }
    EXPECT_EQ(Read("index"), index);
  }
}

}  // namespace
}  // namespace anchorage::trustctl
