#include "trustd/admin/audit_service.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "trustd/admin/audit_answers.h"
#include "trustd/admin/caller.h"
#include "trustd/rpc_status.h"

namespace anchorage::trustd {
namespace {

grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context,
                                 const grpc::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

grpc::Status ShuttingDown() {
  return RpcError(grpc::StatusCode::UNAVAILABLE, kShuttingDown,
                  "the server stops");
}

// A stream that was refused: it ends as soon as gRPC knows it.
class RefusedWatch final
    : public grpc::ServerWriteReactor<v1::WatchRecordsResponse> {
 public:
  explicit RefusedWatch(const grpc::Status& why) { Finish(why); }
  void OnDone() override { delete this; }
};

}  // namespace

// One open stream. It reads the record itself, one at a time, so that a slow
// reader costs no memory; the mirror only says that there is more. It owns
// itself until gRPC is done with it, and the service holds it too.
class AuditServiceImpl::Watch final
    : public grpc::ServerWriteReactor<v1::WatchRecordsResponse>,
      public std::enable_shared_from_this<Watch> {
 public:
  Watch(AuditServiceImpl& service, std::uint64_t first)
      : service_(service), next_(first) {}

  void Start() {
    std::weak_ptr<Watch> weak = weak_from_this();
    mirror_id_ =
        service_.mirror_.Watch([weak](std::uint64_t, const v1::LedgerRecord&) {
          if (const auto self = weak.lock()) self->Continue();
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
    message_.mutable_record()->set_index(next_);
    message_.mutable_record()->set_record(*std::move(bytes));
    ++next_;
    writing_ = true;
    StartWrite(&message_);
  }

  void EndLocked(const grpc::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!std::exchange(ended_, true)) Finish(status);
  }

  AuditServiceImpl& service_;
  std::uint64_t mirror_id_ = 0;
  absl::Mutex mutex_;
  std::uint64_t next_ ABSL_GUARDED_BY(mutex_);
  // What is being written: gRPC reads it until OnWriteDone().
  v1::WatchRecordsResponse message_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

AuditServiceImpl::AuditServiceImpl(const Access& access, Mirror& mirror,
                                   std::size_t max_watchers)
    : access_(access), mirror_(mirror), max_watchers_(max_watchers) {}

AuditServiceImpl::~AuditServiceImpl() = default;

grpc::Status AuditServiceImpl::AdmitToLook(
    const grpc::CallbackServerContext& context) const {
  std::string name;
  return Admit(access_, context, Action::kLook, name);
}

grpc::ServerUnaryReactor* AuditServiceImpl::ListRotations(
    grpc::CallbackServerContext* context,
    const v1::ListRotationsRequest* request,
    v1::ListRotationsResponse* response) {
  grpc::Status status = AdmitToLook(*context);
  if (status.ok()) {
    status = AnswerRotations(
        [this](const auto& wanted) { return mirror_.Rotations(wanted); },
        *request, *response);
  }
  return Answer(context, status);
}

grpc::ServerUnaryReactor* AuditServiceImpl::GetRotation(
    grpc::CallbackServerContext* context, const v1::GetRotationRequest* request,
    v1::GetRotationResponse* response) {
  if (const grpc::Status status = AdmitToLook(*context); !status.ok()) {
    return Answer(context, status);
  }
  auto rotation = mirror_.FindRotation(request->id());
  if (!rotation.has_value()) {
    return Answer(
        context,
        RpcError(grpc::StatusCode::NOT_FOUND, kRotationNotFound,
                 absl::StrCat("there is no rotation ", request->id())));
  }
  *response->mutable_rotation() = *std::move(rotation);
  return Answer(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* AuditServiceImpl::ListRecords(
    grpc::CallbackServerContext* context, const v1::ListRecordsRequest* request,
    v1::ListRecordsResponse* response) {
  grpc::Status status = AdmitToLook(*context);
  if (status.ok()) {
    const Ledger& ledger = mirror_.ledger();
    status = AnswerRecords(
        ledger.head().size,
        [&](std::uint64_t index) { return ledger.ReadBytes(index); }, *request,
        *response);
  }
  return Answer(context, status);
}

grpc::ServerUnaryReactor* AuditServiceImpl::ListSources(
    grpc::CallbackServerContext* context, const v1::ListSourcesRequest*,
    v1::ListSourcesResponse* response) {
  const grpc::Status status = AdmitToLook(*context);
  if (status.ok()) {
    for (v1::SourceHealth& health : mirror_.Sources()) {
      *response->add_sources() = std::move(health);
    }
  }
  return Answer(context, status);
}

grpc::ServerUnaryReactor* AuditServiceImpl::GetLedgerHead(
    grpc::CallbackServerContext* context, const v1::GetLedgerHeadRequest*,
    v1::GetLedgerHeadResponse* response) {
  const grpc::Status status = AdmitToLook(*context);
  if (status.ok()) {
    const Ledger& ledger = mirror_.ledger();
    const LedgerHead head = ledger.head();
    response->set_size(head.size);
    response->set_root_sha256(absl::BytesToHexString(absl::string_view(
        reinterpret_cast<const char*>(head.root.data()), head.root.size())));
    response->set_healthy(ledger.health().ok());
    response->set_damage(std::string(ledger.health().message()));
  }
  return Answer(context, status);
}

grpc::ServerWriteReactor<v1::WatchRecordsResponse>*
AuditServiceImpl::WatchRecords(grpc::CallbackServerContext* context,
                               const v1::WatchRecordsRequest* request) {
  if (const grpc::Status status = AdmitToLook(*context); !status.ok()) {
    return new RefusedWatch(status);
  }
  const std::uint64_t size = mirror_.ledger().head().size;
  if (request->first_index() > size) {
    return new RefusedWatch(
        RpcError(grpc::StatusCode::OUT_OF_RANGE, kRecordNotFound,
                 absl::StrCat("the record has ", size, " entries, and none ",
                              request->first_index())));
  }
  auto watch = std::make_shared<Watch>(*this, request->first_index());
  if (const grpc::Status status = Insert(watch); !status.ok()) {
    return new RefusedWatch(status);
  }
  watch->Start();
  return watch.get();
}

grpc::Status AuditServiceImpl::Insert(const std::shared_ptr<Watch>& watch) {
  const absl::MutexLock lock(&mutex_);
  if (shutting_down_) return ShuttingDown();
  if (watches_.size() >= max_watchers_) {
    return RpcError(grpc::StatusCode::RESOURCE_EXHAUSTED, kTooManyWatchers,
                    "this server has no place for another stream");
  }
  watches_.insert(watch);
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
