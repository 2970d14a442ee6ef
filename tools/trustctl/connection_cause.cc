#include "tools/trustctl/connection_cause.h"

#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "anchors/base/host_port.h"
#include "verify/printable.h"

namespace anchorage::trustctl {
namespace {

using verify::Printable;

template <typename T, void (*kFree)(T*)>
struct Free {
  void operator()(T* value) const { kFree(value); }
};
template <typename T, void (*kFree)(T*)>
using Owned = std::unique_ptr<T, Free<T, kFree>>;
using Context = Owned<SSL_CTX, SSL_CTX_free>;
using Ssl = Owned<SSL, SSL_free>;
using Certificate = Owned<X509, X509_free>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Bio = Owned<BIO, BIO_free_all>;

constexpr char kPayload[] = "anchorage.trustctl.ConnectionCause";
// What is shown of another's certificate.
constexpr std::size_t kMaxNames = 8;
constexpr std::size_t kMaxNameBytes = 256;

struct NamedCause {
  ConnectionCause cause;
  std::string_view name;
};
constexpr NamedCause kNames[] = {
    {ConnectionCause::kAddressMalformed, "ADDRESS_MALFORMED"},
    {ConnectionCause::kRootsUnreadable, "ROOTS_UNREADABLE"},
    {ConnectionCause::kCertificateUnreadable, "CERTIFICATE_UNREADABLE"},
    {ConnectionCause::kKeyUnreadable, "KEY_UNREADABLE"},
    {ConnectionCause::kKeyOfAnother, "KEY_OF_ANOTHER"},
    {ConnectionCause::kCertificateEnded, "CERTIFICATE_ENDED"},
    {ConnectionCause::kCertificateNotYet, "CERTIFICATE_NOT_YET"},
    {ConnectionCause::kNameUnresolved, "NAME_UNRESOLVED"},
    {ConnectionCause::kNobodyListens, "NOBODY_LISTENS"},
    {ConnectionCause::kNoAnswer, "NO_ANSWER"},
    {ConnectionCause::kNoSocket, "NO_SOCKET"},
    {ConnectionCause::kSocketForbidden, "SOCKET_FORBIDDEN"},
    {ConnectionCause::kNotTls, "NOT_TLS"},
    {ConnectionCause::kServerCaUnknown, "SERVER_CA_UNKNOWN"},
    {ConnectionCause::kServerNameOther, "SERVER_NAME_OTHER"},
    {ConnectionCause::kServerCertificateEnded, "SERVER_CERTIFICATE_ENDED"},
    {ConnectionCause::kNotGrpc, "NOT_GRPC"},
    {ConnectionCause::kClientCertificateMissing, "CLIENT_CERTIFICATE_MISSING"},
    {ConnectionCause::kClientCaUnknown, "CLIENT_CA_UNKNOWN"},
    {ConnectionCause::kClientCertificateRefused, "CLIENT_CERTIFICATE_REFUSED"},
};

absl::Status Found(absl::StatusCode code, ConnectionCause cause,
                   const std::string& text) {
  const std::string name(NameOf(cause));
  absl::Status status(code, absl::StrCat(Printable(text), " (", name, ")"));
  status.SetPayload(kPayload, absl::Cord(name));
  return status;
}

absl::Status Mine(ConnectionCause cause, const std::string& text) {
  return Found(absl::StatusCode::kInvalidArgument, cause, text);
}

absl::Status Theirs(ConnectionCause cause, const std::string& text) {
  return Found(absl::StatusCode::kUnavailable, cause, text);
}

Bio Open(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// Never asks for a passphrase.
int NoPassphrase(char*, int, int, void*) { return -1; }

// Reads all certificates of `pem`, and leaves no error behind.
std::vector<Certificate> ReadCertificates(const std::string& pem) {
  const Bio bio = Open(pem);
  std::vector<Certificate> certificates;
  while (X509* const next =
             PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr)) {
    certificates.emplace_back(next);
  }
  ERR_clear_error();
  return certificates;
}

Key ReadKey(const std::string& pem) {
  Key key(
      PEM_read_bio_PrivateKey(Open(pem).get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  return key;
}

std::string TextOf(const X509_NAME* name) {
  const Bio bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, 0,
                     XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return Printable({data, static_cast<std::size_t>(size)}, kMaxNameBytes);
}

std::string TextOf(const ASN1_TIME* time) {
  tm utc{};
  if (ASN1_TIME_to_tm(time, &utc) != 1) return "an unknown time";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ",
                          absl::FromTM(utc, absl::UTCTimeZone()),
                          absl::UTCTimeZone());
}

// The names and addresses that a certificate is for.
std::string NamesIn(const X509* certificate) {
  std::vector<std::string> names;
  auto* const all = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const Bio bio(BIO_new(BIO_s_mem()));
    GENERAL_NAME_print(bio.get(), sk_GENERAL_NAME_value(all, i));
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    names.push_back(
        Printable({data, static_cast<std::size_t>(size)}, kMaxNameBytes));
    if (names.size() == kMaxNames) {
      names.push_back("...");
      break;
    }
  }
  GENERAL_NAMES_free(all);
  return names.empty() ? TextOf(X509_get_subject_name(certificate))
                       : absl::StrJoin(names, ", ");
}

// OpenSSL writes to a socket as it is: a peer that is gone must not end the
// program.
class NoPipeSignal {
 public:
  NoPipeSignal() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoPipeSignal() {
    const timespec now{};
    sigtimedwait(&pipe_, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
};

class Socket {
 public:
  Socket(int family, int protocol)
      : fd_(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                   protocol)) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

// Whether `fd` is ready for `events` before `deadline`.
bool WaitFor(int fd, short events, absl::Time deadline) {
  for (;;) {
    const auto left = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left <= 0) return false;
    pollfd one{.fd = fd, .events = events, .revents = 0};
    const int ready = poll(&one, 1, static_cast<int>(left));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

// Connects; returns 0 or what errno says.
int Connect(const Socket& socket, const sockaddr* address, socklen_t size,
            absl::Time deadline) {
  if (socket.fd() < 0) return errno;
  if (connect(socket.fd(), address, size) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (!WaitFor(socket.fd(), POLLOUT, deadline)) return ETIMEDOUT;
  int error = 0;
  socklen_t length = sizeof(error);
  getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

// Does a step of TLS until it is through; 1, 0 for the deadline, or -1 with an
// error of OpenSSL.
int Through(const SSL* ssl, absl::Time deadline,
            const std::function<int()>& step) {
  for (;;) {
    ERR_clear_error();
    const int result = step();
    if (result > 0) return 1;
    const int error = SSL_get_error(ssl, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      return -1;
    }
    if (!WaitFor(SSL_get_fd(ssl),
                 error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline)) {
      return 0;
    }
  }
}

absl::Status UnixSocketCause(const Endpoint& endpoint, absl::Time deadline) {
  const std::string path(absl::StripPrefix(endpoint.address, "unix:"));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return Theirs(ConnectionCause::kAddressMalformed,
                  absl::StrCat("'", path, "' cannot be the path of a socket"));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const Socket socket(AF_UNIX, 0);
  switch (const int error =
              Connect(socket, reinterpret_cast<const sockaddr*>(&address),
                      sizeof(address), deadline)) {
    case 0:
      return absl::OkStatus();
    case EACCES:
    case EPERM:
      return Theirs(ConnectionCause::kSocketForbidden,
                    absl::StrCat(path,
                                 ": this user may not use it: are you in "
                                 "the socket's group?"));
    case ENOENT:
    case ENOTDIR:
      return Theirs(ConnectionCause::kNoSocket,
                    absl::StrCat("there is no socket ", path,
                                 ": does trustd run with one?"));
    case ECONNREFUSED:
      return Theirs(ConnectionCause::kNobodyListens,
                    absl::StrCat("nobody listens at ", path));
    default:
      return Theirs(ConnectionCause::kNoAnswer,
                    absl::StrCat(path, ": ", std::strerror(error)));
  }
}

// What this side trusts and shows.
Context MakeContext(const Endpoint& endpoint) {
  Context context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return context;
  // Who the server is, is looked at afterwards.
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  static constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context.get(), kHttp2, sizeof(kHttp2));
  if (endpoint.roots_pem.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else {
    X509_STORE* const store = SSL_CTX_get_cert_store(context.get());
    for (const Certificate& root : ReadCertificates(endpoint.roots_pem)) {
      X509_STORE_add_cert(store, root.get());
    }
  }
  std::vector<Certificate> chain = ReadCertificates(endpoint.certificate_pem);
  if (chain.empty()) return context;
  SSL_CTX_use_certificate(context.get(), chain.front().get());
  for (std::size_t i = 1; i < chain.size(); ++i) {
    SSL_CTX_add1_chain_cert(context.get(), chain[i].get());
  }
  SSL_CTX_use_PrivateKey(context.get(), ReadKey(endpoint.key_pem).get());
  return context;
}

// What the server says of this side's certificate, by an alert.
absl::Status AlertCause(const Endpoint& endpoint, int reason) {
  switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return Theirs(ConnectionCause::kClientCertificateMissing,
                    absl::StrCat(endpoint.address,
                                 " asks for a client certificate, and there "
                                 "is none: --client-cert, --client-key"));
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return Theirs(ConnectionCause::kClientCaUnknown,
                    absl::StrCat(endpoint.address,
                                 " does not know the CA of --client-cert: its "
                                 "'client_ca_path' is not of who issued it"));
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
      if (endpoint.certificate_pem.empty()) {
        return AlertCause(endpoint, SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED);
      }
      return Theirs(ConnectionCause::kClientCertificateRefused,
                    absl::StrCat(endpoint.address,
                                 " refuses --client-cert: is it of a CA in its "
                                 "'client_ca_path', for "
                                 "clients, and good today?"));
    default:
      return absl::OkStatus();
  }
}

// Who the server is, by what OpenSSL found of its certificate.
absl::Status ServerCause(const SSL* ssl, const Endpoint& endpoint,
                         const std::string& host) {
  const Certificate certificate(SSL_get1_peer_certificate(ssl));
  const long found = SSL_get_verify_result(ssl);
  if (certificate == nullptr || found == X509_V_OK) return absl::OkStatus();
  switch (found) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Theirs(
          ConnectionCause::kServerNameOther,
          absl::StrCat("the certificate of ", endpoint.address, " is for ",
                       NamesIn(certificate.get()), ", and not for ", host));
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Theirs(
          ConnectionCause::kServerCertificateEnded,
          absl::StrCat(
              "the certificate of ", endpoint.address, " is good from ",
              TextOf(X509_get0_notBefore(certificate.get())), " to ",
              TextOf(X509_get0_notAfter(certificate.get())), ", and now it is ",
              absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(),
                               absl::UTCTimeZone())));
    default:
      return Theirs(
          ConnectionCause::kServerCaUnknown,
          absl::StrCat(
              "the certificate of ", endpoint.address, " is not of a CA in ",
              endpoint.roots_pem.empty()
                  ? "this machine's list (is --tls-roots missing?)"
                  : "--tls-roots",
              ": ", X509_verify_cert_error_string(found), "; it was issued by ",
              TextOf(X509_get_issuer_name(certificate.get()))));
  }
}

absl::Status TlsCause(const Endpoint& endpoint, const std::string& host, int fd,
                      absl::Time deadline) {
  const Context context = MakeContext(endpoint);
  const Ssl ssl(context != nullptr ? SSL_new(context.get()) : nullptr);
  if (ssl == nullptr) return absl::OkStatus();
  SSL_set_fd(ssl.get(), fd);
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), host.c_str()) !=
      1) {
    SSL_set1_host(ssl.get(), host.c_str());
    SSL_set_tlsext_host_name(ssl.get(), host.c_str());
  }
  const absl::Status silent = Theirs(
      ConnectionCause::kNoAnswer,
      absl::StrCat(endpoint.address, " takes connections and says nothing"));
  int done =
      Through(ssl.get(), deadline, [&ssl] { return SSL_connect(ssl.get()); });
  if (done == 0) return silent;
  if (done < 0) {
    const unsigned long error = ERR_peek_error();
    const int reason = ERR_GET_REASON(error);
    // An alert is TLS, and so is a certificate.
    if (reason < SSL_AD_REASON_OFFSET &&
        SSL_get0_peer_certificate(ssl.get()) == nullptr) {
      // A connection that is lost says nothing of what is spoken.
      if (error == 0 || ERR_SYSTEM_ERROR(error) ||
          reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        return Theirs(ConnectionCause::kNoAnswer,
                      absl::StrCat(endpoint.address,
                                   " ends connections without an answer: is "
                                   "trustd stopping, or is this another port "
                                   "than that for people?"));
      }
      return Theirs(ConnectionCause::kNotTls,
                    absl::StrCat(endpoint.address,
                                 " does not speak TLS: is this the port of "
                                 "the listener for people?"));
    }
    return AlertCause(endpoint, reason);
  }
  if (absl::Status s = ServerCause(ssl.get(), endpoint, host); !s.ok()) {
    return s;
  }
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl.get(), &protocol, &size);
  if (size == 0) {
    return Theirs(ConnectionCause::kNotGrpc,
                  absl::StrCat(endpoint.address,
                               " speaks TLS, but not gRPC: is this the port "
                               "of the listener for people?"));
  }
  // TLS 1.3 refuses a client only now.
  char byte = 0;
  done = Through(ssl.get(), deadline,
                 [&] { return SSL_read(ssl.get(), &byte, 1); });
  if (done >= 0) return absl::OkStatus();
  const absl::Status alert =
      AlertCause(endpoint, ERR_GET_REASON(ERR_peek_error()));
  if (!alert.ok()) return alert;
  // gRPC refuses a client without an alert, and greets all others.
  return AlertCause(endpoint, SSL_R_SSLV3_ALERT_BAD_CERTIFICATE);
}

}  // namespace

std::string_view NameOf(ConnectionCause cause) {
  for (const auto& row : kNames) {
    if (row.cause == cause) return row.name;
  }
  return "";
}

std::optional<ConnectionCause> CauseOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return std::nullopt;
  for (const auto& row : kNames) {
    if (*payload == absl::string_view(row.name.data(), row.name.size())) {
      return row.cause;
    }
  }
  return std::nullopt;
}

absl::Status CheckOwnFiles(const Endpoint& endpoint) {
  if (!endpoint.roots_pem.empty() &&
      ReadCertificates(endpoint.roots_pem).empty()) {
    return Mine(ConnectionCause::kRootsUnreadable,
                "--tls-roots has no certificate in PEM");
  }
  if (endpoint.certificate_pem.empty() && endpoint.key_pem.empty()) {
    return absl::OkStatus();
  }
  const auto chain = ReadCertificates(endpoint.certificate_pem);
  if (chain.empty()) {
    return Mine(ConnectionCause::kCertificateUnreadable,
                "--client-cert has no certificate in PEM");
  }
  X509* const certificate = chain.front().get();
  const Key key = ReadKey(endpoint.key_pem);
  if (key == nullptr) {
    return Mine(ConnectionCause::kKeyUnreadable,
                "--client-key has no private key in PEM that can be used "
                "without a passphrase");
  }
  if (X509_check_private_key(certificate, key.get()) != 1) {
    ERR_clear_error();
    return Mine(ConnectionCause::kKeyOfAnother,
                absl::StrCat("the key in --client-key does not belong to the "
                             "certificate in --client-cert, which is of ",
                             TextOf(X509_get_subject_name(certificate))));
  }
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
    return Mine(ConnectionCause::kCertificateEnded,
                absl::StrCat("the certificate in --client-cert ended ",
                             TextOf(X509_get0_notAfter(certificate))));
  }
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
    return Mine(ConnectionCause::kCertificateNotYet,
                absl::StrCat("the certificate in --client-cert is good from ",
                             TextOf(X509_get0_notBefore(certificate)),
                             " on: is this machine's clock right?"));
  }
  return absl::OkStatus();
}

absl::Status FindConnectionCause(const Endpoint& endpoint,
                                 absl::Duration limit) {
  const NoPipeSignal no_signal;
  const absl::Time deadline = absl::Now() + limit;
  if (endpoint.is_unix_socket()) return UnixSocketCause(endpoint, deadline);
  const auto address = anchors::ParseHostPort(endpoint.address);
  if (!address.has_value()) {
    return Theirs(ConnectionCause::kAddressMalformed,
                  absl::StrCat("'", endpoint.address, "' is not HOST:PORT"));
  }
  absl::string_view host = address->host;
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* all = nullptr;
  if (getaddrinfo(std::string(host).c_str(),
                  absl::StrCat(address->port).c_str(), &hints, &all) != 0) {
    return Theirs(
        ConnectionCause::kNameUnresolved,
        absl::StrCat("no address is known for the name ", std::string(host)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(
      all, &freeaddrinfo);
  int error = 0;
  for (const addrinfo* at = all; at != nullptr; at = at->ai_next) {
    const Socket socket(at->ai_family, at->ai_protocol);
    error = Connect(socket, at->ai_addr, at->ai_addrlen, deadline);
    if (error == 0) {
      return TlsCause(endpoint, std::string(host), socket.fd(), deadline);
    }
  }
  if (error == ECONNREFUSED) {
    return Theirs(ConnectionCause::kNobodyListens,
                  absl::StrCat("nobody listens at ", endpoint.address));
  }
  return Theirs(ConnectionCause::kNoAnswer,
                absl::StrCat("no answer from ", endpoint.address, ": ",
                             std::strerror(error)));
}

}  // namespace anchorage::trustctl
