#include "test/support/hostile_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace anchorage::trustd {
namespace {

constexpr std::size_t kMaxRequestBytes = 16 * 1024;

}  // namespace

bool Peer::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const int put =
        ssl_ != nullptr
            ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
            : static_cast<int>(
                  ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

std::string Peer::Body() {
  std::size_t size = 0;
  EXPECT_TRUE(absl::SimpleAtoi(Header("Content-Length"), &size));
  const std::size_t begin = request.find("\r\n\r\n") + 4;
  char buffer[4096];
  while (request.size() < begin + size) {
    const auto got = ::recv(fd_, buffer, sizeof(buffer), 0);
    if (got <= 0) break;
    request.append(buffer, static_cast<std::size_t>(got));
  }
  return request.substr(begin, size);
}

void Peer::WaitForClose() {
  char buffer[256];
  while (::recv(fd_, buffer, sizeof(buffer), 0) > 0) {
  }
}

std::string Peer::Target() const {
  const std::size_t begin = request.find(' ') + 1;
  return request.substr(begin, request.find(' ', begin) - begin);
}

std::string Peer::Header(std::string_view name) const {
  const std::string key = absl::StrCat("\r\n", std::string(name), ": ");
  const std::size_t found = request.find(key);
  if (found == std::string::npos) return "";
  const std::size_t begin = found + key.size();
  return request.substr(begin, request.find("\r\n", begin) - begin);
}

TestIdentity MakeTestIdentity(const std::string& address, absl::Time begins) {
  TestIdentity identity;
  identity.key = {EVP_EC_gen("P-256"), &EVP_PKEY_free};
  identity.certificate = {X509_new(), &X509_free};
  X509* const x509 = identity.certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  ASN1_TIME_set(X509_getm_notBefore(x509), absl::ToTimeT(begins));
  ASN1_TIME_set(X509_getm_notAfter(x509),
                absl::ToTimeT(begins + absl::Hours(24)));
  X509_NAME* const name = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(
      name, "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>("test server"), -1, -1, 0);
  X509_set_issuer_name(x509, name);
  X509_set_pubkey(x509, identity.key.get());
  X509_EXTENSION* const names = X509V3_EXT_conf_nid(
      nullptr, nullptr, NID_subject_alt_name, ("IP:" + address).c_str());
  X509_add_ext(x509, names, -1);
  X509_EXTENSION_free(names);
  EXPECT_GT(X509_sign(x509, identity.key.get(), EVP_sha256()), 0);

  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, x509);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  identity.pem.assign(text, static_cast<std::size_t>(size));
  BIO_free(bio);
  return identity;
}

HostileServer::HostileServer(Script script, int port)
    : script_(std::move(script)) {
  Listen(port);
}

HostileServer::HostileServer(Script script, const TestIdentity& identity)
    : script_(std::move(script)),
      tls_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free) {
  EXPECT_EQ(SSL_CTX_use_certificate(tls_.get(), identity.certificate.get()), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(tls_.get(), identity.key.get()), 1);
  Listen(0);
}

HostileServer::~HostileServer() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    if (active_ >= 0) ::shutdown(active_, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

std::string HostileServer::Url(std::string_view path) const {
  return absl::StrCat(tls_ != nullptr ? "https" : "http",
                      "://127.0.0.1:", port_, std::string(path));
}

std::vector<std::string> HostileServer::targets() const {
  absl::MutexLock lock(&mutex_);
  return targets_;
}

void HostileServer::Listen(int port) {
  // As trustd does: OpenSSL writes to connections that the peer has closed.
  ::signal(SIGPIPE, SIG_IGN);
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // So that a port can be had again at once.
  const int yes = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(
      ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
      0);
  EXPECT_EQ(::listen(listener_, 8), 0);
  socklen_t size = sizeof(address);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread(&HostileServer::Serve, this);
}

void HostileServer::Serve() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) {
        ::close(fd);
        return;
      }
      active_ = fd;
    }
    Talk(fd);
    absl::MutexLock lock(&mutex_);
    active_ = -1;
    ::close(fd);
  }
}

void HostileServer::Talk(int fd) {
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl(nullptr, &SSL_free);
  if (tls_ != nullptr) {
    ssl.reset(SSL_new(tls_.get()));
    SSL_set_fd(ssl.get(), fd);
    if (SSL_accept(ssl.get()) != 1) return;
  }
  Peer peer(fd, ssl.get());
  char buffer[4096];
  while (peer.request.find("\r\n\r\n") == std::string::npos) {
    const int got =
        ssl != nullptr
            ? SSL_read(ssl.get(), buffer, sizeof(buffer))
            : static_cast<int>(::recv(fd, buffer, sizeof(buffer), 0));
    if (got <= 0 || peer.request.size() > kMaxRequestBytes) return;
    peer.request.append(buffer, static_cast<std::size_t>(got));
  }
  {
    absl::MutexLock lock(&mutex_);
    targets_.push_back(peer.Target());
  }
  script_(peer);
  if (ssl != nullptr) SSL_shutdown(ssl.get());
}

std::string Answer(std::string_view status,
                   const std::vector<std::string>& headers,
                   std::string_view body) {
  std::string answer =
      absl::StrCat("HTTP/1.1 ", std::string(status), "\r\nConnection: close",
                   "\r\nContent-Length: ", body.size(), "\r\n");
  for (const std::string& header : headers) {
    absl::StrAppend(&answer, header, "\r\n");
  }
  absl::StrAppend(&answer, "\r\n", std::string(body));
  return answer;
}

std::string Gzip(std::string_view plain) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9,
                         Z_DEFAULT_STRATEGY),
            Z_OK);
  std::string packed(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

}  // namespace anchorage::trustd
