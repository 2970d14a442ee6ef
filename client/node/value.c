#include "addon.h"

napi_value Broken(napi_env env) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw_error(env, NULL, "Node-API failed");
  return NULL;
}

bool Get(napi_env env, napi_value object, const char* name, napi_value* value) {
  napi_valuetype type;
  if (napi_get_named_property(env, object, name, value) != napi_ok ||
      napi_typeof(env, *value, &type) != napi_ok) {
    return false;
  }
  if (type == napi_undefined) *value = NULL;
  return true;
}

void Set(napi_env env, napi_value object, const char* name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

static napi_value Null(napi_env env) {
  napi_value value = NULL;
  napi_get_null(env, &value);
  return value;
}

napi_value Text(napi_env env, const char* text, size_t size) {
  napi_value value = NULL;
  if (text == NULL) return Null(env);
  napi_create_string_utf8(env, text, size, &value);
  return value;
}

void SetText(napi_env env, napi_value object, const char* name,
             const char* text) {
  Set(env, object, name, Text(env, text, NAPI_AUTO_LENGTH));
}

void SetBytes(napi_env env, napi_value object, const char* name,
              const void* bytes, size_t size) {
  napi_value value = NULL;
  if (bytes == NULL) {
    value = Null(env);
  } else {
    napi_create_buffer_copy(env, size, bytes, NULL, &value);
  }
  Set(env, object, name, value);
}

void SetInt(napi_env env, napi_value object, const char* name, int32_t number) {
  napi_value value = NULL;
  napi_create_int32(env, number, &value);
  Set(env, object, name, value);
}

void SetTime(napi_env env, napi_value object, const char* name, bool is_there,
             int64_t time) {
  napi_value value = NULL;
  if (is_there) {
    napi_create_date(env, (double)time, &value);
  } else {
    value = Null(env);
  }
  Set(env, object, name, value);
}

void SetJson(napi_env env, napi_value object, char* json, size_t size) {
  Set(env, object, "json", Text(env, json, size));
  anchorage_string_free(json);
}

napi_value TakeError(napi_env env, anchorage_error* error) {
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

napi_value Throw(napi_env env, anchorage_error* error) {
  napi_throw(env, TakeError(env, error));
  return NULL;
}
