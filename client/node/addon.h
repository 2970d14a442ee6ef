// The C interface as index.js uses it: functions over external values. What
// fails throws, or rejects with, a plain object that index.js makes an Error
// of. index.js gives every function what it takes; texts are buffers.
//
// Verifications run on a thread of libuv's pool, and what may wait for the
// network on one of its own, so that no verification waits for that. Everything
// else here, the counting of references included, runs on the thread of the
// JavaScript that the handles belong to.

#ifndef ANCHORAGE_NODE_ADDON_H_
#define ANCHORAGE_NODE_ADDON_H_

#define NAPI_VERSION 8
#include <anchorage/anchorage.h>
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// --- value.c: values of JavaScript -------------------------------------------

#define MUST(call)                             \
  do {                                         \
    if ((call) != napi_ok) return Broken(env); \
  } while (0)

// Throws, where nothing was thrown; returns NULL.
napi_value Broken(napi_env env);

// Puts the property where it is something; `*value` is NULL where it is not
// there.
bool Get(napi_env env, napi_value object, const char* name, napi_value* value);

// What is NULL or not there becomes null.
napi_value Text(napi_env env, const char* text, size_t size);
void Set(napi_env env, napi_value object, const char* name, napi_value value);
void SetText(napi_env env, napi_value object, const char* name,
             const char* text);
void SetBytes(napi_env env, napi_value object, const char* name,
              const void* bytes, size_t size);
void SetInt(napi_env env, napi_value object, const char* name, int32_t number);
void SetTime(napi_env env, napi_value object, const char* name, bool is_there,
             int64_t time);
// Frees `json`.
void SetJson(napi_env env, napi_value object, char* json, size_t size);

// Returns `error` as an object, and frees it.
napi_value TakeError(napi_env env, anchorage_error* error);
napi_value Throw(napi_env env, anchorage_error* error);

// --- handle.c: objects of the library ----------------------------------------

// An object of the library; whoever uses it has a reference.
typedef struct {
  void* object;
  void (*free_object)(void*);
  int references;
} Handle;

Handle* Hold(Handle* handle);
void Drop(Handle* handle);

// Returns an external value that owns `object`.
napi_value Wrap(napi_env env, void* object, void (*free_object)(void*));

// --- client.c, policy.c, job.c: what index.js calls --------------------------

// open(options): a client.
napi_value Open(napi_env env, napi_callback_info info);
// state(client): an object.
napi_value State(napi_env env, napi_callback_info info);

// readIdentityPolicy(text, name), readAttestationPolicy(text, name): a policy.
napi_value ReadIdentityPolicy(napi_env env, napi_callback_info info);
napi_value ReadAttestationPolicy(napi_env env, napi_callback_info info);
// newLedger(maxEntries): a ledger.
napi_value NewLedger(napi_env env, napi_callback_info info);
// forgetBefore(ledger, time): how many.
napi_value ForgetBefore(napi_env env, napi_callback_info info);

// refresh(client): a promise of nothing.
napi_value Refresh(napi_env env, napi_callback_info info);
// refreshOnce(client): a promise of {error, pauseMs}.
napi_value RefreshOnce(napi_env env, napi_callback_info info);
// firstPause(client): ms, or -1.
napi_value FirstPause(napi_env env, napi_callback_info info);
// cancel(client): ends what refreshes it, now and later; does not wait.
napi_value Cancel(napi_env env, napi_callback_info info);
// close(client): a promise of nothing; nothing else uses the client now or
// later.
napi_value Close(napi_env env, napi_callback_info info);
// verifyIdentity(client, text, policy, request): a promise of an object.
napi_value VerifyIdentity(napi_env env, napi_callback_info info);
// verifyAttestation(client, document, policy, request): likewise.
napi_value VerifyAttestation(napi_env env, napi_callback_info info);

// verifyThisInstance(client, policy, request), attest(request): likewise.
napi_value VerifyThisInstance(napi_env env, napi_callback_info info);
napi_value Attest(napi_env env, napi_callback_info info);

// --- result.c: what a verification found -------------------------------------

napi_value IdentityOf(napi_env env, const anchorage_identity* identity);
napi_value AttestationOf(napi_env env,
                         const anchorage_attestation* attestation);
napi_value AttestedOf(napi_env env, const anchorage_attested* attested);
// Frees `error`, which may be NULL.
napi_value RefreshedOf(napi_env env, int64_t pause_ms, anchorage_error* error);

#endif  // ANCHORAGE_NODE_ADDON_H_
