#include "addon.h"

static const char* const kFields[][2] = {
    {"accountId", "account_id"},   {"region", "region"},
    {"partition", "partition"},    {"availabilityZone", "availability_zone"},
    {"instanceId", "instance_id"}, {"instanceType", "instance_type"},
    {"imageId", "image_id"},       {"architecture", "architecture"},
    {"version", "version"},        {"kernelId", "kernel_id"},
    {"ramdiskId", "ramdisk_id"},   {"privateIp", "private_ip"},
};

// Returns null where the document has no such list.
static napi_value ListOf(napi_env env, const anchorage_identity* identity,
                         int32_t (*count)(const anchorage_identity*, size_t*),
                         const char* (*item)(const anchorage_identity*,
                                             size_t)) {
  napi_value list = NULL;
  size_t size = 0;
  if (count(identity, &size) == 0) return Text(env, NULL, 0);
  napi_create_array(env, &list);
  for (size_t i = 0; i < size; ++i) {
    napi_set_element(env, list, (uint32_t)i,
                     Text(env, item(identity, i), NAPI_AUTO_LENGTH));
  }
  return list;
}

napi_value IdentityOf(napi_env env, const anchorage_identity* identity) {
  napi_value object = NULL;
  napi_value list = NULL;
  size_t size = 0;
  napi_create_object(env, &object);
  for (size_t i = 0; i < sizeof kFields / sizeof *kFields; ++i) {
    const char* text = anchorage_identity_field(identity, kFields[i][1], &size);
    Set(env, object, kFields[i][0], Text(env, text, size));
  }
  Set(env, object, "productCodes",
      ListOf(env, identity, anchorage_identity_product_codes,
             anchorage_identity_product_code));
  Set(env, object, "billingProducts",
      ListOf(env, identity, anchorage_identity_billing_products,
             anchorage_identity_billing_product));
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
    napi_set_element(env, list, (uint32_t)i, Text(env, note, NAPI_AUTO_LENGTH));
  }
  Set(env, object, "notes", list);
  return object;
}

napi_value AttestedOf(napi_env env, const anchorage_attested* attested) {
  napi_value object = NULL;
  size_t size = 0;
  napi_create_object(env, &object);
  SetInt(env, object, "source", anchorage_attested_source(attested));
  const void* bytes = anchorage_attested_document(attested, &size);
  SetBytes(env, object, "document", bytes, size);
  bytes = anchorage_attested_private_key(attested, &size);
  SetBytes(env, object, "privateKey", bytes, size);
  return object;
}

napi_value RefreshedOf(napi_env env, int64_t pause_ms, anchorage_error* error) {
  napi_value object = NULL;
  napi_value pause = NULL;
  napi_create_object(env, &object);
  if (error != NULL) Set(env, object, "error", TakeError(env, error));
  napi_create_int64(env, pause_ms, &pause);
  Set(env, object, "pauseMs", pause);
  return object;
}

// The highest index of a PCR.
enum { kMaxPcr = 31 };

napi_value AttestationOf(napi_env env,
                         const anchorage_attestation* attestation) {
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
    napi_set_element(env, list, (uint32_t)i, Text(env, note, NAPI_AUTO_LENGTH));
  }
  Set(env, object, "notes", list);
  return object;
}
