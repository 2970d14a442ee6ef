#include "trustd/serve/http/http_loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <iterator>
#include <string_view>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/no_throw.h"

namespace anchorage::trustd {
namespace {

// How often connections are checked for exceeded limits.
constexpr absl::Duration kCheck = absl::Milliseconds(50);
constexpr int kEventsPerTurn = 64;

// Not the time of day: no time limit may change when the clock is set.
absl::Duration Uptime() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpLoop>> HttpLoop::Start(Options options) {
  std::unique_ptr<HttpLoop> loop(new HttpLoop(std::move(options)));
  loop->epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  loop->wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = loop->wake_;
  if (loop->epoll_ < 0 || loop->wake_ < 0 ||
      ::epoll_ctl(loop->epoll_, EPOLL_CTL_ADD, loop->wake_, &event) != 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot serve HTTP: ", ::strerror(errno)));
  }
  HttpLoop* self = loop.get();
  auto thread = anchors::StartThread([self] { self->Run(); });
  if (!thread.ok()) return thread.status();
  loop->thread_ = *std::move(thread);
  return loop;
}

HttpLoop::~HttpLoop() {
  Stop();
  for (const int one : {epoll_, wake_}) {
    if (one >= 0) ::close(one);
  }
}

void HttpLoop::Add(int socket, const IpAddress& peer, Place place,
                   bool health_only, std::unique_ptr<TlsSession> tls) {
  int owned = socket;
  const absl::Cleanup close = [&owned] {
    if (owned >= 0) ::close(owned);
  };
  auto connection =
      std::make_unique<Connection>(socket, peer, std::move(place), health_only,
                                   options_.limits, Uptime(), std::move(tls));
  owned = -1;
  {
    const absl::MutexLock lock(&mutex_);
    new_.push_back(std::move(connection));
  }
  ::eventfd_write(wake_, 1);
}

void HttpLoop::Stop() {
  if (!thread_.joinable()) return;
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  ::eventfd_write(wake_, 1);
  thread_.join();
}

void HttpLoop::Run() {
  next_check_ = Uptime() + kCheck;
  while (!has_stopped_ || !open_.empty()) {
    (void)anchors::NoThrow([&] {
      Turn();
      return absl::OkStatus();
    });
  }
}

void HttpLoop::Turn() {
  epoll_event events[kEventsPerTurn];
  const int ready =
      ::epoll_wait(epoll_, events, kEventsPerTurn,
                   static_cast<int>(absl::ToInt64Milliseconds(kCheck)));
  for (int i = 0; i < ready; ++i) {
    if (events[i].data.fd == wake_) {
      eventfd_t ignored = 0;
      ::eventfd_read(wake_, &ignored);
      continue;
    }
    // An earlier event of this turn may have closed the connection.
    const auto found = by_descriptor_.find(events[i].data.fd);
    if (found != by_descriptor_.end()) Advance(found->second);
  }
  TakeNew();
  if (Uptime() >= next_check_) {
    next_check_ = Uptime() + kCheck;
    CloseOverdue();
  }
}

void HttpLoop::TakeNew() {
  std::vector<std::unique_ptr<Connection>> taken;
  bool stopping = false;
  {
    const absl::MutexLock lock(&mutex_);
    taken.swap(new_);
    stopping = stopping_;
  }
  if (stopping && !has_stopped_) {
    has_stopped_ = true;
    taken.clear();
    for (const auto& connection : open_) connection->Stop(Uptime());
    CloseOverdue();
  }
  if (has_stopped_) return;
  for (auto& connection : taken) {
    const int descriptor = connection->descriptor();
    if (connection->is_health_only()) MakeRoom();
    open_.push_back(std::move(connection));
    const auto entry = std::prev(open_.end());
    if ((*entry)->is_health_only()) ++health_open_;
    by_descriptor_[descriptor] = entry;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) {
      Close(entry);
    }
  }
}

void HttpLoop::MakeRoom() {
  if (health_open_ < options_.max_health) return;
  for (auto entry = open_.begin(); entry != open_.end(); ++entry) {
    if ((*entry)->is_health_only() && (*entry)->is_reading()) {
      options_.shed("health_oldest");
      return Close(entry);
    }
  }
}

void HttpLoop::Advance(Queue::iterator entry) {
  Connection& connection = **entry;
  // An exception ends this connection and no other.
  const absl::Status caught = anchors::NoThrow([&] {
    while (true) {
      switch (connection.Advance(Uptime())) {
        case Connection::Next::kAwaitInput:
          if (!Poll(connection, EPOLLIN)) Close(entry);
          return absl::OkStatus();
        case Connection::Next::kAwaitOutput:
          if (!Poll(connection, EPOLLOUT)) Close(entry);
          return absl::OkStatus();
        case Connection::Next::kClose:
          Close(entry);
          return absl::OkStatus();
        case Connection::Next::kAnswer: {
          const bool last = connection.is_health_only() || has_stopped_ ||
                            ++served_[connection.descriptor()] >=
                                options_.requests_per_connection;
          connection.BeginAnswer(Uptime());
          options_.answer(connection, last);
        }
      }
    }
  });
  if (!caught.ok()) Close(entry);
}

void HttpLoop::Close(Queue::iterator entry) {
  const int descriptor = (*entry)->descriptor();
  if ((*entry)->is_health_only()) --health_open_;
  by_descriptor_.erase(descriptor);
  served_.erase(descriptor);
  open_.erase(entry);
}

void HttpLoop::CloseOverdue() {
  const absl::Duration now = Uptime();
  for (auto entry = open_.begin(); entry != open_.end();) {
    const auto one = entry++;
    const char* exceeded = (*one)->Exceeds(now);
    if (exceeded == nullptr) continue;
    if (!has_stopped_ && std::string_view(exceeded) != "idle_time") {
      options_.shed(exceeded);
    }
    Close(one);
  }
}

bool HttpLoop::Poll(Connection& connection, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = connection.descriptor();
  return ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.descriptor(), &event) ==
         0;
}

}  // namespace anchorage::trustd
