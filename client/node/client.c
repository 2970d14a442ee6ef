#include "addon.h"

static void SetRoot(anchorage_options* options, const char* root, size_t size) {
  anchorage_options_set_trusted_root(options, root, size);
}

static const struct {
  const char* name;
  void (*set)(anchorage_options*, const char*, size_t);
} kTextOptions[] = {
    {"url", anchorage_options_set_url},
    {"targetsUrl", anchorage_options_set_targets_url},
    {"proxy", anchorage_options_set_proxy},
    {"metricsFile", anchorage_options_set_metrics_file},
    {"trustedRoot", SetRoot},
    {"tlsRoots", anchorage_options_set_tls_roots},
    {"cacheDir", anchorage_options_set_cache_folder},
};

static void SetBackground(anchorage_options* options, int64_t on) {
  anchorage_options_set_background_refresh(options, on != 0);
}
static void SetIdentityWhenExpired(anchorage_options* options, int64_t what) {
  anchorage_options_set_identity_when_expired(options, (int32_t)what);
}
static void SetAttestationWhenExpired(anchorage_options* options,
                                      int64_t what) {
  anchorage_options_set_attestation_when_expired(options, (int32_t)what);
}

static void SetProxyOfEnvironment(anchorage_options* options, int64_t on) {
  anchorage_options_set_proxy_of_environment(options, on != 0);
}
static void SetReportOutcomes(anchorage_options* options, int64_t on) {
  anchorage_options_set_report_outcomes(options, on != 0);
}
static void SetReportSample(anchorage_options* options, int64_t one_in) {
  anchorage_options_set_report_sample(options, (int32_t)one_in);
}

static const struct {
  const char* name;
  void (*set)(anchorage_options*, int64_t);
} kNumberOptions[] = {
    {"backgroundRefresh", SetBackground},
    {"refreshIntervalMs", anchorage_options_set_refresh_interval},
    {"timeoutMs", anchorage_options_set_timeout},
    {"refreshBudgetMs", anchorage_options_set_refresh_budget},
    {"proxyOfEnvironment", SetProxyOfEnvironment},
    {"reportOutcomes", SetReportOutcomes},
    {"reportIntervalMs", anchorage_options_set_report_interval},
    {"reportSample", SetReportSample},
    {"maxStaleMs", anchorage_options_set_max_stale},
    {"identityWhenExpired", SetIdentityWhenExpired},
    {"attestationWhenExpired", SetAttestationWhenExpired},
};

static bool AddUrls(napi_env env, napi_value urls, anchorage_options* options) {
  uint32_t count = 0;
  if (napi_get_array_length(env, urls, &count) != napi_ok) return false;
  for (uint32_t i = 0; i < count; ++i) {
    napi_value url;
    void* bytes;
    size_t size;
    if (napi_get_element(env, urls, i, &url) != napi_ok ||
        napi_get_buffer_info(env, url, &bytes, &size) != napi_ok) {
      return false;
    }
    anchorage_options_add_url(options, size > 0 ? bytes : "", size);
  }
  return true;
}

static bool ReadOptions(napi_env env, napi_value from,
                        anchorage_options* options) {
  napi_value value;
  void* bytes;
  size_t size;
  int64_t number;
  for (size_t i = 0; i < sizeof kTextOptions / sizeof *kTextOptions; ++i) {
    if (!Get(env, from, kTextOptions[i].name, &value)) return false;
    if (value == NULL) continue;
    if (napi_get_buffer_info(env, value, &bytes, &size) != napi_ok) {
      return false;
    }
    kTextOptions[i].set(options, size > 0 ? bytes : "", size);
  }
  for (size_t i = 0; i < sizeof kNumberOptions / sizeof *kNumberOptions; ++i) {
    if (!Get(env, from, kNumberOptions[i].name, &value)) return false;
    if (value == NULL) continue;
    if (napi_get_value_int64(env, value, &number) != napi_ok) return false;
    kNumberOptions[i].set(options, number);
  }
  if (!Get(env, from, "furtherUrls", &value)) return false;
  if (value != NULL && !AddUrls(env, value, options)) return false;
  if (!Get(env, from, "bakedBundle", &value)) return false;
  if (value == NULL) return true;
  if (napi_get_buffer_info(env, value, &bytes, &size) != napi_ok ||
      !Get(env, from, "bakedBundleAsOf", &value) || value == NULL ||
      napi_get_value_int64(env, value, &number) != napi_ok) {
    return false;
  }
  anchorage_options_set_baked_bundle(options, size > 0 ? bytes : "", size,
                                     number);
  return true;
}

static void FreeClient(void* object) { anchorage_client_free(object); }

napi_value Open(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  MUST(napi_get_cb_info(env, info, &count, &argument, NULL, NULL));
  anchorage_options* options = anchorage_options_new();
  if (!ReadOptions(env, argument, options)) {
    anchorage_options_free(options);
    return Broken(env);
  }
  anchorage_error* error = NULL;
  anchorage_client* client = anchorage_client_new(options, &error);
  anchorage_options_free(options);
  if (client == NULL) return Throw(env, error);
  return Wrap(env, client, FreeClient);
}

napi_value FirstPause(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  MUST(napi_get_cb_info(env, info, &count, &argument, NULL, NULL));
  Handle* client;
  MUST(napi_get_value_external(env, argument, (void**)&client));
  napi_value pause = NULL;
  MUST(napi_create_int64(env, anchorage_client_first_pause(client->object),
                         &pause));
  return pause;
}

napi_value State(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  MUST(napi_get_cb_info(env, info, &count, &argument, NULL, NULL));
  Handle* client;
  MUST(napi_get_value_external(env, argument, (void**)&client));
  anchorage_error* error = NULL;
  anchorage_state* state = anchorage_client_state(client->object, &error);
  if (state == NULL) return Throw(env, error);
  napi_value object = NULL;
  napi_value sequence = NULL;
  napi_create_object(env, &object);
  SetInt(env, object, "origin", anchorage_state_origin(state));
  SetInt(env, object, "freshness", anchorage_state_freshness(state));
  napi_create_bigint_uint64(env, anchorage_state_sequence(state), &sequence);
  Set(env, object, "sequence", sequence);
  SetTime(env, object, "asOf", true, anchorage_state_as_of(state));
  int64_t until = 0;
  const bool ages = anchorage_state_fresh_until(state, &until) != 0;
  SetTime(env, object, "freshUntil", ages, until);
  size_t size = 0;
  char* json = anchorage_state_json(state, &size);
  SetJson(env, object, json, size);
  anchorage_state_free(state);
  return object;
}
