#include "client/http/libcurl.h"

#include <dlfcn.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "verify/fork_safe_mutex.h"

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
      Find(library, "curl_slist_append", curl.slist_append) &&
      Find(library, "curl_slist_free_all", curl.slist_free_all) &&
      global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
    return absl::OkStatus();
  }
  const char* const why = dlerror();
  return absl::UnavailableError(
      absl::StrCat("fetching needs libcurl (libcurl.so.4): ",
                   why != nullptr ? why : "it cannot be started"));
}

}  // namespace

absl::StatusOr<const LibCurl*> LibCurl::Get(bool has_more_rights) {
  // libcurl and what it loads would read files that a stranger names, and write
  // the secrets of a connection to one (SSLKEYLOGFILE).
  if (has_more_rights) {
    return absl::UnavailableError(
        "nothing is fetched by a program that has more rights than who started "
        "it (set-user-ID or capabilities): their environment would have a say");
  }
  static verify::ForkSafeMutex* const mutex = new verify::ForkSafeMutex();
  static LibCurl curl;
  static bool loaded = false;
  const verify::ForkSafeLock lock(mutex);
  if (!loaded) {
    if (absl::Status s = Load(curl); !s.ok()) return s;
    loaded = true;
  }
  return &curl;
}

}  // namespace anchorage::client
