// A POST that is answered elsewhere, so that this room knows nothing of what is
// in it.

#ifndef ANCHORAGE_TRUSTD_SERVE_HTTP_POST_H_
#define ANCHORAGE_TRUSTD_SERVE_HTTP_POST_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "trustd/net/ip_address.h"

namespace anchorage::trustd {

struct PostRequest {
  IpAddress peer = {};
  // The values of all X-Forwarded-For headers, separated by commas.
  std::string_view forwarded_for = {};
  std::string_view body = {};
};

struct PostAnswer {
  // 200, 400 or 429.
  int status = 200;
  // Of the route's media type with 200, and otherwise a line for people.
  std::string body;
  // Sent with 429.
  std::uint32_t retry_after_seconds = 0;
};

// The one path that takes a POST.
struct PostRoute {
  std::string_view path;
  // Of the body, and of that of the answer.
  std::string_view media_type;
  std::size_t max_body_bytes = 0;
  // Any thread; empty: a POST to it is answered with 404.
  std::function<PostAnswer(const PostRequest& request)> answer = {};
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SERVE_HTTP_POST_H_
