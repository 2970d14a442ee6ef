#include "client/instance/imds.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "client/instance/instance_error.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_imds/fake_imds.h"
#include "verify/anchor_set.h"
#include "verify/identity/identity_policy.h"
#include "verify/identity/identity_verifier.h"
#include "verify/reason.h"

namespace anchorage::client {
namespace {

using test::FakeIdentity;
using test::FakeImds;
using test::FakeImdsOptions;
using test::ImdsFault;
using test::ImdsPages;
using test::PagesOf;
using verify::IdentityForm;

constexpr char kRsa2048[] = "dynamic/instance-identity/rsa2048";
constexpr IdentityForm kAllForms[] = {
    IdentityForm::kRsa2048, IdentityForm::kSignature, IdentityForm::kPkcs7};

// Nobody listens there.
constexpr char kNobody[] = "http://127.0.0.1:1";

class ImdsTest : public testing::Test {
 protected:
  FakeImdsOptions In(const std::string& region) {
    return {.pages = PagesOf(aws_, region)};
  }
  static ImdsOptions At(std::vector<std::string> endpoints) {
    return {.endpoints = std::move(endpoints),
            .connect_timeout = absl::Seconds(5),
            .answer_timeout = absl::Milliseconds(400),
            .total_timeout = absl::Seconds(20)};
  }

  // The reason why no session can be opened; nullopt where one can.
  static std::optional<InstanceReason> WhyNot(const ImdsOptions& options) {
    return InstanceReasonOf(Imds::Open(options).status());
  }
  std::optional<InstanceReason> WhyNoToken(ImdsFault fault) {
    FakeImdsOptions options = In("us-east-1");
    options.fault = fault;
    const FakeImds server(std::move(options));
    return WhyNot(At({server.url()}));
  }
  // The same of a page, where the token is good.
  std::optional<InstanceReason> WhyNoPage(ImdsFault fault) {
    FakeImdsOptions options = In("us-east-1");
    options.fault = fault;
    options.fault_at = kRsa2048;
    const FakeImds server(std::move(options));
    const auto imds = Imds::Open(At({server.url()}));
    EXPECT_TRUE(imds.ok()) << imds.status();
    return InstanceReasonOf((*imds)->Get(kRsa2048).status());
  }

  absl::Status Verify(const ImdsIdentity& identity) {
    const auto anchors = verify::AnchorSet::Create(aws_.Anchors(), {});
    const auto policy =
        verify::IdentityPolicy::AuthenticityOnly("what IMDS gives is genuine");
    return verify::VerifyIdentity(identity.evidence(), **anchors, *policy,
                                  test::FakeNow())
        .status();
  }

  const FakeIdentity aws_;
};

TEST_F(ImdsTest, GetsATokenAndThenWhatIsAskedFor) {
  const FakeImds server(In("us-east-1"));
  const auto imds = Imds::Open(At({server.url()}));
  ASSERT_TRUE(imds.ok()) << imds.status();
  EXPECT_EQ((*imds)->endpoint(), server.url());
  EXPECT_EQ((*imds)->Get("meta-data/placement/region").value(), "us-east-1");
  EXPECT_EQ(server.requests(), (std::vector<std::string>{
                                   "PUT /latest/api/token",
                                   "GET /latest/meta-data/placement/region"}));
}

TEST_F(ImdsTest, SaysWhereThereIsNoSuchPage) {
  const FakeImds server(In("us-east-1"));
  const auto imds = Imds::Open(At({server.url()}));
  const absl::Status status = (*imds)->Get("meta-data/none").status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_EQ(InstanceReasonOf(status), std::nullopt);
}

TEST_F(ImdsTest, GivesEveryFormThatVerifies) {
  const FakeImds server(In("us-east-1"));
  const auto imds = Imds::Open(At({server.url()}));
  for (const IdentityForm form : kAllForms) {
    const auto identity = (*imds)->FetchIdentity(form);
    ASSERT_TRUE(identity.ok()) << identity.status();
    EXPECT_EQ(identity->form, form);
    EXPECT_EQ(Verify(*identity), absl::OkStatus());
  }
}

TEST_F(ImdsTest, GivesTheFirstFormThatTheRegionHas) {
  const FakeImds server(In("cn-north-1"));
  const auto imds = Imds::Open(At({server.url()}));
  const auto identity = (*imds)->FetchFirst(kAllForms);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->form, IdentityForm::kSignature);
  EXPECT_EQ(Verify(*identity), absl::OkStatus());
}

TEST_F(ImdsTest, SaysWhereTheRegionHasNoneOfTheForms) {
  const FakeImds server(In("cn-north-1"));
  const auto imds = Imds::Open(At({server.url()}));
  EXPECT_EQ(
      InstanceReasonOf((*imds)->FetchFirst({IdentityForm::kRsa2048}).status()),
      InstanceReason::kIdentityFormNotServed);
}

// An instance that was stopped between two requests has another document.
TEST_F(ImdsTest, GivesADocumentThatItsSignatureIsOf) {
  for (const int changed_at : {2, 3}) {
    FakeImdsOptions options = In("us-east-1");
    int asked = 0;
    options.before = [&](const std::string& path, ImdsPages& pages) {
      if (path != "api/token" && ++asked == changed_at) {
        pages = PagesOf(aws_, "eu-west-1");
      }
    };
    const FakeImds server(std::move(options));
    const auto imds = Imds::Open(At({server.url()}));
    const auto identity = (*imds)->FetchIdentity(IdentityForm::kSignature);
    ASSERT_TRUE(identity.ok()) << identity.status();
    EXPECT_EQ(Verify(*identity), absl::OkStatus());
  }
}

TEST_F(ImdsTest, GivesUpOnADocumentThatChangesEachTime) {
  FakeImdsOptions options = In("us-east-1");
  bool first = true;
  options.before = [&](const std::string& path, ImdsPages& pages) {
    if (path != "dynamic/instance-identity/signature") return;
    first = !first;
    pages = PagesOf(aws_, first ? "us-east-1" : "eu-west-1");
  };
  const FakeImds server(std::move(options));
  const auto imds = Imds::Open(At({server.url()}));
  EXPECT_EQ(InstanceReasonOf(
                (*imds)->FetchIdentity(IdentityForm::kSignature).status()),
            InstanceReason::kImdsAnswerInvalid);
}

// Tokens end while a machine is suspended, and its clock of steady time stops.
TEST_F(ImdsTest, GetsAnotherTokenWhereTheFirstIsOver) {
  FakeImdsOptions options = In("us-east-1");
  options.pages_of_token = 1;
  const FakeImds server(std::move(options));
  const auto imds = Imds::Open(At({server.url()}));
  EXPECT_TRUE((*imds)->Get("meta-data/ami-id").ok());
  EXPECT_TRUE((*imds)->Get("meta-data/ami-id").ok());
}

TEST_F(ImdsTest, AsksAgainWhileItIsThrottled) {
  FakeImdsOptions options = In("us-east-1");
  options.refusals = 3;
  const FakeImds server(std::move(options));
  const auto imds = Imds::Open(At({server.url()}));
  EXPECT_TRUE(imds.ok()) << imds.status();
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST_F(ImdsTest, SaysWhereItIsThrottledAllTheTime) {
  FakeImdsOptions server_options = In("us-east-1");
  server_options.refusals = -1;
  const FakeImds server(std::move(server_options));
  ImdsOptions options = At({server.url()});
  options.total_timeout = absl::Milliseconds(500);
  EXPECT_EQ(WhyNot(options), InstanceReason::kImdsThrottled);
  EXPECT_GT(server.requests().size(), 1u);
}

TEST_F(ImdsTest, NamesTheHopLimitWhereNoTokenArrives) {
  EXPECT_EQ(WhyNoToken(ImdsFault::kHang), InstanceReason::kImdsHopLimit);
  EXPECT_EQ(WhyNoToken(ImdsFault::kSlowHead), InstanceReason::kImdsHopLimit);
}

TEST_F(ImdsTest, SaysWhatIsWrongWithTheAnswerForAToken) {
  EXPECT_EQ(WhyNoToken(ImdsFault::kOff), InstanceReason::kImdsDisabled);
  EXPECT_EQ(WhyNoToken(ImdsFault::kHtml), InstanceReason::kImdsAnswerInvalid);
  EXPECT_EQ(WhyNoToken(ImdsFault::kEmpty), InstanceReason::kImdsAnswerInvalid);
  EXPECT_EQ(WhyNoToken(ImdsFault::kRedirect),
            InstanceReason::kImdsAnswerInvalid);
  EXPECT_EQ(WhyNoToken(ImdsFault::kSlowBody),
            InstanceReason::kImdsAnswerInvalid);
  EXPECT_EQ(WhyNoToken(ImdsFault::kEndless),
            InstanceReason::kImdsAnswerInvalid);
}

TEST_F(ImdsTest, TakesNobodyElseForImds) {
  EXPECT_EQ(WhyNoToken(ImdsFault::kAzure), InstanceReason::kImdsAbsent);
  EXPECT_EQ(WhyNoToken(ImdsFault::kGoogle), InstanceReason::kImdsAbsent);
  EXPECT_EQ(WhyNoToken(ImdsFault::kClose), InstanceReason::kImdsAbsent);
  EXPECT_EQ(WhyNot(At({kNobody})), InstanceReason::kImdsAbsent);
  EXPECT_EQ(WhyNot(At({})), InstanceReason::kImdsAbsent);
}

TEST_F(ImdsTest, SaysWhatIsWrongWithTheAnswerForAPage) {
  EXPECT_EQ(WhyNoPage(ImdsFault::kOff), InstanceReason::kImdsDisabled);
  EXPECT_EQ(WhyNoPage(ImdsFault::kEmpty), InstanceReason::kImdsAnswerInvalid);
  EXPECT_EQ(WhyNoPage(ImdsFault::kRedirect),
            InstanceReason::kImdsAnswerInvalid);
  EXPECT_EQ(WhyNoPage(ImdsFault::kHang), InstanceReason::kImdsTimeout);
  EXPECT_EQ(WhyNoPage(ImdsFault::kClose), InstanceReason::kImdsTimeout);
  EXPECT_EQ(WhyNoPage(ImdsFault::kSlowHead), InstanceReason::kImdsTimeout);
  EXPECT_EQ(WhyNoPage(ImdsFault::kSlowBody),
            InstanceReason::kImdsAnswerInvalid);
  EXPECT_EQ(WhyNoPage(ImdsFault::kEndless), InstanceReason::kImdsAnswerInvalid);
}

TEST_F(ImdsTest, FollowsNoRedirect) {
  FakeImdsOptions options = In("us-east-1");
  options.fault = ImdsFault::kRedirect;
  const FakeImds server(std::move(options));
  EXPECT_FALSE(Imds::Open(At({server.url()})).ok());
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(ImdsTest, RefusesAPageOfHtmlAsASignature) {
  FakeImdsOptions options = In("us-east-1");
  options.fault = ImdsFault::kHtml;
  options.fault_at = kRsa2048;
  const FakeImds server(std::move(options));
  const auto imds = Imds::Open(At({server.url()}));
  EXPECT_EQ(verify::ReasonOf((*imds)->FetchFirst(kAllForms).status()),
            verify::Reason::kEncodingMalformed);
}

TEST_F(ImdsTest, UsesTheNextEndpointWhereOneIsSilent) {
  FakeImdsOptions options = In("us-east-1");
  options.fault = ImdsFault::kHang;
  const FakeImds silent(std::move(options));
  const FakeImds good(In("us-east-1"));
  for (const std::string& first : {silent.url(), std::string(kNobody)}) {
    const auto imds = Imds::Open(At({first, good.url()}));
    ASSERT_TRUE(imds.ok()) << imds.status();
    EXPECT_EQ((*imds)->endpoint(), good.url());
  }
}

TEST_F(ImdsTest, SaysWhatTheFirstSaidThatWasThere) {
  FakeImdsOptions off_options = In("us-east-1");
  off_options.fault = ImdsFault::kOff;
  const FakeImds off(std::move(off_options));
  FakeImdsOptions html_options = In("us-east-1");
  html_options.fault = ImdsFault::kHtml;
  const FakeImds html(std::move(html_options));
  EXPECT_EQ(WhyNot(At({kNobody, off.url(), html.url(), kNobody})),
            InstanceReason::kImdsDisabled);
}

// Would wait for an hour.
TEST_F(ImdsTest, EndsWithItsTotalTime) {
  FakeImdsOptions silent_options = In("us-east-1");
  silent_options.fault = ImdsFault::kHang;
  const FakeImds silent(std::move(silent_options));
  ImdsOptions options = At({silent.url(), silent.url()});
  options.answer_timeout = absl::Hours(1);
  options.total_timeout = absl::Milliseconds(500);
  EXPECT_EQ(WhyNot(options), InstanceReason::kImdsHopLimit);
}

// As where a firewall drops what is sent there.
TEST_F(ImdsTest, ASilentNetworkIsNoImds) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const at = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(listener, at, size), 0);
  ASSERT_EQ(::listen(listener, 0), 0);
  ASSERT_EQ(::getsockname(listener, at, &size), 0);
  // They fill its queue: who comes after them is not heard.
  std::vector<int> before;
  for (int i = 0; i < 4; ++i) {
    before.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    (void)::connect(before.back(), at, size);
  }
  const FakeImds good(In("us-east-1"));
  const std::string silent =
      "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  ImdsOptions options = At({silent, silent});
  options.total_timeout = absl::Milliseconds(300);
  EXPECT_EQ(WhyNot(options), InstanceReason::kImdsAbsent);
  options = At({silent, good.url()});
  options.total_timeout = absl::Seconds(20);
  options.connect_timeout = absl::Milliseconds(300);
  EXPECT_EQ(WhyNot(options), std::nullopt);
  for (const int fd : before) ::close(fd);
  ::close(listener);
}

TEST_F(ImdsTest, UsesNoProxy) {
  setenv("http_proxy", kNobody, 1);
  setenv("all_proxy", kNobody, 1);
  const FakeImds server(In("us-east-1"));
  const auto imds = Imds::Open(At({server.url()}));
  unsetenv("http_proxy");
  unsetenv("all_proxy");
  EXPECT_TRUE(imds.ok()) << imds.status();
}

TEST_F(ImdsTest, SpeaksIpv6) {
  FakeImdsOptions options = In("us-east-1");
  options.address = "::1";
  const FakeImds server(std::move(options));
  const auto imds = Imds::Open(At({server.url()}));
  EXPECT_TRUE(imds.ok()) << imds.status();
}

TEST_F(ImdsTest, AsksWithoutATokenOnlyWhereItIsTold) {
  FakeImdsOptions server_options = In("us-east-1");
  server_options.tokens_optional = true;
  const FakeImds server(std::move(server_options));
  ImdsOptions options = At({server.url()});
  options.version_1 = true;
  const auto imds = Imds::Open(options);
  ASSERT_TRUE(imds.ok()) << imds.status();
  EXPECT_TRUE((*imds)->FetchFirst(kAllForms).ok());
  EXPECT_EQ(server.requests().front(),
            "GET /latest/dynamic/instance-identity/");
}

TEST_F(ImdsTest, ThatHasNoIdentityIsNoneWithoutATokenEither) {
  FakeImdsOptions server_options;
  server_options.tokens_optional = true;
  const FakeImds server(std::move(server_options));
  ImdsOptions options = At({server.url()});
  options.version_1 = true;
  EXPECT_EQ(WhyNot(options), InstanceReason::kImdsAbsent);
}

TEST_F(ImdsTest, RefusesTimesThatAreNone) {
  for (const absl::Duration time :
       {absl::ZeroDuration(), -absl::Seconds(1), -absl::InfiniteDuration(),
        absl::Hours(1) + absl::Milliseconds(1), absl::InfiniteDuration()}) {
    for (const auto field :
         {&ImdsOptions::connect_timeout, &ImdsOptions::answer_timeout,
          &ImdsOptions::total_timeout}) {
      ImdsOptions options = At({kNobody});
      options.*field = time;
      EXPECT_TRUE(absl::IsInvalidArgument(Imds::Open(options).status()))
          << time;
    }
  }
}

TEST_F(ImdsTest, SaysWhereATokenIsDemanded) {
  const FakeImds server(In("us-east-1"));
  ImdsOptions options = At({server.url()});
  options.version_1 = true;
  EXPECT_EQ(WhyNot(options), InstanceReason::kImdsTokenRequired);
}

}  // namespace
}  // namespace anchorage::client
