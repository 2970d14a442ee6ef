// The administrators' Unix socket, and certificates that count for a name.

#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "test/support/admin_calls.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"

namespace anchorage::trustd {
namespace {

class AdminLocalTest : public ::testing::Test {
 protected:
  // A test's own folder is too long for the path of a socket.
  AdminLocalTest() {
    char folder[] = "/tmp/admin-XXXXXX";
    EXPECT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    world_.change_settings = [this](AdminSettings& settings) {
      settings.unix_socket = {path(), ""};
    };
  }
  ~AdminLocalTest() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ + "/admin.sock"; }

  Channel Connect() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(
        "unix:" + path(), grpc::InsecureChannelCredentials(), arguments);
  }

  std::string folder_;
  AdminWorld world_;
};

TEST_F(AdminLocalTest, ReadsWithoutACertificate) {
  world_.Start();
  world_.ShowReKey();
  const Channel channel = Connect();
  v1::ListRotationsResponse rotations;
  const grpc::Status status =
      Call<Audit>(channel, &Audit::Stub::ListRotations, {}, rotations);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(rotations.rotations_size(), 1);
  EXPECT_TRUE(Try<Audit>(channel, &Audit::Stub::ListRecords, {}).ok());
  EXPECT_TRUE(Try<Audit>(channel, &Audit::Stub::ListSources, {}).ok());
  EXPECT_TRUE(Try<Audit>(channel, &Audit::Stub::GetLedgerHead, {}).ok());
  v1::WatchRecordsResponse record;
  EXPECT_TRUE(TryWatch(channel, 0, &record).ok());
  EXPECT_EQ(record.record().index(), 0U);
}

TEST_F(AdminLocalTest, DecidesNothing) {
  world_.Start();
  world_.ShowReKey();
  const Channel channel = Connect();
  const std::uint64_t before = world_.mirror().ledger().head().size;
  v1::SubmitEvidenceRequest evidence;
  *evidence.mutable_evidence() = world_.Evidence();
  v1::AcceptStoreRequest store;
  store.set_why("a drill");
  store.set_no_bundle(true);
  v1::AcceptStoreResponse accepted;
  const std::vector<grpc::Status> refused = {
      Try<Admin>(channel, &Admin::Stub::DecideRotation,
                 Decision(world_, v1::Decision::KIND_APPROVE)),
      Try<Admin>(channel, &Admin::Stub::PinAnchor, {}),
      Try<Admin>(channel, &Admin::Stub::PollNow, {}),
      TryAccept(channel, {store}, accepted),
      Try<Prove>(channel, &Prove::Stub::SubmitEvidence, evidence)};
  for (const grpc::Status& status : refused) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED)
        << status.error_message();
    EXPECT_EQ(ReasonOf(status), "PERSON_REQUIRED");
  }
  EXPECT_EQ(world_.mirror().ledger().head().size, before);
  EXPECT_TRUE(world_.polled().empty());
  EXPECT_TRUE(world_.accepted().empty());
}

// Every action is decided about, and only these are allowed.
TEST_F(AdminLocalTest, AllowsWhatDecidesNothing) {
  for (int i = 0; i <= static_cast<int>(Action::kMaxValue); ++i) {
    const auto action = static_cast<Action>(i);
    const bool is_harmless =
        action == Action::kLook || action == Action::kBackup;
    EXPECT_EQ(AdmitLocally(action).ok(), is_harmless) << i;
  }
}

TEST_F(AdminLocalTest, CanBeAlone) {
  world_.change_settings = [this](AdminSettings& settings) {
    settings = {};
    settings.unix_socket = {path(), ""};
  };
  world_.Start();
  EXPECT_EQ(world_.server().address(), "");
  EXPECT_TRUE(Try<Audit>(Connect(), &Audit::Stub::ListRotations, {}).ok());
}

TEST_F(AdminLocalTest, IsGoneWithItsServer) {
  world_.Start();
  const Channel channel = Connect();
  ASSERT_TRUE(Try<Audit>(channel, &Audit::Stub::ListRotations, {}).ok());
  world_.server().Stop();
  EXPECT_FALSE(std::filesystem::exists(path()));
  EXPECT_EQ(Try<Audit>(channel, &Audit::Stub::ListRotations, {}).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(AdminLocalTest, ServesManyConnectionsOneAfterTheOther) {
  world_.Start();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(Try<Audit>(Connect(), &Audit::Stub::ListSources, {}).ok()) << i;
  }
}

class AdminPinTest : public AdminServerTest {
 protected:
  // Starts with these certificates for approver-alice.
  void Pin(const std::vector<TlsIdentity>& identities) {
    std::vector<std::string> pins;
    for (const TlsIdentity& identity : identities) {
      const auto der = verify::DecodePem(identity.certificate, "CERTIFICATE");
      ASSERT_TRUE(der.ok()) << der.status();
      pins.push_back(verify::Sha256Hex(*der));
    }
    world_.change_settings = [pins](AdminSettings& settings) {
      settings.people.at("approver-alice").certificate_sha256 = pins;
    };
    world_.Start();
  }

  grpc::Status Hold(const TlsIdentity& identity) {
    return Try<Admin>(world_.Connect(identity), &Admin::Stub::DecideRotation,
                      Decision(world_, v1::Decision::KIND_HOLD));
  }
};

TEST_F(AdminPinTest, TakesOnlyTheCertificatesThatCount) {
  const TlsIdentity first = world_.Person("approver-alice");
  const TlsIdentity second = world_.Person("approver-alice");
  const TlsIdentity third = world_.Person("approver-alice");
  Pin({first, second});
  for (const TlsIdentity& identity : {first, second}) {
    const grpc::Status status = Hold(identity);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  const std::uint64_t before = records();
  const grpc::Status status = Hold(third);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(status), "CERTIFICATE_NOT_PINNED");
  EXPECT_EQ(ReasonOf(Try<Audit>(world_.Connect(third),
                                &Audit::Stub::ListRotations, {})),
            "CERTIFICATE_NOT_PINNED");
  EXPECT_EQ(records(), before);
}

// Whose certificate it is, is not looked at before the name.
TEST_F(AdminPinTest, PinsNoOtherName) {
  const TlsIdentity alice = world_.Person("approver-alice");
  Pin({alice});
  EXPECT_TRUE(Hold(world_.Person("approver-adam")).ok());
  EXPECT_EQ(ReasonOf(Hold(world_.Person("viewer-vera"))), "ROLE_INSUFFICIENT");
  EXPECT_EQ(ReasonOf(Hold(world_.Person("mallory"))), "NAME_UNKNOWN");
}

TEST_F(AdminPinTest, PutsTheCertificateOnTheRecord) {
  const TlsIdentity alice = world_.Person("approver-alice");
  Pin({alice});
  ASSERT_TRUE(Hold(alice).ok());
  const auto der = verify::DecodePem(alice.certificate, "CERTIFICATE");
  EXPECT_EQ(world_.mirror().FindRotation(1)->decisions(0).certificate_sha256(),
            verify::Sha256Hex(*der));
}

}  // namespace
}  // namespace anchorage::trustd
