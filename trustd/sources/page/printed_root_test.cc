#include "trustd/sources/page/printed_root.h"

#include <cstddef>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "anchors/base/atomic_file.h"
#include "gtest/gtest.h"
#include "test/fake_aws/fake_nitro.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

constexpr char kGovCloud[] = "aws-us-gov";
constexpr char kGovCloudSha256[] =
    "20bcd30a3e168ea03789e1c45912bc123c4de3c977b8a6e1c125c7929d668b3b";

std::string Read(const std::string& path) {
  return *anchors::ReadFile("anchors/baked/" + path, 1 << 20);
}

std::string GovCloudPem() {
  return Read("certificates/aws-us-gov.nitro-root.pem");
}

std::string Pem(const std::string& der) {
  return absl::StrCat("-----BEGIN CERTIFICATE-----\n", absl::Base64Escape(der),
                      "\n-----END CERTIFICATE-----\n");
}

ProblemKind ProblemOf(const std::string& page) {
  const PrintedRoots read = ReadPrintedRoots(page, kGovCloud);
  EXPECT_TRUE(read.certificates.empty()) << page;
  EXPECT_EQ(read.problems.size(), 1u) << page;
  return read.problems.empty() ? ProblemKind::kOutOfScope
                               : read.problems[0].kind;
}

void ExpectGovCloud(const std::string& page, int line) {
  const PrintedRoots read = ReadPrintedRoots(page, kGovCloud);
  EXPECT_TRUE(read.problems.empty()) << page;
  ASSERT_EQ(read.certificates.size(), 1u) << page;
  EXPECT_EQ(verify::Sha256Hex(read.certificates[0].der), kGovCloudSha256);
  EXPECT_EQ(read.certificates[0].line, line);
}

TEST(PrintedRoot, IsReadFromAwssMarkdown) {
  ExpectGovCloud(Read("printed/govcloud-ec2.md"), 4);
}

TEST(PrintedRoot, IsReadFromHtml) {
  const std::string code = absl::StrReplaceAll(
      GovCloudPem(), {{"\n", "</span>\n<span class=\"line\">"}});
  ExpectGovCloud(
      "<!DOCTYPE html>\n<html><head><script>\nif (a < b) {}\n"
      "</script></head><body><!-- \n --><pre><code>" +
          code + "</code></pre></body></html>",
      5);
}

TEST(PrintedRoot, IsReadHoweverItIsBroken) {
  const std::string pem = GovCloudPem();
  ExpectGovCloud(absl::StrReplaceAll(pem, {{"\n", "\r\n"}}), 1);
  ExpectGovCloud(absl::StrReplaceAll(pem, {{"\n", " "}}), 1);
  ExpectGovCloud(absl::StrReplaceAll(pem, {{"\n", "\n      "}}), 1);
}

TEST(PrintedRoot, IsOnlyThePartitions) {
  const std::string both =
      Read("certificates/aws.nitro-root-g1.pem") + GovCloudPem();
  ExpectGovCloud(both, 15);
  const PrintedRoots commercial = ReadPrintedRoots(both, "aws");
  ASSERT_EQ(commercial.certificates.size(), 1u);
  EXPECT_TRUE(commercial.problems.empty());
  EXPECT_TRUE(ReadPrintedRoots(both, "aws-cn").certificates.empty());
}

TEST(PrintedRoot, IsNamedAsARootAndSignedByItself) {
  EXPECT_EQ(ProblemOf(Read("certificates/us-gov-west-1.rsa2048.pem")),
            ProblemKind::kNotPlaced);
  const test::FakeNitro fake(kGovCloud, "us-gov-west-1");
  const auto chain =
      fake.Chain(test::NitroType::kEnclave, absl::FromUnixSeconds(1800000000));
  EXPECT_EQ(ProblemOf(Pem(test::MakeCertificate(chain[test::kRegional]))),
            ProblemKind::kNotPlaced);
  std::string forged = fake.RootAnchor().certificates_der.front();
  EXPECT_TRUE(ReadPrintedRoots(Pem(forged), kGovCloud).problems.empty());
  forged.back() ^= 1;
  EXPECT_EQ(ProblemOf(Pem(forged)), ProblemKind::kNotPlaced);
}

TEST(PrintedRoot, IsNotGuessed) {
  EXPECT_EQ(ProblemOf(""), ProblemKind::kNotTheDocument);
  EXPECT_EQ(ProblemOf("<html>Sign in</html>"), ProblemKind::kNotTheDocument);
  EXPECT_EQ(ProblemOf(GovCloudPem().substr(0, 300)), ProblemKind::kTruncated);
  EXPECT_EQ(ProblemOf(absl::StrReplaceAll(GovCloudPem(), {{"MII", "M*I"}})),
            ProblemKind::kCertificateUnreadable);
  EXPECT_EQ(ProblemOf("<script>" + GovCloudPem() + "</script>"),
            ProblemKind::kNotTheDocument);
  std::string many;
  for (std::size_t i = 0; i <= kMaxPrintedRoots; ++i) many += GovCloudPem();
  const PrintedRoots read = ReadPrintedRoots(many, kGovCloud);
  EXPECT_EQ(read.certificates.size(), kMaxPrintedRoots);
  ASSERT_EQ(read.problems.size(), 1u);
  EXPECT_EQ(read.problems[0].kind, ProblemKind::kNotPlaced);
}

TEST(PrintedRoot, FingerprintsAreReadInBothForms) {
  std::string pairs;
  for (std::size_t i = 0; i < 64; i += 2) {
    absl::StrAppend(&pairs, i == 0 ? "" : ":",
                    std::string(kGovCloudSha256).substr(i, 2));
  }
  for (const std::string& page :
       {absl::StrCat("SHA-256 <code>", pairs, "</code>."),
        absl::StrCat("(SHA256 ", kGovCloudSha256, ")"),
        absl::StrCat("sha256:", kGovCloudSha256),
        absl::AsciiStrToUpper(pairs)}) {
    const PrintedRoots read = ReadPrintedRoots(page, kGovCloud);
    EXPECT_TRUE(read.problems.empty()) << page;
    EXPECT_EQ(read.fingerprints, std::set<std::string>{kGovCloudSha256})
        << page;
  }
  for (const std::string& page :
       {std::string(kGovCloudSha256).substr(1), std::string(96, '0'),
        absl::StrCat(pairs, ":00"), absl::StrReplaceAll(pairs, {{":", "::"}}),
        std::string(95, ':')}) {
    EXPECT_TRUE(ReadPrintedRoots(page, kGovCloud).fingerprints.empty()) << page;
  }
}

TEST(PrintedRoot, IsBoundedByThePage) {
  std::string hashes;
  for (int i = 0; i < 10000; ++i) {
    absl::StrAppend(&hashes, std::string(kGovCloudSha256).substr(6), 100000 + i,
                    "\n");
  }
  EXPECT_EQ(ReadPrintedRoots(hashes, kGovCloud).fingerprints.size(),
            kMaxFingerprints);
  // Neither of these takes the square of its length.
  EXPECT_FALSE(
      ReadPrintedRoots(std::string(4 << 20, '<'), kGovCloud).problems.empty());
  std::string open;
  for (int i = 0; i < 1 << 18; ++i) open += "<script>";
  EXPECT_FALSE(ReadPrintedRoots(open, kGovCloud).problems.empty());
}

}  // namespace
}  // namespace anchorage::trustd
