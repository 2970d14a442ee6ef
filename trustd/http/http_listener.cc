#include "trustd/http/http_listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string_view>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "trustd/http/static_site.h"

namespace anchorage::trustd {
namespace {

constexpr int kBacklog = 511;

constexpr char kJson[] = "application/json";
constexpr char kText[] = "text/plain; charset=utf-8";
constexpr char kPrometheusText[] = "text/plain; version=0.0.4; charset=utf-8";

// A cache may keep a name that never means other bytes; of the timestamp only
// for as long as nobody minds.
constexpr char kForEver[] = "public, max-age=31536000, immutable";
constexpr char kShortly[] = "public, max-age=60";
constexpr char kNever[] = "no-store";

// Whether an If-None-Match header names that tag.
bool Matches(const std::string& header, const std::string& etag) {
  for (absl::string_view one : absl::StrSplit(header, ',')) {
    one = absl::StripAsciiWhitespace(one);
    absl::ConsumePrefix(&one, "W/");
    if (one == "*" || one == absl::string_view(etag)) return true;
  }
  return false;
}

void Answer(int status, const std::string& text, httplib::Response& response) {
  response.status = status;
  response.set_header("Cache-Control", kNever);
  response.set_content(text, kText);
}

}  // namespace

// What is at which path. The library reads requests and writes answers; its
// own loops of accepting and serving are not used.
class HttpListener::Site final : public httplib::Server {
 public:
  Site(const HttpListener::Options& options, const PublicationHub& hub,
       Metrics& metrics)
      : hub_(hub), metrics_(metrics), files_(hub) {
    // Only told to peers: Serve() is what counts.
    set_keep_alive_max_count(
        static_cast<std::size_t>(options.requests_per_connection));
    set_keep_alive_timeout(absl::ToInt64Seconds(options.limits.idle_time));
    set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) {
          Handle(request, response);
          return HandlerResponse::Handled;
        });
    set_logger([this](const httplib::Request&,
                      const httplib::Response& response) {
      metrics_.CountHttp(response.status);
    });
  }

  // Reads one request and answers it. False: the connection is of no more use.
  bool ServeOne(Connection& connection, bool last) {
    // A request that the library cannot read leaves us not knowing where the
    // next one begins; so does one with a body.
    bool readable = false;
    bool closed = false;
    const bool served = process_request(
        connection, last, closed, [&](httplib::Request& request) {
          readable = Prepare(request);
        });
    return served && readable && !closed && !last;
  }

 private:
  // Takes out what the library would act upon and we do not offer: files are
  // given as they are. Returns whether the connection can go on.
  static bool Prepare(httplib::Request& request) {
    request.headers.erase("Accept-Encoding");
    request.headers.erase("Expect");
    const bool has_body = request.has_header("Transfer-Encoding") ||
                          request.has_header("Content-Length");
    if (has_body) {
      request.headers.erase("Connection");
      request.set_header("Connection", "close");
    }
    return !has_body;
  }

  void Handle(const httplib::Request& request, httplib::Response& response) {
    response.set_header("Accept-Ranges", "none");
    response.set_header("X-Content-Type-Options", "nosniff");
    if (request.method != "GET" && request.method != "HEAD") {
      response.set_header("Allow", "GET, HEAD");
      return Answer(405, "only GET and HEAD\n", response);
    }
    if (request.target == "/healthz") return Health(response);
    if (request.target == "/metrics") {
      response.status = 200;
      response.set_header("Cache-Control", kNever);
      return response.set_content(metrics_.Render(hub_), kPrometheusText);
    }
    const auto file = files_.Find(request.target);
    if (!file.has_value()) return Answer(404, "no such file\n", response);
    response.set_header("ETag", file->etag);
    response.set_header("Cache-Control",
                        file->immutable ? kForEver : kShortly);
    if (Matches(request.get_header_value("If-None-Match"), file->etag)) {
      response.status = 304;
      // Otherwise the library says 0, and caches would believe it of the file.
      response.set_header("Content-Length", std::to_string(file->bytes.size()));
      return;
    }
    response.status = 200;
    response.set_content(file->bytes.data(), file->bytes.size(), kJson);
  }

  void Health(httplib::Response& response) const {
    if (hub_.Current() == nullptr) return Answer(503, "no bundle\n", response);
    Answer(200,
           hub_.signing().ok() ? "ok\n"
                               : "serving, and signing nothing: see the log\n",
           response);
  }

  const PublicationHub& hub_;
  Metrics& metrics_;
  StaticSite files_;
};

namespace {

absl::Status CannotListen(const std::string& address, const char* why) {
  return absl::UnavailableError(absl::StrCat(
      "cannot listen on ", address, ": ", why,
      " (is another program using the port, or the address not of this "
      "machine? set 'http_listen_address')"));
}

struct AddressFree {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

// A listening socket, and the address with the port that it got.
struct Bound {
  int socket = -1;
  std::string address;
};

absl::StatusOr<Bound> Listen(const std::string& address) {
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
  if (found != 0) return CannotListen(address, ::gai_strerror(found));
  const std::unique_ptr<addrinfo, AddressFree> owned(list);

  const int socket = ::socket(list->ai_family,
                              SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return CannotListen(address, ::strerror(errno));
  absl::Cleanup close = [socket] { ::close(socket); };
  // A restart need not wait for old connections; a second trustd does not get
  // the port.
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  if (::bind(socket, list->ai_addr, list->ai_addrlen) != 0 ||
      ::listen(socket, kBacklog) != 0 ||
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return CannotListen(address, ::strerror(errno));
  }
  const auto port =
      bound.ss_family == AF_INET6
          ? reinterpret_cast<const sockaddr_in6*>(&bound)->sin6_port
          : reinterpret_cast<const sockaddr_in*>(&bound)->sin_port;
  std::move(close).Cancel();
  return Bound{socket, absl::StrCat(address.substr(0, colon), ":",
                                    ntohs(port))};
}

}  // namespace

HttpListener::HttpListener(const Options& options, std::unique_ptr<Site> site)
    : options_(options), site_(std::move(site)) {}

absl::StatusOr<std::unique_ptr<HttpListener>> HttpListener::Start(
    const std::string& address, const PublicationHub& hub, Metrics& metrics,
    const Options& options) {
  std::unique_ptr<HttpListener> listener(
      new HttpListener(options, std::make_unique<Site>(options, hub, metrics)));
  listener->stop_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (listener->stop_ < 0) return CannotListen(address, ::strerror(errno));
  auto bound = Listen(address);
  if (!bound.ok()) return bound.status();
  listener->listener_ = bound->socket;
  listener->address_ = std::move(bound->address);
  for (int i = 0; i < options.threads; ++i) {
    listener->threads_.emplace_back(&HttpListener::Work, listener.get());
  }
  return listener;
}

HttpListener::~HttpListener() {
  Stop();
  if (listener_ >= 0) ::close(listener_);
  if (stop_ >= 0) ::close(stop_);
}

void HttpListener::Stop() {
  if (threads_.empty()) return;
  ::eventfd_write(stop_, 1);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

// Each thread accepts for itself, so that whoever finds none free waits in the
// kernel's queue.
void HttpListener::Work() {
  while (true) {
    pollfd polled[] = {{listener_, POLLIN, 0}, {stop_, POLLIN, 0}};
    const int ready = ::poll(polled, 2, -1);
    if (ready < 0 && errno != EINTR) return;
    if (ready <= 0) continue;
    if (polled[1].revents != 0) return;
    const int socket = ::accept4(listener_, nullptr, nullptr,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      Serve(socket);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
      // The caller stays in the queue: look again when others may have gone.
      absl::SleepFor(absl::Milliseconds(50));
    }
  }
}

void HttpListener::Serve(int socket) {
  const int yes = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  ++busy_;
  const absl::Cleanup free = [this] { --busy_; };
  Connection connection(socket, stop_, options_.limits);
  bool last = false;
  // Where all threads are busy, whoever says nothing makes room for others.
  const auto idle = [this] {
    return busy_ >= options_.threads ? options_.limits.busy_idle_time
                                     : options_.limits.idle_time;
  };
  for (int served = 1; !last && connection.AwaitRequest(idle()); ++served) {
    last = served == options_.requests_per_connection ||
           busy_ == options_.threads;
    if (!site_->ServeOne(connection, last)) return;
  }
}

}  // namespace anchorage::trustd
