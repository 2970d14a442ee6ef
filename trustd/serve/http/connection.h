// One connection, with a limit on everything that its peer can make us wait
// for or keep. Nothing here blocks: who is slow holds memory of a bounded size
// for a bounded time, and never a thread.
//
// cpp-httplib's own stream gives each read its timeout, so that a byte now and
// then holds a thread for ever; it cannot use a descriptor above 1023, which a
// trustd with many watchers has; and the library matches a Range header with a
// recursion as deep as the header is long. So the head of a request is read
// here, whole and within its limits, and the library gets it without its Range:
// files are given whole. Not thread-safe.

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
  // A request line and its headers, all of it.
  std::size_t request_bytes = 16 * 1024;
  // From the first byte of a request to its last.
  absl::Duration request_time = absl::Seconds(5);
  // Between two requests on one connection.
  absl::Duration idle_time = absl::Seconds(5);
  // From the first byte of an answer to its last.
  absl::Duration answer_time = absl::Seconds(30);
  // The same from the moment on that the server stops.
  absl::Duration stop_time = absl::Seconds(2);
  // For the request of a connection that only health is left for.
  absl::Duration health_time = absl::Seconds(1);
};

class Connection final : public httplib::Stream {
 public:
  // What can be done next.
  enum class Next {
    kAwaitInput,   // when the socket is readable
    kAwaitOutput,  // when it is writable
    kAnswer,       // a request is here
    kClose,        // nothing any more
  };

  // Owns `socket`, which does not block, and a place of the listener's. With
  // `health_only` it is one more than there may be, and gets one answer.
  Connection(int socket, Place place, bool health_only,
             const ConnectionLimits& limits, absl::Duration now);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() override;

  int descriptor() const { return socket_; }
  bool is_health_only() const { return health_only_; }
  bool is_reading() const { return !is_answering_; }

  // Sends and receives what the socket takes and has at `now`.
  Next Advance(absl::Duration now);

  // Takes the head of the request that is here, so that the library can read
  // it, and takes what the library writes until EndAnswer().
  void BeginAnswer(absl::Duration now);
  // Adds `body` after all that was written; `owner` keeps it.
  void SetBody(std::string_view body, std::shared_ptr<const void> owner);
  // `last`: the connection ends when the answer is sent.
  void EndAnswer(bool last) { is_last_ = last; }

  // The name of the limit that `now` exceeds, or null. The connection is closed
  // for it; "idle_time" is nobody's fault.
  const char* Exceeds(absl::Duration now) const;

  // The server stops: closes what waits for a request, and has answers end.
  void Stop(absl::Duration now);

  // For the library.
  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* data, std::size_t size) override;
  ssize_t write(const char* data, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  // The library must not use it.
  socket_t socket() const override { return -1; }

 private:
  // Sends what there is. False: the peer is gone; what is left waits.
  bool Flush();
  // Receives what there is. False: the peer is gone.
  bool Fill(absl::Duration now);
  // Whether the head of a request is here, or as much of it as may be.
  bool HasRequest();

  const int socket_;
  const Place place_;
  const bool health_only_;
  const ConnectionLimits limits_;
  // Of a clock that only goes forward.
  absl::Duration deadline_;
  // What came and is of later requests, or of a body; `scanned_` of it have no
  // end of a head.
  std::string received_;
  std::size_t scanned_ = 0;
  // The head of the request, of which read() has given `given_` bytes.
  std::string head_;
  std::size_t given_ = 0;
  // What is to be sent, of which `sent_` bytes are, and after it `body_`.
  std::string out_;
  std::size_t sent_ = 0;
  std::string_view body_;
  std::shared_ptr<const void> body_owner_;
  bool is_answering_ = false;
  bool is_last_ = false;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SERVE_HTTP_CONNECTION_H_
