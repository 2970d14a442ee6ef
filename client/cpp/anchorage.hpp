// Anchorage for C++17: anchorage.h with owners, string_views and results.
//
//   auto client = anchorage::Client::Make(
//       anchorage::Options().Url(url).TrustedRoot(root_json));
//   auto policy = anchorage::IdentityPolicy::Read(text, "licence.yaml");
//   auto machine = client->VerifyIdentity(signature, *policy);
//   if (!machine) Refuse(machine.error().reason, machine.error().message);
//
// Header-only, and only over the C interface: needs no exceptions and throws
// none but std::bad_alloc. What is absent is std::nullopt and never "". A view
// lives as long as the object that gave it. A std::string_view without data is
// an error of the call that it is given to, "" is exactly empty (a nonce
// never is).
//
// Which objects any number of threads may use at once is as anchorage.h says.
// An object that was moved from may only be destroyed or assigned to; options
// and a request that were are an error of the call, never "nothing asked for".

#ifndef ANCHORAGE_ANCHORAGE_HPP_
#define ANCHORAGE_ANCHORAGE_HPP_

#include <anchorage/anchorage.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace anchorage {

using Time = std::chrono::time_point<std::chrono::system_clock,
                                     std::chrono::milliseconds>;
using std::chrono::milliseconds;

// The library's version and commit, such as "1.1.0 (9f3c2ab1)".
inline std::string_view Version() { return anchorage_version(); }

// 10000 * major + 100 * minor + patch of the library.
inline std::int32_t VersionNumber() { return anchorage_version_number(); }

enum class Code : std::int32_t {
  kUsage = ANCHORAGE_USAGE,
  kUnreadable = ANCHORAGE_UNREADABLE,
  kNotFromAws = ANCHORAGE_NOT_FROM_AWS,
  kStaleOrForAnother = ANCHORAGE_STALE_OR_FOR_ANOTHER,
  kRefusedByPolicy = ANCHORAGE_REFUSED_BY_POLICY,
  kUndecided = ANCHORAGE_UNDECIDED,
  kUnreachable = ANCHORAGE_UNREACHABLE,
  kUpdateRefused = ANCHORAGE_UPDATE_REFUSED,
};

enum class Form : std::int32_t {
  kRecognised = ANCHORAGE_FORM_RECOGNISED,
  kSignature = ANCHORAGE_FORM_SIGNATURE,
  kPkcs7 = ANCHORAGE_FORM_PKCS7,
  kRsa2048 = ANCHORAGE_FORM_RSA2048,
};

enum class Origin : std::int32_t {
  kBakedIn = ANCHORAGE_ORIGIN_BAKED_IN,
  kCache = ANCHORAGE_ORIGIN_CACHE,
  kServer = ANCHORAGE_ORIGIN_SERVER,
};

enum class Freshness : std::int32_t {
  kFresh = ANCHORAGE_FRESHNESS_FRESH,
  kStale = ANCHORAGE_FRESHNESS_STALE,
  kExpired = ANCHORAGE_FRESHNESS_EXPIRED,
  kBakedIn = ANCHORAGE_FRESHNESS_BAKED_IN,
};

enum class WhenExpired : std::int32_t {
  kServeLastGood = ANCHORAGE_WHEN_EXPIRED_SERVE_LAST_GOOD,
  kRefuse = ANCHORAGE_WHEN_EXPIRED_REFUSE,
};

enum class AttestationType : std::int32_t {
  kEnclave = ANCHORAGE_TYPE_ENCLAVE,
  kNitroTpm = ANCHORAGE_TYPE_NITRO_TPM,
};

enum class ReplayMode : std::int32_t {
  kSingleUse = ANCHORAGE_REPLAY_SINGLE_USE,
  kFirstUseBinds = ANCHORAGE_REPLAY_FIRST_USE_BINDS,
  kNewestPendingTime = ANCHORAGE_REPLAY_NEWEST_PENDING_TIME,
};

// Why a call failed.
struct Error {
  Code code = Code::kUsage;
  // The stable name, such as "SIGNATURE_MISMATCH".
  std::string reason;
  // The step of the verifier that failed, such as "product-codes".
  std::optional<std::string> check;
  // A sentence for people.
  std::string message;
  // The certificate of a chain that failed, 0 for the leaf.
  std::optional<int> certificate_index;
  // What "trustctl verify --output json" prints for a refusal of evidence, with
  // the trace where the request asked for one.
  std::optional<std::string> json;
};

// A value or an error. Reading the one that it has not is undefined.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::move(value)) {}
  Result(Error error) : held_(std::move(error)) {}

  explicit operator bool() const { return held_.index() == 0; }
  T& operator*() & { return *std::get_if<0>(&held_); }
  const T& operator*() const& { return *std::get_if<0>(&held_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&held_)); }
  T* operator->() { return std::get_if<0>(&held_); }
  const T* operator->() const { return std::get_if<0>(&held_); }
  const Error& error() const { return *std::get_if<1>(&held_); }

 private:
  std::variant<T, Error> held_;
};

namespace internal {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
template <typename T, auto kFree>
using Owner = std::unique_ptr<T, Free<kFree>>;

inline std::optional<std::string_view> View(const char* text) {
  if (text == nullptr) return std::nullopt;
  return std::string_view(text);
}

inline std::optional<std::string_view> View(const void* bytes,
                                            std::size_t size) {
  if (bytes == nullptr) return std::nullopt;
  return std::string_view(static_cast<const char*>(bytes), size);
}

// Takes `text`, which the library made.
inline std::optional<std::string> Take(char* text, std::size_t size) {
  const Owner<char, &anchorage_string_free> owner(text);
  if (text == nullptr) return std::nullopt;
  return std::string(text, size);
}

// Takes `error`, which a call made.
inline Error Take(anchorage_error* error) {
  const Owner<anchorage_error, &anchorage_error_free> owner(error);
  Error taken;
  taken.code = static_cast<Code>(anchorage_error_code(error));
  taken.reason = View(anchorage_error_reason(error)).value_or("USAGE");
  if (const auto check = View(anchorage_error_check(error))) {
    taken.check.emplace(*check);
  }
  taken.message = View(anchorage_error_message(error)).value_or("");
  const int index = anchorage_error_certificate_index(error);
  if (index >= 0) taken.certificate_index = index;
  std::size_t size = 0;
  char* const json = anchorage_error_json(error, &size);
  taken.json = Take(json, size);
  return taken;
}

// Without it NULL would be taken for "nothing is asked for".
inline Error MovedFrom(const char* what) {
  Error error;
  error.reason = "USAGE";
  error.message = std::string(what) + " was moved from";
  return error;
}

inline Time FromMilliseconds(std::int64_t time) {
  return Time(milliseconds(time));
}

template <typename Note, typename Object>
std::vector<std::string_view> Notes(Note note, const Object* object) {
  std::vector<std::string_view> notes;
  while (const char* text = note(object, notes.size())) notes.push_back(text);
  return notes;
}

template <typename Count, typename Item, typename Object>
std::optional<std::vector<std::string_view>> List(Count count, Item item,
                                                  const Object* object) {
  std::size_t size = 0;
  if (count(object, &size) == 0) return std::nullopt;
  std::vector<std::string_view> items;
  items.reserve(size);
  for (std::size_t i = 0; i < size; ++i) items.push_back(item(object, i));
  return items;
}

}  // namespace internal

// How a client is made; the first wrong setting is what Client::Make() fails
// with. anchorage.h says what each is.
class Options {
 public:
  Options() : options_(anchorage_options_new()) {}

  Options& Url(std::string_view url) {
    anchorage_options_set_url(get(), url.data(), url.size());
    return *this;
  }
  Options& TargetsUrl(std::string_view url) {
    anchorage_options_set_targets_url(get(), url.data(), url.size());
    return *this;
  }
  Options& AddUrl(std::string_view url) {
    anchorage_options_add_url(get(), url.data(), url.size());
    return *this;
  }
  Options& Proxy(std::string_view url) {
    anchorage_options_set_proxy(get(), url.data(), url.size());
    return *this;
  }
  Options& ProxyOfEnvironment(bool on) {
    anchorage_options_set_proxy_of_environment(get(), on ? 1 : 0);
    return *this;
  }
  Options& TrustedRoot(std::string_view root_json) {
    anchorage_options_set_trusted_root(get(), root_json.data(),
                                       root_json.size());
    return *this;
  }
  Options& TlsRoots(std::string_view pem) {
    anchorage_options_set_tls_roots(get(), pem.data(), pem.size());
    return *this;
  }
  Options& CacheFolder(std::string_view path) {
    anchorage_options_set_cache_folder(get(), path.data(), path.size());
    return *this;
  }
  Options& BakedBundle(std::string_view bundle, Time as_of) {
    anchorage_options_set_baked_bundle(get(), bundle.data(), bundle.size(),
                                       as_of.time_since_epoch().count());
    return *this;
  }
  Options& BackgroundRefresh(bool on) {
    anchorage_options_set_background_refresh(get(), on ? 1 : 0);
    return *this;
  }
  Options& RefreshInterval(milliseconds interval) {
    anchorage_options_set_refresh_interval(get(), interval.count());
    return *this;
  }
  Options& Timeout(milliseconds timeout) {
    anchorage_options_set_timeout(get(), timeout.count());
    return *this;
  }
  Options& RefreshBudget(milliseconds budget) {
    anchorage_options_set_refresh_budget(get(), budget.count());
    return *this;
  }
  Options& MetricsFile(std::string_view path) {
    anchorage_options_set_metrics_file(get(), path.data(), path.size());
    return *this;
  }
  Options& ReportOutcomes(bool on) {
    anchorage_options_set_report_outcomes(get(), on ? 1 : 0);
    return *this;
  }
  Options& ReportInterval(milliseconds interval) {
    anchorage_options_set_report_interval(get(), interval.count());
    return *this;
  }
  Options& ReportSample(std::int32_t one_in) {
    anchorage_options_set_report_sample(get(), one_in);
    return *this;
  }
  Options& MaxStale(milliseconds max_stale) {
    anchorage_options_set_max_stale(get(), max_stale.count());
    return *this;
  }
  Options& IdentityWhenExpired(WhenExpired what) {
    anchorage_options_set_identity_when_expired(
        get(), static_cast<std::int32_t>(what));
    return *this;
  }
  Options& AttestationWhenExpired(WhenExpired what) {
    anchorage_options_set_attestation_when_expired(
        get(), static_cast<std::int32_t>(what));
    return *this;
  }

  anchorage_options* get() const { return options_.get(); }

 private:
  internal::Owner<anchorage_options, &anchorage_options_free> options_;
};

// A policy for identity documents, read from YAML or JSON.
class IdentityPolicy {
 public:
  // `name` stands in messages.
  static Result<IdentityPolicy> Read(std::string_view text,
                                     std::string_view name) {
    anchorage_error* error = nullptr;
    anchorage_identity_policy* const policy = anchorage_identity_policy_read(
        text.data(), text.size(), name.data(), name.size(), &error);
    if (policy == nullptr) return internal::Take(error);
    return IdentityPolicy(policy);
  }

  const anchorage_identity_policy* get() const { return policy_.get(); }

 private:
  explicit IdentityPolicy(anchorage_identity_policy* policy)
      : policy_(policy) {}

  internal::Owner<anchorage_identity_policy, &anchorage_identity_policy_free>
      policy_;
};

// A policy for attestation documents, read from YAML or JSON.
class AttestationPolicy {
 public:
  // `name` stands in messages.
  static Result<AttestationPolicy> Read(std::string_view text,
                                        std::string_view name) {
    anchorage_error* error = nullptr;
    anchorage_attestation_policy* const policy =
        anchorage_attestation_policy_read(text.data(), text.size(), name.data(),
                                          name.size(), &error);
    if (policy == nullptr) return internal::Take(error);
    return AttestationPolicy(policy);
  }

  const anchorage_attestation_policy* get() const { return policy_.get(); }

 private:
  explicit AttestationPolicy(anchorage_attestation_policy* policy)
      : policy_(policy) {}

  internal::Owner<anchorage_attestation_policy,
                  &anchorage_attestation_policy_free>
      policy_;
};

// Remembers identity documents, in memory, so that one is not shown twice.
class Ledger {
 public:
  explicit Ledger(std::size_t max_entries)
      : ledger_(anchorage_ledger_new(max_entries)) {}

  // Forgets documents from before `time`; returns how many.
  std::size_t ForgetBefore(Time time) {
    return anchorage_ledger_forget_before(ledger_.get(),
                                          time.time_since_epoch().count());
  }

  anchorage_ledger* get() const { return ledger_.get(); }

 private:
  internal::Owner<anchorage_ledger, &anchorage_ledger_free> ledger_;
};

// What one verification is given beside the evidence; the first wrong setting
// is what it fails with. anchorage.h says what each is.
class Request {
 public:
  Request() : request_(anchorage_request_new()) {}

  Request& Document(std::string_view document) {
    anchorage_request_set_document(get(), document.data(), document.size());
    return *this;
  }
  Request& SetForm(Form form) {
    anchorage_request_set_form(get(), static_cast<std::int32_t>(form));
    return *this;
  }
  // `binding`: with kFirstUseBinds alone.
  Request& Replay(const Ledger& ledger, ReplayMode mode,
                  std::string_view binding = std::string_view()) {
    anchorage_request_set_ledger(get(), ledger.get(),
                                 static_cast<std::int32_t>(mode),
                                 binding.data(), binding.size());
    return *this;
  }
  Request& Nonce(std::string_view bytes) {
    anchorage_request_set_nonce(get(), bytes.data(), bytes.size());
    return *this;
  }
  Request& UserData(std::string_view bytes) {
    anchorage_request_set_user_data(get(), bytes.data(), bytes.size());
    return *this;
  }
  Request& PublicKey(std::string_view bytes) {
    anchorage_request_set_public_key(get(), bytes.data(), bytes.size());
    return *this;
  }
  // Of VerifyThisInstance().
  Request& ImdsUrl(std::string_view url) {
    anchorage_request_set_imds_url(get(), url.data(), url.size());
    return *this;
  }
  Request& ImdsTimeout(milliseconds timeout) {
    anchorage_request_set_imds_timeout(get(), timeout.count());
    return *this;
  }
  Request& ImdsVersion1(bool on) {
    anchorage_request_set_imds_version_1(get(), on ? 1 : 0);
    return *this;
  }
  // Of Attest().
  Request& AttestProgram(std::string_view path) {
    anchorage_request_set_attest_program(get(), path.data(), path.size());
    return *this;
  }
  Request& AttestTimeout(milliseconds timeout) {
    anchorage_request_set_attest_timeout(get(), timeout.count());
    return *this;
  }
  Request& RecordedAt(Time time) {
    anchorage_request_set_recorded_at(get(), time.time_since_epoch().count());
    return *this;
  }
  Request& Trace(bool on) {
    anchorage_request_set_trace(get(), on ? 1 : 0);
    return *this;
  }

  anchorage_request* get() const { return request_.get(); }

 private:
  internal::Owner<anchorage_request, &anchorage_request_free> request_;
};

// What a verified identity document says.
class Identity {
 public:
  // By the name that the field has in the JSON, such as "availability_zone".
  std::optional<std::string_view> field(const char* name) const {
    std::size_t size = 0;
    const char* const text = anchorage_identity_field(get(), name, &size);
    return internal::View(text, size);
  }
  std::string_view account_id() const { return *field("account_id"); }
  std::string_view region() const { return *field("region"); }
  std::string_view instance_id() const { return *field("instance_id"); }
  Time pending_time() const {
    return internal::FromMilliseconds(anchorage_identity_pending_time(get()));
  }
  std::optional<Time> signing_time() const {
    std::int64_t time = 0;
    if (anchorage_identity_signing_time(get(), &time) == 0) return std::nullopt;
    return internal::FromMilliseconds(time);
  }
  std::optional<std::vector<std::string_view>> product_codes() const {
    return internal::List(&anchorage_identity_product_codes,
                          &anchorage_identity_product_code, get());
  }
  std::optional<std::vector<std::string_view>> billing_products() const {
    return internal::List(&anchorage_identity_billing_products,
                          &anchorage_identity_billing_product, get());
  }
  // What is worth knowing and no fault, by name.
  std::vector<std::string_view> notes() const {
    return internal::Notes(&anchorage_identity_note, get());
  }
  Form form() const {
    return static_cast<Form>(anchorage_identity_form(get()));
  }
  // The exact bytes that AWS signed.
  std::string_view document() const {
    std::size_t size = 0;
    const void* const bytes = anchorage_identity_document(get(), &size);
    return internal::View(bytes, size).value_or("");
  }
  // As "trustctl verify identity --output json" prints it, with the trace where
  // the request asked for one; nullopt: no memory.
  std::optional<std::string> json() const {
    std::size_t size = 0;
    char* const text = anchorage_identity_json(get(), &size);
    return internal::Take(text, size);
  }

  const anchorage_identity* get() const { return identity_.get(); }

 private:
  friend class Client;
  explicit Identity(anchorage_identity* identity) : identity_(identity) {}

  internal::Owner<anchorage_identity, &anchorage_identity_free> identity_;
};

// What a verified attestation document says. Fields of bytes: present and empty
// is "", absent std::nullopt.
class Attestation {
 public:
  AttestationType type() const {
    return static_cast<AttestationType>(anchorage_attestation_type(get()));
  }
  std::string_view module_id() const {
    return internal::View(anchorage_attestation_module_id(get())).value_or("");
  }
  std::optional<std::string_view> instance_id() const {
    return internal::View(anchorage_attestation_instance_id(get()));
  }
  std::optional<std::string_view> region() const {
    return internal::View(anchorage_attestation_region(get()));
  }
  std::optional<std::string_view> partition() const {
    return internal::View(anchorage_attestation_partition(get()));
  }
  std::optional<std::string_view> release() const {
    return internal::View(anchorage_attestation_release(get()));
  }
  Time time() const {
    return internal::FromMilliseconds(anchorage_attestation_time(get()));
  }
  std::optional<std::string_view> public_key() const {
    return Bytes(&anchorage_attestation_public_key);
  }
  std::optional<std::string_view> user_data() const {
    return Bytes(&anchorage_attestation_user_data);
  }
  std::optional<std::string_view> nonce() const {
    return Bytes(&anchorage_attestation_nonce);
  }
  std::optional<std::string_view> pcr(int index) const {
    std::size_t size = 0;
    const void* const bytes = anchorage_attestation_pcr(get(), index, &size);
    return internal::View(bytes, size);
  }
  // What is worth knowing and no fault, by name.
  std::vector<std::string_view> notes() const {
    return internal::Notes(&anchorage_attestation_note, get());
  }
  // As "trustctl verify attestation --output json" prints it, with the trace
  // where the request asked for one; nullopt: no memory.
  std::optional<std::string> json() const {
    std::size_t size = 0;
    char* const text = anchorage_attestation_json(get(), &size);
    return internal::Take(text, size);
  }

  const anchorage_attestation* get() const { return attestation_.get(); }

 private:
  friend class Client;
  explicit Attestation(anchorage_attestation* attestation)
      : attestation_(attestation) {}

  template <typename Getter>
  std::optional<std::string_view> Bytes(Getter getter) const {
    std::size_t size = 0;
    const void* const bytes = getter(get(), &size);
    return internal::View(bytes, size);
  }

  internal::Owner<anchorage_attestation, &anchorage_attestation_free>
      attestation_;
};

enum class Source : std::int32_t {
  kNsm = ANCHORAGE_SOURCE_NSM,
  kProgram = ANCHORAGE_SOURCE_PROGRAM,
};

// An attestation document of this machine. Views live as long as it does.
class Attested {
 public:
  std::string_view document() const {
    std::size_t size = 0;
    const void* const bytes = anchorage_attested_document(get(), &size);
    return internal::View(bytes, size).value_or("");
  }
  Source source() const {
    return static_cast<Source>(anchorage_attested_source(get()));
  }
  // PKCS #8, DER; nullopt: no key was made. Overwritten with the object.
  std::optional<std::string_view> private_key() const {
    std::size_t size = 0;
    const void* const bytes = anchorage_attested_private_key(get(), &size);
    return internal::View(bytes, size);
  }

  const anchorage_attested* get() const { return attested_.get(); }

 private:
  friend Result<Attested> Attest(const Request& request);
  friend Result<Attested> AttestNewKey(const Request& request);
  explicit Attested(anchorage_attested* attested) : attested_(attested) {}

  internal::Owner<anchorage_attested, &anchorage_attested_free> attested_;
};

// Asks this machine's NitroTPM or enclave for a document with nonce, user data
// and public key of `request`; blocks while it does. What comes is for who
// verifies it, elsewhere.
inline Result<Attested> Attest(const Request& request = Request()) {
  if (request.get() == nullptr) return internal::MovedFrom("request");
  anchorage_error* error = nullptr;
  anchorage_attested* const attested = anchorage_attest(request.get(), &error);
  if (attested == nullptr) return internal::Take(error);
  return Attested(attested);
}

// The same with a new key, whose public key the document holds: RSA with 2048
// bits, as a Recipient of AWS KMS has it.
inline Result<Attested> AttestNewKey(const Request& request = Request()) {
  if (request.get() == nullptr) return internal::MovedFrom("request");
  anchorage_error* error = nullptr;
  anchorage_attested* const attested =
      anchorage_attest_new_key(request.get(), &error);
  if (attested == nullptr) return internal::Take(error);
  return Attested(attested);
}

// How a client stood when it was asked.
class State {
 public:
  Origin origin() const {
    return static_cast<Origin>(anchorage_state_origin(get()));
  }
  Freshness freshness() const {
    return static_cast<Freshness>(anchorage_state_freshness(get()));
  }
  std::uint64_t sequence() const { return anchorage_state_sequence(get()); }
  Time as_of() const {
    return internal::FromMilliseconds(anchorage_state_as_of(get()));
  }
  // nullopt: a built-in set that does not age.
  std::optional<Time> fresh_until() const {
    std::int64_t time = 0;
    if (anchorage_state_fresh_until(get(), &time) == 0) return std::nullopt;
    return internal::FromMilliseconds(time);
  }
  // Everything that the client counts; nullopt: no memory.
  std::optional<std::string> json() const {
    std::size_t size = 0;
    char* const text = anchorage_state_json(get(), &size);
    return internal::Take(text, size);
  }

  const anchorage_state* get() const { return state_.get(); }

 private:
  friend class Client;
  explicit State(anchorage_state* state) : state_(state) {}

  internal::Owner<anchorage_state, &anchorage_state_free> state_;
};

// A set of anchors that keeps itself current; one for a process.
class Client {
 public:
  // Never waits for the network.
  static Result<Client> Make(const Options& options = Options()) {
    if (options.get() == nullptr) return internal::MovedFrom("options");
    anchorage_error* error = nullptr;
    anchorage_client* const client =
        anchorage_client_new(options.get(), &error);
    if (client == nullptr) return internal::Take(error);
    return Client(client);
  }

  // Asks the server now; how the client stands after it. An error: the set is
  // as good as before, but where a new root ended it.
  Result<State> Refresh() {
    anchorage_error* error = nullptr;
    if (anchorage_client_refresh(get(), &error) != ANCHORAGE_OK) {
      return internal::Take(error);
    }
    return GetState();
  }

  // For a host with a loop of its own and no background refresh.
  struct Refreshed {
    // nullopt: the server's set is in use.
    std::optional<Error> error;
    // How long to wait before the next call; nullopt: there is nothing to wait
    // for, because there is no URL or this is a forked process.
    std::optional<milliseconds> pause;
  };
  Refreshed RefreshOnce() {
    Refreshed refreshed;
    std::int64_t pause = 0;
    anchorage_error* error = nullptr;
    if (anchorage_client_refresh_once(get(), &pause, &error) != ANCHORAGE_OK) {
      refreshed.error = internal::Take(error);
    }
    if (pause >= 0) refreshed.pause = milliseconds(pause);
    return refreshed;
  }
  // How long to wait before the first, so that a fleet does not ask together.
  std::optional<milliseconds> FirstPause() const {
    const std::int64_t pause = anchorage_client_first_pause(get());
    if (pause < 0) return std::nullopt;
    return milliseconds(pause);
  }

  // Ends a Refresh() under way in another thread, which then fails with
  // Code::kUnreachable, and every later one. Does not wait: wait for that
  // thread before the client is destroyed.
  void Cancel() { anchorage_client_cancel(get()); }

  Result<State> GetState() const {
    anchorage_error* error = nullptr;
    anchorage_state* const state = anchorage_client_state(get(), &error);
    if (state == nullptr) return internal::Take(error);
    return State(state);
  }

  // Verifies what IMDS answers below /latest/dynamic/instance-identity/:
  // `signature` is the answer of "rsa2048", "pkcs7" or "signature".
  Result<Identity> VerifyIdentity(std::string_view signature,
                                  const IdentityPolicy& policy) const {
    return VerifyIdentity(signature, policy, nullptr);
  }
  Result<Identity> VerifyIdentity(std::string_view signature,
                                  const IdentityPolicy& policy,
                                  const Request& request) const {
    if (request.get() == nullptr) return internal::MovedFrom("request");
    return VerifyIdentity(signature, policy, request.get());
  }

  // Gets the identity of the instance that this process runs on from IMDSv2, and
  // verifies it: the strongest form that `policy` allows and that there is. Each
  // call asks anew; it may take 10 seconds. An error with Code::kUndecided and a
  // reason such as "IMDS_ABSENT": there was nothing to verify.
  Result<Identity> VerifyThisInstance(
      const IdentityPolicy& policy, const Request& request = Request()) const {
    if (request.get() == nullptr) return internal::MovedFrom("request");
    anchorage_error* error = nullptr;
    anchorage_identity* const identity = anchorage_verify_this_instance(
        get(), policy.get(), request.get(), &error);
    if (identity == nullptr) return internal::Take(error);
    return Identity(identity);
  }

  // Verifies a document of an enclave or a NitroTPM, as `policy` says.
  Result<Attestation> VerifyAttestation(std::string_view document,
                                        const AttestationPolicy& policy) const {
    return VerifyAttestation(document, policy, nullptr);
  }
  Result<Attestation> VerifyAttestation(std::string_view document,
                                        const AttestationPolicy& policy,
                                        const Request& request) const {
    if (request.get() == nullptr) return internal::MovedFrom("request");
    return VerifyAttestation(document, policy, request.get());
  }

  anchorage_client* get() const { return client_.get(); }

 private:
  explicit Client(anchorage_client* client) : client_(client) {}

  Result<Identity> VerifyIdentity(std::string_view signature,
                                  const IdentityPolicy& policy,
                                  const anchorage_request* request) const {
    anchorage_error* error = nullptr;
    anchorage_identity* const identity =
        anchorage_verify_identity(get(), signature.data(), signature.size(),
                                  policy.get(), request, &error);
    if (identity == nullptr) return internal::Take(error);
    return Identity(identity);
  }

  Result<Attestation> VerifyAttestation(
      std::string_view document, const AttestationPolicy& policy,
      const anchorage_request* request) const {
    anchorage_error* error = nullptr;
    anchorage_attestation* const attestation = anchorage_verify_attestation(
        get(), document.data(), document.size(), policy.get(), request, &error);
    if (attestation == nullptr) return internal::Take(error);
    return Attestation(attestation);
  }

  internal::Owner<anchorage_client, &anchorage_client_free> client_;
};

}  // namespace anchorage

#endif  // ANCHORAGE_ANCHORAGE_HPP_
