// One connection, with a limit on everything that its peer can make us wait
// for or keep. Nothing here blocks: a slow peer holds memory of a bounded size
// for a bounded time, and never a thread.
//
// The head of a request is received whole and within its limits before anybody
// reads it; and so is a body, which is received only when it is asked for. Not
// thread-safe.

#ifndef ANCHORAGE_TRUSTD_SERVE_HTTP_CONNECTION_H_
#define ANCHORAGE_TRUSTD_SERVE_HTTP_CONNECTION_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "trustd/net/admission.h"
#include "trustd/net/ip_address.h"
#include "trustd/net/tls_session.h"

namespace anchorage::trustd {

struct ConnectionLimits {
  // The most bytes of a request line and its headers together.
  std::size_t request_bytes = 16 * 1024;
  // From the first byte of a request to its last, with its body.
  absl::Duration request_time = absl::Seconds(5);
  // Between two requests on one connection.
  absl::Duration idle_time = absl::Seconds(5);
  // From the first byte of an answer to its last.
  absl::Duration answer_time = absl::Seconds(30);
  // How long an answer may still take once the server stops.
  absl::Duration stop_time = absl::Seconds(2);
  // The time for the request on a connection that may only ask for health.
  absl::Duration health_time = absl::Seconds(1);
};

class Connection final {
 public:
  // What can be done next.
  enum class Next {
    kAwaitInput,   // when the socket is readable
    kAwaitOutput,  // when it is writable
    kAnswer,       // a request is here
    kClose,        // there is nothing more to do
  };

  // Owns `socket`, which must be non-blocking, and a place of the listener's.
  // With `health_only` the connection exceeds the limit, and gets one answer
  // about health. `tls` is a session on `socket`, which begins with its
  // handshake, within idle_time; null for none.
  Connection(int socket, const IpAddress& peer, Place place, bool health_only,
             const ConnectionLimits& limits, absl::Duration now,
             std::unique_ptr<TlsSession> tls = nullptr);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  int descriptor() const { return socket_; }
  const IpAddress& peer() const { return peer_; }
  // Null for none.
  const TlsSession* tls() const { return tls_.get(); }
  bool is_health_only() const { return health_only_; }
  bool is_reading() const { return !is_answering_; }

  // Sends and receives as much as the socket allows at `now`.
  Next Advance(absl::Duration now);

  // Takes the head of a request, or the body that is awaited, off what was
  // received, and starts the time for its answer.
  void BeginAnswer(absl::Duration now);
  // Instead of Answer(): the body of that request is `bytes` long, and is to be
  // received before it is answered. The time for the request goes on.
  void AwaitBody(std::size_t bytes);
  // That head, with the empty line at its end; without it, as much as is
  // allowed was received. Valid until the next BeginAnswer().
  std::string_view request() const { return request_; }
  // The body of that request, once it was awaited and is here.
  const std::optional<std::string>& request_body() const {
    return request_body_;
  }
  // What is to be sent: `head`, then `body`, which `owner` keeps alive. `last`:
  // the connection is closed when it is sent.
  void Answer(std::string head, std::string_view body,
              std::shared_ptr<const void> owner, bool last);

  // Returns the name of the limit that is exceeded at `now`, or null. The
  // caller then closes the connection; "idle_time" is nobody's fault.
  const char* Exceeds(absl::Duration now) const;

  // Call this when the server stops: closes a connection that waits for a
  // request, and limits an answer under way to stop_time.
  void Stop(absl::Duration now);

 private:
  // Sends what the socket takes; the rest waits. Returns false if the peer is
  // gone.
  bool Flush();
  // Receives what has arrived. Returns false if the peer is gone.
  bool Fill(absl::Duration now);
  // Whether the whole head of a request has arrived, or as much of it as is
  // allowed; or the whole body, where one is awaited.
  bool HasRequest();

  const int socket_;
  const std::unique_ptr<TlsSession> tls_;
  const IpAddress peer_;
  const Place place_;
  const bool health_only_;
  const ConnectionLimits limits_;
  // When the current limit is exceeded, by the steady clock.
  absl::Duration deadline_;
  // The same of the request that was taken off last.
  absl::Duration request_deadline_;
  // What was received of later requests, or of a body; its first `scanned_`
  // bytes contain no end of a head.
  std::string received_;
  std::size_t scanned_ = 0;
  std::string request_;
  // How long the body is that is awaited.
  std::optional<std::size_t> awaited_;
  std::optional<std::string> request_body_;
  // What is to be sent, of which `sent_` bytes have been, followed by `body_`.
  std::string out_;
  std::size_t sent_ = 0;
  std::string_view body_;
  std::shared_ptr<const void> body_owner_;
  bool is_answering_ = false;
  bool is_last_ = false;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SERVE_HTTP_CONNECTION_H_
