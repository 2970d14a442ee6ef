#include "client/http/http_fetcher.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace anchorage::client {
namespace {

// A server on the loopback interface that gives one prepared answer and keeps
// the request. It is made of a socket, so that it can answer wrongly too.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address),
                     sizeof(address)),
              0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    socklen_t size = sizeof(address);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/a";
    thread_ = std::thread([this] { Serve(); });
  }

  ~OneAnswer() {
    thread_.join();
    ::close(listener_);
  }

  const std::string& url() const { return url_; }

  // The first line of the request, once it has been answered.
  std::string RequestLine() const {
    return request_.substr(0, request_.find('\r'));
  }

 private:
  void Serve() {
    const int peer = ::accept(listener_, nullptr, nullptr);
    char buffer[4096];
    while (request_.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::read(peer, buffer, sizeof(buffer));
      if (got <= 0) break;
      request_.append(buffer, static_cast<std::size_t>(got));
    }
    std::string_view rest = answer_;
    while (!rest.empty()) {
      const ssize_t put = ::send(peer, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (put <= 0) break;
      rest.remove_prefix(static_cast<std::size_t>(put));
    }
    ::close(peer);
  }

  const std::string answer_;
  std::string url_;
  std::string request_;
  int listener_;
  std::thread thread_;
};

std::string Answer(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status +
         "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

absl::StatusOr<std::string> Fetch(const std::string& url,
                                  std::size_t max_bytes = 100) {
  auto fetcher = HttpFetcher::Create(
      {.metadata_url = url, .targets_url = url, .timeout = absl::Seconds(5)});
  EXPECT_TRUE(fetcher.ok()) << fetcher.status();
  return (*fetcher)->FetchMetadata("1.a%2Fb..%2F.json", max_bytes);
}

TEST(HttpFetcher, GivesTheExactBytes) {
  const std::string body("\0{\r\n}\xff", 6);
  OneAnswer server(Answer("200 OK", body));
  EXPECT_EQ(Fetch(server.url()).value(), body);
}

TEST(HttpFetcher, SendsNamesAsTheyAre) {
  std::string line;
  {
    OneAnswer server(Answer("200 OK", "x"));
    EXPECT_TRUE(Fetch(server.url()).ok());
    line = server.RequestLine();
  }
  EXPECT_EQ(line, "GET /a/1.a%2Fb..%2F.json HTTP/1.1");
}

TEST(HttpFetcher, TellsNotThereFromEverythingElse) {
  for (const char* status : {"404 Not Found", "403 Forbidden"}) {
    OneAnswer server(Answer(status, std::string(1000, 'x')));
    EXPECT_EQ(Fetch(server.url()).status().code(), absl::StatusCode::kNotFound);
  }
  for (const char* status : {"500 Oops", "424 Failed", "204 Nothing"}) {
    OneAnswer server(Answer(status, ""));
    EXPECT_EQ(Fetch(server.url()).status().code(),
              absl::StatusCode::kUnavailable);
  }
  EXPECT_EQ(Fetch("http://127.0.0.1:1/").status().code(),
            absl::StatusCode::kUnavailable);
}

TEST(HttpFetcher, FollowsNoRedirect) {
  OneAnswer server(
      "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
      "Content-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(Fetch(server.url()).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST(HttpFetcher, ReadsNoMoreThanItsLimit) {
  {
    OneAnswer server(Answer("200 OK", std::string(100, 'x')));
    EXPECT_TRUE(Fetch(server.url(), 100).ok());
  }
  {
    OneAnswer server(Answer("200 OK", std::string(101, 'x')));
    EXPECT_EQ(Fetch(server.url(), 100).status().code(),
              absl::StatusCode::kOutOfRange);
  }
  // Without a length, for as long as the connection is open.
  OneAnswer endless("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" +
                    std::string(1 << 20, 'x'));
  EXPECT_EQ(Fetch(endless.url(), 100).status().code(),
            absl::StatusCode::kOutOfRange);
}

TEST(HttpFetcher, ACutAnswerIsAnError) {
  OneAnswer server(
      "HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\nhalf");
  EXPECT_EQ(Fetch(server.url()).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST(HttpFetcher, TakesHttpAndHttpsOnly) {
  for (const char* url : {"", "file:///etc/passwd", "ftp://127.0.0.1/"}) {
    EXPECT_EQ(HttpFetcher::Create({.metadata_url = url, .targets_url = url})
                  .status()
                  .code(),
              absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace anchorage::client
