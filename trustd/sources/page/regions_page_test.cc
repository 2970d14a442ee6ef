#include "trustd/sources/page/regions_page.h"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "anchors/catalog.h"
#include "gtest/gtest.h"
#include "test/fake_aws/page_writer.h"
#include "verify/anchor_set.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorKind;
using verify::Slot;

constexpr char kBegin[] = "-----BEGIN CERTIFICATE-----";
constexpr char kEnd[] = "-----END CERTIFICATE-----";

const anchors::Catalog& Baked() {
  static const anchors::Catalog* const catalog = [] {
    std::ifstream in("anchors/baked/catalog.json", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    return new anchors::Catalog(anchors::ParseCatalog(text).value());
  }();
  return *catalog;
}

SourceScope Everything() {
  return {
      {"aws", "aws-us-gov", "aws-cn", "aws-eusc"},
      {AnchorKind::kIidDsa, AnchorKind::kIidRsa1024, AnchorKind::kIidRsa2048}};
}

SourceScope Partition(const std::string& name) {
  SourceScope scope = Everything();
  scope.partitions = {name};
  return scope;
}

std::vector<anchors::PageEntry> EntriesOf(
    const std::vector<std::string>& regions) {
  std::vector<anchors::PageEntry> out;
  for (const anchors::PageEntry& entry : anchors::PageEntries(Baked())) {
    if (std::find(regions.begin(), regions.end(), entry.slot.region) !=
        regions.end()) {
      out.push_back(entry);
    }
  }
  return out;
}

// One region in Markdown: DSA, RSA, RSA-2048.
std::vector<anchors::PageEntry> Ireland() { return EntriesOf({"eu-west-1"}); }

std::string Markdown(const std::vector<anchors::PageEntry>& entries) {
  return anchors::WriteRegionsPage(entries, {});
}

using Placed = std::pair<Slot, std::string>;

std::multiset<Placed> Of(const std::vector<anchors::PageEntry>& entries) {
  std::multiset<Placed> out;
  for (const anchors::PageEntry& entry : entries)
    out.emplace(entry.slot, entry.der);
  return out;
}

std::multiset<Placed> Of(const PageContent& page) {
  std::multiset<Placed> out;
  for (const auto& c : page.certificates) out.emplace(c.slot, c.der);
  return out;
}

std::vector<ProblemKind> Kinds(const PageContent& page) {
  std::vector<ProblemKind> out;
  for (const SourceProblem& problem : page.problems) {
    out.push_back(problem.kind);
  }
  return out;
}

using Problems = std::vector<ProblemKind>;

std::string Replaced(const std::string& text, const std::string& from,
                     const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at == std::string::npos) return text;
  return text.substr(0, at) + to + text.substr(at + from.size());
}

int LineOf(const std::string& text, std::size_t at) {
  return 1 +
         static_cast<int>(std::count(text.begin(), text.begin() + at, '\n'));
}

class EveryLayout
    : public testing::TestWithParam<
          std::tuple<anchors::PageLayout, anchors::PemStyle, bool>> {
 protected:
  anchors::PageStyle Style() const {
    const auto& [layout, pem, crlf] = GetParam();
    return {layout, pem, crlf};
  }
};

TEST_P(EveryLayout, GivesEveryCertificateOfEveryRegion) {
  const auto entries = anchors::PageEntries(Baked());
  ASSERT_EQ(entries.size(), 114u);
  const auto page = ParseRegionsPage(
      anchors::WriteRegionsPage(entries, Style()), Everything());
  EXPECT_EQ(Kinds(page), Problems());
  EXPECT_EQ(Of(page), Of(entries));
}

TEST_P(EveryLayout, TellsTheLineOfEachCertificate) {
  const std::string text =
      anchors::WriteRegionsPage(anchors::PageEntries(Baked()), Style());
  const auto page = ParseRegionsPage(text, Everything());
  std::size_t at = 0;
  for (const ObservedCertificate& certificate : page.certificates) {
    at = text.find(kBegin, at);
    ASSERT_NE(at, std::string::npos);
    EXPECT_EQ(certificate.line, LineOf(text, at++));
  }
}

TEST_P(EveryLayout, LeavesOutOtherPartitionsWithoutAWord) {
  const auto entries = anchors::PageEntries(Baked());
  const auto page = ParseRegionsPage(
      anchors::WriteRegionsPage(entries, Style()), Partition("aws-cn"));
  EXPECT_EQ(Kinds(page), Problems());
  EXPECT_EQ(page.certificates.size(), 6u);
  for (const auto& c : page.certificates) {
    EXPECT_EQ(c.slot.partition, "aws-cn");
  }
}

INSTANTIATE_TEST_SUITE_P(
    RegionsPage, EveryLayout,
    testing::Combine(testing::Values(anchors::PageLayout::kMarkdown,
                                     anchors::PageLayout::kChineseMarkdown,
                                     anchors::PageLayout::kHtml),
                     testing::Values(anchors::PemStyle::kWrapped,
                                     anchors::PemStyle::kOneLine,
                                     anchors::PemStyle::kIndented,
                                     anchors::PemStyle::kSpaceJoined,
                                     anchors::PemStyle::kNoFinalNewline),
                     testing::Bool()));

TEST(RegionsPageTest, ProseTabsPlaceWhatIsCertainAndReportTheRest) {
  const auto entries = EntriesOf(
      {"us-east-1", "ap-east-1", "me-south-1", "us-gov-west-1", "cn-north-1"});
  const auto page = ParseRegionsPage(
      anchors::WriteRegionsPage(entries, {anchors::PageLayout::kProseTabs,
                                          anchors::PemStyle::kIndented}),
      Everything());
  std::vector<anchors::PageEntry> certain;
  for (const anchors::PageEntry& entry : entries) {
    const bool named =
        entry.slot.region == "ap-east-1" || entry.slot.region == "me-south-1";
    if (named && entry.slot.kind != AnchorKind::kIidRsa2048) {
      certain.push_back(entry);
    }
  }
  ASSERT_EQ(certain.size(), 4u);
  EXPECT_EQ(Of(page), Of(certain));
  // All kinds of three regions, and RSA-2048 of two.
  EXPECT_EQ(Kinds(page), Problems(3 * 3 + 2, ProblemKind::kNotPlaced));
}

class CutPage : public testing::TestWithParam<anchors::PageLayout> {};

TEST_P(CutPage, AtEveryLinePlacesNothingElsewhere) {
  const auto entries = EntriesOf({"eu-west-1", "us-gov-west-1", "cn-north-1"});
  const std::string text = anchors::WriteRegionsPage(
      entries, {GetParam(), anchors::PemStyle::kWrapped});
  const auto all = Of(entries);
  for (std::size_t at = text.find('\n'); at + 1 < text.size();
       at = text.find('\n', at + 1)) {
    const auto page = ParseRegionsPage(text.substr(0, at), Everything());
    const auto placed = Of(page);
    EXPECT_TRUE(
        std::includes(all.begin(), all.end(), placed.begin(), placed.end()))
        << at;
    // HTML says where it ends.
    EXPECT_TRUE(GetParam() != anchors::PageLayout::kHtml ||
                !page.problems.empty())
        << at;
  }
}

TEST_P(CutPage, InsideOrRightAfterABlockIsTruncated) {
  const auto entries =
      EntriesOf({"eu-west-1", "ap-east-2", "us-gov-west-1", "cn-north-1"});
  const std::string text = anchors::WriteRegionsPage(
      entries, {GetParam(), anchors::PemStyle::kWrapped});
  for (const std::string marker : {kBegin, kEnd}) {
    for (std::size_t at = text.find(marker); at != std::string::npos;
         at = text.find(marker, at + 1)) {
      for (const std::size_t end : {at, at + 9, at + marker.size()}) {
        const auto page = ParseRegionsPage(text.substr(0, end), Everything());
        const auto kinds = Kinds(page);
        EXPECT_GT(
            std::count(kinds.begin(), kinds.end(), ProblemKind::kTruncated), 0)
            << end;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(RegionsPage, CutPage,
                         testing::Values(anchors::PageLayout::kMarkdown,
                                         anchors::PageLayout::kChineseMarkdown,
                                         anchors::PageLayout::kHtml));

TEST(RegionsPageTest, AnHtmlPageWithoutItsEndIsTruncatedWhereverItIsCut) {
  const auto entries = EntriesOf({"eu-west-1", "eu-west-2"});
  std::string text =
      anchors::WriteRegionsPage(entries, {anchors::PageLayout::kHtml});
  text.resize(text.rfind("</html>"));
  for (const std::size_t size : {text.size(), text.rfind("<awsui-"),
                                 text.find("</awsui-"), text.find("<dd")}) {
    const auto kinds =
        Kinds(ParseRegionsPage(text.substr(0, size), Everything()));
    EXPECT_EQ(std::count(kinds.begin(), kinds.end(), ProblemKind::kTruncated),
              1)
        << size;
  }
}

TEST(RegionsPageTest, AFragmentOfHtmlIsReadAndItsCutSectionIsTruncated) {
  const std::string text =
      anchors::WriteRegionsPage(Ireland(), {anchors::PageLayout::kHtml});
  const std::size_t begin = text.find("<awsui-");
  const std::size_t end = text.find("</awsui-");
  const std::size_t behind = text.find('>', end) + 1;
  const auto whole =
      ParseRegionsPage(text.substr(begin, behind - begin), Everything());
  EXPECT_EQ(Kinds(whole), Problems());
  EXPECT_EQ(Of(whole), Of(Ireland()));
  const auto cut =
      ParseRegionsPage(text.substr(begin, end - begin), Everything());
  EXPECT_EQ(Kinds(cut), Problems({ProblemKind::kTruncated}));
}

TEST(RegionsPageTest, OtherPagesAreNotTheDocument) {
  const std::string pages[] = {
      "",
      "\n\n",
      "Service Unavailable",
      "<html><head><title>Sign in</title></head><body><form action=\"/login\">"
      "<input name=\"user\"></form></body></html>",
      "# Page not found\n\n## Try these\n\n#### [ IMDSv2 ]\n\n- one\n",
      std::string(64, '\0'),
      std::string(kMaxPageBytes + 1, ' '),
  };
  for (const std::string& page : pages) {
    const auto content = ParseRegionsPage(page, Everything());
    EXPECT_EQ(Kinds(content), Problems({ProblemKind::kNotTheDocument}))
        << page.substr(0, 40);
    EXPECT_TRUE(content.certificates.empty());
  }
}

TEST(RegionsPageTest, APageOfOtherPartitionsAloneIsOutOfScope) {
  const auto page = ParseRegionsPage(Markdown(Ireland()), Partition("aws-cn"));
  EXPECT_EQ(Kinds(page), Problems({ProblemKind::kOutOfScope}));
  EXPECT_TRUE(page.certificates.empty());
}

TEST(RegionsPageTest, ProseTabsOfOtherPartitionsAloneAreOutOfScope) {
  std::vector<anchors::PageEntry> entries = EntriesOf({"ap-east-1"});
  entries.pop_back();
  const auto page = ParseRegionsPage(
      anchors::WriteRegionsPage(entries, {anchors::PageLayout::kProseTabs}),
      Partition("aws-cn"));
  EXPECT_EQ(Kinds(page), Problems({ProblemKind::kOutOfScope}));
}

TEST(RegionsPageTest, KindsOutsideTheScopeAreLeftOut) {
  SourceScope scope = Everything();
  scope.kinds = {AnchorKind::kIidRsa2048};
  const auto page = ParseRegionsPage(Markdown(Ireland()), scope);
  EXPECT_EQ(Kinds(page), Problems());
  EXPECT_EQ(page.certificates.size(), 1u);
}

TEST(RegionsPageTest, ACertificateUnderAnotherKindIsAWrongKind) {
  for (const auto& [a, b] : {std::pair(0, 1), {0, 2}, {1, 2}}) {
    auto entries = Ireland();
    std::swap(entries[a].der, entries[b].der);
    const auto page = ParseRegionsPage(Markdown(entries), Everything());
    EXPECT_EQ(Kinds(page), Problems(2, ProblemKind::kWrongKind));
    EXPECT_EQ(page.certificates.size(), 1u);
  }
}

TEST(RegionsPageTest, ChinaHasAnRsaKeyUnderDsa) {
  const auto page = ParseRegionsPage(Markdown(EntriesOf({"cn-north-1"})),
                                     Partition("aws-cn"));
  EXPECT_EQ(Kinds(page), Problems());
  EXPECT_EQ(page.certificates[0].slot.kind, AnchorKind::kIidDsa);
}

TEST(RegionsPageTest, TwoCertificatesOfOneKindAreKeptAndSaid) {
  auto entries = Ireland();
  anchors::PageEntry second = EntriesOf({"eu-west-2"})[1];
  second.slot = entries[1].slot;
  entries.push_back(second);
  const auto page = ParseRegionsPage(Markdown(entries), Everything());
  EXPECT_EQ(Kinds(page), Problems({ProblemKind::kSlotTwice}));
  EXPECT_EQ(Of(page), Of(entries));
}

TEST(RegionsPageTest, TheSameCertificateTwiceCountsOnce) {
  auto entries = Ireland();
  entries.push_back(entries[1]);
  const auto page = ParseRegionsPage(Markdown(entries), Everything());
  EXPECT_EQ(Kinds(page), Problems());
  EXPECT_EQ(page.certificates.size(), 3u);
}

TEST(RegionsPageTest, AHeadingWithoutCertificateIsSaid) {
  const std::string text = Markdown(Ireland());
  const std::size_t begin = text.find("```");
  const std::size_t end = text.find("```", begin + 3) + 3;
  const auto page =
      ParseRegionsPage(text.substr(0, begin) + text.substr(end), Everything());
  EXPECT_EQ(Kinds(page), Problems({ProblemKind::kNoCertificate}));
  EXPECT_EQ(page.certificates.size(), 2u);

  const std::string bare =
      text + "\n## Asia Pacific (New) \xe2\x80\x94 ap-new-1\n";
  EXPECT_EQ(Kinds(ParseRegionsPage(bare, Everything())),
            Problems({ProblemKind::kNoCertificate}));
}

TEST(RegionsPageTest, ACertificateUnderNoRegionIsNotPlaced) {
  const std::string text = Markdown(Ireland());
  const std::string pem =
      anchors::WritePem(Ireland()[1].der, anchors::PemStyle::kWrapped);
  for (const std::string& odd :
       {pem + text, text + "\n## Related\n\n" + pem,
        text + "\n# Related\n\n#### [ RSA ]\n\n" + pem}) {
    const auto page = ParseRegionsPage(odd, Everything());
    EXPECT_EQ(Kinds(page), Problems({ProblemKind::kNotPlaced}));
    EXPECT_EQ(page.certificates.size(), 3u);
  }
}

TEST(RegionsPageTest, AHeadingInDoubtPlacesNothing) {
  const std::string text = Markdown(Ireland());
  const std::string heading = "\xe2\x80\x94 eu-west-1";
  const std::string anchor = "\"eu-west-1-cert\"";
  const std::string odd[] = {
      Replaced(text, heading, "\xe2\x80\x94 eu-west"),
      Replaced(text, heading, "\xe2\x80\x94 eu-west-01"),
      Replaced(text, heading, "\xe2\x80\x94 EU-WEST-1"),
      Replaced(text, heading, "\xe2\x80\x94 "),
      // A Cyrillic letter, and a zero-width space.
      Replaced(text, heading, "\xe2\x80\x94 \xd0\xb5u-west-1"),
      Replaced(text, heading, "\xe2\x80\x94 eu-west-1\xe2\x80\x8b"),
      Replaced(text, anchor, "\"eu-west-2-cert\""),
  };
  for (const std::string& page : odd) {
    const auto content = ParseRegionsPage(page, Everything());
    EXPECT_TRUE(content.certificates.empty());
    EXPECT_EQ(Kinds(content), Problems(4, ProblemKind::kNotPlaced));
  }
}

TEST(RegionsPageTest, AHeadingInDoubtPlacesNothingInHtmlEither) {
  const std::string text =
      anchors::WriteRegionsPage(Ireland(), {anchors::PageLayout::kHtml});
  for (const std::string& page :
       {Replaced(text, "\xe2\x80\x94 eu-west-1", "\xe2\x80\x94 eu-west"),
        Replaced(text, "id=\"eu-west-1-cert", "id=\"eu-west-2-cert")}) {
    const auto content = ParseRegionsPage(page, Everything());
    EXPECT_TRUE(content.certificates.empty());
    EXPECT_EQ(Kinds(content), Problems(4, ProblemKind::kNotPlaced));
  }
  // A section that is no region's: all of its certificates.
  const auto other = ParseRegionsPage(
      Replaced(text, " \xe2\x80\x94 eu-west-1", ""), Everything());
  EXPECT_EQ(Kinds(other), Problems(3, ProblemKind::kNotPlaced));
  // Behind its <dd>, a tab has nothing.
  const auto second = ParseRegionsPage(
      Replaced(
          text, "</dd>",
          "</dd><dd>" +
              anchors::WritePem(Ireland()[0].der, anchors::PemStyle::kWrapped) +
              "</dd>"),
      Everything());
  EXPECT_EQ(Kinds(second), Problems({ProblemKind::kNotPlaced}));
}

TEST(RegionsPageTest, AnUnknownTabPlacesNothing) {
  const std::string text = Markdown(Ireland());
  for (const std::string tab : {"Ed25519",
                                "RSA\xe2\x80\x91"
                                "2048",
                                "rsa"}) {
    const auto page = ParseRegionsPage(
        Replaced(text, "[ RSA-2048 ]", "[ " + tab + " ]"), Everything());
    EXPECT_EQ(Kinds(page), Problems(2, ProblemKind::kNotPlaced));
    EXPECT_EQ(page.certificates.size(), 2u);
  }
}

TEST(RegionsPageTest, DamagedBlocksAreUnreadable) {
  const std::string text = Markdown(Ireland());
  const std::string begin = std::string(kBegin) + "\n";
  const std::string odd[] = {
      // Zero-width space, Cyrillic letter, typographic dash, another letter.
      Replaced(text, begin, begin + "\xe2\x80\x8b"),
      Replaced(text, begin + "M", begin + "\xd0\x9c"),
      Replaced(text, begin, begin + "\xe2\x80\x93"),
      Replaced(text, begin, begin + "A"),
      Replaced(text, begin + "MI", begin + "NI"),
      Replaced(text, begin, begin + std::string(70000, 'A')),
  };
  for (const std::string& page : odd) {
    const auto content = ParseRegionsPage(page, Everything());
    EXPECT_EQ(Kinds(content), Problems({ProblemKind::kCertificateUnreadable}));
    EXPECT_EQ(content.certificates.size(), 2u);
  }
}

TEST(RegionsPageTest, DamagedMarkersAreNotRepaired) {
  const std::string text = Markdown(Ireland());
  const auto without_begin =
      ParseRegionsPage(Replaced(text, kBegin,
                                "\xe2\x80\x94-----BEGIN \xd0\xa1"
                                "ERTIFICATE-----"),
                       Everything());
  EXPECT_EQ(Kinds(without_begin),
            Problems({ProblemKind::kNoCertificate,
                      ProblemKind::kCertificateUnreadable}));
  EXPECT_EQ(without_begin.certificates.size(), 2u);
  const auto without_end =
      ParseRegionsPage(Replaced(text, kEnd, "-----END-----"), Everything());
  EXPECT_EQ(Kinds(without_end),
            Problems({ProblemKind::kNoCertificate, ProblemKind::kTruncated}));
  EXPECT_EQ(without_end.certificates.size(), 2u);
}

TEST(RegionsPageTest, AFenceThatNeverClosesIsTruncated) {
  const std::string text = Markdown(Ireland());
  const std::string open =
      Replaced(text, std::string(kEnd) + "\n```", std::string(kEnd) + "\n");
  const auto page = ParseRegionsPage(open, Everything());
  EXPECT_EQ(Kinds(page), Problems({ProblemKind::kTruncated}));
  EXPECT_EQ(page.certificates.size(), 3u);
}

TEST(RegionsPageTest, ACertificateInACommentOrScriptIsNotRead) {
  const std::string text =
      anchors::WriteRegionsPage(Ireland(), {anchors::PageLayout::kHtml});
  const std::string hidden = anchors::WriteRegionsPage(
      EntriesOf({"eu-west-2"}), {anchors::PageLayout::kHtml});
  const std::string section = hidden.substr(
      hidden.find("<awsui-"), hidden.find("</div>") - hidden.find("<awsui-"));
  for (const auto& [open, close] : {std::pair("<!--", "-->"),
                                    {"<script>", "</SCRIPT >"},
                                    {"<style>", "</style>"}}) {
    const auto page = ParseRegionsPage(
        Replaced(text, "</div>", absl::StrCat(open, section, close, "</div>")),
        Everything());
    EXPECT_EQ(Kinds(page), Problems());
    EXPECT_EQ(Of(page), Of(Ireland()));
  }
}

TEST(RegionsPageTest, EntitiesInHtmlAreText) {
  std::string text =
      anchors::WriteRegionsPage(Ireland(), {anchors::PageLayout::kHtml});
  text = absl::StrReplaceAll(text, {{"\xe2\x80\x94", "&mdash;"},
                                    {"+", "&#43;"},
                                    {"RSA-2048</dt>", "RSA&#x2d;2048</dt>"}});
  const auto page = ParseRegionsPage(text, Everything());
  EXPECT_EQ(Kinds(page), Problems());
  EXPECT_EQ(Of(page), Of(Ireland()));
}

TEST(RegionsPageTest, HostileHtmlIsReadInBoundedTimeAndDepth) {
  const auto repeat = [](std::string_view text) {
    std::string out = "<html>";
    while (out.size() + text.size() < kMaxPageBytes) out += text;
    return out;
  };
  for (const std::string_view part :
       {"<dl>", "<b a=1><p>", "<dd><dt>", "<a href='", "<", "</", "<!--",
        "<script>", "&lt;", "<table><b>", "<awsui-expandable-section>",
        "<dt a=\"<b>\">x"}) {
    const auto page = ParseRegionsPage(repeat(part), Everything());
    EXPECT_FALSE(page.problems.empty()) << part;
    EXPECT_TRUE(page.certificates.empty()) << part;
  }
}

TEST(RegionsPageTest, TooManyCertificatesOrProblemsAreCut) {
  const auto ireland = Ireland();
  std::vector<anchors::PageEntry> many;
  for (std::size_t i = 0; i <= kMaxPageCertificates / 3; ++i) {
    for (anchors::PageEntry entry : ireland) {
      entry.slot.region = absl::StrCat("eu-", std::string(1 + i / 26 % 26, 'w'),
                                       std::string(1, 'a' + i % 26), "-1");
      many.push_back(entry);
    }
  }
  const auto page = ParseRegionsPage(Markdown(many), Everything());
  EXPECT_EQ(Kinds(page), Problems({ProblemKind::kNotTheDocument}));
  EXPECT_TRUE(page.certificates.empty());

  std::string headings;
  for (std::size_t i = 0; i < 2 * kMaxPageProblems; ++i) {
    headings += "## x \xe2\x80\x94 y\n";
  }
  EXPECT_EQ(ParseRegionsPage(headings, Everything()).problems.size(),
            kMaxPageProblems);
}

TEST(RegionsPageTest, ProblemsTellTheirLinesAndNothingUnprintable) {
  const std::string text =
      Markdown(Ireland()) +
      "## \x1b[31m\n\xe2\x80\x94 x\n## \x1b[31m\xe2\x80\x94 x\n";
  const auto page = ParseRegionsPage(text, Everything());
  ASSERT_EQ(page.problems.size(), 1u);
  EXPECT_EQ(page.problems[0].line, LineOf(text, text.size() - 1));
  for (const char c : page.problems[0].detail) {
    EXPECT_TRUE(c >= 0x20 && c < 0x7f);
  }
}

}  // namespace
}  // namespace anchorage::trustd
