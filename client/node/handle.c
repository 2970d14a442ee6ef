#include <stdlib.h>

#include "addon.h"

Handle* Hold(Handle* handle) {
  if (handle != NULL) ++handle->references;
  return handle;
}

void Drop(Handle* handle) {
  if (handle == NULL || --handle->references > 0) return;
  handle->free_object(handle->object);
  free(handle);
}

static void DropExternal(napi_env env, void* handle, void* hint) {
  (void)env;
  (void)hint;
  Drop(handle);
}

napi_value Wrap(napi_env env, void* object, void (*free_object)(void*)) {
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
