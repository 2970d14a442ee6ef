// Input: a mode, then what it is about.
//   0: an image.
//   1: an image, which is then signed by a key that db has.
//   2: the certificate table of an image.
// Holds for any bytes:
//   1. an image is read, or there is a reason; its parts lie in the file, and do
//      not overlap;
//   2. the digest is that of the specification, computed straight from the
//      bytes by another program;
//   3. where there are no holes, what is hashed and what is left out are the
//      whole file, each byte once;
//   4. a boot is computed or refused with a reason, and says the same twice;
//      with Secure Boot and an empty db nothing boots;
//   5. signing an image gives the digest that was foretold, and the image is let
//      start by the entry of db that signed it;
//   6. the parts of a signature lie in its table; whatever the table says, an
//      image is let start only by a signature over that image.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "test/fake_aws/keys.h"
#include "test/fuzz/fuzz.h"
#include "test/support/pe_writer.h"
#include "verify/measure/boot/authenticode.h"
#include "verify/measure/boot/boot_measurements.h"
#include "verify/measure/boot/measure_error.h"
#include "verify/measure/boot/pe_image.h"
#include "verify/measure/boot/signature_list.h"

namespace anchorage::test {
namespace {

using verify::BootInputs;
using verify::HashAlgorithm;
using verify::PeImage;
using verify::SignatureDatabase;

constexpr char kSigner[] = "fuzz";

const TestKey& Key() { return TestKey::Rsa(2048, 0); }

const std::string& Certificate() {
  static const std::string der = SelfSigned(kSigner, Key());
  return der;
}

const std::string& Db() {
  static const std::string db = SignatureList(kX509ListType, {Certificate()});
  return db;
}

SignatureDatabase DbLists() {
  return *verify::ParseSignatureDatabase(Db(), verify::VariableForm::kRaw);
}

bool MeasureDecided(const absl::Status& status) {
  Require(status.ok() || verify::MeasureReasonOf(status).has_value(),
          "what is refused has a reason");
  return status.ok();
}

// --- The specification, on bytes that a strict reader has accepted -----------

std::size_t Little(std::string_view bytes, std::size_t at, std::size_t size) {
  std::size_t value = 0;
  for (std::size_t i = size; i-- > 0;) {
    value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  }
  return value;
}

struct Offsets {
  std::size_t optional = 0;
  bool has_entry = false;
  std::size_t entry = 0;
  std::size_t table = 0;
};

Offsets OffsetsOf(std::string_view file) {
  Offsets out;
  out.optional = Little(file, 0x3c, 4) + 24;
  const bool plus = Little(file, out.optional, 2) == 0x20b;
  const std::size_t directories = out.optional + (plus ? 112 : 96);
  out.has_entry = Little(file, directories - 4, 4) > 4;
  out.entry = directories + 32;
  out.table = out.optional + Little(file, out.optional - 4, 2);
  return out;
}

std::string SpecificationDigest(Hash hash, std::string_view file) {
  const Offsets at = OffsetsOf(file);
  const std::size_t headers = Little(file, at.optional + 60, 4);
  const std::size_t certificates =
      at.has_entry ? Little(file, at.entry + 4, 4) : 0;
  std::string hashed;
  for (std::size_t i = 0; i < headers; ++i) {
    const bool in_check_sum = i - (at.optional + 64) < 4;
    const bool in_entry = at.has_entry && i - at.entry < 8;
    if (!in_check_sum && !in_entry) hashed += file[i];
  }
  std::vector<std::pair<std::size_t, std::size_t>> sections;
  const std::size_t count = Little(file, at.optional - 18, 2);
  for (std::size_t i = 0; i < count; ++i) {
    sections.emplace_back(Little(file, at.table + 40 * i + 20, 4),
                          Little(file, at.table + 40 * i + 16, 4));
  }
  std::sort(sections.begin(), sections.end());
  std::size_t sum = headers;
  for (const auto& [offset, size] : sections) {
    if (size == 0) continue;
    hashed += file.substr(offset, size);
    sum += size;
  }
  if (file.size() > sum + certificates) {
    hashed += file.substr(sum, file.size() - certificates - sum);
  }
  return HashOf(hash, hashed);
}

// --- Checks ------------------------------------------------------------------

void CheckSections(const PeImage& image) {
  std::vector<std::pair<const char*, const char*>> parts;
  for (const verify::PeSection& section : image.sections()) {
    Require(section.name.size() <= 8 &&
                section.name.find('\0') == std::string_view::npos,
            "a name is a name");
    if (section.raw.empty()) continue;
    RequireWithin(section.raw, image.file());
    RequireWithin(section.content(), section.raw);
    parts.emplace_back(section.raw.data(),
                       section.raw.data() + section.raw.size());
  }
  std::sort(parts.begin(), parts.end());
  for (std::size_t i = 1; i < parts.size(); ++i) {
    Require(parts[i - 1].second <= parts[i].first, "sections do not overlap");
  }
}

void CheckDigest(const PeImage& image) {
  Require(image.Authenticode(HashAlgorithm::kSha256).view() ==
              SpecificationDigest(Hash::kSha256, image.file()),
          "SHA-256 is the specification's");
  Require(image.Authenticode(HashAlgorithm::kSha384).view() ==
              SpecificationDigest(Hash::kSha384, image.file()),
          "SHA-384 is the specification's");
  if (image.uncovered_bytes() > 0) return;
  const Offsets at = OffsetsOf(image.file());
  std::string hashed;
  for (const std::string_view part : image.AuthenticodeParts()) hashed += part;
  hashed.insert(at.optional + 64, image.file().substr(at.optional + 64, 4));
  if (at.has_entry) hashed.insert(at.entry, image.file().substr(at.entry, 8));
  Require(hashed + std::string(image.certificate_table()) == image.file(),
          "each byte is hashed once or left out");
}

void CheckBoot(const PeImage& image) {
  for (int options = 0; options < 4; ++options) {
    BootInputs inputs;
    inputs.images = {&image};
    inputs.secure_boot = (options & 1) != 0;
    inputs.allow_no_command_line = inputs.allow_no_initrd =
        inputs.allow_profiles = inputs.allow_shim = (options & 2) != 0;
    const auto boot = MeasureBoot(inputs);
    if (!MeasureDecided(boot.status())) continue;
    const auto again = MeasureBoot(inputs);
    Require(again.ok() &&
                again->registers.at(4).view() == boot->registers.at(4).view(),
            "the same twice");
    Require(boot->images.front().sha384.view() ==
                image.Authenticode(HashAlgorithm::kSha384).view(),
            "the image is what was measured");
    inputs.secure_boot = true;
    inputs.keys = {DbLists(), DbLists(), SignatureDatabase(), std::nullopt};
    Require(!MeasureDecided(MeasureBoot(inputs).status()),
            "nothing boots with an empty db");
  }
}

void CheckImage(std::string_view file) {
  const auto image = PeImage::Parse(file);
  if (!MeasureDecided(image.status())) return;
  CheckSections(*image);
  CheckDigest(*image);
  CheckBoot(*image);
}

void CheckSigned(std::string_view file) {
  const auto image = PeImage::Parse(file);
  if (!image.ok() || !image->certificate_table().empty()) return;
  const Offsets at = OffsetsOf(file);
  if (!at.has_entry) return;
  const verify::Digest foretold =
      image->AuthenticodeOnceSigned(HashAlgorithm::kSha256)
          .value_or(image->Authenticode(HashAlgorithm::kSha256));

  AuthenticodeSpec spec;
  spec.image_digest = foretold.view();
  spec.certificates = {Certificate()};
  spec.key = &Key();
  spec.issuer = kSigner;
  const std::string table = WinCertificate(SignedDataOf(spec));
  std::string signed_file(file);
  signed_file.resize((file.size() + 7) / 8 * 8, '\0');
  Put32(signed_file, at.entry, static_cast<std::uint32_t>(signed_file.size()));
  Put32(signed_file, at.entry + 4, static_cast<std::uint32_t>(table.size()));
  signed_file += table;

  const auto signed_image = PeImage::Parse(signed_file);
  Require(signed_image.ok(), "a signed image is read");
  Require(signed_image->Authenticode(HashAlgorithm::kSha256).view() ==
              foretold.view(),
          "the digest was foretold");
  const auto entry =
      verify::FindAuthority(*signed_image, DbLists(), SignatureDatabase());
  Require(entry.ok() && entry->data == Certificate(),
          "the signer lets the image start");
  Require(!verify::FindAuthority(*signed_image, DbLists(), DbLists()).ok(),
          "what is in dbx does not start");
}

void CheckTable(std::string_view table) {
  const auto signatures = verify::ParseImageSignatures(table);
  if (MeasureDecided(signatures.status())) {
    for (const verify::ImageSignature& signature : *signatures) {
      for (const std::string_view part :
           {signature.image_digest, signature.content, signature.message_digest,
            signature.signed_attributes, signature.signature}) {
        RequireWithin(part, table);
      }
      Require(signature.signer < signature.certificates.size(),
              "the signer is one of the certificates");
    }
  }
  const std::string file = WritePe(EfiApplicationSpec());
  std::string with_table = file;
  Put32(with_table, CertificateEntryOffset(PeSpec()),
        static_cast<std::uint32_t>(file.size()));
  Put32(with_table, CertificateEntryOffset(PeSpec()) + 4,
        static_cast<std::uint32_t>(table.size()));
  with_table += table;
  const auto image = PeImage::Parse(with_table);
  Require(image.ok(), "the image is read");
  const auto entry =
      verify::FindAuthority(*image, DbLists(), SignatureDatabase());
  if (!MeasureDecided(entry.status())) return;
  Require(entry->data == Certificate(), "the entry is one of db");
  const std::string digest = SimpleAuthenticode(Hash::kSha256, file);
  for (const verify::ImageSignature& signature : *signatures) {
    Require(signature.hash != HashAlgorithm::kSha256 ||
                signature.image_digest == digest,
            "the signature is over this image");
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace anchorage::test;
  std::string_view input = InputOf(data, size);
  switch (TakeByte(input) % 3) {
    case 0:
      CheckImage(input);
      break;
    case 1:
      CheckSigned(input);
      break;
    default:
      CheckTable(input);
  }
  return 0;
}
