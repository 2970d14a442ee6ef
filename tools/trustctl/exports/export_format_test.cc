#include "tools/trustctl/exports/export_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "anchors/baked/baked.h"
#include "anchors/certificate_facts.h"
#include "client/bundle.h"
#include "nlohmann/json.hpp"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"

namespace anchorage::trustctl {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using verify::AnchorKind;
using verify::AnchorStatus;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

const verify::AnchorSet& Baked() {
  static const auto* const set = new std::shared_ptr<const verify::AnchorSet>(
      client::OpenBaked(anchors::DefaultBakedBundle())->anchors);
  return **set;
}

// AWS's anchors of two regions, which share their DSA key.
std::vector<verify::AnchorRecord> Records() {
  std::vector<verify::AnchorRecord> records;
  for (const verify::Anchor& anchor : Baked().anchors()) {
    if (anchor.slot().region != "us-east-1" &&
        anchor.slot().region != "us-west-2" && !anchor.slot().region.empty()) {
      continue;
    }
    verify::AnchorRecord record;
    record.slot = anchor.slot();
    record.certificates_der.assign(anchor.certificates_der().begin(),
                                   anchor.certificates_der().end());
    record.spki_der =
        anchors::ReadCertificateFacts(record.certificates_der.front())
            ->spki_der;
    records.push_back(std::move(record));
  }
  return records;
}

std::shared_ptr<const verify::AnchorSet> SetOf(
    std::vector<verify::AnchorRecord> records) {
  return *verify::AnchorSet::Create(std::move(records), {.sequence = 7});
}

absl::StatusOr<ExportContents> Select(std::vector<verify::AnchorRecord> records,
                                      const ExportFilter& filter = {}) {
  return SelectExported(*SetOf(std::move(records)), filter, kNow);
}

// As the command makes an export of all that a format holds.
std::vector<ExportFile> Make(const char* name,
                             std::vector<verify::AnchorRecord> records) {
  const ExportFormat* const format = FindExportFormat(name);
  auto contents = Select(std::move(records), {.kinds = format->kinds});
  EXPECT_TRUE(contents.ok()) << contents.status();
  contents->folder = "/srv/feed";
  auto files = format->make(*format, *contents);
  EXPECT_TRUE(files.ok()) << files.status();
  return *std::move(files);
}

std::vector<std::string> CertificatesIn(std::string_view pem) {
  std::vector<std::string> certificates;
  while (true) {
    const std::size_t at = pem.find(verify::kCertificateBegin);
    if (at == std::string_view::npos) return certificates;
    pem.remove_prefix(at);
    certificates.push_back(*verify::DecodePem(pem, "CERTIFICATE"));
    pem.remove_prefix(1);
  }
}

TEST(ExportFormat, TheNamesAreThoseOfTheManual) {
  std::vector<std::string> names;
  for (const ExportFormat& format : ExportFormats()) {
    names.emplace_back(format.name);
    EXPECT_EQ(FindExportFormat(format.name), &format);
  }
  EXPECT_THAT(names,
              ::testing::UnorderedElementsAre(
                  "vault", "smallstep", "spire", "athenz", "teleport", "pem",
                  "pem-bundle", "jwks", "spiffe", "rfc5914", "json", "header"));
  EXPECT_EQ(FindExportFormat("jks"), nullptr);
}

TEST(ExportFormat, TheSameAnchorsAreTheSameBytes) {
  for (const ExportFormat& format : ExportFormats()) {
    const auto files = Make(format.name, Records());
    EXPECT_EQ(files, Make(format.name, Records())) << format.name;
    EXPECT_FALSE(files.empty()) << format.name;
    EXPECT_EQ(format.is_folder, files.size() > 1) << format.name;
    for (const ExportFile& file : files) {
      EXPECT_EQ(file.name.find_first_not_of(
                    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                    "0123456789-_./"),
                std::string::npos)
          << file.name;
      EXPECT_THAT(file.name, Not(HasSubstr("..")));
    }
  }
}

// Each format must lose the key in every file.
TEST(ExportFormat, HasNothingThatDoesNotVerify) {
  for (const AnchorStatus status :
       {AnchorStatus::kAnnounced, AnchorStatus::kRetired,
        AnchorStatus::kRevoked}) {
    for (const ExportFormat& format : ExportFormats()) {
      auto records = Records();
      std::string der;
      for (verify::AnchorRecord& record : records) {
        if (record.slot.region == "us-east-1" &&
            record.slot.kind == format.kinds.front()) {
          record.status = status;
          der = record.certificates_der.front();
        }
      }
      if (format.kinds.front() == AnchorKind::kIidDsa) continue;  // shared
      const std::string base64 = absl::Base64Escape(der).substr(0, 60);
      for (const ExportFile& file : Make(format.name, records)) {
        EXPECT_THAT(file.bytes, Not(HasSubstr(base64)))
            << format.name << " " << file.name;
      }
    }
  }
}

TEST(ExportFormat, HasNothingWhoseTimeIsOver) {
  auto records = Records();
  const std::size_t all = Select(records)->anchors.size();
  records.front().status = AnchorStatus::kRetiring;
  records.front().valid_until = kNow - absl::Hours(2);
  records.front().accept_until = kNow - absl::Hours(1);
  const auto contents = Select(records);
  EXPECT_EQ(contents->anchors.size(), all - 1);
  EXPECT_EQ(contents->left_out, 1);
}

TEST(ExportFormat, NothingLeftIsAFailure) {
  auto records = Records();
  for (auto& record : records) record.status = AnchorStatus::kRevoked;
  EXPECT_EQ(Select(records).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Select(Records(), {.region = "eu-nowhere-1"}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(ExportFormat, ANameThatCouldLeaveTheFolderIsRefused) {
  for (const char* name : {"../../etc", "a/b", "a\"b", "a\nb", "A", "a`b"}) {
    auto records = Records();
    for (verify::AnchorRecord& record : records) {
      if (record.slot.region == "us-east-1") record.slot.region = name;
    }
    EXPECT_EQ(Select(records).status().code(),
              absl::StatusCode::kInvalidArgument)
        << name;
  }
}

TEST(ExportFormat, SaysWhatItCannotCarry) {
  auto records = Records();
  for (verify::AnchorRecord& record : records) {
    record.status = AnchorStatus::kRetiring;
    record.valid_until = kNow + absl::Hours(1);
    record.accept_until = kNow + absl::Hours(2);
  }
  for (const ExportFormat& format : ExportFormats()) {
    if (std::string(format.name) == "rfc5914") continue;  // DER: no comments
    std::string all;
    for (const ExportFile& file : Make(format.name, records)) {
      all += file.bytes;
    }
    EXPECT_THAT(all, HasSubstr("sequence 7")) << format.name;
    EXPECT_THAT(all, HasSubstr("evidence made until 2027-01-15T09:00:00Z"))
        << format.name;
    for (const char* what : format.cannot_carry) {
      EXPECT_THAT(all, HasSubstr(std::string(what).substr(0, 30)))
          << format.name;
    }
  }
}

TEST(ExportFormat, PemTreeIsWhatADirectorySourceReads) {
  std::map<std::string, std::string> files;
  for (const ExportFile& file : Make("pem", Records())) {
    files[file.name] = file.bytes;
  }
  for (const verify::AnchorRecord& record : Records()) {
    const std::string name =
        absl::StrCat(record.slot.partition, "/",
                     record.slot.region.empty() ? "" : record.slot.region + "/",
                     std::string(NameOf(record.slot.kind)), ".pem");
    EXPECT_THAT(CertificatesIn(files[name]),
                Contains(record.certificates_der.front()))
        << name;
  }
}

TEST(ExportFormat, VaultHasATypeForEachForm) {
  int identity = 0;
  int pkcs7 = 0;
  for (const ExportFile& file : Make("vault", Records())) {
    if (!file.name.ends_with(".json")) continue;
    const auto body = nlohmann::json::parse(file.bytes);
    std::string pem;
    ASSERT_TRUE(
        absl::Base64Unescape(body["aws_public_cert"].get<std::string>(), &pem));
    const auto certificates = CertificatesIn(pem);
    ASSERT_EQ(certificates.size(), 1U);
    const auto facts = anchors::ReadCertificateFacts(certificates.front());
    const bool is_1024 =
        facts->key.type == verify::KeyType::kRsa && facts->key.bits == 1024;
    EXPECT_EQ(body["type"], is_1024 ? "identity" : "pkcs7") << file.name;
    ++(is_1024 ? identity : pkcs7);
  }
  EXPECT_GE(identity, 2);
  EXPECT_GE(pkcs7, 3);
}

TEST(ExportFormat, OneForARegionIsTheActiveOne) {
  auto records = Records();
  verify::AnchorRecord other;
  for (const verify::AnchorRecord& record : records) {
    if (record.slot.region == "us-west-2" &&
        record.slot.kind == AnchorKind::kIidRsa2048) {
      other = record;
    }
  }
  other.slot.region = "us-east-1";
  other.status = AnchorStatus::kRetiring;
  records.push_back(other);
  for (const char* name : {"teleport", "spire"}) {
    std::string all;
    for (const ExportFile& file : Make(name, records)) all += file.bytes;
    EXPECT_THAT(all, HasSubstr("Left out, for want of a place: "
                               "aws/us-east-1/iid-rsa2048"))
        << name;
    // us-west-2's own certificate, and nowhere else.
    std::size_t count = 0;
    const std::string base64 =
        absl::Base64Escape(other.certificates_der.front());
    // A line of the signature, whole.
    const std::string line = base64.substr(base64.size() / 64 * 64 - 64, 64);
    for (std::size_t at = all.find(line); at != std::string::npos;
         at = all.find(line, at + 1)) {
      ++count;
    }
    EXPECT_EQ(count, 1U) << name;
  }
}

TEST(ExportFormat, AthenzRefusesAFolderThatItCannotName) {
  const ExportFormat* const format = FindExportFormat("athenz");
  auto contents = Select(Records(), {.kinds = format->kinds});
  for (const char* folder : {"/srv/a:b", "/srv/a,b", "/srv/a\\b", "/a\nb"}) {
    contents->folder = folder;
    EXPECT_EQ(format->make(*format, *contents).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST(ExportFormat, KeySetHasSharedKeysOnceAndNoDsa) {
  const auto set = nlohmann::json::parse(Make("jwks", Records()).front().bytes);
  std::set<std::string> ids;
  for (const auto& key : set["keys"]) {
    EXPECT_TRUE(ids.insert(key["kid"].get<std::string>()).second);
    EXPECT_THAT((std::vector<std::string>{"RSA", "EC"}),
                Contains(key["kty"].get<std::string>()));
  }
  std::set<std::string> keys;
  for (const verify::AnchorRecord& record : Records()) {
    if (record.slot.kind != AnchorKind::kIidDsa) {
      keys.insert(verify::Sha256Hex(record.spki_der));
    }
  }
  EXPECT_EQ(ids, keys);
}

TEST(ExportFormat, EveryAnchorOfAwsCanBeExported) {
  const ExportFormat* const format = FindExportFormat("json");
  const auto contents =
      SelectExported(Baked(), {}, absl::FromUnixSeconds(1'790'000'000));
  ASSERT_TRUE(contents.ok()) << contents.status();
  const auto files = format->make(*format, *contents);
  ASSERT_TRUE(files.ok());
  EXPECT_EQ(nlohmann::json::parse(files->front().bytes)["anchors"].size(),
            Baked().anchors().size());
}

}  // namespace
}  // namespace anchorage::trustctl
