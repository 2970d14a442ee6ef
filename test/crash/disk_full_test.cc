// A disk without space: what is published is served on, decisions are refused
// with a message, and taken again once there is space.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "client/trust_client.h"
#include "test/crash/crash_fixture.h"
#include "test/crash/crash_operations.h"
#include "test/crash/crash_rotation.h"
#include "trustd/service.h"

namespace {

std::atomic<bool> disk_is_full = false;

}  // namespace

// In place of the library's, for all of this program: the C++ library asks it
// how much space is left. noexcept as the header has it.
extern "C" int statvfs(const char* path, struct statvfs* answer) noexcept {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  const int result = ::fstatvfs(fd, answer);
  ::close(fd);
  if (result == 0 && disk_is_full) answer->f_bavail = 0;
  return result;
}

namespace anchorage::test {
namespace {

class DiskFullTest : public CrashTest {
 protected:
  void SetUp() override {
    CrashTest::SetUp();
    disk_is_full = false;
    auto service =
        trustd::Service::Start(RotatingConfigIn(folder_), [] { return kNow; });
    ASSERT_TRUE(service.ok()) << service.status();
    service_ = *std::move(service);
  }
  void TearDown() override { disk_is_full = false; }

  trustd::Mirror& mirror() { return service_->mirror(); }

  bool IsDetected() { return mirror().FindRotation(kRotation).has_value(); }
  // Waits for what the source's own thread does.
  void WaitForDetection() {
    const absl::Time end = absl::Now() + absl::Seconds(60);
    while (!IsDetected() && absl::Now() < end) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    ASSERT_TRUE(IsDetected());
  }

  // What a client that has nothing yet is given.
  std::uint64_t ServedSequence() {
    client::TrustClientOptions options;
    options.server = service_->address();
    options.plaintext = true;
    options.trusted_root = service_->publication()->files.roots.front();
    options.background_refresh = false;
    options.clock = [] { return kNow; };
    const auto client = client::TrustClient::Create(std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    const absl::Status refreshed = (*client)->Refresh();
    EXPECT_TRUE(refreshed.ok()) << refreshed;
    return (*client)->state().provenance.sequence;
  }

  std::unique_ptr<trustd::Service> service_;
};

TEST_F(DiskFullTest, RefusesDecisionsAndServesOn) {
  WaitForDetection();
  const std::uint64_t records = mirror().ledger().head().size;
  disk_is_full = true;
  const absl::Status refused = Approve(mirror());
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_TRUE(absl::StrContains(refused.message(), "free some space"))
      << refused;
  EXPECT_EQ(mirror().ledger().head().size, records);
  EXPECT_EQ(mirror().FindRotation(kRotation)->state(),
            v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(ServedSequence(), 1u);

  disk_is_full = false;
  const absl::Status approved = Approve(mirror());
  EXPECT_TRUE(approved.ok()) << approved;
  EXPECT_EQ(mirror().FindRotation(kRotation)->state(),
            v1::ROTATION_STATE_PUBLISHED);
  EXPECT_EQ(ServedSequence(), 2u);
  EXPECT_EQ(PublicationsOfRotation(mirror().ledger()), 1);
}

// A source that could not be put on the record is read again: nothing that it
// said is lost, although the file it reads has not changed.
TEST_F(DiskFullTest, SeesAgainWhatCouldNotBeRecorded) {
  WaitForDetection();
  service_.reset();
  std::filesystem::remove_all(folder_);
  { ASSERT_TRUE(OpenIn(folder_).ok()); }
  auto config = RotatingConfigIn(folder_);
  const auto sources = std::exchange(config.sources, {});
  auto service = trustd::Service::Start(config, [] { return kNow; });
  ASSERT_TRUE(service.ok()) << service.status();
  service_ = *std::move(service);
  disk_is_full = true;
  config.sources = sources;
  ASSERT_TRUE(service_->Reload(config).ok());
  // Longer than a look at a file takes.
  absl::SleepFor(absl::Milliseconds(300));
  EXPECT_FALSE(IsDetected());
  EXPECT_EQ(ServedSequence(), 1u);
  disk_is_full = false;
  ASSERT_TRUE(service_->PollNow("aws-docs").ok());
  WaitForDetection();
}

}  // namespace
}  // namespace anchorage::test
