// The head of an HTTP request, read strictly (RFC 9112).
//
//   auto request = ReadRequestHead(head);  // nullopt: answer 400, and close
//
// Where two readers could differ, in what a line ends with or what belongs to a
// name, there is no request: a proxy before us may have read it otherwise.

#ifndef ANCHORAGE_TRUSTD_SERVE_HTTP_REQUEST_HEAD_H_
#define ANCHORAGE_TRUSTD_SERVE_HTTP_REQUEST_HEAD_H_

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
};

// Reads `head`, the bytes up to the empty line and with it. Returns nothing if
// that is no request of HTTP/1.0 or 1.1.
std::optional<RequestHead> ReadRequestHead(std::string_view head);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SERVE_HTTP_REQUEST_HEAD_H_
