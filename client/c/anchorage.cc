#define ANCHORAGE_BUILDING
#include "client/c/anchorage.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/base/no_throw.h"
#include "anchors/base/version.h"
#include "anchors/tuf/tuf_error.h"
#include "client/bundle_file.h"
#include "client/http_transport.h"
#include "client/policy/identity_policy_document.h"
#include "client/policy/policy_document.h"
#include "client/trust_client.h"
#include "client/verdict_json.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/encoding/utf8.h"
#include "verify/identity/identity_verifier.h"
#include "verify/printable.h"
#include "verify/reason.h"
#include "verify/trace.h"

using anchorage::anchors::NoThrow;
using anchorage::client::AnchorsUsed;
using anchorage::client::TrustClient;
using anchorage::client::TrustClientOptions;
using anchorage::client::TrustClientState;
namespace anchors = anchorage::anchors;
namespace client = anchorage::client;
namespace verify = anchorage::verify;

// --- What the handles are ---------------------------------------------------

namespace {

// Whether the memory of handles that were freed is kept, so that whoever uses
// one is told.
const bool keep_freed = secure_getenv("ANCHORAGE_DEBUG") != nullptr;

// Begins every handle, and tells those of one type from all else.
template <std::uint32_t kMagic>
class Handle {
 public:
  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { magic_ = 0; }
  // Not inlined: else g++ takes the pair apart, and warns of it.
  [[gnu::noinline]] static void* operator new(std::size_t size) {
    return ::operator new(size);
  }
  [[gnu::noinline]] static void operator delete(void* memory) {
    if (!keep_freed) ::operator delete(memory);
  }

  bool is_live() const { return magic_ == kMagic; }

 private:
  // Volatile, so that the last write is made.
  volatile std::uint32_t magic_ = kMagic;
};

constexpr std::size_t kMaxGivenBytes = 16 * 1024 * 1024;

std::string_view View(const void* bytes, std::size_t size) {
  return {static_cast<const char*>(bytes), size};
}

absl::Status Mistake(const char* what, std::string_view how) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, " ", absl::string_view(how.data(), how.size())));
}

// Whether bytes that were given are there.
absl::Status CheckBytes(const char* what, const void* bytes, std::size_t size) {
  if (bytes == nullptr) return Mistake(what, "is NULL");
  return size <= kMaxGivenBytes ? absl::OkStatus()
                                : Mistake(what, "is larger than 16 MiB");
}

absl::Status CheckText(const char* what, const void* text, std::size_t size) {
  if (absl::Status s = CheckBytes(what, text, size); !s.ok()) return s;
  return verify::IsUtf8(View(text, size)) ? absl::OkStatus()
                                          : Mistake(what, "is not UTF-8");
}

// The text of something that is left out by not being set.
absl::Status CheckSaid(const char* what, const void* text, std::size_t size) {
  if (absl::Status s = CheckText(what, text, size); !s.ok()) return s;
  if (size == 0) return Mistake(what, "is empty");
  return std::memchr(text, 0, size) == nullptr ? absl::OkStatus()
                                               : Mistake(what, "holds a NUL");
}

template <typename T>
absl::Status CheckHandle(const char* what, const T* handle) {
  if (handle == nullptr) return Mistake(what, "is NULL");
  return handle->is_live()
             ? absl::OkStatus()
             : Mistake(what, "was freed, or is an object of another type");
}

// Keeps the first mistake of an object's setters.
class WithFault {
 public:
  const absl::Status& fault() const { return fault_; }

  // Calls `set` unless there was a mistake before.
  template <typename Set>
  void Try(Set set) noexcept {
    if (fault_.ok()) fault_ = NoThrow(set);
  }

 private:
  absl::Status fault_;
};

}  // namespace

struct anchorage_options : Handle<0x616f7074>, WithFault {
  TrustClientOptions options;
};

struct anchorage_client : Handle<0x61636c69> {
  std::unique_ptr<TrustClient> client;
};

struct anchorage_identity_policy : Handle<0x61697000> {
  explicit anchorage_identity_policy(verify::IdentityPolicy given)
      : policy(std::move(given)) {}
  const verify::IdentityPolicy policy;
};

struct anchorage_attestation_policy : Handle<0x61617000> {
  anchorage_attestation_policy(anchors::PolicyText given,
                               absl::StatusOr<anchors::PolicyDocument> made)
      : text(std::move(given)), alone(std::move(made)) {}
  const anchors::PolicyText text;
  // Made of the text alone, where that can be.
  const absl::StatusOr<anchors::PolicyDocument> alone;
};

struct anchorage_ledger : Handle<0x616c6564> {
  explicit anchorage_ledger(std::size_t max_entries)
      : ledger(std::make_shared<verify::InMemoryReplayLedger>(max_entries)) {}
  const std::shared_ptr<verify::InMemoryReplayLedger> ledger;
};

struct anchorage_request : Handle<0x61726571>, WithFault {
  bool is_for_identity() const {
    return document.has_value() || form != ANCHORAGE_FORM_RECOGNISED ||
           ledger != nullptr;
  }
  bool is_for_attestation() const {
    return nonce.has_value() || user_data.has_value() || public_key.has_value();
  }

  std::optional<std::string> document;
  std::int32_t form = ANCHORAGE_FORM_RECOGNISED;
  // Where `replay` has its ledger.
  std::shared_ptr<verify::InMemoryReplayLedger> ledger;
  verify::ReplayCheck replay;
  std::optional<std::string> nonce;
  std::optional<std::string> user_data;
  std::optional<std::string> public_key;
  std::optional<absl::Time> recorded_at;
  bool trace = false;
};

struct anchorage_identity : Handle<0x61696400> {
  explicit anchorage_identity(verify::VerifiedIdentity verified)
      : identity(std::move(verified)) {}
  const verify::VerifiedIdentity identity;
  AnchorsUsed used;
  verify::Trace trace;
};

struct anchorage_attestation : Handle<0x61617474> {
  verify::AttestedFacts facts;
  verify::AttestationType type = verify::AttestationType::kEnclave;
  AnchorsUsed used;
  verify::Trace trace;
};

struct anchorage_state : Handle<0x61737461> {
  TrustClientState state;
};

struct anchorage_event {
  const char* name = "";
  std::string reason;
  std::string message;
  std::uint64_t sequence = 0;
};

struct anchorage_error : Handle<0x61657272> {
  std::int32_t code = ANCHORAGE_UNDECIDED;
  std::string reason;
  std::string check;
  std::string message;
  std::int32_t certificate_index = -1;
  // Of a refusal.
  const char* subject = nullptr;
  absl::Status status;
  AnchorsUsed used;
  verify::Trace trace;
};

namespace {

// --- Errors -----------------------------------------------------------------

// For when nothing can be made any more; made when the library is loaded.
template <typename T>
T* StaticHandle() {
  static T* const handle = new T();
  return handle;
}

[[maybe_unused]] const bool static_handles_made = [] {
  anchorage_error& error = *StaticHandle<anchorage_error>();
  error.reason = "RESOURCES_EXHAUSTED";
  error.message = "no memory";
  const auto no_memory = [] {
    return absl::ResourceExhaustedError("no memory");
  };
  StaticHandle<anchorage_options>()->Try(no_memory);
  StaticHandle<anchorage_request>()->Try(no_memory);
  return true;
}();

// What was being done. Only evidence is refused with a family of reasons.
enum class Stage { kUsage, kRefresh, kEvidence };

std::int32_t CodeOf(const absl::Status& status, Stage stage) {
  if (const auto reason = verify::ReasonOf(status); reason.has_value()) {
    const verify::Family family = verify::FamilyOf(*reason);
    if (family == verify::Family::kUndecided) return ANCHORAGE_UNDECIDED;
    switch (stage) {
      case Stage::kUsage:
        return ANCHORAGE_USAGE;
      case Stage::kRefresh:
        return ANCHORAGE_UPDATE_REFUSED;
      case Stage::kEvidence:
        return static_cast<std::int32_t>(family) + ANCHORAGE_UNREADABLE;
    }
  }
  using anchors::tuf::TufReason;
  if (const auto reason = anchors::tuf::TufReasonOf(status);
      reason.has_value()) {
    return *reason == TufReason::kFetchFailed ||
                   *reason == TufReason::kFileNotOnServer
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

std::string MessageOf(const absl::Status& status) {
  const absl::string_view message = status.message();
  return verify::Printable({message.data(), message.size()},
                           verify::kMaxSentenceBytes);
}

// What is known of a verification beside its result.
struct Verification {
  const char* subject = nullptr;
  // Whether the evidence is what fails, and not what was given beside it.
  bool begun = false;
  verify::Trace trace;
  AnchorsUsed used;
};

void NoError(anchorage_error** error) {
  if (error != nullptr) *error = nullptr;
}

// Puts an error where the caller wants it, and returns its code.
std::int32_t Fail(const absl::Status& status, Stage stage,
                  anchorage_error** error,
                  Verification* verification = nullptr) noexcept {
  // Also to read a reason from a status takes memory.
  try {
    const std::int32_t code = CodeOf(status, stage);
    if (error == nullptr) return code;
    auto made = std::make_unique<anchorage_error>();
    made->code = code;
    made->reason = ReasonNameOf(status);
    made->message = MessageOf(status);
    made->certificate_index = verify::CertificateIndexOf(status);
    if (verification != nullptr && verification->begun) {
      made->check = verification->trace.failed_check();
      made->subject = verification->subject;
      made->status = status;
      made->used = verification->used;
      made->trace = std::move(verification->trace);
    }
    *error = made.release();
    return code;
  } catch (...) {
    if (error != nullptr) *error = StaticHandle<anchorage_error>();
    return ANCHORAGE_UNDECIDED;
  }
}

// --- Handles and texts ------------------------------------------------------

template <typename T>
const T* Live(const T* handle) {
  return handle != nullptr && handle->is_live() ? handle : nullptr;
}

template <typename T>
T* Live(T* handle) {
  return handle != nullptr && handle->is_live() ? handle : nullptr;
}

template <typename T>
void Free(T* handle) {
  delete Live(handle);
}

// Returns what `make` returns; NULL and the error where it fails.
template <typename T, typename Make>
T* New(Stage stage, anchorage_error** error, Make make) noexcept {
  NoError(error);
  absl::StatusOr<std::unique_ptr<T>> made = NoThrow(make);
  if (made.ok()) return made->release();
  Fail(made.status(), stage, error);
  return nullptr;
}

// Never NULL.
template <typename T>
T* NewWithFault() noexcept {
  T* made = New<T>(Stage::kUsage, nullptr,
                   []() -> absl::StatusOr<std::unique_ptr<T>> {
                     return std::make_unique<T>();
                   });
  return made != nullptr ? made : StaticHandle<T>();
}

template <typename T>
void FreeWithFault(T* handle) {
  if (handle != StaticHandle<T>()) Free(handle);
}

// What is absent is NULL, with the size 0.
const char* Text(const std::string* text, std::size_t* size = nullptr) {
  if (size != nullptr) *size = text != nullptr ? text->size() : 0;
  return text != nullptr ? text->c_str() : nullptr;
}

const std::string* Said(const std::optional<std::string>& text) {
  return text.has_value() ? &*text : nullptr;
}

const std::string* Said(const std::string& text) {
  return text.empty() ? nullptr : &text;
}

// A new text that anchorage_string_free() frees; NULL where there is no memory.
template <typename Make>
char* NewText(std::size_t* size, Make make) noexcept {
  if (size != nullptr) *size = 0;
  try {
    const std::string text = make();
    char* const copy = static_cast<char*>(std::malloc(text.size() + 1));
    if (copy == nullptr) return nullptr;
    std::memcpy(copy, text.c_str(), text.size() + 1);
    if (size != nullptr) *size = text.size();
    return copy;
  } catch (...) {
    return nullptr;
  }
}

// `time` as milliseconds; whether there is such a time.
std::int32_t PutTime(absl::Time time, std::int64_t* out) {
  const bool is_finite =
      time != absl::InfinitePast() && time != absl::InfiniteFuture();
  if (is_finite && out != nullptr) *out = absl::ToUnixMillis(time);
  return is_finite ? 1 : 0;
}

// --- Setters ----------------------------------------------------------------

using Check = absl::Status(const char*, const void*, std::size_t);

void SetText(anchorage_options* options, Check* check, const char* what,
             const void* bytes, std::size_t size,
             std::string TrustClientOptions::*field) {
  if (Live(options) == nullptr) return;
  options->Try([&] {
    absl::Status s = check(what, bytes, size);
    if (s.ok() && size == 0) s = Mistake(what, "is empty");
    if (s.ok()) options->options.*field = View(bytes, size);
    return s;
  });
}

absl::Status SetYesOrNo(const char* what, std::int32_t given, bool& field) {
  if (given != 0 && given != 1) return Mistake(what, "is neither 0 nor 1");
  field = given == 1;
  return absl::OkStatus();
}

void SetWhenExpired(anchorage_options* options, std::int32_t what,
                    client::WhenExpired TrustClientOptions::*field) {
  if (Live(options) == nullptr) return;
  options->Try([&] {
    if (what != ANCHORAGE_WHEN_EXPIRED_SERVE_LAST_GOOD &&
        what != ANCHORAGE_WHEN_EXPIRED_REFUSE) {
      return Mistake("when expired", "is neither SERVE_LAST_GOOD nor REFUSE");
    }
    options->options.*field = what == ANCHORAGE_WHEN_EXPIRED_REFUSE
                                  ? client::WhenExpired::kRefuse
                                  : client::WhenExpired::kServeLastGood;
    return absl::OkStatus();
  });
}

void SetBytes(anchorage_request* request, const char* what, const void* bytes,
              std::size_t size,
              std::optional<std::string> anchorage_request::*field) {
  if (Live(request) == nullptr) return;
  request->Try([&] {
    absl::Status s = CheckBytes(what, bytes, size);
    if (s.ok()) request->*field = View(bytes, size);
    return s;
  });
}

// --- Verification -----------------------------------------------------------

// How many event callbacks this thread is in.
thread_local int callbacks = 0;

struct InCallback {
  InCallback() { ++callbacks; }
  ~InCallback() { --callbacks; }
};

absl::Status Tell(anchorage_event_callback callback, void* user,
                  const absl::Status& ended, std::uint64_t sequence) {
  anchorage_event event;
  event.sequence = sequence;
  event.name = "REFRESHED";
  if (!ended.ok()) {
    const std::int32_t code = CodeOf(ended, Stage::kRefresh);
    event.name = code == ANCHORAGE_UNREACHABLE      ? "UNREACHABLE"
                 : code == ANCHORAGE_UPDATE_REFUSED ? "UPDATE_REFUSED"
                                                    : "FAILED";
    event.reason = ReasonNameOf(ended);
    event.message = MessageOf(ended);
  }
  const InCallback in_callback;
  callback(&event, user);
  return absl::OkStatus();
}

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

AnchorsUsed InUse(const TrustClient& client) {
  const TrustClientState state = client.state();
  return {state.provenance, state.freshness};
}

verify::Trace TraceFor(const anchorage_request* request) {
  return verify::Trace(request != nullptr && request->trace
                           ? verify::Trace::Records::kAll
                           : verify::Trace::Records::kFailure);
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
    evidence.form = verify::kIdentityForms[request->form - 1].form;
    auto decoded = verify::DecodeIdentitySignature(evidence.form, text);
    if (!decoded.ok()) return decoded.status();
    bytes = *std::move(decoded);
    evidence.signature = bytes;
  }
  if (request->document.has_value()) evidence.document = *request->document;
  return evidence;
}

absl::StatusOr<std::unique_ptr<anchorage_identity>> VerifyIdentity(
    const anchorage_client* client, const void* text, std::size_t size,
    const anchorage_identity_policy* policy, const anchorage_request* request,
    Verification& verification) {
  absl::Status s = CheckArguments(client, text, request);
  if (s.ok()) s = CheckHandle("policy", policy);
  if (!s.ok()) return s;
  if (request != nullptr) {
    if (request->is_for_attestation()) {
      return Mistake("request",
                     "has a nonce, user data or public key, which "
                     "no identity document has");
    }
    if (request->ledger != nullptr && request->recorded_at.has_value()) {
      return Mistake("request", "has a ledger, and recorded evidence");
    }
  }
  verification.begun = true;
  verification.trace = TraceFor(request);
  std::string bytes;
  const auto evidence = EvidenceIn(View(text, size), request, bytes);
  if (!evidence.ok()) {
    verification.used = InUse(*client->client);
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
    verification.used = InUse(*client->client);
    return verify::VerifyRecordedIdentity(*evidence, *client->client->anchors(),
                                          policy->policy, *request->recorded_at,
                                          &verification.trace);
  }();
  if (!identity.ok()) return identity.status();
  auto made = std::make_unique<anchorage_identity>(*std::move(identity));
  made->used = verification.used;
  made->trace = std::move(verification.trace);
  return made;
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
    const bool is_live =
        request == nullptr || !request->recorded_at.has_value();
    if (!is_live) verification.used = InUse(*client->client);
    auto verified =
        is_live
            ? (*client->client.*live)(View(document, size), typed,
                                      &verification.trace, &verification.used)
            : recorded(View(document, size), *client->client->anchors(), typed,
                       verify::RecordedTime::At(*request->recorded_at), nullptr,
                       &verification.trace);
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

const verify::IdentityDocument* DocumentOf(const anchorage_identity* identity) {
  return Live(identity) != nullptr ? &identity->identity.document() : nullptr;
}

const char* FieldOf(const anchorage_identity* identity,
                    std::string verify::IdentityDocument::*field) {
  const verify::IdentityDocument* const document = DocumentOf(identity);
  return document != nullptr ? Text(Said(document->*field)) : nullptr;
}

using List = std::optional<std::vector<std::string>>;

std::int32_t CountOf(const anchorage_identity* identity,
                     List verify::IdentityDocument::*field,
                     std::size_t* count) {
  const verify::IdentityDocument* const document = DocumentOf(identity);
  const bool has = document != nullptr && (document->*field).has_value();
  if (count != nullptr) *count = has ? (document->*field)->size() : 0;
  return has ? 1 : 0;
}

const char* ElementOf(const anchorage_identity* identity,
                      List verify::IdentityDocument::*field,
                      std::size_t index) {
  std::size_t count = 0;
  CountOf(identity, field, &count);
  return index < count ? Text(&(*(DocumentOf(identity)->*field))[index])
                       : nullptr;
}

template <typename Field>
const char* FactOf(const anchorage_attestation* attestation,
                   Field verify::AttestedFacts::*field,
                   std::size_t* size = nullptr) {
  return Text(
      Live(attestation) != nullptr ? Said(attestation->facts.*field) : nullptr,
      size);
}

}  // namespace

// --- The library ------------------------------------------------------------

const char* anchorage_version(void) {
  return anchorage::anchors::kVersionAndCommit;
}
int32_t anchorage_version_number(void) {
  return anchorage::anchors::kVersionNumber;
}
void anchorage_string_free(char* text) { std::free(text); }

// --- Errors -----------------------------------------------------------------

void anchorage_error_free(anchorage_error* error) { FreeWithFault(error); }
int32_t anchorage_error_code(const anchorage_error* error) {
  return Live(error) != nullptr ? error->code : ANCHORAGE_USAGE;
}
const char* anchorage_error_reason(const anchorage_error* error) {
  return Live(error) != nullptr ? error->reason.c_str() : nullptr;
}
const char* anchorage_error_check(const anchorage_error* error) {
  return Live(error) != nullptr ? Text(Said(error->check)) : nullptr;
}
const char* anchorage_error_message(const anchorage_error* error) {
  return Live(error) != nullptr ? error->message.c_str() : nullptr;
}
int32_t anchorage_error_certificate_index(const anchorage_error* error) {
  return Live(error) != nullptr ? error->certificate_index : -1;
}
char* anchorage_error_json(const anchorage_error* error, size_t* size) {
  if (size != nullptr) *size = 0;
  if (Live(error) == nullptr || error->subject == nullptr) return nullptr;
  return NewText(size, [error] {
    return client::RefusalJson(error->subject, error->status, error->used,
                               error->trace);
  });
}

// --- Options ----------------------------------------------------------------

anchorage_options* anchorage_options_new(void) {
  return NewWithFault<anchorage_options>();
}
void anchorage_options_free(anchorage_options* options) {
  FreeWithFault(options);
}
void anchorage_options_set_url(anchorage_options* options, const char* url,
                               size_t size) {
  SetText(options, CheckSaid, "url", url, size,
          &TrustClientOptions::metadata_url);
}
void anchorage_options_set_targets_url(anchorage_options* options,
                                       const char* url, size_t size) {
  SetText(options, CheckSaid, "targets url", url, size,
          &TrustClientOptions::targets_url);
}
void anchorage_options_set_trusted_root(anchorage_options* options,
                                        const void* root, size_t size) {
  SetText(options, CheckBytes, "trusted root", root, size,
          &TrustClientOptions::trusted_root);
}
void anchorage_options_set_tls_roots(anchorage_options* options,
                                     const char* pem, size_t size) {
  SetText(options, CheckText, "TLS roots", pem, size,
          &TrustClientOptions::tls_roots_pem);
}
void anchorage_options_set_cache_folder(anchorage_options* options,
                                        const char* path, size_t size) {
  SetText(options, CheckSaid, "cache folder", path, size,
          &TrustClientOptions::cache_folder);
}
void anchorage_options_set_baked_bundle(anchorage_options* options,
                                        const void* bundle, size_t size,
                                        int64_t as_of_ms) {
  if (Live(options) == nullptr) return;
  options->Try([&] {
    if (absl::Status s = CheckBytes("baked bundle", bundle, size); !s.ok()) {
      return s;
    }
    auto files = client::ParseBundle(View(bundle, size));
    if (!files.ok()) return Mistake("baked bundle", "is no bundle");
    if (files->roots.empty()) return Mistake("baked bundle", "has no root");
    anchors::BakedBundle& baked = options->options.baked;
    baked.root = files->roots.front();
    files->roots.erase(files->roots.begin());
    baked.files = *std::move(files);
    baked.as_of = absl::FromUnixMillis(as_of_ms);
    return absl::OkStatus();
  });
}
void anchorage_options_set_background_refresh(anchorage_options* options,
                                              int32_t on) {
  if (Live(options) == nullptr) return;
  options->Try([&] {
    return SetYesOrNo("background refresh", on,
                      options->options.background_refresh);
  });
}
void anchorage_options_set_refresh_interval(anchorage_options* options,
                                            int64_t ms) {
  if (Live(options) == nullptr) return;
  options->options.refresh_interval = absl::Milliseconds(ms);
}
void anchorage_options_set_timeout(anchorage_options* options, int64_t ms) {
  if (Live(options) == nullptr) return;
  options->options.rpc_timeout = absl::Milliseconds(ms);
}
void anchorage_options_set_max_stale(anchorage_options* options, int64_t ms) {
  if (Live(options) == nullptr) return;
  options->options.max_stale = absl::Milliseconds(ms);
}
void anchorage_options_set_identity_when_expired(anchorage_options* options,
                                                 int32_t what) {
  SetWhenExpired(options, what, &TrustClientOptions::identity_when_expired);
}
void anchorage_options_set_attestation_when_expired(anchorage_options* options,
                                                    int32_t what) {
  SetWhenExpired(options, what, &TrustClientOptions::attestation_when_expired);
}
void anchorage_options_set_event_callback(anchorage_options* options,
                                          anchorage_event_callback callback,
                                          void* user) {
  if (Live(options) == nullptr) return;
  options->Try([&] {
    if (callback == nullptr) return Mistake("event callback", "is NULL");
    options->options.on_refresh = [callback, user](const absl::Status& ended,
                                                   std::uint64_t sequence) {
      // A refresh does not fail for want of memory to tell of it.
      (void)NoThrow([&] { return Tell(callback, user, ended, sequence); });
    };
    return absl::OkStatus();
  });
}

const char* anchorage_event_name(const anchorage_event* event) {
  return event != nullptr ? event->name : nullptr;
}
const char* anchorage_event_reason(const anchorage_event* event) {
  return event != nullptr ? Text(Said(event->reason)) : nullptr;
}
const char* anchorage_event_message(const anchorage_event* event) {
  return event != nullptr ? Text(Said(event->message)) : nullptr;
}
uint64_t anchorage_event_sequence(const anchorage_event* event) {
  return event != nullptr ? event->sequence : 0;
}

// --- The client -------------------------------------------------------------

anchorage_client* anchorage_client_new(const anchorage_options* options,
                                       anchorage_error** error) {
  return New<anchorage_client>(
      Stage::kUsage, error,
      [options]() -> absl::StatusOr<std::unique_ptr<anchorage_client>> {
        TrustClientOptions given;
        if (options != nullptr) {
          absl::Status s = CheckHandle("options", options);
          if (s.ok()) s = options->fault();
          if (!s.ok()) return s;
          given = options->options;
        }
        auto client = std::make_unique<anchorage_client>();
        auto made = TrustClient::CreateWith(std::move(given),
                                            &client::OpenHttpTransport);
        if (!made.ok()) return made.status();
        client->client = *std::move(made);
        return client;
      });
}
void anchorage_client_free(anchorage_client* client) {
  // The thread would wait for itself, or come back to what is gone.
  if (callbacks == 0) Free(client);
}

int32_t anchorage_client_refresh(anchorage_client* client,
                                 anchorage_error** error) {
  NoError(error);
  const absl::Status status = NoThrow([client] {
    absl::Status s = CheckHandle("client", client);
    return s.ok() ? client->client->Refresh() : s;
  });
  return status.ok() ? ANCHORAGE_OK : Fail(status, Stage::kRefresh, error);
}

anchorage_state* anchorage_client_state(const anchorage_client* client,
                                        anchorage_error** error) {
  return New<anchorage_state>(
      Stage::kUsage, error,
      [client]() -> absl::StatusOr<std::unique_ptr<anchorage_state>> {
        if (absl::Status s = CheckHandle("client", client); !s.ok()) return s;
        auto state = std::make_unique<anchorage_state>();
        state->state = client->client->state();
        return state;
      });
}
void anchorage_state_free(anchorage_state* state) { Free(state); }
int32_t anchorage_state_origin(const anchorage_state* state) {
  return Live(state) != nullptr
             ? static_cast<std::int32_t>(state->state.provenance.origin) +
                   ANCHORAGE_ORIGIN_BAKED_IN
             : 0;
}
int32_t anchorage_state_freshness(const anchorage_state* state) {
  return Live(state) != nullptr
             ? static_cast<std::int32_t>(state->state.freshness) +
                   ANCHORAGE_FRESHNESS_FRESH
             : ANCHORAGE_FRESHNESS_EXPIRED;
}
uint64_t anchorage_state_sequence(const anchorage_state* state) {
  return Live(state) != nullptr ? state->state.provenance.sequence : 0;
}
int64_t anchorage_state_as_of(const anchorage_state* state) {
  std::int64_t time = 0;
  if (Live(state) != nullptr) PutTime(state->state.provenance.as_of, &time);
  return time;
}
int32_t anchorage_state_fresh_until(const anchorage_state* state,
                                    int64_t* time) {
  if (Live(state) == nullptr ||
      state->state.freshness == verify::Freshness::kBakedIn) {
    return 0;
  }
  return PutTime(state->state.provenance.fresh_until, time);
}
char* anchorage_state_json(const anchorage_state* state, size_t* size) {
  if (size != nullptr) *size = 0;
  if (Live(state) == nullptr) return nullptr;
  return NewText(size, [state] { return client::StateJson(state->state); });
}

// --- Policies ---------------------------------------------------------------

anchorage_identity_policy* anchorage_identity_policy_read(
    const char* text, size_t size, const char* name, size_t name_size,
    anchorage_error** error) {
  return New<anchorage_identity_policy>(
      Stage::kUsage, error,
      [&]() -> absl::StatusOr<std::unique_ptr<anchorage_identity_policy>> {
        absl::Status s = CheckBytes("policy", text, size);
        if (s.ok()) s = CheckText("name", name, name_size);
        if (!s.ok()) return s;
        auto policy = anchors::ReadIdentityPolicy(View(text, size),
                                                  std::string(name, name_size));
        if (!policy.ok()) return policy.status();
        return std::make_unique<anchorage_identity_policy>(*std::move(policy));
      });
}
void anchorage_identity_policy_free(anchorage_identity_policy* policy) {
  Free(policy);
}

anchorage_attestation_policy* anchorage_attestation_policy_read(
    const char* text, size_t size, const char* name, size_t name_size,
    anchorage_error** error) {
  return New<anchorage_attestation_policy>(
      Stage::kUsage, error,
      [&]() -> absl::StatusOr<std::unique_ptr<anchorage_attestation_policy>> {
        absl::Status s = CheckBytes("policy", text, size);
        if (s.ok()) s = CheckText("name", name, name_size);
        if (!s.ok()) return s;
        auto read = anchors::PolicyText::Read(View(text, size),
                                              std::string(name, name_size));
        if (!read.ok()) return read.status();
        auto alone = read->Build({});
        if (!alone.ok()) {
          if (s = read->CheckWithSession(); !s.ok()) return s;
        }
        return std::make_unique<anchorage_attestation_policy>(*std::move(read),
                                                              std::move(alone));
      });
}
void anchorage_attestation_policy_free(anchorage_attestation_policy* policy) {
  Free(policy);
}

// --- Requests ---------------------------------------------------------------

anchorage_request* anchorage_request_new(void) {
  return NewWithFault<anchorage_request>();
}
void anchorage_request_free(anchorage_request* request) {
  FreeWithFault(request);
}
void anchorage_request_set_document(anchorage_request* request,
                                    const void* document, size_t size) {
  SetBytes(request, "document", document, size, &anchorage_request::document);
}
void anchorage_request_set_form(anchorage_request* request, int32_t form) {
  if (Live(request) == nullptr) return;
  request->Try([&] {
    if (form < ANCHORAGE_FORM_RECOGNISED || form > ANCHORAGE_FORM_RSA2048) {
      return Mistake("form", "is none of the forms");
    }
    request->form = form;
    return absl::OkStatus();
  });
}
void anchorage_request_set_ledger(anchorage_request* request,
                                  anchorage_ledger* ledger, int32_t mode,
                                  const char* binding, size_t binding_size) {
  if (Live(request) == nullptr) return;
  request->Try([&] {
    if (absl::Status s = CheckHandle("ledger", ledger); !s.ok()) return s;
    if (mode < ANCHORAGE_REPLAY_SINGLE_USE ||
        mode > ANCHORAGE_REPLAY_NEWEST_PENDING_TIME) {
      return Mistake("mode", "is none of the modes of a ledger");
    }
    if (mode == ANCHORAGE_REPLAY_FIRST_USE_BINDS) {
      if (absl::Status s = CheckSaid("binding", binding, binding_size);
          !s.ok()) {
        return s;
      }
      request->replay.binding.assign(binding, binding_size);
    } else if (binding_size != 0) {
      return Mistake("binding", "is only for FIRST_USE_BINDS");
    }
    request->replay.mode =
        static_cast<verify::ReplayMode>(mode - ANCHORAGE_REPLAY_SINGLE_USE);
    request->ledger = ledger->ledger;
    request->replay.ledger = request->ledger.get();
    return absl::OkStatus();
  });
}
void anchorage_request_set_nonce(anchorage_request* request, const void* bytes,
                                 size_t size) {
  SetBytes(request, "nonce", bytes, size, &anchorage_request::nonce);
}
void anchorage_request_set_user_data(anchorage_request* request,
                                     const void* bytes, size_t size) {
  SetBytes(request, "user data", bytes, size, &anchorage_request::user_data);
}
void anchorage_request_set_public_key(anchorage_request* request,
                                      const void* bytes, size_t size) {
  SetBytes(request, "public key", bytes, size, &anchorage_request::public_key);
}
void anchorage_request_set_recorded_at(anchorage_request* request,
                                       int64_t time) {
  if (Live(request) == nullptr) return;
  request->Try([&] {
    request->recorded_at = absl::FromUnixMillis(time);
    return absl::OkStatus();
  });
}
void anchorage_request_set_trace(anchorage_request* request, int32_t on) {
  if (Live(request) == nullptr) return;
  request->Try([&] { return SetYesOrNo("trace", on, request->trace); });
}

// --- Replay -----------------------------------------------------------------

anchorage_ledger* anchorage_ledger_new(size_t max_entries) {
  return New<anchorage_ledger>(
      Stage::kUsage, nullptr,
      [&]() -> absl::StatusOr<std::unique_ptr<anchorage_ledger>> {
        return std::make_unique<anchorage_ledger>(max_entries);
      });
}
void anchorage_ledger_free(anchorage_ledger* ledger) { Free(ledger); }
size_t anchorage_ledger_forget_before(anchorage_ledger* ledger, int64_t time) {
  return Live(ledger) != nullptr
             ? ledger->ledger->ForgetBefore(absl::FromUnixMillis(time))
             : 0;
}

// --- Identity documents -----------------------------------------------------

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
void anchorage_identity_free(anchorage_identity* identity) { Free(identity); }

const char* anchorage_identity_field(const anchorage_identity* identity,
                                     const char* name, size_t* size) {
  using Document = verify::IdentityDocument;
  static constexpr struct {
    std::string_view name;
    std::string Document::*field;
  } kFields[] = {{"account_id", &Document::account_id},
                 {"region", &Document::region},
                 {"availability_zone", &Document::availability_zone},
                 {"instance_id", &Document::instance_id},
                 {"instance_type", &Document::instance_type},
                 {"image_id", &Document::image_id},
                 {"architecture", &Document::architecture},
                 {"version", &Document::version}};
  static constexpr struct {
    std::string_view name;
    std::optional<std::string> Document::*field;
  } kOptionalFields[] = {{"kernel_id", &Document::kernel_id},
                         {"ramdisk_id", &Document::ramdisk_id},
                         {"private_ip", &Document::private_ip}};
  if (size != nullptr) *size = 0;
  const Document* const document = DocumentOf(identity);
  if (document == nullptr || name == nullptr) return nullptr;
  const std::string_view wanted = name;
  if (wanted == "partition") {
    return Text(Said(identity->identity.partition()), size);
  }
  for (const auto& row : kFields) {
    if (row.name == wanted) return Text(Said(document->*row.field), size);
  }
  for (const auto& row : kOptionalFields) {
    if (row.name == wanted) return Text(Said(document->*row.field), size);
  }
  return nullptr;
}
const char* anchorage_identity_account_id(const anchorage_identity* identity) {
  return FieldOf(identity, &verify::IdentityDocument::account_id);
}
const char* anchorage_identity_region(const anchorage_identity* identity) {
  return FieldOf(identity, &verify::IdentityDocument::region);
}
const char* anchorage_identity_instance_id(const anchorage_identity* identity) {
  return FieldOf(identity, &verify::IdentityDocument::instance_id);
}
const char* anchorage_identity_image_id(const anchorage_identity* identity) {
  return FieldOf(identity, &verify::IdentityDocument::image_id);
}
const char* anchorage_identity_instance_type(
    const anchorage_identity* identity) {
  return FieldOf(identity, &verify::IdentityDocument::instance_type);
}
int64_t anchorage_identity_pending_time(const anchorage_identity* identity) {
  const verify::IdentityDocument* const document = DocumentOf(identity);
  return document != nullptr ? absl::ToUnixMillis(document->pending_time) : 0;
}
int32_t anchorage_identity_signing_time(const anchorage_identity* identity,
                                        int64_t* time) {
  if (Live(identity) == nullptr) return 0;
  const auto& made = identity->identity.signing_time();
  return made.has_value() ? PutTime(*made, time) : 0;
}
int32_t anchorage_identity_product_codes(const anchorage_identity* identity,
                                         size_t* count) {
  return CountOf(identity, &verify::IdentityDocument::marketplace_product_codes,
                 count);
}
const char* anchorage_identity_product_code(const anchorage_identity* identity,
                                            size_t index) {
  return ElementOf(identity,
                   &verify::IdentityDocument::marketplace_product_codes, index);
}
int32_t anchorage_identity_billing_products(const anchorage_identity* identity,
                                            size_t* count) {
  return CountOf(identity, &verify::IdentityDocument::billing_products, count);
}
const char* anchorage_identity_billing_product(
    const anchorage_identity* identity, size_t index) {
  return ElementOf(identity, &verify::IdentityDocument::billing_products,
                   index);
}
const char* anchorage_identity_note(const anchorage_identity* identity,
                                    size_t index) {
  if (Live(identity) == nullptr || index >= identity->identity.notes().size()) {
    return nullptr;
  }
  return verify::NameOf(identity->identity.notes()[index]).data();
}
const void* anchorage_identity_document(const anchorage_identity* identity,
                                        size_t* size) {
  return Text(Live(identity) != nullptr ? &identity->identity.document_bytes()
                                        : nullptr,
              size);
}
int32_t anchorage_identity_form(const anchorage_identity* identity) {
  return Live(identity) != nullptr
             ? static_cast<std::int32_t>(identity->identity.form()) +
                   ANCHORAGE_FORM_SIGNATURE
             : ANCHORAGE_FORM_RECOGNISED;
}
char* anchorage_identity_json(const anchorage_identity* identity,
                              size_t* size) {
  if (size != nullptr) *size = 0;
  if (Live(identity) == nullptr) return nullptr;
  return NewText(size, [identity] {
    return client::VerdictJson(identity->identity, identity->used,
                               identity->trace);
  });
}

// --- Nitro attestation documents --------------------------------------------

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
void anchorage_attestation_free(anchorage_attestation* attestation) {
  Free(attestation);
}
int32_t anchorage_attestation_type(const anchorage_attestation* attestation) {
  if (Live(attestation) == nullptr) return 0;
  return attestation->type == verify::AttestationType::kEnclave
             ? ANCHORAGE_TYPE_ENCLAVE
             : ANCHORAGE_TYPE_NITRO_TPM;
}
const char* anchorage_attestation_module_id(
    const anchorage_attestation* attestation) {
  return FactOf(attestation, &verify::AttestedFacts::module_id);
}
const char* anchorage_attestation_instance_id(
    const anchorage_attestation* attestation) {
  return FactOf(attestation, &verify::AttestedFacts::instance_id);
}
const char* anchorage_attestation_region(
    const anchorage_attestation* attestation) {
  return FactOf(attestation, &verify::AttestedFacts::region);
}
const char* anchorage_attestation_partition(
    const anchorage_attestation* attestation) {
  return FactOf(attestation, &verify::AttestedFacts::partition);
}
const char* anchorage_attestation_release(
    const anchorage_attestation* attestation) {
  return FactOf(attestation, &verify::AttestedFacts::release_name);
}
int64_t anchorage_attestation_time(const anchorage_attestation* attestation) {
  return Live(attestation) != nullptr
             ? absl::ToUnixMillis(attestation->facts.timestamp)
             : 0;
}
const void* anchorage_attestation_public_key(
    const anchorage_attestation* attestation, size_t* size) {
  return FactOf(attestation, &verify::AttestedFacts::public_key, size);
}
const void* anchorage_attestation_user_data(
    const anchorage_attestation* attestation, size_t* size) {
  return FactOf(attestation, &verify::AttestedFacts::user_data, size);
}
const void* anchorage_attestation_nonce(
    const anchorage_attestation* attestation, size_t* size) {
  return FactOf(attestation, &verify::AttestedFacts::nonce, size);
}
const void* anchorage_attestation_pcr(const anchorage_attestation* attestation,
                                      int32_t index, size_t* size) {
  const std::string* value = nullptr;
  if (Live(attestation) != nullptr) {
    const auto found = attestation->facts.pcrs.find(index);
    if (found != attestation->facts.pcrs.end()) value = &found->second;
  }
  return Text(value, size);
}
const char* anchorage_attestation_note(const anchorage_attestation* attestation,
                                       size_t index) {
  if (Live(attestation) == nullptr ||
      index >= attestation->facts.notes.size()) {
    return nullptr;
  }
  return verify::NameOf(attestation->facts.notes[index].kind).data();
}
char* anchorage_attestation_json(const anchorage_attestation* attestation,
                                 size_t* size) {
  if (size != nullptr) *size = 0;
  if (Live(attestation) == nullptr) return nullptr;
  return NewText(size, [attestation] {
    return client::VerdictJson(attestation->facts, attestation->type,
                               attestation->used, attestation->trace);
  });
}
