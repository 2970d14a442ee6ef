// Each cause, against a listener that has it.

#include "tools/trustctl/connection_cause.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "test/support/test_authority.h"

namespace anchorage::trustctl {
namespace {

using trustd::TestAuthority;
using trustd::TlsIdentity;

// A listener on the loopback interface that answers one connection.
class Listener {
 public:
  enum class Kind { kTls, kTlsWithoutHttp2, kPlain, kSilent, kEnds };

  // A server of TLS has `identity`, and wants a client certificate of `people`
  // if that is not empty.
  Listener(Kind kind, const TlsIdentity& identity, const std::string& people)
      : kind_(kind), context_(SSL_CTX_new(TLS_server_method())) {
    signal(SIGPIPE, SIG_IGN);
    if (!identity.certificate.empty()) Use(identity, people);
    fd_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    listen(fd_, 8);
    socklen_t size = sizeof(address);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }

  ~Listener() {
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
    SSL_CTX_free(context_);
  }

  int port() const { return port_; }

 private:
  void Use(const TlsIdentity& identity, const std::string& people) {
    BIO* bio = BIO_new_mem_buf(identity.certificate.data(), -1);
    X509* const certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context_, certificate);
    X509_free(certificate);
    BIO_free(bio);
    bio = BIO_new_mem_buf(identity.key.data(), -1);
    EVP_PKEY* const key =
        PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_PrivateKey(context_, key);
    EVP_PKEY_free(key);
    BIO_free(bio);
    if (!people.empty()) {
      bio = BIO_new_mem_buf(people.data(), -1);
      X509* const authority = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), authority);
      X509_free(authority);
      BIO_free(bio);
      SSL_CTX_set_verify(
          context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    if (kind_ == Kind::kTls) {
      SSL_CTX_set_alpn_select_cb(
          context_,
          [](SSL*, const unsigned char** out, unsigned char* size,
             const unsigned char*, unsigned, void*) {
            *out = reinterpret_cast<const unsigned char*>("h2");
            *size = 2;
            return SSL_TLSEXT_ERR_OK;
          },
          nullptr);
    }
  }

  void Serve() {
    for (;;) {
      const int fd = accept(fd_, nullptr, nullptr);
      if (fd < 0) return;
      Talk(fd);
      close(fd);
    }
  }

  void Talk(int fd) {
    char byte = 0;
    if (kind_ == Kind::kSilent) {
      while (recv(fd, &byte, 1, 0) > 0) {
      }
    } else if (kind_ == Kind::kEnds) {
      recv(fd, &byte, 1, 0);
    } else if (kind_ == Kind::kPlain) {
      constexpr char kAnswer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
      send(fd, kAnswer, sizeof(kAnswer) - 1, 0);
      while (recv(fd, &byte, 1, 0) > 0) {
      }
    } else {
      SSL* const ssl = SSL_new(context_);
      SSL_set_fd(ssl, fd);
      if (SSL_accept(ssl) == 1) {
        SSL_write(ssl, "x", 1);
        SSL_read(ssl, &byte, 1);
      }
      SSL_free(ssl);
      ERR_clear_error();
    }
  }

  const Kind kind_;
  SSL_CTX* const context_;
  int fd_ = -1;
  int port_ = 0;
  std::thread thread_;
};

class ConnectionCauseTest : public ::testing::Test {
 protected:
  ConnectionCauseTest()
      : servers_("servers"), people_("people"), strangers_("strangers") {
    server_ = servers_.Issue({.names = {"trustd"},
                              .alternative_names = "IP:127.0.0.1",
                              .purpose = "serverAuth"});
    const TlsIdentity alice = people_.Issue({.names = {"alice"}});
    endpoint_ = {.address = "",
                 .roots_pem = servers_.pem(),
                 .certificate_pem = alice.certificate,
                 .key_pem = alice.key};
  }

  // What is found at a listener that wants people.
  std::optional<ConnectionCause> Find(
      Listener::Kind kind = Listener::Kind::kTls,
      absl::Duration limit = absl::Seconds(30)) {
    const Listener listener(kind, server_, people_.pem());
    endpoint_.address = absl::StrCat(host_, ":", listener.port());
    const absl::Status found = FindConnectionCause(endpoint_, limit);
    EXPECT_EQ(found.ok(), !CauseOf(found).has_value()) << found;
    return CauseOf(found);
  }

  std::optional<ConnectionCause> Check() {
    const absl::Status checked = CheckOwnFiles(endpoint_);
    EXPECT_EQ(checked.ok(), !CauseOf(checked).has_value()) << checked;
    return CauseOf(checked);
  }

  TestAuthority servers_;
  TestAuthority people_;
  TestAuthority strangers_;
  TlsIdentity server_;
  Endpoint endpoint_;
  std::string host_ = "127.0.0.1";
};

TEST_F(ConnectionCauseTest, NothingIsWrong) {
  EXPECT_EQ(Check(), std::nullopt);
  EXPECT_EQ(Find(), std::nullopt);
}

TEST_F(ConnectionCauseTest, TheCaDoesNotKnowTheServer) {
  endpoint_.roots_pem = strangers_.pem();
  EXPECT_EQ(Find(), ConnectionCause::kServerCaUnknown);
}

TEST_F(ConnectionCauseTest, TheServersNameIsNotInItsCertificate) {
  host_ = "localhost";
  EXPECT_EQ(Find(), ConnectionCause::kServerNameOther);
}

TEST_F(ConnectionCauseTest, TheServersAddressIsNotInItsCertificate) {
  server_ = servers_.Issue({.names = {"trustd"},
                            .alternative_names = "IP:127.0.0.2",
                            .purpose = "serverAuth"});
  EXPECT_EQ(Find(), ConnectionCause::kServerNameOther);
}

TEST_F(ConnectionCauseTest, TheServersCertificateEnded) {
  server_ = servers_.Issue({.names = {"trustd"},
                            .alternative_names = "IP:127.0.0.1",
                            .purpose = "serverAuth",
                            .not_after = absl::Now() - absl::Minutes(1)});
  EXPECT_EQ(Find(), ConnectionCause::kServerCertificateEnded);
}

TEST_F(ConnectionCauseTest, NotTlsThere) {
  EXPECT_EQ(Find(Listener::Kind::kPlain), ConnectionCause::kNotTls);
}

TEST_F(ConnectionCauseTest, NotGrpcThere) {
  EXPECT_EQ(Find(Listener::Kind::kTlsWithoutHttp2), ConnectionCause::kNotGrpc);
}

TEST_F(ConnectionCauseTest, NoAnswer) {
  EXPECT_EQ(Find(Listener::Kind::kSilent, absl::Milliseconds(50)),
            ConnectionCause::kNoAnswer);
}

TEST_F(ConnectionCauseTest, AnEndIsNoOtherProtocol) {
  EXPECT_EQ(Find(Listener::Kind::kEnds), ConnectionCause::kNoAnswer);
}

TEST_F(ConnectionCauseTest, NobodyListens) {
  int port = 0;
  {
    const Listener listener(Listener::Kind::kPlain, {}, "");
    port = listener.port();
  }
  endpoint_.address = absl::StrCat("127.0.0.1:", port);
  EXPECT_EQ(CauseOf(FindConnectionCause(endpoint_)),
            ConnectionCause::kNobodyListens);
}

TEST_F(ConnectionCauseTest, NoClientCertificate) {
  endpoint_.certificate_pem.clear();
  endpoint_.key_pem.clear();
  EXPECT_EQ(Check(), std::nullopt);
  EXPECT_EQ(Find(), ConnectionCause::kClientCertificateMissing);
}

TEST_F(ConnectionCauseTest, TheServerDoesNotKnowTheClientsCa) {
  const TlsIdentity mallory = strangers_.Issue({.names = {"mallory"}});
  endpoint_.certificate_pem = mallory.certificate;
  endpoint_.key_pem = mallory.key;
  EXPECT_EQ(Check(), std::nullopt);
  EXPECT_EQ(Find(), ConnectionCause::kClientCaUnknown);
}

TEST_F(ConnectionCauseTest, TheServerRefusesTheClientsCertificate) {
  const TlsIdentity wrong =
      people_.Issue({.names = {"alice"}, .purpose = "serverAuth"});
  endpoint_.certificate_pem = wrong.certificate;
  endpoint_.key_pem = wrong.key;
  EXPECT_EQ(Find(), ConnectionCause::kClientCertificateRefused);
}

TEST_F(ConnectionCauseTest, TheKeyDoesNotBelongToTheCertificate) {
  endpoint_.key_pem = people_.Issue({.names = {"bob"}}).key;
  EXPECT_EQ(Check(), ConnectionCause::kKeyOfAnother);
}

TEST_F(ConnectionCauseTest, TheCertificateEnded) {
  const TlsIdentity old = people_.Issue(
      {.names = {"alice"}, .not_after = absl::Now() - absl::Minutes(1)});
  endpoint_.certificate_pem = old.certificate;
  endpoint_.key_pem = old.key;
  EXPECT_EQ(Check(), ConnectionCause::kCertificateEnded);
}

TEST_F(ConnectionCauseTest, FilesThatCannotBeRead) {
  const Endpoint good = endpoint_;
  endpoint_.roots_pem = "no PEM";
  EXPECT_EQ(Check(), ConnectionCause::kRootsUnreadable);
  endpoint_ = good;
  endpoint_.certificate_pem = good.key_pem;
  EXPECT_EQ(Check(), ConnectionCause::kCertificateUnreadable);
  endpoint_ = good;
  endpoint_.key_pem = good.certificate_pem;
  EXPECT_EQ(Check(), ConnectionCause::kKeyUnreadable);
}

TEST_F(ConnectionCauseTest, AddressesThatAreNone) {
  for (const char* address : {"trustd", "trustd:", ":1", "trustd:99999"}) {
    endpoint_.address = address;
    EXPECT_EQ(CauseOf(FindConnectionCause(endpoint_)),
              ConnectionCause::kAddressMalformed)
        << address;
  }
}

TEST_F(ConnectionCauseTest, ANameThatNobodyKnows) {
  endpoint_.address = "no-such-host.invalid:1";
  EXPECT_EQ(CauseOf(FindConnectionCause(endpoint_)),
            ConnectionCause::kNameUnresolved);
}

TEST_F(ConnectionCauseTest, NamesOfAStrangerAreEscaped) {
  const TestAuthority strangers("\x1b[2J\nACCEPTED");
  server_ = strangers.Issue({.names = {"trustd"},
                             .alternative_names = "IP:127.0.0.1",
                             .purpose = "serverAuth"});
  const Listener listener(Listener::Kind::kTls, server_, people_.pem());
  endpoint_.address = absl::StrCat("127.0.0.1:", listener.port());
  const std::string text(FindConnectionCause(endpoint_).message());
  EXPECT_NE(text.find("ACCEPTED"), text.npos);
  EXPECT_EQ(text.find_first_of("\x1b\n"), text.npos);
}

class UnixSocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = "cause.sock";
    unlink(path_.c_str());
  }

  std::optional<ConnectionCause> Find() {
    return CauseOf(FindConnectionCause({.address = "unix:" + path_}));
  }

  // Leaves a socket at `path_`.
  int Bind() {
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof(address.sun_path) - 1);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
              0);
    return fd;
  }

  std::string path_;
};

TEST_F(UnixSocketTest, IsNotThere) {
  EXPECT_EQ(Find(), ConnectionCause::kNoSocket);
}

TEST_F(UnixSocketTest, NobodyListensAtIt) {
  close(Bind());
  EXPECT_EQ(Find(), ConnectionCause::kNobodyListens);
}

TEST_F(UnixSocketTest, Listens) {
  const int fd = Bind();
  listen(fd, 1);
  EXPECT_EQ(Find(), std::nullopt);
  close(fd);
}

TEST_F(UnixSocketTest, IsForOthers) {
  if (geteuid() == 0) GTEST_SKIP() << "root may use every socket";
  const int fd = Bind();
  listen(fd, 1);
  chmod(path_.c_str(), 0);
  EXPECT_EQ(Find(), ConnectionCause::kSocketForbidden);
  close(fd);
}

}  // namespace
}  // namespace anchorage::trustctl
