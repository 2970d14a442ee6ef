#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "client/bundle_file.h"
#include "client/c/calls.h"

namespace client = anchorage::client;
using anchorage::anchors::BakedBundle;
using anchorage::c::CheckBytes;
using anchorage::c::CheckSaid;
using anchorage::c::CheckText;
using anchorage::c::FreeWithFault;
using anchorage::c::Live;
using anchorage::c::Mistake;
using anchorage::c::NewWithFault;
using anchorage::c::SetYesOrNo;
using anchorage::c::View;
using anchorage::client::TrustClientOptions;

namespace {

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

}  // namespace

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
void anchorage_options_add_url(anchorage_options* options, const char* url,
                               size_t size) {
  if (Live(options) == nullptr) return;
  options->Try([&] {
    absl::Status s = CheckSaid("url", url, size);
    if (s.ok() && size == 0) s = Mistake("url", "is empty");
    if (s.ok()) {
      client::TrustServer server;
      server.metadata_url = View(url, size);
      options->options.further_servers.push_back(std::move(server));
    }
    return s;
  });
}
void anchorage_options_set_proxy(anchorage_options* options, const char* url,
                                 size_t size) {
  if (Live(options) == nullptr) return;
  options->Try([&] {
    absl::Status s = CheckSaid("proxy", url, size);
    if (s.ok() && size == 0) s = Mistake("proxy", "is empty");
    if (s.ok()) options->options.proxy = View(url, size);
    return s;
  });
}
void anchorage_options_set_proxy_of_environment(anchorage_options* options,
                                                int32_t on) {
  if (Live(options) == nullptr) return;
  options->Try([&] {
    bool is_on = false;
    absl::Status s = SetYesOrNo("proxy of environment", on, is_on);
    if (!s.ok()) return s;
    options->options.proxy =
        is_on ? std::nullopt : std::optional<std::string>("");
    return s;
  });
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
    BakedBundle& baked = options->options.baked;
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
void anchorage_options_set_refresh_budget(anchorage_options* options,
                                          int64_t ms) {
  if (Live(options) == nullptr) return;
  options->options.refresh_budget = absl::Milliseconds(ms);
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
