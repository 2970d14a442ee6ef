#include "trustd/net/tls_session.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <utility>

#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

// How many certificates may stand between a peer's and a CA's.
constexpr int kMaxDepth = 4;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio BioOf(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
          &BIO_free};
}

Certificate NextCertificate(BIO* bio) {
  return {PEM_read_bio_X509(bio, nullptr, nullptr, nullptr), &X509_free};
}

// Nobody is there to type one.
int NoPassword(char*, int, int, void*) { return -1; }

absl::Status Bad(const char* what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(what);
}

absl::Status UseChain(SSL_CTX* context, const std::string& pem) {
  const Bio bio = BioOf(pem);
  const Certificate own = NextCertificate(bio.get());
  if (own == nullptr || SSL_CTX_use_certificate(context, own.get()) != 1) {
    return Bad("there is no certificate in PEM that TLS can use");
  }
  while (Certificate next = NextCertificate(bio.get())) {
    if (SSL_CTX_add0_chain_cert(context, next.get()) != 1) {
      return Bad("the certificate's chain is none that TLS can use");
    }
    (void)next.release();
  }
  ERR_clear_error();
  return absl::OkStatus();
}

absl::Status UseKey(SSL_CTX* context, const std::string& pem) {
  const Key key(
      PEM_read_bio_PrivateKey(BioOf(pem).get(), nullptr, &NoPassword, nullptr),
      &EVP_PKEY_free);
  if (key == nullptr || SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return Bad("there is no private key in PEM that is the certificate's");
  }
  return absl::OkStatus();
}

absl::Status RequireClients(SSL_CTX* context, const std::string& pem) {
  const Bio bio = BioOf(pem);
  int found = 0;
  while (const Certificate next = NextCertificate(bio.get())) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), next.get()) != 1 ||
        // What browsers choose from.
        SSL_CTX_add_client_CA(context, next.get()) != 1) {
      return Bad("there is a CA that TLS cannot use");
    }
    ++found;
  }
  ERR_clear_error();
  if (found == 0) return Bad("there is no CA in PEM");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     nullptr);
  SSL_CTX_set_verify_depth(context, kMaxDepth);
  return absl::OkStatus();
}

// The one common name of a subject, as UTF-8; empty where there is none, or
// more than one, or one with a NUL.
std::string CommonName(const X509* certificate) {
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) {
    return "";
  }
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(
      &utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return "";
  std::string name(reinterpret_cast<const char*>(utf8),
                   static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return name.find('\0') == std::string::npos ? name : "";
}

}  // namespace

absl::StatusOr<std::shared_ptr<const TlsContext>> TlsContext::Make(
    const Identity& identity) {
  std::shared_ptr<TlsContext> made(
      new TlsContext(SSL_CTX_new(TLS_server_method())));
  SSL_CTX* const context = made->context_.get();
  if (context == nullptr) return absl::ResourceExhaustedError("no TLS");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                   SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  absl::Status made_of = UseChain(context, identity.certificate);
  if (made_of.ok()) made_of = UseKey(context, identity.key);
  if (made_of.ok() && !identity.client_ca.empty()) {
    made_of = RequireClients(context, identity.client_ca);
  }
  if (!made_of.ok()) return made_of;
  return made;
}

std::unique_ptr<TlsSession> TlsContext::Accept(int socket) const {
  std::unique_ptr<TlsSession> session(new TlsSession(SSL_new(context_.get())));
  SSL* const ssl = session->ssl_.get();
  if (ssl == nullptr || SSL_set_fd(ssl, socket) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  SSL_set_accept_state(ssl);
  return session;
}

TlsSession::Wants TlsSession::Handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    is_ready_ = true;
    ReadPeer();
    return Wants::kNothing;
  }
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Wants::kInput;
    case SSL_ERROR_WANT_WRITE:
      return Wants::kOutput;
    default:
      ERR_clear_error();
      return Wants::kNoMore;
  }
}

void TlsSession::ReadPeer() {
  const Certificate peer(SSL_get1_peer_certificate(ssl_.get()), &X509_free);
  if (peer == nullptr || SSL_get_verify_result(ssl_.get()) != X509_V_OK) return;
  unsigned char* der = nullptr;
  const int size = i2d_X509(peer.get(), &der);
  if (size <= 0) return;
  peer_sha256_ = verify::Sha256Hex(std::string_view(
      reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)));
  OPENSSL_free(der);
  peer_name_ = CommonName(peer.get());
}

ssize_t TlsSession::Fail(int result) const {
  const int error = SSL_get_error(ssl_.get(), result);
  ERR_clear_error();
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE
              ? EAGAIN
              : ECONNRESET;
  return -1;
}

ssize_t TlsSession::Read(char* buffer, std::size_t size) {
  ERR_clear_error();
  const int got = SSL_read(ssl_.get(), buffer, static_cast<int>(size));
  return got > 0 ? got : Fail(got);
}

ssize_t TlsSession::Write(std::string_view bytes) {
  ERR_clear_error();
  const int put =
      SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  return put > 0 ? put : Fail(put);
}

void TlsSession::Close() {
  if (!is_ready_) return;
  ERR_clear_error();
  (void)SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace anchorage::trustd
