#include <cstdint>
#include <string>

#include "client/c/calls.h"

using anchorage::anchors::NoThrow;
using anchorage::c::CodeOf;
using anchorage::c::Live;
using anchorage::c::MessageOf;
using anchorage::c::Mistake;
using anchorage::c::ReasonNameOf;
using anchorage::c::Said;
using anchorage::c::Stage;
using anchorage::c::Text;

namespace {

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

}  // namespace

bool anchorage::c::IsInCallback() { return callbacks > 0; }

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
  return Live(event) != nullptr ? event->name : nullptr;
}
const char* anchorage_event_reason(const anchorage_event* event) {
  return Live(event) != nullptr ? Text(Said(event->reason)) : nullptr;
}
const char* anchorage_event_message(const anchorage_event* event) {
  return Live(event) != nullptr ? Text(Said(event->message)) : nullptr;
}
uint64_t anchorage_event_sequence(const anchorage_event* event) {
  return Live(event) != nullptr ? event->sequence : 0;
}
