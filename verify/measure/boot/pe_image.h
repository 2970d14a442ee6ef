// Reads a PE image (PE32 or PE32+) as UEFI firmware loads it, and computes its
// Authenticode digest.
//
//   auto image = PeImage::Parse(bytes);  // a mapped file: nothing is copied
//   if (!image.ok()) return image.status();
//   Digest digest = image->Authenticode(HashAlgorithm::kSha384);
//
// Strict where two readers could see different things: parts that overlap, in
// the file or in memory, and parts that lie beyond the end are refused. What
// firmware does not look at is not looked at here either.
//
// Sources: Microsoft's "PE Format"; "Windows Authenticode Portable Executable
// Signature Format", as EDK II reads it; the TCG PC Client Platform Firmware
// Profile, which measures that digest.
//
// Pure; any number of threads. An image is a few views into the caller's bytes,
// which must outlive it.

#ifndef ANCHORAGE_VERIFY_MEASURE_BOOT_PE_IMAGE_H_
#define ANCHORAGE_VERIFY_MEASURE_BOOT_PE_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "verify/crypto/public_key.h"

namespace anchorage::verify {

// PE says 32-bit offsets; no image that boots is larger.
inline constexpr std::size_t kMaxPeBytes = 0xffffffff;
// systemd-stub reads 96 sections at most, and so does Windows.
inline constexpr std::size_t kMaxPeSections = 96;

// IMAGE_FILE_MACHINE_*
inline constexpr std::uint16_t kMachineI386 = 0x014c;
inline constexpr std::uint16_t kMachineAmd64 = 0x8664;
inline constexpr std::uint16_t kMachineArm64 = 0xaa64;
// IMAGE_SUBSYSTEM_EFI_APPLICATION
inline constexpr std::uint16_t kSubsystemEfiApplication = 10;

struct PeSection {
  // At most 8 bytes, without the zeros that fill it up.
  std::string_view name;
  std::uint32_t virtual_address = 0;
  std::uint32_t virtual_size = 0;
  // PointerToRawData; 0 where there is nothing in the file.
  std::uint32_t raw_offset = 0;
  // SizeOfRawData bytes of the file, with the padding at the end.
  std::string_view raw;

  // What the section says, without the padding: the first VirtualSize bytes of
  // `raw`, or all of them if it is larger in memory than in the file.
  std::string_view content() const { return raw.substr(0, virtual_size); }
};

class PeImage {
 public:
  // Reads `file`, which must be exactly one image. Fails with kNotPe,
  // kPeHeaderInvalid, kPeTruncated, kPeOverlap, kPeSectionCount,
  // kPeCertificateTablePlace, or kPeSectionTwice for a second .linux.
  static absl::StatusOr<PeImage> Parse(std::string_view file);

  std::string_view file() const { return file_; }
  std::uint16_t machine() const { return machine_; }
  std::uint16_t subsystem() const { return subsystem_; }
  bool is_pe32_plus() const { return is_pe32_plus_; }

  // In the order of the section table.
  absl::Span<const PeSection> sections() const { return sections_; }
  // Returns the first section of that name; null if there is none.
  const PeSection* Find(std::string_view name) const;
  // As Find(), but for a section behind the first .profile: only one profile of
  // a unified kernel image has it.
  const PeSection* FindInEveryProfile(std::string_view name) const;

  // The attribute certificate table; empty for an image that is not signed.
  std::string_view certificate_table() const { return certificate_table_; }

  // How many bytes of the file the digest does not cover, beside CheckSum, the
  // certificate table and the entry that points to it: holes before, between
  // or behind sections. Firmware loads none of them.
  std::size_t uncovered_bytes() const;

  // Returns the Authenticode digest: what firmware measures, and what a
  // signature of the image is over. Empty, as Hash() says, where the algorithm
  // is not offered. Hashes the whole file at each call.
  Digest Authenticode(HashAlgorithm algorithm) const;

  // Returns the digest that the image will have once it is signed, where that
  // is another one: tools pad a file to a multiple of 8 bytes and hash the
  // padding, firmware hashes what is there. nullopt where signing changes
  // nothing.
  std::optional<Digest> AuthenticodeOnceSigned(HashAlgorithm algorithm) const;

  // The parts of the file that the digest is over, in order.
  std::vector<std::string_view> AuthenticodeParts() const;

 private:
  friend class PeParser;
  PeImage() = default;

  std::string_view file_;
  std::uint16_t machine_ = 0;
  std::uint16_t subsystem_ = 0;
  bool is_pe32_plus_ = false;
  std::uint32_t size_of_headers_ = 0;
  std::size_t checksum_offset_ = 0;
  // Of the certificate table's entry in the data directories; nullopt where
  // there are fewer than five.
  std::optional<std::size_t> certificate_entry_offset_;
  std::vector<PeSection> sections_;
  std::string_view certificate_table_;
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_MEASURE_BOOT_PE_IMAGE_H_
