// The head of an HTTP request, read strictly (RFC 9112).
//
//   auto request = ReadRequestHead(head);  // nullopt: answer 400, and close
//
// Where two readers could differ, in what a line ends with or what belongs to a
// name, there is no request: a proxy before us may have read it otherwise.

#ifndef ANCHORAGE_TRUSTD_SERVE_HTTP_REQUEST_HEAD_H_
#define ANCHORAGE_TRUSTD_SERVE_HTTP_REQUEST_HEAD_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace anchorage::trustd {

// Only what an answer depends on. The views refer to the head that was read.
struct RequestHead {
  std::string_view method;
  // As it was sent: nothing is decoded, and a fragment or a query is part of it.
  std::string_view target;
  // The tags of all If-None-Match headers, separated by commas.
  std::string if_none_match;
  // Whether another request may follow: the peer does not end the connection,
  // and no body follows, after which we would not know where to go on.
  bool keeps_connection = false;
  // How long the body is: what the one Content-Length says, where there is no
  // Transfer-Encoding. In every other case nobody can tell, and there is none
  // to read.
  std::optional<std::size_t> content_length;
  // Whether another request may follow once that body is read.
  bool keeps_after_body = false;
  // The value of Content-Type; of several, all of them.
  std::string content_type;
  // The one Host; nullopt where there is none, or more than one.
  std::optional<std::string_view> host;
  // The value of Authorization; of several, all of them.
  std::string authorization;
  // The addresses of all X-Forwarded-For headers, separated by commas.
  std::string forwarded_for;
};

// Reads `head`, the bytes up to the empty line and with it. Returns nothing if
// that is no request of HTTP/1.0 or 1.1.
std::optional<RequestHead> ReadRequestHead(std::string_view head);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SERVE_HTTP_REQUEST_HEAD_H_
