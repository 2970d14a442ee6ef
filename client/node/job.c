#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "addon.h"

typedef enum {
  kRefresh,
  kRefreshOnce,
  kClose,
  kVerifyIdentity,
  kVerifyAttestation,
  kVerifyThisInstance,
  kAttest,
} Task;

typedef struct Job {
  Task task;
  // One of libuv's pool,
  napi_async_work work;
  // or a thread of its own, which `done` tells of; `next` is of `running`.
  napi_threadsafe_function done;
  pthread_t thread;
  struct Job* next;
  napi_deferred deferred;
  Handle* client;
  Handle* policy;
  Handle* ledger;
  anchorage_request* request;
  // A copy, because the caller's may change meanwhile.
  void* evidence;
  size_t size;
  // Of kAttest.
  bool with_new_key;
  // The result, or else the error.
  bool is_good;
  void* result;
  char* json;
  size_t json_size;
  int64_t pause_ms;
  anchorage_error* error;
} Job;

// Those that have a thread of their own, of every thread of JavaScript.
static Job* running;
static pthread_mutex_t running_mutex = PTHREAD_MUTEX_INITIALIZER;

static void Forget(const Job* job) {
  pthread_mutex_lock(&running_mutex);
  Job** at = &running;
  while (*at != job) at = &(*at)->next;
  *at = job->next;
  pthread_mutex_unlock(&running_mutex);
}

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
  void* client = job->client != NULL ? job->client->object : NULL;
  switch (job->task) {
    case kRefresh:
      job->is_good =
          anchorage_client_refresh(client, &job->error) == ANCHORAGE_OK;
      break;
    case kRefreshOnce:
      // A failure is a result too.
      anchorage_client_refresh_once(client, &job->pause_ms, &job->error);
      job->is_good = true;
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
    case kVerifyThisInstance:
      job->result = anchorage_verify_this_instance(client, job->policy->object,
                                                   job->request, &job->error);
      job->is_good = job->result != NULL;
      job->json = anchorage_identity_json(job->result, &job->json_size);
      break;
    case kAttest:
      job->result = job->with_new_key
                        ? anchorage_attest_new_key(job->request, &job->error)
                        : anchorage_attest(job->request, &job->error);
      job->is_good = job->result != NULL;
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

static void Complete(napi_env env, napi_status status, void* data) {
  Job* job = data;
  napi_value value = NULL;
  const bool is_identity =
      job->task == kVerifyIdentity || job->task == kVerifyThisInstance;
  if (status != napi_ok) {
    job->is_good = false;
  } else if (is_identity && job->is_good) {
    value = IdentityOf(env, job->result);
  } else if (job->task == kAttest && job->is_good) {
    value = AttestedOf(env, job->result);
  } else if (job->task == kRefreshOnce) {
    value = RefreshedOf(env, job->pause_ms, job->error);
  } else if (job->task == kVerifyAttestation && job->is_good) {
    value = AttestationOf(env, job->result);
  } else {
    napi_get_undefined(env, &value);
  }
  if (job->is_good) {
    if (is_identity || job->task == kVerifyAttestation)
      SetJson(env, value, job->json, job->json_size);
    napi_resolve_deferred(env, job->deferred, value);
  } else {
    napi_reject_deferred(env, job->deferred, TakeError(env, job->error));
  }
  if (is_identity) anchorage_identity_free(job->result);
  if (job->task == kAttest) anchorage_attested_free(job->result);
  if (job->task == kVerifyAttestation) anchorage_attestation_free(job->result);
  FreeJob(env, job);
}

// Cancels what `job` waits for, where that can be: its thread then ends within
// about a second. What asks this machine ends by its own timeout.
static void CancelThread(Job* job) {
  if (job->task == kRefresh || job->task == kRefreshOnce) {
    anchorage_client_cancel(job->client->object);
  }
}

static void* RunThread(void* data) {
  Job* job = data;
  Execute(NULL, job);
  napi_call_threadsafe_function(job->done, job, napi_tsfn_nonblocking);
  return NULL;
}

// The thread of JavaScript ends first. Runs before `done` is gone.
static void EndWithEnvironment(void* data) {
  Job* job = data;
  CancelThread(job);
  pthread_join(job->thread, NULL);
  Forget(job);
}

// process.exit() waits for nobody, and exit(3) takes from under the threads what
// they use. Two seconds at most.
static void EndAtExit(void) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 2;
  pthread_mutex_lock(&running_mutex);
  for (Job* job = running; job != NULL; job = job->next) CancelThread(job);
  for (Job* job = running; job != NULL; job = job->next) {
    pthread_timedjoin_np(job->thread, NULL, &until);
  }
  pthread_mutex_unlock(&running_mutex);
}

// OpenSSL is in use by now, so that it is cleaned up after this.
static void RegisterAtExit(void) { atexit(EndAtExit); }

// `env` is NULL where the environment ends.
static void CompleteThread(napi_env env, napi_value callback, void* context,
                           void* data) {
  (void)callback;
  (void)context;
  Job* job = data;
  if (env == NULL) {
    FreeJob(env, job);
    return;
  }
  napi_remove_env_cleanup_hook(env, EndWithEnvironment, job);
  pthread_join(job->thread, NULL);
  Forget(job);
  napi_release_threadsafe_function(job->done, napi_tsfn_release);
  Complete(env, napi_ok, job);
}

static bool StartThread(napi_env env, Job* job, napi_value name) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, RegisterAtExit);
  if (napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, NULL, NULL,
                                      NULL, CompleteThread,
                                      &job->done) != napi_ok) {
    return false;
  }
  if (napi_add_env_cleanup_hook(env, EndWithEnvironment, job) == napi_ok) {
    pthread_mutex_lock(&running_mutex);
    const bool started =
        pthread_create(&job->thread, NULL, RunThread, job) == 0;
    if (started) {
      job->next = running;
      running = job;
    }
    pthread_mutex_unlock(&running_mutex);
    if (started) return true;
    napi_remove_env_cleanup_hook(env, EndWithEnvironment, job);
  }
  napi_release_threadsafe_function(job->done, napi_tsfn_release);
  return false;
}

static void SetImdsUrl(anchorage_request* request, const void* url,
                       size_t size) {
  anchorage_request_set_imds_url(request, url, size);
}
static void SetAttestProgram(anchorage_request* request, const void* path,
                             size_t size) {
  anchorage_request_set_attest_program(request, path, size);
}
static void SetForm(anchorage_request* request, int64_t form) {
  anchorage_request_set_form(request, (int32_t)form);
}
static void SetImdsVersion1(anchorage_request* request, int64_t on) {
  anchorage_request_set_imds_version_1(request, on != 0);
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
      {"imdsUrl", SetImdsUrl},
      {"program", SetAttestProgram},
  };
  static const struct {
    const char* name;
    void (*set)(anchorage_request*, int64_t);
  } kNumbers[] = {
      {"form", SetForm},
      {"recordedAt", anchorage_request_set_recorded_at},
      {"imdsTimeoutMs", anchorage_request_set_imds_timeout},
      {"imdsVersion1", SetImdsVersion1},
      {"attestTimeoutMs", anchorage_request_set_attest_timeout},
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
  for (size_t i = 0; i < sizeof kNumbers / sizeof *kNumbers; ++i) {
    if (!Get(env, from, kNumbers[i].name, &value)) return false;
    if (value == NULL) continue;
    if (napi_get_value_int64(env, value, &number) != napi_ok) return false;
    kNumbers[i].set(job->request, number);
  }
  if (!Get(env, from, "newKey", &value)) return false;
  if (value != NULL &&
      napi_get_value_bool(env, value, &job->with_new_key) != napi_ok) {
    return false;
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

// Reads (client, text, policy, request) for a verification, (client, policy,
// request) for one of this instance, (request) to attest, (client) otherwise.
static bool ReadJob(napi_env env, napi_callback_info info, Job* job) {
  napi_value arguments[4];
  size_t count = 4;
  Handle* handle;
  void* bytes;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok) {
    return false;
  }
  if (job->task == kAttest) return ReadRequest(env, arguments[0], job);
  if (napi_get_value_external(env, arguments[0], (void**)&handle) != napi_ok) {
    return false;
  }
  job->client = Hold(handle);
  if (job->task == kRefresh || job->task == kRefreshOnce ||
      job->task == kClose) {
    return true;
  }
  if (job->task == kVerifyThisInstance) {
    if (napi_get_value_external(env, arguments[1], (void**)&handle) !=
        napi_ok) {
      return false;
    }
    job->policy = Hold(handle);
    return ReadRequest(env, arguments[2], job);
  }
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

static bool Queue(napi_env env, Job* job, napi_value name) {
  return napi_create_async_work(env, NULL, name, Execute, Complete, job,
                                &job->work) == napi_ok &&
         napi_queue_async_work(env, job->work) == napi_ok;
}

static napi_value Start(napi_env env, napi_callback_info info, Task task) {
  Job* job = calloc(1, sizeof *job);
  if (job == NULL) return Broken(env);
  job->task = task;
  const bool waits = task != kVerifyIdentity && task != kVerifyAttestation;
  napi_value name;
  napi_value promise;
  if (!ReadJob(env, info, job) ||
      napi_create_string_utf8(env, "anchorage", NAPI_AUTO_LENGTH, &name) !=
          napi_ok ||
      napi_create_promise(env, &job->deferred, &promise) != napi_ok ||
      !(waits ? StartThread(env, job, name) : Queue(env, job, name))) {
    FreeJob(env, job);
    return Broken(env);
  }
  return promise;
}

napi_value Cancel(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  MUST(napi_get_cb_info(env, info, &count, &argument, NULL, NULL));
  Handle* client;
  MUST(napi_get_value_external(env, argument, (void**)&client));
  anchorage_client_cancel(client->object);
  return NULL;
}

napi_value Refresh(napi_env env, napi_callback_info info) {
  return Start(env, info, kRefresh);
}

napi_value RefreshOnce(napi_env env, napi_callback_info info) {
  return Start(env, info, kRefreshOnce);
}

napi_value VerifyThisInstance(napi_env env, napi_callback_info info) {
  return Start(env, info, kVerifyThisInstance);
}

napi_value Attest(napi_env env, napi_callback_info info) {
  return Start(env, info, kAttest);
}

napi_value Close(napi_env env, napi_callback_info info) {
  return Start(env, info, kClose);
}

napi_value VerifyIdentity(napi_env env, napi_callback_info info) {
  return Start(env, info, kVerifyIdentity);
}

napi_value VerifyAttestation(napi_env env, napi_callback_info info) {
  return Start(env, info, kVerifyAttestation);
}
