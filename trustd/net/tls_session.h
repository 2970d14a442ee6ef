// TLS of a server over sockets that do not block, by OpenSSL.
//
//   auto context = TlsContext::Make({.certificate = ..., .key = ...});
//   auto session = (*context)->Accept(socket);
//   switch (session->Handshake()) ...
//
// TLS 1.2 or 1.3, without renegotiation, tickets and resumption: every
// connection proves anew who its peer is. A context is immutable; a session is
// for one thread at a time and does not own its socket.

#ifndef ANCHORAGE_TRUSTD_NET_TLS_SESSION_H_
#define ANCHORAGE_TRUSTD_NET_TLS_SESSION_H_

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace anchorage::trustd {

class TlsSession {
 public:
  // What a session waits for.
  enum class Wants { kNothing, kInput, kOutput, kNoMore };

  // Goes on with the handshake; kNoMore: it failed.
  Wants Handshake();
  bool is_ready() const { return is_ready_; }

  // As recv() and send(): -1 with EAGAIN where the socket has to be waited for,
  // and 0 or -1 with another errno at the end.
  ssize_t Read(char* buffer, std::size_t size);
  ssize_t Write(std::string_view bytes);
  // Whether Read() returns something although the socket has nothing.
  bool HasPending() const { return SSL_pending(ssl_.get()) > 0; }

  // Tells the peer that this is all, if the socket takes it.
  void Close();

  // Of the certificate that the peer proved to have, whose CA is one of the
  // context's: its common name, empty where it has none or several, and its
  // SHA-256 in lower-case hex. Both empty where no certificate is asked for.
  const std::string& peer_name() const { return peer_name_; }
  const std::string& peer_sha256() const { return peer_sha256_; }

 private:
  friend class TlsContext;
  explicit TlsSession(SSL* ssl) : ssl_(ssl, &SSL_free) {}

  void ReadPeer();
  ssize_t Fail(int result) const;

  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  bool is_ready_ = false;
  std::string peer_name_;
  std::string peer_sha256_;
};

class TlsContext {
 public:
  // PEM.
  struct Identity {
    // The server's own certificate first.
    std::string certificate;
    std::string key;
    // The CAs of whom a certificate is required; empty: none is asked for.
    std::string client_ca = "";
  };

  // Fails with INVALID_ARGUMENT for what is not as it must be.
  static absl::StatusOr<std::shared_ptr<const TlsContext>> Make(
      const Identity& identity);

  // Begins a session on a connected socket; null where there is no memory.
  std::unique_ptr<TlsSession> Accept(int socket) const;

 private:
  explicit TlsContext(SSL_CTX* context) : context_(context, &SSL_CTX_free) {}

  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_NET_TLS_SESSION_H_
