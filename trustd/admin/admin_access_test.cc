// Who gets in over real TLS, and what they may do.

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "anchors/base/atomic_file.h"
#include "test/support/admin_calls.h"
#include "trustd/admin/admin_server.h"

namespace anchorage::trustd {
namespace {

struct Method {
  std::string name;
  Action action;
  std::function<grpc::Status(const Channel&, AdminWorld&)> call;
};

std::vector<Method> Methods() {
  return {
      {"ListRotations", Action::kLook,
       [](const Channel& channel, AdminWorld&) {
         return Try<Audit>(channel, &Audit::Stub::ListRotations, {});
       }},
      {"GetRotation", Action::kLook,
       [](const Channel& channel, AdminWorld&) {
         v1::GetRotationRequest request;
         request.set_id(1);
         return Try<Audit>(channel, &Audit::Stub::GetRotation, request);
       }},
      {"ExplainRotation", Action::kLook,
       [](const Channel& channel, AdminWorld&) {
         v1::ExplainRotationRequest request;
         request.set_id(1);
         return Try<Audit>(channel, &Audit::Stub::ExplainRotation, request);
       }},
      {"ListRecords", Action::kLook,
       [](const Channel& channel, AdminWorld&) {
         return Try<Audit>(channel, &Audit::Stub::ListRecords, {});
       }},
      {"WatchRecords", Action::kLook,
       [](const Channel& channel, AdminWorld&) {
         return TryWatch(channel, 0);
       }},
      {"ListSources", Action::kLook,
       [](const Channel& channel, AdminWorld&) {
         return Try<Audit>(channel, &Audit::Stub::ListSources, {});
       }},
      {"GetLedgerHead", Action::kLook,
       [](const Channel& channel, AdminWorld&) {
         return Try<Audit>(channel, &Audit::Stub::GetLedgerHead, {});
       }},
      {"GetFleet", Action::kLook,
       [](const Channel& channel, AdminWorld&) {
         return Try<Audit>(channel, &Audit::Stub::GetFleet, {});
       }},
      {"DecideRotation", Action::kDecide,
       [](const Channel& channel, AdminWorld& world) {
         return Try<Admin>(channel, &Admin::Stub::DecideRotation,
                           Decision(world, v1::Decision::KIND_HOLD));
       }},
      {"UndoRotation", Action::kPin,
       [](const Channel& channel, AdminWorld&) {
         v1::UndoRotationRequest request;
         request.set_id(1);
         request.set_why("a drill");
         const grpc::Status status =
             Try<Admin>(channel, &Admin::Stub::UndoRotation, request);
         // It is not published: who may ask is told that.
         return ReasonOf(status) == "NOT_APPLICABLE" ? grpc::Status::OK
                                                     : status;
       }},
      {"PinAnchor", Action::kPin,
       [](const Channel& channel, AdminWorld& world) {
         const auto& anchor = world.hub().Current()->catalog.anchors[0];
         v1::PinAnchorRequest request;
         request.set_action(v1::PinFact::ACTION_RETIRE);
         request.mutable_slot()->set_partition(anchor.slot.partition);
         request.mutable_slot()->set_region(anchor.slot.region);
         request.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_DSA);
         request.set_spki_sha256(anchor.spki_sha256);
         request.set_why("a drill");
         request.set_last_key(true);
         return Try<Admin>(channel, &Admin::Stub::PinAnchor, request);
       }},
      {"PollNow", Action::kPoll,
       [](const Channel& channel, AdminWorld&) {
         return Try<Admin>(channel, &Admin::Stub::PollNow, {});
       }},
      {"AcceptStore", Action::kAcceptStore,
       [](const Channel& channel, AdminWorld&) {
         v1::AcceptStoreRequest request;
         request.set_why("a drill");
         request.set_no_bundle(true);
         v1::AcceptStoreResponse response;
         return TryAccept(channel, {request}, response);
       }},
      {"Backup", Action::kBackup,
       [](const Channel& channel, AdminWorld&) {
         const auto stub = Admin::NewStub(channel);
         grpc::ClientContext context;
         SetDeadline(context);
         const auto reader = stub->Backup(&context, {});
         const grpc::Status status = reader->Finish();
         // The store of this world is in memory.
         return ReasonOf(status) == "NOT_APPLICABLE" ? grpc::Status::OK
                                                     : status;
       }},
      {"SubmitEvidence", Action::kProve,
       [](const Channel& channel, AdminWorld& world) {
         v1::SubmitEvidenceRequest request;
         *request.mutable_evidence() = world.Evidence();
         return Try<Prove>(channel, &Prove::Stub::SubmitEvidence, request);
       }},
  };
}

class AdminAccessTest : public AdminServerTest {
 protected:
  // Every method is refused to who connects with `identity`, and changes
  // nothing.
  void ExpectRefused(const TlsIdentity& identity, grpc::StatusCode code,
                     const std::string& reason) {
    const std::uint64_t before = records();
    const Channel channel = world_.Connect(identity);
    for (const Method& method : Methods()) {
      const grpc::Status status = method.call(channel, world_);
      EXPECT_EQ(status.error_code(), code)
          << method.name << ": " << status.error_message();
      EXPECT_EQ(ReasonOf(status), reason) << method.name;
    }
    EXPECT_EQ(records(), before);
    EXPECT_EQ(world_.polled(), std::vector<std::string>());
  }
};

TEST_F(AdminAccessTest, GivesAsManyWindowsAsAreAskedFor) {
  const Channel channel = world_.Connect(world_.Person("viewer-vera"));
  const auto ask = [&](int windows, v1::GetFleetResponse& response) {
    v1::GetFleetRequest request;
    request.set_windows(windows);
    return Call<Audit>(channel, &Audit::Stub::GetFleet, request, response);
  };
  v1::GetFleetResponse response;
  EXPECT_TRUE(ask(0, response).ok());
  EXPECT_EQ(response.windows_size(), 2);
  EXPECT_TRUE(ask(169, response).ok());
  EXPECT_EQ(response.windows_size(), 169);
  for (const int windows : {-1, 170}) {
    EXPECT_EQ(ReasonOf(ask(windows, response)), "REQUEST_INVALID") << windows;
  }
}

TEST_F(AdminAccessTest, LetsEachRoleDoWhatItMayAndNothingElse) {
  const std::set<Action> all = {
      Action::kLook,  Action::kDecide,      Action::kPin,   Action::kPoll,
      Action::kProve, Action::kAcceptStore, Action::kBackup};
  const std::vector<std::pair<std::string, std::set<Action>>> people = {
      {"viewer-vera", {Action::kLook}},
      {"approver-alice", {Action::kLook, Action::kDecide}},
      {"instance-ines", {Action::kProve}},
      {"operator-olga", all},
  };
  for (const auto& [name, allowed] : people) {
    const Channel channel = world_.ConnectAs(name);
    for (const Method& method : Methods()) {
      const std::uint64_t before = records();
      const grpc::Status status = method.call(channel, world_);
      if (allowed.count(method.action) != 0) {
        EXPECT_TRUE(status.ok())
            << name << " " << method.name << ": " << status.error_message();
        continue;
      }
      EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED)
          << name << " " << method.name;
      EXPECT_EQ(ReasonOf(status), "ROLE_INSUFFICIENT")
          << name << " " << method.name;
      EXPECT_EQ(records(), before) << name << " " << method.name;
    }
  }
}

TEST_F(AdminAccessTest, RefusesANameThatTheConfigurationDoesNotHave) {
  ExpectRefused(world_.Person("mallory"), grpc::StatusCode::PERMISSION_DENIED,
                "NAME_UNKNOWN");
}

TEST_F(AdminAccessTest, RefusesANameThatOnlyBeginsLikeAnother) {
  for (const std::string& name :
       {std::string("operator-olga\0x", 15), std::string("operator-olga "),
        std::string("OPERATOR-OLGA"), std::string("operator-olg")}) {
    ExpectRefused(world_.Person(name), grpc::StatusCode::PERMISSION_DENIED,
                  "NAME_UNKNOWN");
  }
}

TEST_F(AdminAccessTest, RefusesACertificateWithoutAName) {
  ExpectRefused(world_.people_authority().Issue(
                    {.alternative_names = "DNS:operator-olga"}),
                grpc::StatusCode::UNAUTHENTICATED, "NAME_MISSING");
}

TEST_F(AdminAccessTest, TakesTheNameFromTheSubjectAlone) {
  ExpectRefused(
      world_.people_authority().Issue(
          {.names = {"mallory"}, .alternative_names = "DNS:operator-olga"}),
      grpc::StatusCode::PERMISSION_DENIED, "NAME_UNKNOWN");
}

TEST_F(AdminAccessTest, RefusesWhoPresentsNoCertificate) {
  ExpectRefused({}, grpc::StatusCode::UNAVAILABLE, "");
}

TEST_F(AdminAccessTest, RefusesACertificateOfAnotherAuthority) {
  // Of the same name, so that its certificates name the right issuer.
  const TestAuthority forger("people");
  ExpectRefused(forger.Issue({.names = {"operator-olga"}}),
                grpc::StatusCode::UNAVAILABLE, "");
  ExpectRefused(world_.server_authority().Issue({.names = {"operator-olga"}}),
                grpc::StatusCode::UNAVAILABLE, "");
}

TEST_F(AdminAccessTest, RefusesACertificateForAServer) {
  ExpectRefused(world_.people_authority().Issue(
                    {.names = {"operator-olga"}, .purpose = "serverAuth"}),
                grpc::StatusCode::UNAVAILABLE, "");
}

TEST_F(AdminAccessTest, RefusesACertificateThatHasEnded) {
  ExpectRefused(world_.people_authority().Issue(
                    {.names = {"operator-olga"},
                     .not_after = absl::Now() - absl::Hours(1)}),
                grpc::StatusCode::UNAVAILABLE, "");
}

TEST_F(AdminAccessTest, DoesNotStartWithFilesThatAreNotWhatTheyShouldBe) {
  const auto start = [this](const AdminSettings& settings) {
    return AdminServer::Start(
               settings, world_.mirror(),
               [](const std::string&) { return absl::OkStatus(); }, {})
        .status();
  };
  const AdminSettings good = world_.settings();
  ASSERT_TRUE(start(good).ok()) << start(good);
  AdminSettings settings = good;
  settings.listen_address = world_.server().address();
  EXPECT_TRUE(absl::IsUnavailable(start(settings)));
  settings = good;
  settings.client_ca_path = good.tls_key_path;
  EXPECT_TRUE(absl::IsInvalidArgument(start(settings)));
  settings.client_ca_path = ::testing::TempDir() + "/cut.pem";
  const std::string pem = world_.people_authority().pem();
  ASSERT_TRUE(anchors::WriteFileAtomically(settings.client_ca_path,
                                           pem.substr(0, pem.size() / 2))
                  .ok());
  EXPECT_TRUE(absl::IsInvalidArgument(start(settings)));
  settings = good;
  settings.tls_certificate_path = good.client_ca_path;  // of another key
  EXPECT_TRUE(absl::IsInvalidArgument(start(settings)));
  settings = good;
  settings.tls_key_path = good.tls_certificate_path;  // anyone may read it
  EXPECT_TRUE(absl::IsFailedPrecondition(start(settings)));
  settings.tls_key_path = "/nowhere";
  EXPECT_TRUE(absl::IsNotFound(start(settings)));
}

}  // namespace
}  // namespace anchorage::trustd
