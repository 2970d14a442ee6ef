// The listener over its real port, as good and bad callers see it.

#include "trustd/serve/http/http_listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace anchorage::trustd {
namespace {

std::shared_ptr<const Publication> Good() {
  auto publication = std::make_shared<Publication>();
  publication->files.roots = {"root 1"};
  publication->files.timestamp = "timestamp 1";
  publication->files.snapshot = "snapshot 1";
  publication->files.targets = "targets 1";
  // Longer than a socket's buffers, and any byte.
  std::string catalog("c\0\r\n\xff", 5);
  catalog.resize(4 * 1024 * 1024, 'x');
  publication->files.SetTarget(anchors::kCatalogTargetPath, std::move(catalog));
  publication->timestamp_version = 1;
  publication->snapshot_version = 1;
  publication->targets_version = 1;
  publication->catalog.sequence = 5;
  return publication;
}

// With the sha256 of that catalog.
constexpr char kCatalogPath[] =
    "/tuf/targets/catalog/v1/"
    "ab024b69e61251c27ede6acc753c8e2159cb2f5427ff759c1cee835f81357e1a"
    ".anchors.json";

class HttpListenerTest : public ::testing::Test {
 protected:
  void SetUp() override { hub_.Publish(Good()); }

  void Start(const HttpListener::Options& options = {}) {
    auto listener = HttpListener::Start("127.0.0.1:0", hub_, metrics_, options);
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
    const std::string& address = listener_->address();
    ASSERT_TRUE(
        absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port_));
    client_ = std::make_unique<httplib::Client>("127.0.0.1", port_);
    client_->set_keep_alive(true);
    client_->set_read_timeout(10);
  }

  httplib::Result Get(const std::string& path,
                      const httplib::Headers& headers = {}) {
    return client_->Get(path, headers);
  }

  int Connect() const {
    const int peer = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port_));
    EXPECT_EQ(
        ::connect(peer, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
        0);
    return peer;
  }

  static void Send(int peer, std::string_view bytes) {
    EXPECT_EQ(::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  // All that comes until the server ends the connection.
  static std::string ReadToEnd(int peer) {
    std::string all;
    char buffer[65536];
    ssize_t got = 0;
    while ((got = ::recv(peer, buffer, sizeof(buffer), 0)) > 0) {
      all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
  }

  // The status line of the answer to exactly those bytes, which ask for the
  // connection to end.
  std::string StatusLineOf(const std::string& request) const {
    const int peer = Connect();
    Send(peer, request);
    const std::string answer = ReadToEnd(peer);
    ::close(peer);
    return answer.substr(0, answer.find('\r'));
  }

  std::string Ask(const std::string& target) const {
    return StatusLineOf("GET " + target +
                        " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  }

  PublicationHub hub_;
  Metrics metrics_{v1::TrustdConfig::MODE_ONLINE};
  std::unique_ptr<HttpListener> listener_;
  int port_ = 0;
  std::unique_ptr<httplib::Client> client_;
};

TEST_F(HttpListenerTest, GivesFilesToTheByte) {
  Start();
  const auto timestamp = Get("/tuf/timestamp.json");
  ASSERT_TRUE(timestamp);
  EXPECT_EQ(timestamp->status, 200);
  EXPECT_EQ(timestamp->body, "timestamp 1");
  EXPECT_EQ(timestamp->get_header_value("Content-Type"), "application/json");
  EXPECT_EQ(timestamp->get_header_value("Cache-Control"), "public, max-age=60");
  const auto root = Get("/tuf/1.root.json");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->body, "root 1");
  EXPECT_EQ(root->get_header_value("Cache-Control"),
            "public, max-age=31536000, immutable");
}

TEST_F(HttpListenerTest, GivesALongFileWholeAndAsItIs) {
  Start();
  const std::string catalog = hub_.Current()->files.catalog();
  const auto file = Get(
      kCatalogPath, {{"Accept-Encoding", "gzip, br"}, {"Range", "bytes=0-3"}});
  ASSERT_TRUE(file);
  EXPECT_EQ(file->status, 200);
  EXPECT_EQ(file->body, catalog);
  EXPECT_FALSE(file->has_header("Content-Encoding"));
}

TEST_F(HttpListenerTest, AHeadIsAGetWithoutTheBody) {
  Start();
  const auto head = client_->Head("/tuf/timestamp.json");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->body, "");
  EXPECT_EQ(head->get_header_value("Content-Length"), "11");
  EXPECT_EQ(Get("/tuf/timestamp.json")->body, "timestamp 1")
      << "on the same connection";
}

TEST_F(HttpListenerTest, SendsNothingToWhoHasIt) {
  Start();
  const std::string tag = Get("/tuf/timestamp.json")->get_header_value("ETag");
  for (const std::string& named :
       {tag, "W/" + tag, "\"other\", " + tag, std::string("*")}) {
    // Two requests in one go: the first answer has no body, though it says how
    // long the file is.
    const int peer = Connect();
    const std::string request = absl::StrCat(
        "GET /tuf/timestamp.json HTTP/1.1\r\nHost: h\r\nIf-None-Match: ", named,
        "\r\n");
    Send(peer, request + "\r\n" + request + "Connection: close\r\n\r\n");
    const std::string answers = ReadToEnd(peer);
    ::close(peer);
    const std::size_t end = answers.find("\r\n\r\n") + 4;
    const std::string first = answers.substr(0, end);
    EXPECT_TRUE(first.starts_with("HTTP/1.1 304 Not Modified\r\n")) << named;
    EXPECT_NE(first.find("\r\nETag: " + tag + "\r\n"), std::string::npos);
    EXPECT_NE(first.find("\r\nContent-Length: 11\r\n"), std::string::npos);
    EXPECT_EQ(first.find("Content-Length: 0"), std::string::npos);
    const std::string second = answers.substr(end);
    EXPECT_TRUE(second.starts_with("HTTP/1.1 304 Not Modified\r\n")) << answers;
    EXPECT_TRUE(second.ends_with("\r\n\r\n"));
  }
  EXPECT_EQ(Get("/tuf/timestamp.json", {{"If-None-Match", "\"other\""}})->body,
            "timestamp 1");
  auto next = std::make_shared<Publication>(*Good());
  next->files.timestamp = "timestamp 2";
  next->timestamp_version = 2;
  hub_.Publish(next);
  EXPECT_EQ(Get("/tuf/timestamp.json", {{"If-None-Match", tag}})->body,
            "timestamp 2");
}

TEST_F(HttpListenerTest, APathIsNeverNormalised) {
  Start();
  EXPECT_EQ(Ask("/tuf/timestamp.json"), "HTTP/1.1 200 OK");
  for (const char* path : {"/index.html",
                           "/tuf",
                           "/tuf/",
                           "/livez/",
                           "/version?",
                           "//tuf/timestamp.json",
                           "/tuf//timestamp.json",
                           "/tuf/./timestamp.json",
                           "/tuf/../tuf/timestamp.json",
                           "/tuf/%74imestamp.json",
                           "/tuf%2Ftimestamp.json",
                           "/tuf/timestamp.json/",
                           "/tuf/timestamp.json?a=b",
                           "/TUF/timestamp.json",
                           "/tuf/2.root.json",
                           "/tuf/01.root.json",
                           "/tuf/root.json",
                           "/etc/passwd",
                           "/../../etc/passwd",
                           "/tuf/targets/catalog/v1/anchors.json"}) {
    EXPECT_EQ(Ask(path), "HTTP/1.1 404 Not Found") << path;
  }
}

TEST_F(HttpListenerTest, SaysWhatItIsAndWhereThingsAre) {
  Start();
  const auto front = Get("/");
  ASSERT_TRUE(front);
  EXPECT_EQ(front->status, 200);
  EXPECT_EQ(front->get_header_value("Content-Type"),
            "text/html; charset=utf-8");
  EXPECT_TRUE(front->get_header_value("Content-Security-Policy")
                  .starts_with("default-src 'none'"));
  EXPECT_EQ(front->body.find("<script"), std::string::npos);
  // Every page that it links to is there.
  int links = 0;
  for (std::size_t at = front->body.find("href=\""); at != std::string::npos;
       at = front->body.find("href=\"", at + 1)) {
    const std::size_t begin = at + 6;
    const std::string path =
        front->body.substr(begin, front->body.find('"', begin) - begin);
    EXPECT_EQ(Get(path)->status, 200) << path;
    ++links;
  }
  EXPECT_EQ(links, 6);
  const auto version = Get("/version");
  EXPECT_EQ(version->get_header_value("Content-Type"), "application/json");
  EXPECT_TRUE(version->body.starts_with(
      "{\"schema_version\":1,\"program\":\"trustd\",\"version\":\""))
      << version->body;
}

TEST_F(HttpListenerTest, OnlyReads) {
  Start();
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    EXPECT_EQ(
        StatusLineOf(absl::StrCat(method,
                                  " /tuf/timestamp.json HTTP/1.1\r\nHost: h\r\n"
                                  "Content-Length: 3\r\n\r\nabc")),
        "HTTP/1.1 405 Method Not Allowed")
        << method;
  }
}

TEST_F(HttpListenerTest, ABodyIsNotTakenForTheNextRequest) {
  Start();
  const int peer = Connect();
  Send(peer,
       "GET /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: 45\r\n\r\n"
       "GET /tuf/timestamp.json HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string answer = ReadToEnd(peer);
  ::close(peer);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK")) << answer;
  EXPECT_EQ(answer.find("timestamp 1"), std::string::npos);
}

// Takes at most 8 bytes, and answers with what it was given.
HttpListener::Options WithPost() {
  HttpListener::Options options;
  options.post = {
      .path = "/post",
      .media_type = "text/x",
      .max_body_bytes = 8,
      .answer = [](const PostRequest& request) {
        if (request.body == "often") {
          return PostAnswer{
              .status = 429, .body = "wait\n", .retry_after_seconds = 60};
        }
        return PostAnswer{
            .body = absl::StrCat("<", std::string(request.body),
                                 request.peer.IsLoopback() ? "|" : "?",
                                 std::string(request.forwarded_for), ">")};
      }};
  return options;
}

std::string Post(const std::string& lines, const std::string& body) {
  return absl::StrCat("POST /post HTTP/1.1\r\nHost: h\r\n", lines, "\r\n",
                      body);
}

constexpr char kText[] = "Content-Type: text/x\r\n";

TEST_F(HttpListenerTest, AnswersAPost) {
  Start(WithPost());
  const int peer = Connect();
  // The body may come with its head or later, and a request may follow it.
  const std::string head =
      Post(absl::StrCat(kText,
                        "X-Forwarded-For: 192.0.2.1\r\nContent-Length: 3\r\n"),
           "");
  Send(peer, head + "ab");
  absl::SleepFor(absl::Milliseconds(20));
  Send(peer, "c" + head + "def" + head);
  absl::SleepFor(absl::Milliseconds(20));
  Send(peer,
       "ghiGET /tuf/timestamp.json HTTP/1.1\r\nConnection: close\r\n\r\n");
  const std::string answers = ReadToEnd(peer);
  ::close(peer);
  std::size_t at = 0;
  for (const char* body :
       {"<abc| 192.0.2.1>HTTP/1.1 200 OK\r\n",
        "<def| 192.0.2.1>HTTP/1.1 200 OK\r\n",
        "<ghi| 192.0.2.1>HTTP/1.1 200 OK\r\n", "timestamp 1"}) {
    at = answers.find(body, at);
    ASSERT_NE(at, std::string::npos) << body << " in " << answers;
  }
  EXPECT_NE(answers.find("\r\nContent-Type: text/x\r\n"), std::string::npos);
}

TEST_F(HttpListenerTest, APostThatComesTooOftenIsTold) {
  Start(WithPost());
  const int peer = Connect();
  Send(peer,
       Post(absl::StrCat(kText, "Connection: close\r\nContent-Length: 5\r\n"),
            "often"));
  const std::string answer = ReadToEnd(peer);
  ::close(peer);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 429 Too Many Requests\r\n"));
  EXPECT_NE(answer.find("\r\nRetry-After: 60\r\n"), std::string::npos);
}

TEST_F(HttpListenerTest, APostIsRefusedBeforeItsBodyIsReceivedAndEnds) {
  Start(WithPost());
  const struct {
    std::string request;
    const char* status;
  } cases[] = {
      {Post(absl::StrCat(kText, "Content-Length: 9\r\n"), ""),
       "413 Content Too Large"},
      {Post(absl::StrCat(kText, "Content-Length: 999999999\r\n"), ""),
       "413 Content Too Large"},
      {Post(kText, ""), "411 Length Required"},
      {Post(absl::StrCat(kText, "Transfer-Encoding: chunked\r\n"),
            "3\r\nabc\r\n0\r\n\r\n"),
       "411 Length Required"},
      {Post(absl::StrCat(kText,
                         "Transfer-Encoding: chunked\r\n"
                         "Content-Length: 3\r\n"),
            "abc"),
       "411 Length Required"},
      {Post(absl::StrCat(kText, "Content-Length: 3\r\nContent-Length: 3\r\n"),
            "abc"),
       "411 Length Required"},
      {Post(absl::StrCat(kText, "Content-Length: +3\r\n"), "abc"),
       "411 Length Required"},
      {Post("Content-Length: 3\r\n", "abc"), "415 Unsupported Media Type"},
      {Post("Content-Type: text/x, text/x\r\nContent-Length: 3\r\n", "abc"),
       "415 Unsupported Media Type"},
      {"GET /post HTTP/1.1\r\nConnection: close\r\n\r\n",
       "405 Method Not Allowed"},
      {"POST /elsewhere HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
       "405 Method Not Allowed"},
  };
  for (const auto& [request, status] : cases) {
    const int peer = Connect();
    // Nothing of it, or after it, is a request.
    Send(peer, request + "GET /tuf/timestamp.json HTTP/1.1\r\n\r\n");
    const std::string answer = ReadToEnd(peer);
    ::close(peer);
    EXPECT_TRUE(answer.starts_with(absl::StrCat("HTTP/1.1 ", status, "\r\n")))
        << request << answer;
    EXPECT_EQ(answer.find("timestamp 1"), std::string::npos) << request;
  }
}

TEST_F(HttpListenerTest, WithoutARouteAPostFindsNothing) {
  HttpListener::Options options = WithPost();
  options.post.answer = nullptr;
  Start(options);
  EXPECT_EQ(
      StatusLineOf(Post(absl::StrCat(kText, "Content-Length: 3\r\n"), "abc")),
      "HTTP/1.1 404 Not Found");
  EXPECT_EQ(Ask("/post"), "HTTP/1.1 404 Not Found");
}

TEST_F(HttpListenerTest, ASlowBodyIsCutOff) {
  HttpListener::Options options = WithPost();
  options.limits.request_time = absl::Milliseconds(300);
  Start(options);
  const int peer = Connect();
  const absl::Time begin = absl::Now();
  std::thread sender([&] {
    Send(peer, Post(absl::StrCat(kText, "Content-Length: 8\r\n"), ""));
    for (int i = 0; i < 7; ++i) {
      absl::SleepFor(absl::Milliseconds(250));
      if (::send(peer, "a", 1, MSG_NOSIGNAL) != 1) return;
    }
  });
  EXPECT_EQ(ReadToEnd(peer), "");
  EXPECT_LT(absl::Now() - begin, absl::Milliseconds(1500));
  sender.join();
  ::close(peer);
}

TEST_F(HttpListenerTest, BodiesCountTowardsTheRequestsOfAConnection) {
  HttpListener::Options options = WithPost();
  options.requests_per_connection = 3;
  Start(options);
  const int peer = Connect();
  const std::string post =
      Post(absl::StrCat(kText, "Content-Length: 1\r\n"), "a");
  Send(peer, post + post + post);
  const std::string answers = ReadToEnd(peer);
  ::close(peer);
  std::size_t count = 0;
  for (std::size_t at = 0; (at = answers.find("<a|>", at)) != std::string::npos;
       ++at) {
    ++count;
  }
  EXPECT_EQ(count, 2u);
}

TEST_F(HttpListenerTest, WhatIsNoRequestIsRefusedAndEnds) {
  Start();
  EXPECT_EQ(StatusLineOf("nonsense\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(StatusLineOf(std::string("\x16\x03\x01\x02\x00\r\n\r\n", 9)),
            "HTTP/1.1 400 Bad Request");
}

TEST_F(HttpListenerTest, ARequestHasALongestSize) {
  Start();
  std::string request = "GET /healthz HTTP/1.1\r\n";
  for (int i = 0; i < 2000; ++i) request += "X-Header: 1234567890\r\n";
  EXPECT_EQ(StatusLineOf(request + "\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(StatusLineOf("GET /" + std::string(60'000, 'a')),
            "HTTP/1.1 400 Bad Request")
      << "a line without an end";
}

// A library that once read requests here read this header with a recursion.
TEST_F(HttpListenerTest, ALongRangeNeedsNoStack) {
  Start();
  for (const char* name : {"Range", "rANGE"}) {
    const std::string begin =
        absl::StrCat("GET /tuf/timestamp.json HTTP/1.1\r\n", name, ": bytes=");
    for (const std::string& value :
         {std::string(8000, '9'), std::string("z")}) {
      EXPECT_EQ(StatusLineOf(begin + value + "\r\nConnection: close\r\n\r\n"),
                "HTTP/1.1 200 OK")
          << name;
    }
  }
}

TEST_F(HttpListenerTest, RequestsInOneGoAreAnsweredInTurn) {
  Start();
  const int peer = Connect();
  Send(peer,
       "GET /tuf/1.root.json HTTP/1.1\r\nHost: h\r\n\r\n"
       "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n"
       "GET /tuf/timestamp.json HTTP/1.1\r\nConnection: close\r\n\r\n");
  const std::string answers = ReadToEnd(peer);
  ::close(peer);
  const std::size_t root = answers.find("root 1");
  const std::size_t nowhere = answers.find("404 Not Found");
  ASSERT_NE(root, std::string::npos);
  EXPECT_LT(root, nowhere);
  EXPECT_LT(nowhere, answers.find("timestamp 1"));
}

TEST_F(HttpListenerTest, ASlowRequestIsCutOff) {
  HttpListener::Options options;
  options.limits.request_time = absl::Milliseconds(300);
  Start(options);
  const int peer = Connect();
  const absl::Time begin = absl::Now();
  // A byte now and then, for longer than any one pause.
  std::thread sender([peer] {
    for (int i = 0; i < 40; ++i) {
      if (::send(peer, "G", 1, MSG_NOSIGNAL) != 1) return;
      absl::SleepFor(absl::Milliseconds(50));
    }
  });
  ReadToEnd(peer);
  EXPECT_LT(absl::Now() - begin, absl::Milliseconds(1500));
  sender.join();
  ::close(peer);
}

TEST_F(HttpListenerTest, AReaderThatDoesNotReadIsCutOff) {
  HttpListener::Options options;
  options.threads = 1;
  options.limits.answer_time = absl::Milliseconds(300);
  Start(options);
  const int peer = Connect();
  for (int i = 0; i < 20; ++i) {
    Send(peer,
         absl::StrCat("GET ", kCatalogPath, " HTTP/1.1\r\nHost: h\r\n\r\n"));
  }
  const auto health = Get("/healthz");
  ASSERT_TRUE(health) << "the only thread is free again";
  EXPECT_EQ(health->status, 200);
  ::close(peer);
}

TEST_F(HttpListenerTest, IdleConnectionsDoNotHoldTheThreads) {
  HttpListener::Options options;
  options.threads = 2;
  options.limits.idle_time = absl::Milliseconds(300);
  Start(options);
  std::vector<int> idle;
  for (int i = 0; i < 6; ++i) idle.push_back(Connect());
  const auto health = Get("/healthz");
  ASSERT_TRUE(health);
  EXPECT_EQ(health->status, 200);
  for (const int peer : idle) ::close(peer);
}

// 96 of them kept a load balancer's probe waiting for as long as they liked.
TEST_F(HttpListenerTest, HalfSentRequestsHoldNobodyUp) {
  HttpListener::Options options;
  options.limits.request_time = absl::Minutes(5);
  options.limits.idle_time = absl::Minutes(5);
  Start(options);
  std::vector<int> half;
  for (int i = 0; i < 400; ++i) {
    half.push_back(Connect());
    Send(half.back(),
         i % 2 == 0 ? "GET /tuf/timestamp.json HTTP/1.1\r\nHo" : "");
  }
  EXPECT_EQ(Ask("/healthz"), "HTTP/1.1 200 OK");
  EXPECT_EQ(Ask("/tuf/timestamp.json"), "HTTP/1.1 200 OK");
  for (const int peer : half) ::close(peer);
}

TEST_F(HttpListenerTest, ReadersThatDoNotReadHoldNobodyUp) {
  HttpListener::Options options;
  options.threads = 1;
  options.limits.answer_time = absl::Minutes(5);
  Start(options);
  std::vector<int> deaf;
  for (int i = 0; i < 64; ++i) {
    deaf.push_back(Connect());
    Send(deaf.back(),
         absl::StrCat("GET ", kCatalogPath, " HTTP/1.1\r\nHost: h\r\n\r\n"));
  }
  EXPECT_EQ(Ask("/healthz"), "HTTP/1.1 200 OK");
  for (const int peer : deaf) ::close(peer);
}

TEST_F(HttpListenerTest, AProbeIsAnsweredWhenAllConnectionsAreTaken) {
  HttpListener::Options options;
  options.connections = 8;
  options.health_connections = 4;
  options.limits.request_time = absl::Minutes(5);
  options.limits.idle_time = absl::Minutes(5);
  options.limits.health_time = absl::Minutes(5);
  Start(options);
  std::vector<int> held;
  for (int i = 0; i < 8; ++i) {
    held.push_back(Connect());
    Send(held.back(), "GET /");
  }
  // And some more, so that the oldest must make room.
  std::vector<int> more;
  for (int i = 0; i < 6; ++i) more.push_back(Connect());
  EXPECT_EQ(Ask("/healthz"), "HTTP/1.1 503 Service Unavailable")
      << "a new client is turned away, and that is what it says";
  EXPECT_EQ(Ask("/tuf/timestamp.json"), "HTTP/1.1 503 Service Unavailable");
  for (const int peer : held) ::close(peer);
  for (const int peer : more) ::close(peer);
  std::string answer;
  for (int i = 0; i < 500 && answer != "HTTP/1.1 200 OK"; ++i) {
    answer = Ask("/tuf/timestamp.json");
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_EQ(answer, "HTTP/1.1 200 OK");
  EXPECT_EQ(Ask("/healthz"), "HTTP/1.1 200 OK");
  const std::string page = Get("/metrics")->body;
  for (const char* what : {"connections_all", "health_oldest"}) {
    EXPECT_NE(page.find(absl::StrCat("trustd_shed_total{port=\"http\",what=\"",
                                     what, "\"}")),
              std::string::npos)
        << what << page;
  }
}

TEST_F(HttpListenerTest, HealthIsWhetherANewClientIsServed) {
  HttpListener::Options options;
  std::atomic<bool> serves = false;
  options.serves_new_clients = [&] { return serves.load(); };
  Start(options);
  EXPECT_EQ(Get("/healthz")->status, 503);
  EXPECT_EQ(Get("/readyz")->status, 503);
  EXPECT_EQ(Get("/livez")->status, 200);
  serves = true;
  EXPECT_EQ(Get("/healthz")->status, 200);
}

TEST_F(HttpListenerTest, SaysWhetherThereIsABundle) {
  PublicationHub empty;
  const auto listener = HttpListener::Start("127.0.0.1:0", empty, metrics_);
  ASSERT_TRUE(listener.ok());
  httplib::Client client("http://" + (*listener)->address());
  EXPECT_EQ(client.Get("/healthz")->status, 503);
  empty.Publish(Good());
  EXPECT_EQ(client.Get("/healthz")->status, 200);
  EXPECT_EQ(client.Get("/healthz")->body, "ok\n");
}

TEST_F(HttpListenerTest, HasMetricsThatCountItsOwnAnswers) {
  Start();
  Get("/nowhere");
  const auto page = Get("/metrics");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 200);
  EXPECT_EQ(page->get_header_value("Content-Type"),
            "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(page->body.find("\ntrustd_bundle_sequence 5\n"), std::string::npos);
  EXPECT_NE(page->body.find("trustd_http_requests_total{code=\"404\"} 1\n"),
            std::string::npos)
      << page->body;
}

TEST_F(HttpListenerTest, ServesManyAtOnce) {
  HttpListener::Options options;
  options.threads = 4;
  Start(options);
  std::atomic<int> good = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 16; ++i) {
    callers.emplace_back([&] {
      httplib::Client client("127.0.0.1", port_);
      client.set_keep_alive(true);
      for (int j = 0; j < 50; ++j) {
        const auto file = client.Get("/tuf/1.snapshot.json");
        if (file && file->body == "snapshot 1") ++good;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(good, 16 * 50);
}

TEST_F(HttpListenerTest, StopsWhileConnectionsAreOpen) {
  HttpListener::Options options;
  options.limits.idle_time = absl::Minutes(5);
  options.limits.request_time = absl::Minutes(5);
  options.limits.answer_time = absl::Minutes(5);
  options.limits.stop_time = absl::Milliseconds(200);
  Start(options);
  const int idle = Connect();
  const int half = Connect();
  Send(half, "GET /tuf/");
  const int deaf = Connect();
  for (int i = 0; i < 20; ++i) {
    Send(deaf,
         absl::StrCat("GET ", kCatalogPath, " HTTP/1.1\r\nHost: h\r\n\r\n"));
  }
  absl::SleepFor(absl::Milliseconds(100));
  const absl::Time begin = absl::Now();
  listener_->Stop();
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
  for (const int peer : {idle, half, deaf}) ::close(peer);
}

TEST_F(HttpListenerTest, RefusesAPortInUseAndAnAddressThatIsNotOurs) {
  Start();
  EXPECT_EQ(
      HttpListener::Start(listener_->address(), hub_, metrics_).status().code(),
      absl::StatusCode::kUnavailable);
  for (const char* address : {"192.0.2.1:0", "nowhere.invalid:0"}) {
    EXPECT_EQ(HttpListener::Start(address, hub_, metrics_).status().code(),
              absl::StatusCode::kUnavailable);
  }
}

}  // namespace
}  // namespace anchorage::trustd
