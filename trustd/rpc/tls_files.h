// The certificate, key and CAs of one listener, read again when their files
// change.
//
//   auto tls = TlsFiles::Open({.certificate = "tls.crt", .key = "tls.key"});
//   options.credentials = (*tls)->Credentials();
//   options.tick = [tls = *tls] { tls->Refresh(); };
//
// A connection keeps what it began with; each new one gets what was read last.
// Files that are not good change nothing: what was read before them stays.
// Thread-safe.

#ifndef ANCHORAGE_TRUSTD_RPC_TLS_FILES_H_
#define ANCHORAGE_TRUSTD_RPC_TLS_FILES_H_

#include <grpcpp/security/server_credentials.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace anchorage::trustd {

// What a listener shows, and whom it believes. Immutable.
struct TlsIdentityFiles {
  // PEM.
  std::string certificate;
  std::string key;
  std::string client_ca;
  // When the listener's own certificate expires.
  absl::Time expires;
};

class TlsFiles : public std::enable_shared_from_this<TlsFiles> {
 public:
  struct Paths {
    // The chain, the server's own first, and its private key, which others must
    // not be able to read.
    std::string certificate;
    std::string key;
    // The CAs of clients, all of which then need a certificate; empty: none is
    // asked for.
    std::string client_ca;
  };
  struct State {
    // Whether the files are what is used; if not, they are not good.
    bool is_current = true;
    absl::Time expires;
  };
  // Called when the state changes; from any thread, one at a time.
  using Watcher = std::function<void(const State&)>;

  // Reads the files. Fails as anchors::ReadFile() and ReadPrivateFile(), and
  // with INVALID_ARGUMENT for a file that is not PEM to its end, or a key that
  // is not the certificate's.
  static absl::StatusOr<std::shared_ptr<TlsFiles>> Open(
      Paths paths, Watcher watcher = [](const State&) {});
  TlsFiles(const TlsFiles&) = delete;
  TlsFiles& operator=(const TlsFiles&) = delete;

  // Reads the files again if they are others than before, and have not changed
  // since the last call: somebody who replaces two files does so one after the
  // other. To be called now and then. Each failure is logged once.
  void Refresh();

  // Returns what a gRPC server is built with.
  std::shared_ptr<grpc::ServerCredentials> Credentials();

  // Returns what was read last, and a number that changes with it.
  std::shared_ptr<const TlsIdentityFiles> Current(
      std::uint64_t& generation) const;

 private:
  // What tells that a file is another one.
  using Stamp = std::vector<std::int64_t>;

  TlsFiles(Paths paths, Watcher watcher)
      : paths_(std::move(paths)), watcher_(std::move(watcher)) {}

  Stamp StampNow() const;
  absl::StatusOr<TlsIdentityFiles> Read() const;

  const Paths paths_;
  const Watcher watcher_;
  // Makes calls of Refresh() follow one another.
  absl::Mutex refresh_mutex_;
  // Of the files when they were last read, and at the last call.
  Stamp read_ ABSL_GUARDED_BY(refresh_mutex_);
  Stamp seen_ ABSL_GUARDED_BY(refresh_mutex_);
  mutable absl::Mutex mutex_;
  std::shared_ptr<const TlsIdentityFiles> current_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RPC_TLS_FILES_H_
