/* Anchorage: verifies AWS's instance identity documents and Nitro attestation
 * documents with a set of anchors that keeps itself current.
 *
 *   anchorage_error* error = NULL;
 *   anchorage_options* options = anchorage_options_new();
 *   anchorage_options_set_url(options, url, strlen(url));
 *   anchorage_options_set_trusted_root(options, root, root_size);
 *   anchorage_client* client = anchorage_client_new(options, &error);
 *   anchorage_options_free(options);
 *
 *   anchorage_identity* machine = anchorage_verify_identity(
 *       client, text, text_size, policy, NULL, &error);
 *   if (machine == NULL) {
 *     fprintf(stderr, "%s: %s\n", anchorage_error_reason(error),
 *             anchorage_error_message(error));
 *     anchorage_error_free(error);
 *   }
 *
 * WHO FREES WHAT
 *
 *   What                           Made by                  Freed by
 *   anchorage_options              anchorage_options_new    anchorage_options_free
 *   anchorage_client               anchorage_client_new     anchorage_client_free
 *   anchorage_identity_policy      ..._policy_read          ..._policy_free
 *   anchorage_attestation_policy   ..._policy_read          ..._policy_free
 *   anchorage_request              anchorage_request_new    anchorage_request_free
 *   anchorage_ledger               anchorage_ledger_new     anchorage_ledger_free
 *   anchorage_identity             anchorage_verify_identity,
 *                                  ..._verify_this_instance         ..._free
 *   anchorage_attestation          anchorage_verify_attestation     ..._free
 *   anchorage_attested             anchorage_attest,
 *                                  ..._attest_new_key       ..._attested_free
 *   anchorage_state                anchorage_client_state   anchorage_state_free
 *   anchorage_error                every call that fails    anchorage_error_free
 *   a char* that is not const      anchorage_..._json       anchorage_string_free
 *   a const char* or const void*   every getter             with its object
 *
 * Whatever is given to a call stays the caller's and may be freed when the call
 * returns: the library keeps its own of what it needs. One exception: what a
 * callback is given as `user` outlives the client. Objects may be freed in any
 * order: a result outlives its client, a ledger goes on in the requests that
 * name it. Every _free takes NULL and does nothing then.
 *
 * WHICH THREADS
 *
 *   client, policies, ledger, results, state, error: any number of threads may
 *     use one at once, but for its _free, which is the last use;
 *   options, request: one thread at a time.
 *
 * No call blocks on the network but anchorage_client_refresh(), _refresh_once()
 * and anchorage_verify_this_instance(), and, for a transfer under way,
 * anchorage_client_free(). Who frees a client while another thread may be in a
 * refresh first calls anchorage_client_cancel(), then waits for that thread. No
 * call throws, ends the process, depends on the locale, changes a signal's
 * handler or writes to a standard stream; errno after one says nothing.
 * OpenSSL's queue of errors is as it was, but for the first three calls, in which
 * libcurl clears it. A connection that breaks raises no SIGPIPE, and a client's
 * own thread takes no signals. The library reads no environment but
 * ANCHORAGE_DEBUG; libcurl and OpenSSL read their own, such as OPENSSL_CONF, but
 * no proxy unless it is asked for (anchorage_options_set_proxy_of_environment()).
 * A program with more rights than who started it (set-user-ID) verifies, and
 * fetches nothing.
 *
 * A thread that calls needs a stack of 64 KiB; for the same three, which are
 * libcurl's calls too, 256 KiB.
 *
 * After fork(2) the child verifies with the set of that moment;
 * anchorage_client_refresh() says that it needs a client of its own. A ledger is
 * then two: neither process sees what the other admits, so SINGLE_USE is once a
 * process. OpenSSL is only as safe as it is itself: a fork while another thread
 * uses an algorithm for the first time can leave it locked in the child, so
 * verify one document of each kind before you fork.
 *
 * exit(3) ends the clients' transfers and waits for their threads, about a
 * second and at most two; a thread that is not done by then never goes on.
 *
 * OPENSSL is the process's, with the providers and properties that the host has
 * set. Where these have not what a verification needs, it fails with UNDECIDED.
 *
 * TEXT is UTF-8 with a length in bytes; it may hold NUL. What comes back ends
 * with a NUL that the length does not count; `size` may be NULL where a length
 * is returned through it. Only the name of a field goes in without a length. A
 * text that goes in is never NULL: NULL is an error (USAGE), also with the
 * length 0, and "" with the length 0 is the empty text. So nothing that the
 * caller failed to find is taken for "not expected".
 *
 * WHAT IS ABSENT is NULL, or 0 from a getter that returns whether there is a
 * value, never "".
 *
 * YES OR NO is 1 or 0; any other number that goes in is an error. Of all the
 * functions anchorage_client_refresh() and _refresh_once() alone return a code,
 * whose 0 is success.
 *
 * NULL for an object, an object of another type, and one that was freed as long
 * as nothing else has its memory: a call that can fail fails with USAGE; a
 * getter returns what it returns for what is absent; a setter and a _free do
 * nothing. With ANCHORAGE_DEBUG in the environment when the library is loaded,
 * the memory of what is freed is kept, so that its use is always caught.
 *
 * TIMES are milliseconds since 1970-01-01T00:00:00Z; durations are milliseconds.
 *
 * WHAT STAYS: within libanchorage.so.1 no function goes, changes its arguments
 * or what it means; no number of an enum changes. New functions, new numbers,
 * new reasons and new fields of a JSON may come: a reader of a number that it
 * does not know takes it for the most cautious one it knows. Reasons are
 * compared by name. SUPPORT.md has the rest.
 */

#ifndef ANCHORAGE_ANCHORAGE_H_
#define ANCHORAGE_ANCHORAGE_H_

#include <stddef.h>
#include <stdint.h>

#if defined(ANCHORAGE_BUILDING) && defined(__GNUC__)
#define ANCHORAGE_API __attribute__((visibility("default")))
#else
#define ANCHORAGE_API
#endif

/* Of this header. */
#define ANCHORAGE_VERSION_MAJOR 1
#define ANCHORAGE_VERSION_MINOR 1
#define ANCHORAGE_VERSION_PATCH 0
/* As anchorage_version_number() says it of the library. */
#define ANCHORAGE_VERSION_NUMBER                                     \
  (ANCHORAGE_VERSION_MAJOR * 10000 + ANCHORAGE_VERSION_MINOR * 100 + \
   ANCHORAGE_VERSION_PATCH)

#ifdef __cplusplus
extern "C" {
#endif

typedef struct anchorage_options anchorage_options;
typedef struct anchorage_client anchorage_client;
typedef struct anchorage_identity_policy anchorage_identity_policy;
typedef struct anchorage_attestation_policy anchorage_attestation_policy;
typedef struct anchorage_request anchorage_request;
typedef struct anchorage_ledger anchorage_ledger;
typedef struct anchorage_identity anchorage_identity;
typedef struct anchorage_attestation anchorage_attestation;
typedef struct anchorage_attested anchorage_attested;
typedef struct anchorage_state anchorage_state;
typedef struct anchorage_event anchorage_event;
typedef struct anchorage_error anchorage_error;

/* Enums are passed as int32_t. */

/* What kind of failure. The first six are also trustctl's exit codes. */
enum {
  ANCHORAGE_OK = 0,
  /* The caller's mistake, or the library's: not the evidence's. */
  ANCHORAGE_USAGE = 1,
  ANCHORAGE_UNREADABLE = 2,
  ANCHORAGE_NOT_FROM_AWS = 3,
  ANCHORAGE_STALE_OR_FOR_ANOTHER = 4,
  ANCHORAGE_REFUSED_BY_POLICY = 5,
  /* Never a pass: no anchors, no memory, no algorithm, no ledger, no evidence
   * to be had here. */
  ANCHORAGE_UNDECIDED = 6,
  /* A refresh: nobody answered; or what came was not what the trusted keys
   * signed, or went back. */
  ANCHORAGE_UNREACHABLE = 7,
  ANCHORAGE_UPDATE_REFUSED = 8
};

/* Which of IMDS's three signatures. */
enum {
  ANCHORAGE_FORM_RECOGNISED = 0,
  ANCHORAGE_FORM_SIGNATURE = 1,
  ANCHORAGE_FORM_PKCS7 = 2,
  ANCHORAGE_FORM_RSA2048 = 3
};

enum {
  ANCHORAGE_ORIGIN_BAKED_IN = 1,
  ANCHORAGE_ORIGIN_CACHE = 2,
  ANCHORAGE_ORIGIN_SERVER = 3
};

enum {
  ANCHORAGE_FRESHNESS_FRESH = 1,
  ANCHORAGE_FRESHNESS_STALE = 2,
  ANCHORAGE_FRESHNESS_EXPIRED = 3,
  /* Built in, and there is nobody to ask for a newer one. */
  ANCHORAGE_FRESHNESS_BAKED_IN = 4
};

enum {
  ANCHORAGE_WHEN_EXPIRED_SERVE_LAST_GOOD = 1,
  ANCHORAGE_WHEN_EXPIRED_REFUSE = 2
};

enum { ANCHORAGE_TYPE_ENCLAVE = 1, ANCHORAGE_TYPE_NITRO_TPM = 2 };

enum {
  ANCHORAGE_REPLAY_SINGLE_USE = 1,
  ANCHORAGE_REPLAY_FIRST_USE_BINDS = 2,
  ANCHORAGE_REPLAY_NEWEST_PENDING_TIME = 3
};

/* --- The library ---------------------------------------------------------- */

/* Version and commit, such as "1.1.0 (commit 9f3c2ab1c0de)". A constant. */
ANCHORAGE_API const char* anchorage_version(void);

/* 10000 * major + 100 * minor + patch, of the library that runs. Who uses what a
 * minor version brought refuses a library older than its header:
 *   if (anchorage_version_number() < ANCHORAGE_VERSION_NUMBER) ... */
ANCHORAGE_API int32_t anchorage_version_number(void);

/* Frees what an anchorage_..._json() returned. */
ANCHORAGE_API void anchorage_string_free(char* text);

/* --- Errors ----------------------------------------------------------------
 *
 * A call that can fail takes a pointer to an anchorage_error* last, and always
 * sets what it points to: to a new error where it fails, otherwise to NULL. It
 * does not read or free what was there. The pointer may be NULL for who does not
 * ask why. Where there is no memory for an error there still is one, and it is
 * freed like any other. */

ANCHORAGE_API void anchorage_error_free(anchorage_error* error);

/* One of the numbers above. ANCHORAGE_USAGE for NULL. */
ANCHORAGE_API int32_t anchorage_error_code(const anchorage_error* error);

/* The stable name of the reason, such as "SIGNATURE_MISMATCH"; of a refresh,
 * that of a TUF reason; of evidence that cannot be had on this machine, such as
 * "IMDS_ABSENT"; of a mistake, "USAGE". Never NULL but for NULL. */
ANCHORAGE_API const char* anchorage_error_reason(const anchorage_error* error);

/* The step of the verifier that failed, such as "product-codes"; NULL where
 * none did. */
ANCHORAGE_API const char* anchorage_error_check(const anchorage_error* error);

/* A sentence for people, one line, printable whatever the evidence says; what
 * was expected beside what was found. */
ANCHORAGE_API const char* anchorage_error_message(const anchorage_error* error);

/* The certificate of a chain that failed, 0 for the leaf; -1 for none. */
ANCHORAGE_API int32_t
anchorage_error_certificate_index(const anchorage_error* error);

/* What "trustctl verify --output json" prints for a refusal, with the trace where
 * anchorage_request_set_trace() asked for one; NULL where there is no memory, or
 * for an error that is no refusal of evidence. */
ANCHORAGE_API char* anchorage_error_json(const anchorage_error* error,
                                         size_t* size);

/* --- Options ---------------------------------------------------------------
 *
 * Setters return nothing: the first that is wrong is kept, and is what
 * anchorage_client_new() fails with. A setter that is called again replaces.
 * No text and no bytes are empty here: what is not wanted is not set.
 * Without any the client has the set that is built in, and asks nobody. */

/* Never NULL: where there is no memory, anchorage_client_new() fails so. */
ANCHORAGE_API anchorage_options* anchorage_options_new(void);
ANCHORAGE_API void anchorage_options_free(anchorage_options* options);

/* Where a trustd, a CDN or a bucket has the files, such as
 * "https://trust.example.com/tuf/". Needs a trusted root, and libcurl.so.4 when
 * something is first fetched. */
ANCHORAGE_API void anchorage_options_set_url(anchorage_options* options,
                                             const char* url, size_t size);
/* Where its targets are; by default in "targets/" below the URL. */
ANCHORAGE_API void anchorage_options_set_targets_url(anchorage_options* options,
                                                     const char* url,
                                                     size_t size);
/* Another place with the same files, for when the ones before it do not answer,
 * or not with what verifies; its targets are in "targets/" below it. Needs
 * anchorage_options_set_url(); at most 16. Since 1.1. */
ANCHORAGE_API void anchorage_options_add_url(anchorage_options* options,
                                             const char* url, size_t size);
/* The proxy for all URLs, such as "http://proxy.example.com:3128". By default
 * there is none. Since 1.1. */
ANCHORAGE_API void anchorage_options_set_proxy(anchorage_options* options,
                                               const char* url, size_t size);
/* The proxy is what the environment says (https_proxy, no_proxy and so on), as
 * libcurl reads it (1), or none (0, the default). Since 1.1. */
ANCHORAGE_API void anchorage_options_set_proxy_of_environment(
    anchorage_options* options, int32_t on);
/* root.json of the repository, from a channel that you trust. */
ANCHORAGE_API void anchorage_options_set_trusted_root(
    anchorage_options* options, const void* root, size_t size);
/* PEM certificates that the servers' must chain to; by default the system's. */
ANCHORAGE_API void anchorage_options_set_tls_roots(anchorage_options* options,
                                                   const char* pem,
                                                   size_t size);
/* A folder for what was last verified, of root's or of this process's user, for
 * any number of clients and processes. A relative path is of the folder that the
 * process is in when the client is made. */
ANCHORAGE_API void anchorage_options_set_cache_folder(
    anchorage_options* options, const char* path, size_t size);
/* The set that is there before any other, and when it was known to be the
 * newest: a serialised GetUpdateResponse (anchor_service.proto) with the roots,
 * of which the first is trusted. By default the one that is built in. */
ANCHORAGE_API void anchorage_options_set_baked_bundle(
    anchorage_options* options, const void* bundle, size_t size,
    int64_t as_of_ms);
/* Asks by a thread of the client's own (1, the default with a URL), or only
 * where anchorage_client_refresh() or _refresh_once() is called (0). */
ANCHORAGE_API void anchorage_options_set_background_refresh(
    anchorage_options* options, int32_t on);
/* At least 1 s; default 1 h. */
ANCHORAGE_API void anchorage_options_set_refresh_interval(
    anchorage_options* options, int64_t ms);
/* Of one file; 1 ms to 1 h, default 20 s. With a libcurl older than 7.87 a name
 * that is being looked up takes as long as the system's resolver does. */
ANCHORAGE_API void anchorage_options_set_timeout(anchorage_options* options,
                                                 int64_t ms);
/* Of one refresh, all URLs together; 1 ms to 1 h, default 2 min. Each URL has an
 * equal part of what is left when it is asked. Since 1.1. */
ANCHORAGE_API void anchorage_options_set_refresh_budget(
    anchorage_options* options, int64_t ms);
/* How long a set is STALE before it is EXPIRED; at most 365 days, default 30. */
ANCHORAGE_API void anchorage_options_set_max_stale(anchorage_options* options,
                                                   int64_t ms);
/* What an EXPIRED set does. Defaults: SERVE_LAST_GOOD, REFUSE. Recorded evidence
 * is judged all the same: see anchorage_request_set_recorded_at(). */
ANCHORAGE_API void anchorage_options_set_identity_when_expired(
    anchorage_options* options, int32_t what);
ANCHORAGE_API void anchorage_options_set_attestation_when_expired(
    anchorage_options* options, int32_t what);

/* Also lets the threads that verify call the event callback (1), which by default
 * they never do (0): then refusals are not told of, and a refresh is what
 * notices a set that has become old. Since 1.1. */
ANCHORAGE_API void anchorage_options_set_events_while_verifying(
    anchorage_options* options, int32_t on);
/* A file for node_exporter's textfile collector: an absolute path that ends in
 * ".prom", of this client alone. Default: none. Since 1.1. */
ANCHORAGE_API void anchorage_options_set_metrics_file(
    anchorage_options* options, const char* path, size_t size);
/* Whether to report to the server how many verifications ended how (1), or not
 * (0, the default): counts by slot and reason, the library's version and the
 * set's sequence; no account, instance or address. Since 1.1. */
ANCHORAGE_API void anchorage_options_set_report_outcomes(
    anchorage_options* options, int32_t on);
/* Between two reports: from 1 minute to 1 day, default 15 minutes. Since 1.1. */
ANCHORAGE_API void anchorage_options_set_report_interval(
    anchorage_options* options, int64_t ms);
/* Sends one of so many reports, by chance, and drops the others' counts: 1, the
 * default, to 1,000,000. Since 1.1. */
ANCHORAGE_API void anchorage_options_set_report_sample(
    anchorage_options* options, int32_t one_in);

/* What happened; lives only while the callback runs. How a refresh that asked a
 * server ended, told by the client's thread and by anchorage_client_refresh():
 *   REFRESHED             the server's set is in use, be it new or as before
 *   UNREACHABLE           as ANCHORAGE_UNREACHABLE; also where
 *                         anchorage_client_cancel() or _free() ended the
 *                         transfer
 *   UPDATE_REFUSED        as ANCHORAGE_UPDATE_REFUSED
 *   FAILED                the fault is here: no memory, no algorithm
 * What is so with the set in use:
 *   STALE, EXPIRED        it has become so
 *   EQUIVOCATION          somebody who has the key signs two different texts
 *   CLOCK_SUSPECT         this machine's clock is wrong
 * What a verification refused, at most once a minute for each reason and slot:
 *   SIGNER_UNKNOWN        the key that signed is no anchor
 *   CLOCK_SUSPECT         as above
 *   VERIFICATION_REFUSED  for any other reason
 * A refresh with nobody to ask, or in a forked child, is none; and what there is
 * no memory to tell of is not told. More names will come: ignore those that you
 * do not know. */
typedef void (*anchorage_event_callback)(const anchorage_event* event,
                                         void* user);

/* Is called on the client's own thread, or on that which calls
 * anchorage_client_refresh(), perhaps on several at once and before
 * anchorage_client_new() has returned; with
 * anchorage_options_set_events_while_verifying() also on those that verify. No
 * lock of the library is held: it may call whatever it likes, but where a
 * refresh is told of, anchorage_client_refresh() fails with ANCHORAGE_USAGE, for
 * it would tell again. anchorage_client_free() does nothing within it, whichever the
 * client; elsewhere that waits for it, so who frees a client holds no lock that
 * the callback takes. It must not throw. One that is slow makes its own caller
 * slow.
 */
ANCHORAGE_API void anchorage_options_set_event_callback(
    anchorage_options* options, anchorage_event_callback callback, void* user);

ANCHORAGE_API const char* anchorage_event_name(const anchorage_event* event);
/* Why, as of an anchorage_error; NULL where nothing failed. */
ANCHORAGE_API const char* anchorage_event_reason(const anchorage_event* event);
ANCHORAGE_API const char* anchorage_event_message(const anchorage_event* event);
/* Of the set that is in use now. */
ANCHORAGE_API uint64_t anchorage_event_sequence(const anchorage_event* event);
/* Of a refusal: the check that failed; NULL with other events. Since 1.1. */
ANCHORAGE_API const char* anchorage_event_check(const anchorage_event* event);
/* Of a refusal: "PARTITION/REGION/KIND", as far as it is known, such as
 * "aws/eu-west-1/iid-rsa2048" or "//iid-rsa2048"; NULL with other events.
 * Since 1.1. */
ANCHORAGE_API const char* anchorage_event_slot(const anchorage_event* event);
/* How many refusals of the same reason and slot were not told of since the last
 * one that was. Since 1.1. */
ANCHORAGE_API uint64_t anchorage_event_left_out(const anchorage_event* event);

/* --- The client ----------------------------------------------------------- */

/* Never waits for the network and never fails for want of it. Keeps nothing of
 * `options`, which may be NULL for the defaults. NULL: the error says why. */
ANCHORAGE_API anchorage_client* anchorage_client_new(
    const anchorage_options* options, anchorage_error** error);

/* Ends a transfer under way, and waits for that, about a second and at most the
 * timeout, and for a callback that runs. In a forked child it frees nothing.
 * Does nothing within an event callback. */
ANCHORAGE_API void anchorage_client_free(anchorage_client* client);

/* Ends a transfer under way, about a second later, and with it the call of
 * anchorage_client_refresh(), which fails with ANCHORAGE_UNREACHABLE; so does
 * every later one at once, and the client's own thread ends. Verifications go
 * on. Does not wait; also within an event callback. In a forked child it does
 * nothing. */
ANCHORAGE_API void anchorage_client_cancel(anchorage_client* client);

/* Asks the server now. ANCHORAGE_OK: what it has is verified and in use.
 * Whatever comes, the set is as good as before, but where a new root ended it.
 * Calls wait for one another. */
ANCHORAGE_API int32_t anchorage_client_refresh(anchorage_client* client,
                                               anchorage_error** error);

/* The same for a host with a loop of its own and no background refresh: sets
 * `pause_ms`, also on failure, to how long to wait before the next call; -1
 * where there is nothing to wait for: no URL, or a forked process. It is about
 * the interval, after a failure shorter and then growing, and as long as a
 * server asks, but for an hour at most. Since 1.1. */
ANCHORAGE_API int32_t anchorage_client_refresh_once(anchorage_client* client,
                                                    int64_t* pause_ms,
                                                    anchorage_error** error);
/* How long to wait before the first call, in ms: some minutes at most where the
 * cache has a fresh set, so that a fleet does not ask together; otherwise 0; -1
 * where there is nothing to wait for. Since 1.1. */
ANCHORAGE_API int64_t
anchorage_client_first_pause(const anchorage_client* client);

/* A snapshot of how the client stands. */
ANCHORAGE_API anchorage_state* anchorage_client_state(
    const anchorage_client* client, anchorage_error** error);
ANCHORAGE_API void anchorage_state_free(anchorage_state* state);
ANCHORAGE_API int32_t anchorage_state_origin(const anchorage_state* state);
ANCHORAGE_API int32_t anchorage_state_freshness(const anchorage_state* state);
ANCHORAGE_API uint64_t anchorage_state_sequence(const anchorage_state* state);
ANCHORAGE_API int64_t anchorage_state_as_of(const anchorage_state* state);
/* Returns whether there is such a time: a built-in set does not age. */
ANCHORAGE_API int32_t anchorage_state_fresh_until(const anchorage_state* state,
                                                  int64_t* time);
/* Everything that the client counts, for status pages. */
ANCHORAGE_API char* anchorage_state_json(const anchorage_state* state,
                                         size_t* size);

/* --- Policies --------------------------------------------------------------
 *
 * Documents, YAML or JSON. The folder policy/ of the installed documents has their
 * manual, every field (identity_policy.proto, attestation_policy.proto) and JSON
 * Schemas. `name` stands in messages. */

ANCHORAGE_API anchorage_identity_policy* anchorage_identity_policy_read(
    const char* text, size_t size, const char* name, size_t name_size,
    anchorage_error** error);
ANCHORAGE_API void anchorage_identity_policy_free(
    anchorage_identity_policy* policy);

/* Also a key policy of AWS KMS; a policy that does not decide about conditions
 * on other keys is refused. */
ANCHORAGE_API anchorage_attestation_policy* anchorage_attestation_policy_read(
    const char* text, size_t size, const char* name, size_t name_size,
    anchorage_error** error);
ANCHORAGE_API void anchorage_attestation_policy_free(
    anchorage_attestation_policy* policy);

/* --- What one verification is given beside the evidence ---------------------
 *
 * As with options, the first wrong setter is what the verification fails with.
 * A request may serve any number of verifications, one after another. One that
 * has something for the other kind of evidence is refused (USAGE). */

/* Never NULL: where there is no memory, the verification fails so. */
ANCHORAGE_API anchorage_request* anchorage_request_new(void);
ANCHORAGE_API void anchorage_request_free(anchorage_request* request);

/* Of an identity: the document's exact bytes, needed with FORM_SIGNATURE. */
ANCHORAGE_API void anchorage_request_set_document(anchorage_request* request,
                                                  const void* document,
                                                  size_t size);
ANCHORAGE_API void anchorage_request_set_form(anchorage_request* request,
                                              int32_t form);
/* `binding`: whatever names the sender, with FIRST_USE_BINDS; NULL and 0 with
 * the others. Not for recorded evidence. */
ANCHORAGE_API void anchorage_request_set_ledger(anchorage_request* request,
                                                anchorage_ledger* ledger,
                                                int32_t mode,
                                                const char* binding,
                                                size_t binding_size);
/* Of this instance: how its metadata service is asked. Another address than
 * EC2's two, "http://HOST[:PORT]", for tests. Since 1.1. */
ANCHORAGE_API void anchorage_request_set_imds_url(anchorage_request* request,
                                                  const char* url, size_t size);
/* The longest that all requests together may take; 1 ms to 1 h, default 10 s.
 * Since 1.1. */
ANCHORAGE_API void anchorage_request_set_imds_timeout(
    anchorage_request* request, int64_t ms);
/* Asks without a token (IMDSv1; default 0): who can make this host fetch an
 * address then reads its credentials. Only for an instance that gives no tokens.
 * Since 1.1. */
ANCHORAGE_API void anchorage_request_set_imds_version_1(
    anchorage_request* request, int32_t on);
/* Of an attestation: what the field must be, exactly. Empty user data or an
 * empty public key is present and empty; an empty nonce is refused
 * (POLICY_EMPTY). A policy that says something of the field too is refused. */
ANCHORAGE_API void anchorage_request_set_nonce(anchorage_request* request,
                                               const void* bytes, size_t size);
ANCHORAGE_API void anchorage_request_set_user_data(anchorage_request* request,
                                                   const void* bytes,
                                                   size_t size);
ANCHORAGE_API void anchorage_request_set_public_key(anchorage_request* request,
                                                    const void* bytes,
                                                    size_t size);
/* Evidence that was recorded, judged as of that time: never an answer about who
 * is there now. So an EXPIRED set judges it too, whatever was set for that; the
 * JSON of result and error says how the set stands. */
ANCHORAGE_API void anchorage_request_set_recorded_at(anchorage_request* request,
                                                     int64_t time);
/* Records every check: the JSON of result and error then has it, and otherwise
 * not. Default 0. */
ANCHORAGE_API void anchorage_request_set_trace(anchorage_request* request,
                                               int32_t on);

/* --- Replay ---------------------------------------------------------------- */

/* In memory; a new key is refused once it holds `max_entries`. NULL only where
 * there is no memory. It knows what this process accepted, and no other: a
 * forked child does not use it. */
ANCHORAGE_API anchorage_ledger* anchorage_ledger_new(size_t max_entries);
ANCHORAGE_API void anchorage_ledger_free(anchorage_ledger* ledger);
/* Forgets documents from before `time`; returns how many. */
ANCHORAGE_API size_t anchorage_ledger_forget_before(anchorage_ledger* ledger,
                                                    int64_t time);

/* --- Identity documents ----------------------------------------------------- */

/* Verifies what IMDS answers below /latest/dynamic/instance-identity/: `text`
 * is the answer of "rsa2048", "pkcs7" or "signature", with or without line
 * breaks, PEM, or the bytes. `request` may be NULL. NULL: the error says why. */
ANCHORAGE_API anchorage_identity* anchorage_verify_identity(
    const anchorage_client* client, const void* text, size_t size,
    const anchorage_identity_policy* policy, const anchorage_request* request,
    anchorage_error** error);
/* Gets the identity of the instance that this process runs on, and verifies it:
 * asks IMDSv2 for the forms that `policy` allows, the strongest first, and
 * verifies the first that there is (anchorage_identity_form()). Each call asks
 * anew: pending_time is of the instance's last start, so a policy with a maximum
 * age fails (TOO_OLD) on one that runs for longer. A document of another
 * instance, from who controls this one's network, passes unless the policy says
 * otherwise. Takes at most 10 s; uses no proxy, whatever the environment says.
 *
 * ANCHORAGE_UNDECIDED with a reason such as IMDS_ABSENT, IMDS_DISABLED,
 * IMDS_HOP_LIMIT (a container, one hop too far), IMDS_THROTTLED or IMDS_TIMEOUT:
 * there was nothing to verify. The folder instance/ of the installed documents
 * has all of them, and what to do. `request` may be NULL, and has no document,
 * form or time. Since 1.1. */
ANCHORAGE_API anchorage_identity* anchorage_verify_this_instance(
    const anchorage_client* client, const anchorage_identity_policy* policy,
    const anchorage_request* request, anchorage_error** error);
ANCHORAGE_API void anchorage_identity_free(anchorage_identity* identity);

/* The text of a field, by the name that it has in the JSON: "account_id",
 * "region", "partition", "availability_zone", "instance_id", "instance_type",
 * "image_id", "architecture", "kernel_id", "ramdisk_id", "private_ip",
 * "version". NULL: the document has none, or there is no such field. */
ANCHORAGE_API const char* anchorage_identity_field(
    const anchorage_identity* identity, const char* name, size_t* size);
ANCHORAGE_API const char* anchorage_identity_account_id(
    const anchorage_identity* identity);
ANCHORAGE_API const char* anchorage_identity_region(
    const anchorage_identity* identity);
ANCHORAGE_API const char* anchorage_identity_instance_id(
    const anchorage_identity* identity);
ANCHORAGE_API const char* anchorage_identity_image_id(
    const anchorage_identity* identity);
ANCHORAGE_API const char* anchorage_identity_instance_type(
    const anchorage_identity* identity);
ANCHORAGE_API int64_t
anchorage_identity_pending_time(const anchorage_identity* identity);
ANCHORAGE_API int32_t anchorage_identity_signing_time(
    const anchorage_identity* identity, int64_t* time);
/* Whether the document has the list; its length through `count`. */
ANCHORAGE_API int32_t anchorage_identity_product_codes(
    const anchorage_identity* identity, size_t* count);
ANCHORAGE_API const char* anchorage_identity_product_code(
    const anchorage_identity* identity, size_t index);
ANCHORAGE_API int32_t anchorage_identity_billing_products(
    const anchorage_identity* identity, size_t* count);
ANCHORAGE_API const char* anchorage_identity_billing_product(
    const anchorage_identity* identity, size_t index);
/* What is worth knowing and no fault, by name; NULL past the last. */
ANCHORAGE_API const char* anchorage_identity_note(
    const anchorage_identity* identity, size_t index);
/* The exact bytes that AWS signed. */
ANCHORAGE_API const void* anchorage_identity_document(
    const anchorage_identity* identity, size_t* size);
ANCHORAGE_API int32_t
anchorage_identity_form(const anchorage_identity* identity);
/* Everything, as "trustctl verify identity --output json" prints it, with the
 * trace where anchorage_request_set_trace() asked for one. NULL only where there
 * is no memory. */
ANCHORAGE_API char* anchorage_identity_json(const anchorage_identity* identity,
                                            size_t* size);

/* --- Nitro attestation documents ------------------------------------------- */

/* Verifies a document, of an enclave or a NitroTPM as `policy` says. */
ANCHORAGE_API anchorage_attestation* anchorage_verify_attestation(
    const anchorage_client* client, const void* document, size_t size,
    const anchorage_attestation_policy* policy,
    const anchorage_request* request, anchorage_error** error);
ANCHORAGE_API void anchorage_attestation_free(
    anchorage_attestation* attestation);

ANCHORAGE_API int32_t
anchorage_attestation_type(const anchorage_attestation* attestation);
ANCHORAGE_API const char* anchorage_attestation_module_id(
    const anchorage_attestation* attestation);
ANCHORAGE_API const char* anchorage_attestation_instance_id(
    const anchorage_attestation* attestation);
ANCHORAGE_API const char* anchorage_attestation_region(
    const anchorage_attestation* attestation);
ANCHORAGE_API const char* anchorage_attestation_partition(
    const anchorage_attestation* attestation);
ANCHORAGE_API const char* anchorage_attestation_release(
    const anchorage_attestation* attestation);
ANCHORAGE_API int64_t
anchorage_attestation_time(const anchorage_attestation* attestation);
/* Bytes, NULL where absent; present and empty is not NULL. */
ANCHORAGE_API const void* anchorage_attestation_public_key(
    const anchorage_attestation* attestation, size_t* size);
ANCHORAGE_API const void* anchorage_attestation_user_data(
    const anchorage_attestation* attestation, size_t* size);
ANCHORAGE_API const void* anchorage_attestation_nonce(
    const anchorage_attestation* attestation, size_t* size);
ANCHORAGE_API const void* anchorage_attestation_pcr(
    const anchorage_attestation* attestation, int32_t index, size_t* size);
ANCHORAGE_API const char* anchorage_attestation_note(
    const anchorage_attestation* attestation, size_t index);
ANCHORAGE_API char* anchorage_attestation_json(
    const anchorage_attestation* attestation, size_t* size);

/* --- An attestation document of this machine --------------------------------
 *
 * Of an enclave by /dev/nsm, or of an instance with a NitroTPM by the program
 * nitro-tpm-attest. Needs no client: what comes is a document that holds what was
 * asked for, and whether AWS made it is for who verifies it, elsewhere.
 *
 * ANCHORAGE_UNDECIDED with a reason such as ATTESTATION_ABSENT, _FORBIDDEN (not
 * allowed to this process, or a program that others can change), _REFUSED (what
 * it said is in the message) or _TIMEOUT: there is no document.
 * client/instance/ATTESTATION.md has all of them and what to do.
 *
 * These calls block, the device at most two minutes. The program is a child of
 * the host's, with nothing of the host's in it, and is waited for by its number:
 * the host gets one SIGCHLD, and may ignore it or wait for every child. */

/* Who made a document. */
enum { ANCHORAGE_SOURCE_NSM = 1, ANCHORAGE_SOURCE_PROGRAM = 2 };

/* The absolute path of the program: by default "/usr/bin/nitro-tpm-attest".
 * Since 1.1. */
ANCHORAGE_API void anchorage_request_set_attest_program(
    anchorage_request* request, const char* path, size_t size);
/* The longest that the program may take; 1 ms to 10 min, default 30 s.
 * Since 1.1. */
ANCHORAGE_API void anchorage_request_set_attest_timeout(
    anchorage_request* request, int64_t ms);

/* Asks for a document with nonce, user data and public key of `request`, which may
 * be NULL, and which verifies the document too; at most 1024 bytes each, and
 * each may be empty. Since 1.1. */
ANCHORAGE_API anchorage_attested* anchorage_attest(
    const anchorage_request* request, anchorage_error** error);
/* The same with a new key, whose public key the document holds: RSA with 2048
 * bits, as a Recipient of AWS KMS has it. `request` has none. Since 1.1. */
ANCHORAGE_API anchorage_attested* anchorage_attest_new_key(
    const anchorage_request* request, anchorage_error** error);
/* Overwrites the private key. Since 1.1. */
ANCHORAGE_API void anchorage_attested_free(anchorage_attested* attested);

/* The document, CBOR. Since 1.1. */
ANCHORAGE_API const void* anchorage_attested_document(
    const anchorage_attested* attested, size_t* size);
/* 0 for NULL. Since 1.1. */
ANCHORAGE_API int32_t
anchorage_attested_source(const anchorage_attested* attested);
/* The private key (PKCS #8, DER), not ended by a NUL; NULL where none was made.
 * Who copies it has a copy to overwrite. Since 1.1. */
ANCHORAGE_API const void* anchorage_attested_private_key(
    const anchorage_attested* attested, size_t* size);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* ANCHORAGE_ANCHORAGE_H_ */
