#include "trustd/sources/downloader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "test/support/hostile_server.h"
#include "trustd/sources/source_failure.h"

namespace anchorage::trustd {
namespace {

constexpr std::size_t kLimit = 100'000;

std::unique_ptr<CurlDownloader> Loopback() {
  return *CurlDownloader::Create({.allow_loopback_http = true});
}

Request For(const std::string& url) {
  return {.url = url, .max_bytes = kLimit, .timeout = absl::Seconds(20)};
}

absl::StatusOr<Download> Get(const Request& request) {
  return Loopback()->Get(request);
}

// What becomes of an answer that is always the same.
absl::StatusOr<Download> GetAnswer(const std::string& answer) {
  HostileServer server([&](Peer& peer) { peer.Send(answer); });
  return Get(For(server.Url("/")));
}

std::optional<SourceFailure> FailureOf(const absl::StatusOr<Download>& got) {
  return SourceFailureOf(got.status());
}

// --- What an honest server gives ---------------------------------------------

TEST(Downloader, GivesTheExactBytes) {
  const std::string body("\0{\r\n}\xff", 6);
  const auto got = GetAnswer(Answer(
      "200 OK",
      {"ETag: \"v1\"", "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT"}, body));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->body, body);
  EXPECT_FALSE(got->not_modified);
  EXPECT_EQ(got->validators.etag, "\"v1\"");
  EXPECT_EQ(got->validators.last_modified, "Thu, 01 Jan 2026 00:00:00 GMT");
  EXPECT_GT(got->elapsed, absl::ZeroDuration());
}

TEST(Downloader, TakesChunksAndUnpacksGzip) {
  EXPECT_EQ(GetAnswer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
                ->body,
            "abcde");
  const std::string page(kLimit, 'x');
  const auto got =
      GetAnswer(Answer("200 OK", {"Content-Encoding: gzip"}, Gzip(page)));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->body, page);
  EXPECT_EQ(
      GetAnswer(Answer("200 OK", {"Content-Encoding: identity"}, "a"))->body,
      "a");
}

TEST(Downloader, SaysWhoAsksAndWhatItTakes) {
  std::string agent, encodings, target;
  {
    HostileServer server([&](Peer& peer) {
      agent = peer.Header("User-Agent");
      encodings = peer.Header("Accept-Encoding");
      target = peer.Target();
      peer.Send(Answer("200 OK", {}, "a"));
    });
    EXPECT_TRUE(Get(For(server.Url("/a/../1.a%2F..%2Fb.json"))).ok());
  }
  EXPECT_EQ(agent, "anchorage-trustd");
  EXPECT_EQ(encodings, "gzip");
  EXPECT_EQ(target, "/a/../1.a%2F..%2Fb.json");
}

TEST(Downloader, AsksOnlyForWhatIsNew) {
  HostileServer server([](Peer& peer) {
    const bool same = peer.Header("If-None-Match") == "\"v1\"" &&
                      peer.Header("If-Modified-Since") == "yesterday";
    peer.Send(same ? "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"
                   : Answer("200 OK", {}, "new"));
  });
  Request request = For(server.Url("/"));
  EXPECT_EQ(Get(request)->body, "new");
  request.have = {.etag = "\"v1\"", .last_modified = "yesterday"};
  const auto got = Get(request);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_TRUE(got->not_modified);
  EXPECT_EQ(got->body, "");
}

TEST(Downloader, FollowsRedirectsOnTheSameServer) {
  HostileServer server([](Peer& peer) {
    const std::string at = peer.Target();
    peer.Send(at == "/5" ? Answer("200 OK", {}, "here")
                         : Answer("302 Found",
                                  {absl::StrCat("Location: /",
                                                std::stoi(at.substr(1)) + 1)},
                                  "moved"));
  });
  const auto got = Get(For(server.Url("/0")));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->body, "here");
  EXPECT_EQ(got->url, server.Url("/5"));
}

TEST(Downloader, GoesThroughTheProxyOfTheEnvironment) {
  HostileServer proxy(
      [](Peer& peer) { peer.Send(Answer("200 OK", {}, "through the proxy")); });
  ::setenv("http_proxy", proxy.Url("").c_str(), 1);
  ::setenv("no_proxy", "", 1);
  const auto got = Get(For("http://127.0.0.1:9/page"));
  ::unsetenv("http_proxy");
  ::unsetenv("no_proxy");
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->body, "through the proxy");
  ASSERT_EQ(proxy.targets().size(), 1u);
  EXPECT_EQ(proxy.targets()[0], "http://127.0.0.1:9/page");
}

// --- Addresses ---------------------------------------------------------------

TEST(Downloader, TakesNoOtherAddressThanHttps) {
  for (const char* url :
       {"", "page", "file:///etc/passwd", "ftp://127.0.0.1/",
        "http://docs.example/", "http://127.example/", "http://128.0.0.1/",
        "https://user:password@127.0.0.1/", "https://user@127.0.0.1/"}) {
    EXPECT_EQ(FailureOf(Get(For(url))), SourceFailure::kAddressRefused) << url;
  }
  const auto strict = *CurlDownloader::Create({});
  EXPECT_EQ(FailureOf(strict->Get(For("http://127.0.0.1:1/"))),
            SourceFailure::kAddressRefused);
}

TEST(Downloader, RefusesARedirectToAnyoneElse) {
  HostileServer other([](Peer& peer) { peer.Send(Answer("200 OK", {}, "x")); });
  for (const std::string& to :
       {other.Url("/"), std::string("https://127.0.0.1/"),
        std::string("http://localhost/"), std::string("//example.invalid/"),
        std::string("file:///etc/passwd"),
        std::string("http://user:password@127.0.0.1/")}) {
    EXPECT_EQ(
        FailureOf(GetAnswer(Answer("301 Moved", {"Location: " + to}, ""))),
        SourceFailure::kRedirectRefused)
        << to;
  }
  EXPECT_TRUE(other.targets().empty());
}

TEST(Downloader, EndsLoopsAndLongWalks) {
  {
    HostileServer loop([](Peer& peer) {
      const std::string other = peer.Target() == "/a" ? "/b" : "/a";
      peer.Send(Answer("307 There", {"Location: " + other}, ""));
    });
    EXPECT_EQ(FailureOf(Get(For(loop.Url("/a")))),
              SourceFailure::kRedirectLoop);
    EXPECT_EQ(loop.targets().size(), 2u);
  }
  HostileServer walk([](Peer& peer) {
    peer.Send(Answer("308 There", {"Location: " + peer.Target() + "x"}, ""));
  });
  EXPECT_EQ(FailureOf(Get(For(walk.Url("/")))), SourceFailure::kRedirectLoop);
  EXPECT_EQ(walk.targets().size(), 1u + kMaxRedirects);
}

// --- Statuses ----------------------------------------------------------------

TEST(Downloader, TellsWhichStatusAndWhenToComeBack) {
  const auto got = GetAnswer(
      Answer("503 Busy", {"Retry-After: 120"}, std::string(kLimit * 2, 'x')));
  EXPECT_EQ(FailureOf(got), SourceFailure::kHttpStatus);
  EXPECT_EQ(HttpStatusOf(got.status()), 503);
  EXPECT_EQ(RetryAfterOf(got.status(), absl::UnixEpoch()), absl::Seconds(120));
}

// A mirror whose clock was set back by a year stayed away for six hours.
TEST(Downloader, ADateToComeBackAtIsReadByTheServersClock) {
  const auto got =
      GetAnswer(Answer("503 Busy",
                       {"Date: Fri, 15 Jan 2027 08:00:00 GMT",
                        "Retry-After: Fri, 15 Jan 2027 08:02:00 GMT"},
                       ""));
  EXPECT_EQ(RetryAfterOf(got.status(), absl::UnixEpoch()), absl::Seconds(120));
}

TEST(Downloader, SaysWhichDateAServerHas) {
  std::vector<absl::Time> dates;
  const auto downloader = *CurlDownloader::Create(
      {.allow_loopback_http = true,
       .saw_date = [&](absl::Time date) { dates.push_back(date); }});
  const auto answer = [&](std::vector<std::string> headers) {
    HostileServer server(
        [&](Peer& peer) { peer.Send(Answer("404 Not Found", headers, "")); });
    (void)downloader->Get(For(server.Url("/")));
  };
  const std::string date = "Date: Fri, 15 Jan 2027 08:00:00 GMT";
  answer({date});
  // A copy in a cache has the date of its making.
  answer({date, "Age: 3600"});
  answer({date, "Age: -3600"});
  answer({"Date: yesterday"});
  answer({});
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  EXPECT_EQ(dates, (std::vector<absl::Time>{now, now + absl::Hours(1), now}));
}

TEST(Downloader, TakesNoOtherStatusFor200) {
  // 304 was not asked for; a redirect without an address leads nowhere.
  for (const char* status :
       {"204 No Content", "206 Partial", "300 Choose", "302 Found",
        "304 Not Modified", "404 Not Found", "403 Forbidden", "500 Oops"}) {
    EXPECT_EQ(FailureOf(GetAnswer(Answer(status, {}, ""))),
              SourceFailure::kHttpStatus)
        << status;
  }
}

// --- Lengths and encodings ---------------------------------------------------

TEST(Downloader, ReadsNoMoreThanItsLimit) {
  EXPECT_TRUE(GetAnswer(Answer("200 OK", {}, std::string(kLimit, 'x'))).ok());
  EXPECT_EQ(
      FailureOf(GetAnswer(Answer("200 OK", {}, std::string(kLimit + 1, 'x')))),
      SourceFailure::kTooLarge);
  // Without a length, for as long as someone reads.
  HostileServer endless([](Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\n\r\n");
    while (peer.Send(std::string(4096, 'x'))) {
    }
  });
  EXPECT_EQ(FailureOf(Get(For(endless.Url("/")))), SourceFailure::kTooLarge);
}

TEST(Downloader, UnpacksNoMoreThanItsLimit) {
  const std::string bomb = Gzip(std::string(50'000'000, '\0'));
  ASSERT_LT(bomb.size(), kLimit);
  EXPECT_EQ(
      FailureOf(GetAnswer(Answer("200 OK", {"Content-Encoding: gzip"}, bomb))),
      SourceFailure::kTooLarge);
}

TEST(Downloader, TakesNoOtherEncodingThanGzip) {
  for (const char* encoding :
       {"br", "zstd", "deflate", "gzip, gzip", "nonsense"}) {
    EXPECT_EQ(FailureOf(GetAnswer(Answer(
                  "200 OK", {absl::StrCat("Content-Encoding: ", encoding)},
                  Gzip("page")))),
              SourceFailure::kContentEncoding)
        << encoding;
  }
  EXPECT_EQ(FailureOf(GetAnswer(Answer(
                "200 OK", {"Content-Encoding: gzip", "Content-Encoding: gzip"},
                Gzip(Gzip("page"))))),
            SourceFailure::kContentEncoding);
  EXPECT_EQ(FailureOf(GetAnswer(Answer(
                "200 OK", {"Transfer-Encoding: gzip, chunked"}, Gzip("page")))),
            SourceFailure::kContentEncoding);
  // Said to be gzip, and is not.
  EXPECT_EQ(FailureOf(GetAnswer(
                Answer("200 OK", {"Content-Encoding: gzip"}, "<html>"))),
            SourceFailure::kContentEncoding);
}

TEST(Downloader, ReadsNoEndlessHeaders) {
  HostileServer server([](Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\n");
    while (peer.Send("X-Again: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  EXPECT_EQ(FailureOf(Get(For(server.Url("/")))), SourceFailure::kTooLarge);
  HostileServer patient([](Peer& peer) {
    while (peer.Send("HTTP/1.1 102 Wait\r\n\r\n")) {
    }
  });
  EXPECT_EQ(FailureOf(Get(For(patient.Url("/")))), SourceFailure::kTooLarge);
}

TEST(Downloader, ACutAnswerIsAnError) {
  EXPECT_EQ(FailureOf(GetAnswer("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"
                                "half")),
            SourceFailure::kIncomplete);
  EXPECT_EQ(FailureOf(GetAnswer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
                                "\r\n\r\n50\r\nhalf")),
            SourceFailure::kIncomplete);
  const std::string packed = Gzip("page");
  EXPECT_EQ(FailureOf(GetAnswer(
                Answer("200 OK", {"Content-Encoding: gzip"},
                       std::string_view(packed).substr(0, packed.size() - 5)))),
            SourceFailure::kContentEncoding);
}

TEST(Downloader, ReadsNothingBeyondTheLengthThatWasSaid) {
  const auto got =
      GetAnswer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npagepoison");
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->body, "page");
}

TEST(Downloader, TakesNothingButHttp) {
  EXPECT_EQ(FailureOf(GetAnswer("SSH-2.0-OpenSSH_9.2\r\n")),
            SourceFailure::kNotHttp);
  EXPECT_EQ(FailureOf(GetAnswer("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n"
                                "\r\npage")),
            SourceFailure::kNotHttp);
  EXPECT_EQ(FailureOf(GetAnswer("")), SourceFailure::kUnreachable);
}

// --- Time --------------------------------------------------------------------

TEST(Downloader, GivesUpOnAServerThatStalls) {
  HostileServer server([](Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf");
    peer.WaitForClose();
  });
  Request request = For(server.Url("/"));
  request.stall_timeout = absl::Seconds(1);
  EXPECT_EQ(FailureOf(Get(request)), SourceFailure::kStalled);
}

TEST(Downloader, GivesUpOnAServerThatNeverAnswers) {
  HostileServer server([](Peer& peer) { peer.WaitForClose(); });
  Request request = For(server.Url("/"));
  request.stall_timeout = absl::Seconds(1);
  EXPECT_EQ(FailureOf(Get(request)), SourceFailure::kStalled);
}

TEST(Downloader, GivesUpOnAServerThatDrips) {
  HostileServer server([](Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
    while (peer.Send("x")) absl::SleepFor(absl::Milliseconds(20));
  });
  Request request = For(server.Url("/"));
  request.stall_timeout = absl::Seconds(1);
  EXPECT_EQ(FailureOf(Get(request)), SourceFailure::kStalled);
}

TEST(Downloader, GivesUpWhenTheTimeIsOver) {
  HostileServer server([](Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n");
    while (peer.Send(std::string(100, 'x'))) {
      absl::SleepFor(absl::Milliseconds(50));
    }
  });
  Request request = For(server.Url("/"));
  request.timeout = absl::Milliseconds(700);
  EXPECT_EQ(FailureOf(Get(request)), SourceFailure::kTimedOut);
}

TEST(Downloader, RedirectsDoNotStretchTheTime) {
  HostileServer server([](Peer& peer) {
    absl::SleepFor(absl::Milliseconds(400));
    peer.Send(Answer("302 Found", {"Location: " + peer.Target() + "x"}, ""));
  });
  Request request = For(server.Url("/"));
  request.timeout = absl::Milliseconds(600);
  EXPECT_EQ(FailureOf(Get(request)), SourceFailure::kTimedOut);
}

TEST(Downloader, EndsWhenItIsTold) {
  const auto cancelled = std::make_shared<std::atomic<bool>>(false);
  const auto downloader = *CurlDownloader::Create(
      {.allow_loopback_http = true, .cancelled = cancelled});
  HostileServer server([&](Peer& peer) {
    *cancelled = true;
    peer.WaitForClose();
  });
  EXPECT_EQ(FailureOf(downloader->Get(For(server.Url("/")))),
            SourceFailure::kCancelled);
  EXPECT_EQ(FailureOf(downloader->Get(For(server.Url("/")))),
            SourceFailure::kCancelled);
}

TEST(Downloader, SaysWhenNobodyIsThere) {
  EXPECT_EQ(FailureOf(Get(For("http://127.0.0.1:1/"))),
            SourceFailure::kUnreachable);
}

// --- TLS ---------------------------------------------------------------------

absl::StatusOr<Download> GetOverTls(const TestIdentity& server_identity,
                                    const TestIdentity& trusted) {
  const std::string ca_path = ::testing::TempDir() + "/ca.pem";
  std::ofstream(ca_path) << trusted.pem;
  HostileServer server(
      [](Peer& peer) { peer.Send(Answer("200 OK", {}, "page")); },
      server_identity);
  return (*CurlDownloader::Create({.ca_path = ca_path}))
      ->Get(For(server.Url("/")));
}

TEST(DownloaderOverTls, TakesAServerThatTheGivenCertificatesVouchFor) {
  const TestIdentity identity =
      MakeTestIdentity("127.0.0.1", absl::Now() - absl::Hours(1));
  const auto got = GetOverTls(identity, identity);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->body, "page");
}

TEST(DownloaderOverTls, RefusesAnyOtherServer) {
  const absl::Time recently = absl::Now() - absl::Hours(1);
  const TestIdentity good = MakeTestIdentity("127.0.0.1", recently);
  const TestIdentity stranger = MakeTestIdentity("127.0.0.1", recently);
  EXPECT_EQ(FailureOf(GetOverTls(stranger, good)), SourceFailure::kTlsFailed);
  const TestIdentity misnamed = MakeTestIdentity("127.0.0.2", recently);
  EXPECT_EQ(FailureOf(GetOverTls(misnamed, misnamed)),
            SourceFailure::kTlsFailed);
  const TestIdentity expired =
      MakeTestIdentity("127.0.0.1", recently - absl::Hours(48));
  EXPECT_EQ(FailureOf(GetOverTls(expired, expired)), SourceFailure::kTlsFailed);
}

TEST(DownloaderOverTls, RefusesAServerThatTheSystemDoesNotKnow) {
  HostileServer server(
      [](Peer& peer) { peer.Send(Answer("200 OK", {}, "page")); },
      MakeTestIdentity("127.0.0.1", absl::Now() - absl::Hours(1)));
  EXPECT_EQ(FailureOf((*CurlDownloader::Create({}))->Get(For(server.Url("/")))),
            SourceFailure::kTlsFailed);
}

TEST(DownloaderOverTls, GivesUpOnAServerWithoutTls) {
  HostileServer server([](Peer&) {});
  std::string url = server.Url("/");
  url.replace(0, 4, "https");
  EXPECT_EQ(FailureOf((*CurlDownloader::Create({}))
                          ->Get({.url = url,
                                 .max_bytes = kLimit,
                                 .connect_timeout = absl::Seconds(1)})),
            SourceFailure::kTimedOut);
}

}  // namespace
}  // namespace anchorage::trustd
