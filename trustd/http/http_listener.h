// trustd over HTTP: the published files, health and metrics, on one port.
//
//   auto listener = HttpListener::Start("127.0.0.1:8080", hub, metrics);
//   if (!listener.ok()) return listener.status();
//
// GET and HEAD of these paths, compared byte for byte and never normalised:
// "/tuf/..." (StaticSite), "/healthz", "/metrics". Everything that a peer can
// make the server wait for or keep is bounded (ConnectionLimits); a fixed
// number of threads serve a connection each, the others wait in the kernel.
// There is no TLS: what is served is signed. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_HTTP_HTTP_LISTENER_H_
#define ANCHORAGE_TRUSTD_HTTP_HTTP_LISTENER_H_

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "trustd/http/connection.h"
#include "trustd/metrics.h"
#include "trustd/publication.h"

namespace anchorage::trustd {

class HttpListener {
 public:
  struct Options {
    int threads = 32;
    // After so many requests a connection ends, to give others its thread; at
    // once where every thread has one.
    int requests_per_connection = 100;
    ConnectionLimits limits;
  };

  // Listens on `address` (HOST:PORT) and serves. `hub` and `metrics` outlive
  // the listener. Fails with UNAVAILABLE: the address is in use or not of this
  // machine.
  static absl::StatusOr<std::unique_ptr<HttpListener>> Start(
      const std::string& address, const PublicationHub& hub, Metrics& metrics,
      const Options& options);
  static absl::StatusOr<std::unique_ptr<HttpListener>> Start(
      const std::string& address, const PublicationHub& hub,
      Metrics& metrics) {
    return Start(address, hub, metrics, Options());
  }
  ~HttpListener();

  // Where it listens, with the port that was taken for port 0.
  const std::string& address() const { return address_; }

  // Accepts no more, lets answers under way end and waits for that, at most
  // ConnectionLimits::stop_time. Calling it again does nothing.
  void Stop();

 private:
  class Site;

  HttpListener(const Options& options, std::unique_ptr<Site> site);

  void Work();
  void Serve(int socket);

  const Options options_;
  const std::unique_ptr<Site> site_;
  std::string address_;
  int listener_ = -1;
  // An eventfd that becomes readable when the listener stops.
  int stop_ = -1;
  // How many threads have a connection.
  std::atomic<int> busy_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_HTTP_HTTP_LISTENER_H_
