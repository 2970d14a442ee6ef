#include "trustd/sources/regions_page_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "test/fake_aws/page_writer.h"
#include "test/support/fake_downloader.h"
#include "trustd/sources/source_failure.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorKind;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr char kFirst[] = "https://docs.example/page.md";
constexpr char kSecond[] = "https://docs.example/page.html";

std::string RealPage(anchors::PageLayout layout) {
  const auto catalog =
      anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
  return anchors::WriteRegionsPage(anchors::PageEntries(*catalog),
                                   {.layout = layout});
}

class RegionsPageSourceTest : public ::testing::Test {
 protected:
  explicit RegionsPageSourceTest(
      std::vector<std::string> partitions = {"aws", "aws-us-gov", "aws-eusc"})
      : source_({.name = "aws-docs",
                 .scope = {std::move(partitions),
                           {AnchorKind::kIidDsa, AnchorKind::kIidRsa1024,
                            AnchorKind::kIidRsa2048}},
                 .times = {}},
                {kFirst, kSecond}, {.url = "", .max_bytes = 1 << 22}, web_) {}

  std::shared_ptr<FakeWeb> web_ = std::make_shared<FakeWeb>();
  RegionsPageSource source_;
};

TEST_F(RegionsPageSourceTest, ObservesThePageInEitherForm) {
  for (const auto layout :
       {anchors::PageLayout::kMarkdown, anchors::PageLayout::kHtml}) {
    const std::string page = RealPage(layout);
    web_->Serve(kFirst, page);
    const auto answer = source_.Poll(kNow);
    ASSERT_TRUE(answer.ok()) << answer.status();
    ASSERT_TRUE(answer->observation.has_value());
    EXPECT_TRUE(answer->setbacks.empty());
    const Observation& seen = *answer->observation;
    EXPECT_EQ(seen.source, "aws-docs");
    EXPECT_EQ(seen.location, kFirst);
    EXPECT_EQ(seen.time, kNow);
    EXPECT_EQ(seen.content_sha256, verify::Sha256Hex(page));
    EXPECT_EQ(seen.scope.partitions, source_.scope().partitions);
    EXPECT_TRUE(seen.problems.empty());
    // 37 regions outside China, three of which have no dsa certificate.
    EXPECT_EQ(seen.certificates.size(), 37u * 3 - 3);
  }
}

TEST_F(RegionsPageSourceTest, TakesTheNextAddressAndSaysWhatFailed) {
  web_->Fail(kFirst, SourceFailure::kStalled);
  web_->Serve(kSecond, RealPage(anchors::PageLayout::kHtml));
  const auto answer = source_.Poll(kNow);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->observation->location, kSecond);
  ASSERT_EQ(answer->setbacks.size(), 1u);
  EXPECT_EQ(SourceFailureOf(answer->setbacks[0]), SourceFailure::kStalled);
}

TEST_F(RegionsPageSourceTest, FailsAsTheFirstAddressIfAllDo) {
  absl::Status busy = FailSource(SourceFailure::kHttpStatus, "HTTP 503");
  SetRetryAfter(busy, "90");
  web_->Fail(kFirst, busy);
  web_->Fail(kSecond, SourceFailure::kTlsFailed);
  const absl::Status status = source_.Poll(kNow).status();
  EXPECT_EQ(SourceFailureOf(status), SourceFailure::kHttpStatus);
  EXPECT_EQ(RetryAfterOf(status, kNow), absl::Seconds(90));
  EXPECT_EQ(web_->requests.size(), 2u);
}

TEST_F(RegionsPageSourceTest, SaysNothingNewWhileThePageIsTheSame) {
  const std::string page = RealPage(anchors::PageLayout::kMarkdown);
  web_->Serve(kFirst, page, {.etag = "v1", .last_modified = ""});
  EXPECT_TRUE(source_.Poll(kNow)->observation.has_value());
  // By 304.
  EXPECT_FALSE(source_.Poll(kNow)->observation.has_value());
  EXPECT_EQ(web_->requests.back().have.etag, "v1");
  // By its bytes, as another version.
  web_->Serve(kFirst, page, {.etag = "v2", .last_modified = ""});
  EXPECT_FALSE(source_.Poll(kNow)->observation.has_value());
  EXPECT_FALSE(source_.Poll(kNow)->observation.has_value());
  EXPECT_EQ(web_->requests.back().have.etag, "v2");
  web_->Serve(kFirst, page + "\n");
  EXPECT_TRUE(source_.Poll(kNow)->observation.has_value());
}

TEST_F(RegionsPageSourceTest, SaysItAgainToWhoeverCouldNotRecordIt) {
  web_->Serve(kFirst, RealPage(anchors::PageLayout::kMarkdown),
              {.etag = "v1", .last_modified = ""});
  EXPECT_TRUE(source_.Poll(kNow)->observation.has_value());
  source_.Forget();
  EXPECT_TRUE(source_.Poll(kNow)->observation.has_value());
}

// A version of one address means nothing at another.
TEST_F(RegionsPageSourceTest, AsksForNewsOnlyWhereItHadTheLast) {
  const Validators same = {.etag = "v1", .last_modified = ""};
  web_->Fail(kFirst, SourceFailure::kUnreachable);
  web_->Serve(kSecond, RealPage(anchors::PageLayout::kHtml), same);
  EXPECT_TRUE(source_.Poll(kNow)->observation.has_value());
  web_->Serve(kFirst, RealPage(anchors::PageLayout::kMarkdown), same);
  EXPECT_TRUE(source_.Poll(kNow)->observation.has_value());
  EXPECT_TRUE(web_->requests.back().have.empty());
}

TEST_F(RegionsPageSourceTest, ObservesALoginPageAsSuchAndLooksNoFurther) {
  web_->Serve(kFirst, "<html><title>Sign in</title></html>");
  web_->Serve(kSecond, RealPage(anchors::PageLayout::kHtml));
  const auto answer = source_.Poll(kNow);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->observation->certificates.empty());
  ASSERT_FALSE(answer->observation->problems.empty());
  EXPECT_EQ(answer->observation->problems[0].kind,
            ProblemKind::kNotTheDocument);
}

class ChinaPageTest : public RegionsPageSourceTest {
 protected:
  ChinaPageTest() : RegionsPageSourceTest({"aws-cn"}) {}
};

TEST_F(ChinaPageTest, SpeaksForChinaAlone) {
  web_->Serve(kFirst, RealPage(anchors::PageLayout::kHtml));
  const auto answer = source_.Poll(kNow);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->observation->certificates.size(), 6u);
  for (const auto& certificate : answer->observation->certificates) {
    EXPECT_EQ(certificate.slot.partition, "aws-cn");
  }
}

}  // namespace
}  // namespace anchorage::trustd
