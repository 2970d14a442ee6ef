// The C interface as index.js uses it: functions over external values. What
// fails throws, or rejects with, a plain object that index.js makes an Error
// of. index.js gives every function what it takes; texts are buffers.
//
// Verifications and refreshes run on a thread of libuv's pool. Everything else
// here, the counting of references included, runs on the thread of the
// JavaScript that the handles belong to.

#define NAPI_VERSION 8
#include <anchorage/anchorage.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MUST(call)                             \
  do {                                         \
    if ((call) != napi_ok) return Broken(env); \
  } while (0)

static napi_value Broken(napi_env env) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw_error(env, NULL, "Node-API failed");
  return NULL;
}

// --- Handles -----------------------------------------------------------------

// An object of the library; whoever uses it has a reference.
typedef struct {
  void* object;
  void (*free_object)(void*);
  int references;
} Handle;

static Handle* Hold(Handle* handle) {
  if (handle != NULL) ++handle->references;
  return handle;
}

static void Drop(Handle* handle) {
  if (handle == NULL || --handle->references > 0) return;
  handle->free_object(handle->object);
  free(handle);
}

static void DropExternal(napi_env env, void* handle, void* hint) {
  (void)env;
  (void)hint;
  Drop(handle);
}

static void FreeClient(void* object) { anchorage_client_free(object); }
static void FreeIdentityPolicy(void* object) {
  anchorage_identity_policy_free(object);
}
static void FreeAttestationPolicy(void* object) {
  anchorage_attestation_policy_free(object);
}
static void FreeLedger(void* object) { anchorage_ledger_free(object); }

// Returns an external value that owns `object`.
static napi_value Wrap(napi_env env, void* object, void (*free_object)(void*)) {
  Handle* handle = malloc(sizeof *handle);
  if (handle == NULL) {
    free_object(object);
    return Broken(env);
  }
  *handle = (Handle){object, free_object, 1};
  napi_value external;
  if (napi_create_external(env, handle, DropExternal, NULL, &external) !=
      napi_ok) {
    Drop(handle);
    return Broken(env);
  }
  return external;
}

// --- Values ------------------------------------------------------------------

// Puts the property where it is something; `*value` is NULL where it is not
// there.
static bool Get(napi_env env, napi_value object, const char* name,
                napi_value* value) {
  napi_valuetype type;
  if (napi_get_named_property(env, object, name, value) != napi_ok ||
      napi_typeof(env, *value, &type) != napi_ok) {
    return false;
  }
  if (type == napi_undefined) *value = NULL;
  return true;
}

static void Set(napi_env env, napi_value object, const char* name,
                napi_value value) {
  napi_set_named_property(env, object, name, value);
}

static napi_value Null(napi_env env) {
  napi_value value = NULL;
  napi_get_null(env, &value);
  return value;
}

static napi_value Text(napi_env env, const char* text, size_t size) {
  napi_value value = NULL;
  if (text == NULL) return Null(env);
  napi_create_string_utf8(env, text, size, &value);
  return value;
}

static void SetText(napi_env env, napi_value object, const char* name,
                    const char* text) {
  Set(env, object, name, Text(env, text, NAPI_AUTO_LENGTH));
}

static void SetBytes(napi_env env, napi_value object, const char* name,
                     const void* bytes, size_t size) {
  napi_value value = NULL;
  if (bytes == NULL) {
    value = Null(env);
  } else {
    napi_create_buffer_copy(env, size, bytes, NULL, &value);
  }
  Set(env, object, name, value);
}

static void SetInt(napi_env env, napi_value object, const char* name,
                   int32_t number) {
  napi_value value = NULL;
  napi_create_int32(env, number, &value);
  Set(env, object, name, value);
}

static void SetTime(napi_env env, napi_value object, const char* name,
                    bool is_there, int64_t time) {
  napi_value value = NULL;
  if (is_there) {
    napi_create_date(env, (double)time, &value);
  } else {
    value = Null(env);
  }
  Set(env, object, name, value);
}

// Frees `json`.
static void SetJson(napi_env env, napi_value object, char* json, size_t size) {
  Set(env, object, "json", Text(env, json, size));
  anchorage_string_free(json);
}

// Returns `error` as an object, and frees it.
static napi_value TakeError(napi_env env, anchorage_error* error) {
  napi_value object = NULL;
  napi_create_object(env, &object);
  SetInt(env, object, "code", anchorage_error_code(error));
  SetText(env, object, "reason", anchorage_error_reason(error));
  SetText(env, object, "check", anchorage_error_check(error));
  SetText(env, object, "message", anchorage_error_message(error));
  SetInt(env, object, "certificateIndex",
         anchorage_error_certificate_index(error));
  size_t size = 0;
  char* json = anchorage_error_json(error, &size);
  SetJson(env, object, json, size);
  anchorage_error_free(error);
  return object;
}

static napi_value Throw(napi_env env, anchorage_error* error) {
  napi_throw(env, TakeError(env, error));
  return NULL;
}

// --- Clients -----------------------------------------------------------------

static void SetRoot(anchorage_options* options, const char* root, size_t size) {
  anchorage_options_set_trusted_root(options, root, size);
}

static const struct {
  const char* name;
  void (*set)(anchorage_options*, const char*, size_t);
} kTextOptions[] = {
    {"url", anchorage_options_set_url},
    {"targetsUrl", anchorage_options_set_targets_url},
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

static const struct {
  const char* name;
  void (*set)(anchorage_options*, int64_t);
} kNumberOptions[] = {
    {"backgroundRefresh", SetBackground},
    {"refreshIntervalMs", anchorage_options_set_refresh_interval},
    {"timeoutMs", anchorage_options_set_timeout},
    {"maxStaleMs", anchorage_options_set_max_stale},
    {"identityWhenExpired", SetIdentityWhenExpired},
    {"attestationWhenExpired", SetAttestationWhenExpired},
};

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

// open(options): a client.
static napi_value Open(napi_env env, napi_callback_info info) {
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

// state(client): an object.
static napi_value State(napi_env env, napi_callback_info info) {
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

// --- Policies and ledgers ----------------------------------------------------

// readIdentityPolicy(text, name), readAttestationPolicy(text, name): a policy.
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
static napi_value ReadIdentityPolicy(napi_env env, napi_callback_info info) {
  return ReadPolicy(env, info, true);
}
static napi_value ReadAttestationPolicy(napi_env env, napi_callback_info info) {
  return ReadPolicy(env, info, false);
}

// newLedger(maxEntries): a ledger.
static napi_value NewLedger(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  int64_t most;
  MUST(napi_get_cb_info(env, info, &count, &argument, NULL, NULL));
  MUST(napi_get_value_int64(env, argument, &most));
  anchorage_ledger* ledger = anchorage_ledger_new((size_t)most);
  return ledger != NULL ? Wrap(env, ledger, FreeLedger) : Broken(env);
}

// forgetBefore(ledger, time): how many.
static napi_value ForgetBefore(napi_env env, napi_callback_info info) {
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

// --- What runs on another thread ---------------------------------------------

typedef enum { kRefresh, kClose, kVerifyIdentity, kVerifyAttestation } Task;

typedef struct {
  Task task;
  napi_async_work work;
  napi_deferred deferred;
  Handle* client;
  Handle* policy;
  Handle* ledger;
  anchorage_request* request;
  // A copy, because the caller's may change meanwhile.
  void* evidence;
  size_t size;
  // The result, or else the error.
  bool is_good;
  void* result;
  char* json;
  size_t json_size;
  anchorage_error* error;
} Job;

static void FreeJob(napi_env env, Job* job) {
  if (job->work != NULL) napi_delete_async_work(env, job->work);
  anchorage_request_free(job->request);
  Drop(job->client);
  Drop(job->policy);
  Drop(job->ledger);
  free(job->evidence);
  free(job);
}

static void Execute(napi_env env, void* data) {
  (void)env;
  Job* job = data;
  void* client = job->client->object;
  switch (job->task) {
    case kRefresh:
      job->is_good =
          anchorage_client_refresh(client, &job->error) == ANCHORAGE_OK;
      break;
    case kClose:
      anchorage_client_free(client);
      job->client->object = NULL;
      job->is_good = true;
      break;
    case kVerifyIdentity:
      job->result = anchorage_verify_identity(client, job->evidence, job->size,
                                              job->policy->object, job->request,
                                              &job->error);
      job->is_good = job->result != NULL;
      job->json = anchorage_identity_json(job->result, &job->json_size);
      break;
    case kVerifyAttestation:
      job->result = anchorage_verify_attestation(client, job->evidence,
                                                 job->size, job->policy->object,
                                                 job->request, &job->error);
      job->is_good = job->result != NULL;
      job->json = anchorage_attestation_json(job->result, &job->json_size);
      break;
  }
}

static const char* const kFields[][2] = {
    {"accountId", "account_id"},   {"region", "region"},
    {"partition", "partition"},    {"availabilityZone", "availability_zone"},
    {"instanceId", "instance_id"}, {"instanceType", "instance_type"},
    {"imageId", "image_id"},       {"architecture", "architecture"},
    {"version", "version"},        {"kernelId", "kernel_id"},
    {"ramdiskId", "ramdisk_id"},   {"privateIp", "private_ip"},
};

static napi_value IdentityOf(napi_env env, anchorage_identity* identity) {
  napi_value object = NULL;
  napi_value list = NULL;
  size_t size = 0;
  napi_create_object(env, &object);
  for (size_t i = 0; i < sizeof kFields / sizeof *kFields; ++i) {
    const char* text = anchorage_identity_field(identity, kFields[i][1], &size);
    Set(env, object, kFields[i][0], Text(env, text, size));
  }
  list = Null(env);
  if (anchorage_identity_product_codes(identity, &size) != 0) {
    napi_create_array(env, &list);
    for (size_t i = 0; i < size; ++i) {
      const char* code = anchorage_identity_product_code(identity, i);
      napi_set_element(env, list, i, Text(env, code, NAPI_AUTO_LENGTH));
    }
  }
  Set(env, object, "productCodes", list);
  list = Null(env);
  if (anchorage_identity_billing_products(identity, &size) != 0) {
    napi_create_array(env, &list);
    for (size_t i = 0; i < size; ++i) {
      const char* product = anchorage_identity_billing_product(identity, i);
      napi_set_element(env, list, i, Text(env, product, NAPI_AUTO_LENGTH));
    }
  }
  Set(env, object, "billingProducts", list);
  SetTime(env, object, "pendingTime", true,
          anchorage_identity_pending_time(identity));
  int64_t time = 0;
  const bool is_timed = anchorage_identity_signing_time(identity, &time) != 0;
  SetTime(env, object, "signingTime", is_timed, time);
  SetInt(env, object, "form", anchorage_identity_form(identity));
  const void* document = anchorage_identity_document(identity, &size);
  SetBytes(env, object, "document", document, size);
  napi_create_array(env, &list);
  const char* note;
  for (size_t i = 0; (note = anchorage_identity_note(identity, i)) != NULL;
       ++i) {
    napi_set_element(env, list, i, Text(env, note, NAPI_AUTO_LENGTH));
  }
  Set(env, object, "notes", list);
  return object;
}

// The highest index of a PCR.
enum { kMaxPcr = 31 };

static napi_value AttestationOf(napi_env env,
                                anchorage_attestation* attestation) {
  napi_value object = NULL;
  napi_value list = NULL;
  size_t size = 0;
  napi_create_object(env, &object);
  SetInt(env, object, "type", anchorage_attestation_type(attestation));
  SetText(env, object, "moduleId",
          anchorage_attestation_module_id(attestation));
  SetText(env, object, "instanceId",
          anchorage_attestation_instance_id(attestation));
  SetText(env, object, "region", anchorage_attestation_region(attestation));
  SetText(env, object, "partition",
          anchorage_attestation_partition(attestation));
  SetText(env, object, "release", anchorage_attestation_release(attestation));
  SetTime(env, object, "time", true, anchorage_attestation_time(attestation));
  const void* bytes = anchorage_attestation_public_key(attestation, &size);
  SetBytes(env, object, "publicKey", bytes, size);
  bytes = anchorage_attestation_user_data(attestation, &size);
  SetBytes(env, object, "userData", bytes, size);
  bytes = anchorage_attestation_nonce(attestation, &size);
  SetBytes(env, object, "nonce", bytes, size);
  // By index; index.js leaves out what is absent.
  napi_create_array(env, &list);
  for (int32_t i = 0; i <= kMaxPcr; ++i) {
    napi_value pcr = NULL;
    bytes = anchorage_attestation_pcr(attestation, i, &size);
    if (bytes == NULL) continue;
    napi_create_buffer_copy(env, size, bytes, NULL, &pcr);
    napi_set_element(env, list, (uint32_t)i, pcr);
  }
  Set(env, object, "pcrs", list);
  napi_create_array(env, &list);
  const char* note;
  for (size_t i = 0;
       (note = anchorage_attestation_note(attestation, i)) != NULL; ++i) {
    napi_set_element(env, list, i, Text(env, note, NAPI_AUTO_LENGTH));
  }
  Set(env, object, "notes", list);
  return object;
}

static void Complete(napi_env env, napi_status status, void* data) {
  Job* job = data;
  napi_value value = NULL;
  if (status != napi_ok) {
    job->is_good = false;
  } else if (job->task == kVerifyIdentity && job->is_good) {
    value = IdentityOf(env, job->result);
  } else if (job->task == kVerifyAttestation && job->is_good) {
    value = AttestationOf(env, job->result);
  } else {
    napi_get_undefined(env, &value);
  }
  if (job->is_good) {
    if (job->result != NULL) SetJson(env, value, job->json, job->json_size);
    napi_resolve_deferred(env, job->deferred, value);
  } else {
    napi_reject_deferred(env, job->deferred, TakeError(env, job->error));
  }
  if (job->task == kVerifyIdentity) anchorage_identity_free(job->result);
  if (job->task == kVerifyAttestation) anchorage_attestation_free(job->result);
  FreeJob(env, job);
}

static bool ReadRequest(napi_env env, napi_value from, Job* job) {
  static const struct {
    const char* name;
    void (*set)(anchorage_request*, const void*, size_t);
  } kBytes[] = {
      {"document", anchorage_request_set_document},
      {"nonce", anchorage_request_set_nonce},
      {"userData", anchorage_request_set_user_data},
      {"publicKey", anchorage_request_set_public_key},
  };
  napi_value value;
  void* bytes;
  size_t size;
  int64_t number;
  job->request = anchorage_request_new();
  for (size_t i = 0; i < sizeof kBytes / sizeof *kBytes; ++i) {
    if (!Get(env, from, kBytes[i].name, &value)) return false;
    if (value == NULL) continue;
    if (napi_get_buffer_info(env, value, &bytes, &size) != napi_ok) {
      return false;
    }
    kBytes[i].set(job->request, size > 0 ? bytes : "", size);
  }
  if (!Get(env, from, "form", &value)) return false;
  if (value != NULL) {
    if (napi_get_value_int64(env, value, &number) != napi_ok) return false;
    anchorage_request_set_form(job->request, (int32_t)number);
  }
  if (!Get(env, from, "recordedAt", &value)) return false;
  if (value != NULL) {
    if (napi_get_value_int64(env, value, &number) != napi_ok) return false;
    anchorage_request_set_recorded_at(job->request, number);
  }
  if (!Get(env, from, "trace", &value)) return false;
  if (value != NULL) anchorage_request_set_trace(job->request, 1);
  if (!Get(env, from, "ledger", &value)) return false;
  if (value == NULL) return true;
  Handle* ledger;
  if (napi_get_value_external(env, value, (void**)&ledger) != napi_ok ||
      !Get(env, from, "mode", &value) || value == NULL ||
      napi_get_value_int64(env, value, &number) != napi_ok ||
      !Get(env, from, "binding", &value)) {
    return false;
  }
  bytes = NULL;
  size = 0;
  if (value != NULL) {
    if (napi_get_buffer_info(env, value, &bytes, &size) != napi_ok) {
      return false;
    }
    if (size == 0) bytes = "";
  }
  job->ledger = Hold(ledger);
  anchorage_request_set_ledger(job->request, ledger->object, (int32_t)number,
                               bytes, size);
  return true;
}

// Reads (client, text, policy, request) for a verification, (client) otherwise.
static bool ReadJob(napi_env env, napi_callback_info info, Job* job) {
  napi_value arguments[4];
  size_t count = 4;
  Handle* handle;
  void* bytes;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok ||
      napi_get_value_external(env, arguments[0], (void**)&handle) != napi_ok) {
    return false;
  }
  job->client = Hold(handle);
  if (job->task == kRefresh || job->task == kClose) return true;
  if (napi_get_buffer_info(env, arguments[1], &bytes, &job->size) != napi_ok ||
      napi_get_value_external(env, arguments[2], (void**)&handle) != napi_ok) {
    return false;
  }
  job->policy = Hold(handle);
  job->evidence = malloc(job->size + 1);
  if (job->evidence == NULL) return false;
  if (job->size > 0) memcpy(job->evidence, bytes, job->size);
  return ReadRequest(env, arguments[3], job);
}

static napi_value Start(napi_env env, napi_callback_info info, Task task) {
  Job* job = calloc(1, sizeof *job);
  if (job == NULL) return Broken(env);
  job->task = task;
  napi_value name;
  napi_value promise;
  if (!ReadJob(env, info, job) ||
      napi_create_string_utf8(env, "anchorage", NAPI_AUTO_LENGTH, &name) !=
          napi_ok ||
      napi_create_async_work(env, NULL, name, Execute, Complete, job,
                             &job->work) != napi_ok ||
      napi_create_promise(env, &job->deferred, &promise) != napi_ok ||
      napi_queue_async_work(env, job->work) != napi_ok) {
    FreeJob(env, job);
    return Broken(env);
  }
  return promise;
}

// refresh(client): a promise of nothing.
static napi_value Refresh(napi_env env, napi_callback_info info) {
  return Start(env, info, kRefresh);
}

// close(client): a promise of nothing; nothing else uses the client now or
// later.
static napi_value Close(napi_env env, napi_callback_info info) {
  return Start(env, info, kClose);
}

// verifyIdentity(client, text, policy, request): a promise of an object.
static napi_value VerifyIdentity(napi_env env, napi_callback_info info) {
  return Start(env, info, kVerifyIdentity);
}

// verifyAttestation(client, document, policy, request): likewise.
static napi_value VerifyAttestation(napi_env env, napi_callback_info info) {
  return Start(env, info, kVerifyAttestation);
}

// -----------------------------------------------------------------------------

NAPI_MODULE_INIT() {
  static const struct {
    const char* name;
    napi_callback call;
  } kFunctions[] = {
      {"open", Open},
      {"state", State},
      {"refresh", Refresh},
      {"close", Close},
      {"verifyIdentity", VerifyIdentity},
      {"verifyAttestation", VerifyAttestation},
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
