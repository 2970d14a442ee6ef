#include "anchors/publishing/catalog_builder.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"

namespace anchorage::anchors {
namespace {

using verify::AnchorKind;

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

// Everything that the build is given.
struct Input {
  std::string sources = ReadFile("anchors/baked/sources.json");
  std::map<std::string, std::string> pems;
};

Input Good() {
  Input input;
  for (const auto& entry :
       std::filesystem::directory_iterator("anchors/baked/certificates")) {
    input.pems[entry.path().filename()] = ReadFile(entry.path());
  }
  return input;
}

absl::StatusOr<Catalog> Build(const Input& input) {
  return BuildCatalog(input.sources, input.pems, 1);
}

TEST(BakedCatalog, HasEverySlotThatAwsPublishes) {
  const auto catalog = Build(Good());
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  std::map<AnchorKind, int> kinds;
  std::map<std::string, std::set<std::string>> regions;
  int superseded = 0;
  for (const CatalogAnchor& anchor : catalog->anchors) {
    ++kinds[anchor.slot.kind];
    if (!anchor.slot.region.empty()) {
      regions[anchor.slot.partition].insert(anchor.slot.region);
    }
    for (const CatalogCertificate& certificate : anchor.certificates) {
      superseded += certificate.superseded ? 1 : 0;
      EXPECT_FALSE(certificate.sources.empty());
    }
    EXPECT_EQ(anchor.status, verify::AnchorStatus::kActive);
  }
  EXPECT_EQ(kinds[AnchorKind::kIidRsa2048], 39);
  EXPECT_EQ(kinds[AnchorKind::kIidRsa1024], 39);
  EXPECT_EQ(kinds[AnchorKind::kIidDsa], 36);
  EXPECT_EQ(kinds[AnchorKind::kNitroRoot], 2);
  EXPECT_EQ(catalog->anchors.size(), 116u);
  EXPECT_EQ(superseded, 28);
  EXPECT_EQ(regions["aws"].size(), 34u);
  EXPECT_EQ(regions["aws-us-gov"].size(), 2u);
  EXPECT_EQ(regions["aws-cn"].size(), 2u);
  EXPECT_EQ(regions["aws-eusc"].size(), 1u);
  EXPECT_EQ(regions.size(), 4u);
}

TEST(BakedCatalog, HasTheRootsOfThePublishedFingerprints) {
  const auto catalog = Build(Good());
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  std::map<std::string, std::string> roots;
  for (const CatalogAnchor& anchor : catalog->anchors) {
    if (anchor.slot.kind != AnchorKind::kNitroRoot) continue;
    ASSERT_EQ(anchor.certificates.size(), 1u);
    roots[anchor.slot.partition] = anchor.certificates[0].sha256;
  }
  const std::map<std::string, std::string> published = {
      {"aws",
       "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b"},
      {"aws-us-gov",
       "20bcd30a3e168ea03789e1c45912bc123c4de3c977b8a6e1c125c7929d668b3b"}};
  EXPECT_EQ(roots, published);
}

TEST(BakedCatalog, LoadsAsASetOfKeys) {
  const auto catalog = Build(Good());
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  const auto set = ToAnchorSet(*catalog, {});
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ((*set)->anchors().size(), 116u);
  EXPECT_EQ((*set)->PartitionOf("eusc-de-east-1"), "aws-eusc");
}

TEST(BakedCatalog, IsTheSameEveryTime) {
  const auto catalog = Build(Good());
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  const std::string text = SerializeCatalog(*catalog);
  EXPECT_EQ(text, SerializeCatalog(*Build(Good())));
  const auto read = ParseCatalog(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(*read == *catalog);
  EXPECT_EQ(text, ReadFile("anchors/baked/catalog.json"));
}

struct Breakage {
  const char* name;
  std::function<void(Input&)> apply;
};

class OneBreakage : public ::testing::TestWithParam<Breakage> {};

// That the build fails is what matters; it is people who read why.
TEST_P(OneBreakage, FailsTheBuild) {
  Input input = Good();
  ASSERT_TRUE(Build(input).ok());
  GetParam().apply(input);
  EXPECT_FALSE(Build(input).ok());
}

// Replaces the first `from` of the record.
Breakage Edit(const char* name, std::string from, std::string to) {
  return {name, [from, to](Input& input) {
            const std::size_t at = input.sources.find(from);
            ASSERT_NE(at, std::string::npos) << from;
            input.sources.replace(at, from.size(), to);
          }};
}

INSTANTIATE_TEST_SUITE_P(
    BakedCatalog, OneBreakage,
    ::testing::Values(
        Edit("NotJson", "{", "["), Edit("NoTime", "as_of", "as"),
        Edit("BadTime", "\"as_of\": \"2", "\"as_of\": \"x2"),
        Edit("UnknownMember", "\"copies\": 9", "\"copys\": 9"),
        Edit("UnknownMemberOfACertificate", "\"region\"", "\"area\""),
        Edit("OtherHash", "\"sha256\": \"", "\"sha256\": \"0"),
        Edit("OtherKeyHash", "\"spki_sha256\": \"", "\"spki_sha256\": \"0"),
        Edit("UnknownKind", "iid-dsa", "iid-dss"),
        Edit("WrongKind", "iid-dsa", "iid-rsa1024"),
        Edit("WrongRegion", "\"region\": \"af-south-1\"",
             "\"region\": \"ap-south-1\""),
        Edit("UnknownPlace", "        \"metaphor\"", "        \"metafor\""),
        Edit("NoSuchFile", "\"file\": \"af-south-1.dsa.pem\"",
             "\"file\": \"af-south-1.dsa.old.pem\""),
        Edit("SameFileTwice", "\"file\": \"ap-east-1.dsa.pem\"",
             "\"file\": \"af-south-1.dsa.pem\""),
        Edit("FewerCopies", "\"copies\": 2,\n", "\"copies\": 3,\n"),
        Edit("NothingInUse",
             "\"spki_sha256\": \"94eed76d0d55d8e54f18614bb6ff46ed65cf31a04850"
             "ee92cab782556bbe008e\",",
             "\"spki_sha256\": \"94eed76d0d55d8e54f18614bb6ff46ed65cf31a04850"
             "ee92cab782556bbe008e\", \"superseded\": true,"),
        Breakage{
            "FileThatIsNotListed",
            [](Input& i) { i.pems["new.pem"] = i.pems["eu-west-1.dsa.pem"]; }},
        Breakage{"FileThatIsGone",
                 [](Input& i) { i.pems.erase("eu-west-1.dsa.pem"); }},
        Breakage{"FilesSwapped",
                 [](Input& i) {
                   std::swap(i.pems["eu-west-1.rsa2048.pem"],
                             i.pems["eu-west-2.rsa2048.pem"]);
                 }},
        Breakage{"FileNotPem",
                 [](Input& i) { i.pems["eu-west-1.dsa.pem"] = "x"; }},
        Breakage{"FileDamaged",
                 [](Input& i) {
                   std::string& pem = i.pems["eu-west-1.dsa.pem"];
                   pem[100] = pem[100] == 'A' ? 'B' : 'A';
                 }}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace anchorage::anchors
