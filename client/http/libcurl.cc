#include "client/http/libcurl.h"

#include <dlfcn.h>

#include <mutex>
#include <string>

#include "absl/strings/str_cat.h"

namespace anchorage::client {
namespace {

template <typename Function>
bool Find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  return function != nullptr;
}

absl::Status Load(LibCurl& curl) {
  void* const library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  CURLcode (*global_init)(long) = nullptr;
  if (library != nullptr && Find(library, "curl_global_init", global_init) &&
      Find(library, "curl_easy_init", curl.easy_init) &&
      Find(library, "curl_easy_reset", curl.easy_reset) &&
      Find(library, "curl_easy_cleanup", curl.easy_cleanup) &&
      Find(library, "curl_easy_setopt", curl.easy_setopt) &&
      Find(library, "curl_easy_getinfo", curl.easy_getinfo) &&
      Find(library, "curl_easy_perform", curl.easy_perform) &&
      Find(library, "curl_easy_strerror", curl.easy_strerror) &&
      global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
    return absl::OkStatus();
  }
  const char* const why = dlerror();
  return absl::UnavailableError(
      absl::StrCat("fetching needs libcurl (libcurl.so.4): ",
                   why != nullptr ? why : "it cannot be started"));
}

}  // namespace

absl::StatusOr<const LibCurl*> LibCurl::Get() {
  static std::mutex mutex;
  static LibCurl curl;
  static bool loaded = false;
  std::lock_guard lock(mutex);
  if (!loaded) {
    if (absl::Status s = Load(curl); !s.ok()) return s;
    loaded = true;
  }
  return &curl;
}

}  // namespace anchorage::client
