// A receiver of alerts on the loopback interface, which keeps what it gets.
//
//   AlertReceiver receiver;
//   receiver.Answer({"500 Internal Server Error"});  // and then 200
//   const auto got = receiver.Await(2);

#ifndef ANCHORAGE_TEST_SUPPORT_ALERT_RECEIVER_H_
#define ANCHORAGE_TEST_SUPPORT_ALERT_RECEIVER_H_

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "test/support/hostile_server.h"

namespace anchorage::trustd {

class AlertReceiver {
 public:
  struct Received {
    std::string body;
    std::string signature;
    std::string content_type;
  };

  // On a free port for 0.
  explicit AlertReceiver(int port = 0)
      : server_([this](Peer& peer) { Serve(peer); }, port) {}

  std::string Url() const { return server_.Url("/alerts"); }
  int port() const { return server_.port(); }

  // Gives these answers next, in order, such as "410 Gone"; "stall" is none.
  void Answer(const std::vector<std::string>& answers) {
    absl::MutexLock lock(&mutex_);
    answers_.insert(answers_.end(), answers.begin(), answers.end());
  }

  // Waits for `count` requests, 10 s at most, and returns those that came.
  std::vector<Received> Await(std::size_t count) const {
    absl::MutexLock lock(&mutex_);
    const auto enough = [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return received_.size() >= count;
    };
    mutex_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(10));
    return received_;
  }

 private:
  void Serve(Peer& peer) {
    const std::string body = peer.Body();
    std::string answer = "200 OK";
    {
      absl::MutexLock lock(&mutex_);
      received_.push_back({body, peer.Header("Anchorage-Signature"),
                           peer.Header("Content-Type")});
      if (!answers_.empty()) {
        answer = answers_.front();
        answers_.pop_front();
      }
    }
    if (answer == "stall") return peer.WaitForClose();
    peer.Send(trustd::Answer(answer, {}, "not read by anybody"));
  }

  mutable absl::Mutex mutex_;
  std::deque<std::string> answers_ ABSL_GUARDED_BY(mutex_);
  std::vector<Received> received_ ABSL_GUARDED_BY(mutex_);
  // Last, so that it ends first.
  HostileServer server_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TEST_SUPPORT_ALERT_RECEIVER_H_
