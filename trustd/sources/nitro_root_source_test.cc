#include "trustd/sources/nitro_root_source.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "anchors/base/atomic_file.h"
#include "test/support/fake_downloader.h"
#include "trustd/sources/source_failure.h"
#include "trustd/sources/zip_reader.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorKind;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr char kUrl[] = "https://nitro.example/root.zip";

std::string Certificate(const std::string& name) {
  return *anchors::ReadFile("anchors/baked/certificates/" + name, 1 << 16);
}

std::string RealRoot() { return Certificate("aws.nitro-root-g1.pem"); }

using Entries = std::vector<std::pair<std::string, std::string>>;

std::string Zip(const Entries& entries, bool deflate = true) {
  std::string zip(4 << 20, '\0');
  std::size_t used = 0;
  archive* const writer = archive_write_new();
  archive_write_set_format_zip(writer);
  archive_write_set_options(
      writer, deflate ? "zip:compression=deflate" : "zip:compression=store");
  archive_write_open_memory(writer, zip.data(), zip.size(), &used);
  for (const auto& [name, bytes] : entries) {
    archive_entry* const entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    archive_entry_set_filetype(entry,
                               name.ends_with('/') ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK);
    archive_write_data(writer, bytes.data(), bytes.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
  zip.resize(used);
  return zip;
}

class NitroRootSourceTest : public ::testing::Test {
 protected:
  Observation Observe(std::string body) {
    web_->Serve(kUrl, std::move(body));
    source_.Forget();
    const auto answer = source_.Poll(kNow);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer->observation.value_or(Observation());
  }

  // The one problem of an archive from which nothing is taken.
  std::optional<ProblemKind> ProblemOf(std::string body) {
    const Observation seen = Observe(std::move(body));
    EXPECT_TRUE(seen.certificates.empty());
    EXPECT_EQ(seen.problems.size(), 1u);
    if (seen.problems.empty()) return std::nullopt;
    return seen.problems[0].kind;
  }

  std::shared_ptr<FakeWeb> web_ = std::make_shared<FakeWeb>();
  NitroRootSource source_{
      {.name = "nitro-root",
       .scope = {{"aws", "aws-us-gov"}, {AnchorKind::kNitroRoot}},
       .times = {}},
      {.url = kUrl, .max_bytes = 1 << 16},
      web_};
};

TEST_F(NitroRootSourceTest, ObservesTheRootInEachPartition) {
  const std::string zip = Zip({{"root.pem", RealRoot()}});
  const Observation seen = Observe(zip);
  EXPECT_TRUE(seen.problems.empty());
  EXPECT_EQ(seen.content_sha256, verify::Sha256Hex(zip));
  ASSERT_EQ(seen.certificates.size(), 2u);
  EXPECT_EQ(seen.certificates[0].slot,
            (verify::Slot{"aws", "", AnchorKind::kNitroRoot}));
  EXPECT_EQ(seen.certificates[1].slot.partition, "aws-us-gov");
  // As AWS's manual has it.
  EXPECT_EQ(verify::Sha256Hex(seen.certificates[0].der),
            "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b");
}

TEST_F(NitroRootSourceTest, TakesItFromAFolderAndBesideWhatMacOsAdds) {
  const Observation seen =
      Observe(Zip({{"root/", ""},
                   {"root/root.pem", RealRoot()},
                   {"__MACOSX/root/._root.pem", "attributes"}}));
  EXPECT_TRUE(seen.problems.empty());
  EXPECT_EQ(seen.certificates.size(), 2u);
}

TEST_F(NitroRootSourceTest, SaysNothingNewWhileTheArchiveIsTheSame) {
  Observe(Zip({{"root.pem", RealRoot()}}));
  EXPECT_FALSE(source_.Poll(kNow)->observation.has_value());
}

TEST_F(NitroRootSourceTest, ReportsWhatIsNotOneRoot) {
  EXPECT_EQ(ProblemOf(Zip({{"readme/", ""}})), ProblemKind::kNoCertificate);
  EXPECT_EQ(ProblemOf(Zip({{"root.pem", ""}, {"a/root.pem", ""}})),
            ProblemKind::kSlotTwice);
  EXPECT_EQ(ProblemOf(Zip({{"root.pem", RealRoot() + RealRoot()}})),
            ProblemKind::kSlotTwice);
}

TEST_F(NitroRootSourceTest, ReportsWhatStandsBesideTheRoot) {
  const Observation seen =
      Observe(Zip({{"root.pem", RealRoot()}, {"new\nroot.pem", RealRoot()}}));
  ASSERT_EQ(seen.problems.size(), 1u);
  EXPECT_EQ(seen.problems[0].kind, ProblemKind::kNotPlaced);
  EXPECT_EQ(seen.problems[0].detail.find('\n'), std::string::npos);
}

TEST_F(NitroRootSourceTest, ReportsARootThatIsNone) {
  const auto problem = [&](const std::string& pem) {
    const Observation seen = Observe(Zip({{"root.pem", pem}}));
    EXPECT_TRUE(seen.certificates.empty());
    return seen.problems.at(0).kind;
  };
  EXPECT_EQ(problem(""), ProblemKind::kNoCertificate);
  EXPECT_EQ(problem(RealRoot().substr(0, 300)), ProblemKind::kTruncated);
  EXPECT_EQ(problem(Certificate("eu-west-1.rsa2048.pem")),
            ProblemKind::kWrongKind);
  std::string damaged = RealRoot();
  damaged[damaged.find('\n') + 1] = 'A';  // no SEQUENCE
  EXPECT_EQ(problem(damaged), ProblemKind::kCertificateUnreadable);
}

TEST_F(NitroRootSourceTest, ReportsWhatIsNoArchive) {
  EXPECT_EQ(ProblemOf(""), ProblemKind::kNotTheDocument);
  EXPECT_EQ(ProblemOf("<html>Sign in</html>"), ProblemKind::kNotTheDocument);
  EXPECT_EQ(ProblemOf(RealRoot()), ProblemKind::kNotTheDocument);
}

TEST_F(NitroRootSourceTest, ReportsEveryCut) {
  const std::string zip = Zip({{"root.pem", RealRoot()}});
  for (std::size_t size = 4; size < zip.size(); size += 7) {
    EXPECT_EQ(ProblemOf(zip.substr(0, size)), ProblemKind::kTruncated) << size;
  }
}

TEST_F(NitroRootSourceTest, ReportsDamage) {
  std::string zip = Zip({{"root.pem", RealRoot()}}, /*deflate=*/false);
  zip[zip.find("MII") + 100] ^= 1;
  EXPECT_EQ(ProblemOf(zip), ProblemKind::kTruncated);
}

TEST_F(NitroRootSourceTest, UnpacksNoBomb) {
  const std::string bomb = Zip({{"root.pem", std::string(8 << 20, ' ')}});
  ASSERT_LT(bomb.size(), 1u << 16);
  EXPECT_EQ(ProblemOf(bomb), ProblemKind::kNotTheDocument);
  Entries many;
  for (std::size_t i = 0; i <= kMaxZipEntries; ++i) many.push_back({"a", ""});
  EXPECT_EQ(ProblemOf(Zip(many)), ProblemKind::kNotTheDocument);
}

TEST_F(NitroRootSourceTest, FailsWhereTheDownloadDoes) {
  web_->Fail(kUrl, SourceFailure::kRedirectRefused);
  EXPECT_EQ(SourceFailureOf(source_.Poll(kNow).status()),
            SourceFailure::kRedirectRefused);
}

}  // namespace
}  // namespace anchorage::trustd
