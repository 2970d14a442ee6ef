#include "addon.h"

static void FreeIdentityPolicy(void* object) {
  anchorage_identity_policy_free(object);
}
static void FreeAttestationPolicy(void* object) {
  anchorage_attestation_policy_free(object);
}
static void FreeLedger(void* object) { anchorage_ledger_free(object); }

static napi_value ReadPolicy(napi_env env, napi_callback_info info,
                             bool is_identity) {
  napi_value arguments[2];
  size_t count = 2;
  void* text;
  void* name;
  size_t size;
  size_t name_size;
  MUST(napi_get_cb_info(env, info, &count, arguments, NULL, NULL));
  MUST(napi_get_buffer_info(env, arguments[0], &text, &size));
  MUST(napi_get_buffer_info(env, arguments[1], &name, &name_size));
  if (size == 0) text = "";
  if (name_size == 0) name = "";
  anchorage_error* error = NULL;
  void* policy = is_identity ? (void*)anchorage_identity_policy_read(
                                   text, size, name, name_size, &error)
                             : (void*)anchorage_attestation_policy_read(
                                   text, size, name, name_size, &error);
  if (policy == NULL) return Throw(env, error);
  return Wrap(env, policy,
              is_identity ? FreeIdentityPolicy : FreeAttestationPolicy);
}
napi_value ReadIdentityPolicy(napi_env env, napi_callback_info info) {
  return ReadPolicy(env, info, true);
}
napi_value ReadAttestationPolicy(napi_env env, napi_callback_info info) {
  return ReadPolicy(env, info, false);
}

napi_value NewLedger(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  int64_t most;
  MUST(napi_get_cb_info(env, info, &count, &argument, NULL, NULL));
  MUST(napi_get_value_int64(env, argument, &most));
  anchorage_ledger* ledger = anchorage_ledger_new((size_t)most);
  return ledger != NULL ? Wrap(env, ledger, FreeLedger) : Broken(env);
}

napi_value ForgetBefore(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2;
  Handle* ledger;
  int64_t time;
  napi_value forgotten;
  MUST(napi_get_cb_info(env, info, &count, arguments, NULL, NULL));
  MUST(napi_get_value_external(env, arguments[0], (void**)&ledger));
  MUST(napi_get_value_int64(env, arguments[1], &time));
  MUST(napi_create_int64(
      env, (int64_t)anchorage_ledger_forget_before(ledger->object, time),
      &forgotten));
  return forgotten;
}
