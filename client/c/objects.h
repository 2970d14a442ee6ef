// What the handles of anchorage.h are.

#ifndef ANCHORAGE_CLIENT_C_OBJECTS_H_
#define ANCHORAGE_CLIENT_C_OBJECTS_H_

#define ANCHORAGE_BUILDING
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/base/no_throw.h"
#include "client/c/anchorage.h"
#include "client/instance/imds.h"
#include "client/policy/policy_document.h"
#include "client/trust_client.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/identity/identity_verifier.h"
#include "verify/trace.h"

namespace anchorage::c {

// Whether the memory of handles that were freed is kept, so that whoever uses
// one is told.
bool KeepsFreed();

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
    if (!KeepsFreed()) ::operator delete(memory);
  }

  bool is_live() const { return magic_ == kMagic; }

 private:
  // Volatile, so that the last write is made.
  volatile std::uint32_t magic_ = kMagic;
};

// Keeps the first mistake of an object's setters.
class WithFault {
 public:
  const absl::Status& fault() const { return fault_; }

  // Calls `set` unless there was a mistake before.
  template <typename Set>
  void Try(Set set) noexcept {
    if (fault_.ok()) fault_ = anchors::NoThrow(set);
  }

 private:
  absl::Status fault_;
};

template <typename T>
const T* Live(const T* handle) {
  return handle != nullptr && handle->is_live() ? handle : nullptr;
}

template <typename T>
T* Live(T* handle) {
  return handle != nullptr && handle->is_live() ? handle : nullptr;
}

}  // namespace anchorage::c

struct anchorage_options : anchorage::c::Handle<0x616f7074>,
                           anchorage::c::WithFault {
  anchorage::client::TrustClientOptions options;
};

struct anchorage_client : anchorage::c::Handle<0x61636c69> {
  std::unique_ptr<anchorage::client::TrustClient> client;
};

struct anchorage_identity_policy : anchorage::c::Handle<0x61697000> {
  explicit anchorage_identity_policy(anchorage::verify::IdentityPolicy given)
      : policy(std::move(given)) {}
  const anchorage::verify::IdentityPolicy policy;
};

struct anchorage_attestation_policy : anchorage::c::Handle<0x61617000> {
  anchorage_attestation_policy(
      anchorage::anchors::PolicyText given,
      absl::StatusOr<anchorage::anchors::PolicyDocument> made)
      : text(std::move(given)), alone(std::move(made)) {}
  const anchorage::anchors::PolicyText text;
  // Made of the text alone, where that can be.
  const absl::StatusOr<anchorage::anchors::PolicyDocument> alone;
};

struct anchorage_ledger : anchorage::c::Handle<0x616c6564> {
  explicit anchorage_ledger(std::size_t max_entries)
      : ledger(std::make_shared<anchorage::verify::InMemoryReplayLedger>(
            max_entries)) {}
  const std::shared_ptr<anchorage::verify::InMemoryReplayLedger> ledger;
};

struct anchorage_request : anchorage::c::Handle<0x61726571>,
                           anchorage::c::WithFault {
  bool is_for_identity() const {
    return document.has_value() || form != ANCHORAGE_FORM_RECOGNISED ||
           ledger != nullptr;
  }
  bool is_for_this_instance() const { return imds.has_value(); }
  bool is_for_attestation() const {
    return nonce.has_value() || user_data.has_value() || public_key.has_value();
  }

  std::optional<std::string> document;
  std::int32_t form = ANCHORAGE_FORM_RECOGNISED;
  // Where `replay` has its ledger.
  std::shared_ptr<anchorage::verify::InMemoryReplayLedger> ledger;
  anchorage::verify::ReplayCheck replay;
  std::optional<anchorage::client::ImdsOptions> imds;
  std::optional<std::string> nonce;
  std::optional<std::string> user_data;
  std::optional<std::string> public_key;
  std::optional<absl::Time> recorded_at;
  bool trace = false;
};

struct anchorage_identity : anchorage::c::Handle<0x61696400> {
  explicit anchorage_identity(anchorage::verify::VerifiedIdentity verified)
      : identity(std::move(verified)) {}
  const anchorage::verify::VerifiedIdentity identity;
  anchorage::client::AnchorsUsed used;
  anchorage::verify::Trace trace;
};

struct anchorage_attestation : anchorage::c::Handle<0x61617474> {
  anchorage::verify::AttestedFacts facts;
  anchorage::verify::AttestationType type =
      anchorage::verify::AttestationType::kEnclave;
  anchorage::client::AnchorsUsed used;
  anchorage::verify::Trace trace;
};

struct anchorage_state : anchorage::c::Handle<0x61737461> {
  anchorage::client::TrustClientState state;
};

struct anchorage_event : anchorage::c::Handle<0x61657665> {
  const char* name = "";
  std::string reason;
  std::string message;
  std::uint64_t sequence = 0;
};

struct anchorage_error : anchorage::c::Handle<0x61657272> {
  std::int32_t code = ANCHORAGE_UNDECIDED;
  std::string reason;
  std::string check;
  std::string message;
  std::int32_t certificate_index = -1;
  // Of a refusal.
  const char* subject = nullptr;
  absl::Status status;
  anchorage::client::AnchorsUsed used;
  anchorage::verify::Trace trace;
};

#endif  // ANCHORAGE_CLIENT_C_OBJECTS_H_
