#include "trustd/net/tls_session.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

constexpr std::size_t kMaxFileBytes = 1024 * 1024;
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

absl::Status Bad(const std::string& path, const char* what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat(path, " ", what));
}

absl::Status UseChain(SSL_CTX* context, const std::string& path) {
  const auto text = anchors::ReadFile(path, kMaxFileBytes);
  if (!text.ok()) return text.status();
  const Bio bio = BioOf(*text);
  const Certificate own = NextCertificate(bio.get());
  if (own == nullptr || SSL_CTX_use_certificate(context, own.get()) != 1) {
    return Bad(path, "has no certificate in PEM that TLS can use");
  }
  while (Certificate next = NextCertificate(bio.get())) {
    if (SSL_CTX_add0_chain_cert(context, next.get()) != 1) {
      return Bad(path, "has a chain that TLS cannot use");
    }
    (void)next.release();
  }
  ERR_clear_error();
  return absl::OkStatus();
}

absl::Status UseKey(SSL_CTX* context, const std::string& path) {
  const auto text = anchors::ReadPrivateFile(path, kMaxFileBytes);
  if (!text.ok()) return text.status();
  const Key key(PEM_read_bio_PrivateKey(BioOf(*text).get(), nullptr,
                                        &NoPassword, nullptr),
                &EVP_PKEY_free);
  if (key == nullptr) {
    return Bad(path, "has no private key in PEM without a password");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return Bad(path, "does not belong to the certificate");
  }
  return absl::OkStatus();
}

absl::Status RequireClients(SSL_CTX* context, const std::string& path) {
  const auto text = anchors::ReadFile(path, kMaxFileBytes);
  if (!text.ok()) return text.status();
  const Bio bio = BioOf(*text);
  int found = 0;
  while (const Certificate next = NextCertificate(bio.get())) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), next.get()) != 1 ||
        // What browsers choose from.
        SSL_CTX_add_client_CA(context, next.get()) != 1) {
      return Bad(path, "has a certificate that cannot be a CA's");
    }
    ++found;
  }
  ERR_clear_error();
  if (found == 0) return Bad(path, "has no certificate in PEM");
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

absl::StatusOr<std::shared_ptr<const TlsContext>> TlsContext::Load(
    const Files& files) {
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
  if (absl::Status s = UseChain(context, files.certificate_path); !s.ok()) {
    return s;
  }
  if (absl::Status s = UseKey(context, files.key_path); !s.ok()) return s;
  if (!files.client_ca_path.empty()) {
    if (absl::Status s = RequireClients(context, files.client_ca_path);
        !s.ok()) {
      return s;
    }
  }
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
