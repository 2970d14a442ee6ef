#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "client/c/calls.h"
#include "client/policy/identity_policy_document.h"

namespace anchors = anchorage::anchors;
namespace verify = anchorage::verify;
using anchorage::c::CheckBytes;
using anchorage::c::CheckHandle;
using anchorage::c::CheckSaid;
using anchorage::c::CheckText;
using anchorage::c::Free;
using anchorage::c::FreeWithFault;
using anchorage::c::Live;
using anchorage::c::Mistake;
using anchorage::c::New;
using anchorage::c::NewWithFault;
using anchorage::c::SetYesOrNo;
using anchorage::c::Stage;
using anchorage::c::View;
using anchorage::client::ImdsOptions;

namespace {

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

template <typename Set>
void SetImds(anchorage_request* request, Set set) {
  if (Live(request) == nullptr) return;
  request->Try([&] {
    if (!request->imds.has_value()) request->imds.emplace();
    return set(*request->imds);
  });
}

}  // namespace

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
void anchorage_request_set_imds_url(anchorage_request* request, const char* url,
                                    size_t size) {
  SetImds(request, [&](ImdsOptions& imds) {
    if (absl::Status s = CheckSaid("imds url", url, size); !s.ok()) return s;
    const std::string_view host = View(url, size);
    constexpr std::string_view kScheme = "http://";
    if (!host.starts_with(kScheme) || host == kScheme ||
        host.find('/', kScheme.size()) != host.npos) {
      return Mistake("imds url", "is not http://HOST[:PORT]");
    }
    imds.endpoints = {std::string(host)};
    return absl::OkStatus();
  });
}
void anchorage_request_set_imds_timeout(anchorage_request* request,
                                        int64_t ms) {
  SetImds(request, [&](ImdsOptions& imds) {
    imds.total_timeout = absl::Milliseconds(ms);
    return imds.total_timeout >= absl::Milliseconds(1) &&
                   imds.total_timeout <= absl::Hours(1)
               ? absl::OkStatus()
               : Mistake("imds timeout", "is not from 1 ms to 1 h");
  });
}
void anchorage_request_set_imds_version_1(anchorage_request* request,
                                          int32_t on) {
  SetImds(request, [&](ImdsOptions& imds) {
    return SetYesOrNo("imds version 1", on, imds.version_1);
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
