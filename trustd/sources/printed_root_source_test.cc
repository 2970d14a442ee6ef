#include "trustd/sources/printed_root_source.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "anchors/baked/baked.h"
#include "anchors/base/atomic_file.h"
#include "anchors/catalog.h"
#include "test/support/fake_downloader.h"
#include "trustd/rotation/classifier.h"
#include "trustd/sources/source_failure.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorKind;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr char kGuide[] = "https://docs.example/govcloud-ec2.md";
constexpr char kGuideAsHtml[] = "https://docs.example/govcloud-ec2.html";
constexpr char kOther[] = "https://other.example/roots.html";
const verify::Slot kSlot = {"aws-us-gov", "", AnchorKind::kNitroRoot};
constexpr char kSha256[] =
    "20bcd30a3e168ea03789e1c45912bc123c4de3c977b8a6e1c125c7929d668b3b";

std::string Read(const std::string& path) {
  return *anchors::ReadFile("anchors/baked/" + path, 1 << 20);
}

std::string GuideText() { return Read("printed/govcloud-ec2.md"); }

// What is built in, without what is looked for: a vendor's catalog of before.
anchors::Catalog OlderCatalog() {
  anchors::Catalog catalog =
      *anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
  std::erase_if(catalog.anchors, [](const anchors::CatalogAnchor& anchor) {
    return anchor.slot == kSlot;
  });
  return catalog;
}

class PrintedRootSourceTest : public ::testing::Test {
 protected:
  std::unique_ptr<PrintedRootSource> Source(
      std::vector<std::string> addresses) {
    return std::make_unique<PrintedRootSource>(
        SourceProfile{.name = "govcloud",
                      .scope = {{"aws-us-gov"}, {AnchorKind::kNitroRoot}},
                      .times = {}},
        std::move(addresses), 2, MakeRequest(), web_);
  }

  static Request MakeRequest() {
    Request request;
    request.max_bytes = 1 << 20;
    return request;
  }

  static Observation Observe(PrintedRootSource& source) {
    const auto answer = source.Poll(kNow);
    EXPECT_TRUE(answer.ok()) << answer.status();
    EXPECT_TRUE(answer.ok() && answer->observation.has_value());
    if (!answer.ok()) return {};
    return answer->observation.value_or(Observation());
  }

  // What follows for a vendor whose catalog does not have the root.
  static Change ChangeOf(const Observation& seen) {
    const auto found = Classify(seen, OlderCatalog());
    EXPECT_TRUE(found.anomalies.empty());
    EXPECT_EQ(found.changes.size(), 1u);
    return found.changes.empty() ? Change() : found.changes[0];
  }

  std::shared_ptr<FakeWeb> web_ = std::make_shared<FakeWeb>();
};

TEST_F(PrintedRootSourceTest, ShowsARootThatOnePublicationPrintsToPeople) {
  web_->Serve(kGuide, GuideText());
  const auto source = Source({kGuide});
  const Observation seen = Observe(*source);
  ASSERT_EQ(seen.certificates.size(), 1u);
  EXPECT_EQ(seen.certificates[0].slot, kSlot);
  EXPECT_EQ(verify::Sha256Hex(seen.certificates[0].der), kSha256);
  EXPECT_EQ(seen.location, kGuide);
  EXPECT_EQ(seen.content_sha256, verify::Sha256Hex(GuideText()));
  ASSERT_EQ(seen.problems.size(), 1u);
  EXPECT_EQ(seen.problems[0].kind, ProblemKind::kNotConfirmed);
  const Change change = ChangeOf(seen);
  EXPECT_EQ(change.slot, kSlot);
  ASSERT_EQ(change.held_by.size(), 1u);
  EXPECT_NE(change.held_by[0].find("1 of 2 publications: docs.example"),
            std::string::npos);
}

TEST_F(PrintedRootSourceTest, IsConfirmedByASecondThatPrintsItsHash) {
  web_->Serve(kGuide, GuideText());
  web_->Serve(kOther, std::string("<p>SHA-256 <code>") + kSha256 + "</code>");
  const auto source = Source({kGuide, kOther});
  const Observation seen = Observe(*source);
  EXPECT_TRUE(seen.problems.empty());
  EXPECT_EQ(seen.certificates.size(), 1u);
  EXPECT_TRUE(ChangeOf(seen).held_by.empty());
}

TEST_F(PrintedRootSourceTest, IsConfirmedByASecondThatPrintsIt) {
  web_->Serve(kGuide, GuideText());
  web_->Serve(kOther, Read("certificates/aws-us-gov.nitro-root.pem"));
  const Observation seen = Observe(*Source({kGuide, kOther}));
  EXPECT_TRUE(seen.problems.empty());
  EXPECT_EQ(seen.certificates.size(), 1u);
}

TEST_F(PrintedRootSourceTest, CountsThePagesOfOneHostOnce) {
  web_->Serve(kGuide, GuideText());
  web_->Serve(kGuideAsHtml, "<html><pre>" + GuideText() + "</pre></html>");
  const Observation seen = Observe(*Source({kGuide, kGuideAsHtml}));
  EXPECT_EQ(seen.certificates.size(), 1u);
  ASSERT_EQ(seen.problems.size(), 1u);
  EXPECT_EQ(seen.problems[0].kind, ProblemKind::kNotConfirmed);
}

TEST_F(PrintedRootSourceTest, IsNotConfirmedByAnotherHash) {
  web_->Serve(kGuide, GuideText());
  web_->Serve(kOther, "SHA-256 " + std::string(64, '0'));
  const Observation seen = Observe(*Source({kGuide, kOther}));
  ASSERT_EQ(seen.problems.size(), 1u);
  EXPECT_EQ(seen.problems[0].kind, ProblemKind::kNotConfirmed);
}

TEST_F(PrintedRootSourceTest, IsNoAnomalyWhereTheRootIsPinned) {
  web_->Serve(kGuide, GuideText());
  const auto found = Classify(
      Observe(*Source({kGuide})),
      *anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog()));
  EXPECT_TRUE(found.anomalies.empty());
  EXPECT_TRUE(found.changes.empty());
}

TEST_F(PrintedRootSourceTest, SaysWhichPageIsNone) {
  web_->Serve(kGuide, GuideText());
  web_->Serve(kOther, "<html>Sign in</html>");
  const Observation seen = Observe(*Source({kGuide, kOther}));
  ASSERT_EQ(seen.problems.size(), 2u);
  EXPECT_EQ(seen.problems[1].kind, ProblemKind::kNotTheDocument);
  EXPECT_TRUE(seen.problems[1].detail.starts_with(kOther));
  EXPECT_TRUE(Classify(seen, OlderCatalog()).held());
}

TEST_F(PrintedRootSourceTest, HasNoRootWhereOnlyHashesArePrinted) {
  web_->Serve(kGuide, std::string("SHA-256 ") + kSha256);
  const Observation seen = Observe(*Source({kGuide}));
  EXPECT_TRUE(seen.certificates.empty());
  ASSERT_EQ(seen.problems.size(), 1u);
  EXPECT_EQ(seen.problems[0].kind, ProblemKind::kNoCertificate);
}

TEST_F(PrintedRootSourceTest, AnAddressThatFailsIsASetback) {
  web_->Serve(kGuide, GuideText());
  web_->Fail(kOther, SourceFailure::kTimedOut);
  const auto source = Source({kGuide, kOther});
  const auto first = source->Poll(kNow);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(first->observation.has_value());
  ASSERT_EQ(first->setbacks.size(), 1u);
  EXPECT_EQ(SourceFailureOf(first->setbacks[0]), SourceFailure::kTimedOut);
  // Once it was read, it counts while it fails.
  web_->Serve(kOther, std::string("SHA-256 ") + kSha256);
  EXPECT_TRUE(Observe(*source).problems.empty());
  web_->Fail(kOther, SourceFailure::kTimedOut);
  const auto later = source->Poll(kNow);
  ASSERT_TRUE(later.ok());
  EXPECT_FALSE(later->observation.has_value());
  EXPECT_EQ(later->setbacks.size(), 1u);
}

TEST_F(PrintedRootSourceTest, FailsWhereAllDo) {
  web_->Fail(kGuide, SourceFailure::kStalled);
  web_->Fail(kOther, SourceFailure::kTimedOut);
  EXPECT_EQ(SourceFailureOf(Source({kGuide, kOther})->Poll(kNow).status()),
            SourceFailure::kStalled);
}

TEST_F(PrintedRootSourceTest, SaysNothingNewWhileThePagesAreTheSame) {
  web_->Serve(kGuide, GuideText());
  const auto source = Source({kGuide});
  Observe(*source);
  EXPECT_FALSE(source->Poll(kNow)->observation.has_value());
  source->Forget();
  EXPECT_TRUE(source->Poll(kNow)->observation.has_value());
}

}  // namespace
}  // namespace anchorage::trustd
