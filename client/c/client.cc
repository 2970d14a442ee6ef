#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

#include "anchors/base/version.h"
#include "client/c/calls.h"
#include "client/http_transport.h"
#include "client/verdict_json.h"

namespace client = anchorage::client;
namespace verify = anchorage::verify;
using anchorage::anchors::NoThrow;
using anchorage::c::CheckHandle;
using anchorage::c::Fail;
using anchorage::c::Free;
using anchorage::c::IsInCallback;
using anchorage::c::Live;
using anchorage::c::New;
using anchorage::c::NewText;
using anchorage::c::NoError;
using anchorage::c::PutTime;
using anchorage::c::Stage;
using anchorage::client::TrustClient;
using anchorage::client::TrustClientOptions;

const char* anchorage_version(void) {
  return anchorage::anchors::kVersionAndCommit;
}
int32_t anchorage_version_number(void) {
  return anchorage::anchors::kVersionNumber;
}
void anchorage_string_free(char* text) { std::free(text); }
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
          for (client::TrustServer& server : given.further_servers) {
            server.tls_roots_pem = given.tls_roots_pem;
          }
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
  if (!IsInCallback()) Free(client);
}

void anchorage_client_cancel(anchorage_client* client) {
  if (Live(client) != nullptr) client->client->Cancel();
}

namespace {

// -1 for never.
std::int64_t MillisecondsOf(absl::Duration pause) {
  return pause == absl::InfiniteDuration()
             ? -1
             : absl::ToInt64Milliseconds(
                   absl::Ceil(pause, absl::Milliseconds(1)));
}

}  // namespace

int32_t anchorage_client_refresh(anchorage_client* client,
                                 anchorage_error** error) {
  return anchorage_client_refresh_once(client, nullptr, error);
}
int32_t anchorage_client_refresh_once(anchorage_client* client,
                                      int64_t* pause_ms,
                                      anchorage_error** error) {
  NoError(error);
  absl::Duration pause = absl::InfiniteDuration();
  const absl::Status status = NoThrow([&] {
    if (absl::Status s = CheckHandle("client", client); !s.ok()) return s;
    client::RefreshResult result = client->client->RefreshOnce();
    pause = result.pause;
    return result.ended;
  });
  if (pause_ms != nullptr) *pause_ms = MillisecondsOf(pause);
  return status.ok() ? ANCHORAGE_OK : Fail(status, Stage::kRefresh, error);
}
int64_t anchorage_client_first_pause(const anchorage_client* client) {
  return Live(client) != nullptr ? MillisecondsOf(client->client->FirstPause())
                                 : -1;
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
