#include "trustd/admin/audit_service.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/no_throw.h"
#include "trustd/admin/audit_answers.h"
#include "trustd/admin/caller.h"
#include "trustd/rpc/rpc_status.h"

namespace anchorage::trustd {
namespace {

grpc::Status ShuttingDown() {
  return RpcError(grpc::StatusCode::UNAVAILABLE, kShuttingDown,
                  "the server stops");
}

}  // namespace

// One open stream. It reads the record itself, one at a time, so that a slow
// reader costs no memory; the mirror only says that there is more. Its call and
// the service hold it.
class AuditServiceImpl::Watch final
    : public ServerStream,
      public std::enable_shared_from_this<Watch> {
 public:
  Watch(AuditServiceImpl& service, std::uint64_t first, Place place)
      : service_(service), place_(std::move(place)), next_(first) {}

  void OnStart() override {
    std::weak_ptr<Watch> weak = weak_from_this();
    mirror_id_ =
        service_.mirror_.Watch([weak](std::uint64_t, const v1::LedgerRecord&) {
          // Who records goes on, and so do the other watchers.
          (void)anchors::NoThrow([&] {
            if (const auto self = weak.lock()) self->Continue();
            return absl::OkStatus();
          });
        });
    Continue();
  }

  // Writes the next record, if there is one and none is being written.
  void Continue() {
    const absl::MutexLock lock(&mutex_);
    if (!ended_ && !writing_) WriteNext();
  }

  void End(const grpc::Status& status) {
    const absl::MutexLock lock(&mutex_);
    EndLocked(status);
  }

  void OnWriteDone(bool ok) override {
    const absl::MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok) return EndLocked(grpc::Status::CANCELLED);
    if (!ended_) WriteNext();
  }

  void OnCancel() override { End(grpc::Status::CANCELLED); }

  void OnDone() override {
    service_.mirror_.Unwatch(mirror_id_);
    service_.Forget(this);
  }

 private:
  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const Ledger& ledger = service_.mirror_.ledger();
    if (next_ >= ledger.head().size) return;
    auto bytes = ledger.ReadBytes(next_);
    if (!bytes.ok()) return EndLocked(RecordError(bytes.status()));
    v1::WatchRecordsResponse message;
    message.mutable_record()->set_index(next_);
    message.mutable_record()->set_record(*std::move(bytes));
    message_ = CallGate::ToBuffer(message);
    ++next_;
    writing_ = true;
    StartWrite(&message_);
  }

  void EndLocked(const grpc::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!std::exchange(ended_, true)) Finish(status);
  }

  AuditServiceImpl& service_;
  const Place place_;
  std::uint64_t mirror_id_ = 0;
  absl::Mutex mutex_;
  std::uint64_t next_ ABSL_GUARDED_BY(mutex_);
  // What is being written: gRPC reads it until OnWriteDone().
  grpc::ByteBuffer message_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

AuditServiceImpl::AuditServiceImpl(const Access& access, Mirror& mirror,
                                   int max_watchers)
    : access_(access),
      mirror_(mirror),
      watchers_(max_watchers, AddressList()) {}

AuditServiceImpl::~AuditServiceImpl() = default;

grpc::Status AuditServiceImpl::AdmitToLook(const Caller& caller) const {
  std::string name;
  return Admit(access_, caller.context, Action::kLook, name);
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
  AddLook(gate, "ListRecords", &AuditServiceImpl::ListRecords);
  AddLook(gate, "ListSources", &AuditServiceImpl::ListSources);
  AddLook(gate, "GetLedgerHead", &AuditServiceImpl::GetLedgerHead);
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

grpc::Status AuditServiceImpl::ListRecords(
    const v1::ListRecordsRequest& request, v1::ListRecordsResponse& response) {
  const Ledger& ledger = mirror_.ledger();
  return AnswerRecords(
      ledger.head().size,
      [&](std::uint64_t index) { return ledger.ReadBytes(index); }, request,
      response);
}

grpc::Status AuditServiceImpl::ListSources(const v1::ListSourcesRequest&,
                                           v1::ListSourcesResponse& response) {
  for (v1::SourceHealth& health : mirror_.Sources()) {
    *response.add_sources() = std::move(health);
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
  Place place;
  if (watchers_.Admit(caller.address, place) != Refusal::kNone) {
    return RpcError(grpc::StatusCode::RESOURCE_EXHAUSTED, kTooManyWatchers,
                    "this server has no place for another stream");
  }
  auto watch =
      std::make_shared<Watch>(*this, request.first_index(), std::move(place));
  const absl::MutexLock lock(&mutex_);
  if (shutting_down_) return ShuttingDown();
  watches_.insert(watch);
  stream = std::move(watch);
  return grpc::Status::OK;
}

void AuditServiceImpl::Forget(Watch* watch) {
  const std::shared_ptr<Watch> last = watch->shared_from_this();
  const absl::MutexLock lock(&mutex_);
  watches_.erase(last);
}

void AuditServiceImpl::Shutdown() {
  std::vector<std::shared_ptr<Watch>> open;
  {
    const absl::MutexLock lock(&mutex_);
    shutting_down_ = true;
    open.assign(watches_.begin(), watches_.end());
  }
  for (const auto& watch : open) watch->End(ShuttingDown());
}

}  // namespace anchorage::trustd
