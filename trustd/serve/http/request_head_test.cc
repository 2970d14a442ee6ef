#include "trustd/serve/http/request_head.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace anchorage::trustd {
namespace {

// A request with one more header line.
std::string With(absl::string_view line, absl::string_view version = "1.1") {
  return absl::StrCat("GET /a HTTP/", version, "\r\nHost: h\r\n", line,
                      "\r\n\r\n");
}

bool Keeps(const std::string& head) {
  const auto request = ReadRequestHead(head);
  EXPECT_TRUE(request.has_value()) << head;
  return request.has_value() && request->keeps_connection;
}

TEST(RequestHeadTest, ReadsWhatAnAnswerDependsOn) {
  const std::string head =
      "HEAD /a%20b?c#d HTTP/1.1\r\nHost: h\r\nEmpty:\r\nText: \t\xc3\xa9 "
      "\r\n\r\n";
  const auto request = ReadRequestHead(head);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->method, "HEAD");
  EXPECT_EQ(request->target, "/a%20b?c#d");
  EXPECT_EQ(request->if_none_match, "");
  EXPECT_TRUE(request->keeps_connection);
}

TEST(RequestHeadTest, HasTheTagsOfAllHeaders) {
  const auto request = ReadRequestHead(
      With("If-None-Match: \"a\", W/\"b\"\r\nIF-NONE-MATCH:\"c\""));
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->if_none_match, " \"a\", W/\"b\",\"c\"");
}

TEST(RequestHeadTest, HasTheOneHost) {
  const std::string one = "GET / HTTP/1.1\r\nhost: \ta.b:1 \r\n\r\n";
  EXPECT_EQ(ReadRequestHead(one)->host, "a.b:1");
  const std::string two = With("HOST: other");
  EXPECT_EQ(ReadRequestHead(two)->host, std::nullopt);
  const std::string none = "GET / HTTP/1.1\r\n\r\n";
  EXPECT_EQ(ReadRequestHead(none)->host, std::nullopt);
}

TEST(RequestHeadTest, HasWhatSomebodyShowsOfThemselves) {
  EXPECT_EQ(ReadRequestHead(With("Authorization: Basic YTpi"))->authorization,
            " Basic YTpi");
  EXPECT_EQ(ReadRequestHead(With("Accept: */*"))->authorization, "");
}

TEST(RequestHeadTest, AConnectionGoesOnUnlessSomebodySaysOtherwise) {
  EXPECT_TRUE(Keeps(With("Accept: */*")));
  EXPECT_TRUE(Keeps(With("Connection: keep-alive")));
  EXPECT_FALSE(Keeps(With("Connection: close")));
  EXPECT_FALSE(Keeps(With("connection: Upgrade,CLOSE")));
  EXPECT_FALSE(Keeps(With("Connection: keep-alive\r\nConnection: close")));
  EXPECT_FALSE(Keeps(With("Accept: */*", "1.0")));
  EXPECT_TRUE(Keeps(With("Connection: Keep-Alive", "1.0")));
  EXPECT_FALSE(Keeps(With("Connection: Keep-Alive, close", "1.0")));
}

TEST(RequestHeadTest, AConnectionEndsAfterABody) {
  EXPECT_FALSE(Keeps(With("Content-Length: 3")));
  EXPECT_FALSE(Keeps(With("content-length: 0")));
  EXPECT_FALSE(Keeps(With("Transfer-Encoding: chunked")));
}

// Where a proxy before us could see another length, there is none.
TEST(RequestHeadTest, ABodyHasALengthThatIsSaidInOneWay) {
  const auto length = [](absl::string_view lines) {
    const auto request = ReadRequestHead(With(lines));
    EXPECT_TRUE(request.has_value()) << lines;
    EXPECT_EQ(request->keeps_after_body, request->content_length.has_value());
    return request->content_length;
  };
  EXPECT_EQ(length("Content-Length: 3"), 3u);
  EXPECT_EQ(length("content-length:0"), 0u);
  EXPECT_EQ(length("Content-Length: \t999999999 "), 999'999'999u);
  for (const char* lines :
       {"Content-Length:", "Content-Length: +3", "Content-Length: -3",
        "Content-Length: 03", "Content-Length: 3,3", "Content-Length: 3 3",
        "Content-Length: 0x3", "Content-Length: 3.0", "Content-Length: 3\xa0",
        "Content-Length: 1000000000", "Content-Length: 18446744073709551619",
        "Content-Length: 3\r\nContent-Length: 3",
        "Content-Length: 3\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
        "Transfer-Encoding: chunked", "Host: again"}) {
    EXPECT_EQ(length(lines), std::nullopt) << lines;
  }
}

TEST(RequestHeadTest, AConnectionGoesOnAfterABodyUnlessSomebodySaysOtherwise) {
  EXPECT_FALSE(ReadRequestHead(With("Content-Length: 3\r\nConnection: close"))
                   ->keeps_after_body);
  EXPECT_FALSE(
      ReadRequestHead(With("Content-Length: 3", "1.0"))->keeps_after_body);
}

TEST(RequestHeadTest, HasWhatAPostIsAbout) {
  const auto request = ReadRequestHead(
      With("Content-Type: a/b\r\nX-Forwarded-For: 192.0.2.1\r\n"
           "x-forwarded-for:192.0.2.2, 192.0.2.3\r\ncontent-type: c"));
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->content_type, " a/b, c");
  EXPECT_EQ(request->forwarded_for, " 192.0.2.1,192.0.2.2, 192.0.2.3");
}

TEST(RequestHeadTest, RefusesALineThatIsNoRequestLine) {
  for (const char* line :
       {"", "GET", "GET /a", "GET /a ", "GET /a HTTP/1.1 ", "GET  /a HTTP/1.1",
        "GET /a  HTTP/1.1", " GET /a HTTP/1.1", "GET /a b HTTP/1.1",
        "GET\t/a\tHTTP/1.1", "GET /a HTTP/2.0", "GET /a HTTP/1.10",
        "GET /a http/1.1", "GE(T /a HTTP/1.1", "GET /a\x7f HTTP/1.1",
        "GET /a\nb HTTP/1.1", "GET /a HTTP/1.1\r", "GET /a HTTP/1.1\n"}) {
    EXPECT_FALSE(
        ReadRequestHead(absl::StrCat(line, "\r\nHost: h\r\n\r\n")).has_value())
        << line;
  }
  EXPECT_FALSE(
      ReadRequestHead(std::string("GET /\0 HTTP/1.1\r\n\r\n", 19)).has_value());
}

TEST(RequestHeadTest, RefusesALineThatIsNoHeader) {
  for (const char* line :
       {"nonsense", ": value", "Na me: value", "Name : value", " Name: value",
        "Name: value\r\n folded", "Name: a\nConnection: close", "Name: a\rb",
        "Name: a\x01", "N\xc3\xa4me: a"}) {
    EXPECT_FALSE(ReadRequestHead(With(line)).has_value()) << line;
  }
}

TEST(RequestHeadTest, RefusesAHeadThatDoesNotEnd) {
  const std::string head = With("Accept: */*");
  for (std::size_t size = 0; size < head.size(); ++size) {
    EXPECT_FALSE(ReadRequestHead(head.substr(0, size)).has_value()) << size;
  }
}

}  // namespace
}  // namespace anchorage::trustd
