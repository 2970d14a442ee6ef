#include "tools/trustctl/contexts.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "anchors/base/atomic_file.h"
#include "verify/reason.h"

namespace anchorage::trustctl {
namespace {

using verify::Reason;

constexpr char kFile[] = R"(
current-context: prod
contexts:
  prod:
    admin-server: trustd:7444
    client-cert: alice.pem
    client-key: /keys/alice.key
    server: trustd:7443
    cache: cache
  test:
    server: http://127.0.0.1:8080/tuf/
)";

struct Breakage {
  const char* name;
  const char* yaml;
  Reason reason;
};

class BrokenFile : public ::testing::TestWithParam<Breakage> {};

TEST_P(BrokenFile, IsRefusedForExactlyThatReason) {
  const auto contexts = ParseContexts(GetParam().yaml, "config.yaml");
  EXPECT_EQ(verify::ReasonOf(contexts.status()), GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    Contexts, BrokenFile,
    ::testing::Values(
        Breakage{"UnknownField", "contexts: {a: {account: '1'}}",
                 Reason::kFieldUnknown},
        Breakage{"UnknownFieldAtTheTop", "context: {}", Reason::kFieldUnknown},
        Breakage{"FieldTwice", "contexts: {a: {server: x:1, server: y:1}}",
                 Reason::kDuplicateKey},
        Breakage{"ContextTwice", "contexts: {a: {server: x:1}, a: {}}",
                 Reason::kDuplicateKey},
        Breakage{"EmptyValue", "contexts: {a: {server: ''}}",
                 Reason::kFieldInvalid},
        Breakage{"NoValue", "contexts: {a: {server: }}", Reason::kFieldInvalid},
        Breakage{"ListForAValue", "contexts: {a: {server: [x:1]}}",
                 Reason::kFieldInvalid},
        Breakage{"NameWithASlash", "contexts: {../a: {server: x:1}}",
                 Reason::kFieldInvalid},
        Breakage{"NameAsAFlag", "contexts: {--a: {server: x:1}}",
                 Reason::kFieldInvalid},
        Breakage{"CurrentIsNone", "current-context: b\ncontexts: {a: {}}",
                 Reason::kFieldInvalid},
        Breakage{"NoKeys", "- a", Reason::kDocumentMalformed},
        Breakage{"Alias", "contexts: {a: &a {server: x:1}, b: *a}",
                 Reason::kDocumentMalformed}),
    [](const auto& info) { return info.param.name; });

TEST(Contexts, NamesTheLineOfAnUnknownField) {
  const auto contexts =
      ParseContexts("contexts:\n  a:\n    sever: x:1\n", "config.yaml");
  EXPECT_EQ(contexts.status().message().substr(0, 15), "config.yaml:3: ");
}

class ContextsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::string(::testing::TempDir()) + "config-" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    ASSERT_TRUE(anchors::MakeFolder(folder_ + "/anchorage").ok());
    setenv("XDG_CONFIG_HOME", folder_.c_str(), 1);
    for (const ContextField& field : kContextFields) unsetenv(field.variable);
    unsetenv(kContextVariable);
    path_ = *ContextsPath();
    server_ = app_.add_option("--server", server)->envname("ANCHORAGE_SERVER");
    app_.add_option("--tls-roots", roots)
        ->needs(server_)
        ->envname("ANCHORAGE_TLS_ROOTS");
    app_.add_option("--file", file)->excludes(server_);
    app_.add_option("--account", account);
    app_.add_option("--producer", producer);
    AddContextFlag(app_);
  }

  void Write(const std::string& yaml) {
    ASSERT_TRUE(
        anchors::WriteFileAtomically(path_, yaml, anchors::FileAccess::kPrivate)
            .ok());
  }

  // Whether the command line is taken.
  bool Parse(std::vector<std::string> arguments) {
    try {
      UseContext(app_, arguments);
      std::reverse(arguments.begin(), arguments.end());
      app_.parse(arguments);
      return true;
    } catch (const CLI::ParseError&) {
      return false;
    }
  }

  std::string folder_;
  std::string path_;
  CLI::App app_;
  CLI::Option* server_ = nullptr;
  std::string server;
  std::string roots;
  std::string file;
  std::string account;
  std::string producer;
};

TEST_F(ContextsTest, TheCurrentOneIsTaken) {
  Write(kFile);
  ASSERT_TRUE(Parse({}));
  EXPECT_EQ(server, "trustd:7443");
}

TEST_F(ContextsTest, VariableBeatsContextAndFlagBeatsVariable) {
  Write(kFile);
  setenv("ANCHORAGE_SERVER", "variable:1", 1);
  ASSERT_TRUE(Parse({}));
  EXPECT_EQ(server, "variable:1");
  app_.clear();
  ASSERT_TRUE(Parse({"--server", "flag:1"}));
  EXPECT_EQ(server, "flag:1");
}

TEST_F(ContextsTest, AnotherIsChosenByFlagOrVariable) {
  Write(kFile);
  ASSERT_TRUE(Parse({"--context=test"}));
  EXPECT_EQ(server, "http://127.0.0.1:8080/tuf/");
  app_.clear();
  unsetenv("ANCHORAGE_SERVER");
  setenv(kContextVariable, "test", 1);
  ASSERT_TRUE(Parse({}));
  EXPECT_EQ(server, "http://127.0.0.1:8080/tuf/");
  app_.clear();
  unsetenv("ANCHORAGE_SERVER");
  ASSERT_TRUE(Parse({"--context", "prod"})) << "the flag beats the variable";
  EXPECT_EQ(server, "trustd:7443");
}

TEST_F(ContextsTest, OneThatIsNotThereIsRefused) {
  Write(kFile);
  EXPECT_FALSE(Parse({"--context", "prodd"}));
  EXPECT_FALSE(Parse({"--context="}));
}

TEST_F(ContextsTest, SetAndEmptyIsRefused) {
  setenv("ANCHORAGE_SERVER", "", 1);
  EXPECT_FALSE(Parse({}));
  EXPECT_FALSE(Parse({"--server", "flag:1"}));
  unsetenv("ANCHORAGE_SERVER");
  setenv(kContextVariable, "", 1);
  EXPECT_FALSE(Parse({}));
}

TEST_F(ContextsTest, AFlagThatExcludesItKeepsItAway) {
  Write(kFile);
  setenv("ANCHORAGE_TLS_ROOTS", "roots.pem", 1);
  ASSERT_TRUE(Parse({"--file", "catalog.json"}));
  EXPECT_EQ(server, "");
  EXPECT_EQ(roots, "") << "what goes with it is left out too";
}

TEST_F(ContextsTest, AProducerThatIsPinnedIsWidenedByFlagsAlone) {
  Write(kFile);
  ASSERT_TRUE(Parse({"--producer", "acme.pem"}));
  EXPECT_EQ(server, "");
  setenv("ANCHORAGE_SERVER", "variable:1", 1);
  ASSERT_TRUE(Parse({"--producer=acme.pem"}));
  EXPECT_EQ(server, "");
  ASSERT_TRUE(Parse({"--producer", "acme.pem", "--server", "flag:1"}));
  EXPECT_EQ(server, "flag:1");
}

TEST_F(ContextsTest, NoVariableIsAnExpectation) {
  setenv("ANCHORAGE_ACCOUNT", "123456789012", 1);
  ASSERT_TRUE(Parse({}));
  EXPECT_EQ(account, "");
}

TEST_F(ContextsTest, PathsAreMeantFromTheFile) {
  Write(kFile);
  const auto contexts = ReadContexts(path_);
  ASSERT_TRUE(contexts.ok()) << contexts.status();
  const Context& prod = contexts->all.at("prod");
  EXPECT_EQ(prod.at("client-cert"), folder_ + "/anchorage/alice.pem");
  EXPECT_EQ(prod.at("client-key"), "/keys/alice.key");
  EXPECT_EQ(prod.at("admin-server"), "trustd:7444");
}

TEST_F(ContextsTest, AFileOfOthersIsRefused) {
  for (const mode_t mode : {0640, 0604, 0620, 0602}) {
    Write(kFile);
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
    EXPECT_TRUE(absl::IsFailedPrecondition(ReadContexts(path_).status()))
        << std::oct << mode;
    EXPECT_FALSE(Parse({}));
  }
}

TEST_F(ContextsTest, ALongFileIsRefused) {
  Write(std::string(kMaxContextsBytes + 1, '#'));
  EXPECT_TRUE(absl::IsOutOfRange(ReadContexts(path_).status()));
}

TEST_F(ContextsTest, NoFileIsNoContexts) {
  const auto contexts = ReadContexts(path_);
  ASSERT_TRUE(contexts.ok());
  EXPECT_TRUE(contexts->all.empty());
  EXPECT_TRUE(Parse({}));
}

TEST_F(ContextsTest, WhatIsWrittenIsRead) {
  Contexts contexts;
  contexts.current = "no";
  contexts.all["no"] = {{"server", "a: \"b\"\n#"}, {"cache", "/x y"}};
  contexts.all["1.5"] = {{"client-key", "/k"}};
  contexts.all["empty"] = {};
  ASSERT_TRUE(WriteContexts(path_, contexts).ok());
  const auto read = ReadContexts(path_);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->current, contexts.current);
  EXPECT_EQ(read->all, contexts.all);
  ASSERT_TRUE(WriteContexts(path_, Contexts()).ok());
  EXPECT_TRUE(ReadContexts(path_)->all.empty());
}

TEST_F(ContextsTest, ARelativeXdgFolderIsNone) {
  setenv("XDG_CONFIG_HOME", "relative", 1);
  setenv("HOME", "/home/alice", 1);
  EXPECT_EQ(*ContextsPath(), "/home/alice/.config/anchorage/config.yaml");
  unsetenv("HOME");
  EXPECT_FALSE(ContextsPath().ok());
  EXPECT_TRUE(Parse({})) << "none is needed";
  EXPECT_FALSE(Parse({"--context", "prod"}));
}

}  // namespace
}  // namespace anchorage::trustctl
