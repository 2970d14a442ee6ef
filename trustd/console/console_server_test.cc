#include "trustd/console/console_server.h"

#include <crypt.h>
#include <httplib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "anchors/base/atomic_file.h"
#include "test/support/mirror_fixture.h"
#include "test/support/test_authority.h"

namespace anchorage::trustd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ConsoleServerTest : public MirrorTest {
 protected:
  // With TLS, and certificates or the password "correct horse" of "night".
  enum class By { kNobody, kCertificate, kPassword };

  void Serve(By by, const ConsoleServer::Options& options = {}) {
    settings_.listen_address = "127.0.0.1:0";
    settings_.host_names = {"trustd.example"};
    if (by != By::kNobody) {
      const TlsIdentity own =
          servers_.Issue({.names = {"console"},
                          .alternative_names = "IP:127.0.0.1",
                          .purpose = "serverAuth"});
      settings_.tls_certificate_path = Write("tls.pem", own.certificate);
      settings_.tls_key_path = Write("tls.key", own.key);
    }
    if (by == By::kCertificate) {
      settings_.client_ca_path = Write("people.pem", people_.pem());
    }
    if (by == By::kPassword) {
      settings_.user = "night";
      char setting[CRYPT_GENSALT_OUTPUT_SIZE];
      crypt_gensalt_rn("$2b$", 10, "0123456789abcdef", 16, setting,
                       sizeof(setting));
      crypt_data room{};
      settings_.password_hash_path =
          Write("hash", crypt_r("correct horse", setting, &room));
    }
    auto server = ConsoleServer::Start(
        settings_,
        {{"vera", {.role = v1::Person::ROLE_VIEWER}},
         {"ines", {.role = v1::Person::ROLE_INSTANCE}},
         {"pia",
          {.role = v1::Person::ROLE_VIEWER,
           .certificate_sha256 = {std::string(64, 'a')}}}},
        {.clock = [this] { return now_; }, .mirror = *mirror_, .hub = hub_},
        options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_ + "/" + name;
    EXPECT_TRUE(anchors::WriteFileAtomically(path, text).ok());
    std::filesystem::permissions(path, std::filesystem::perms::owner_read |
                                           std::filesystem::perms::owner_write);
    return path;
  }

  int Port() const {
    const std::string& address = server_->address();
    return std::stoi(address.substr(address.rfind(':') + 1));
  }
  httplib::Client Plain() const { return httplib::Client("127.0.0.1", Port()); }
  // With the certificate of `name`; empty: none.
  std::unique_ptr<httplib::SSLClient> Tls(const std::string& name = "") {
    std::unique_ptr<httplib::SSLClient> client;
    if (name.empty()) {
      client = std::make_unique<httplib::SSLClient>("127.0.0.1", Port());
    } else {
      const TlsIdentity identity = people_.Issue({.names = {name}});
      client = std::make_unique<httplib::SSLClient>(
          "127.0.0.1", Port(), Write("client.pem", identity.certificate),
          Write("client.key", identity.key));
    }
    const std::string roots = Write("roots.pem", servers_.pem());
    client->set_ca_cert_path(roots.c_str());
    client->enable_server_certificate_verification(true);
    return client;
  }

  // Sends bytes, and returns all that comes.
  std::string Exchange(const std::string& bytes) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(Port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&address),
                        sizeof(address)),
              0);
    return Talk(socket, bytes);
  }

  static std::string Talk(int socket, const std::string& bytes) {
    ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    std::string answer;
    char buffer[4096];
    for (ssize_t got = 0;
         (got = ::recv(socket, buffer, sizeof(buffer), 0)) > 0;) {
      answer.append(buffer, static_cast<std::size_t>(got));
    }
    ::close(socket);
    return answer;
  }

  const TestAuthority servers_{"servers"};
  const TestAuthority people_{"people"};
  ConsoleSettings settings_;
  std::unique_ptr<ConsoleServer> server_;
};

TEST_F(ConsoleServerTest, SendsWhatKeepsAPageToItself) {
  Serve(By::kNobody);
  auto client = Plain();
  for (const char* path : {"/", "/nowhere", "/style.css", "/icon.svg"}) {
    const auto answer = client.Get(path);
    ASSERT_TRUE(answer) << path;
    EXPECT_EQ(answer->get_header_value("Content-Security-Policy"),
              "default-src 'none'; style-src 'self'; img-src 'self'; "
              "form-action 'none'; frame-ancestors 'none'; base-uri 'none'");
    EXPECT_EQ(answer->get_header_value("Cache-Control"), "no-store");
    EXPECT_EQ(answer->get_header_value("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(answer->get_header_value("Referrer-Policy"), "no-referrer");
    EXPECT_EQ(answer->get_header_value("Cross-Origin-Resource-Policy"),
              "same-origin");
    EXPECT_FALSE(answer->has_header("Set-Cookie"));
    EXPECT_FALSE(answer->has_header("Access-Control-Allow-Origin"));
  }
}

TEST_F(ConsoleServerTest, AnswersOnlyToItsNames) {
  Serve(By::kNobody);
  auto client = Plain();
  const std::string port = absl::StrCat(":", Port());
  for (const std::string& host :
       {std::string("localhost"), "127.0.0.1" + port, "[::1]" + port,
        "TRUSTD.example" + port, std::string("trustd.example")}) {
    EXPECT_EQ(client.Get("/", {{"Host", host}})->status, 200) << host;
  }
  for (const std::string& host :
       {std::string("evil.example"), std::string("localhost.evil.example"),
        std::string("127.0.0.1.evil.example"), std::string("trustd.example:x"),
        std::string("evil.example#trustd.example"), std::string("[::1"),
        std::string("[::1]x"), std::string("trustd.example:1:2")}) {
    const auto answer = client.Get("/", {{"Host", host}});
    EXPECT_EQ(answer->status, 421) << host;
    EXPECT_THAT(answer->body, Not(HasSubstr("Everything"))) << host;
  }
  EXPECT_THAT(Exchange("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"),
              HasSubstr("HTTP/1.1 400 "));
  EXPECT_THAT(Exchange("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost"
                       "\r\nConnection: close\r\n\r\n"),
              HasSubstr("HTTP/1.1 400 "));
}

TEST_F(ConsoleServerTest, IsNotLocalUnderLocalNamesElsewhere) {
  settings_.is_local = false;
  Serve(By::kNobody);
  EXPECT_EQ(Plain().Get("/", {{"Host", "localhost"}})->status, 421);
  EXPECT_EQ(Plain().Get("/", {{"Host", "trustd.example"}})->status, 200);
}

TEST_F(ConsoleServerTest, ChangesNothing) {
  Serve(By::kNobody);
  auto client = Plain();
  for (const auto& answer :
       {client.Post("/", "a=b", "application/x-www-form-urlencoded"),
        client.Put("/changes/1", "x", "text/plain"), client.Delete("/record"),
        client.Options("/")}) {
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 405);
    EXPECT_EQ(answer->get_header_value("Allow"), "GET, HEAD");
  }
  const auto head = client.Head("/");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->body, "");
}

TEST_F(ConsoleServerTest, RefusesWhatIsTooLong) {
  Serve(By::kNobody);
  EXPECT_THAT(Exchange("GET /" + std::string(2000, 'a') +
                       " HTTP/1.1\r\nHost: localhost\r\n\r\nConnection: "
                       "close\r\n\r\n"),
              HasSubstr("HTTP/1.1 400 "));
  EXPECT_THAT(Exchange("GET / HTTP/1.1\r\nHost: localhost\r\nX: " +
                       std::string(20'000, 'a')),
              HasSubstr("HTTP/1.1 400 "));
  EXPECT_THAT(Exchange("\x16\x03\x01 hello\r\n\r\n"),
              HasSubstr("HTTP/1.1 400 "));
}

TEST_F(ConsoleServerTest, WaitsForNobodyForLong) {
  ConsoleServer::Options options;
  options.limits.request_time = absl::Milliseconds(200);
  options.limits.idle_time = absl::Milliseconds(200);
  Serve(By::kNobody, options);
  EXPECT_EQ(Exchange("GET / HTTP/1.1\r\nHost: local"), "");
  EXPECT_EQ(Exchange(""), "");
}

TEST_F(ConsoleServerTest, WaitsForNoHandshakeForLong) {
  ConsoleServer::Options options;
  options.limits.idle_time = absl::Milliseconds(200);
  Serve(By::kPassword, options);
  EXPECT_EQ(Exchange("\x16\x03\x01"), "");
  EXPECT_EQ(Exchange(""), "");
}

TEST_F(ConsoleServerTest, HasRoomForSoMany) {
  std::vector<std::string> shed;
  absl::Mutex mutex;
  ConsoleServer::Options options;
  options.connections = 2;
  options.shed = [&](const std::string& what) {
    const absl::MutexLock lock(&mutex);
    shed.push_back(what);
  };
  Serve(By::kNobody, options);
  auto first = Plain();
  auto second = Plain();
  first.set_keep_alive(true);
  second.set_keep_alive(true);
  ASSERT_TRUE(first.Get("/"));
  ASSERT_TRUE(second.Get("/"));
  EXPECT_FALSE(Plain().Get("/"));
  const absl::MutexLock lock(&mutex);
  EXPECT_THAT(shed, ::testing::Contains("connections_all"));
}

TEST_F(ConsoleServerTest, ACertificateSaysWhoReads) {
  Serve(By::kCertificate);
  const auto answer = Tls("vera")->Get("/");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_THAT(answer->get_header_value("Strict-Transport-Security"),
              HasSubstr("max-age="));
  // Whose role may not look, and whom the configuration does not have.
  EXPECT_EQ(Tls("ines")->Get("/")->status, 403);
  EXPECT_EQ(Tls("mallory")->Get("/")->status, 403);
  // Of whom another certificate counts.
  EXPECT_EQ(Tls("pia")->Get("/")->status, 403);
  EXPECT_THAT(Tls("mallory")->Get("/")->body, Not(HasSubstr("Sequence")));
}

TEST_F(ConsoleServerTest, WithoutACertificateThereIsNoConnection) {
  Serve(By::kCertificate);
  EXPECT_FALSE(Tls()->Get("/"));
  EXPECT_FALSE(Plain().Get("/"));
  const TestAuthority others("people");
  const TlsIdentity forged = others.Issue({.names = {"vera"}});
  httplib::SSLClient client("127.0.0.1", Port(),
                            Write("forged.pem", forged.certificate),
                            Write("forged.key", forged.key));
  client.enable_server_certificate_verification(false);
  EXPECT_FALSE(client.Get("/"));
}

TEST_F(ConsoleServerTest, TwoNamesAreNone) {
  Serve(By::kCertificate);
  const TlsIdentity two = people_.Issue({.names = {"vera", "vera"}});
  httplib::SSLClient client("127.0.0.1", Port(),
                            Write("two.pem", two.certificate),
                            Write("two.key", two.key));
  client.enable_server_certificate_verification(false);
  EXPECT_EQ(client.Get("/")->status, 403);
}

TEST_F(ConsoleServerTest, APasswordSaysWhoReads) {
  Serve(By::kPassword);
  auto client = Tls();
  const auto asked = client->Get("/");
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->status, 401);
  EXPECT_THAT(asked->get_header_value("WWW-Authenticate"),
              HasSubstr("Basic realm="));
  client->set_basic_auth("night", "wrong");
  EXPECT_EQ(client->Get("/")->status, 401);
  client->set_basic_auth("night", "correct horse");
  EXPECT_EQ(client->Get("/")->status, 200);
  EXPECT_EQ(client->Get("/style.css")->status, 200);
}

TEST_F(ConsoleServerTest, CountsWhomItRefuses) {
  std::vector<std::string> shed;
  absl::Mutex mutex;
  ConsoleServer::Options options;
  options.shed = [&](const std::string& what) {
    const absl::MutexLock lock(&mutex);
    shed.push_back(what);
  };
  Serve(By::kPassword, options);
  auto client = Tls();
  // That a browser asks without a password is no wrong one.
  ASSERT_EQ(client->Get("/")->status, 401);
  client->set_basic_auth("night", "correct horse");
  ASSERT_EQ(client->Get("/")->status, 200);
  client->set_basic_auth("night", "wrong");
  ASSERT_EQ(client->Get("/")->status, 401);
  ASSERT_EQ(client->Get("/", {{"Host", "evil.example"}})->status, 421);
  while (client->Get("/")->status == 401) {
  }
  const absl::MutexLock lock(&mutex);
  ASSERT_GE(shed.size(), 3u);
  EXPECT_EQ(shed[0], "password");
  EXPECT_EQ(shed[1], "host");
  EXPECT_EQ(shed.back(), "password_rate");
}

TEST_F(ConsoleServerTest, CountsCertificatesOfNobodyWhoMayLook) {
  std::vector<std::string> shed;
  absl::Mutex mutex;
  ConsoleServer::Options options;
  options.shed = [&](const std::string& what) {
    const absl::MutexLock lock(&mutex);
    shed.push_back(what);
  };
  Serve(By::kCertificate, options);
  ASSERT_EQ(Tls("ines")->Get("/")->status, 403);
  const absl::MutexLock lock(&mutex);
  EXPECT_EQ(shed, std::vector<std::string>{"certificate"});
}

TEST_F(ConsoleServerTest, ListensOnASocket) {
  // A test's own folder is too long for the path of a socket.
  char folder[] = "/tmp/consoleXXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  settings_.unix_socket = absl::StrCat(folder, "/console.sock");
  Serve(By::kNobody);
  EXPECT_EQ(server_->address(), settings_.unix_socket);
  struct stat found {};
  ASSERT_EQ(::stat(server_->address().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0660u);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  server_->address().copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(
      ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
      0);
  EXPECT_THAT(Talk(socket,
                   "GET / HTTP/1.1\r\nHost: localhost:7445\r\n"
                   "Connection: close\r\n\r\n"),
              HasSubstr("HTTP/1.1 200 OK"));
  server_.reset();
  std::filesystem::remove_all(folder);
}

TEST_F(ConsoleServerTest, ReadsItsCertificateAgain) {
  Serve(By::kPassword);
  const TestAuthority others("other servers");
  const TlsIdentity next = others.Issue({.names = {"console"},
                                         .alternative_names = "IP:127.0.0.1",
                                         .purpose = "serverAuth"});
  Write("tls.key", next.key);
  Write("tls.pem", next.certificate);
  httplib::SSLClient client("127.0.0.1", Port());
  const std::string roots = Write("other-roots.pem", others.pem());
  client.set_ca_cert_path(roots.c_str());
  client.enable_server_certificate_verification(true);
  bool is_new = false;
  for (int i = 0; i < 200 && !is_new; ++i) {
    is_new = static_cast<bool>(client.Get("/"));
    if (!is_new) absl::SleepFor(absl::Milliseconds(100));
  }
  EXPECT_TRUE(is_new);
}

TEST_F(ConsoleServerTest, TheSameConnectionAsksForMany) {
  Serve(By::kCertificate);
  auto client = Tls("vera");
  client->set_keep_alive(true);
  for (int i = 0; i < 5; ++i) {
    const auto answer = client->Get(i % 2 == 0 ? "/anchors" : "/");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
  }
}

TEST_F(ConsoleServerTest, BelievesTheNewCaAlone) {
  Serve(By::kCertificate);
  auto client = Tls("vera");
  EXPECT_TRUE(client->Get("/"));
  const TestAuthority others("other people");
  Write("people.pem", others.pem());
  // It is read again within a second or two.
  bool is_refused = false;
  for (int i = 0; i < 100 && !is_refused; ++i) {
    absl::SleepFor(absl::Milliseconds(100));
    is_refused = !Tls("vera")->Get("/");
  }
  EXPECT_TRUE(is_refused);
}

TEST_F(ConsoleServerTest, RefusesFilesThatAreNotWhatTlsNeeds) {
  Serve(By::kPassword);
  ConsoleSettings settings = settings_;
  const Site::Readers readers = {
      .clock = [this] { return now_; }, .mirror = *mirror_, .hub = hub_};
  const auto code = [&] {
    return ConsoleServer::Start(settings, {}, readers).status().code();
  };
  settings.tls_key_path =
      Write("other.key", people_.Issue({.names = {"a"}}).key);
  EXPECT_EQ(code(), absl::StatusCode::kInvalidArgument);
  settings = settings_;
  settings.tls_certificate_path = Write("empty.pem", "");
  EXPECT_EQ(code(), absl::StatusCode::kInvalidArgument);
  settings = settings_;
  settings.client_ca_path = settings.tls_key_path;
  EXPECT_EQ(code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace anchorage::trustd
