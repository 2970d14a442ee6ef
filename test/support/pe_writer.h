// Writes PE images, unified kernel images, their Authenticode signatures and
// EFI signature lists, with any one thing wrong.
//
//   PeSpec spec = UkiSpec("252.22");
//   std::string uki = WritePe(spec);
//   std::string signed_uki = SignPe(uki, {SignedDataOf(signature)});
//
// Shares nothing with verify/: the digest that is signed is made in another,
// simpler way. Nothing here checks anything.

#ifndef ANCHORAGE_TEST_SUPPORT_PE_WRITER_H_
#define ANCHORAGE_TEST_SUPPORT_PE_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "test/fake_aws/keys.h"
#include "test/fake_aws/pkcs7_writer.h"

namespace anchorage::test {

// One section. What is not given follows from the content and the sections
// before.
struct PeSectionSpec {
  std::string name;
  std::string content;
  std::optional<std::uint32_t> virtual_size = {};
  std::optional<std::uint32_t> virtual_address = {};
  // What the header says; the content stands where it would without.
  std::optional<std::uint32_t> raw_size = {};
  std::optional<std::uint32_t> raw_offset = {};
};

struct PeSpec {
  bool pe32_plus = true;
  std::uint16_t machine = 0x8664;
  std::uint16_t subsystem = 10;
  // Sections in the file begin at multiples of it.
  std::uint32_t file_alignment = 0x200;
  // How many data directories there are.
  std::uint32_t directories = 16;
  // Bytes between the headers and the first section.
  std::uint32_t hole = 0;
  std::vector<PeSectionSpec> sections;
  // After the last section.
  std::string trailing = {};

  PeSectionSpec& Section(std::string_view name);
  void Remove(std::string_view name);
};

std::string WritePe(const PeSpec& spec);

// Where in a file of WritePe() things are.
std::size_t OptionalHeaderOffset();
std::size_t CheckSumOffset();
std::size_t CertificateEntryOffset(const PeSpec& spec);
std::size_t SectionHeaderOffset(const PeSpec& spec, std::size_t section);

// Writes `value` at `offset`, little-endian.
void Put16(std::string& bytes, std::size_t offset, std::uint16_t value);
void Put32(std::string& bytes, std::size_t offset, std::uint32_t value);

// A small EFI application with a .text.
PeSpec EfiApplicationSpec();
// A unified kernel image with a stub of that version: .text, .sdmagic, .osrel,
// .cmdline, .initrd and .linux, which is an EFI application.
PeSpec UkiSpec(std::string_view stub_version);

// Returns the Authenticode digest of a file that has no holes and is not
// signed.
std::string SimpleAuthenticode(Hash hash, std::string_view file,
                               const PeSpec& spec = PeSpec());

// A certificate of RSA or elliptic keys, valid in 2020 to 2040.
struct SimpleCertificate {
  std::string subject;
  const TestKey* key = nullptr;
  // Of the issuer; the same for one that is self-signed.
  std::string issuer;
  const TestKey* issuer_key = nullptr;
  bool is_ca = false;
  std::optional<int> path_length = {};
  std::uint8_t serial = 1;
  Hash hash = Hash::kSha256;
};
std::string MakeSimpleCertificate(const SimpleCertificate& spec);
std::string SelfSigned(std::string_view subject, const TestKey& key,
                       bool is_ca = false);

// One Authenticode signature.
struct AuthenticodeSpec {
  // The image's digest, and how it was made.
  std::string image_digest;
  Hash hash = Hash::kSha256;
  // The signer's certificate is the first.
  std::vector<std::string> certificates;
  const TestKey* key = nullptr;
  // The signer's issuer and serial number, as in its certificate.
  std::string issuer;
  std::uint8_t serial = 1;
  std::function<void(std::vector<Attribute>&)> edit_attributes;
  std::function<std::string(std::string)> edit_content;
  std::function<std::string(std::string)> edit_signature;
  std::function<std::string(std::string)> edit_message;
};

// Returns the SignedData of `spec`, in DER.
std::string SignedDataOf(const AuthenticodeSpec& spec);

// Returns a WIN_CERTIFICATE of PKCS #7 with `signed_data`, filled up to a
// multiple of 8 bytes.
std::string WinCertificate(std::string_view signed_data,
                           std::uint16_t type = 2);

// Returns `file`, filled up to a multiple of 8 bytes, with a certificate table
// of these messages.
std::string SignPe(std::string file,
                   const std::vector<std::string>& signed_data,
                   const PeSpec& spec = PeSpec());

// Returns `file` signed by `key`, whose self-signed certificate this is.
std::string SignPeSimply(const std::string& file, const TestKey& key,
                         const std::string& certificate,
                         std::string_view subject,
                         const PeSpec& spec = PeSpec());

// GUIDs of EFI signature lists, as in the file.
inline constexpr std::string_view kX509ListType(
    "\xa1\x59\xc0\xa5\xe4\x94\xa7\x4a\x87\xb5\xab\x15\x5c\x2b\xf0\x72", 16);
inline constexpr std::string_view kSha256ListType(
    "\x26\x16\xc4\xc1\x4c\x50\x92\x40\xac\xa9\x41\xf9\x36\x93\x43\x28", 16);

// Returns one EFI_SIGNATURE_LIST. All of `data` have one size; the owner is the
// same for all.
std::string SignatureList(std::string_view type,
                          const std::vector<std::string>& data,
                          std::string_view owner = "0123456789abcdef");

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_SUPPORT_PE_WRITER_H_
