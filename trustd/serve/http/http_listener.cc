#include "trustd/serve/http/http_listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "anchors/base/version.h"

namespace anchorage::trustd {
namespace {

// How much the kernel buffers for a peer that does not read.
constexpr int kSendBufferBytes = 256 * 1024;

constexpr std::string_view kPrometheusText =
    "text/plain; version=0.0.4; charset=utf-8";

// A cache may keep a name that never means other bytes for ever, but the
// timestamp only briefly.
constexpr std::string_view kForEver = "public, max-age=31536000, immutable";
constexpr std::string_view kShortly = "public, max-age=60";
constexpr std::string_view kNever = "no-store";

// Whether an If-None-Match header names that tag.
bool Matches(const std::string& header, const std::string& etag) {
  for (absl::string_view one : absl::StrSplit(header, ',')) {
    one = absl::StripAsciiWhitespace(one);
    absl::ConsumePrefix(&one, "W/");
    if (one == "*" || one == absl::string_view(etag)) return true;
  }
  return false;
}

const char* PhraseOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 429:
      return "Too Many Requests";
    default:
      return "Service Unavailable";
  }
}

// A header's line.
std::string Header(std::string_view name, std::string_view value) {
  std::string line(name);
  return line.append(": ").append(value).append("\r\n");
}

}  // namespace

struct HttpListener::Reply {
  int status = 200;
  // Lines, beside those of every reply.
  std::string headers;
  std::string_view body;
  // Keeps `body` alive.
  std::shared_ptr<const void> owner;
};

HttpListener::Reply HttpListener::Text(int status, std::string text,
                                       std::string_view media_type) {
  const auto owner = std::make_shared<const std::string>(std::move(text));
  return {status,
          Header("Cache-Control", kNever) + Header("Content-Type", media_type),
          *owner, owner};
}

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
    HttpLoop::Options options;
    options.limits = options_.limits;
    options.requests_per_connection = options_.requests_per_connection;
    options.max_health = static_cast<std::size_t>(options_.health_connections);
    options.answer = [this](Connection& connection, bool last) {
      Answer(connection, last);
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
    return loop.Add(socket, peer.address, std::move(place), false);
  }
  metrics_.CountShed("http", absl::StrCat("connections_", NameOf(refusal)));
  const Refusal for_health = health_places_.Admit(peer.address, place);
  if (for_health != Refusal::kNone) {
    return metrics_.CountShed(
        "http", absl::StrCat("health_connections_", NameOf(for_health)));
  }
  // All health connections are in one loop, whose oldest makes room.
  owned = -1;
  loops_.front()->Add(socket, peer.address, std::move(place), true);
}

void HttpListener::Answer(Connection& connection, bool last) {
  const auto request = ReadRequestHead(connection.request());
  const bool has_body = connection.request_body().has_value();
  if (request.has_value() && !has_body && !connection.is_health_only() &&
      TakesBody(*request)) {
    return connection.AwaitBody(*request->content_length);
  }
  Reply reply = !request.has_value() ? Text(400, "no request of HTTP/1.1\n")
                : has_body           ? ReplyToPost(connection, *request)
                           : ReplyTo(*request, connection.is_health_only());
  // A peer that means to send a body without a length may send it all the same.
  last = last || !request.has_value() || reply.status == 411 ||
         !(has_body ? request->keeps_after_body : request->keeps_connection);
  std::string head = absl::StrCat(
      "HTTP/1.1 ", reply.status, " ", PhraseOf(reply.status),
      "\r\nAccept-Ranges: none\r\nContent-Length: ", reply.body.size(),
      "\r\nX-Content-Type-Options: nosniff\r\n", reply.headers);
  if (last) {
    head += "Connection: close\r\n\r\n";
  } else {
    absl::StrAppend(&head, "Keep-Alive: timeout=",
                    absl::ToInt64Seconds(options_.limits.idle_time),
                    ", max=", options_.requests_per_connection, "\r\n\r\n");
  }
  if (reply.status == 304 ||
      (request.has_value() && request->method == "HEAD")) {
    reply.body = {};
  }
  metrics_.CountHttp(reply.status);
  connection.Answer(std::move(head), reply.body, std::move(reply.owner), last);
}

bool HttpListener::TakesBody(const RequestHead& request) const {
  return options_.post.answer && request.target == options_.post.path &&
         request.method == "POST" && request.content_length.has_value() &&
         *request.content_length <= options_.post.max_body_bytes &&
         absl::StripAsciiWhitespace(request.content_type) ==
             absl::string_view(options_.post.media_type.data(),
                               options_.post.media_type.size());
}

HttpListener::Reply HttpListener::ReplyToPost(const Connection& connection,
                                              const RequestHead& request) {
  PostAnswer answer =
      options_.post.answer({.peer = connection.peer(),
                            .forwarded_for = request.forwarded_for,
                            .body = *connection.request_body()});
  if (answer.status == 200) {
    return Text(200, std::move(answer.body), options_.post.media_type);
  }
  Reply reply = Text(answer.status, std::move(answer.body));
  if (answer.status == 429) {
    reply.headers +=
        Header("Retry-After", absl::StrCat(answer.retry_after_seconds));
  }
  return reply;
}

HttpListener::Reply HttpListener::RefusePost(const RequestHead& request) const {
  if (!options_.post.answer) return Text(404, "not taken here\n");
  if (request.method != "POST") {
    Reply reply = Text(405, "only POST\n");
    reply.headers += Header("Allow", "POST");
    return reply;
  }
  if (!request.content_length.has_value()) {
    return Text(411, "no body whose Content-Length says how long it is\n");
  }
  if (*request.content_length > options_.post.max_body_bytes) {
    return Text(413, absl::StrCat("at most ", options_.post.max_body_bytes,
                                  " bytes\n"));
  }
  return Text(
      415, absl::StrCat("only ", std::string(options_.post.media_type), "\n"));
}

HttpListener::Reply HttpListener::ReplyTo(const RequestHead& request,
                                          bool health_only) {
  if (request.target == options_.post.path && !health_only &&
      (options_.post.answer || request.method == "POST")) {
    return RefusePost(request);
  }
  if (request.method != "GET" && request.method != "HEAD") {
    Reply reply = Text(405, "only GET and HEAD\n");
    reply.headers += Header("Allow", "GET, HEAD");
    return reply;
  }
  if (auto health = HealthOf(request.target)) return *std::move(health);
  if (health_only) return Text(503, "too many connections: come again\n");
  if (request.target == "/metrics") {
    return Text(200, metrics_.Render(hub_), kPrometheusText);
  }
  if (request.target == "/version") {
    return Text(200,
                absl::StrCat("{\"schema_version\":1,\"program\":\"trustd\","
                             "\"version\":\"",
                             anchors::kVersion, "\",\"build\":\"",
                             anchors::kVersionAndCommit, "\"}\n"),
                "application/json");
  }
  if (request.target == "/") return FrontPage();
  const auto file = files_.Find(request.target);
  if (!file.has_value()) return Text(404, "no such file\n");
  Reply reply;
  reply.headers =
      Header("ETag", file->etag) +
      Header("Cache-Control", file->immutable ? kForEver : kShortly);
  // Sent from where it is, without a copy, however many peers ask for it.
  reply.body = file->bytes;
  reply.owner = file->owner;
  if (Matches(request.if_none_match, file->etag)) {
    reply.status = 304;
  } else {
    reply.headers += Header("Content-Type", file->media_type);
  }
  return reply;
}

std::optional<HttpListener::Reply> HttpListener::HealthOf(
    std::string_view path) const {
  // That it answers is the answer: whoever restarts what is not alive must not
  // do so for want of a bundle.
  if (path == "/livez") return Text(200, "ok\n");
  if (path != "/healthz" && path != "/readyz") return std::nullopt;
  if (hub_.Current() == nullptr) return Text(503, "no bundle\n");
  if (!ServesNewClients()) return Text(503, "new clients are turned away\n");
  return Text(200, hub_.signing().ok()
                       ? "ok\n"
                       : "serving, and signing nothing: see the log\n");
}

// Says nothing that the other pages do not, and loads nothing.
HttpListener::Reply HttpListener::FrontPage() const {
  const auto current = hub_.Current();
  std::string page = absl::StrCat(
      "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n"
      "<title>trustd</title>\n<h1>trustd ",
      anchors::kVersion,
      "</h1>\n<p>Mirrors the certificates that AWS signs instance identity "
      "documents and Nitro attestations with, and serves them as signed "
      "bundles. ");
  if (current == nullptr) {
    page += "There is no bundle yet.";
  } else {
    absl::StrAppend(&page, "It serves sequence ", current->catalog.sequence,
                    ": ", current->catalog.anchors.size(), " anchors.");
  }
  page +=
      "</p>\n<ul>\n"
      "<li><a href=\"/tuf/timestamp.json\">/tuf/timestamp.json</a> and the "
      "files that it names: for any TUF client</li>\n"
      "<li><a href=\"/readyz\">/readyz</a>, <a href=\"/livez\">/livez</a>, <a "
      "href=\"/healthz\">/healthz</a>: for load balancers</li>\n"
      "<li><a href=\"/metrics\">/metrics</a>: for Prometheus</li>\n"
      "<li><a href=\"/version\">/version</a></li>\n"
      "</ul>\n<p>Clients speak gRPC on another port. People decide with "
      "<code>trustctl</code>.</p>\n";
  Reply reply = Text(200, std::move(page), "text/html; charset=utf-8");
  reply.headers += Header("Content-Security-Policy",
                          "default-src 'none'; frame-ancestors 'none'");
  return reply;
}

bool HttpListener::ServesNewClients() const {
  return places_.HasRoom() && listener_->IsAccepting() &&
         options_.serves_new_clients();
}

}  // namespace anchorage::trustd
