// trustd over HTTP: the published files, health and metrics, on one port.
//
//   auto listener = HttpListener::Start("127.0.0.1:8080", hub, metrics);
//   if (!listener.ok()) return listener.status();
//
// GET and HEAD of these paths, compared byte for byte and never normalised: "/",
// "/tuf/..." (StaticSite), "/healthz", "/readyz", "/livez", "/version",
// "/metrics"; and POST of one (PostRoute). Everything that a peer can
// make the server wait for or keep is bounded (ConnectionLimits), and no slow
// peer holds a thread (HttpLoop). When the limit of connections, in all or for
// one address, is reached, there are some more for health alone. There is no
// TLS: what is served is signed. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_SERVE_HTTP_HTTP_LISTENER_H_
#define ANCHORAGE_TRUSTD_SERVE_HTTP_HTTP_LISTENER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "trustd/net/admission.h"
#include "trustd/net/tcp_listener.h"
#include "trustd/publish/publication.h"
#include "trustd/serve/http/connection.h"
#include "trustd/serve/http/http_loop.h"
#include "trustd/serve/http/post.h"
#include "trustd/serve/http/request_head.h"
#include "trustd/serve/http/static_site.h"
#include "trustd/serve/metrics.h"

namespace anchorage::trustd {

class HttpListener {
 public:
  struct Options {
    int threads = 4;
    // How many requests a connection may make before it is closed.
    int requests_per_connection = 100;
    // The most connections.
    int connections = 1024;
    // How many more connections there may be for "/healthz", "/readyz" and
    // "/livez".
    int health_connections = 64;
    AddressList proxies;
    ConnectionLimits limits;
    // Whether a new client is served elsewhere too; part of "/healthz" and
    // "/readyz".
    std::function<bool()> serves_new_clients = [] { return true; };
    PostRoute post = {};
  };

  // Listens on `address` (HOST:PORT) and serves. `hub` and `metrics` outlive
  // the listener. Fails with UNAVAILABLE: the address is in use or not of this
  // machine.
  static absl::StatusOr<std::unique_ptr<HttpListener>> Start(
      const std::string& address, const PublicationHub& hub, Metrics& metrics,
      const Options& options);
  static absl::StatusOr<std::unique_ptr<HttpListener>> Start(
      const std::string& address, const PublicationHub& hub, Metrics& metrics) {
    return Start(address, hub, metrics, Options());
  }
  ~HttpListener();

  // The address that it listens on; for port 0, with the port that was chosen.
  const std::string& address() const { return listener_->address(); }

  // Stops accepting, and waits for answers under way, at most
  // ConnectionLimits::stop_time. Calling it again does nothing.
  void Stop();

 private:
  struct Reply;

  HttpListener(const Options& options, const PublicationHub& hub,
               Metrics& metrics);

  absl::Status StartLoops();
  void Accept(int socket, const Endpoint& peer);
  static Reply Text(int status, std::string text,
                    std::string_view media_type = "text/plain; charset=utf-8");
  void Answer(Connection& connection, bool last);
  // Whether a request is one for the route of `post`, whose body is to be
  // received.
  bool TakesBody(const RequestHead& request) const;
  Reply ReplyToPost(const Connection& connection, const RequestHead& request);
  // Says why TakesBody() is false of a request for that path.
  Reply RefusePost(const RequestHead& request) const;
  Reply ReplyTo(const RequestHead& request, bool health_only);
  // Returns the answer of a path that says how trustd does; nullopt for others.
  std::optional<Reply> HealthOf(std::string_view path) const;
  Reply FrontPage() const;
  bool ServesNewClients() const;

  const Options options_;
  const PublicationHub& hub_;
  Metrics& metrics_;
  StaticSite files_;
  Admission places_;
  Admission health_places_;
  std::unique_ptr<TcpListener> listener_;
  // One for each thread.
  std::vector<std::unique_ptr<HttpLoop>> loops_;
  std::size_t next_loop_ = 0;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SERVE_HTTP_HTTP_LISTENER_H_
