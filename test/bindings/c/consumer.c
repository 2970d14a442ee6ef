/* A product in C that has Anchorage from an installed folder: a real identity
 * document and a real NitroTPM document, both changed, and a refresh.
 *
 * usage: consumer VECTORS IDENTITY_POLICY ATTESTATION_POLICY URL ROOT */

#include <anchorage/anchorage.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2026-08-13T17:36:49Z, when the NitroTPM document was recorded. */
static const int64_t kRecordedAt = 1786642609000;

static int failures = 0;

typedef struct {
  char* bytes;
  size_t size;
} text;

static text read_file(const char* folder, const char* name) {
  char path[4096];
  text read = {malloc(1 << 20), 0};
  FILE* file;
  snprintf(path, sizeof path, "%s%s", folder, name);
  file = fopen(path, "rb");
  if (file == NULL || read.bytes == NULL) {
    perror(path);
    exit(1);
  }
  read.size = fread(read.bytes, 1, 1 << 20, file);
  fclose(file);
  return read;
}

static void check(const char* what, int good) {
  if (!good) {
    printf("FAILED: %s\n", what);
    ++failures;
  }
}

static int same(const char* text, const char* expected) {
  return text != NULL && strcmp(text, expected) == 0;
}

/* That `error` has this reason; frees it. */
static void check_reason(const char* what, anchorage_error* error,
                         const char* reason) {
  if (!same(anchorage_error_reason(error), reason)) {
    printf("FAILED: %s: %s: %s, expected %s\n", what,
           error != NULL ? anchorage_error_reason(error) : "no error",
           error != NULL ? anchorage_error_message(error) : "", reason);
    ++failures;
  }
  anchorage_error_free(error);
}

static void no_error(const char* what, anchorage_error* error) {
  if (error != NULL) check_reason(what, error, "none");
}

static void identities(const anchorage_client* client, const char* vectors,
                       const anchorage_identity_policy* policy) {
  const text signature =
      read_file(vectors, "/iid/usw2-2021-teleport-1/rsa2048.b64");
  anchorage_error* error = NULL;
  size_t size = 0;
  anchorage_identity* machine = anchorage_verify_identity(
      client, signature.bytes, signature.size, policy, NULL, &error);
  no_error("identity", error);
  check("account",
        machine != NULL && strcmp(anchorage_identity_account_id(machine),
                                  "278576220453") == 0);
  check("zone",
        same(anchorage_identity_field(machine, "availability_zone", &size),
             "us-west-2a") &&
            size == 10);
  check("what is absent is NULL",
        anchorage_identity_field(machine, "kernel_id", NULL) == NULL);
  anchorage_identity_free(machine);

  /* One byte of the document that is signed. */
  error = NULL;
  signature.bytes[400] = signature.bytes[400] == 'A' ? 'B' : 'A';
  machine = anchorage_verify_identity(client, signature.bytes, signature.size,
                                      policy, NULL, &error);
  check("the changed identity is refused", machine == NULL);
  check("as not from AWS",
        anchorage_error_code(error) == ANCHORAGE_NOT_FROM_AWS);
  check_reason("the changed identity", error, "DIGEST_MISMATCH");

  error = NULL;
  check("no text is refused", anchorage_verify_identity(client, NULL, 0, policy,
                                                        NULL, &error) == NULL);
  check_reason("no text", error, "USAGE");
  free(signature.bytes);
}

static void attestations(const anchorage_client* client, const char* vectors,
                         const anchorage_attestation_policy* policy) {
  const text document =
      read_file(vectors, "/nitro-tpm/live-usw2-i-000fa553.cbor");
  anchorage_error* error = NULL;
  size_t size = 0;
  anchorage_request* request = anchorage_request_new();
  anchorage_attestation* attestation;
  anchorage_request_set_recorded_at(request, kRecordedAt);
  attestation = anchorage_verify_attestation(
      client, document.bytes, document.size, policy, request, &error);
  no_error("attestation", error);
  check("type",
        anchorage_attestation_type(attestation) == ANCHORAGE_TYPE_NITRO_TPM);
  check("PCR4",
        anchorage_attestation_pcr(attestation, 4, &size) != NULL && size == 48);
  anchorage_attestation_free(attestation);

  error = NULL;
  document.bytes[document.size - 1] ^= 1;
  check("the changed attestation is refused",
        anchorage_verify_attestation(client, document.bytes, document.size,
                                     policy, request, &error) == NULL);
  check_reason("the changed attestation", error, "SIGNATURE_MISMATCH");
  anchorage_request_free(request);
  free(document.bytes);
}

int main(int argc, char** argv) {
  anchorage_error* error = NULL;
  anchorage_options* options = anchorage_options_new();
  anchorage_client* client;
  anchorage_identity_policy* identity_policy;
  anchorage_attestation_policy* attestation_policy;
  anchorage_state* state;
  text policy;
  text root;
  if (argc != 6) return 2;

  root = read_file(argv[5], "");
  anchorage_options_set_url(options, argv[4], strlen(argv[4]));
  anchorage_options_set_trusted_root(options, root.bytes, root.size);
  anchorage_options_set_background_refresh(options, 0);
  client = anchorage_client_new(options, &error);
  no_error("client", error);
  anchorage_options_free(options);
  free(root.bytes);

  error = NULL;
  check("refresh", anchorage_client_refresh(client, &error) == ANCHORAGE_OK);
  no_error("refresh", error);
  error = NULL;
  state = anchorage_client_state(client, &error);
  no_error("state", error);
  check("the set is the server's",
        anchorage_state_origin(state) == ANCHORAGE_ORIGIN_SERVER &&
            anchorage_state_freshness(state) == ANCHORAGE_FRESHNESS_FRESH);
  anchorage_state_free(state);

  error = NULL;
  policy = read_file(argv[2], "");
  identity_policy = anchorage_identity_policy_read(
      policy.bytes, policy.size, argv[2], strlen(argv[2]), &error);
  no_error("identity policy", error);
  free(policy.bytes);
  identities(client, argv[1], identity_policy);
  anchorage_identity_policy_free(identity_policy);

  error = NULL;
  policy = read_file(argv[3], "");
  attestation_policy = anchorage_attestation_policy_read(
      policy.bytes, policy.size, argv[3], strlen(argv[3]), &error);
  no_error("attestation policy", error);
  free(policy.bytes);
  attestations(client, argv[1], attestation_policy);
  anchorage_attestation_policy_free(attestation_policy);

  anchorage_client_free(client);
  printf("%s, %d failures\n", anchorage_version(), failures);
  return failures != 0;
}
