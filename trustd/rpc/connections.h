// The connections that were handed to gRPC, which does not tell when one ends.
//
//   if (!connections.Add(socket, peer)) close(socket);   // shed
//   else acceptor->HandleNewConnection(...);
//   connections.Sweep();                                 // twice a second
//   connections.CutIfGreedy(*record); // and more often during a call
//
// How an end is detected: gRPC keeps the descriptor that it was given until it
// closes the connection, so a connection exists for as long as that number
// still names the socket that it named at first (its inode). That depends on
// nothing within gRPC, misses no way of ending, and costs one fstat() each.
// Waiting for events would not do: the kernel silently removes a descriptor
// from epoll when it is closed, and a duplicate sees the peer's end, not
// gRPC's.
//
// A duplicate of each descriptor is kept nevertheless, to cut off peers that
// ignore limits: a shutdown() by number could hit another socket. It is closed
// when the end is detected; gRPC shuts a connection down before it closes it,
// so no peer waits for that.
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

  // Whether gRPC still has the connection.
  bool IsOpen() const;
  // How many bytes the kernel has received on it; 0 where the kernel does not
  // say.
  std::uint64_t ReceivedBytes() const;

  // The calls that are open on it, and those that were opened beyond its limit.
  std::atomic<int> calls = 0;
  std::atomic<int> refused_calls = 0;

 private:
  friend class Connections;

  // Ends the connection at once for both sides; gRPC then closes it. Returns
  // false if it was cut before.
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
    // The most connections.
    int most = 12'000;
    AddressList proxies;
    // What a peer may send on one connection: so much at once, and so much more
    // each second. Requests are some hundred bytes, but gRPC buffers a message
    // of any length until its last byte. The loopback interface and proxies are
    // exempt.
    std::uint64_t burst_bytes = 1024 * 1024;
    std::uint64_t bytes_a_second = 256 * 1024;
  };

  Connections(const Options& options, ShedFunction shed);

  // Counts a connection. Returns false if it is one too many, or if gRPC still
  // has another from the same port of that peer, to another address of ours.
  // Then the caller closes it.
  bool Add(int socket, const Endpoint& peer);

  // Returns the connection of a peer; null for one that is not known, or no
  // longer. gRPC tells a call's peer but not which address of ours it came to,
  // so there is one for each peer.
  std::shared_ptr<GrpcConnectionRecord> Find(const Endpoint& peer);

  // Forgets connections that have ended, and cuts off peers that send too much.
  // Returns whether one that was cut off has ended.
  bool Sweep();
  // Cuts a connection off. Its address is not admitted again until everything
  // that it left behind is gone, unless it is the loopback interface or a
  // proxy.
  void Cut(const std::shared_ptr<GrpcConnectionRecord>& record);
  // Cuts a connection off if it has sent too much.
  void CutIfGreedy(const std::shared_ptr<GrpcConnectionRecord>& record);

  // Whether a peer that holds nothing would be admitted now.
  bool HasRoom() const { return admission_.HasRoom(); }
  std::size_t size() const;

 private:
  // Whether something that a cut connection of this address left behind is
  // still there.
  bool HasCutOne(const IpAddress& address);

  const Options options_;
  const ShedFunction shed_;
  Admission admission_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<Endpoint, std::shared_ptr<GrpcConnectionRecord>> open_
      ABSL_GUARDED_BY(mutex_);
  // The connections that were cut off, by the group of their address.
  absl::flat_hash_map<IpAddress,
                      std::vector<std::shared_ptr<GrpcConnectionRecord>>>
      cut_ ABSL_GUARDED_BY(mutex_);
  // When connections were last swept because all places were taken.
  std::int64_t last_sweep_nanos_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RPC_CONNECTIONS_H_
