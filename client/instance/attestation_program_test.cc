#include "client/instance/attestation_program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/instance/instance_error.h"
#include "test/fake_aws/fake_nitro.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/printable.h"

namespace anchorage::client {
namespace {

// For programs that must not be waited for.
constexpr absl::Duration kForEver = absl::Minutes(10);
constexpr absl::Duration kShort = absl::Milliseconds(300);

AttestationRequest WithNonce(const std::string& nonce) {
  return {.nonce = nonce};
}

std::string FakeProgram() {
  return std::filesystem::canonical("test/support/fake_nitro_tpm_attest");
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Whether a process runs: one that ended may wait for a long time until
// somebody asks how.
bool Runs(const std::string& process) {
  const std::string stat = ReadFile("/proc/" + process + "/stat");
  const std::size_t name_end = stat.rfind(") ");
  return name_end != std::string::npos && stat[name_end + 2] != 'Z';
}

void ExpectEnds(const std::string& process) {
  ASSERT_FALSE(process.empty());
  while (Runs(process)) absl::SleepFor(absl::Milliseconds(1));
}

std::size_t OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

class AskAttestationProgramTest : public ::testing::Test {
 protected:
  AskAttestationProgramTest() {
    folder_ = std::filesystem::canonical(::testing::TempDir()) /
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
    std::filesystem::permissions(folder_, std::filesystem::perms(0755));
  }

  // A shell script that has the fake program as $fake and a folder as $folder.
  std::string Script(const std::string& text) const {
    const std::string path = folder_ / "program";
    std::ofstream(path) << "#!/bin/sh\nfake=" << FakeProgram()
                        << "\nfolder=" << folder_.string() << "\n"
                        << text << "\n";
    std::filesystem::permissions(path, std::filesystem::perms(0755));
    return path;
  }

  std::string Written(const std::string& name) const {
    std::string text = ReadFile(folder_ / name);
    if (text.ends_with('\n')) text.pop_back();
    return text;
  }

  std::optional<InstanceReason> ReasonOf(
      const std::string& script, absl::Duration timeout = kForEver) const {
    return InstanceReasonOf(
        AskAttestationProgram(Script(script), timeout, WithNonce("n"))
            .status());
  }

  std::filesystem::path folder_;
};

// --- What it answers ---------------------------------------------------------

TEST_F(AskAttestationProgramTest, ReturnsADocumentThatVerifies) {
  const AttestationRequest request = {
      .user_data = "data", .nonce = "nonce", .public_key = "key"};
  const auto document = AskAttestationProgram(FakeProgram(), kForEver, request);
  ASSERT_TRUE(document.ok()) << document.status();
  const auto policy = verify::NitroTpmPolicy::Builder()
                          .ExpectUserData("data")
                          .ExpectNonce("nonce")
                          .ExpectPublicKey("key")
                          .IgnoreTheRest("a test")
                          .Build();
  const auto anchors =
      verify::AnchorSet::Create({test::FakeNitro().RootAnchor()}, {});
  const auto verified = verify::VerifyNitroTpm(*document, **anchors, *policy,
                                               absl::Now(), nullptr, nullptr);
  EXPECT_TRUE(verified.ok()) << verified.status();
}

TEST_F(AskAttestationProgramTest, GivesFlagsForWhatIsAskedAlone) {
  const std::string program =
      Script("echo $# $1 $2 >$folder/line; exec $fake \"$@\"");
  EXPECT_TRUE(AskAttestationProgram(program, kForEver, {}).ok());
  EXPECT_EQ(Written("line"), "0");
  EXPECT_TRUE(AskAttestationProgram(program, kForEver, WithNonce("n")).ok());
  EXPECT_EQ(Written("line"), "2 --nonce /proc/self/fd/3");
}

TEST_F(AskAttestationProgramTest, GivesAsMuchAsADocumentHolds) {
  std::string most;
  for (int i = 0; i < 1024; ++i) most.push_back(static_cast<char>(i));
  const AttestationRequest request = {
      .user_data = most, .nonce = most, .public_key = most};
  EXPECT_TRUE(AskAttestationProgram(FakeProgram(), kForEver, request).ok());
  const auto more =
      AskAttestationProgram(FakeProgram(), kForEver, WithNonce(most + "m"));
  EXPECT_EQ(more.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(InstanceReasonOf(more.status()), std::nullopt);
}

TEST_F(AskAttestationProgramTest, RefusesGarbage) {
  constexpr auto kInvalid = InstanceReason::kAttestationAnswerInvalid;
  EXPECT_EQ(ReasonOf("echo garbage"), kInvalid);
  EXPECT_EQ(ReasonOf("exit 0"), kInvalid);
  EXPECT_EQ(ReasonOf("$fake \"$@\"; echo more"), kInvalid);
  EXPECT_EQ(ReasonOf("$fake \"$@\" | head -c 2000"), kInvalid);
}

TEST_F(AskAttestationProgramTest, RefusesTheDocumentOfAnother) {
  EXPECT_EQ(ReasonOf("exec $fake"), InstanceReason::kAttestationAnswerInvalid);
}

TEST_F(AskAttestationProgramTest, EndsOneThatPrintsWithoutEnd) {
  EXPECT_EQ(ReasonOf("echo $$ >$folder/process; exec cat /dev/zero"),
            InstanceReason::kAttestationAnswerInvalid);
  EXPECT_FALSE(Runs(Written("process")));
}

TEST_F(AskAttestationProgramTest, AFailureIsARefusalThoughADocumentIsPrinted) {
  constexpr auto kRefused = InstanceReason::kAttestationRefused;
  EXPECT_EQ(ReasonOf("$fake \"$@\"; exit 1"), kRefused);
  EXPECT_EQ(ReasonOf("$fake \"$@\"; kill -SEGV $$"), kRefused);
  EXPECT_EQ(ReasonOf("exec $fake --another flag"), kRefused);
}

TEST_F(AskAttestationProgramTest, ShowsWhatTheProgramSaysAsText) {
  const auto document = AskAttestationProgram(
      Script("printf 'Error: \\033[2Jno TPM\\n\\tdevice' >&2; exit 1"),
      kForEver, {});
  const std::string shown(document.status().message());
  EXPECT_EQ(shown, verify::Printable(shown));
  EXPECT_NE(shown.find("no TPM"), std::string::npos) << shown;
}

TEST_F(AskAttestationProgramTest, CutsWhatTheProgramSays) {
  const auto document = AskAttestationProgram(
      Script("head -c 10000000 /dev/zero >&2; exit 1"), kForEver, {});
  EXPECT_EQ(InstanceReasonOf(document.status()),
            InstanceReason::kAttestationRefused);
  EXPECT_LT(document.status().message().size(), verify::kMaxSentenceBytes);
}

// --- Time and processes ------------------------------------------------------

TEST_F(AskAttestationProgramTest, EndsOneThatHangs) {
  EXPECT_EQ(ReasonOf("trap '' TERM; echo $$ >$folder/process; cat <&3 "
                     ">/dev/null; sleep 1000",
                     kShort),
            InstanceReason::kAttestationTimeout);
  ExpectEnds(Written("process"));
}

TEST_F(AskAttestationProgramTest, EndsOneThatClosesItsOutputAndHangs) {
  EXPECT_EQ(ReasonOf("exec >&- 2>&-; sleep 1000", kShort),
            InstanceReason::kAttestationTimeout);
}

TEST_F(AskAttestationProgramTest, DoesNotWaitForWhoKeepsItsOutput) {
  const auto document = AskAttestationProgram(
      Script("sleep 1000 & echo $! >$folder/process; exec $fake \"$@\""),
      kForEver, WithNonce("n"));
  EXPECT_TRUE(document.ok()) << document.status();
  ExpectEnds(Written("process"));
}

TEST_F(AskAttestationProgramTest, DoesNotWaitForWhoGetsAway) {
  const auto document = AskAttestationProgram(
      Script("setsid sleep 1000 & echo $! >$folder/process; exec $fake \"$@\""),
      kForEver, WithNonce("n"));
  EXPECT_TRUE(document.ok()) << document.status();
  const std::string process = Written("process");
  ASSERT_FALSE(process.empty());
  ::kill(std::stoi(process), SIGKILL);
}

TEST_F(AskAttestationProgramTest, GivesTheProgramNothingOfTheHosts) {
  ::setenv("TPM_DEVICE", "/dev/of-the-host", 1);
  ::setenv("LD_LIBRARY_PATH", "/of-the-host", 1);
  // Not closed at exec(2).
  const int kept = ::fcntl(STDERR_FILENO, F_DUPFD, 77);
  const auto document = AskAttestationProgram(
      Script("tr '\\0' '\\n' </proc/self/environ >$folder/environment\n"
             "ls /proc/self/fd >$folder/descriptors\n"
             "pwd -P >$folder/place; wc -c >$folder/input\n"
             "exec $fake \"$@\""),
      kForEver, WithNonce("n"));
  ::close(kept);
  ::unsetenv("LD_LIBRARY_PATH");
  ::unsetenv("TPM_DEVICE");
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(Written("environment"),
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nLC_ALL=C");
  EXPECT_EQ(Written("descriptors").find("77"), std::string::npos);
  EXPECT_EQ(Written("place"), "/");
  EXPECT_EQ(Written("input"), "0");
}

TEST_F(AskAttestationProgramTest, GivesTheProgramSignalsAsTheyAreByDefault) {
  const std::string program = Script("");
  // No shell, which makes its own of them.
  std::ofstream(program)
      << "#!/usr/bin/awk -f\n"
      << "BEGIN { while ((getline < \"/proc/self/status\") > "
         "0) print $2 > \""
      << folder_.string() << "/\" $1 }";
  ::signal(SIGUSR1, SIG_IGN);
  sigset_t blocked;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGUSR2);
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  (void)AskAttestationProgram(program, kForEver, {});
  ::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
  ::signal(SIGUSR1, SIG_DFL);
  EXPECT_EQ(Written("SigBlk:"), "0000000000000000");
  // glibc has the two behind them ignored, which are its own.
  ASSERT_FALSE(Written("SigIgn:").empty());
  EXPECT_EQ(std::stoull(Written("SigIgn:"), nullptr, 16) & 0x7fffffff, 0u);
}

TEST_F(AskAttestationProgramTest, LeavesNoZombieAndNoDescriptor) {
  const std::size_t before = OpenDescriptors();
  EXPECT_TRUE(
      AskAttestationProgram(FakeProgram(), kForEver, WithNonce("n")).ok());
  ReasonOf("echo garbage");
  ReasonOf("exec cat /dev/zero");
  ReasonOf("exit 1");
  ReasonOf("sleep 1000", kShort);
  EXPECT_FALSE(AskAttestationProgram(folder_ / "none", kForEver, {}).ok());
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(AskAttestationProgramTest, WaitsForNoOtherChild) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(7);
  siginfo_t ended;
  ASSERT_EQ(
      ::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_TRUE(
      AskAttestationProgram(FakeProgram(), kForEver, WithNonce("n")).ok());
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST_F(AskAttestationProgramTest, WorksWhereTheHostIgnoresItsChildren) {
  ::signal(SIGCHLD, SIG_IGN);
  EXPECT_TRUE(
      AskAttestationProgram(FakeProgram(), kForEver, WithNonce("n")).ok());
  EXPECT_EQ(ReasonOf("exit 1"), InstanceReason::kAttestationAnswerInvalid);
  EXPECT_EQ(ReasonOf("echo $$ >$folder/process; sleep 1000", kShort),
            InstanceReason::kAttestationTimeout);
  ExpectEnds(Written("process"));
  ::signal(SIGCHLD, SIG_DFL);
}

TEST_F(AskAttestationProgramTest, WorksWhereTheHostWaitsForEveryChild) {
  struct sigaction action = {};
  action.sa_handler = [](int) {
    const int error = errno;
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
    errno = error;
  };
  struct sigaction before = {};
  ::sigaction(SIGCHLD, &action, &before);
  for (int i = 0; i < 8; ++i) {
    const auto document =
        AskAttestationProgram(FakeProgram(), kForEver, WithNonce("n"));
    EXPECT_TRUE(document.ok()) << document.status();
  }
  EXPECT_EQ(ReasonOf("sleep 1000", kShort),
            InstanceReason::kAttestationTimeout);
  ::sigaction(SIGCHLD, &before, nullptr);
}

TEST_F(AskAttestationProgramTest, WorksWithoutStandardStreams) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(STDIN_FILENO);
    ::close(STDOUT_FILENO);
    ::close(STDERR_FILENO);
    const bool good =
        AskAttestationProgram(FakeProgram(), kForEver, WithNonce("n")).ok();
    ::_exit(good && ::fcntl(STDOUT_FILENO, F_GETFD) < 0 ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(AskAttestationProgramTest, ManyThreadsGetTheirOwn) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([i] {
      for (int j = 0; j < 3; ++j) {
        const auto document = AskAttestationProgram(
            FakeProgram(), kForEver, WithNonce(absl::StrCat(i, " ", j)));
        EXPECT_TRUE(document.ok()) << document.status();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// --- The file ----------------------------------------------------------------

class TrustedProgramTest : public AskAttestationProgramTest {
 protected:
  std::optional<InstanceReason> ReasonOfPath(const std::string& path) {
    return InstanceReasonOf(TrustedProgram(path).status());
  }

  void SetMode(const std::filesystem::path& path, int mode) {
    ASSERT_EQ(::chmod(path.c_str(), static_cast<mode_t>(mode)), 0);
  }

  const std::string program_ = Script("exec $fake \"$@\"");
};

constexpr auto kForbidden = InstanceReason::kAttestationForbidden;
constexpr auto kAbsent = InstanceReason::kAttestationAbsent;

TEST_F(TrustedProgramTest, FollowsLinks) {
  std::filesystem::create_directory(folder_ / "a");
  std::filesystem::create_symlink("../program", folder_ / "a" / "relative");
  std::filesystem::create_symlink(folder_ / "a" / "relative",
                                  folder_ / "absolute");
  std::filesystem::create_directory_symlink(".", folder_ / "here");
  for (const std::string path :
       {"program", "./program", "a/../program", "a//relative", "absolute",
        "here/here/absolute"}) {
    const auto trusted = TrustedProgram(folder_ / path);
    ASSERT_TRUE(trusted.ok()) << trusted.status();
    EXPECT_EQ(*trusted, program_);
  }
  EXPECT_TRUE(TrustedProgram("/../../bin/sh").ok());
}

TEST_F(TrustedProgramTest, KnowsNoPathButAnAbsoluteOne) {
  for (const std::string& path :
       {std::string(), std::string("nitro-tpm-attest"),
        std::string("bin/nitro-tpm-attest"), std::string("/bin/sh\0.", 9)}) {
    const auto trusted = TrustedProgram(path);
    EXPECT_EQ(trusted.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(InstanceReasonOf(trusted.status()), std::nullopt);
  }
}

TEST_F(TrustedProgramTest, IsThere) {
  EXPECT_EQ(ReasonOfPath(folder_ / "none"), kAbsent);
  EXPECT_EQ(ReasonOfPath(folder_ / "none" / "program"), kAbsent);
  EXPECT_EQ(ReasonOfPath(program_ + "/program"), kAbsent);
  std::filesystem::create_symlink("none", folder_ / "nowhere");
  EXPECT_EQ(ReasonOfPath(folder_ / "nowhere"), kAbsent);
}

TEST_F(TrustedProgramTest, IsARegularFile) {
  EXPECT_EQ(ReasonOfPath(folder_), kForbidden);
  EXPECT_EQ(ReasonOfPath("/"), kForbidden);
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0700), 0);
  EXPECT_EQ(ReasonOfPath(folder_ / "fifo"), kForbidden);
}

TEST_F(TrustedProgramTest, FollowsNoLinkInACircle) {
  std::filesystem::create_symlink("circle", folder_ / "circle");
  EXPECT_EQ(ReasonOfPath(folder_ / "circle"),
            InstanceReason::kInstanceUnavailable);
}

TEST_F(TrustedProgramTest, OthersCannotWriteIt) {
  SetMode(program_, 0775);
  EXPECT_EQ(ReasonOfPath(program_), kForbidden);
  SetMode(program_, 0757);
  EXPECT_EQ(ReasonOfPath(program_), kForbidden);
}

TEST_F(TrustedProgramTest, OthersCannotReplaceIt) {
  for (const int mode : {0777, 01777, 0775}) {
    SetMode(folder_, mode);
    EXPECT_EQ(ReasonOfPath(program_), kForbidden) << mode;
  }
  SetMode(folder_, 0755);
}

TEST_F(TrustedProgramTest, OthersCannotLeadElsewhere) {
  const std::filesystem::path open = folder_ / "open";
  std::filesystem::create_directory(open);
  std::filesystem::create_symlink(program_, open / "link");
  std::filesystem::create_symlink(open / "link", folder_ / "link");
  EXPECT_TRUE(TrustedProgram(folder_ / "link").ok());
  SetMode(open, 0777);
  EXPECT_EQ(ReasonOfPath(folder_ / "link"), kForbidden);
  EXPECT_EQ(ReasonOfPath(open / ".." / "program"), kForbidden);
}

TEST_F(TrustedProgramTest, IsRootsOrItsUsers) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  std::filesystem::create_symlink(program_, folder_ / "link");
  ASSERT_EQ(::lchown((folder_ / "link").c_str(), 12345, 12345), 0);
  EXPECT_EQ(ReasonOfPath(folder_ / "link"), kForbidden);
  ASSERT_EQ(::chown(program_.c_str(), 12345, 12345), 0);
  EXPECT_EQ(ReasonOfPath(program_), kForbidden);
}

TEST_F(TrustedProgramTest, IsNotRunWhereItIsNotTrusted) {
  Script("touch $folder/ran");
  SetMode(program_, 0777);
  EXPECT_EQ(
      InstanceReasonOf(AskAttestationProgram(program_, kForEver, {}).status()),
      kForbidden);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "ran"));
}

TEST_F(TrustedProgramTest, MustBeAProgramThatCanBeRun) {
  const auto ask = [this] {
    return InstanceReasonOf(
        AskAttestationProgram(program_, kForEver, {}).status());
  };
  SetMode(program_, 0644);
  EXPECT_EQ(ask(), kForbidden);
  std::ofstream(program_) << "#!/none/sh\n";
  SetMode(program_, 0755);
  EXPECT_EQ(ask(), InstanceReason::kInstanceUnavailable);
  std::ofstream(program_) << "no program\n";
  EXPECT_EQ(ask(), InstanceReason::kInstanceUnavailable);
}

}  // namespace
}  // namespace anchorage::client
