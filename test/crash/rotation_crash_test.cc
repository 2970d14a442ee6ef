// kill -9 at any moment of a rotation loses no decision and publishes nothing
// twice.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <string>

#include "absl/time/clock.h"
#include "client/trust_client.h"
#include "test/crash/crash_fixture.h"
#include "test/crash/crash_operations.h"
#include "test/crash/crash_rotation.h"
#include "trustd/service.h"

namespace anchorage::test {
namespace {

// Detecting, deciding, approving and publishing each commit, between two steps.
constexpr int kLeastSteps = 2 * 4;

class RotationCrashTest : public CrashTest {
 protected:
  void SetUp() override {
    CrashTest::SetUp();
    ASSERT_TRUE(OpenIn(folder_).ok());
    KeepAsBefore();
  }

  static v1::Rotation Find(const trustd::Mirror& mirror) {
    const auto rotation = mirror.FindRotation(kRotation);
    return rotation.has_value() ? *rotation : v1::Rotation();
  }

  // Expects what must be true of a mirror that has just been opened.
  static void ExpectNothingLost(const trustd::Mirror& mirror, bool was_detected,
                                bool was_approved) {
    const absl::Status& health = mirror.ledger().health();
    EXPECT_TRUE(health.ok()) << health;
    const v1::Rotation rotation = Find(mirror);
    EXPECT_TRUE(!was_detected || rotation.id() == kRotation);
    if (!was_approved) return;
    ASSERT_EQ(rotation.decisions_size(), 1);
    EXPECT_EQ(rotation.decisions(0).by(), "alice");
    EXPECT_EQ(rotation.decisions(0).kind(), v1::Decision::KIND_APPROVE);
    EXPECT_EQ(rotation.state(), v1::ROTATION_STATE_PUBLISHED);
  }

  // Has the rotation come to its end, and expects that it was published once.
  static void ExpectPublishedOnce(trustd::Mirror& mirror) {
    if (Find(mirror).state() == v1::ROTATION_STATE_DETECTED) {
      const absl::Status approved = Approve(mirror);
      EXPECT_TRUE(approved.ok()) << approved;
    }
    EXPECT_EQ(Find(mirror).state(), v1::ROTATION_STATE_PUBLISHED);
    EXPECT_EQ(Find(mirror).published_sequence(), 2u);
    EXPECT_EQ(Find(mirror).decisions_size(), 1);
    EXPECT_EQ(PublicationsOfRotation(mirror.ledger()), 1);
    const absl::Status sound = mirror.ledger().Verify();
    EXPECT_TRUE(sound.ok()) << sound;
  }
};

TEST_F(RotationCrashTest, BetweenAnyTwoCommits) {
  const int points = ForEachCrash({kRotate}, [&](bool finished) {
    const bool approved = std::filesystem::exists(ApprovedPath(folder_));
    std::filesystem::remove(ApprovedPath(folder_));
    EXPECT_TRUE(approved || !finished);
    const auto open = OpenMirrorIn(folder_);
    ASSERT_TRUE(open.ok()) << open.status();
    trustd::Mirror& mirror = *(*open)->mirror;
    ExpectNothingLost(mirror, /*was_detected=*/approved, approved);
    const absl::Status seen_again = mirror.Observed(RekeyedPage(), kNow);
    EXPECT_TRUE(seen_again.ok()) << seen_again;
    ExpectPublishedOnce(mirror);
    EXPECT_EQ((*open)->below->current().catalog.sequence, 2u);
  });
  EXPECT_GE(points, kLeastSteps);
}

// --- in a whole trustd -------------------------------------------------------

// What a child has said before it was killed.
struct Told {
  bool detected = false;
  bool approved = false;
  bool published = false;
};

class ServiceCrashTest : public RotationCrashTest {
 protected:
  // Runs a trustd, kills it `delay` after it said `word` (at once for an empty
  // one: after its start), and returns what it said.
  Told KillAfter(const std::string& word, absl::Duration delay) {
    StartFromBefore();
    const Running running = Start({kRotateInService, folder_});
    std::string said;
    char c = 0;
    while (said.find(word) == said.npos && ::read(running.output, &c, 1) == 1) {
      said += c;
    }
    absl::SleepFor(delay);
    ::kill(running.process, SIGKILL);
    while (::read(running.output, &c, 1) == 1) said += c;
    ::close(running.output);
    int status = 0;
    EXPECT_EQ(::waitpid(running.process, &status, 0), running.process);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself";
    return {said.find(kDetected) != said.npos,
            said.find(kApproved) != said.npos,
            said.find(kPublished) != said.npos};
  }

  // Starts a trustd on what was left.
  void ExpectToGoOn(const Told& told) {
    const auto service =
        trustd::Service::Start(RotatingConfigIn(folder_), [] { return kNow; });
    ASSERT_TRUE(service.ok()) << service.status();
    trustd::Mirror& mirror = (*service)->mirror();
    ExpectNothingLost(mirror, told.detected, told.approved);
    WaitForDetection(mirror);
    ExpectPublishedOnce(mirror);
    EXPECT_EQ((*service)->publication()->catalog.sequence, 2u);
    EXPECT_EQ(SequenceOfAClient(**service), 2u);
    // And the one after that begins with the same.
    const auto next = mirror.Settle(kNow);
    EXPECT_TRUE(next.ok()) << next;
    EXPECT_EQ((*service)->publication()->catalog.sequence, 2u);
  }

  static void WaitForDetection(const trustd::Mirror& mirror) {
    const absl::Time end = absl::Now() + absl::Seconds(60);
    while (!mirror.FindRotation(kRotation).has_value() && absl::Now() < end) {
      absl::SleepFor(absl::Milliseconds(1));
    }
  }

  static std::uint64_t SequenceOfAClient(const trustd::Service& service) {
    client::TrustClientOptions options;
    options.server = service.address();
    options.plaintext = true;
    options.trusted_root = service.publication()->files.roots.front();
    options.background_refresh = false;
    options.clock = [] { return kNow; };
    const auto client = client::TrustClient::Create(std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    const absl::Status refreshed = (*client)->Refresh();
    EXPECT_TRUE(refreshed.ok()) << refreshed;
    return (*client)->state().provenance.sequence;
  }
};

// Half of the moments are spread over all of it, and half over the short time
// in which it is decided and published.
TEST_F(ServiceCrashTest, AtAnyTime) {
  const absl::Time start = absl::Now();
  KillAfter(kPublished, absl::ZeroDuration());
  const absl::Duration whole = absl::Now() - start;
  constexpr int kKills = 26;
  int detected = 0, approved = 0, published = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    SCOPED_TRACE(kill);
    const Told told =
        kill % 2 == 0 ? KillAfter("", whole * kill / kKills)
                      : KillAfter(kDetected, absl::Microseconds(150) * kill);
    ExpectToGoOn(told);
    if (HasFatalFailure()) return;
    detected += told.detected;
    approved += told.approved;
    published += told.published;
  }
  std::cout << "a rotation: killed " << kKills << " times, " << detected
            << " after it was detected, " << approved
            << " after it was approved, " << published
            << " after it was published\n";
}

}  // namespace
}  // namespace anchorage::test
