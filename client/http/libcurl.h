// libcurl, loaded when something is first fetched: who only verifies pays
// nothing for it, and needs none.

#ifndef ANCHORAGE_CLIENT_HTTP_LIBCURL_H_
#define ANCHORAGE_CLIENT_HTTP_LIBCURL_H_

// What newer ones deprecate is all that older ones know.
#define CURL_DISABLE_DEPRECATION
#include <curl/curl.h>
#include <sys/auxv.h>

#include "absl/status/statusor.h"

namespace anchorage::client {

// The functions that are used, by libcurl's names less "curl_". Without symbol
// versions, which distributions give their own.
struct LibCurl {
  CURL* (*easy_init)();
  void (*easy_reset)(CURL*);
  void (*easy_cleanup)(CURL*);
  CURLcode (*easy_setopt)(CURL*, CURLoption, ...);
  CURLcode (*easy_getinfo)(CURL*, CURLINFO, ...);
  CURLcode (*easy_perform)(CURL*);
  const char* (*easy_strerror)(CURLcode);
  curl_slist* (*slist_append)(curl_slist*, const char*);
  void (*slist_free_all)(curl_slist*);

  // Loads libcurl.so.4 at the first call that finds it; it stays loaded as long
  // as the process. UNAVAILABLE, with what the loader says, where it is not
  // there, and, before it is loaded, where this program has more rights than who
  // started it. Thread-safe.
  static absl::StatusOr<const LibCurl*> Get(
      bool has_more_rights = getauxval(AT_SECURE) != 0);
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_HTTP_LIBCURL_H_
