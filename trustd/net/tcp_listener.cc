#include "trustd/net/tcp_listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/no_throw.h"

namespace anchorage::trustd {
namespace {

constexpr int kBacklog = 511;
// A thread that has not completed a turn for so long is stuck.
constexpr absl::Duration kStuck = absl::Seconds(10);
// How much of a connection waits in the kernel until it is read. As much as the
// largest request: of what a peer sends beyond its limits, no more than that is
// acted on before it is cut off. By default the kernel would keep up to 6 MB.
constexpr int kReceiveBytes = 64 * 1024;
// At most so many connections are accepted between two ticks.
constexpr int kAcceptedPerTurn = 64;

std::int64_t UptimeNanos() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

absl::Status CannotListen(const std::string& address,
                          const std::string& setting, const char* why) {
  return absl::UnavailableError(absl::StrCat(
      "cannot listen on ", address, ": ", why,
      " (is another program using the port, or the address not of this "
      "machine? set '",
      setting, "')"));
}

struct AddressFree {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

void SetPort(sockaddr* address, std::uint16_t port) {
  if (address->sa_family == AF_INET) {
    reinterpret_cast<sockaddr_in*>(address)->sin_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in6*>(address)->sin6_port = htons(port);
  }
}

// Returns a listening socket, or -1 with errno.
int Listen(const addrinfo& where) {
  const int socket =
      ::socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return -1;
  // With SO_REUSEADDR a restart need not wait for old connections, but a second
  // trustd still cannot get the port.
  const int yes = 1;
  const int no = 0;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  // Set before listen(), because accepted sockets inherit it and their TCP
  // windows depend on it.
  ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &kReceiveBytes,
               sizeof(kReceiveBytes));
  if (where.ai_family == AF_INET6) {
    ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
  }
  if (::bind(socket, where.ai_addr, where.ai_addrlen) != 0 ||
      ::listen(socket, kBacklog) != 0) {
    const int error = errno;
    ::close(socket);
    errno = error;
    return -1;
  }
  return socket;
}

int OpenReserve() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

void Close(int descriptor) {
  if (descriptor >= 0) ::close(descriptor);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TcpListener>> TcpListener::Bind(
    const std::string& address, const std::string& setting) {
  std::unique_ptr<TcpListener> listener(new TcpListener());
  if (absl::Status s = listener->Prepare(); !s.ok()) return s;
  const std::size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int found = ::getaddrinfo(
      host.c_str(), address.substr(colon + 1).c_str(), &hints, &list);
  if (found != 0) {
    return CannotListen(address, setting, ::gai_strerror(found));
  }
  const std::unique_ptr<addrinfo, AddressFree> owned(list);

  std::uint16_t port = 0;
  int error = 0;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    // All addresses of a name have one port.
    if (port != 0) SetPort(one->ai_addr, port);
    const int socket = Listen(*one);
    if (socket < 0) {
      error = errno;
      // A name may have an address of a family that this machine lacks.
      if (error == EAFNOSUPPORT || error == EADDRNOTAVAIL) continue;
      return CannotListen(address, setting, ::strerror(error));
    }
    listener->sockets_.push_back(socket);
    sockaddr_storage bound{};
    socklen_t size = sizeof(bound);
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size) !=
        0) {
      return CannotListen(address, setting, ::strerror(errno));
    }
    port = Endpoint::Of(bound).value_or(Endpoint()).port;
  }
  if (listener->sockets_.empty()) {
    return CannotListen(address, setting, ::strerror(error));
  }
  listener->address_ = absl::StrCat(address.substr(0, colon), ":", port);
  return listener;
}

absl::StatusOr<std::unique_ptr<TcpListener>> TcpListener::Adopt(
    int socket, const std::string& address) {
  std::unique_ptr<TcpListener> listener(new TcpListener());
  listener->sockets_ = {socket};
  listener->address_ = address;
  if (absl::Status s = listener->Prepare(); !s.ok()) return s;
  return listener;
}

absl::Status TcpListener::Prepare() {
  stop_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  reserve_ = OpenReserve();
  if (stop_ >= 0 && reserve_ >= 0) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot listen: ", ::strerror(errno)));
}

TcpListener::~TcpListener() {
  Stop();
  for (const int one : {stop_, reserve_}) Close(one);
}

absl::Status TcpListener::Start(Handler handler, std::function<void()> tick,
                                std::function<void()> shed,
                                absl::Duration interval) {
  handler_ = std::move(handler);
  tick_ = std::move(tick);
  shed_ = std::move(shed);
  interval_ = interval;
  last_turn_ = UptimeNanos();
  auto thread = anchors::StartThread([this] { Run(); });
  if (!thread.ok()) return thread.status();
  thread_ = *std::move(thread);
  return absl::OkStatus();
}

void TcpListener::Stop() {
  if (thread_.joinable()) {
    ::eventfd_write(stop_, 1);
    thread_.join();
  }
  for (const int socket : sockets_) ::close(socket);
  sockets_.clear();
}

bool TcpListener::IsRunning() const {
  return UptimeNanos() - last_turn_ < absl::ToInt64Nanoseconds(kStuck);
}

bool TcpListener::IsAccepting() const {
  return has_descriptors_ && IsRunning();
}

void TcpListener::Run() {
  std::vector<pollfd> polled;
  for (const int socket : sockets_) polled.push_back({socket, POLLIN, 0});
  polled.push_back({stop_, POLLIN, 0});
  std::int64_t next_tick = UptimeNanos();
  while (true) {
    const int ready =
        ::poll(polled.data(), polled.size(),
               static_cast<int>(absl::ToInt64Milliseconds(interval_)));
    last_turn_ = UptimeNanos();
    if (ready > 0 && polled.back().revents != 0) return;
    // An exception costs one connection, or one tick.
    (void)anchors::NoThrow([&] {
      if (last_turn_ >= next_tick) {
        next_tick = last_turn_ + absl::ToInt64Nanoseconds(interval_);
        FindDescriptors();
        tick_();
      }
      for (const pollfd& one : polled) {
        if (ready > 0 && one.fd != stop_ && one.revents != 0) Accept(one.fd);
      }
      return absl::OkStatus();
    });
  }
}

// Called at each tick, and not when the next peer connects: while health says
// that nobody is served, perhaps nobody will.
void TcpListener::FindDescriptors() {
  if (reserve_ < 0) reserve_ = OpenReserve();
  // A connection takes two (trustd/rpc/connections.h).
  const int first = OpenReserve();
  const int second = OpenReserve();
  has_descriptors_ = reserve_ >= 0 && first >= 0 && second >= 0;
  Close(second);
  Close(first);
}

void TcpListener::Accept(int listener) {
  for (int i = 0; i < kAcceptedPerTurn; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    const int socket =
        ::accept4(listener, reinterpret_cast<sockaddr*>(&address), &size,
                  SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) {
      const bool is_exhausted = errno == EMFILE || errno == ENFILE ||
                                errno == ENOMEM || errno == ENOBUFS;
      if (is_exhausted) ShedOne(listener);
      // The queue is empty, or the caller has already gone.
      return;
    }
    const auto peer =
        address.ss_family == AF_UNIX ? Endpoint() : Endpoint::Of(address);
    if (!peer.has_value()) {
      ::close(socket);
      continue;
    }
    const int yes = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    handler_(socket, *peer);
  }
}

void TcpListener::ShedOne(int listener) {
  has_descriptors_ = false;
  Close(reserve_);
  const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (socket >= 0) {
    shed_();
    ::close(socket);
  }
  reserve_ = OpenReserve();
  // Without memory there is nothing to do but wait for some.
  if (socket < 0) ::poll(nullptr, 0, 50);
}

}  // namespace anchorage::trustd
