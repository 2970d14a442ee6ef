#include "trustd/serve/anchor_service.h"

#include <utility>

#include "anchors/bundle_proto.h"
#include "trustd/rpc/rpc_status.h"

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

UpdateOutcome OutcomeOf(const grpc::Status& status, const UpdateParts& parts) {
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    return UpdateOutcome::kNoBundle;
  }
  if (!status.ok()) return UpdateOutcome::kRefused;
  return parts.empty() ? UpdateOutcome::kNotModified : UpdateOutcome::kSent;
}

}  // namespace

// Sends the hint of what is published, or the newest one that there is when the
// write under way ends.
class AnchorServiceImpl::Watch final : public NewsStream {
 public:
  explicit Watch(AnchorServiceImpl& service) : service_(service) {}

  void OnStart() override {
    hub_id_ =
        service_.hub_.Watch([wake = Waker()](const Publication&) { wake(); });
    Continue();
  }

  void OnDone() override {
    service_.hub_.Unwatch(hub_id_);
    NewsStream::OnDone();
  }

 private:
  grpc::Status Next(const grpc::ByteBuffer*& message) override {
    auto newest = service_.Answers();
    if (newest == sent_) return grpc::Status::OK;
    sent_ = std::move(newest);
    message = &sent_->hint();
    return grpc::Status::OK;
  }

  AnchorServiceImpl& service_;
  std::uint64_t hub_id_ = 0;
  std::shared_ptr<const PreparedAnswers> sent_;
};

AnchorServiceImpl::AnchorServiceImpl(Options options, PublicationHub& hub)
    : options_(std::move(options)),
      hub_(hub),
      watches_(options_.max_watchers, options_.proxies,
               "this server has no place for another stream: poll") {}

void AnchorServiceImpl::AddTo(CallGate& gate) {
  gate.AddRawUnary(
      "/anchorage.v1.AnchorService/GetUpdate",
      [this, &gate](const Caller& caller, const grpc::ByteBuffer& request,
                    grpc::ByteBuffer& response) {
        return GetUpdate(gate, caller, request, response);
      });
  gate.AddStreaming<v1::WatchUpdatesRequest>(
      "/anchorage.v1.AnchorService/WatchUpdates",
      [this](const Caller& caller, const v1::WatchUpdatesRequest&,
             std::shared_ptr<ServerStream>& stream) {
        return WatchUpdates(caller, stream);
      });
  gate.AddUnary<v1::ListAnchorsRequest, v1::ListAnchorsResponse>(
      "/anchorage.v1.AnchorService/ListAnchors",
      [this](const Caller&, const v1::ListAnchorsRequest& request,
             v1::ListAnchorsResponse& response) {
        const auto current = hub_.Current();
        return current == nullptr ? NoBundleYet()
                                  : AnswerList(*current, request, response);
      });
  gate.AddUnary<v1::GetServiceInfoRequest, v1::GetServiceInfoResponse>(
      "/anchorage.v1.AnchorService/GetServiceInfo",
      [this](const Caller&, const v1::GetServiceInfoRequest&,
             v1::GetServiceInfoResponse& response) {
        return GetServiceInfo(response);
      });
}

std::shared_ptr<const PreparedAnswers> AnchorServiceImpl::Answers() {
  auto current = hub_.Current();
  if (current == nullptr) return nullptr;
  absl::MutexLock lock(&answers_mutex_);
  if (answers_ == nullptr || &answers_->publication() != current.get()) {
    answers_ = std::make_shared<const PreparedAnswers>(std::move(current));
  }
  return answers_;
}

grpc::Status AnchorServiceImpl::GetUpdate(const CallGate& gate,
                                          const Caller& caller,
                                          const grpc::ByteBuffer& request,
                                          grpc::ByteBuffer& response) {
  const auto answers = Answers();
  v1::GetUpdateRequest message;
  UpdateParts parts;
  grpc::Status status =
      answers == nullptr ? NoBundleYet() : gate.Read(caller, request, message);
  if (status.ok()) {
    status = SelectUpdate(answers->publication(), message, parts);
  }
  if (status.ok()) {
    const std::uint64_t has = message.have().timestamp_version();
    if (options_.on_newer && has > answers->publication().timestamp_version) {
      options_.on_newer(has, message.held_timestamp());
    }
    response = answers->Update(parts);
  }
  if (options_.metrics != nullptr) {
    options_.metrics->CountUpdate(OutcomeOf(status, parts));
  }
  return status;
}

grpc::Status AnchorServiceImpl::GetServiceInfo(
    v1::GetServiceInfoResponse& response) {
  response.set_server_version(options_.server_version);
  response.set_mode(options_.mode);
  response.set_signing_stopped(std::string(hub_.signing().message()));
  const auto current = hub_.Current();
  if (current == nullptr) return grpc::Status::OK;
  response.set_sequence(current->catalog.sequence);
  *response.mutable_created_time() = ToProto(current->catalog.created);
  *response.mutable_versions() =
      anchors::ToProto({.root = current->files.roots.size(),
                        .timestamp = current->timestamp_version,
                        .snapshot = current->snapshot_version,
                        .targets = current->targets_version,
                        .target_sha256 = current->target_sha256});
  response.set_anchor_count(static_cast<int>(current->catalog.anchors.size()));
  response.set_region_count(current->region_count);
  if (current->releases.has_value()) {
    response.set_release_count(
        static_cast<int>(current->releases->releases.size()));
  }
  for (const RoleFacts& facts : current->roles) {
    v1::RoleInfo& role = *response.add_roles();
    role.set_role(facts.role);
    *role.mutable_expire_time() = ToProto(facts.expires);
    role.mutable_key_ids()->Assign(facts.key_ids.begin(), facts.key_ids.end());
    role.set_threshold(facts.threshold);
  }
  response.mutable_timestamp_interval()->set_seconds(
      absl::ToInt64Seconds(options_.timestamp_interval));
  return grpc::Status::OK;
}

grpc::Status AnchorServiceImpl::WatchUpdates(
    const Caller& caller, std::shared_ptr<ServerStream>& stream) {
  if (hub_.Current() == nullptr) return NoBundleYet();
  return watches_.Open(caller, std::make_shared<Watch>(*this), stream);
}

}  // namespace anchorage::trustd
