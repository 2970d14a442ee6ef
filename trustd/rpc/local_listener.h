// gRPC on a Unix socket, for users of this host, whom the kernel names.
//
//   auto listener = LocalListener::Start(options, add_methods);
//   ...
//   (*listener)->Stop();
//
// gRPC calls every peer of a Unix socket the same, so a call does not tell who
// makes it. Therefore each user gets a gRPC server of their own, with a CallGate
// that has their name, "unix:UID", at their first connection. Limits are those
// of GrpcListener; who may connect is among a group that was chosen, so there is
// none for each user. No TLS, health or reflection. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_RPC_LOCAL_LISTENER_H_
#define ANCHORAGE_TRUSTD_RPC_LOCAL_LISTENER_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "trustd/net/socket_file.h"
#include "trustd/net/tcp_listener.h"
#include "trustd/rpc/call_gate.h"
#include "trustd/rpc/connections.h"
#include "trustd/rpc/grpc_listener.h"

namespace anchorage::trustd {

// How many users may have connected since the start.
inline constexpr std::size_t kMaxLocalUsers = 16;

class LocalListener {
 public:
  struct Options {
    std::string path;
    // Its name; empty for that of the process.
    std::string group;
    // `address`, `credentials` and `reflection` count for nothing.
    GrpcListener::Options server;
  };

  // Listens and serves the methods that `add_methods` adds, which is called for
  // each user. Fails as SocketFile::Listen() does, or with UNAVAILABLE.
  static absl::StatusOr<std::unique_ptr<LocalListener>> Start(
      const Options& options, std::function<void(CallGate&)> add_methods);
  ~LocalListener();

  const std::string& path() const { return file_->path(); }

  // Stops accepting connections. Calls go on.
  void Drain() { is_draining_ = true; }
  // Drains, waits for calls under way, at most for the grace, and then cuts
  // them off; removes the socket. Calling it again does nothing.
  void Stop();

 private:
  struct User;

  LocalListener(const Options& options,
                std::function<void(CallGate&)> add_methods);

  void Accept(int socket);
  // The server of a user; null where there cannot be another.
  User* ServerOf(uid_t uid);
  void Tick();

  const Options options_;
  const std::function<void(CallGate&)> add_methods_;
  Connections connections_;
  std::atomic<bool> is_draining_ = false;
  std::unique_ptr<SocketFile> file_;
  std::unique_ptr<TcpListener> listener_;
  // The rest is used by the thread that accepts, and after its end.
  std::map<uid_t, std::unique_ptr<User>> users_;
  std::uint16_t next_connection_ = 0;
  int ticks_ = 0;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RPC_LOCAL_LISTENER_H_
