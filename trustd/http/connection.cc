#include "trustd/http/connection.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "absl/time/clock.h"

namespace anchorage::trustd {

Connection::Connection(int socket, int stop, const ConnectionLimits& limits)
    : socket_(socket), stop_(stop), limits_(limits) {}

Connection::~Connection() {
  // What was not read would otherwise make the kernel cut the answer off.
  ::shutdown(socket_, SHUT_WR);
  char rest[4096];
  for (int i = 0; i < 16; ++i) {
    if (::recv(socket_, rest, sizeof(rest), MSG_DONTWAIT) <= 0) break;
  }
  ::close(socket_);
}

bool Connection::Wait(short events, absl::Time deadline) {
  bool stopping = false;
  while (true) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    pollfd polled[] = {{socket_, events, 0}, {stop_, POLLIN, 0}};
    const int ready =
        ::poll(polled, stopping ? 1 : 2,
               static_cast<int>(absl::ToInt64Milliseconds(left)) + 1);
    if (ready < 0 && errno != EINTR) return false;
    if (ready <= 0) continue;
    // Also for an error: the call that follows tells it.
    if (polled[0].revents != 0) return true;
    if (events != POLLOUT) return false;
    stopping = true;
    deadline = std::min(deadline, absl::Now() + limits_.stop_time);
  }
}

bool Connection::Fill(absl::Time deadline) {
  while (Wait(POLLIN, deadline)) {
    const ssize_t got = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
    if (got > 0) {
      begin_ = 0;
      end_ = static_cast<std::size_t>(got);
      return true;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) return false;
  }
  return false;
}

bool Connection::AwaitRequest() {
  if (begin_ == end_ && !Fill(absl::Now() + limits_.idle_time)) return false;
  request_deadline_ = absl::Now() + limits_.request_time;
  request_bytes_left_ = limits_.request_bytes;
  answer_deadline_ = absl::InfiniteFuture();
  return true;
}

ssize_t Connection::read(char* data, std::size_t size) {
  if (request_bytes_left_ == 0) return -1;
  if (begin_ == end_ && !Fill(request_deadline_)) return -1;
  const std::size_t count =
      std::min({size, end_ - begin_, request_bytes_left_});
  std::memcpy(data, buffer_.data() + begin_, count);
  begin_ += count;
  request_bytes_left_ -= count;
  return static_cast<ssize_t>(count);
}

ssize_t Connection::write(const char* data, std::size_t size) {
  if (answer_deadline_ == absl::InfiniteFuture()) {
    answer_deadline_ = absl::Now() + limits_.answer_time;
  }
  while (true) {
    const ssize_t put = ::send(socket_, data, size, MSG_NOSIGNAL);
    if (put >= 0) return put;
    if (errno == EINTR) continue;
    if (errno != EAGAIN || !Wait(POLLOUT, answer_deadline_)) return -1;
  }
}

// Not told: nothing here depends on who asks.
void Connection::get_remote_ip_and_port(std::string&, int&) const {}
void Connection::get_local_ip_and_port(std::string&, int&) const {}

}  // namespace anchorage::trustd
