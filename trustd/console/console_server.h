// The console's listener: HTTP/1.1, to read and no more.
//
//   auto console = ConsoleServer::Start(settings, people, readers, {});
//
// Before a page is made of anything, the request is one of HTTP/1.1 within its
// limits, for a name of ours (so that no page of somebody else's can have a
// browser read this one), and from somebody who may look. No slow peer holds a
// thread (HttpLoop). Nothing is kept of a reader: no cookie, no session.

#ifndef ANCHORAGE_TRUSTD_CONSOLE_CONSOLE_SERVER_H_
#define ANCHORAGE_TRUSTD_CONSOLE_CONSOLE_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "anchors/base/steady_clock.h"
#include "trustd/admin/access.h"
#include "trustd/console/console_config.h"
#include "trustd/console/password.h"
#include "trustd/console/site.h"
#include "trustd/net/admission.h"
#include "trustd/net/socket_file.h"
#include "trustd/net/tcp_listener.h"
#include "trustd/net/tls_session.h"
#include "trustd/rpc/tls_files.h"
#include "trustd/serve/http/http_loop.h"
#include "trustd/serve/http/request_head.h"

namespace anchorage::trustd {

class ConsoleServer {
 public:
  struct Options {
    // Two, so that a reader is answered while a password is checked.
    int threads = 2;
    // The most connections; an address that is no proxy has half of them.
    int connections = 64;
    AddressList proxies = {};
    ConnectionLimits limits = {.request_time = absl::Seconds(5),
                               .idle_time = absl::Seconds(10)};
    // The clock for how often a password is tried.
    anchors::SteadyClock uptime = &anchors::SteadyNow;
    ShedFunction shed = [](const std::string&) {};
    TlsFiles::Watcher tls_watcher = [](const TlsFiles::State&) {};
  };

  // Listens and serves. `people` may read where certificates say who calls.
  // Fails with UNAVAILABLE (the address is in use or not of this machine), or
  // as SocketFile::Listen(), TlsFiles::Open() and Password::Load() do.
  static absl::StatusOr<std::unique_ptr<ConsoleServer>> Start(
      const ConsoleSettings& settings, const People& people,
      Site::Readers readers, Options options);
  static absl::StatusOr<std::unique_ptr<ConsoleServer>> Start(
      const ConsoleSettings& settings, const People& people,
      Site::Readers readers) {
    return Start(settings, people, std::move(readers), Options());
  }
  ~ConsoleServer();

  // The address that it listens on; for port 0, with the port that was chosen;
  // or the path of its socket.
  const std::string& address() const { return listener_->address(); }

  // Stops accepting, and waits for answers under way, at most
  // ConnectionLimits::stop_time. Calling it again does nothing.
  void Stop();

 private:
  ConsoleServer(const ConsoleSettings& settings, const People& people,
                Site::Readers readers, Options options);

  absl::Status Bind();
  // Reads certificate and CAs again if their files have changed.
  void RefreshTls();
  absl::Status StartLoops();
  void Accept(int socket, const Endpoint& peer);
  void Answer(Connection& connection, bool last);
  // Returns the page, or the one that says why not.
  Site::Page PageFor(const Connection& connection, const RequestHead& request);
  // Returns 200, or the status of the refusal.
  int Admit(const Connection& connection, const RequestHead& request);
  bool IsOurName(std::string_view host) const;

  const ConsoleSettings settings_;
  const Access access_;
  const Options options_;
  const Site site_;
  Admission places_;
  // Null for plain text. Once it listens, what follows is for its thread alone.
  std::shared_ptr<TlsFiles> tls_files_;
  std::shared_ptr<const TlsContext> tls_;
  std::uint64_t tls_generation_ = 0;
  // Null where no password is asked for.
  std::unique_ptr<Password> password_;
  // Null where it listens on an address.
  std::unique_ptr<SocketFile> socket_file_;
  std::unique_ptr<TcpListener> listener_;
  // One for each thread.
  std::vector<std::unique_ptr<HttpLoop>> loops_;
  std::size_t next_loop_ = 0;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_CONSOLE_CONSOLE_SERVER_H_
