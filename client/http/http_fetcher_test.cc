#include "client/http/http_fetcher.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdarg>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "client/http/libcurl.h"
#include "client/http/one_answer.h"
#include "test/support/server_certificate.h"

namespace anchorage::client {
namespace {

absl::StatusOr<std::string> Fetch(const std::string& url,
                                  std::size_t max_bytes = 100) {
  auto fetcher = HttpFetcher::Create(
      {.metadata_url = url, .targets_url = url, .timeout = absl::Seconds(5)});
  EXPECT_TRUE(fetcher.ok()) << fetcher.status();
  return (*fetcher)->FetchMetadata("1.a%2Fb..%2F.json", max_bytes);
}

TEST(HttpFetcher, GivesTheExactBytes) {
  const std::string body("\0{\r\n}\xff", 6);
  OneAnswer server(Answer("200 OK", body));
  EXPECT_EQ(Fetch(server.url()).value(), body);
}

TEST(HttpFetcher, IsNoneForAProgramWithMoreRightsThanItsCaller) {
  EXPECT_TRUE(LibCurl::Get(/*has_more_rights=*/false).ok());
  EXPECT_TRUE(
      absl::IsUnavailable(LibCurl::Get(/*has_more_rights=*/true).status()));
}

// A child waited for ever for a lock that a thread of its parent held.
TEST(HttpFetcher, AForkedChildFindsLibcurlFree) {
  std::atomic<bool> stop = false;
  std::thread other([&] {
    while (!stop) (void)LibCurl::Get(false);
  });
  int status = 0;
  for (int i = 0; i < 300 && status == 0; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(20);
      ::_exit(LibCurl::Get(false).ok() ? 0 : 1);
    }
    EXPECT_EQ(::waitpid(child, &status, 0), child);
  }
  stop = true;
  other.join();
  EXPECT_EQ(status, 0);
}

// libcurl says "Out of memory".
TEST(HttpFetcher, AHeadWithoutAnEndIsNamed) {
  OneAnswer server("HTTP/1.1 200 OK\r\nA: " + std::string(1 << 20, 'a') +
                   "\r\n\r\n");
  const auto fetched = Fetch(server.url());
  EXPECT_TRUE(absl::IsUnavailable(fetched.status()));
  EXPECT_NE(fetched.status().message(), "Out of memory");
}

// A host may have closed its standard streams, and still write to them.
TEST(HttpFetcher, TakesNoStandardStream) {
  OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  const pid_t child = ::fork();
  if (child == 0) {
    for (int fd = 0; fd < 3; ++fd) ::close(fd);
    auto fetcher = HttpFetcher::Create({.metadata_url = server.url(),
                                        .targets_url = server.url(),
                                        .timeout = absl::Seconds(5)});
    const bool fetched = (*fetcher)->FetchMetadata("a", 10).ok();
    bool taken = false;
    for (int fd = 0; fd < 3; ++fd) taken |= ::fcntl(fd, F_GETFD) >= 0;
    ::_exit(fetched && !taken ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(HttpFetcher, SendsNamesAsTheyAre) {
  std::string line;
  {
    OneAnswer server(Answer("200 OK", "x"));
    EXPECT_TRUE(Fetch(server.url()).ok());
    line = server.RequestLine();
  }
  EXPECT_EQ(line, "GET /a/1.a%2Fb..%2F.json HTTP/1.1");
}

TEST(HttpFetcher, TellsNotThereFromEverythingElse) {
  for (const char* status : {"404 Not Found", "403 Forbidden"}) {
    OneAnswer server(Answer(status, std::string(1000, 'x')));
    EXPECT_EQ(Fetch(server.url()).status().code(), absl::StatusCode::kNotFound);
  }
  for (const char* status : {"500 Oops", "424 Failed", "204 Nothing"}) {
    OneAnswer server(Answer(status, ""));
    EXPECT_EQ(Fetch(server.url()).status().code(),
              absl::StatusCode::kUnavailable);
  }
  EXPECT_EQ(Fetch("http://127.0.0.1:1/").status().code(),
            absl::StatusCode::kUnavailable);
}

TEST(HttpFetcher, FollowsNoRedirect) {
  OneAnswer server(
      "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
      "Content-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(Fetch(server.url()).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST(HttpFetcher, ReadsNoMoreThanItsLimit) {
  {
    OneAnswer server(Answer("200 OK", std::string(100, 'x')));
    EXPECT_TRUE(Fetch(server.url(), 100).ok());
  }
  {
    OneAnswer server(Answer("200 OK", std::string(101, 'x')));
    EXPECT_EQ(Fetch(server.url(), 100).status().code(),
              absl::StatusCode::kOutOfRange);
  }
  // Without a length, for as long as the connection is open.
  OneAnswer endless("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" +
                    std::string(1 << 20, 'x'));
  EXPECT_EQ(Fetch(endless.url(), 100).status().code(),
            absl::StatusCode::kOutOfRange);
}

TEST(HttpFetcher, ACutAnswerIsAnError) {
  OneAnswer server(
      "HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\nhalf");
  EXPECT_EQ(Fetch(server.url()).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST(HttpFetcher, TakesHttpAndHttpsOnly) {
  for (const char* url : {"", "file:///etc/passwd", "ftp://127.0.0.1/"}) {
    EXPECT_EQ(HttpFetcher::Create({.metadata_url = url, .targets_url = url})
                  .status()
                  .code(),
              absl::StatusCode::kInvalidArgument);
  }
}

// libcurl as it may be elsewhere: over the real one, but for options that it
// answers for itself.
class OtherLibcurl {
 public:
  OtherLibcurl() {
    now_ = this;
    library = *real_;
    library.easy_setopt = &Setopt;
    library.easy_perform = &Perform;
    library.easy_cleanup = &Cleanup;
  }
  ~OtherLibcurl() { now_ = nullptr; }

  // RHEL 9's 7.76.1.
  void BeOld() {
    answers = {{CURLOPT_PROTOCOLS_STR, CURLE_UNKNOWN_OPTION},
               {CURLOPT_CAINFO_BLOB, CURLE_UNKNOWN_OPTION}};
  }

  LibCurl library{};
  std::map<int, CURLcode> answers;
  // The options that were set, with their value where it is a number.
  std::map<int, long> set;
  int transfers = 0;
  bool breaks_the_connection = false;

 private:
  static CURLcode Setopt(CURL* curl, CURLoption option, ...) {
    va_list arguments;
    va_start(arguments, option);
    void* const value = va_arg(arguments, void*);
    va_end(arguments);
    if (const auto found = now_->answers.find(option);
        found != now_->answers.end()) {
      return found->second;
    }
    now_->set[option] =
        option < CURLOPTTYPE_OBJECTPOINT
            ? static_cast<long>(reinterpret_cast<std::intptr_t>(value))
            : 0;
    return real_->easy_setopt(curl, option, value);
  }
  static CURLcode Perform(CURL* curl) {
    ++now_->transfers;
    now_->Write();
    return real_->easy_perform(curl);
  }
  static void Cleanup(CURL* curl) {
    now_->Write();
    real_->easy_cleanup(curl);
  }
  // As OpenSSL does, to who has gone.
  void Write() const {
    if (breaks_the_connection) pthread_kill(pthread_self(), SIGPIPE);
  }

  static inline const LibCurl* const real_ = LibCurl::Get().value();
  static inline OtherLibcurl* now_ = nullptr;
};

absl::Status FetchWith(const OtherLibcurl& curl, const std::string& url,
                       const std::string& roots = "") {
  auto fetcher = HttpFetcher::Create({.metadata_url = url,
                                      .targets_url = url,
                                      .tls_roots_pem = roots,
                                      .timeout = absl::Seconds(5)},
                                     &curl.library);
  EXPECT_TRUE(fetcher.ok()) << fetcher.status();
  return (*fetcher)->FetchMetadata("file", 100).status();
}

class HttpsServer {
 public:
  HttpsServer() : server_(certificate.x509(), certificate.key()) {
    server_.Get("/file",
                [](const httplib::Request&, httplib::Response& response) {
                  response.set_content("x", "text/plain");
                });
    url = "https://127.0.0.1:" +
          std::to_string(server_.bind_to_any_port("127.0.0.1")) + "/";
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~HttpsServer() {
    server_.stop();
    thread_.join();
  }

  const ServerCertificate certificate;
  std::string url;

 private:
  httplib::SSLServer server_;
  std::thread thread_;
};

// --- A timestamp that has not changed ----------------------------------------

// Answers each request with what a test says, and keeps the tag it was shown.
class TimestampServer {
 public:
  TimestampServer() {
    server_.Get("/timestamp.json", [this](const httplib::Request& request,
                                          httplib::Response& response) {
      shown = request.get_header_value("If-None-Match");
      response.status = status;
      if (!etag.empty()) response.set_header("ETag", etag);
      if (status == 200) response.set_content(body, "text/plain");
    });
    HttpRepository repository;
    repository.metadata_url =
        "http://127.0.0.1:" +
        std::to_string(server_.bind_to_any_port("127.0.0.1"));
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
    fetcher = HttpFetcher::Create(std::move(repository)).value();
  }
  ~TimestampServer() {
    server_.stop();
    thread_.join();
  }

  // Refreshes a client that holds that timestamp.
  absl::StatusOr<std::string> FetchHolding(const std::string& held) {
    fetcher->Begin(held, absl::Seconds(10));
    return fetcher->FetchMetadata("timestamp.json", 100);
  }

  int status = 200;
  std::string body = "t1";
  std::string etag = "\"1\"";
  std::string shown;
  std::unique_ptr<HttpFetcher> fetcher;

 private:
  httplib::Server server_;
  std::thread thread_;
};

TEST(HttpFetcher, ATimestampThatIsHeldIsNotSentAgain) {
  TimestampServer server;
  EXPECT_EQ(server.FetchHolding("").value(), "t1");
  EXPECT_EQ(server.shown, "");
  server.status = 304;
  EXPECT_EQ(server.FetchHolding("t1").value(), "t1");
  EXPECT_EQ(server.shown, "\"1\"");
  server.status = 200;
  server.body = "t2";
  server.etag.clear();
  EXPECT_EQ(server.FetchHolding("t1").value(), "t2");
  (void)server.FetchHolding("t2");
  EXPECT_EQ(server.shown, "") << "it came without a tag";
}

TEST(HttpFetcher, ThatNothingChangedIsNoAnswerForWhoHoldsSomethingElse) {
  TimestampServer server;
  server.status = 304;
  EXPECT_EQ(server.FetchHolding("t1").status().code(),
            absl::StatusCode::kUnavailable)
      << "nobody asked";
  server.status = 200;
  (void)server.FetchHolding("t0");
  server.status = 304;
  // What came last was refused.
  EXPECT_EQ(server.FetchHolding("t0").status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(server.shown, "");
}

// --- Time ------------------------------------------------------------------

TEST(HttpFetcher, FetchesNothingOnceTheTimeIsOver) {
  TimestampServer server;
  server.fetcher->Begin("", absl::ZeroDuration());
  EXPECT_EQ(
      server.fetcher->FetchMetadata("timestamp.json", 100).status().code(),
      absl::StatusCode::kUnavailable);
  EXPECT_TRUE(server.FetchHolding("").ok());
}

TEST(HttpFetcher, HearsHowLongToStayAway) {
  OneAnswer server(
      "HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n");
  auto fetcher =
      HttpFetcher::Create({.metadata_url = server.url(), .targets_url = {}})
          .value();
  (void)fetcher->FetchMetadata("timestamp.json", 100);
  EXPECT_EQ(fetcher->retry_after(), absl::Seconds(120));
  fetcher->Begin("", absl::Seconds(1));
  EXPECT_EQ(fetcher->retry_after(), absl::ZeroDuration());
}

TEST(HttpFetcher, ReadsRetryAfter) {
  const absl::Time now = absl::FromUnixSeconds(784'111'777);
  const auto read = [&](std::string_view text) {
    return ParseRetryAfter(text, now);
  };
  EXPECT_EQ(read("120"), absl::Seconds(120));
  EXPECT_EQ(read("99999999999"), absl::Seconds(4'294'967'295));
  EXPECT_EQ(read("Sun, 06 Nov 1994 08:50:37 GMT"), absl::Seconds(60));
  EXPECT_EQ(read("Sun, 06 Nov 1994 08:49:00 GMT"), absl::ZeroDuration());
  for (const char* text :
       {"", "soon", "-1", "1.5", "Sun, 06 Nov 1994 08:49:37 CET",
        "infinite-future"}) {
    EXPECT_EQ(read(text), std::nullopt) << text;
  }
}

TEST(OldLibcurl, IsLimitedToHttpToo) {
  OtherLibcurl curl;
  curl.BeOld();
  OneAnswer server(Answer("200 OK", "x"));
  EXPECT_TRUE(FetchWith(curl, server.url()).ok());
  EXPECT_EQ(curl.set.at(CURLOPT_PROTOCOLS), CURLPROTO_HTTP | CURLPROTO_HTTPS);
}

TEST(OldLibcurl, BelievesTheGivenRootsAlone) {
  OtherLibcurl curl;
  curl.BeOld();
  HttpsServer server;
  const absl::Status fetched =
      FetchWith(curl, server.url, server.certificate.Pem());
  EXPECT_TRUE(fetched.ok()) << fetched;
  EXPECT_EQ(FetchWith(curl, server.url, ServerCertificate().Pem()).code(),
            absl::StatusCode::kUnavailable)
      << "another's";
  EXPECT_EQ(FetchWith(curl, server.url, "").code(),
            absl::StatusCode::kUnavailable)
      << "the system's";
}

// Whatever is not taken, nothing is fetched without it.
TEST(OtherLibcurl, AnOptionThatIsNotTakenIsAnError) {
  std::map<int, long> set;
  {
    OtherLibcurl curl;
    (void)FetchWith(curl, "http://127.0.0.1:1/", ServerCertificate().Pem());
    set = curl.set;
  }
  EXPECT_GT(set.size(), 10u);
  for (const auto& [option, value] : set) {
    OtherLibcurl curl;
    curl.answers = {{option, CURLE_BAD_FUNCTION_ARGUMENT}};
    const absl::Status fetched =
        FetchWith(curl, "http://127.0.0.1:1/", ServerCertificate().Pem());
    EXPECT_EQ(fetched.code(), absl::StatusCode::kUnavailable);
    EXPECT_NE(fetched.message().find(std::to_string(option)),
              absl::string_view::npos)
        << fetched;
    EXPECT_EQ(curl.transfers, 0) << option;
  }
  OtherLibcurl curl;
  curl.BeOld();
  curl.answers[CURLOPT_CAINFO] = CURLE_UNKNOWN_OPTION;
  EXPECT_FALSE(FetchWith(curl, "http://127.0.0.1:1/", "roots").ok());
  EXPECT_EQ(curl.transfers, 0);
}

bool IsPending(int signal) {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, signal) == 1;
}

// Without it, this process ends here.
TEST(OtherLibcurl, AConnectionThatBreaksRaisesNoSigpipe) {
  OtherLibcurl curl;
  curl.breaks_the_connection = true;
  // httplib has it ignored.
  auto* const before = signal(SIGPIPE, SIG_DFL);
  (void)FetchWith(curl, "http://127.0.0.1:1/");
  EXPECT_EQ(curl.transfers, 1);
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGPIPE), 0) << "as before";

  // One that the host has waiting is the host's.
  sigset_t sigpipe;
  sigemptyset(&sigpipe);
  sigaddset(&sigpipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &sigpipe, nullptr);
  (void)FetchWith(curl, "http://127.0.0.1:1/");
  EXPECT_FALSE(IsPending(SIGPIPE));
  pthread_kill(pthread_self(), SIGPIPE);
  (void)FetchWith(curl, "http://127.0.0.1:1/");
  EXPECT_TRUE(IsPending(SIGPIPE));
  int taken = 0;
  sigwait(&sigpipe, &taken);
  pthread_sigmask(SIG_UNBLOCK, &sigpipe, nullptr);
  signal(SIGPIPE, before);
}

}  // namespace
}  // namespace anchorage::client
