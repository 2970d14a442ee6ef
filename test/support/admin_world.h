// A mirror with a fake AWS before it and a listener for people behind it, for
// tests.
//
//   AdminWorld world;
//   world.Start();
//   world.ShowReKey();                    // AWS shows another key: rotation 1
//   auto channel = world.Connect(world.Person("alice"));
//
// The people: viewer-vera, approver-alice, approver-adam, operator-olga,
// instance-ines.

#ifndef ANCHORAGE_TEST_SUPPORT_ADMIN_WORLD_H_
#define ANCHORAGE_TEST_SUPPORT_ADMIN_WORLD_H_

#include <grpcpp/channel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "test/fake_aws/fake_identity.h"
#include "test/support/locked_store.h"
#include "test/support/test_authority.h"
#include "trustd/admin/admin_server.h"
#include "trustd/config.h"
#include "trustd/mirror/mirror.h"
#include "trustd/publish/publication.h"
#include "trustd/publish/publisher.h"
#include "trustd/rotation/observation.h"

namespace anchorage::trustd {

class AdminWorld {
 public:
  AdminWorld();
  ~AdminWorld();

  // Opens the mirror and listens; again after a change of `mirror_options`,
  // `server_options` or `change_settings`.
  void Start();

  // AWS publishes another key for us-east-1, iid-rsa2048, and signs with it.
  void ShowReKey();
  // AWS signs with another key, and has published nothing.
  void SignWithAnotherKey();
  // AWS's page as it is now is seen.
  void Observe() {
    const absl::Status status = mirror_->Observed(Look(), now());
    EXPECT_TRUE(status.ok()) << status;
  }
  // What it shows.
  Observation Look() const;
  // What a poll does that somebody asks for; nothing at first.
  void OnPoll(std::function<void()> poll) {
    const absl::MutexLock lock(&asked_mutex_);
    on_poll_ = std::move(poll);
  }

  // Puts records behind the mirror's back, and opens it again.
  absl::Status AppendAndReopen(const std::vector<v1::LedgerRecord>& records);

  // A genuine `/rsa2048` of an instance in us-east-1 as of now.
  v1::Evidence Evidence(const std::string& instance = "i-0123456789abcdef0");

  TlsIdentity Person(const std::string& name) const;
  // With `identity`, trusting the listener's CA; an empty one presents nothing.
  std::shared_ptr<grpc::Channel> Connect(const TlsIdentity& identity) const;
  std::shared_ptr<grpc::Channel> ConnectAs(const std::string& name) const {
    return Connect(Person(name));
  }

  absl::Time now() const { return absl::FromUnixSeconds(now_seconds_); }
  void Advance(absl::Duration time) {
    now_seconds_ += absl::ToInt64Seconds(time);
  }
  std::vector<std::string> polled() const {
    const absl::MutexLock lock(&asked_mutex_);
    return polled_;
  }

  Mirror& mirror() { return *mirror_; }
  AdminServer& server() { return *server_; }
  LockedStore& store() { return store_; }
  PublicationHub& hub() { return hub_; }
  Publisher& publisher() { return *publisher_; }
  const TestAuthority& server_authority() const { return server_authority_; }
  const TestAuthority& people_authority() const { return people_authority_; }

  // As they were at the last start, to start another listener with.
  const AdminSettings& settings() const { return settings_; }

  // What was asked to be accepted.
  struct Asked {
    std::optional<anchors::BundleFiles> bundle;
    std::string by;
    std::string why;
  };
  std::vector<Asked> accepted() const {
    const absl::MutexLock lock(&asked_mutex_);
    return accepted_;
  }

  Mirror::Options mirror_options;
  AdminServer::Options server_options;
  // Changes the settings before they are used.
  std::function<void(AdminSettings&)> change_settings;

 private:
  const std::string folder_;
  const TestAuthority server_authority_{"servers"};
  const TestAuthority people_authority_{"people"};
  test::FakeIdentity aws_;
  std::atomic<std::int64_t> now_seconds_;
  mutable absl::Mutex asked_mutex_;
  std::vector<std::string> polled_ ABSL_GUARDED_BY(asked_mutex_);
  std::function<void()> on_poll_ ABSL_GUARDED_BY(asked_mutex_) = [] {};
  std::vector<Asked> accepted_ ABSL_GUARDED_BY(asked_mutex_);
  std::unique_ptr<AlertSink> alerts_;
  Config config_;
  AdminSettings settings_;
  LockedStore store_;
  PublicationHub hub_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<Mirror> mirror_;
  std::unique_ptr<AdminServer> server_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TEST_SUPPORT_ADMIN_WORLD_H_
