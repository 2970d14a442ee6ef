// A thread that serves many connections, none of which can hold it up.
//
// Each connection is a state machine (Connection), advanced when its socket is
// ready and closed when its time is over. Connections that may only ask for
// health are limited to `max_health`: when that is reached, the oldest that has
// not sent its request makes room, since a probe sends it at once. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_SERVE_HTTP_HTTP_LOOP_H_
#define ANCHORAGE_TRUSTD_SERVE_HTTP_HTTP_LOOP_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "trustd/net/admission.h"
#include "trustd/serve/http/connection.h"

namespace anchorage::trustd {

class HttpLoop {
 public:
  struct Options {
    ConnectionLimits limits;
    int requests_per_connection = 100;
    std::size_t max_health = 64;
    // Answers Connection::request(), or awaits its body and answers then;
    // `last`: this is to be the connection's last answer. A body counts as a
    // request.
    std::function<void(Connection& connection, bool last)> answer;
    ShedFunction shed;
  };

  // Fails with RESOURCE_EXHAUSTED if there is no thread or no descriptor.
  static absl::StatusOr<std::unique_ptr<HttpLoop>> Start(Options options);
  HttpLoop(const HttpLoop&) = delete;
  HttpLoop& operator=(const HttpLoop&) = delete;
  ~HttpLoop();

  // Serves `socket`, which the loop then owns, as Connection does.
  void Add(int socket, const IpAddress& peer, Place place, bool health_only,
           std::unique_ptr<TlsSession> tls = nullptr);

  // Closes connections that wait for a request, and waits for answers under
  // way, at most ConnectionLimits::stop_time.
  void Stop();

 private:
  using Queue = std::list<std::unique_ptr<Connection>>;

  explicit HttpLoop(Options options) : options_(std::move(options)) {}

  void Run();
  void Turn();
  void TakeNew();
  void MakeRoom();
  // Advances a connection for as long as it need not wait.
  void Advance(Queue::iterator entry);
  void Close(Queue::iterator entry);
  void CloseOverdue();
  bool Poll(Connection& connection, std::uint32_t events);

  const Options options_;
  int epoll_ = -1;
  // An eventfd that is readable when there are new connections, or the loop is
  // to stop.
  int wake_ = -1;
  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Connection>> new_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Used by the thread alone: the open connections, the oldest first, and where
  // each is in the list.
  Queue open_;
  absl::flat_hash_map<int, Queue::iterator> by_descriptor_;
  absl::flat_hash_map<int, int> served_;
  std::size_t health_open_ = 0;
  bool has_stopped_ = false;
  absl::Duration next_check_;
  std::thread thread_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SERVE_HTTP_HTTP_LOOP_H_
