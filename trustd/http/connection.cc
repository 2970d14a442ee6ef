#include "trustd/http/connection.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string_view>

#include "absl/strings/match.h"

namespace anchorage::trustd {
namespace {

// Not the time of day: nobody's limit may change when that is set.
absl::Duration Uptime() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

constexpr std::string_view kEndOfHead = "\r\n\r\n";

// The library's lines end with a line feed.
std::string WithoutRange(std::string_view head) {
  std::string kept;
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find('\n') + 1);
    const std::string_view whole = line.empty() ? head : line;
    if (!absl::StartsWithIgnoreCase(
            absl::string_view(whole.data(), whole.size()), "range:")) {
      kept.append(whole);
    }
    head.remove_prefix(whole.size());
  }
  return kept;
}

}  // namespace

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

bool Connection::Wait(short events, absl::Duration deadline) {
  bool stopping = false;
  while (true) {
    const absl::Duration left = deadline - Uptime();
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
    deadline = std::min(deadline, Uptime() + limits_.stop_time);
  }
}

bool Connection::Fill(absl::Duration deadline) {
  char buffer[4096];
  while (Wait(POLLIN, deadline)) {
    const ssize_t got = ::recv(socket_, buffer, sizeof(buffer), 0);
    if (got > 0) {
      received_.append(buffer, static_cast<std::size_t>(got));
      return true;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) return false;
  }
  return false;
}

bool Connection::AwaitRequest(absl::Duration idle) {
  if (received_.empty() && !Fill(Uptime() + idle)) return false;
  const absl::Duration deadline = Uptime() + limits_.request_time;
  std::size_t end = std::string::npos;
  while ((end = received_.find(kEndOfHead)) == std::string::npos &&
         received_.size() < limits_.request_bytes) {
    if (!Fill(deadline)) return false;
  }
  end = end == std::string::npos ? limits_.request_bytes
                                 : end + kEndOfHead.size();
  end = std::min({end, limits_.request_bytes, received_.size()});
  head_ = WithoutRange(std::string_view(received_).substr(0, end));
  received_.erase(0, end);
  given_ = 0;
  answer_deadline_ = absl::InfiniteDuration();
  return true;
}

ssize_t Connection::read(char* data, std::size_t size) {
  const std::size_t count = std::min(size, head_.size() - given_);
  if (count == 0) return -1;
  std::memcpy(data, head_.data() + given_, count);
  given_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t Connection::write(const char* data, std::size_t size) {
  if (answer_deadline_ == absl::InfiniteDuration()) {
    answer_deadline_ = Uptime() + limits_.answer_time;
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
