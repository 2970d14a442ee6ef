#include "trustd/alerts/webhook_post.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "anchors/base/atomic_file.h"
#include "test/support/alert_receiver.h"
#include "test/support/hostile_server.h"

namespace anchorage::trustd {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
const std::atomic<bool> kGoOn = false;

WebhookPost For(const std::string& url) {
  return {.url = url,
          .body = "{}",
          .secret = "0123456789abcdef",
          .allow_loopback_http = true};
}

WebhookReply Post(const WebhookPost& post) {
  return PostAlert(post, kNow, kGoOn);
}

// What becomes of an answer that is always the same.
WebhookReply PostForAnswer(const std::string& answer) {
  HostileServer server([&](Peer& peer) {
    peer.Body();
    peer.Send(answer);
  });
  return Post(For(server.Url("/")));
}

TEST(WebhookPost, SignsAsTheManualSays) {
  // The example of README.md, whose signature is by the openssl program.
  EXPECT_EQ(SignAlert("0123456789abcdef0123456789abcdef", kNow,
                      R"({"id":"1","kind":"ROTATION_DETECTED"})"),
            "t=1800000000,v1="
            "e62beeca5a81c42bcfa4fa635a54b4e22c0146b4e504ba20923640e2729883ae");
}

TEST(WebhookPost, SendsJsonWithItsSignature) {
  AlertReceiver receiver;
  WebhookPost post = For(receiver.Url());
  post.body = std::string("{\"text\":\"\xc3\xa9\"}");
  EXPECT_EQ(Post(post).status, 200);
  const auto got = receiver.Await(1);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].body, post.body);
  EXPECT_EQ(got[0].content_type, "application/json");
  EXPECT_EQ(got[0].signature, SignAlert(post.secret, kNow, post.body));
}

TEST(WebhookPost, SendsALargeAlertWhole) {
  AlertReceiver receiver;
  WebhookPost post = For(receiver.Url());
  post.body = std::string(2 << 20, 'x');
  EXPECT_EQ(Post(post).status, 200);
  EXPECT_TRUE(receiver.Await(1).at(0).body == post.body);
}

TEST(WebhookPost, JudgesByTheStatus) {
  const auto verdict = [](int status) { return VerdictOf({.status = status}); };
  EXPECT_EQ(verdict(200), WebhookVerdict::kDelivered);
  EXPECT_EQ(verdict(202), WebhookVerdict::kDelivered);
  EXPECT_EQ(verdict(299), WebhookVerdict::kDelivered);
  EXPECT_EQ(verdict(410), WebhookVerdict::kGivenUp);
  for (const int other : {0, 199, 300, 302, 401, 404, 405, 407, 408, 421, 425,
                          426, 429, 500, 503, 600}) {
    EXPECT_EQ(verdict(other), WebhookVerdict::kRetry) << other;
  }
  for (const int refused : {400, 403, 409, 411, 413, 415, 422, 431, 499}) {
    EXPECT_EQ(verdict(refused), WebhookVerdict::kRefused) << refused;
  }
  // To Slack a channel that is archived takes no other alert either.
  EXPECT_EQ(VerdictOf({.status = 410}, v1::WebhookConfig::FORMAT_SLACK),
            WebhookVerdict::kRetry);
  EXPECT_EQ(VerdictOf({.status = 410}, v1::WebhookConfig::FORMAT_PAGERDUTY),
            WebhookVerdict::kGivenUp);
  // Come again later is no refusal for good.
  EXPECT_EQ(VerdictOf({.status = 403, .retry_after = absl::Seconds(60)}),
            WebhookVerdict::kRetry);
}

TEST(WebhookPost, FollowsNoRedirect) {
  HostileServer server([](Peer& peer) {
    peer.Body();
    peer.Send(Answer("307 Temporary Redirect", {"Location: /other"}, ""));
  });
  EXPECT_EQ(Post(For(server.Url("/"))).status, 307);
  EXPECT_EQ(server.targets(), std::vector<std::string>{"/"});
}

TEST(WebhookPost, TellsWhatTheReceiverAsksFor) {
  EXPECT_EQ(
      PostForAnswer(Answer("429 Too Many Requests", {"Retry-After: 120"}, ""))
          .retry_after,
      absl::Minutes(2));
  EXPECT_EQ(PostForAnswer(Answer("503 Unavailable", {}, "")).retry_after,
            std::nullopt);
}

TEST(WebhookPost, CountsAnAnswerWhateverFollowsItsStatus) {
  // Longer than anybody reads, and cut.
  EXPECT_EQ(
      PostForAnswer(Answer("200 OK", {}, std::string(1 << 20, 'x'))).status,
      200);
  EXPECT_EQ(
      PostForAnswer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx").status,
      200);
  EXPECT_EQ(
      PostForAnswer("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
          .status,
      204);
}

TEST(WebhookPost, CountsNoAnswerThatIsNone) {
  for (const char* answer :
       {"", "hello", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 20\r\n\r\n"}) {
    const WebhookReply reply = PostForAnswer(answer);
    EXPECT_EQ(reply.status, 0) << answer;
    EXPECT_NE(reply.failure, "") << answer;
  }
}

TEST(WebhookPost, TakesNoProxyForTheReceiver) {
  for (const char* answer :
       {"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 410 Gone\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"}) {
    HostileServer proxy([&](Peer& peer) { peer.Send(answer); });
    ::setenv("https_proxy", proxy.Url("").c_str(), 1);
    const WebhookReply reply = Post(For("https://alerts.example/"));
    ::unsetenv("https_proxy");
    EXPECT_EQ(proxy.targets(), std::vector<std::string>{"alerts.example:443"});
    EXPECT_EQ(VerdictOf(reply), WebhookVerdict::kRetry) << answer;
  }
}

TEST(WebhookPost, SaysWhyNobodyAnswers) {
  int port = 0;
  {
    AlertReceiver gone;
    port = gone.port();
  }
  const WebhookReply reply =
      Post(For(absl::StrCat("http://127.0.0.1:", port, "/T0KEN")));
  EXPECT_EQ(reply.status, 0);
  EXPECT_NE(reply.failure, "");
  EXPECT_EQ(reply.failure.find("T0KEN"), std::string::npos);
}

TEST(WebhookPost, TakesNoOtherAddressThanHttps) {
  AlertReceiver receiver;
  WebhookPost post = For(receiver.Url());
  post.allow_loopback_http = false;
  EXPECT_EQ(Post(post).status, 0);
  for (const char* url : {"", "file:///etc/passwd", "http://alerts.example/"}) {
    EXPECT_EQ(Post(For(url)).status, 0) << url;
  }
  EXPECT_TRUE(receiver.Await(0).empty());
}

TEST(WebhookPost, ChecksTheServersCertificate) {
  const auto identity =
      MakeTestIdentity("127.0.0.1", absl::Now() - absl::Hours(1));
  const auto stranger =
      MakeTestIdentity("127.0.0.2", absl::Now() - absl::Hours(1));
  const std::string folder = ::testing::TempDir();
  for (const auto& [name, pem] : {std::pair{"good.pem", identity.pem},
                                  std::pair{"other.pem", stranger.pem}}) {
    ASSERT_TRUE(anchors::WriteFileAtomically(folder + name, pem).ok());
  }
  HostileServer server([](Peer& peer) { peer.Send(Answer("200 OK", {}, "")); },
                       identity);
  WebhookPost post = For(server.Url("/"));
  post.allow_loopback_http = false;
  post.ca_path = folder + "good.pem";
  EXPECT_EQ(Post(post).status, 200);
  post.ca_path = folder + "other.pem";
  EXPECT_EQ(Post(post).status, 0);
  post.ca_path = folder + "absent.pem";
  EXPECT_EQ(Post(post).status, 0);
  post.ca_path = "";
  EXPECT_EQ(Post(post).status, 0);

  // A file that is replaced counts at the next post.
  post.ca_path = folder + "renewed.pem";
  for (const auto& [pem, status] :
       {std::pair{stranger.pem, 0}, std::pair{identity.pem, 200}}) {
    ASSERT_TRUE(anchors::WriteFileAtomically(post.ca_path, pem).ok());
    EXPECT_EQ(Post(post).status, status);
  }

  // A certificate that is trusted, but of another address.
  HostileServer other([](Peer& peer) { peer.Send(Answer("200 OK", {}, "")); },
                      stranger);
  post.url = other.Url("/");
  post.ca_path = folder + "other.pem";
  EXPECT_EQ(Post(post).status, 0);
}

TEST(WebhookPost, WaitsNoLongerThanItMay) {
  AlertReceiver receiver;
  receiver.Answer({"stall"});
  WebhookPost post = For(receiver.Url());
  post.timeout = absl::Milliseconds(200);
  const absl::Time begin = absl::Now();
  EXPECT_EQ(Post(post).status, 0);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
}

TEST(WebhookPost, EndsWhenItIsCancelled) {
  AlertReceiver receiver;
  receiver.Answer({"stall"});
  std::atomic<bool> cancelled = false;
  WebhookPost post = For(receiver.Url());
  post.timeout = absl::Minutes(5);
  std::thread canceller([&] {
    receiver.Await(1);
    cancelled = true;
  });
  const absl::Time begin = absl::Now();
  EXPECT_EQ(PostAlert(post, kNow, cancelled).status, 0);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
  canceller.join();
}

// --- The secret --------------------------------------------------------------

absl::StatusOr<std::string> ReadSecret(const std::string& text,
                                       anchors::FileAccess access) {
  const std::string path = ::testing::TempDir() + "secret";
  EXPECT_TRUE(anchors::WriteFileAtomically(path, text, access).ok());
  return ReadWebhookSecret(path);
}

TEST(WebhookSecret, IsALineWithoutItsEnd) {
  const std::string secret(kMinSecretBytes, 'a');
  for (const char* end : {"", "\n", "\r\n"}) {
    const auto got = ReadSecret(secret + end, anchors::FileAccess::kPrivate);
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(*got, secret);
  }
  const std::string longest(kMaxSecretBytes, 'a');
  EXPECT_EQ(*ReadSecret(longest + "\r\n", anchors::FileAccess::kPrivate),
            longest);
}

TEST(WebhookSecret, MustBeOneThatShellsAndProgramsReadAlike) {
  const std::string good(kMinSecretBytes, 'a');
  for (const std::string& bad :
       {std::string(), std::string("\n"), good.substr(1), good + " ",
        good + "\n\n", good + "\n" + good, good + '\0', good + "\xc3\xa9",
        std::string(kMaxSecretBytes + 1, 'a')}) {
    EXPECT_EQ(ReadSecret(bad, anchors::FileAccess::kPrivate).status().code(),
              absl::StatusCode::kInvalidArgument)
        << bad;
  }
  EXPECT_EQ(ReadSecret(std::string(5000, 'a'), anchors::FileAccess::kPrivate)
                .status()
                .code(),
            absl::StatusCode::kOutOfRange);
}

TEST(WebhookSecret, IsNotForOthersToRead) {
  const std::string good(kMinSecretBytes, 'a');
  EXPECT_EQ(ReadSecret(good, anchors::FileAccess::kPublic).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReadWebhookSecret("/nowhere/secret").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace anchorage::trustd
