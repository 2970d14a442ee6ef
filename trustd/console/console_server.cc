#include "trustd/console/console_server.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/host_port.h"
#include "trustd/console/request.h"

namespace anchorage::trustd {
namespace {

// Sent with every answer. The policy lets a page load the style sheet and the
// icon, and nothing else, from nowhere else.
constexpr std::string_view kHeaders =
    "Cache-Control: no-store\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'self'; "
    "img-src 'self'; form-action 'none'; frame-ancestors 'none'; "
    "base-uri 'none'\r\n"
    "Cross-Origin-Embedder-Policy: require-corp\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Permissions-Policy: camera=(), geolocation=(), microphone=()\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n";
constexpr std::string_view kOverTls =
    "Strict-Transport-Security: max-age=31536000\r\n";
constexpr std::string_view kAskPassword =
    "WWW-Authenticate: Basic realm=\"trustd\", charset=\"UTF-8\"\r\n";

const char* PhraseOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    default:
      return "Service Unavailable";
  }
}

}  // namespace

ConsoleServer::ConsoleServer(const ConsoleSettings& settings,
                             const People& people, Site::Readers readers,
                             Options options)
    : settings_(settings),
      access_(people),
      options_(std::move(options)),
      site_(std::move(readers)),
      places_(options_.connections, options_.proxies) {}

absl::StatusOr<std::unique_ptr<ConsoleServer>> ConsoleServer::Start(
    const ConsoleSettings& settings, const People& people,
    Site::Readers readers, Options options) {
  std::unique_ptr<ConsoleServer> server(new ConsoleServer(
      settings, people, std::move(readers), std::move(options)));
  if (!settings.tls_certificate_path.empty()) {
    auto files = TlsFiles::Open({.certificate = settings.tls_certificate_path,
                                 .key = settings.tls_key_path,
                                 .client_ca = settings.client_ca_path},
                                server->options_.tls_watcher);
    if (!files.ok()) return files.status();
    server->tls_files_ = *std::move(files);
    server->RefreshTls();
    if (server->tls_ == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(settings.tls_certificate_path,
                       ": TLS cannot use it, its key or the CAs"));
    }
  }
  if (!settings.user.empty()) {
    auto password = Password::Load(settings.user, settings.password_hash_path);
    if (!password.ok()) return password.status();
    server->password_ = *std::move(password);
  }
  if (absl::Status s = server->Bind(); !s.ok()) return s;
  if (absl::Status s = server->StartLoops(); !s.ok()) return s;
  ConsoleServer* const self = server.get();
  if (absl::Status s = server->listener_->Start(
          [self](int socket, const Endpoint& peer) {
            self->Accept(socket, peer);
          },
          [self] { self->RefreshTls(); },
          [self] { self->options_.shed("descriptors"); });
      !s.ok()) {
    return s;
  }
  return server;
}

absl::Status ConsoleServer::Bind() {
  if (!settings_.unix_socket.empty()) {
    auto file = SocketFile::Listen(settings_.unix_socket, "");
    if (!file.ok()) return file.status();
    socket_file_ = *std::move(file);
  }
  auto listener =
      socket_file_ == nullptr
          ? TcpListener::Bind(settings_.listen_address,
                              "console.listen_address")
          : TcpListener::Adopt(socket_file_->Release(), socket_file_->path());
  if (!listener.ok()) return listener.status();
  listener_ = *std::move(listener);
  return absl::OkStatus();
}

void ConsoleServer::RefreshTls() {
  if (tls_files_ == nullptr) return;
  tls_files_->Refresh();
  std::uint64_t generation = 0;
  const auto identity = tls_files_->Current(generation);
  if (tls_ != nullptr && generation == tls_generation_) return;
  tls_generation_ = generation;
  auto made = TlsContext::Make({.certificate = identity->certificate,
                                .key = identity->key,
                                .client_ca = identity->client_ca});
  if (made.ok()) {
    tls_ = *std::move(made);
  } else {
    spdlog::error("the console goes on with the certificate that it had: {}",
                  std::string(made.status().message()));
  }
}

absl::Status ConsoleServer::StartLoops() {
  for (int i = 0; i < options_.threads; ++i) {
    HttpLoop::Options options;
    options.limits = options_.limits;
    options.answer = [this](Connection& connection, bool last) {
      Answer(connection, last);
    };
    options.shed = options_.shed;
    auto loop = HttpLoop::Start(std::move(options));
    if (!loop.ok()) return loop.status();
    loops_.push_back(*std::move(loop));
  }
  return absl::OkStatus();
}

ConsoleServer::~ConsoleServer() { Stop(); }

void ConsoleServer::Stop() {
  if (listener_ != nullptr) listener_->Stop();
  for (const auto& loop : loops_) loop->Stop();
}

void ConsoleServer::Accept(int socket, const Endpoint& peer) {
  int owned = socket;
  const absl::Cleanup close = [&owned] {
    if (owned >= 0) ::close(owned);
  };
  Place place;
  // Who reaches the socket is on this host.
  const IpAddress address =
      socket_file_ == nullptr ? peer.address : IpAddress::Loopback();
  const Refusal refusal = places_.Admit(address, place);
  if (refusal != Refusal::kNone) {
    return options_.shed(absl::StrCat("connections_", NameOf(refusal)));
  }
  std::unique_ptr<TlsSession> session;
  if (tls_ != nullptr) {
    session = tls_->Accept(socket);
    if (session == nullptr) return options_.shed("memory");
  }
  HttpLoop& loop = *loops_[next_loop_++ % loops_.size()];
  owned = -1;
  loop.Add(socket, address, std::move(place), false, std::move(session));
}

bool ConsoleServer::IsOurName(std::string_view host) const {
  const auto name = ReadHostName(host);
  return name.has_value() &&
         ((settings_.is_local && anchors::IsLoopbackHost(*name)) ||
          std::find(settings_.host_names.begin(), settings_.host_names.end(),
                    *name) != settings_.host_names.end());
}

int ConsoleServer::Admit(const Connection& connection,
                         const RequestHead& request) {
  if (!settings_.client_ca_path.empty()) {
    return connection.tls() != nullptr &&
                   access_
                       .Admit({connection.tls()->peer_name(),
                               connection.tls()->peer_sha256()},
                              Action::kLook)
                       .ok()
               ? 200
               : 403;
  }
  if (password_ == nullptr) return 200;
  switch (password_->Check(request.authorization, connection.peer(),
                           options_.uptime())) {
    case Password::Verdict::kGood:
      return 200;
    case Password::Verdict::kBad:
      return 401;
    case Password::Verdict::kTooOften:
      return 429;
  }
  return 401;
}

Site::Page ConsoleServer::PageFor(const Connection& connection,
                                  const RequestHead& request) {
  if (!request.host.has_value()) return site_.Error(400);
  if (!IsOurName(*request.host)) {
    options_.shed("host");
    return site_.Error(421);
  }
  if (request.method != "GET" && request.method != "HEAD") {
    return site_.Error(405);
  }
  const int admitted = Admit(connection, request);
  if (admitted == 403) options_.shed("certificate");
  if (admitted == 429) options_.shed("password_rate");
  // A browser asks without a password first.
  if (admitted == 401 && !request.authorization.empty()) {
    options_.shed("password");
  }
  return admitted == 200 ? site_.Get(request.target) : site_.Error(admitted);
}

void ConsoleServer::Answer(Connection& connection, bool last) {
  const auto request = ReadRequestHead(connection.request());
  auto page = std::make_shared<Site::Page>(
      request.has_value() ? PageFor(connection, *request) : site_.Error(400));
  last = last || !request.has_value() || !request->keeps_connection;
  std::string head = absl::StrCat(
      "HTTP/1.1 ", page->status, " ", PhraseOf(page->status),
      "\r\nContent-Type: ", std::string(page->media_type),
      "\r\nContent-Length: ", page->body.size(), "\r\n", std::string(kHeaders));
  if (tls_files_ != nullptr) head += kOverTls;
  if (page->status == 401) head += kAskPassword;
  if (page->status == 405) head += "Allow: GET, HEAD\r\n";
  if (page->status == 429) head += "Retry-After: 10\r\n";
  head += last ? "Connection: close\r\n\r\n" : "\r\n";
  const bool is_head = request.has_value() && request->method == "HEAD";
  const std::string_view body = is_head ? std::string_view() : page->body;
  connection.Answer(std::move(head), body, std::move(page), last);
}

}  // namespace anchorage::trustd
