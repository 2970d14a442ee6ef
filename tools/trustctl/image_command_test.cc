#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "test/support/fake_producer.h"
#include "test/support/run_command.h"
#include "tools/trustctl/commands.h"
#include "verify/image/manifest.h"

namespace anchorage::trustctl {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class ImageCommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/anchorage-command-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
    ::unsetenv("SOURCE_DATE_EPOCH");
    Write("root/usr/bin/tool", "#!/bin/sh\n");
    Write("root/etc/hostname", "image\n");
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) { return folder_ + "/" + name; }
  void Write(const std::string& name, const std::string& text) {
    fs::create_directories(fs::path(Path(name)).parent_path());
    std::ofstream(Path(name)) << text;
  }
  Ran Manifest(std::vector<std::string> more) {
    std::vector<std::string> line = {
        "image",     "manifest",    Path("root"), "--product",
        "ledger",    "--version",   "2026.11.30", "--as-seen",
        "--exclude", "/etc/extra/", "--out",      Path("manifest.json")};
    line.insert(line.end(), more.begin(), more.end());
    return RunCommand(AddImage, line);
  }
  // Makes a manifest of the folder as it is, and signs it.
  void Sign(const std::string& scope = "code+startup") {
    const Ran made =
        Manifest({"--time", "2026-11-30T00:00:00Z", "--scope", scope});
    ASSERT_EQ(made.code, kAccepted) << made.err;
    const auto manifest = verify::ParsePredicate(Read(Path("manifest.json")));
    ASSERT_TRUE(manifest.ok()) << manifest.status();
    const test::FakeProducer producer;
    Write("bundle.json", producer.Sign(*manifest));
    Write("Example.pem", Pem(producer.Pinned().certificates_der[0]));
  }
  static std::string Pem(const std::string& der) {
    return "-----BEGIN CERTIFICATE-----\n" + absl::Base64Escape(der) +
           "\n-----END CERTIFICATE-----\n";
  }
  Ran Verify(std::vector<std::string> more = {}) {
    std::vector<std::string> line = {"image",
                                     "verify",
                                     Path("root"),
                                     "--manifest",
                                     Path("bundle.json"),
                                     "--producer",
                                     Path("Example.pem"),
                                     "--as-seen"};
    line.insert(line.end(), more.begin(), more.end());
    return RunCommand(AddImage, line);
  }

  std::string folder_;
};

TEST_F(ImageCommandTest, ASignedImageIsAccepted) {
  Sign();
  const Ran ran = Verify({"--product", "ledger", "--least-version", "2026.11"});
  EXPECT_EQ(ran.code, kAccepted) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("ACCEPTED  ledger 2026.11.30, signed by"));
  EXPECT_THAT(ran.out, HasSubstr("of Example\n"));
  EXPECT_THAT(ran.out, HasSubstr("PCR8        "));
  EXPECT_THAT(
      ran.out,
      HasSubstr("index       not asked: by its producer's signature alone; "));
  EXPECT_THAT(ran.out, HasSubstr("kernel      dm-verity "));
  const json answer = json::parse(Verify({"-o", "json"}).out);
  EXPECT_EQ(answer["pcr8"].get<std::string>().size(), 96u);
}

TEST_F(ImageCommandTest, SaysWhatWasNotCompared) {
  Sign();
  Ran ran = Verify();
  EXPECT_THAT(ran.out,
              HasSubstr("scope       code+startup: data were not compared\n"
                        "excluded    "));
  const json answer = json::parse(Verify({"-o", "json"}).out);
  ASSERT_EQ(answer["exclusions"].size(), 1u);
  EXPECT_THAT(ran.out,
              HasSubstr("excluded    " +
                        answer["exclusions"][0].get<std::string>() + "\n"));
  EXPECT_EQ(Verify({"--least-scope", "everything"}).code, kRefusedByPolicy);
  Sign("code");
  ran = Verify();
  EXPECT_EQ(ran.code, kRefusedByPolicy);
  EXPECT_THAT(ran.out, HasSubstr("REJECTED  MANIFEST_SCOPE_TOO_SMALL: "));
  EXPECT_THAT(ran.err, HasSubstr("--least-scope code "));
  ran = Verify({"--least-scope", "code"});
  EXPECT_EQ(ran.code, kAccepted) << ran.err;
  EXPECT_THAT(
      ran.out,
      HasSubstr("scope       code: what starts code was not compared\n"));
}

TEST_F(ImageCommandTest, EachDifferenceIsALine) {
  Sign();
  Write("root/usr/bin/tool", "#!/bin/ss\n");
  Write("root/usr/bin/\x1b[2Jnew.py", "");
  const Ran ran = Verify();
  EXPECT_EQ(ran.code, kNotFromAws);
  EXPECT_THAT(ran.out, HasSubstr("CONTENT usr/bin/tool: "));
  EXPECT_THAT(ran.out, HasSubstr("ADDED usr/bin/\\x1b[2Jnew.py: file\n"));
  EXPECT_THAT(ran.out, HasSubstr("REJECTED  ledger 2026.11.30"));
  EXPECT_THAT(ran.out, HasSubstr("differences 2\n"));
  EXPECT_THAT(ran.out, Not(HasSubstr("PCR8"))) << "it does not boot";
}

TEST_F(ImageCommandTest, JsonHasTheSame) {
  Sign();
  Write("root/usr/bin/tool", "");
  const json answer = json::parse(Verify({"-o", "json"}).out);
  EXPECT_EQ(answer["schema_version"], 1);
  EXPECT_EQ(answer["verdict"], "REJECTED");
  EXPECT_EQ(answer["reason"], "IMAGE_DIFFERS");
  EXPECT_EQ(answer["producer"], "Example");
  EXPECT_FALSE(answer.contains("listed")) << "no index was asked";
  EXPECT_EQ(answer["product"], "ledger");
  EXPECT_EQ(answer["version"], "2026.11.30");
  EXPECT_EQ(answer["total"], 1);
  EXPECT_EQ(answer["differences"][0]["reason"], "CONTENT");
  EXPECT_EQ(answer["differences"][0]["name"], "usr/bin/tool");
  EXPECT_FALSE(answer.contains("pcr8")) << "it does not boot";
  EXPECT_EQ(answer["protections"].size(), 6u);
}

TEST_F(ImageCommandTest, WhatIsNoFolderIsUnreadable) {
  Sign();
  fs::remove_all(Path("root"));
  for (const bool is_file : {false, true}) {
    if (is_file) Write("root", "");
    EXPECT_EQ(Manifest({"--time", "2026-11-30T00:00:00Z"}).code, kUnreadable);
    EXPECT_EQ(Verify().code, kUnreadable);
    EXPECT_EQ(RunCommand(AddImage, {"image", "lint", Path("root")}).code,
              kUnreadable);
  }
}

TEST_F(ImageCommandTest, AnotherProductAndAnOlderVersionAreRefused) {
  Sign();
  Ran ran = Verify({"--product", "shop"});
  EXPECT_EQ(ran.code, kStaleOrForAnother);
  EXPECT_THAT(ran.out, HasSubstr("PRODUCT_MISMATCH"));
  ran = Verify({"--least-version", "2026.12"});
  EXPECT_EQ(ran.code, kStaleOrForAnother);
  EXPECT_THAT(ran.out, HasSubstr("VERSION_TOO_OLD"));
}

TEST_F(ImageCommandTest, AnotherProducerIsRefused) {
  Sign();
  const test::FakeProducer another(test::KeyType::kP384);
  Write("Example.pem", Pem(another.Pinned().certificates_der[0]));
  const Ran ran = Verify();
  EXPECT_EQ(ran.code, kNotFromAws);
  EXPECT_THAT(ran.out, HasSubstr("REJECTED  "));
}

TEST_F(ImageCommandTest, TwoRunsGiveTheSameBytes) {
  ASSERT_EQ(Manifest({"--time", "2026-11-30T00:00:00Z"}).code, kAccepted);
  const std::string first = Read(Path("manifest.json"));
  ::setenv("SOURCE_DATE_EPOCH", "1795996800", 1);
  ASSERT_EQ(Manifest({"--threads", "1"}).code, kAccepted);
  EXPECT_EQ(Read(Path("manifest.json")), first);
  EXPECT_THAT(first, HasSubstr("etc/extra"));
}

TEST_F(ImageCommandTest, WarnsOfAnExclusionOfNothing) {
  const std::vector<std::string> line = {"--time", "2026-11-30T00:00:00Z",
                                         "--exclude", "srv/data"};
  const std::string warning = "--exclude srv/data: nothing has that name";
  EXPECT_THAT(Manifest(line).err, HasSubstr(warning));
  Write("root/srv/data/a", "");
  EXPECT_THAT(Manifest(line).err, Not(HasSubstr("srv/data")));
}

TEST_F(ImageCommandTest, AManifestNeedsATime) {
  EXPECT_EQ(Manifest({}).code, kUsage);
  ::setenv("SOURCE_DATE_EPOCH", "soon", 1);
  EXPECT_EQ(Manifest({}).code, kUsage);
  EXPECT_FALSE(fs::exists(Path("manifest.json")));
}

TEST_F(ImageCommandTest, NoManifestOfWhatCannotBeRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
  ASSERT_EQ(::chmod(Path("root/usr/bin/tool").c_str(), 0600), 0);
  ASSERT_EQ(::chmod(folder_.c_str(), 0777), 0);
  ASSERT_EQ(::seteuid(65534), 0);
  const Ran ran = Manifest({"--time", "2026-11-30T00:00:00Z"});
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_EQ(ran.code, kUnreadable);
  EXPECT_THAT(ran.err, HasSubstr("UNREADABLE usr/bin/tool"));
  EXPECT_FALSE(fs::exists(Path("manifest.json")));
}

TEST_F(ImageCommandTest, WithoutTheRightItIsRefusedAndSaysSo) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
  Sign();
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  ASSERT_EQ(::seteuid(65534), 0);
  const Ran refused = RunCommand(
      AddImage, {"image", "verify", Path("root"), "--manifest",
                 Path("bundle.json"), "--producer", Path("Example.pem")});
  const Ran seen = Verify();
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_EQ(refused.code, kRefusedByPolicy);
  EXPECT_THAT(refused.err, HasSubstr("--as-seen"));
  EXPECT_EQ(seen.code, kAccepted);
  EXPECT_THAT(seen.out, HasSubstr("other mounts may hide files"));
}

TEST_F(ImageCommandTest, WhatRunsAndIsInNoManifest) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to look at processes";
  Sign();
  const Ran ran = RunCommand(
      AddImage, {"image", "verify", "--running", "--manifest",
                 Path("bundle.json"), "--producer", Path("Example.pem")});
  EXPECT_EQ(ran.code, kNotFromAws) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("UNLISTED_RUNNING "));
  EXPECT_THAT(ran.out, HasSubstr("\nprocesses   "));
}

TEST_F(ImageCommandTest, AContainerShowsAPartOfWhatRuns) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, for a namespace";
  Sign();
  const std::vector<std::string> line = {"image",
                                         "verify",
                                         "--running",
                                         "--manifest",
                                         Path("bundle.json"),
                                         "--producer",
                                         Path("Example.pem")};
  // The namespace is that of the children.
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWPID) != 0) ::_exit(2);
    const pid_t inside = ::fork();
    if (inside == 0) {
      ::_exit(RunCommand(AddImage, line)
                  .out.find("\nnote        this is a PID "
                            "namespace of its own") == std::string::npos);
    }
    int status = -1;
    ::waitpid(inside, &status, 0);
    ::_exit(status == 0 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
    GTEST_SKIP() << "needs a PID namespace";
  }
  EXPECT_EQ(status, 0);
}

TEST_F(ImageCommandTest, SaysHowAManifestIsHad) {
  const Ran ran = RunCommand(AddImage, {"image", "verify", Path("root"),
                                        "--producer", Path("Example.pem")});
  EXPECT_EQ(ran.code, kUsage);
  EXPECT_THAT(ran.err, HasSubstr("image find"));
}

TEST_F(ImageCommandTest, OneQuestionAtATime) {
  Sign();
  EXPECT_EQ(Verify({"--running"}).code, kUsage);
  EXPECT_EQ(RunCommand(AddImage,
                       {"image", "verify", "--manifest", Path("bundle.json"),
                        "--producer", Path("Example.pem")})
                .code,
            kUsage);
}

TEST_F(ImageCommandTest, ModelsOfModelSigning) {
  fs::create_directories(Path("model"));
  const std::string vectors = "test/vectors/oms/";
  for (const char* name : {"signme-1", "signme-2"}) {
    fs::copy_file(vectors + name, Path("model/") + name);
  }
  // Where the bundle lies in the folder, it is no part of the model.
  fs::copy_file(vectors + "v1.1.0.json", Path("model/model.sig"));
  const auto run = [&] {
    return RunCommand(AddImage, {"image", "verify", Path("model"), "--manifest",
                                 Path("model/model.sig"), "--producer",
                                 vectors + "signer.pem", "--at",
                                 "2026-11-30T00:00:00Z", "--as-seen"});
  };
  Ran ran = run();
  EXPECT_EQ(ran.code, kAccepted) << ran.out << ran.err;
  Write("model/signme-1", "other");
  ran = run();
  EXPECT_EQ(ran.code, kNotFromAws);
  EXPECT_THAT(ran.out, HasSubstr("CONTENT signme-1"));
  Write("model/more", "other");
  EXPECT_THAT(run().out, HasSubstr("ADDED more"));
}

// Nobody knows what is withdrawn: the built-in set has no lists.
TEST_F(ImageCommandTest, WithoutTheListsThatAreAskedForNothingIsAccepted) {
  Sign();
  Write("disk", "the disk");
  fs::create_directories(Path("cache"));
  const char* const kRoot = "test/vectors/store_v2/cache.root.json";
  const std::vector<std::vector<std::string>> sources = {
      {"--server", "http://127.0.0.1:1/tuf/", "--trusted-root", kRoot},
      {"--cache", Path("cache"), "--trusted-root", kRoot}};
  const std::vector<std::vector<std::string>> questions = {
      {Path("root"), "--manifest", Path("bundle.json"), "--producer",
       Path("Example.pem"), "--as-seen"},
      {Path("root"), "--manifest", Path("bundle.json"), "--as-seen"},
      {"--disk", Path("disk")}};
  for (const auto& source : sources) {
    for (const auto& question : questions) {
      std::vector<std::string> line = {"image", "verify"};
      line.insert(line.end(), question.begin(), question.end());
      line.insert(line.end(), source.begin(), source.end());
      const Ran ran = RunCommand(AddImage, line);
      EXPECT_EQ(ran.code, kUndecided) << ran.out << ran.err;
      EXPECT_THAT(ran.err, HasSubstr("the signed lists could not be got"));
    }
  }
}

}  // namespace
}  // namespace anchorage::trustctl
