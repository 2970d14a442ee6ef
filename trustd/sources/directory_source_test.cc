#include "trustd/sources/directory_source.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "anchors/baked/baked.h"
#include "anchors/base/atomic_file.h"
#include "anchors/catalog.h"
#include "trustd/sources/source_failure.h"

namespace anchorage::trustd {
namespace {

namespace fs = std::filesystem;
using verify::AnchorKind;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

std::string Certificate(const std::string& name) {
  return *anchors::ReadFile("anchors/baked/certificates/" + name, 1 << 16);
}

class DirectorySourceTest : public ::testing::Test {
 protected:
  DirectorySourceTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }

  void Write(const std::string& path, const std::string& bytes) {
    fs::create_directories(fs::path(folder_ + "/" + path).parent_path());
    std::ofstream(folder_ + "/" + path, std::ios::binary) << bytes;
  }

  DirectorySource For(const std::string& path) {
    return DirectorySource(
        {.name = "local",
         .scope = {{"aws", "aws-cn"},
                   {AnchorKind::kIidDsa, AnchorKind::kIidRsa1024,
                    AnchorKind::kIidRsa2048, AnchorKind::kNitroRoot}},
         .times = {}},
        path);
  }

  Observation Observe() {
    DirectorySource source = For(folder_);
    const auto answer = source.Poll(kNow);
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok()) return {};
    return answer->observation.value_or(Observation());
  }

  std::optional<SourceFailure> FailureOf(const std::string& path) {
    DirectorySource source = For(path);
    return SourceFailureOf(source.Poll(kNow).status());
  }

  // The one problem of a folder from which nothing is taken.
  ProblemKind ProblemOf(const std::string& path, const std::string& bytes) {
    fs::remove_all(folder_);
    Write(path, bytes);
    const Observation seen = Observe();
    EXPECT_TRUE(seen.certificates.empty()) << path;
    EXPECT_EQ(seen.problems.size(), 1u) << path;
    return seen.problems.at(0).kind;
  }

  const std::string folder_ =
      ::testing::TempDir() + "/" +
      ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(DirectorySourceTest, ReadsTheLayout) {
  Write("aws/eu-west-1/iid-rsa2048.pem", Certificate("eu-west-1.rsa2048.pem"));
  Write("aws/eu-west-1/iid-rsa1024.pem",
        Certificate("eu-west-1.rsa1024.superseded-1.pem") + "\n" +
            Certificate("eu-west-1.rsa1024.pem"));
  Write("aws-cn/cn-north-1/iid-dsa.pem", Certificate("cn-north-1.dsa.pem"));
  Write("aws/nitro-root.pem", Certificate("aws.nitro-root-g1.pem"));
  Write("README.md", "for people");
  Write(".git/HEAD", "x");
  Write(".git/a/b/c.pem", "x");
  const Observation seen = Observe();
  EXPECT_TRUE(seen.problems.empty());
  EXPECT_EQ(seen.location, folder_);
  ASSERT_EQ(seen.certificates.size(), 5u);
  EXPECT_EQ(seen.certificates[0].slot,
            (verify::Slot{"aws-cn", "cn-north-1", AnchorKind::kIidDsa}));
  EXPECT_EQ(seen.certificates[1].slot,
            (verify::Slot{"aws", "eu-west-1", AnchorKind::kIidRsa1024}));
  EXPECT_EQ(seen.certificates[1].line, 1);
  EXPECT_EQ(seen.certificates[2].slot, seen.certificates[1].slot);
  EXPECT_GT(seen.certificates[2].line, 1);
  EXPECT_NE(seen.certificates[2].der, seen.certificates[1].der);
  EXPECT_EQ(seen.certificates[4].slot,
            (verify::Slot{"aws", "", AnchorKind::kNitroRoot}));
}

TEST_F(DirectorySourceTest, TakesACertificateOnceInItsSlot) {
  const std::string good = Certificate("eu-west-1.rsa2048.pem");
  Write("aws/eu-west-1/iid-rsa2048.pem", good + good);
  const Observation seen = Observe();
  EXPECT_TRUE(seen.problems.empty());
  EXPECT_EQ(seen.certificates.size(), 1u);
}

// As volumes of Kubernetes are.
TEST_F(DirectorySourceTest, FollowsLinks) {
  Write(".data/iid-rsa2048.pem", Certificate("eu-west-1.rsa2048.pem"));
  fs::create_directories(folder_ + "/aws");
  fs::create_directory_symlink(folder_ + "/.data", folder_ + "/aws/eu-west-1");
  // Round and round.
  fs::create_directory_symlink(folder_, folder_ + "/aws/loop");
  EXPECT_EQ(Observe().certificates.size(), 1u);
}

TEST_F(DirectorySourceTest, SaysNothingNewWhileNothingChanges) {
  Write("aws/eu-west-1/iid-rsa2048.pem", Certificate("eu-west-1.rsa2048.pem"));
  DirectorySource source = For(folder_);
  EXPECT_TRUE(source.Poll(kNow)->observation.has_value());
  EXPECT_FALSE(source.Poll(kNow)->observation.has_value());
  source.Forget();
  EXPECT_TRUE(source.Poll(kNow)->observation.has_value());
  Write("aws/eu-west-2/iid-rsa2048.pem", Certificate("eu-west-2.rsa2048.pem"));
  EXPECT_EQ(source.Poll(kNow)->observation->certificates.size(), 2u);
  // The same bytes under another name are another content.
  fs::rename(folder_ + "/aws/eu-west-2", folder_ + "/aws/eu-west-3");
  EXPECT_TRUE(source.Poll(kNow)->observation.has_value());
}

TEST_F(DirectorySourceTest, ReportsWhatCannotBePlaced) {
  const std::string good = Certificate("eu-west-1.rsa2048.pem");
  for (const char* path :
       {"iid-rsa2048.pem", "aws/iid-rsa2048.pem", "aws/eu-west-1/rsa2048.pem",
        "aws/eu-west-1/nitro-root.pem", "aws/Ireland/iid-rsa2048.pem",
        "aws-cn/eu-west-1/iid-rsa2048.pem"}) {
    EXPECT_EQ(ProblemOf(path, good), ProblemKind::kNotPlaced) << path;
  }
  EXPECT_EQ(ProblemOf("aws-us-gov/us-gov-west-1/iid-rsa2048.pem", good),
            ProblemKind::kOutOfScope);
}

TEST_F(DirectorySourceTest, ReportsCertificatesThatCannotBeThere) {
  constexpr char kPath[] = "aws/eu-west-1/iid-rsa2048.pem";
  const std::string good = Certificate("eu-west-1.rsa2048.pem");
  EXPECT_EQ(ProblemOf(kPath, ""), ProblemKind::kNoCertificate);
  EXPECT_EQ(ProblemOf(kPath, good.substr(0, good.size() / 2)),
            ProblemKind::kTruncated);
  EXPECT_EQ(ProblemOf(kPath,
                      "-----BEGIN CERTIFICATE-----\n\u200b!\n"
                      "-----END CERTIFICATE-----\n"),
            ProblemKind::kCertificateUnreadable);
  EXPECT_EQ(ProblemOf(kPath, Certificate("eu-west-1.rsa1024.pem")),
            ProblemKind::kWrongKind);
  EXPECT_EQ(ProblemOf("aws/eu-west-1/iid-dsa.pem", good),
            ProblemKind::kWrongKind);
}

TEST_F(DirectorySourceTest, ReportsACutBlockAndKeepsTheOther) {
  const std::string good = Certificate("eu-west-1.rsa2048.pem");
  Write("aws/eu-west-1/iid-rsa2048.pem", good.substr(0, 200) + "\n" + good);
  const Observation seen = Observe();
  EXPECT_EQ(seen.certificates.size(), 1u);
  ASSERT_EQ(seen.problems.size(), 1u);
  EXPECT_EQ(seen.problems[0].kind, ProblemKind::kTruncated);
}

TEST_F(DirectorySourceTest, ReportsAnEmptyFolder) {
  const Observation seen = Observe();
  ASSERT_EQ(seen.problems.size(), 1u);
  EXPECT_EQ(seen.problems[0].kind, ProblemKind::kNotTheDocument);
}

TEST_F(DirectorySourceTest, ReadsACatalog) {
  const std::string path = folder_ + "/catalog.json";
  Write("catalog.json",
        std::string(anchors::DefaultBakedBundle().files.catalog()));
  DirectorySource source = For(path);
  const auto answer = source.Poll(kNow);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->observation->problems.empty());
  // 34 regions of aws and 2 of China, two of which have no dsa certificate,
  // and the root; no superseded ones.
  EXPECT_EQ(answer->observation->certificates.size(), 36u * 3 - 2 + 1);
  EXPECT_FALSE(source.Poll(kNow)->observation.has_value());
  Write("catalog.json", "{}");
  const auto bad = source.Poll(kNow);
  ASSERT_TRUE(bad.ok()) << bad.status();
  EXPECT_EQ(bad->observation->problems.at(0).kind,
            ProblemKind::kNotTheDocument);
}

TEST_F(DirectorySourceTest, TakesOfACatalogOnlyWhatIsInUse) {
  const std::string path = folder_ + "/catalog.json";
  const auto status_left_out = [&](verify::AnchorStatus status) {
    auto catalog =
        *anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
    auto& anchor = catalog.anchors.front();
    EXPECT_EQ(anchor.slot.partition, "aws");
    anchor.status = status;
    if (status == verify::AnchorStatus::kRetiring) {
      anchor.valid_until = kNow;
    }
    Write("catalog.json", anchors::SerializeCatalog(catalog));
    DirectorySource source = For(path);
    const auto answer = source.Poll(kNow);
    EXPECT_TRUE(answer.ok()) << answer.status();
    EXPECT_TRUE(answer->observation->problems.empty());
    for (const auto& certificate : answer->observation->certificates) {
      if (certificate.slot == anchor.slot) return false;
    }
    return true;
  };
  EXPECT_FALSE(status_left_out(verify::AnchorStatus::kActive));
  EXPECT_FALSE(status_left_out(verify::AnchorStatus::kRetiring));
  EXPECT_TRUE(status_left_out(verify::AnchorStatus::kAnnounced));
  EXPECT_TRUE(status_left_out(verify::AnchorStatus::kRetired));
  EXPECT_TRUE(status_left_out(verify::AnchorStatus::kRevoked));
}

TEST_F(DirectorySourceTest, FailsForWhatIsNotThereOrNotReadable) {
  EXPECT_EQ(FailureOf(folder_ + "/nothing"), SourceFailure::kPathMissing);
  // Whoever reads it is elsewhere.
  EXPECT_EQ(For("nothing").Poll(kNow).status().message(),
            "PATH_MISSING: " + fs::absolute("nothing").string());
  EXPECT_EQ(FailureOf("/dev/null"), SourceFailure::kPathUnreadable);
  fs::create_directories(folder_ + "/aws/eu-west-1");
  fs::create_symlink("/nowhere", folder_ + "/aws/eu-west-1/iid-dsa.pem");
  EXPECT_EQ(FailureOf(folder_), SourceFailure::kPathUnreadable);
}

TEST_F(DirectorySourceTest, ReadsNoMoreThanItsLimits) {
  Write("catalog.json", std::string(anchors::kMaxCatalogBytes + 1, ' '));
  EXPECT_EQ(FailureOf(folder_ + "/catalog.json"), SourceFailure::kTooLarge);
  Write("aws/eu-west-1/iid-dsa.pem", std::string(kMaxPemFileBytes + 1, ' '));
  EXPECT_EQ(FailureOf(folder_), SourceFailure::kTooLarge);
  fs::remove_all(folder_);
  for (int i = 0; i < 65; ++i) {
    Write("aws/eu-west-1/" + std::to_string(i) + ".pem",
          std::string(kMaxPemFileBytes, ' '));
  }
  EXPECT_EQ(FailureOf(folder_), SourceFailure::kTooLarge);
}

}  // namespace
}  // namespace anchorage::trustd
