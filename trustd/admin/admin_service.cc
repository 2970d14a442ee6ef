#include "trustd/admin/admin_service.h"

#include <spdlog/spdlog.h>

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "anchors/bundle_proto.h"
#include "anchors/catalog_proto.h"
#include "anchors/certificate_facts.h"
#include "anchors/wire/wire_scan.h"
#include "proto/anchorage/v1/anchor_service.pb.h"
#include "trustd/admin/audit_answers.h"
#include "trustd/admin/caller.h"
#include "trustd/explain/explain.h"
#include "trustd/record/rotation_values.h"
#include "trustd/rpc/rpc_status.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

constexpr std::size_t kSha256HexDigits = 64;

// Takes over when a key retires.
absl::Status ReadRetirement(const v1::PinAnchorRequest& request,
                            v1::PinFact& fact) {
  if (!request.has_valid_until() && !request.has_accept_until()) {
    return absl::OkStatus();
  }
  if (request.action() != v1::PinFact::ACTION_RETIRE ||
      request.valid_until().nanos() != 0 ||
      request.accept_until().nanos() != 0) {
    return absl::InvalidArgumentError(
        "'valid_until' and 'accept_until' are whole seconds of a retirement");
  }
  if (request.has_valid_until()) {
    *fact.mutable_valid_until() = request.valid_until();
  }
  if (request.has_accept_until()) {
    *fact.mutable_accept_until() = request.accept_until();
  }
  return absl::OkStatus();
}

bool IsSha256Hex(std::string_view text) {
  return text.size() == kSha256HexDigits &&
         text.find_first_not_of("0123456789abcdef") == text.npos;
}

v1::SubmitEvidenceResponse::Outcome ToProto(ProofOutcome::Kind kind) {
  switch (kind) {
    case ProofOutcome::Kind::kPinned:
      return v1::SubmitEvidenceResponse::OUTCOME_PINNED;
    case ProofOutcome::Kind::kCandidate:
      return v1::SubmitEvidenceResponse::OUTCOME_CANDIDATE;
    case ProofOutcome::Kind::kUnknownSigner:
      return v1::SubmitEvidenceResponse::OUTCOME_UNKNOWN_SIGNER;
  }
  return v1::SubmitEvidenceResponse::OUTCOME_UNSPECIFIED;
}

}  // namespace

AdminServiceImpl::AdminServiceImpl(const Access& access, Mirror& mirror,
                                   PollFunction poll_now,
                                   AcceptFunction accept_store,
                                   BackupFunction backup, Clock clock)
    : access_(access),
      mirror_(mirror),
      poll_now_(std::move(poll_now)),
      accept_store_(std::move(accept_store)),
      backup_(std::move(backup)),
      clock_(std::move(clock)) {}

void AdminServiceImpl::AddTo(CallGate& gate) {
  gate.AddUnary<v1::DecideRotationRequest, v1::DecideRotationResponse>(
      "/anchorage.v1.AdminService/DecideRotation",
      [this](const Caller& caller, const v1::DecideRotationRequest& request,
             v1::DecideRotationResponse& response) {
        std::string by;
        const grpc::Status status = Admit(access_, caller, Action::kDecide, by);
        return status.ok() ? Decide(caller, request, by, response) : status;
      });
  gate.AddUnary<v1::UndoRotationRequest, v1::UndoRotationResponse>(
      "/anchorage.v1.AdminService/UndoRotation",
      [this](const Caller& caller, const v1::UndoRotationRequest& request,
             v1::UndoRotationResponse& response) {
        std::string by;
        const grpc::Status status = Admit(access_, caller, Action::kPin, by);
        return status.ok() ? Undo(caller, request, by, response) : status;
      });
  gate.AddUnary<v1::PinAnchorRequest, v1::PinAnchorResponse>(
      "/anchorage.v1.AdminService/PinAnchor",
      [this](const Caller& caller, const v1::PinAnchorRequest& request,
             v1::PinAnchorResponse& response) {
        std::string by;
        const grpc::Status status = Admit(access_, caller, Action::kPin, by);
        return status.ok() ? Pin(caller, request, by, response) : status;
      });
  gate.AddUnary<v1::PollNowRequest, v1::PollNowResponse>(
      "/anchorage.v1.AdminService/PollNow",
      [this](const Caller& caller, const v1::PollNowRequest& request,
             v1::PollNowResponse& response) {
        std::string by;
        const grpc::Status status = Admit(access_, caller, Action::kPoll, by);
        return status.ok() ? Poll(request, response) : status;
      });
  gate.AddUpload("/anchorage.v1.AdminService/AcceptStore",
                 [this, &gate](const Caller& caller,
                               std::unique_ptr<ServerUpload>& upload) {
                   return AcceptStore(gate, caller, upload);
                 });
  gate.AddStreaming<v1::BackupRequest>(
      "/anchorage.v1.AdminService/Backup",
      [this](const Caller& caller, const v1::BackupRequest&,
             std::shared_ptr<ServerStream>& stream) {
        return Backup(caller, stream);
      });
}

grpc::Status AdminServiceImpl::Decide(const Caller& caller,
                                      const v1::DecideRotationRequest& request,
                                      const std::string& by,
                                      v1::DecideRotationResponse& response) {
  if (request.kind() != v1::Decision::KIND_APPROVE &&
      request.kind() != v1::Decision::KIND_REJECT &&
      request.kind() != v1::Decision::KIND_HOLD) {
    return RequestError("'kind' is to approve, to reject or to hold");
  }
  if (request.kind() == v1::Decision::KIND_APPROVE &&
      (request.change_id().empty() || request.effect_sha256().empty())) {
    return RequestError(
        "an approval names the 'change_id' and the 'effect_sha256' of what was "
        "looked at");
  }
  const bool is_approval = request.kind() == v1::Decision::KIND_APPROVE;
  const Work before = mirror_.View(clock_());
  auto rotation =
      mirror_.Decide({.rotation_id = request.id(),
                      .kind = request.kind(),
                      .by = by,
                      .why = request.why(),
                      .change_id = request.change_id(),
                      .effect_sha256 = request.effect_sha256(),
                      .certificate_sha256 = CertificateSha256(caller.context)},
                     clock_());
  if (absl::IsAborted(rotation.status())) {
    return RpcError(grpc::StatusCode::ABORTED, kRotationChanged,
                    std::string(rotation.status().message()));
  }
  if (!rotation.ok()) {
    absl::Status refused = rotation.status();
    const auto advice = AdviceOn(before, request.id());
    // A person who is told that there is nothing to approve wants to know what
    // else to do.
    if (is_approval && absl::IsFailedPrecondition(refused) &&
        advice.has_value()) {
      refused = absl::FailedPreconditionError(
          absl::StrCat(refused.message(), ". ", *advice));
    }
    return ErrorOf(refused, kRotationNotFound, kNotDecidable);
  }
  Shorten(*rotation);
  *response.mutable_rotation() = *std::move(rotation);
  *response.mutable_approvals() = ApprovalsOf(request.id());
  const auto given = before.book().Find(request.id())->Approvals();
  if (const auto known = given.find(by); is_approval && known != given.end()) {
    *response.mutable_approved_before_time() = known->second->time();
  }
  return grpc::Status::OK;
}

v1::ApprovalCount AdminServiceImpl::ApprovalsOf(std::uint64_t id) const {
  const Work view = mirror_.View(clock_());
  return CountApprovals(view, *view.book().Find(id));
}

grpc::Status AdminServiceImpl::Undo(const Caller& caller,
                                    const v1::UndoRotationRequest& request,
                                    const std::string& by,
                                    v1::UndoRotationResponse& response) {
  auto rotation =
      mirror_.Undo({.rotation_id = request.id(),
                    .by = by,
                    .why = request.why(),
                    .revokes = request.revoke(),
                    .certificate_sha256 = CertificateSha256(caller.context)},
                   clock_());
  if (!rotation.ok()) {
    return ErrorOf(rotation.status(), kRotationNotFound, kNotApplicable);
  }
  spdlog::info("{} wants rotation {} taken back: rotation {}", by, request.id(),
               rotation->id());
  Shorten(*rotation);
  *response.mutable_approvals() = ApprovalsOf(rotation->id());
  *response.mutable_rotation() = *std::move(rotation);
  return grpc::Status::OK;
}

absl::StatusOr<v1::PinFact> ReadPin(const v1::PinAnchorRequest& request,
                                    const std::string& by) {
  v1::PinFact fact;
  fact.set_action(request.action());
  *fact.mutable_slot() = request.slot();
  fact.set_by(by);
  fact.set_why(request.why());
  switch (request.action()) {
    case v1::PinFact::ACTION_ADD:
    case v1::PinFact::ACTION_ANNOUNCE: {
      if (!request.spki_sha256().empty()) {
        return absl::InvalidArgumentError(
            "the key of an addition is that of its certificate");
      }
      if (absl::Status s = ReadRetirement(request, fact); !s.ok()) return s;
      const auto facts = anchors::ReadCertificateFacts(request.certificate());
      if (!facts.ok()) return facts.status();
      fact.set_certificate(request.certificate());
      fact.set_spki_sha256(verify::Sha256Hex(facts->spki_der));
      return fact;
    }
    case v1::PinFact::ACTION_REVOKE:
    case v1::PinFact::ACTION_RETIRE:
    case v1::PinFact::ACTION_REACTIVATE:
      if (!request.certificate().empty() ||
          !IsSha256Hex(request.spki_sha256())) {
        return absl::InvalidArgumentError(
            "'spki_sha256' names the anchor, as 64 lower-case hex digits, and "
            "no certificate does");
      }
      if (absl::Status s = ReadRetirement(request, fact); !s.ok()) return s;
      fact.set_spki_sha256(request.spki_sha256());
      return fact;
    default:
      return absl::InvalidArgumentError(
          "'action' is to add, to announce, to revoke, to retire or to "
          "reactivate");
  }
}

grpc::Status AdminServiceImpl::Pin(const Caller& caller,
                                   const v1::PinAnchorRequest& request,
                                   const std::string& by,
                                   v1::PinAnchorResponse& response) {
  const auto fact = ReadPin(request, by);
  if (!fact.ok()) {
    return ErrorOf(fact.status(), kAnchorNotFound, kNotApplicable);
  }
  const auto pinned =
      mirror_.Pin({.fact = *fact,
                   .last_key = request.last_key(),
                   .certificate_sha256 = CertificateSha256(caller.context)},
                  clock_());
  if (!pinned.ok()) {
    return ErrorOf(pinned.status(), kAnchorNotFound, kNotApplicable);
  }
  response.set_sequence(pinned->sequence);
  response.set_rotation_id(pinned->rotation_id);
  response.set_spki_sha256(fact->spki_sha256());
  if (fact->action() == v1::PinFact::ACTION_REVOKE ||
      fact->action() == v1::PinFact::ACTION_RETIRE) {
    for (const verify::Slot& slot : mirror_.SlotsSharing(*fact)) {
      *response.add_same_key() = anchors::ToProto(slot);
    }
  }
  return grpc::Status::OK;
}

grpc::Status AdminServiceImpl::Poll(const v1::PollNowRequest& request,
                                    v1::PollNowResponse& response) {
  *response.mutable_time() = anchors::ExactTime(clock_());
  const absl::Status asked = poll_now_(request.source());
  return asked.ok() ? grpc::Status::OK
                    : ErrorOf(asked, kSourceNotFound, kNotApplicable);
}

// Reads the pieces of one bundle, of who was admitted before.
class AdminServiceImpl::StoreUpload final : public ServerUpload {
 public:
  StoreUpload(AdminServiceImpl& service, const CallGate& gate, std::string by)
      : service_(service), gate_(gate), by_(std::move(by)) {}

  grpc::Status OnMessage(const Caller& caller,
                         const grpc::ByteBuffer& message) override {
    v1::AcceptStoreRequest request;
    if (grpc::Status status = gate_.Read(caller, message, request);
        !status.ok()) {
      return status;
    }
    if (!has_first_) {
      why_ = request.why();
      no_bundle_ = request.no_bundle();
      has_first_ = true;
    }
    if (bundle_.size() + request.bundle_piece().size() >
        kMaxAcceptedBundleBytes) {
      return RequestError("a bundle has at most 16 MiB");
    }
    bundle_ += request.bundle_piece();
    return grpc::Status::OK;
  }

  grpc::Status OnEnd(grpc::ByteBuffer& response) override {
    v1::AcceptStoreResponse accepted;
    const grpc::Status status = Accept(accepted);
    if (status.ok()) response = CallGate::ToBuffer(accepted);
    return status;
  }

 private:
  grpc::Status Accept(v1::AcceptStoreResponse& response) {
    if (why_.empty() || why_.size() > kMaxWhyBytes) {
      return RequestError(
          "say why, in at most 1000 bytes: it goes on the record");
    }
    if (no_bundle_ != bundle_.empty()) {
      return RequestError(
          "there is a bundle, or 'no_bundle' says that there is none");
    }
    if (!service_.accept_store_) {
      return RpcError(grpc::StatusCode::FAILED_PRECONDITION, kNotApplicable,
                      "this trustd has no store that could go back");
    }
    std::optional<anchors::BundleFiles> bundle;
    if (!no_bundle_) {
      v1::GetUpdateResponse files;
      if (!anchors::ParseBounded(bundle_, {}, files).ok()) {
        return RpcError(grpc::StatusCode::INVALID_ARGUMENT, kBundleRefused,
                        "the bundle is not a GetUpdateResponse");
      }
      bundle = anchors::FromProto(files);
    }
    const auto accepted = service_.accept_store_(bundle, by_, why_);
    if (absl::IsInvalidArgument(accepted.status())) {
      return RpcError(grpc::StatusCode::INVALID_ARGUMENT, kBundleRefused,
                      std::string(accepted.status().message()));
    }
    if (!accepted.ok()) {
      return ErrorOf(accepted.status(), kNotApplicable, kNotApplicable);
    }
    spdlog::warn("{} accepted the store: sequence {}", by_, accepted->sequence);
    response.set_sequence(accepted->sequence);
    response.set_timestamp_version(accepted->timestamp_version);
    response.mutable_notes()->Assign(accepted->notes.begin(),
                                     accepted->notes.end());
    return grpc::Status::OK;
  }

  AdminServiceImpl& service_;
  const CallGate& gate_;
  const std::string by_;
  bool has_first_ = false;
  bool no_bundle_ = false;
  std::string why_;
  std::string bundle_;
};

grpc::Status AdminServiceImpl::AcceptStore(
    const CallGate& gate, const Caller& caller,
    std::unique_ptr<ServerUpload>& upload) {
  std::string by;
  grpc::Status status = Admit(access_, caller, Action::kAcceptStore, by);
  if (status.ok()) {
    upload = std::make_unique<StoreUpload>(*this, gate, std::move(by));
  }
  return status;
}

// Sends the pieces of one copy, each once the one before is on its way.
class AdminServiceImpl::BackupStream final : public ServerStream {
 public:
  BackupStream(std::unique_ptr<BackupMaker::Backup> backup, std::string by)
      : backup_(std::move(backup)), by_(std::move(by)) {}

  void OnStart() override {
    const absl::MutexLock lock(&mutex_);
    WriteNext();
  }
  void OnWriteDone(bool ok) override {
    const absl::MutexLock lock(&mutex_);
    if (!ok) return End(grpc::Status::CANCELLED);
    WriteNext();
  }
  void OnCancel() override {
    const absl::MutexLock lock(&mutex_);
    End(grpc::Status::CANCELLED);
  }
  void OnDone() override {}

 private:
  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (backup_ == nullptr) return;
    const auto piece = backup_->Next();
    if (absl::IsDeadlineExceeded(piece.status())) {
      return End(RpcError(grpc::StatusCode::DEADLINE_EXCEEDED, kRequestInvalid,
                          std::string(piece.status().message())));
    }
    if (!piece.ok()) {
      return End(RpcError(grpc::StatusCode::UNAVAILABLE, kStoreUnavailable,
                          std::string(piece.status().message())));
    }
    if (!piece->has_value()) {
      spdlog::info("{} has the whole backup", by_);
      return End(grpc::Status::OK);
    }
    message_ = CallGate::ToBuffer(**piece);
    StartWrite(&message_);
  }

  // The copy is removed at once, however long the peer takes to go.
  void End(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (std::exchange(backup_, nullptr) != nullptr) Finish(status);
  }

  absl::Mutex mutex_;
  // Null once it has ended.
  std::unique_ptr<BackupMaker::Backup> backup_ ABSL_GUARDED_BY(mutex_);
  grpc::ByteBuffer message_ ABSL_GUARDED_BY(mutex_);
  const std::string by_;
};

grpc::Status AdminServiceImpl::Backup(const Caller& caller,
                                      std::shared_ptr<ServerStream>& stream) {
  std::string by;
  if (grpc::Status status = Admit(access_, caller, Action::kBackup, by);
      !status.ok()) {
    return status;
  }
  if (!backup_) {
    return RpcError(grpc::StatusCode::FAILED_PRECONDITION, kNotApplicable,
                    "this trustd has no store that could be copied");
  }
  // What is not what was written is not copied.
  if (const absl::Status health = mirror_.ledger().health(); !health.ok()) {
    return ErrorOf(health, kNotApplicable, kNotApplicable);
  }
  auto backup = backup_();
  if (absl::IsAlreadyExists(backup.status())) {
    return RpcError(grpc::StatusCode::RESOURCE_EXHAUSTED, kTooManyRequests,
                    std::string(backup.status().message()));
  }
  if (!backup.ok()) {
    return ErrorOf(backup.status(), kNotApplicable, kNotApplicable);
  }
  spdlog::info("{} takes a backup", by);
  stream = std::make_shared<BackupStream>(*std::move(backup), std::move(by));
  return grpc::Status::OK;
}

EvidenceServiceImpl::EvidenceServiceImpl(const Access& access, Mirror& mirror,
                                         RateLimit::Options limit, Clock clock,
                                         anchors::SteadyClock uptime)
    : access_(access),
      mirror_(mirror),
      limit_(limit),
      clock_(std::move(clock)),
      uptime_(std::move(uptime)) {}

void EvidenceServiceImpl::AddTo(CallGate& gate) {
  gate.AddUnary<v1::SubmitEvidenceRequest, v1::SubmitEvidenceResponse>(
      "/anchorage.v1.EvidenceService/SubmitEvidence",
      [this](const Caller& caller, const v1::SubmitEvidenceRequest& request,
             v1::SubmitEvidenceResponse& response) {
        std::string by;
        const grpc::Status status = Admit(access_, caller, Action::kProve, by);
        return status.ok() ? Submit(request, by, response) : status;
      });
}

grpc::Status EvidenceServiceImpl::Submit(
    const v1::SubmitEvidenceRequest& request, const std::string& by,
    v1::SubmitEvidenceResponse& response) {
  if (!limit_.Take(by, uptime_())) {
    return RpcError(grpc::StatusCode::RESOURCE_EXHAUSTED, kTooManyRequests,
                    "too much evidence under this name: wait a minute");
  }
  const auto outcome = mirror_.SubmitEvidence(request.evidence(), by, clock_());
  if (!outcome.ok()) {
    return ErrorOf(outcome.status(), kRotationNotFound, kNotApplicable);
  }
  response.set_outcome(ToProto(outcome->kind));
  response.set_rotation_id(outcome->rotation_id);
  *response.mutable_slot() = anchors::ToProto(outcome->slot);
  response.set_spki_sha256(outcome->spki_sha256);
  response.set_signer_serial(outcome->signer_serial);
  return grpc::Status::OK;
}

}  // namespace anchorage::trustd
