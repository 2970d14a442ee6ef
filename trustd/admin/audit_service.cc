#include "trustd/admin/audit_service.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "trustd/admin/audit_answers.h"
#include "trustd/admin/caller.h"
#include "trustd/explain/explain.h"
#include "trustd/rpc/rpc_status.h"

namespace anchorage::trustd {
namespace {

constexpr int kMostFleetWindows = 169;
constexpr std::size_t kFewFleetWindows = 2;

}  // namespace

// Reads the record itself; the mirror only says that there is more.
class AuditServiceImpl::Watch final : public NewsStream {
 public:
  Watch(Mirror& mirror, std::uint64_t first) : mirror_(mirror), next_(first) {}

  void OnStart() override {
    mirror_id_ = mirror_.Watch(
        [wake = Waker()](std::uint64_t, const v1::LedgerRecord&) { wake(); });
    Continue();
  }

  void OnDone() override {
    mirror_.Unwatch(mirror_id_);
    NewsStream::OnDone();
  }

 private:
  grpc::Status Next(const grpc::ByteBuffer*& message) override {
    const Ledger& ledger = mirror_.ledger();
    if (next_ >= ledger.head().size) return grpc::Status::OK;
    auto bytes = ledger.ReadBytes(next_);
    if (!bytes.ok()) return RecordError(bytes.status());
    v1::WatchRecordsResponse response;
    response.mutable_record()->set_index(next_);
    response.mutable_record()->set_record(*std::move(bytes));
    message_ = CallGate::ToBuffer(response);
    ++next_;
    message = &message_;
    return grpc::Status::OK;
  }

  Mirror& mirror_;
  std::uint64_t mirror_id_ = 0;
  std::uint64_t next_;
  grpc::ByteBuffer message_;
};

AuditServiceImpl::AuditServiceImpl(const Access& access, Mirror& mirror,
                                   FleetFunction fleet,
                                   std::function<absl::Time()> clock,
                                   int max_watchers)
    : access_(access),
      mirror_(mirror),
      fleet_(std::move(fleet)),
      clock_(std::move(clock)),
      watches_(max_watchers, AddressList(),
               "this server has no place for another stream") {}

grpc::Status AuditServiceImpl::AdmitToLook(const Caller& caller) const {
  std::string name;
  return Admit(access_, caller, Action::kLook, name);
}

template <typename Request, typename Response>
void AuditServiceImpl::AddLook(
    CallGate& gate, const std::string& name,
    grpc::Status (AuditServiceImpl::*method)(const Request&, Response&)) {
  gate.AddUnary<Request, Response>(
      "/anchorage.v1.AuditService/" + name,
      [this, method](const Caller& caller, const Request& request,
                     Response& response) {
        const grpc::Status status = AdmitToLook(caller);
        return status.ok() ? (this->*method)(request, response) : status;
      });
}

void AuditServiceImpl::AddTo(CallGate& gate) {
  AddLook(gate, "ListRotations", &AuditServiceImpl::ListRotations);
  AddLook(gate, "GetRotation", &AuditServiceImpl::GetRotation);
  AddLook(gate, "ExplainRotation", &AuditServiceImpl::ExplainRotation);
  AddLook(gate, "ListRecords", &AuditServiceImpl::ListRecords);
  AddLook(gate, "ListSources", &AuditServiceImpl::ListSources);
  AddLook(gate, "GetLedgerHead", &AuditServiceImpl::GetLedgerHead);
  AddLook(gate, "GetFleet", &AuditServiceImpl::GetFleet);
  gate.AddStreaming<v1::WatchRecordsRequest>(
      "/anchorage.v1.AuditService/WatchRecords",
      [this](const Caller& caller, const v1::WatchRecordsRequest& request,
             std::shared_ptr<ServerStream>& stream) {
        return WatchRecords(caller, request, stream);
      });
}

grpc::Status AuditServiceImpl::ListRotations(
    const v1::ListRotationsRequest& request,
    v1::ListRotationsResponse& response) {
  return AnswerRotations(
      [this](const auto& wanted) { return mirror_.Rotations(wanted); }, request,
      response);
}

grpc::Status AuditServiceImpl::GetRotation(
    const v1::GetRotationRequest& request, v1::GetRotationResponse& response) {
  auto rotation = mirror_.FindRotation(request.id());
  if (!rotation.has_value()) {
    return RpcError(grpc::StatusCode::NOT_FOUND, kRotationNotFound,
                    absl::StrCat("there is no rotation ", request.id()));
  }
  *response.mutable_rotation() = *std::move(rotation);
  return grpc::Status::OK;
}

grpc::Status AuditServiceImpl::ExplainRotation(
    const v1::ExplainRotationRequest& request,
    v1::ExplainRotationResponse& response) {
  auto explanation =
      trustd::ExplainRotation(mirror_.View(clock_()), request.id());
  if (!explanation.has_value()) {
    return RpcError(grpc::StatusCode::NOT_FOUND, kRotationNotFound,
                    absl::StrCat("there is no rotation ", request.id()));
  }
  *response.mutable_explanation() = *std::move(explanation);
  return grpc::Status::OK;
}

grpc::Status AuditServiceImpl::ListRecords(
    const v1::ListRecordsRequest& request, v1::ListRecordsResponse& response) {
  const Ledger& ledger = mirror_.ledger();
  return AnswerRecords(
      ledger.head().size,
      [&](std::uint64_t index) { return ledger.ReadBytes(index); },
      mirror_.index(), request, response);
}

grpc::Status AuditServiceImpl::ListSources(const v1::ListSourcesRequest&,
                                           v1::ListSourcesResponse& response) {
  for (v1::SourceHealth& health : mirror_.Sources()) {
    *response.add_sources() = std::move(health);
  }
  for (v1::SourceStanding& standing : ExplainSources(mirror_.View(clock_()))) {
    *response.add_standings() = std::move(standing);
  }
  return grpc::Status::OK;
}

grpc::Status AuditServiceImpl::GetLedgerHead(
    const v1::GetLedgerHeadRequest&, v1::GetLedgerHeadResponse& response) {
  const Ledger& ledger = mirror_.ledger();
  const LedgerHead head = ledger.head();
  response.set_size(head.size);
  response.set_root_sha256(absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(head.root.data()), head.root.size())));
  response.set_healthy(ledger.health().ok());
  response.set_damage(std::string(ledger.health().message()));
  return grpc::Status::OK;
}

grpc::Status AuditServiceImpl::GetFleet(const v1::GetFleetRequest& request,
                                        v1::GetFleetResponse& response) {
  if (!fleet_) {
    return RpcError(grpc::StatusCode::FAILED_PRECONDITION, kNotApplicable,
                    "this trustd takes no reports: see 'reports' in its "
                    "configuration");
  }
  if (request.windows() < 0 || request.windows() > kMostFleetWindows) {
    return RequestError(
        absl::StrCat("'windows' is from 0 to ", kMostFleetWindows));
  }
  response = fleet_(request.windows() == 0
                        ? kFewFleetWindows
                        : static_cast<std::size_t>(request.windows()));
  return grpc::Status::OK;
}

grpc::Status AuditServiceImpl::WatchRecords(
    const Caller& caller, const v1::WatchRecordsRequest& request,
    std::shared_ptr<ServerStream>& stream) {
  if (grpc::Status status = AdmitToLook(caller); !status.ok()) return status;
  const std::uint64_t size = mirror_.ledger().head().size;
  if (request.first_index() > size) {
    return RpcError(grpc::StatusCode::OUT_OF_RANGE, kRecordNotFound,
                    absl::StrCat("the record has ", size, " entries, and none ",
                                 request.first_index()));
  }
  return watches_.Open(
      caller, std::make_shared<Watch>(mirror_, request.first_index()), stream);
}

}  // namespace anchorage::trustd
