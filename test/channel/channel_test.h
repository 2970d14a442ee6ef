// What every attack on the update channel begins with and must end with.
//
//   TEST_P(ChannelTest, b06AReplayedBundle) {
//     Begin();
//     now_ += 31 * kDay;
//     ExpectRefused(TufReason::kTimestampExpired);
//   }
//
// Begin() gives a client of each transport a verified set of sequence 5. After
// an attack that set is the one in use, it is not the baked-in one, and the
// cache folder has no byte that it had not before, but for files that the
// owners of the keys did sign and the test names.

#ifndef ANCHORAGE_TEST_CHANNEL_CHANNEL_TEST_H_
#define ANCHORAGE_TEST_CHANNEL_CHANNEL_TEST_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "anchors/tuf/tuf_error.h"
#include "client/trust_client.h"
#include "test/channel/servers.h"
#include "test/support/repository_simulator.h"

namespace anchorage::test {

inline const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
inline constexpr absl::Duration kDay = absl::Hours(24);
inline constexpr std::uint64_t kSequence = 5;

enum class Transport { kHttp, kGrpc };
std::string NameOf(Transport transport);

// Files by name.
using Files = std::map<std::string, std::string>;

// Everything in `folder`, by its path there.
Files FilesIn(const std::string& folder);

// What stands in `signed`, as it is signed over.
std::string SignedPart(const std::string& file);
// The list of signatures, without brackets.
std::string SignaturesOf(const std::string& file);
// The file with another list of signatures.
std::string WithSignatures(const std::string& file, const std::string& list);
// The file with one digit of its first signature changed.
std::string WithSpoiltSignature(const std::string& file);

class ChannelTest : public ::testing::TestWithParam<Transport> {
 protected:
  void SetUp() override;

  client::TrustClientOptions Options() const;
  static std::unique_ptr<client::TrustClient> Make(
      client::TrustClientOptions options);
  std::unique_ptr<client::TrustClient> Make() const { return Make(Options()); }

  // An empty folder and another repository, for the next of several cases.
  void StartAgain();
  // Publishes, has client_ adopt it, and remembers how things stand.
  void Begin();

  // Refreshes, and expects this reason and ExpectKept().
  void ExpectRefused(anchors::tuf::TufReason reason, const Files& moved = {});
  // The same for what is refused above TUF.
  void ExpectRefusedAs(absl::StatusCode code, const Files& moved = {});
  // Expects the set that was there before; the folder as it was but for
  // `moved`, the files of metadata that were verified before the bad one; and
  // a client that starts again from that folder to have the same set.
  void ExpectKept(const Files& moved);

  absl::Status Refresh() { return client_->Refresh(); }
  anchors::tuf::RepositorySimulator& repository() {
    return servers_->repository;
  }
  // The newest files of these roles, under the names of the cache.
  Files Signed(const std::vector<std::string>& roles) const;

  std::string folder_;
  // Of the last Begin(), whatever is served since.
  std::string trusted_root_;
  absl::Time now_ = kNow;
  std::unique_ptr<RepositoryServers> servers_;
  std::unique_ptr<client::TrustClient> client_;
  std::shared_ptr<const verify::AnchorSet> held_;
  Files files_;
  // Refused refreshes of client_.
  std::uint64_t refusals_ = 0;
};

// Attacks that only a repository of files can make.
class HttpChannelTest : public ChannelTest {};
class GrpcChannelTest : public ChannelTest {};

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_CHANNEL_CHANNEL_TEST_H_
