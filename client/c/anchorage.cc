#define ANCHORAGE_BUILDING
#include "client/c/anchorage.h"

#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/no_throw.h"
#include "anchors/tuf/tuf_error.h"
#include "client/http_transport.h"
#include "client/policy/identity_policy_document.h"
#include "client/policy/policy_document.h"
#include "client/trust_client.h"
#include "verify/identity/identity_evidence.h"
#include "verify/identity/pkcs7.h"
#include "verify/reason.h"
#include "verify/trace.h"

using anchorage::anchors::NoThrow;
using anchorage::client::TrustClient;
using anchorage::client::TrustClientOptions;
using anchorage::client::TrustClientState;
namespace anchors = anchorage::anchors;
namespace client = anchorage::client;
namespace verify = anchorage::verify;

// --- What the handles are ---------------------------------------------------

// Setters put the first mistake here.
struct WithFault {
  absl::Status fault;

  // Whether a text that was given is one.
  bool Take(const char* what, const void* bytes) {
    if (bytes != nullptr) return true;
    if (fault.ok()) {
      fault = NoThrow([&] {
        return absl::InvalidArgumentError(absl::StrCat(what, " is NULL"));
      });
    }
    return false;
  }
};

struct anchorage_options : WithFault {
  TrustClientOptions options;
};

struct anchorage_client {
  std::unique_ptr<TrustClient> client;
};

struct anchorage_identity_policy {
  verify::IdentityPolicy policy;
};

struct anchorage_attestation_policy {
  std::string text;
  std::string name;
  // Where nothing of a request or of the moment is needed.
  anchors::PolicyDocument policy;
};

struct anchorage_request : WithFault {
  std::optional<std::string> document;
  std::int32_t form = ANCHORAGE_FORM_RECOGNISED;
  std::optional<std::string> nonce;
};

struct anchorage_identity {
  verify::VerifiedIdentity identity;
};

struct anchorage_attestation {
  verify::AttestedFacts facts;
};

struct anchorage_state {
  TrustClientState state;
};

struct anchorage_error {
  std::int32_t code = ANCHORAGE_USAGE;
  std::string reason;
  std::optional<std::string> check;
  std::string message;
  std::int32_t certificate_index = -1;
};

namespace {

std::string_view View(const void* bytes, size_t size) {
  return {static_cast<const char*>(bytes), size};
}

anchorage_error* NoMemory() {
  static anchorage_error* const error =
      new anchorage_error{ANCHORAGE_UNDECIDED, "RESOURCES_EXHAUSTED",
                          std::nullopt, "no memory", -1};
  return error;
}
// Made when the library is loaded.
[[maybe_unused]] anchorage_error* const no_memory = NoMemory();

std::int32_t CodeOf(const absl::Status& status) {
  if (const auto reason = verify::ReasonOf(status); reason.has_value()) {
    return static_cast<std::int32_t>(verify::FamilyOf(*reason)) + 2;
  }
  if (const auto reason = anchors::tuf::TufReasonOf(status);
      reason.has_value()) {
    return *reason == anchors::tuf::TufReason::kFetchFailed
               ? ANCHORAGE_UNREACHABLE
               : ANCHORAGE_UPDATE_REFUSED;
  }
  return absl::IsResourceExhausted(status) ? ANCHORAGE_UNDECIDED
                                           : ANCHORAGE_USAGE;
}

std::string_view ReasonNameOf(const absl::Status& status) {
  if (const auto reason = verify::ReasonOf(status); reason.has_value()) {
    return verify::NameOf(*reason);
  }
  if (const auto reason = anchors::tuf::TufReasonOf(status);
      reason.has_value()) {
    return anchors::tuf::NameOf(*reason);
  }
  return absl::IsResourceExhausted(status) ? "RESOURCES_EXHAUSTED" : "USAGE";
}

// Puts an error made of `status` where the caller wants it.
std::int32_t Fail(const absl::Status& status, anchorage_error** error,
                  const verify::Trace* trace = nullptr) noexcept {
  const std::int32_t code = CodeOf(status);
  if (error == nullptr) return code;
  try {
    auto made = std::make_unique<anchorage_error>();
    made->code = code;
    made->reason = ReasonNameOf(status);
    const absl::string_view message = status.message();
    made->message.assign(message.data(), message.size());
    made->certificate_index = verify::CertificateIndexOf(status);
    if (trace != nullptr) {
      for (const auto& entry : trace->entries()) {
        if (entry.outcome == verify::Trace::Outcome::kFailed) {
          made->check = entry.check;
          break;
        }
      }
    }
    *error = made.release();
  } catch (...) {
    *error = NoMemory();
  }
  return code;
}

// Returns what `make` returns, on the heap; NULL and the error where it fails.
template <typename Handle, typename Make>
Handle* New(anchorage_error** error, Make make) noexcept {
  auto made = NoThrow(make);
  if (made.ok()) return made->release();
  Fail(made.status(), error);
  return nullptr;
}

absl::Status Null(const char* what) {
  return absl::InvalidArgumentError(absl::StrCat(what, " is NULL"));
}

void SetText(anchorage_options* options, const char* what, const void* bytes,
             size_t size, std::string TrustClientOptions::*field) {
  if (options == nullptr || !options->Take(what, bytes)) return;
  absl::Status s = NoThrow([&] {
    options->options.*field = View(bytes, size);
    return absl::OkStatus();
  });
  if (!s.ok() && options->fault.ok()) options->fault = std::move(s);
}

// OBJECT IDENTIFIER 1.2.840.113549.1.1: what RSA algorithms begin with.
constexpr std::string_view kRsaArc = "\x2a\x86\x48\x86\xf7\x0d\x01\x01";
constexpr std::string_view kSha256 = "\x60\x86\x48\x01\x65\x03\x04\x02\x01";

// The evidence in `text`, in the form that it is in.
absl::StatusOr<verify::IdentityEvidence> Recognise(
    std::string_view text, const anchorage_request* request,
    std::string& bytes) {
  using verify::IdentityForm;
  verify::IdentityEvidence evidence;
  if (request != nullptr) {
    if (!request->fault.ok()) return request->fault;
    if (request->document.has_value()) evidence.document = *request->document;
  }
  const std::int32_t form =
      request != nullptr ? request->form : ANCHORAGE_FORM_RECOGNISED;
  evidence.form = form == ANCHORAGE_FORM_SIGNATURE ? IdentityForm::kSignature
                  : form == ANCHORAGE_FORM_PKCS7   ? IdentityForm::kPkcs7
                                                   : IdentityForm::kRsa2048;
  auto decoded = verify::DecodeIdentitySignature(evidence.form, text);
  if (!decoded.ok()) {
    if (form != ANCHORAGE_FORM_RECOGNISED) return decoded.status();
    decoded = verify::DecodeIdentitySignature(IdentityForm::kSignature, text);
    if (!decoded.ok()) return decoded.status();
  }
  bytes = *std::move(decoded);
  evidence.signature = bytes;
  if (form != ANCHORAGE_FORM_RECOGNISED) return evidence;
  if (bytes.size() == verify::kRsa1024SignatureBytes) {
    evidence.form = IdentityForm::kSignature;
    return evidence;
  }
  const auto pkcs7 = verify::ParsePkcs7(bytes);
  if (!pkcs7.ok()) return pkcs7.status();
  // China's /pkcs7 is RSA too; what /rsa2048 is signed with today is SHA-256.
  evidence.form = pkcs7->signature_algorithm.starts_with(kRsaArc) &&
                          pkcs7->digest_algorithm == kSha256
                      ? IdentityForm::kRsa2048
                      : IdentityForm::kPkcs7;
  return evidence;
}

const char* Text(const std::string* text, size_t* size = nullptr) {
  if (size != nullptr) *size = text != nullptr ? text->size() : 0;
  return text != nullptr ? text->c_str() : nullptr;
}

const std::string* Get(const std::optional<std::string>& text) {
  return text.has_value() ? &*text : nullptr;
}

}  // namespace

// --- The calls --------------------------------------------------------------

const char* anchorage_version(void) { return "0.0.0 (prototype)"; }
int32_t anchorage_version_number(void) { return 0; }
void anchorage_string_free(char* text) { std::free(text); }

void anchorage_error_free(anchorage_error* error) {
  if (error != NoMemory()) delete error;
}
int32_t anchorage_error_code(const anchorage_error* error) {
  return error != nullptr ? error->code : ANCHORAGE_USAGE;
}
const char* anchorage_error_reason(const anchorage_error* error) {
  return error != nullptr ? error->reason.c_str() : nullptr;
}
const char* anchorage_error_check(const anchorage_error* error) {
  return error != nullptr ? Text(Get(error->check)) : nullptr;
}
const char* anchorage_error_message(const anchorage_error* error) {
  return error != nullptr ? error->message.c_str() : nullptr;
}
int32_t anchorage_error_certificate_index(const anchorage_error* error) {
  return error != nullptr ? error->certificate_index : -1;
}

anchorage_options* anchorage_options_new(void) {
  return New<anchorage_options>(
      nullptr, []() -> absl::StatusOr<std::unique_ptr<anchorage_options>> {
        return std::make_unique<anchorage_options>();
      });
}
void anchorage_options_free(anchorage_options* options) { delete options; }
void anchorage_options_set_url(anchorage_options* options, const char* url,
                               size_t size) {
  SetText(options, "url", url, size, &TrustClientOptions::metadata_url);
}
void anchorage_options_set_trusted_root(anchorage_options* options,
                                        const void* root, size_t size) {
  SetText(options, "trusted root", root, size,
          &TrustClientOptions::trusted_root);
}
void anchorage_options_set_cache_folder(anchorage_options* options,
                                        const char* path, size_t size) {
  SetText(options, "cache folder", path, size,
          &TrustClientOptions::cache_folder);
}
void anchorage_options_set_background_refresh(anchorage_options* options,
                                              int32_t on) {
  if (options != nullptr) options->options.background_refresh = on != 0;
}

anchorage_client* anchorage_client_new(const anchorage_options* options,
                                       anchorage_error** error) {
  return New<anchorage_client>(
      error, [&]() -> absl::StatusOr<std::unique_ptr<anchorage_client>> {
        if (options != nullptr && !options->fault.ok()) return options->fault;
        auto made = TrustClient::CreateWith(
            options != nullptr ? options->options : TrustClientOptions(),
            &client::OpenHttpTransport);
        if (!made.ok()) return made.status();
        return std::unique_ptr<anchorage_client>(
            new anchorage_client{*std::move(made)});
      });
}
void anchorage_client_free(anchorage_client* client) { delete client; }

int32_t anchorage_client_refresh(anchorage_client* client,
                                 anchorage_error** error) {
  const absl::Status status = NoThrow([&] {
    return client != nullptr ? client->client->Refresh() : Null("client");
  });
  return status.ok() ? ANCHORAGE_OK : Fail(status, error);
}

anchorage_state* anchorage_client_state(const anchorage_client* client,
                                        anchorage_error** error) {
  return New<anchorage_state>(
      error, [&]() -> absl::StatusOr<std::unique_ptr<anchorage_state>> {
        if (client == nullptr) return Null("client");
        return std::unique_ptr<anchorage_state>(
            new anchorage_state{client->client->state()});
      });
}
void anchorage_state_free(anchorage_state* state) { delete state; }
uint64_t anchorage_state_sequence(const anchorage_state* state) {
  return state != nullptr ? state->state.provenance.sequence : 0;
}

anchorage_identity_policy* anchorage_identity_policy_read(
    const char* text, size_t size, const char* name, size_t name_size,
    anchorage_error** error) {
  return New<anchorage_identity_policy>(
      error,
      [&]() -> absl::StatusOr<std::unique_ptr<anchorage_identity_policy>> {
        if (text == nullptr || name == nullptr) return Null("text or name");
        auto policy = anchors::ReadIdentityPolicy(View(text, size),
                                                  std::string(name, name_size));
        if (!policy.ok()) return policy.status();
        return std::unique_ptr<anchorage_identity_policy>(
            new anchorage_identity_policy{*std::move(policy)});
      });
}
void anchorage_identity_policy_free(anchorage_identity_policy* policy) {
  delete policy;
}

anchorage_attestation_policy* anchorage_attestation_policy_read(
    const char* text, size_t size, const char* name, size_t name_size,
    anchorage_error** error) {
  return New<anchorage_attestation_policy>(
      error,
      [&]() -> absl::StatusOr<std::unique_ptr<anchorage_attestation_policy>> {
        if (text == nullptr || name == nullptr) return Null("text or name");
        std::string named(name, name_size);
        auto policy = anchors::ReadPolicyDocument(View(text, size), named, {});
        if (!policy.ok()) return policy.status();
        return std::unique_ptr<anchorage_attestation_policy>(
            new anchorage_attestation_policy{
                std::string(text, size), std::move(named), *std::move(policy)});
      });
}
void anchorage_attestation_policy_free(anchorage_attestation_policy* policy) {
  delete policy;
}

anchorage_request* anchorage_request_new(void) {
  return New<anchorage_request>(
      nullptr, []() -> absl::StatusOr<std::unique_ptr<anchorage_request>> {
        return std::make_unique<anchorage_request>();
      });
}
void anchorage_request_free(anchorage_request* request) { delete request; }
void anchorage_request_set_document(anchorage_request* request,
                                    const void* document, size_t size) {
  if (request == nullptr || !request->Take("document", document)) return;
  (void)NoThrow([&] {
    request->document.emplace(View(document, size));
    return absl::OkStatus();
  });
}
void anchorage_request_set_form(anchorage_request* request, int32_t form) {
  if (request != nullptr) request->form = form;
}

anchorage_identity* anchorage_verify_identity(
    const anchorage_client* client, const void* text, size_t size,
    const anchorage_identity_policy* policy, const anchorage_request* request,
    anchorage_error** error) {
  return New<anchorage_identity>(
      error, [&]() -> absl::StatusOr<std::unique_ptr<anchorage_identity>> {
        if (client == nullptr || text == nullptr || policy == nullptr) {
          return Null("client, text or policy");
        }
        std::string bytes;
        const auto evidence = Recognise(View(text, size), request, bytes);
        if (!evidence.ok()) return evidence.status();
        auto identity =
            client->client->VerifyIdentity(*evidence, policy->policy);
        if (!identity.ok()) return identity.status();
        return std::unique_ptr<anchorage_identity>(
            new anchorage_identity{*std::move(identity)});
      });
}
void anchorage_identity_free(anchorage_identity* identity) { delete identity; }
const char* anchorage_identity_account_id(const anchorage_identity* identity) {
  return identity != nullptr ? identity->identity.document().account_id.c_str()
                             : nullptr;
}
const char* anchorage_identity_region(const anchorage_identity* identity) {
  return identity != nullptr ? identity->identity.document().region.c_str()
                             : nullptr;
}
const char* anchorage_identity_instance_id(const anchorage_identity* identity) {
  return identity != nullptr ? identity->identity.document().instance_id.c_str()
                             : nullptr;
}

anchorage_attestation* anchorage_verify_attestation(
    const anchorage_client* client, const void* document, size_t size,
    const anchorage_attestation_policy* policy,
    const anchorage_request* request, anchorage_error** error) {
  return New<anchorage_attestation>(
      error, [&]() -> absl::StatusOr<std::unique_ptr<anchorage_attestation>> {
        if (client == nullptr || document == nullptr || policy == nullptr) {
          return Null("client, document or policy");
        }
        if (request != nullptr && !request->fault.ok()) return request->fault;
        const auto made = [](auto verified)
            -> absl::StatusOr<std::unique_ptr<anchorage_attestation>> {
          if (!verified.ok()) return verified.status();
          return std::unique_ptr<anchorage_attestation>(
              new anchorage_attestation{verified->facts()});
        };
        if (const auto* enclave =
                std::get_if<verify::EnclavePolicy>(&policy->policy)) {
          return made(
              client->client->VerifyEnclave(View(document, size), *enclave));
        }
        return made(client->client->VerifyNitroTpm(
            View(document, size),
            std::get<verify::NitroTpmPolicy>(policy->policy)));
      });
}
void anchorage_attestation_free(anchorage_attestation* attestation) {
  delete attestation;
}
const char* anchorage_attestation_module_id(
    const anchorage_attestation* attestation) {
  return attestation != nullptr ? attestation->facts.module_id.c_str()
                                : nullptr;
}
const char* anchorage_attestation_region(
    const anchorage_attestation* attestation) {
  return attestation != nullptr ? Text(Get(attestation->facts.region))
                                : nullptr;
}
