#include "client/http/http_connection.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "client/http/one_answer.h"

namespace anchorage::client {
namespace {

absl::StatusOr<HttpAnswer> Ask(const HttpRequest& request) {
  HttpConnection connection;
  return connection.Ask(request);
}

std::string HostOf(const OneAnswer& server) {
  const std::string& url = server.url();
  return url.substr(0, url.rfind('/'));
}

TEST(HttpConnection, SendsMethodHeadersAndBody) {
  std::string request;
  {
    OneAnswer server(Answer("200 OK", "token"));
    const auto answer = Ask({.url = server.url(),
                             .method = "PUT",
                             .headers = {"X-Seconds: 60", "X-Other: y"},
                             .max_bytes = 5});
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "token");
    EXPECT_FALSE(answer->too_long);
    request = server.request();
  }
  EXPECT_EQ(request.substr(0, 4), "PUT ");
  EXPECT_NE(request.find("\r\nX-Seconds: 60\r\nX-Other: y\r\n"),
            std::string::npos)
      << request;
  EXPECT_NE(request.find("\r\nContent-Length: 0\r\n"), std::string::npos);

  OneAnswer server(Answer("204 No Content", ""));
  const std::string body(3, '\0');
  const auto answer =
      Ask({.url = server.url(), .method = "POST", .body = body});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(server.RequestLine(), "POST /a HTTP/1.1");
  EXPECT_NE(server.request().find("\r\nContent-Length: 3\r\n"),
            std::string::npos);
  EXPECT_EQ(server.request().find("Expect"), std::string::npos);
}

TEST(HttpConnection, GivesTheHeadersOfTheAnswerItself) {
  OneAnswer server(
      "HTTP/1.1 100 Continue\r\nRetry-After: 9\r\nETag: old\r\n\r\n"
      "HTTP/1.1 429 Slow\r\nRETRY-AFTER:  7 \r\nContent-Length: 0\r\n\r\n");
  const auto answer = Ask({.url = server.url()});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 429);
  EXPECT_EQ(answer->retry_after, "7");
  EXPECT_EQ(answer->etag, "");
}

TEST(HttpConnection, IgnoresAHeaderThatIsTooLong) {
  OneAnswer server("HTTP/1.1 200 OK\r\nETag: " + std::string(2000, 'a') +
                   "\r\nContent-Length: 0\r\n\r\n");
  const auto answer = Ask({.url = server.url()});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->etag, "");
}

TEST(HttpConnection, CutsABodyOff) {
  OneAnswer server(Answer("200 OK", std::string(1 << 20, 'x')));
  const auto answer = Ask({.url = server.url(), .max_bytes = 100});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->too_long);
  EXPECT_LE(answer->body.size(), 100u);
}

TEST(HttpConnection, ABodyThatBreaksOffFailsOnlyASuccess) {
  const std::string rest = "\r\nContent-Length: 9\r\n\r\nx";
  OneAnswer refusing("HTTP/1.1 503 Busy" + rest);
  const auto answer = Ask({.url = refusing.url(), .max_bytes = 100});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 503);

  OneAnswer server("HTTP/1.1 200 OK" + rest);
  EXPECT_EQ(Ask({.url = server.url(), .max_bytes = 100}).status().code(),
            absl::StatusCode::kDataLoss);
}

// What a network does that lets an answer through to nobody but its neighbour.
TEST(HttpConnection, ASilentServerIsNotOneThatIsNotThere) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const HttpRequest request = {
      .url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)),
      .timeout = absl::Milliseconds(500)};
  EXPECT_EQ(Ask(request).status().code(), absl::StatusCode::kUnavailable);
  ASSERT_EQ(::listen(listener, 1), 0);
  EXPECT_EQ(Ask(request).status().code(), absl::StatusCode::kDeadlineExceeded);
  ::close(listener);
}

TEST(HttpConnection, AsksAProxyOnlyWhereItIsTold) {
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  setenv("no_proxy", "*", 1);
  {
    OneAnswer server(Answer("200 OK", ""));
    EXPECT_TRUE(Ask({.url = server.url()}).ok()) << "none";
  }
  {
    OneAnswer proxy(Answer("200 OK", ""));
    EXPECT_TRUE(
        Ask({.url = "http://192.0.2.1/b", .proxy = HostOf(proxy)}).ok());
    EXPECT_EQ(proxy.RequestLine(), "GET http://192.0.2.1/b HTTP/1.1")
        << "no_proxy is the environment's";
  }
  unsetenv("no_proxy");
  {
    OneAnswer proxy(Answer("200 OK", ""));
    setenv("http_proxy", HostOf(proxy).c_str(), 1);
    EXPECT_TRUE(Ask({.url = "http://192.0.2.1/b", .proxy = std::nullopt}).ok());
  }
  unsetenv("http_proxy");
}

// Its answer is not the server's.
TEST(HttpConnection, AProxyThatRefusesIsNoAnswer) {
  OneAnswer proxy("HTTP/1.1 404 No\r\nETag: x\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(Ask({.url = "https://192.0.2.1/b",
                 .timeout = absl::Seconds(5),
                 .proxy = HostOf(proxy)})
                .status()
                .code(),
            absl::StatusCode::kUnavailable);
}

TEST(HttpConnection, KeepsAPasswordOutOfMessages) {
  const auto answer = Ask({.url = "http://user:secret@127.0.0.1:1/"});
  EXPECT_EQ(answer.status().message().find("secret"), absl::string_view::npos);
}

}  // namespace
}  // namespace anchorage::client
