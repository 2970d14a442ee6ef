#include <cstdint>
#include <string>

#include "client/c/calls.h"

using anchorage::c::Live;
using anchorage::c::Mistake;
using anchorage::c::Said;
using anchorage::c::Text;
using anchorage::client::Event;
using anchorage::client::EventName;

namespace {

// How many event callbacks this thread is in.
thread_local int callbacks = 0;

struct InCallback {
  InCallback() { ++callbacks; }
  ~InCallback() { --callbacks; }
};

}  // namespace

anchorage_event::anchorage_event(const Event& given)
    : name(anchorage::client::NameOf(given.name)),
      reason(given.reason),
      check(given.check),
      message(given.message),
      sequence(given.sequence),
      left_out(given.left_out) {
  // A failure without a reason of its own.
  if (given.name == EventName::kFailed && reason.empty()) reason = "USAGE";
  if (given.kind.has_value()) {
    slot = anchorage::verify::ToString(
        {given.partition, given.region, *given.kind});
  }
}

bool anchorage::c::IsInCallback() { return callbacks > 0; }

void anchorage_options_set_event_callback(anchorage_options* options,
                                          anchorage_event_callback callback,
                                          void* user) {
  if (Live(options) == nullptr) return;
  options->Try([&] {
    if (callback == nullptr) return Mistake("event callback", "is NULL");
    options->options.on_event = [callback, user](const Event& given) {
      const anchorage_event event(given);
      const InCallback in_callback;
      callback(&event, user);
    };
    return absl::OkStatus();
  });
}

const char* anchorage_event_name(const anchorage_event* event) {
  return Live(event) != nullptr ? event->name.c_str() : nullptr;
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
const char* anchorage_event_check(const anchorage_event* event) {
  return Live(event) != nullptr ? Text(Said(event->check)) : nullptr;
}
const char* anchorage_event_slot(const anchorage_event* event) {
  return Live(event) != nullptr ? Text(Said(event->slot)) : nullptr;
}
uint64_t anchorage_event_left_out(const anchorage_event* event) {
  return Live(event) != nullptr ? event->left_out : 0;
}
