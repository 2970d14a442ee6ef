// A port of ours, or a socket, and a thread that never stops accepting on it.
//
//   auto listener = TcpListener::Bind("127.0.0.1:7443", "listen_address");
//   ...
//   absl::Status s = (*listener)->Start(
//       [](int socket, const Endpoint& peer) { ... }, [] { ... });
//
// gRPC's own listener stops for good when accept4() fails once. No failure
// stops this one: when descriptors run out, it releases one that it keeps in
// reserve, accepts the caller with it and closes the connection at once, so
// that nobody is left waiting in the kernel's queue. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_NET_TCP_LISTENER_H_
#define ANCHORAGE_TRUSTD_NET_TCP_LISTENER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "trustd/net/ip_address.h"

namespace anchorage::trustd {

class TcpListener {
 public:
  // Gets a connection; must close `socket`, which is non-blocking.
  using Handler = std::function<void(int socket, const Endpoint& peer)>;

  // How often `tick` is called unless Start() says otherwise.
  static constexpr absl::Duration kTick = absl::Milliseconds(500);

  // Listens on `address` (HOST:PORT), on all addresses of a name. Fails with
  // UNAVAILABLE; the message names `setting`.
  static absl::StatusOr<std::unique_ptr<TcpListener>> Bind(
      const std::string& address, const std::string& setting);
  // Takes `socket`, which listens already and is closed with this: a Unix
  // socket, whose peers all have an Endpoint of zeros.
  static absl::StatusOr<std::unique_ptr<TcpListener>> Adopt(
      int socket, const std::string& address);
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;
  ~TcpListener();

  // Accepts from now on. Both functions are called on one thread; `tick` at
  // least every `interval`. `shed` counts a connection that was closed because
  // there was no descriptor. RESOURCE_EXHAUSTED.
  absl::Status Start(Handler handler, std::function<void()> tick,
                     std::function<void()> shed,
                     absl::Duration interval = kTick);

  // Stops accepting and frees the port. Calling it again does nothing.
  void Stop();

  // The address that it listens on; for port 0, with the port that was chosen.
  const std::string& address() const { return address_; }

  // Whether the thread is running.
  bool IsRunning() const;

  // Whether a peer that connects now is accepted: the thread is running, and
  // there have been descriptors for a connection since the last tick.
  bool IsAccepting() const;

 private:
  TcpListener() = default;

  absl::Status Prepare();
  void Run();
  // Checks whether there are descriptors for another connection.
  void FindDescriptors();
  void Accept(int listener);
  // Accepts and closes one connection, with the descriptor in reserve.
  void ShedOne(int listener);

  std::string address_;
  std::vector<int> sockets_;
  // An eventfd that becomes readable when the listener stops.
  int stop_ = -1;
  int reserve_ = -1;
  Handler handler_;
  std::function<void()> tick_;
  std::function<void()> shed_;
  absl::Duration interval_ = kTick;
  std::atomic<bool> has_descriptors_ = true;
  // When the thread last completed a turn, by a monotonic clock.
  std::atomic<std::int64_t> last_turn_ = 0;
  std::thread thread_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_NET_TCP_LISTENER_H_
