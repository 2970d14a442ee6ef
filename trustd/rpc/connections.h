// The connections that were handed to gRPC, which does not say when one ends.
//
//   if (!connections.Add(socket, peer)) close(socket);   // shed
//   else acceptor->HandleNewConnection(...);
//   connections.Sweep();                                 // twice a second
//   connections.CutIfGreedy(*record);        // and more often, while it calls
//
// How an end is seen: gRPC keeps the descriptor that it was given until it
// closes the connection, so a connection is there for as long as that number
// still names the socket it named at first (its inode). That depends on nothing
// within gRPC, misses no way of ending, and costs one fstat() each. Waiting for
// events would not do: the kernel forgets a descriptor in epoll without a word
// when it is closed, and a duplicate sees the peer's end, not gRPC's.
//
// A duplicate of each descriptor is kept all the same, to cut off whoever takes
// no notice of limits: a shutdown() by number could meet another socket. It is
// closed when the end is seen; gRPC shuts a connection down before it closes
// it, so no peer waits for that.
//
// Thread-safe.

#ifndef ANCHORAGE_TRUSTD_RPC_CONNECTIONS_H_
#define ANCHORAGE_TRUSTD_RPC_CONNECTIONS_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "trustd/net/admission.h"
#include "trustd/net/ip_address.h"

namespace anchorage::trustd {

// One connection.
class GrpcConnectionRecord {
 public:
  GrpcConnectionRecord(int socket, ino_t inode, int duplicate, Place place);
  GrpcConnectionRecord(const GrpcConnectionRecord&) = delete;
  GrpcConnectionRecord& operator=(const GrpcConnectionRecord&) = delete;
  ~GrpcConnectionRecord();

  // Whether gRPC still has it.
  bool IsOpen() const;
  // What has come in on it, in bytes, as the kernel counts them; 0 where it
  // does not say.
  std::uint64_t ReceivedBytes() const;

  // The calls that are open on it, and those that it opened beyond its limit.
  std::atomic<int> calls = 0;
  std::atomic<int> refused_calls = 0;

 private:
  friend class Connections;

  // Ends it at once for both sides; gRPC then closes it. False: it was before.
  bool Cut();

  const int socket_;
  const ino_t inode_;
  const int duplicate_;
  const Place place_;
  std::int64_t accepted_nanos_ = 0;
  bool may_send_much_ = false;
  IpAddress group_;
  std::atomic<bool> is_cut_ = false;
};

class Connections {
 public:
  struct Options {
    // How many there may be.
    int most = 12'000;
    AddressList proxies;
    // What a peer may send on one: so much at once, and so much a second more.
    // Requests are some hundred bytes; gRPC keeps a message of any length until
    // its last byte. The loopback interface and proxies are exempt.
    std::uint64_t burst_bytes = 1024 * 1024;
    std::uint64_t bytes_a_second = 256 * 1024;
  };

  Connections(const Options& options, ShedFunction shed);

  // Counts a connection; false: it is one too many, or gRPC still has another
  // from the same port of that peer, to another address of ours. The caller
  // closes it.
  bool Add(int socket, const Endpoint& peer);

  // Null for one that is not known, or no more. gRPC tells a call's peer and not
  // which address of ours it came to, so there is one for each peer.
  std::shared_ptr<GrpcConnectionRecord> Find(const Endpoint& peer);

  // Forgets what has ended, and cuts off who sends too much. Whether one that
  // was cut off has ended.
  bool Sweep();
  // Cuts it off. Its address is not let in again before all that it leaves
  // behind is gone; the loopback interface and proxies are.
  void Cut(const std::shared_ptr<GrpcConnectionRecord>& record);
  // The same if it has sent too much.
  void CutIfGreedy(const std::shared_ptr<GrpcConnectionRecord>& record);

  // Whether a peer that holds nothing would be admitted now.
  bool HasRoom() const { return admission_.HasRoom(); }
  std::size_t size() const;

 private:
  // Whether what a cut connection of this address left behind is not gone yet.
  bool HasCutOne(const IpAddress& address);

  const Options options_;
  const ShedFunction shed_;
  Admission admission_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<Endpoint, std::shared_ptr<GrpcConnectionRecord>> open_
      ABSL_GUARDED_BY(mutex_);
  // Those that were cut off, by the group of their address.
  absl::flat_hash_map<IpAddress,
                      std::vector<std::shared_ptr<GrpcConnectionRecord>>>
      cut_ ABSL_GUARDED_BY(mutex_);
  // When all places were taken and it was swept for that, at the last.
  std::int64_t last_sweep_nanos_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RPC_CONNECTIONS_H_
