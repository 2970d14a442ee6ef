// Calls to a listener for people as its tests make them, and the fixture that
// they share: a world in which AWS has just shown another key, rotation 1.

#ifndef ANCHORAGE_TEST_SUPPORT_ADMIN_CALLS_H_
#define ANCHORAGE_TEST_SUPPORT_ADMIN_CALLS_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proto/anchorage/v1/admin_service.grpc.pb.h"
#include "proto/anchorage/v1/audit_service.grpc.pb.h"
#include "proto/anchorage/v1/errors.pb.h"
#include "proto/anchorage/v1/evidence_service.grpc.pb.h"
#include "test/support/admin_world.h"

namespace anchorage::trustd {

using Channel = std::shared_ptr<grpc::Channel>;
using Audit = v1::AuditService;
using Admin = v1::AdminService;
using Prove = v1::EvidenceService;

// No anchor has it.
inline constexpr char kAnySpki[] =
    "0000000000000000000000000000000000000000000000000000000000000000";

inline void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(20));
}

// The stable reason of a failed call; empty where it has none.
inline std::string ReasonOf(const grpc::Status& status) {
  v1::Status details;
  v1::ErrorInfo info;
  if (!details.ParseFromString(status.error_details()) ||
      details.details_size() != 1 ||
      !info.ParseFromString(details.details(0).value())) {
    return "";
  }
  EXPECT_EQ(info.domain(), "trustd.anchorage");
  return info.reason();
}

// One call of `method` of a stub for `Service`.
template <typename Service, typename Request, typename Response>
grpc::Status Call(const Channel& channel,
                  grpc::Status (Service::Stub::*method)(grpc::ClientContext*,
                                                        const Request&,
                                                        Response*),
                  const Request& request, Response& response) {
  const auto stub = Service::NewStub(channel);
  grpc::ClientContext context;
  SetDeadline(context);
  return (stub.get()->*method)(&context, request, &response);
}

template <typename Service, typename Request, typename Response>
grpc::Status Try(const Channel& channel,
                 grpc::Status (Service::Stub::*method)(grpc::ClientContext*,
                                                       const Request&,
                                                       Response*),
                 const Request& request) {
  Response response;
  return Call<Service>(channel, method, request, response);
}

// The first answer of a stream, or how it ended without one.
inline grpc::Status TryWatch(const Channel& channel, std::uint64_t first,
                             v1::WatchRecordsResponse* response = nullptr) {
  const auto stub = Audit::NewStub(channel);
  grpc::ClientContext context;
  SetDeadline(context);
  v1::WatchRecordsRequest request;
  request.set_first_index(first);
  v1::WatchRecordsResponse ignored;
  const auto reader = stub->WatchRecords(&context, request);
  if (reader->Read(response == nullptr ? &ignored : response)) {
    context.TryCancel();
    reader->Finish();
    return grpc::Status::OK;
  }
  return reader->Finish();
}

// Sends the pieces of what is accepted.
inline grpc::Status TryAccept(const Channel& channel,
                              const std::vector<v1::AcceptStoreRequest>& pieces,
                              v1::AcceptStoreResponse& response) {
  const auto stub = Admin::NewStub(channel);
  grpc::ClientContext context;
  SetDeadline(context);
  const auto writer = stub->AcceptStore(&context, &response);
  for (const v1::AcceptStoreRequest& piece : pieces) {
    if (!writer->Write(piece)) break;
  }
  writer->WritesDone();
  return writer->Finish();
}

// A decision about rotation 1 as it is.
inline v1::DecideRotationRequest Decision(
    AdminWorld& world, v1::Decision::Kind kind,
    const std::string& why = "I called AWS") {
  v1::DecideRotationRequest request;
  request.set_id(1);
  request.set_kind(kind);
  request.set_why(why);
  if (const auto rotation = world.mirror().FindRotation(1)) {
    request.set_change_id(rotation->change_id());
    request.set_effect_sha256(rotation->effect_sha256());
  }
  return request;
}

class AdminServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    world_.Start();
    world_.ShowReKey();
    ASSERT_TRUE(world_.mirror().FindRotation(1).has_value());
  }

  std::uint64_t records() { return world_.mirror().ledger().head().size; }
  std::uint64_t sequence() { return world_.hub().Current()->catalog.sequence; }

  grpc::Status Submit(const Channel& channel, const v1::Evidence& evidence,
                      v1::SubmitEvidenceResponse& response) {
    v1::SubmitEvidenceRequest request;
    *request.mutable_evidence() = evidence;
    return Call<Prove>(channel, &Prove::Stub::SubmitEvidence, request,
                       response);
  }

  AdminWorld world_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TEST_SUPPORT_ADMIN_CALLS_H_
