#include "trustd/serve/http/http_listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include <string_view>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace anchorage::trustd {
namespace {

// How much the kernel buffers for a peer that does not read.
constexpr int kSendBufferBytes = 256 * 1024;

constexpr char kText[] = "text/plain; charset=utf-8";
constexpr char kPrometheusText[] = "text/plain; version=0.0.4; charset=utf-8";

// A cache may keep a name that never means other bytes for ever, but the
// timestamp only briefly.
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

// Answers requests, for one thread. The library parses requests and writes
// answers; its own loops for accepting and serving are not used.
class HttpListener::Site final : public httplib::Server {
 public:
  explicit Site(HttpListener& listener) : listener_(listener) {
    const HttpListener::Options& options = listener.options_;
    // Only announced to peers: HttpLoop enforces it.
    set_keep_alive_max_count(
        static_cast<std::size_t>(options.requests_per_connection));
    set_keep_alive_timeout(absl::ToInt64Seconds(options.limits.idle_time));
    set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) {
          Handle(request, response);
          return HandlerResponse::Handled;
        });
    set_logger(
        [this](const httplib::Request&, const httplib::Response& response) {
          listener_.metrics_.CountHttp(response.status);
        });
  }

  // Reads one request and answers it. Returns false if the connection cannot be
  // used any more.
  bool ServeOne(Connection& connection, bool last) {
    // After a request that the library cannot read, or one with a body, we do
    // not know where the next one begins.
    bool readable = false;
    bool closed = false;
    connection_ = &connection;
    const bool served = process_request(
        connection, last, closed,
        [&](httplib::Request& request) { readable = Prepare(request); });
    return served && readable && !closed && !last;
  }

 private:
  // Removes headers on which the library would act but which we do not support:
  // files are served as they are. Returns whether the connection can go on.
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
    if (connection_->is_health_only()) {
      return Answer(503, "too many connections: come again\n", response);
    }
    if (request.target == "/metrics") {
      response.status = 200;
      response.set_header("Cache-Control", kNever);
      return response.set_content(listener_.metrics_.Render(listener_.hub_),
                                  kPrometheusText);
    }
    const auto file = listener_.files_.Find(request.target);
    if (!file.has_value()) return Answer(404, "no such file\n", response);
    response.set_header("ETag", file->etag);
    response.set_header("Cache-Control", file->immutable ? kForEver : kShortly);
    // Otherwise the library says 0.
    response.set_header("Content-Length", std::to_string(file->bytes.size()));
    if (Matches(request.get_header_value("If-None-Match"), file->etag)) {
      response.status = 304;
      return;
    }
    response.status = 200;
    response.set_header("Content-Type", std::string(file->media_type));
    // Sent from where it is, without a copy, however many peers ask for it.
    if (request.method == "GET") connection_->SetBody(file->bytes, file->owner);
  }

  void Health(httplib::Response& response) const {
    if (listener_.hub_.Current() == nullptr) {
      return Answer(503, "no bundle\n", response);
    }
    if (!listener_.ServesNewClients()) {
      return Answer(503, "new clients are turned away\n", response);
    }
    Answer(200,
           listener_.hub_.signing().ok()
               ? "ok\n"
               : "serving, and signing nothing: see the log\n",
           response);
  }

  HttpListener& listener_;
  // The connection that is being answered.
  Connection* connection_ = nullptr;
};

HttpListener::HttpListener(const Options& options, const PublicationHub& hub,
                           Metrics& metrics)
    : options_(options),
      hub_(hub),
      metrics_(metrics),
      files_(hub),
      places_(options.connections, options.proxies),
      // More than the loop keeps, so that nobody waits until its oldest makes
      // room.
      health_places_(2 * options.health_connections, options.proxies,
                     options.health_connections / 2) {}

absl::StatusOr<std::unique_ptr<HttpListener>> HttpListener::Start(
    const std::string& address, const PublicationHub& hub, Metrics& metrics,
    const Options& options) {
  std::unique_ptr<HttpListener> listener(
      new HttpListener(options, hub, metrics));
  auto bound = TcpListener::Bind(address, "http_listen_address");
  if (!bound.ok()) return bound.status();
  listener->listener_ = *std::move(bound);
  if (absl::Status s = listener->StartLoops(); !s.ok()) return s;
  HttpListener* self = listener.get();
  if (absl::Status s = listener->listener_->Start(
          [self](int socket, const Endpoint& peer) {
            self->Accept(socket, peer);
          },
          [] {}, [self] { self->metrics_.CountShed("http", "descriptors"); });
      !s.ok()) {
    return s;
  }
  return listener;
}

absl::Status HttpListener::StartLoops() {
  for (int i = 0; i < options_.threads; ++i) {
    sites_.push_back(std::make_unique<Site>(*this));
    HttpLoop::Options options;
    options.limits = options_.limits;
    options.requests_per_connection = options_.requests_per_connection;
    options.max_health = static_cast<std::size_t>(options_.health_connections);
    options.answer = [site = sites_.back().get()](Connection& connection,
                                                  bool last) {
      return site->ServeOne(connection, last);
    };
    options.shed = [this](const std::string& what) {
      metrics_.CountShed("http", what);
    };
    auto loop = HttpLoop::Start(std::move(options));
    if (!loop.ok()) return loop.status();
    loops_.push_back(*std::move(loop));
  }
  return absl::OkStatus();
}

HttpListener::~HttpListener() { Stop(); }

void HttpListener::Stop() {
  if (listener_ != nullptr) listener_->Stop();
  for (const auto& loop : loops_) loop->Stop();
}

void HttpListener::Accept(int socket, const Endpoint& peer) {
  int owned = socket;
  const absl::Cleanup close = [&owned] {
    if (owned >= 0) ::close(owned);
  };
  ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes,
               sizeof(kSendBufferBytes));
  Place place;
  const Refusal refusal = places_.Admit(peer.address, place);
  if (refusal == Refusal::kNone) {
    HttpLoop& loop = *loops_[next_loop_++ % loops_.size()];
    owned = -1;
    return loop.Add(socket, std::move(place), false);
  }
  metrics_.CountShed("http", absl::StrCat("connections_", NameOf(refusal)));
  const Refusal for_health = health_places_.Admit(peer.address, place);
  if (for_health != Refusal::kNone) {
    return metrics_.CountShed(
        "http", absl::StrCat("health_connections_", NameOf(for_health)));
  }
  // All health connections are in one loop, whose oldest makes room.
  owned = -1;
  loops_.front()->Add(socket, std::move(place), true);
}

bool HttpListener::ServesNewClients() const {
  return places_.HasRoom() && listener_->IsAccepting() &&
         options_.serves_new_clients();
}

}  // namespace anchorage::trustd
