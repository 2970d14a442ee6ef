// A server in a test that gives one prepared answer.

#ifndef ANCHORAGE_CLIENT_HTTP_ONE_ANSWER_H_
#define ANCHORAGE_CLIENT_HTTP_ONE_ANSWER_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace anchorage::client {

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

  // The request's head and what came with it, and its first line, once it has
  // been answered.
  const std::string& request() const { return request_; }
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

inline std::string Answer(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status +
         "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_HTTP_ONE_ANSWER_H_
