#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "anchors/tuf/tuf_error.h"
#include "client/c/calls.h"
#include "client/instance/instance_error.h"
#include "client/verdict_json.h"
#include "verify/printable.h"
#include "verify/reason.h"

namespace anchorage::c {
namespace {

// Made when the library is loaded.
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

}  // namespace

std::int32_t CodeOf(const absl::Status& status, Stage stage) {
  if (client::InstanceReasonOf(status).has_value()) return ANCHORAGE_UNDECIDED;
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
      reason.has_value() && stage == Stage::kRefresh) {
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
  if (const auto reason = client::InstanceReasonOf(status);
      reason.has_value()) {
    return client::NameOf(*reason);
  }
  return absl::IsResourceExhausted(status) ? "RESOURCES_EXHAUSTED" : "USAGE";
}

std::string MessageOf(const absl::Status& status) {
  absl::string_view message = status.message();
  // It is a field of its own, which people print before the message.
  absl::ConsumePrefix(&message,
                      absl::StrCat(std::string(ReasonNameOf(status)), ": "));
  return verify::Printable({message.data(), message.size()},
                           verify::kMaxSentenceBytes);
}

void NoError(anchorage_error** error) {
  if (error != nullptr) *error = nullptr;
}

std::int32_t Fail(const absl::Status& status, Stage stage,
                  anchorage_error** error,
                  Verification* verification) noexcept {
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

}  // namespace anchorage::c

namespace client = anchorage::client;
using anchorage::c::FreeWithFault;
using anchorage::c::Live;
using anchorage::c::NewText;
using anchorage::c::Said;
using anchorage::c::Text;

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
