// Input: the head of an HTTP request.
// Holds for any bytes:
//   1. method and target are words of the first line, which is these and a
//      version;
//   2. lines end in one way, and no other control character but a tab is there;
//   3. what follows the empty line counts for nothing, and without that line
//      nothing is a request;
//   4. one more header that ends the connection, or has a body follow, does;
//   5. where a body has a length, another header about it takes that away.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "test/fuzz/fuzz.h"
#include "trustd/serve/http/request_head.h"

namespace anchorage::test {
namespace {

using trustd::ReadRequestHead;

constexpr std::string_view kEnd = "\r\n\r\n";

// Whether there is none but tabs, once CRLF is taken out.
bool HasNoControls(std::string text) {
  for (std::size_t at = 0; (at = text.find("\r\n", at)) != std::string::npos;) {
    text.erase(at, 2);
  }
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<std::uint8_t>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

void Check(std::string_view text) {
  const auto request = ReadRequestHead(text);
  if (!request.has_value()) return;
  RequireWithin(request->method, text);
  RequireWithin(request->target, text);
  const std::string begin = std::string(request->method) + " " +
                            std::string(request->target) + " HTTP/1.";
  Require(text.substr(0, begin.size()) == begin, "the first line is its words");

  const std::size_t end = text.find(kEnd);
  Require(end != std::string_view::npos, "a head ends with an empty line");
  const std::string head(text.substr(0, end + kEnd.size()));
  Require(HasNoControls(head), "no control characters");
  const auto alone = ReadRequestHead(head);
  Require(alone.has_value() &&
              alone->keeps_connection == request->keeps_connection &&
              alone->if_none_match == request->if_none_match &&
              alone->content_length == request->content_length &&
              alone->keeps_after_body == request->keeps_after_body &&
              alone->content_type == request->content_type &&
              alone->forwarded_for == request->forwarded_for,
          "what follows counts for nothing");
  Require(!ReadRequestHead(head.substr(0, head.size() / 2)).has_value() &&
              !ReadRequestHead(head.substr(0, head.size() - 1)).has_value(),
          "a part of a head is none");

  for (const char* line : {"\r\nconnection: a, Close", "\r\nCONTENT-LENGTH:1",
                           "\r\nTransfer-Encoding: chunked"}) {
    std::string longer = head;
    longer.insert(end, line);
    const auto last = ReadRequestHead(longer);
    Require(last.has_value() && !last->keeps_connection,
            "one header ends the connection");
  }
  if (!request->content_length.has_value()) return;
  Require(!request->keeps_connection, "a body follows");
  for (const char* line :
       {"\r\ncontent-length:1", "\r\nTRANSFER-ENCODING: chunked"}) {
    std::string longer = head;
    longer.insert(end, line);
    const auto unclear = ReadRequestHead(longer);
    Require(unclear.has_value() && !unclear->content_length.has_value() &&
                !unclear->keeps_after_body,
            "a body has one length");
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
