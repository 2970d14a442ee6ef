#include "test/support/pe_writer.h"

#include <algorithm>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "test/fake_aws/der_writer.h"
#include "test/fake_aws/x509_writer.h"

namespace anchorage::test {
namespace {

constexpr std::size_t kPeOffset = 64;
constexpr std::size_t kSectionHeaderBytes = 40;
constexpr std::uint32_t kSectionAlignment = 0x1000;

std::uint32_t Align(std::uint32_t value, std::uint32_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

std::size_t FixedOptionalBytes(const PeSpec& spec) {
  return spec.pe32_plus ? 112 : 96;
}

std::size_t SectionTableOffset(const PeSpec& spec) {
  return OptionalHeaderOffset() + FixedOptionalBytes(spec) +
         8 * spec.directories;
}

std::string U16(std::uint16_t value) {
  std::string bytes(2, '\0');
  Put16(bytes, 0, value);
  return bytes;
}

std::string U32(std::uint32_t value) {
  std::string bytes(4, '\0');
  Put32(bytes, 0, value);
  return bytes;
}

// RDN sequence of one common name.
std::string Name(std::string_view common_name) {
  return Sequence({NameAttribute(kOidCommonName, Utf8String(common_name))});
}

}  // namespace

PeSectionSpec& PeSpec::Section(std::string_view name) {
  return *std::find_if(
      sections.begin(), sections.end(),
      [name](const PeSectionSpec& s) { return s.name == name; });
}

void PeSpec::Remove(std::string_view name) {
  std::erase_if(sections,
                [name](const PeSectionSpec& s) { return s.name == name; });
}

void Put16(std::string& bytes, std::size_t offset, std::uint16_t value) {
  bytes[offset] = static_cast<char>(value & 0xff);
  bytes[offset + 1] = static_cast<char>(value >> 8);
}

void Put32(std::string& bytes, std::size_t offset, std::uint32_t value) {
  Put16(bytes, offset, static_cast<std::uint16_t>(value & 0xffff));
  Put16(bytes, offset + 2, static_cast<std::uint16_t>(value >> 16));
}

std::size_t OptionalHeaderOffset() { return kPeOffset + 24; }
std::size_t CheckSumOffset() { return OptionalHeaderOffset() + 64; }
std::size_t CertificateEntryOffset(const PeSpec& spec) {
  return OptionalHeaderOffset() + FixedOptionalBytes(spec) + 4 * 8;
}
std::size_t SectionHeaderOffset(const PeSpec& spec, std::size_t section) {
  return SectionTableOffset(spec) + section * kSectionHeaderBytes;
}

std::string WritePe(const PeSpec& spec) {
  const std::size_t table = SectionTableOffset(spec);
  const auto headers =
      Align(static_cast<std::uint32_t>(table + spec.sections.size() *
                                                   kSectionHeaderBytes),
            spec.file_alignment);
  std::string file(headers, '\0');
  file.replace(0, 2, "MZ");
  Put32(file, 0x3c, kPeOffset);
  file.replace(kPeOffset, 2, "PE");
  Put16(file, kPeOffset + 4, spec.machine);
  Put16(file, kPeOffset + 6, static_cast<std::uint16_t>(spec.sections.size()));
  Put16(file, kPeOffset + 20,
        static_cast<std::uint16_t>(FixedOptionalBytes(spec) +
                                   8 * spec.directories));
  Put16(file, kPeOffset + 22, 0x206);
  const std::size_t optional = OptionalHeaderOffset();
  Put16(file, optional, spec.pe32_plus ? 0x20b : 0x10b);
  Put32(file, optional + 32, kSectionAlignment);
  Put32(file, optional + 36, spec.file_alignment);
  Put32(file, optional + 60, headers);
  Put32(file, optional + 64, 0x12345678);
  Put16(file, optional + 68, spec.subsystem);
  Put32(file, optional + FixedOptionalBytes(spec) - 4, spec.directories);
  file.append(spec.hole, '\xee');

  std::uint32_t next_address = kSectionAlignment;
  for (std::size_t i = 0; i < spec.sections.size(); ++i) {
    const PeSectionSpec& section = spec.sections[i];
    const std::size_t header = SectionHeaderOffset(spec, i);
    const auto size = static_cast<std::uint32_t>(section.content.size());
    const std::uint32_t raw_size = Align(size, spec.file_alignment);
    const std::uint32_t virtual_size = section.virtual_size.value_or(size);
    const std::uint32_t address =
        section.virtual_address.value_or(next_address);
    file.replace(header, section.name.size(), section.name);
    Put32(file, header + 8, virtual_size);
    Put32(file, header + 12, address);
    Put32(file, header + 16, section.raw_size.value_or(raw_size));
    Put32(file, header + 20,
          section.raw_offset.value_or(static_cast<std::uint32_t>(file.size())));
    file += section.content;
    file.append(raw_size - size, '\0');
    next_address =
        Align(address + std::max(virtual_size, 1u), kSectionAlignment);
  }
  Put32(file, optional + 56, next_address);
  return file + spec.trailing;
}

PeSpec EfiApplicationSpec() {
  PeSpec spec;
  spec.sections = {{".text", std::string(200, '\xc3')},
                   {".data", std::string(40, 'd')}};
  return spec;
}

PeSpec UkiSpec(std::string_view stub_version) {
  PeSpec spec;
  spec.sections = {{".text", std::string(100, '\xc3')},
                   {".sdmagic", "#### LoaderInfo: systemd-stub " +
                                    std::string(stub_version) + " ####" +
                                    std::string(1, '\0')},
                   {".osrel", "ID=test\nVERSION_ID=1\n"},
                   {".cmdline", "root=/dev/vda2 ro"},
                   {".initrd", std::string(300, 'i')},
                   {".linux", WritePe(EfiApplicationSpec())}};
  return spec;
}

std::string SimpleAuthenticode(Hash hash, std::string_view file,
                               const PeSpec& spec) {
  const std::size_t check_sum = CheckSumOffset();
  const std::size_t entry = CertificateEntryOffset(spec);
  std::string hashed(file.substr(0, check_sum));
  hashed += file.substr(check_sum + 4, entry - check_sum - 4);
  hashed += file.substr(entry + 8);
  return HashOf(hash, hashed);
}

std::string MakeSimpleCertificate(const SimpleCertificate& spec) {
  CertSpec cert;
  cert.serial = std::string(1, static_cast<char>(spec.serial));
  cert.issuer = Name(spec.issuer);
  cert.subject = Name(spec.subject);
  cert.SetValidity(
      absl::FromCivil(absl::CivilDay(2020, 1, 1), absl::UTCTimeZone()),
      absl::FromCivil(absl::CivilDay(2040, 1, 1), absl::UTCTimeZone()));
  cert.key = spec.key;
  cert.issuer_key = spec.issuer_key;
  cert.hash = spec.hash;
  if (spec.is_ca) {
    cert.extensions = {BasicConstraints(true, spec.path_length),
                       KeyUsage(kKeyCertSign)};
  }
  return MakeCertificate(cert);
}

std::string SelfSigned(std::string_view subject, const TestKey& key,
                       bool is_ca) {
  SimpleCertificate spec;
  spec.subject = spec.issuer = subject;
  spec.key = spec.issuer_key = &key;
  spec.is_ca = is_ca;
  return MakeSimpleCertificate(spec);
}

std::string SignedDataOf(const AuthenticodeSpec& spec) {
  const std::string algorithm =
      AlgorithmId(OidOf(spec.hash), Parameters::kNull);
  // SpcPeImageData: no flags, and a file that is named by an empty string.
  const std::string data = Sequence(
      {Oid("1.3.6.1.4.1.311.2.1.15"),
       Sequence({BitString("\x00"), Tlv(0xa0, Tlv(0xa2, Tlv(0x80, "")))})});
  std::string content =
      data + Sequence({algorithm, OctetString(spec.image_digest)});
  if (spec.edit_content) content = spec.edit_content(content);

  std::vector<Attribute> attributes = {
      {std::string(kOidContentType), {Oid("1.3.6.1.4.1.311.2.1.4")}},
      {std::string(kOidMessageDigest),
       {OctetString(HashOf(spec.hash, content))}}};
  if (spec.edit_attributes) spec.edit_attributes(attributes);
  std::vector<std::string> encoded;
  for (const Attribute& attribute : attributes) {
    std::string values;
    for (const std::string& value : attribute.values) values += value;
    encoded.push_back(Sequence({Oid(attribute.oid), Tlv(0x31, values)}));
  }
  std::string set = SetOf(encoded);
  std::string signature = spec.key->Sign(spec.hash, HashOf(spec.hash, set));
  if (spec.edit_signature) signature = spec.edit_signature(signature);
  set[0] = '\xa0';

  const bool is_rsa = spec.key->type() == KeyType::kRsa;
  const std::string signer = Sequence(
      {Integer(1),
       Sequence({Name(spec.issuer),
                 Tlv(0x02, std::string(1, static_cast<char>(spec.serial)))}),
       algorithm, set,
       is_rsa ? AlgorithmId(kOidRsaEncryption, Parameters::kNull)
              : SignatureAlgorithmOf(*spec.key, spec.hash),
       OctetString(signature)});
  std::string certificates;
  for (const std::string& der : spec.certificates) certificates += der;
  std::string message = Sequence(
      {Oid(kOidSignedData),
       Tlv(0xa0, Sequence({Integer(1), Tlv(0x31, algorithm),
                           Sequence({Oid("1.3.6.1.4.1.311.2.1.4"),
                                     Tlv(0xa0, Tlv(0x30, content))}),
                           Tlv(0xa0, certificates), Tlv(0x31, signer)}))});
  if (spec.edit_message) message = spec.edit_message(message);
  return message;
}

std::string WinCertificate(std::string_view signed_data, std::uint16_t type) {
  std::string entry = U32(static_cast<std::uint32_t>(8 + signed_data.size())) +
                      U16(0x200) + U16(type) + std::string(signed_data);
  entry.resize(Align(static_cast<std::uint32_t>(entry.size()), 8), '\0');
  return entry;
}

std::string SignPe(std::string file,
                   const std::vector<std::string>& signed_data,
                   const PeSpec& spec) {
  file.resize(Align(static_cast<std::uint32_t>(file.size()), 8), '\0');
  std::string table;
  for (const std::string& message : signed_data) {
    table += WinCertificate(message);
  }
  Put32(file, CertificateEntryOffset(spec),
        static_cast<std::uint32_t>(file.size()));
  Put32(file, CertificateEntryOffset(spec) + 4,
        static_cast<std::uint32_t>(table.size()));
  return file + table;
}

std::string SignPeSimply(const std::string& file, const TestKey& key,
                         const std::string& certificate,
                         std::string_view subject, const PeSpec& spec) {
  std::string padded = file;
  padded.resize(Align(static_cast<std::uint32_t>(file.size()), 8), '\0');
  AuthenticodeSpec signature;
  signature.image_digest = SimpleAuthenticode(signature.hash, padded, spec);
  signature.certificates = {certificate};
  signature.key = &key;
  signature.issuer = subject;
  return SignPe(file, {SignedDataOf(signature)}, spec);
}

std::string SignatureList(std::string_view type,
                          const std::vector<std::string>& data,
                          std::string_view owner) {
  const auto each = static_cast<std::uint32_t>(
      owner.size() + (data.empty() ? 0 : data.front().size()));
  std::string list = std::string(type) +
                     U32(static_cast<std::uint32_t>(28 + each * data.size())) +
                     U32(0) + U32(each);
  for (const std::string& one : data) list += std::string(owner) + one;
  return list;
}

}  // namespace anchorage::test
