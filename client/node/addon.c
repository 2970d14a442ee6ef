#include "addon.h"

NAPI_MODULE_INIT() {
  static const struct {
    const char* name;
    napi_callback call;
  } kFunctions[] = {
      {"open", Open},
      {"state", State},
      {"refresh", Refresh},
      {"refreshOnce", RefreshOnce},
      {"firstPause", FirstPause},
      {"cancel", Cancel},
      {"close", Close},
      {"verifyIdentity", VerifyIdentity},
      {"verifyAttestation", VerifyAttestation},
      {"verifyThisInstance", VerifyThisInstance},
      {"attest", Attest},
      {"readIdentityPolicy", ReadIdentityPolicy},
      {"readAttestationPolicy", ReadAttestationPolicy},
      {"newLedger", NewLedger},
      {"forgetBefore", ForgetBefore},
  };
  for (size_t i = 0; i < sizeof kFunctions / sizeof *kFunctions; ++i) {
    napi_value function;
    MUST(napi_create_function(env, kFunctions[i].name, NAPI_AUTO_LENGTH,
                              kFunctions[i].call, NULL, &function));
    MUST(napi_set_named_property(env, exports, kFunctions[i].name, function));
  }
  SetText(env, exports, "version", anchorage_version());
  SetInt(env, exports, "versionNumber", anchorage_version_number());
  return exports;
}
