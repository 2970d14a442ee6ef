#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "client/c/calls.h"
#include "client/instance/instance_error.h"
#include "client/instance/this_instance.h"

namespace anchors = anchorage::anchors;
namespace verify = anchorage::verify;
using anchorage::anchors::NoThrow;
using anchorage::c::CheckHandle;
using anchorage::c::Fail;
using anchorage::c::Mistake;
using anchorage::c::NoError;
using anchorage::c::Stage;
using anchorage::c::Verification;
using anchorage::c::View;
using anchorage::client::InstanceReasonOf;
using anchorage::client::ThisInstanceOptions;
using anchorage::client::TrustClient;
using anchorage::client::TrustClientState;

namespace {

// Whether a request, which may be none, can be what was meant.
absl::Status CheckRequest(const anchorage_request* request) {
  if (request == nullptr) return absl::OkStatus();
  if (absl::Status s = CheckHandle("request", request); !s.ok()) return s;
  return request->fault();
}

absl::Status CheckArguments(const anchorage_client* client, const void* bytes,
                            const anchorage_request* request) {
  if (absl::Status s = CheckHandle("client", client); !s.ok()) return s;
  if (bytes == nullptr) return Mistake("evidence", "is NULL");
  return CheckRequest(request);
}

verify::Trace TraceFor(const anchorage_request* request) {
  return verify::Trace(request != nullptr && request->trace
                           ? verify::Trace::Records::kAll
                           : verify::Trace::Records::kFailure);
}

// The form that a request names; the usual one where it names none.
verify::IdentityForm FormOf(const anchorage_request* request) {
  return request == nullptr || request->form == ANCHORAGE_FORM_RECOGNISED
             ? verify::IdentityForm::kRsa2048
             : verify::kIdentityForms[request->form - 1].form;
}

absl::StatusOr<verify::IdentityEvidence> EvidenceIn(
    std::string_view text, const anchorage_request* request,
    std::string& bytes) {
  if (request == nullptr) return verify::RecogniseIdentityForm(text, bytes);
  verify::IdentityEvidence evidence;
  if (request->form == ANCHORAGE_FORM_RECOGNISED) {
    auto recognised = verify::RecogniseIdentityForm(text, bytes);
    if (!recognised.ok()) return recognised.status();
    evidence = *recognised;
  } else {
    evidence.form = FormOf(request);
    auto decoded = verify::DecodeIdentitySignature(evidence.form, text);
    if (!decoded.ok()) return decoded.status();
    bytes = *std::move(decoded);
    evidence.signature = bytes;
  }
  if (request->document.has_value()) evidence.document = *request->document;
  return evidence;
}

absl::Status CheckForIdentity(const anchorage_request& request) {
  return request.is_for_attestation()
             ? Mistake("request",
                       "has a nonce, user data or public key, which no "
                       "identity document has")
             : absl::OkStatus();
}

absl::Status NotAsked() {
  return Mistake("request", "says how to ask IMDS, and nobody asks it here");
}

// The result of a verification.
std::unique_ptr<anchorage_identity> Made(verify::VerifiedIdentity identity,
                                         Verification& verification) {
  auto made = std::make_unique<anchorage_identity>(std::move(identity));
  made->used = verification.used;
  made->trace = std::move(verification.trace);
  return made;
}

absl::StatusOr<std::unique_ptr<anchorage_identity>> VerifyIdentity(
    const anchorage_client* client, const void* text, std::size_t size,
    const anchorage_identity_policy* policy, const anchorage_request* request,
    Verification& verification) {
  absl::Status s = CheckArguments(client, text, request);
  if (s.ok()) s = CheckHandle("policy", policy);
  if (!s.ok()) return s;
  if (request != nullptr) {
    if (s = CheckForIdentity(*request); !s.ok()) return s;
    if (request->is_for_this_instance()) return NotAsked();
    if (request->ledger != nullptr && request->recorded_at.has_value()) {
      return Mistake("request", "has a ledger, and recorded evidence");
    }
  }
  verification.begun = true;
  verification.trace = TraceFor(request);
  std::string bytes;
  const auto evidence = EvidenceIn(View(text, size), request, bytes);
  if (!evidence.ok()) {
    (void)client->client->anchors(&verification.used);
    if (request == nullptr || !request->recorded_at.has_value()) {
      client->client->CountUnreadable(evidence.status(), FormOf(request));
    }
    return evidence.status();
  }
  auto identity = [&] {
    if (request == nullptr || !request->recorded_at.has_value()) {
      return client->client->VerifyIdentity(
          *evidence, policy->policy,
          request != nullptr && request->ledger != nullptr ? &request->replay
                                                           : nullptr,
          &verification.trace, &verification.used);
    }
    const auto anchors = client->client->anchors(&verification.used);
    return verify::VerifyRecordedIdentity(*evidence, *anchors, policy->policy,
                                          *request->recorded_at,
                                          &verification.trace);
  }();
  if (!identity.ok()) return identity.status();
  return Made(*std::move(identity), verification);
}

absl::StatusOr<std::unique_ptr<anchorage_identity>> VerifyThisInstance(
    const anchorage_client* client, const anchorage_identity_policy* policy,
    const anchorage_request* request, Verification& verification) {
  absl::Status s = CheckHandle("client", client);
  if (s.ok()) s = CheckRequest(request);
  if (s.ok()) s = CheckHandle("policy", policy);
  if (s.ok() && request != nullptr) s = CheckForIdentity(*request);
  if (!s.ok()) return s;
  ThisInstanceOptions options;
  if (request != nullptr) {
    if (request->document.has_value() || request->recorded_at.has_value() ||
        request->form != ANCHORAGE_FORM_RECOGNISED) {
      return Mistake("request",
                     "has a document, form or time, which IMDS decides");
    }
    if (request->ledger != nullptr) options.replay = &request->replay;
    if (request->imds.has_value()) options.imds = *request->imds;
  }
  verification.trace = TraceFor(request);
  options.trace = &verification.trace;
  options.used = &verification.used;
  (void)client->client->anchors(&verification.used);
  auto identity = anchorage::client::VerifyThisInstance(
      *client->client, policy->policy, options);
  verification.begun = !InstanceReasonOf(identity.status()).has_value();
  if (!identity.ok()) return identity.status();
  return Made(*std::move(identity), verification);
}

absl::StatusOr<anchors::PolicyDocument> PolicyFor(
    const TrustClient& client, const anchors::PolicyText& text,
    const anchorage_request* request) {
  anchors::PolicyDocumentOptions options;
  if (request != nullptr) {
    options.nonce = request->nonce;
    options.user_data = request->user_data;
    options.public_key = request->public_key;
  }
  options.releases = client.releases();
  return text.Build(options);
}

absl::StatusOr<std::unique_ptr<anchorage_attestation>> VerifyAttestation(
    const anchorage_client* client, const void* document, std::size_t size,
    const anchorage_attestation_policy* policy,
    const anchorage_request* request, Verification& verification) {
  absl::Status s = CheckArguments(client, document, request);
  if (s.ok()) s = CheckHandle("policy", policy);
  if (!s.ok()) return s;
  if (request != nullptr && request->is_for_identity()) {
    return Mistake("request",
                   "has a document, form or ledger, which are for "
                   "identity documents");
  }
  if (request != nullptr && request->is_for_this_instance()) return NotAsked();
  std::optional<absl::StatusOr<anchors::PolicyDocument>> made;
  if (policy->text.expects_release() ||
      (request != nullptr && request->is_for_attestation())) {
    made = PolicyFor(*client->client, policy->text, request);
  }
  const auto& with = made.has_value() ? *made : policy->alone;
  if (!with.ok()) return with.status();

  verification.begun = true;
  verification.trace = TraceFor(request);
  const auto verify = [&](const auto& typed, auto live, auto recorded)
      -> absl::StatusOr<std::unique_ptr<anchorage_attestation>> {
    auto verified = [&] {
      if (request == nullptr || !request->recorded_at.has_value()) {
        return (*client->client.*live)(View(document, size), typed,
                                       &verification.trace, &verification.used);
      }
      const auto anchors = client->client->anchors(&verification.used);
      return recorded(View(document, size), *anchors, typed,
                      verify::RecordedTime::At(*request->recorded_at), nullptr,
                      &verification.trace);
    }();
    if (!verified.ok()) return verified.status();
    auto attestation = std::make_unique<anchorage_attestation>();
    attestation->facts = verified->facts();
    attestation->type = verified->type();
    attestation->used = verification.used;
    attestation->trace = std::move(verification.trace);
    return attestation;
  };
  if (const auto* enclave = std::get_if<verify::EnclavePolicy>(&*with)) {
    return verify(*enclave, &TrustClient::VerifyEnclave,
                  &verify::VerifyRecordedEnclave);
  }
  return verify(std::get<verify::NitroTpmPolicy>(*with),
                &TrustClient::VerifyNitroTpm, &verify::VerifyRecordedNitroTpm);
}

// Returns what `verify` returns for a new Verification about `subject`.
template <typename T, typename Verify>
T* Verified(const char* subject, anchorage_error** error,
            Verify verify) noexcept {
  NoError(error);
  Verification verification;
  verification.subject = subject;
  absl::StatusOr<std::unique_ptr<T>> made =
      NoThrow([&] { return verify(verification); });
  if (made.ok()) return made->release();
  Fail(made.status(), verification.begun ? Stage::kEvidence : Stage::kUsage,
       error, &verification);
  return nullptr;
}

}  // namespace

anchorage_identity* anchorage_verify_identity(
    const anchorage_client* client, const void* text, size_t size,
    const anchorage_identity_policy* policy, const anchorage_request* request,
    anchorage_error** error) {
  return Verified<anchorage_identity>(
      "identity", error, [&](Verification& verification) {
        return VerifyIdentity(client, text, size, policy, request,
                              verification);
      });
}

anchorage_identity* anchorage_verify_this_instance(
    const anchorage_client* client, const anchorage_identity_policy* policy,
    const anchorage_request* request, anchorage_error** error) {
  return Verified<anchorage_identity>(
      "identity", error, [&](Verification& verification) {
        return VerifyThisInstance(client, policy, request, verification);
      });
}

anchorage_attestation* anchorage_verify_attestation(
    const anchorage_client* client, const void* document, size_t size,
    const anchorage_attestation_policy* policy,
    const anchorage_request* request, anchorage_error** error) {
  return Verified<anchorage_attestation>(
      "attestation", error, [&](Verification& verification) {
        return VerifyAttestation(client, document, size, policy, request,
                                 verification);
      });
}
