// One accepted connection, with a limit on everything that its peer can make us
// wait for or keep.
//
// cpp-httplib's own stream gives each read its timeout, so that a byte now and
// then holds a thread for ever; it cannot use a descriptor above 1023, which a
// trustd with many watchers has; and the library matches a Range header with a
// recursion as deep as the header is long. So the head of a request is read
// here, whole and within its limits, and the library gets it without its Range:
// files are given whole. Not thread-safe.

#ifndef ANCHORAGE_TRUSTD_HTTP_CONNECTION_H_
#define ANCHORAGE_TRUSTD_HTTP_CONNECTION_H_

#include <httplib.h>

#include <cstddef>
#include <string>

#include "absl/time/time.h"

namespace anchorage::trustd {

struct ConnectionLimits {
  // A request line and its headers, all of it.
  std::size_t request_bytes = 16 * 1024;
  // From the first byte of a request to its last.
  absl::Duration request_time = absl::Seconds(5);
  // Between two requests on one connection.
  absl::Duration idle_time = absl::Seconds(5);
  // The same while every thread is busy.
  absl::Duration busy_idle_time = absl::Milliseconds(500);
  // From the first byte of an answer to its last.
  absl::Duration answer_time = absl::Seconds(30);
  // The same from the moment on that the server stops.
  absl::Duration stop_time = absl::Seconds(2);
};

class Connection final : public httplib::Stream {
 public:
  // Owns `socket`, which does not block. `stop` is a descriptor that becomes
  // readable when the server stops and stays so.
  Connection(int socket, int stop, const ConnectionLimits& limits);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() override;

  // Waits for a request and reads its head, or so much of it as may be read;
  // what was left of the last request's is dropped. False: it did not come in
  // time, the peer is gone, or the server stops.
  bool AwaitRequest(absl::Duration idle);

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* data, std::size_t size) override;
  ssize_t write(const char* data, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  // The library must not use it.
  socket_t socket() const override { return -1; }

 private:
  // Adds to what was received. False: nothing came until `deadline`.
  bool Fill(absl::Duration deadline);
  // Waits until the socket is ready for `events`. A stop ends the wait for a
  // request at once and that for an answer's reader soon.
  bool Wait(short events, absl::Duration deadline);

  const int socket_;
  const int stop_;
  const ConnectionLimits limits_;
  // Of a clock that only goes forward.
  absl::Duration answer_deadline_;
  // What came and is of later requests, or of a body.
  std::string received_;
  // The head of the request, of which read() has given `given_` bytes.
  std::string head_;
  std::size_t given_ = 0;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_HTTP_CONNECTION_H_
