// Streams of news: each goes on until one side ends it, and sends one message
// at a time, so that a slow reader costs no memory.
//
//   class Watch final : public NewsStream { ... };
//   return watches_.Open(caller, std::make_shared<Watch>(*this), stream);
//
// Thread-safe.

#ifndef ANCHORAGE_TRUSTD_RPC_WATCHES_H_
#define ANCHORAGE_TRUSTD_RPC_WATCHES_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "trustd/net/admission.h"
#include "trustd/rpc/call_gate.h"

namespace anchorage::trustd {

class Watches;

// One open stream. Its call and its Watches hold it.
class NewsStream : public ServerStream,
                   public std::enable_shared_from_this<NewsStream> {
 public:
  // Writes what is next, if there is something and nothing is being written.
  void Continue();

  void OnStart() override { Continue(); }
  void OnWriteDone(bool ok) final;
  void OnCancel() final { End(grpc::Status::CANCELLED); }
  void OnDone() override;

 protected:
  // Returns what calls Continue() as long as the stream is there, for whoever
  // has the news. It throws nothing: they go on, and so do other streams.
  std::function<void()> Waker();

 private:
  friend class Watches;

  // Points `message` at what is next, which stays until the next call; leaves
  // it null while there is nothing. Another status than OK ends the stream. One
  // call at a time.
  virtual grpc::Status Next(const grpc::ByteBuffer*& message) = 0;

  void End(const grpc::Status& status);
  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndLocked(const grpc::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Watches* watches_ = nullptr;
  Place place_;
  absl::Mutex mutex_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

// The open streams of a service. Outlives the server that calls them.
class Watches {
 public:
  // `most` and `proxies` are as Admission has them; `full` is what callers are
  // told where there is no place.
  Watches(int most, AddressList proxies, std::string full)
      : places_(most, std::move(proxies)), full_(std::move(full)) {}

  // Makes `watch` the `stream` of a call. RESOURCE_EXHAUSTED and
  // TOO_MANY_WATCHERS where there is no place for it; UNAVAILABLE and
  // SHUTTING_DOWN after Shutdown().
  grpc::Status Open(const Caller& caller, std::shared_ptr<NewsStream> watch,
                    std::shared_ptr<ServerStream>& stream);

  // Continue() of every open stream.
  void Continue();

  // Ends every open stream with SHUTTING_DOWN and refuses new ones; called
  // before the server's own shutdown, which would cut them off without a word.
  void Shutdown();

 private:
  friend class NewsStream;
  void Forget(NewsStream& watch);
  std::vector<std::shared_ptr<NewsStream>> All();

  Admission places_;
  const std::string full_;
  absl::Mutex mutex_;
  absl::flat_hash_set<std::shared_ptr<NewsStream>> open_
      ABSL_GUARDED_BY(mutex_);
  bool shutting_down_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RPC_WATCHES_H_
