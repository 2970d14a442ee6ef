// One connection, with a limit on everything that its peer can make us wait
// for or keep. Nothing here blocks: a slow peer holds memory of a bounded size
// for a bounded time, and never a thread.
//
// cpp-httplib's own stream has a timeout for each read, so a byte now and then
// holds a thread for ever; it cannot use a descriptor above 1023, which a
// trustd with many watchers has; and the library matches a Range header with a
// recursion as deep as the header is long. So the head of a request is read
// here, whole and within its limits, and the library gets it without its Range:
// files are served whole. Not thread-safe.

#ifndef ANCHORAGE_TRUSTD_SERVE_HTTP_CONNECTION_H_
#define ANCHORAGE_TRUSTD_SERVE_HTTP_CONNECTION_H_

#include <httplib.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "trustd/net/admission.h"

namespace anchorage::trustd {

struct ConnectionLimits {
  // The most bytes of a request line and its headers together.
  std::size_t request_bytes = 16 * 1024;
  // From the first byte of a request to its last.
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

class Connection final : public httplib::Stream {
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
  // about health.
  Connection(int socket, Place place, bool health_only,
             const ConnectionLimits& limits, absl::Duration now);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() override;

  int descriptor() const { return socket_; }
  bool is_health_only() const { return health_only_; }
  bool is_reading() const { return !is_answering_; }

  // Sends and receives as much as the socket allows at `now`.
  Next Advance(absl::Duration now);

  // Hands the head of the received request to the library, and collects what
  // the library writes until EndAnswer().
  void BeginAnswer(absl::Duration now);
  // Adds `body` after everything that was written; `owner` keeps it alive.
  void SetBody(std::string_view body, std::shared_ptr<const void> owner);
  // `last`: the connection is closed when the answer is sent.
  void EndAnswer(bool last) { is_last_ = last; }

  // Returns the name of the limit that is exceeded at `now`, or null. The
  // caller then closes the connection; "idle_time" is nobody's fault.
  const char* Exceeds(absl::Duration now) const;

  // Call this when the server stops: closes a connection that waits for a
  // request, and limits an answer under way to stop_time.
  void Stop(absl::Duration now);

  // --- Called by the library ---
  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* data, std::size_t size) override;
  ssize_t write(const char* data, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  // The library must not use it.
  socket_t socket() const override { return -1; }

 private:
  // Sends what the socket takes; the rest waits. Returns false if the peer is
  // gone.
  bool Flush();
  // Receives what has arrived. Returns false if the peer is gone.
  bool Fill(absl::Duration now);
  // Whether the whole head of a request has arrived, or as much of it as is
  // allowed.
  bool HasRequest();

  const int socket_;
  const Place place_;
  const bool health_only_;
  const ConnectionLimits limits_;
  // When the current limit is exceeded, by the steady clock.
  absl::Duration deadline_;
  // What was received of later requests, or of a body; its first `scanned_`
  // bytes contain no end of a head.
  std::string received_;
  std::size_t scanned_ = 0;
  // The head of the request, of which read() has returned `given_` bytes.
  std::string head_;
  std::size_t given_ = 0;
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
