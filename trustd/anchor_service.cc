#include "trustd/anchor_service.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "trustd/rpc_status.h"

namespace anchorage::trustd {
namespace {

grpc::Status NoBundleYet() {
  return RpcError(grpc::StatusCode::UNAVAILABLE, kNoBundleYet,
                  "no bundle has been signed yet");
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp proto;
  proto.set_seconds(absl::ToUnixSeconds(time));
  return proto;
}

grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context,
                                 const grpc::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

// Whether `bytes` are a message.
template <typename Message>
bool Parse(const grpc::ByteBuffer& bytes, Message& message) {
  grpc::Slice slice;
  if (!bytes.TrySingleSlice(&slice).ok() &&
      !bytes.DumpToSingleSlice(&slice).ok()) {
    return false;
  }
  return message.ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
}

grpc::Status Select(const PreparedAnswers* answers,
                    const grpc::ByteBuffer& request,
                    v1::GetUpdateRequest& message, UpdateParts& parts) {
  if (answers == nullptr) return NoBundleYet();
  if (!Parse(request, message)) {
    return RpcError(grpc::StatusCode::INVALID_ARGUMENT, kRequestInvalid,
                    "not a GetUpdateRequest");
  }
  return SelectUpdate(answers->publication(), message, parts);
}

UpdateOutcome OutcomeOf(const grpc::Status& status, const UpdateParts& parts) {
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    return UpdateOutcome::kNoBundle;
  }
  if (!status.ok()) return UpdateOutcome::kRefused;
  return parts.empty() ? UpdateOutcome::kNotModified : UpdateOutcome::kSent;
}

// A stream that was refused: it ends as soon as gRPC knows it.
class RefusedWatch final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  explicit RefusedWatch(const grpc::Status& why) { Finish(why); }
  void OnDone() override { delete this; }
};

}  // namespace

// One open stream. It owns itself until gRPC is done with it, and the hub's
// watcher and the service hold it too, so nobody is left with a dangling one.
class AnchorServiceImpl::Watch final
    : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
      public std::enable_shared_from_this<Watch> {
 public:
  explicit Watch(AnchorServiceImpl& service) : service_(service) {}

  void Start() {
    std::weak_ptr<Watch> weak = weak_from_this();
    hub_id_ = service_.hub_.Watch([weak](const Publication&) {
      if (const auto self = weak.lock()) self->Tell();
    });
    Tell();
  }

  // Sends the hint, or keeps the newest one until the write under way ends.
  void Tell() {
    absl::MutexLock lock(&mutex_);
    if (ended_) return;
    // Under the lock: an older hint must not take the place of a newer one.
    pending_ = service_.Answers();
    if (writing_ == nullptr) WritePending();
  }

  void End(const grpc::Status& status) {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(ended_, true)) return;
    Finish(status);
  }

  void OnWriteDone(bool ok) override {
    bool broken = false;
    {
      absl::MutexLock lock(&mutex_);
      writing_ = nullptr;
      broken = !ok;
      if (ok && !ended_ && pending_ != nullptr) WritePending();
    }
    if (broken) End(grpc::Status::CANCELLED);
  }

  void OnCancel() override { End(grpc::Status::CANCELLED); }

  void OnDone() override {
    service_.hub_.Unwatch(hub_id_);
    service_.Forget(this);
  }

 private:
  void WritePending() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    writing_ = std::exchange(pending_, nullptr);
    StartWrite(&writing_->hint());
  }

  AnchorServiceImpl& service_;
  std::uint64_t hub_id_ = 0;
  absl::Mutex mutex_;
  // What is being written: gRPC reads it until OnWriteDone(). Null between
  // two writes.
  std::shared_ptr<const PreparedAnswers> writing_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const PreparedAnswers> pending_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

AnchorServiceImpl::AnchorServiceImpl(Options options, PublicationHub& hub)
    : options_(std::move(options)), hub_(hub) {}

AnchorServiceImpl::~AnchorServiceImpl() = default;

std::shared_ptr<const PreparedAnswers> AnchorServiceImpl::Answers() {
  auto current = hub_.Current();
  if (current == nullptr) return nullptr;
  absl::MutexLock lock(&answers_mutex_);
  if (answers_ == nullptr || &answers_->publication() != current.get()) {
    answers_ = std::make_shared<const PreparedAnswers>(std::move(current));
  }
  return answers_;
}

grpc::ServerUnaryReactor* AnchorServiceImpl::GetUpdate(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  const auto answers = Answers();
  v1::GetUpdateRequest message;
  UpdateParts parts;
  const grpc::Status status = Select(answers.get(), *request, message, parts);
  if (status.ok()) {
    const std::uint64_t has = message.have().timestamp_version();
    if (options_.on_newer &&
        has > answers->publication().timestamp_version) {
      options_.on_newer(has, message.held_timestamp());
    }
    *response = answers->Update(parts);
  }
  if (options_.metrics != nullptr) {
    options_.metrics->CountUpdate(OutcomeOf(status, parts));
  }
  return Answer(context, status);
}

grpc::ServerUnaryReactor* AnchorServiceImpl::ListAnchors(
    grpc::CallbackServerContext* context,
    const v1::ListAnchorsRequest* request, v1::ListAnchorsResponse* response) {
  const auto current = hub_.Current();
  return Answer(context, current == nullptr
                             ? NoBundleYet()
                             : AnswerList(*current, *request, *response));
}

grpc::ServerUnaryReactor* AnchorServiceImpl::GetServiceInfo(
    grpc::CallbackServerContext* context, const v1::GetServiceInfoRequest*,
    v1::GetServiceInfoResponse* response) {
  response->set_server_version(options_.server_version);
  response->set_mode(options_.mode);
  response->set_signing_stopped(std::string(hub_.signing().message()));
  const auto current = hub_.Current();
  if (current == nullptr) return Answer(context, grpc::Status::OK);
  response->set_sequence(current->catalog.sequence);
  *response->mutable_created_time() = ToProto(current->catalog.created);
  v1::BundleVersions& versions = *response->mutable_versions();
  versions.set_root_version(current->roots.size());
  versions.set_timestamp_version(current->timestamp_version);
  versions.set_snapshot_version(current->snapshot_version);
  versions.set_targets_version(current->targets_version);
  versions.set_catalog_sha256(current->catalog_sha256);
  versions.set_releases_sha256(current->releases_sha256);
  response->set_anchor_count(
      static_cast<int>(current->catalog.anchors.size()));
  response->set_region_count(current->region_count);
  if (current->releases.has_value()) {
    response->set_release_count(
        static_cast<int>(current->releases->releases.size()));
  }
  for (const RoleFacts& facts : current->roles) {
    v1::RoleInfo& role = *response->add_roles();
    role.set_role(facts.role);
    *role.mutable_expire_time() = ToProto(facts.expires);
    role.mutable_key_ids()->Assign(facts.key_ids.begin(), facts.key_ids.end());
    role.set_threshold(facts.threshold);
  }
  response->mutable_timestamp_interval()->set_seconds(
      absl::ToInt64Seconds(options_.timestamp_interval));
  return Answer(context, grpc::Status::OK);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>*
AnchorServiceImpl::WatchUpdates(grpc::CallbackServerContext*,
                                const grpc::ByteBuffer*) {
  if (hub_.Current() == nullptr) return new RefusedWatch(NoBundleYet());
  auto watch = std::make_shared<Watch>(*this);
  {
    absl::MutexLock lock(&mutex_);
    if (shutting_down_) {
      return new RefusedWatch(RpcError(grpc::StatusCode::UNAVAILABLE,
                                       kShuttingDown, "the server stops"));
    }
    if (watches_.size() >= static_cast<std::size_t>(options_.max_watchers)) {
      return new RefusedWatch(
          RpcError(grpc::StatusCode::RESOURCE_EXHAUSTED, kTooManyWatchers,
                   "this server has no place for another stream: poll"));
    }
    watches_.insert(watch);
  }
  watch->Start();
  return watch.get();
}

void AnchorServiceImpl::Forget(Watch* watch) {
  absl::MutexLock lock(&mutex_);
  watches_.erase(watch->shared_from_this());
}

void AnchorServiceImpl::Shutdown() {
  std::vector<std::shared_ptr<Watch>> open;
  {
    absl::MutexLock lock(&mutex_);
    shutting_down_ = true;
    open.assign(watches_.begin(), watches_.end());
  }
  for (const auto& watch : open) {
    watch->End(RpcError(grpc::StatusCode::UNAVAILABLE, kShuttingDown,
                        "the server stops"));
  }
}

}  // namespace anchorage::trustd
