// Other projects' images and their digests, as they stand in known-answers.json
// here, and in the larger collection that ANCHORAGE_SHARED_VECTORS names.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "verify/encoding/base64.h"
#include "verify/measure/boot/authenticode.h"
#include "verify/measure/boot/boot_measurements.h"
#include "verify/measure/boot/measure_error.h"
#include "verify/measure/boot/pe_image.h"
#include "verify/measure/boot/signature_list.h"

namespace anchorage::verify {
namespace {

using Json = nlohmann::json;

constexpr char kCarried[] = "test/vectors/measure/";
constexpr char kVariable[] = "ANCHORAGE_SHARED_VECTORS";

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Hex(const Digest& digest) {
  return absl::BytesToHexString(std::string(digest.view()));
}

// The folder of the larger collection; empty where it is not here.
std::string Shared() {
  const char* const folder = std::getenv(kVariable);
  return folder == nullptr ? "" : std::string(folder) + "/third-party/";
}

void CheckDigests(const std::string& folder, const Json& known) {
  for (const Json& answer : known["pe"]) {
    const std::string name = answer["file"];
    SCOPED_TRACE(name);
    const std::string file = ReadFile(folder + name);
    const auto image = PeImage::Parse(file);
    ASSERT_TRUE(image.ok()) << image.status();
    EXPECT_EQ(Hex(image->Authenticode(HashAlgorithm::kSha256)),
              answer["authenticode_sha256"]);
    EXPECT_EQ(Hex(image->Authenticode(HashAlgorithm::kSha384)),
              answer["authenticode_sha384"]);
    for (const auto& [hash, key] :
         {std::pair{HashAlgorithm::kSha256, "after_padding_to_8_sha256"},
          std::pair{HashAlgorithm::kSha384, "after_padding_to_8_sha384"}}) {
      const auto once_signed = image->AuthenticodeOnceSigned(hash);
      ASSERT_EQ(once_signed.has_value(), answer.contains(key));
      if (once_signed) {
        EXPECT_EQ(Hex(*once_signed), answer[key]);
      }
    }
  }
}

void CheckChain(const Json& chain) {
  std::vector<Digest> images;
  for (const Json& hex : chain["images"]) {
    const auto bytes = DecodeHex(hex.get<std::string>());
    ASSERT_TRUE(bytes.ok());
    Digest& digest = images.emplace_back();
    digest.size = bytes->size();
    std::copy(bytes->begin(), bytes->end(), digest.bytes.begin());
  }
  EXPECT_EQ(Hex(ReplayRegister(HashAlgorithm::kSha256, 4,
                               ImageEvents(HashAlgorithm::kSha256, images))),
            chain["value"]);
}

TEST(KnownAnswersTest, Carried) {
  const Json known =
      Json::parse(ReadFile(std::string(kCarried) + "known-answers.json"));
  ASSERT_EQ(known["pe"].size(), 8u);
  CheckDigests(kCarried, known);
  CheckChain(known["pcr4_chain_sha256"]);
}

TEST(KnownAnswersTest, Collected) {
  if (Shared().empty()) GTEST_SKIP() << "skipped: " << kVariable << " not set";
  const Json known =
      Json::parse(ReadFile(Shared() + "boot/pcr-known-answers.json"));
  ASSERT_EQ(known["pe"].size(), 13u);
  CheckDigests(Shared(), known);
  CheckChain(known["pcr4_chain_sha256"]);
}

// A hole is hashed as the specification has it, and said.
TEST(KnownAnswersTest, HoleBeforeTheFirstSection) {
  if (Shared().empty()) GTEST_SKIP() << "skipped: " << kVariable << " not set";
  const std::string file = ReadFile(Shared() + "pe/constellation-uki.efi");
  const auto image = PeImage::Parse(file);
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->uncovered_bytes(), 0x1c00u);
}

// What signed each signed image of the collection is in its signature.
TEST(KnownAnswersTest, SignaturesAreVerified) {
  int signatures = 0;
  for (const char* name :
       {"tiny32.signed.efi", "tiny64.signed.efi", "test.pecoff.signed",
        "HelloWorld.efi.signed", "mock.efi.signed", "mockshim.efi.signed"}) {
    SCOPED_TRACE(name);
    const bool is_carried = std::string_view(name).substr(0, 4) != "mock";
    if (!is_carried && Shared().empty()) continue;
    const std::string file = ReadFile(
        (is_carried ? std::string(kCarried) : Shared()) + "pe/" + name);
    const auto image = PeImage::Parse(file);
    ASSERT_TRUE(image.ok()) << image.status();
    const auto parsed = ParseImageSignatures(image->certificate_table());
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    ASSERT_EQ(parsed->size(), 1u);
    const std::string_view signer =
        parsed->front().certificates[parsed->front().signer].der;

    EfiSignature entry;
    entry.type = kEfiCertX509;
    entry.data = entry.whole = signer;
    SignatureDatabase db;
    db.signatures = {entry};
    const auto authority = FindAuthority(*image, db, SignatureDatabase());
    ASSERT_TRUE(authority.ok()) << authority.status();
    EXPECT_EQ(authority->data, signer);
    EXPECT_EQ(MeasureReasonOf(FindAuthority(*image, db, db).status()),
              MeasureReason::kImageForbidden);
    ++signatures;
  }
  EXPECT_EQ(signatures, Shared().empty() ? 4 : 6);
}

// --- Signature lists ---------------------------------------------------------

struct ListAnswer {
  const char* file;
  std::size_t lists;
  std::size_t signatures;
  std::size_t x509;
};

void CheckLists(const std::string& folder,
                std::initializer_list<ListAnswer> answers) {
  for (const ListAnswer& answer : answers) {
    SCOPED_TRACE(answer.file);
    const std::string bytes = ReadFile(folder + "esl/" + answer.file);
    const auto database = ParseSignatureDatabase(bytes, VariableForm::kDetect);
    ASSERT_TRUE(database.ok()) << database.status();
    EXPECT_EQ(database->lists, answer.lists);
    EXPECT_EQ(database->signatures.size(), answer.signatures);
    std::size_t x509 = 0;
    for (const EfiSignature& signature : database->signatures) {
      if (signature.type != kEfiCertX509) continue;
      ++x509;
      EXPECT_TRUE(ParseSignerCertificate(signature.data).ok());
    }
    EXPECT_EQ(x509, answer.x509);
    const bool has_attributes = std::string_view(answer.file).ends_with("var");
    EXPECT_EQ(database->variable.size(),
              bytes.size() - (has_attributes ? 4 : 0));
    EXPECT_FALSE(ParseSignatureDatabase(bytes, has_attributes
                                                   ? VariableForm::kRaw
                                                   : VariableForm::kEfivarfs)
                     .ok());
  }
}

TEST(KnownAnswersTest, CarriedLists) {
  CheckLists(kCarried, {{"gouefi-KEK.esl", 1, 1, 1},
                        {"gouefi-PK.esl", 1, 1, 1},
                        {"gouefi-db.efivar", 4, 4, 4},
                        {"gouefi-db.esl", 1, 1, 1},
                        {"gouefi-kek.efivar", 1, 1, 1},
                        {"gouefi-ovmf-KEK.esl", 1, 1, 1},
                        {"gouefi-ovmf-PK.esl", 1, 1, 1},
                        {"gouefi-pk.efivar", 1, 1, 0}});
}

TEST(KnownAnswersTest, CollectedLists) {
  if (Shared().empty()) GTEST_SKIP() << "skipped: " << kVariable << " not set";
  CheckLists(Shared(), {{"efilib-1.siglist", 1, 1, 1},
                        {"efilib-2.siglist", 2, 2, 2},
                        {"efilib-3.siglist", 3, 3, 3},
                        {"efilib-4.siglist", 2, 78, 1}});
}

std::string Pcr7(const std::string& db_file, int authority) {
  const std::string pk = ReadFile(Shared() + "esl/gouefi-ovmf-PK.esl");
  const std::string kek = ReadFile(Shared() + "esl/gouefi-ovmf-KEK.esl");
  const std::string db = ReadFile(Shared() + db_file);
  const SecureBootKeys keys = {*ParseSignatureDatabase(pk, VariableForm::kRaw),
                               *ParseSignatureDatabase(kek, VariableForm::kRaw),
                               *ParseSignatureDatabase(db, VariableForm::kRaw),
                               std::nullopt};
  std::vector<BootEvent> events =
      SecureBootEvents(HashAlgorithm::kSha384, keys, true);
  if (authority > 0) {
    events.push_back(AuthorityEvent(
        HashAlgorithm::kSha384,
        keys.db->signatures[static_cast<std::size_t>(authority - 1)]));
  }
  return Hex(ReplayRegister(HashAlgorithm::kSha384, 7, events));
}

TEST(KnownAnswersTest, Pcr7) {
  if (Shared().empty()) GTEST_SKIP() << "skipped: " << kVariable << " not set";
  const Json known =
      Json::parse(ReadFile(Shared() + "boot/pcr-known-answers.json"));
  const Json& answers = known["pcr7_recomputed_here_only"];
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(Pcr7("esl/efilib-2.siglist", 0), answers[0]["sha384"]);
  EXPECT_EQ(Pcr7("esl/efilib-2.siglist", 2), answers[1]["sha384"]);
  EXPECT_EQ(Pcr7("esl/efilib-3.siglist", 3), answers[2]["sha384"]);
}

}  // namespace
}  // namespace anchorage::verify
