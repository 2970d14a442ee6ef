// OpenSSL 3.0 calls engines deprecated in favour of providers, of which Debian
// 12 has none for PKCS #11.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "anchors/publishing/pkcs11/pkcs11_key.h"

#include <openssl/engine.h>
#include <openssl/ui.h>

#include <utility>

#include "absl/base/const_init.h"
#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "anchors/publishing/evp_signature.h"
#include "anchors/tuf/tuf_error.h"

namespace anchorage::anchors::tuf {
namespace {

constexpr char kScheme[] = "pkcs11:";
constexpr char kModulePath[] = "module-path=";

using EnginePtr = std::unique_ptr<ENGINE, Deleter<ENGINE_finish>>;

absl::Status Unreadable(std::string_view detail) {
  return RejectUpdate(TufReason::kSigningKeyUnreadable, detail);
}

// Answers no question: a token that needs a PIN and was given none is refused.
int RefuseToAsk(UI*, UI_STRING*) { return 0; }

// A URI without its attribute `module-path`, which the engine does not know.
struct ObjectUri {
  std::string uri;
  std::string module_path;
};

ObjectUri SplitUri(std::string_view text) {
  const std::size_t query = text.find('?');
  ObjectUri result{std::string(text.substr(0, query)), ""};
  if (query == text.npos) return result;
  const std::string_view rest = text.substr(query + 1);
  char separator = '?';
  for (const absl::string_view part :
       absl::StrSplit(absl::string_view(rest.data(), rest.size()), '&')) {
    if (absl::StartsWith(part, kModulePath)) {
      result.module_path = std::string(part.substr(sizeof kModulePath - 1));
      continue;
    }
    absl::StrAppend(&result.uri, std::string(1, separator), part);
    separator = '&';
  }
  return result;
}

bool Control(ENGINE* engine, const char* command, const std::string& value) {
  return ENGINE_ctrl_cmd_string(engine, command, value.c_str(), 0) == 1;
}

// One engine serves the whole process: it holds the token's sessions. Settings
// of the engine persist, so keys are opened one at a time.
ABSL_CONST_INIT absl::Mutex engine_mutex(absl::kConstInit);

absl::StatusOr<EnginePtr> StartEngine(const std::string& module)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(engine_mutex) {
  ENGINE_load_dynamic();
  std::unique_ptr<ENGINE, Deleter<ENGINE_free>> engine(ENGINE_by_id("pkcs11"));
  if (engine == nullptr) {
    return Unreadable(
        "OpenSSL has no PKCS #11 engine here (Debian: "
        "libengine-pkcs11-openssl)");
  }
  // The engine must not print: its errors go into the status.
  ENGINE_ctrl_cmd_string(engine.get(), "QUIET", nullptr, 0);
  if (!module.empty() && !Control(engine.get(), "MODULE_PATH", module)) {
    return Unreadable("the PKCS #11 module cannot be named");
  }
  if (ENGINE_init(engine.get()) != 1) {
    return Unreadable(
        "the PKCS #11 module does not start (is its path in 'module-path' or "
        "PKCS11_MODULE_PATH?)");
  }
  return EnginePtr(engine.get());
}

}  // namespace

struct Pkcs11Key::State {
  // Destroyed after the key.
  EnginePtr engine;
  PkeyPtr key;
};

bool IsPkcs11Uri(std::string_view text) { return text.starts_with(kScheme); }

Pkcs11Key::Pkcs11Key(std::unique_ptr<State> state, TufKey public_key)
    : state_(std::move(state)), public_key_(std::move(public_key)) {}

Pkcs11Key::~Pkcs11Key() = default;

absl::StatusOr<std::unique_ptr<Pkcs11Key>> Pkcs11Key::Open(
    std::string_view uri, std::optional<std::string_view> pin, KeyUse use) {
  const absl::MutexLock lock(&engine_mutex);
  const ErrorQueueGuard guard;
  const ObjectUri object = SplitUri(uri);
  auto engine = StartEngine(object.module_path);
  if (!engine.ok()) return engine.status();
  if (pin.has_value() && !Control(engine->get(), "PIN", std::string(*pin))) {
    return Unreadable("the PIN cannot be given to the engine");
  }
  const std::unique_ptr<UI_METHOD, Deleter<UI_destroy_method>> silent(
      UI_create_method("no questions"));
  if (silent == nullptr ||
      UI_method_set_reader(silent.get(), RefuseToAsk) != 0) {
    return SigningFailed("no memory");
  }
  auto state = std::make_unique<State>();
  state->engine = *std::move(engine);
  state->key.reset(ENGINE_load_private_key(
      state->engine.get(), object.uri.c_str(), silent.get(), nullptr));
  if (state->key == nullptr) {
    return Unreadable("no such token or private key, or another PIN");
  }
  auto public_key = PublicKeyOf(state->key.get(), use);
  if (!public_key.ok()) return public_key.status();
  return std::unique_ptr<Pkcs11Key>(
      new Pkcs11Key(std::move(state), *std::move(public_key)));
}

absl::StatusOr<std::string> Pkcs11Key::Sign(std::string_view message) const {
  return SignWith(state_->key.get(), message);
}

absl::StatusOr<std::string> Pkcs11Key::PublicPem() const {
  return PublicPemOf(state_->key.get());
}

}  // namespace anchorage::anchors::tuf
