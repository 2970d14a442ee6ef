// What is checked, in order:
//
//   1. MZ, and at e_lfanew PE\0\0 and the COFF header.
//   2. The optional header is of a known kind, and exactly as long as its data
//      directories make it; there are 16 of these at most.
//   3. 1 to 96 sections, whose table lies in SizeOfHeaders, which lies in the
//      file.
//   4. Each section lies in the file behind the headers, and in memory behind
//      the headers and before SizeOfImage.
//   5. No two sections overlap, in the file or in memory.
//   6. The certificate table, if there is one, is the end of the file, and
//      behind all sections.
//   7. One .linux at most.

#include "verify/measure/boot/pe_image.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "verify/encoding/little_endian.h"
#include "verify/measure/boot/measure_error.h"

namespace anchorage::verify {
namespace {

using namespace std::string_view_literals;

// Offsets and sizes of Microsoft's "PE Format".
constexpr std::size_t kDosHeaderBytes = 64;
constexpr std::size_t kPeOffsetAt = 0x3c;
constexpr std::size_t kSignatureBytes = 4;
constexpr std::size_t kCoffHeaderBytes = 20;
constexpr std::uint16_t kMagicPe32 = 0x10b;
constexpr std::uint16_t kMagicPe32Plus = 0x20b;
// Of the optional header, both kinds.
constexpr std::size_t kSizeOfImageAt = 56;
constexpr std::size_t kSizeOfHeadersAt = 60;
constexpr std::size_t kCheckSumAt = 64;
constexpr std::size_t kSubsystemAt = 68;
constexpr std::size_t kCheckSumBytes = 4;
constexpr std::size_t kDirectoryBytes = 8;
constexpr std::size_t kMaxDirectories = 16;
constexpr std::size_t kCertificateDirectory = 4;
constexpr std::size_t kSectionHeaderBytes = 40;
constexpr std::size_t kSectionNameBytes = 8;
// What tools for signing fill a file up to.
constexpr std::size_t kSignedAlignment = 8;

std::uint16_t U16(std::string_view bytes, std::size_t at) {
  return LittleEndian<std::uint16_t>(bytes, at);
}

std::uint32_t U32(std::string_view bytes, std::size_t at) {
  return LittleEndian<std::uint32_t>(bytes, at);
}

absl::Status Invalid(std::string_view what) {
  return CannotMeasure(MeasureReason::kPeHeaderInvalid, what);
}

absl::Status Truncated(std::string_view what) {
  return CannotMeasure(
      MeasureReason::kPeTruncated,
      absl::StrCat(std::string(what), " lies beyond the end of the file"));
}

// A half-open range, of the file or of memory.
struct Range {
  std::uint64_t begin;
  std::uint64_t end;
};

bool Overlap(std::vector<Range> ranges) {
  std::erase_if(ranges, [](const Range& r) { return r.begin == r.end; });
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.begin < b.begin; });
  return std::adjacent_find(ranges.begin(), ranges.end(),
                            [](const Range& a, const Range& b) {
                              return b.begin < a.end;
                            }) != ranges.end();
}

Range InFile(const PeSection& section) {
  return {section.raw_offset, section.raw_offset + section.raw.size()};
}

// Firmware loads a section without a VirtualSize as large as it is in the file.
Range InMemory(const PeSection& section) {
  const std::uint64_t size =
      section.virtual_size != 0 ? section.virtual_size : section.raw.size();
  return {section.virtual_address, section.virtual_address + size};
}

// The sections with bytes in the file, in the order of these.
std::vector<PeSection> InFileOrder(absl::Span<const PeSection> sections) {
  std::vector<PeSection> sorted;
  std::copy_if(sections.begin(), sections.end(), std::back_inserter(sorted),
               [](const PeSection& s) { return !s.raw.empty(); });
  std::sort(sorted.begin(), sorted.end(),
            [](const PeSection& a, const PeSection& b) {
              return a.raw_offset < b.raw_offset;
            });
  return sorted;
}

}  // namespace

class PeParser {
 public:
  explicit PeParser(std::string_view file) { out_.file_ = file; }

  absl::StatusOr<PeImage> Parse() && {
    if (absl::Status s = ReadCoffHeader(); !s.ok()) return s;
    if (absl::Status s = ReadOptionalHeader(); !s.ok()) return s;
    if (absl::Status s = ReadSections(); !s.ok()) return s;
    if (absl::Status s = CheckOverlaps(); !s.ok()) return s;
    if (absl::Status s = ReadCertificateTable(); !s.ok()) return s;
    return std::move(out_);
  }

 private:
  std::string_view file() const { return out_.file_; }

  // 1.
  absl::Status ReadCoffHeader() {
    if (file().size() > kMaxPeBytes) {
      return Invalid("the file is larger than a PE image can be");
    }
    if (!file().starts_with("MZ")) {
      return CannotMeasure(MeasureReason::kNotPe, "the file has no MZ");
    }
    if (file().size() < kDosHeaderBytes) return Truncated("the DOS header");
    const std::size_t pe = U32(file(), kPeOffsetAt);
    if (pe < kDosHeaderBytes) {
      return Invalid("the PE header lies in the DOS header");
    }
    optional_header_ = pe + kSignatureBytes + kCoffHeaderBytes;
    // With the two bytes that say which kind the optional header is of.
    if (optional_header_ + 2 > file().size()) return Truncated("the PE header");
    if (file().substr(pe, kSignatureBytes) != "PE\0\0"sv) {
      return CannotMeasure(MeasureReason::kNotPe, "the file has no PE header");
    }
    const std::size_t coff = pe + kSignatureBytes;
    out_.machine_ = U16(file(), coff);
    section_count_ = U16(file(), coff + 2);
    optional_header_bytes_ = U16(file(), coff + 16);
    return absl::OkStatus();
  }

  // 2.
  absl::Status ReadOptionalHeader() {
    const std::uint16_t magic = U16(file(), optional_header_);
    if (magic != kMagicPe32 && magic != kMagicPe32Plus) {
      return CannotMeasure(MeasureReason::kNotPe,
                           "the image is neither PE32 nor PE32+");
    }
    out_.is_pe32_plus_ = magic == kMagicPe32Plus;
    const std::size_t directories_at = out_.is_pe32_plus_ ? 112 : 96;
    if (optional_header_bytes_ < directories_at) {
      return Invalid("the optional header is too short");
    }
    if (optional_header_ + optional_header_bytes_ > file().size()) {
      return Truncated("the optional header");
    }
    const std::uint32_t directories =
        U32(file(), optional_header_ + directories_at - 4);
    if (directories > kMaxDirectories ||
        directories_at + directories * kDirectoryBytes !=
            optional_header_bytes_) {
      return Invalid(
          "the optional header is not as long as its data directories are");
    }
    out_.subsystem_ = U16(file(), optional_header_ + kSubsystemAt);
    size_of_image_ = U32(file(), optional_header_ + kSizeOfImageAt);
    out_.size_of_headers_ = U32(file(), optional_header_ + kSizeOfHeadersAt);
    out_.checksum_offset_ = optional_header_ + kCheckSumAt;
    if (directories > kCertificateDirectory) {
      out_.certificate_entry_offset_ = optional_header_ + directories_at +
                                       kCertificateDirectory * kDirectoryBytes;
    }
    return absl::OkStatus();
  }

  // 3, 4, 7.
  absl::Status ReadSections() {
    if (section_count_ == 0 || section_count_ > kMaxPeSections) {
      return CannotMeasure(
          MeasureReason::kPeSectionCount,
          absl::StrCat("an image of ", section_count_, " sections"));
    }
    const std::size_t table = optional_header_ + optional_header_bytes_;
    const std::size_t end = table + section_count_ * kSectionHeaderBytes;
    if (end > file().size()) return Truncated("the section table");
    if (out_.size_of_headers_ < end) {
      return Invalid("the section table lies behind the headers");
    }
    if (out_.size_of_headers_ > file().size()) return Truncated("the headers");
    for (std::size_t at = table; at < end; at += kSectionHeaderBytes) {
      if (absl::Status s = ReadSection(at); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  absl::Status ReadSection(std::size_t at) {
    PeSection section;
    section.name = file().substr(at, kSectionNameBytes);
    section.name = section.name.substr(0, section.name.find('\0'));
    if (file()
            .substr(at + section.name.size(),
                    kSectionNameBytes - section.name.size())
            .find_first_not_of('\0') != std::string_view::npos) {
      return Invalid("something follows the end of a section's name");
    }
    section.virtual_size = U32(file(), at + 8);
    section.virtual_address = U32(file(), at + 12);
    const std::uint64_t size = U32(file(), at + 16);
    const std::uint64_t offset = U32(file(), at + 20);
    // A stub finds its sections by the headers in memory, where firmware fills a
    // section without bytes with zeros.
    if ((size != 0 && offset < out_.size_of_headers_) ||
        ((size != 0 || section.virtual_size != 0) &&
         section.virtual_address < out_.size_of_headers_)) {
      return CannotMeasure(MeasureReason::kPeOverlap,
                           absl::StrCat("section ", std::string(section.name),
                                        " lies in the headers"));
    }
    if (size != 0) {
      if (offset + size > file().size()) {
        return Truncated(absl::StrCat("section ", std::string(section.name)));
      }
      section.raw_offset = static_cast<std::uint32_t>(offset);
      section.raw = file().substr(offset, size);
    }
    if (InMemory(section).end > size_of_image_) {
      return Invalid(absl::StrCat("section ", std::string(section.name),
                                  " lies beyond the end of the image"));
    }
    if (section.name == ".linux" && out_.Find(section.name) != nullptr) {
      return CannotMeasure(MeasureReason::kPeSectionTwice,
                           "there are two sections .linux");
    }
    out_.sections_.push_back(section);
    return absl::OkStatus();
  }

  // 5.
  absl::Status CheckOverlaps() {
    std::vector<Range> in_file;
    std::vector<Range> in_memory;
    for (const PeSection& section : out_.sections_) {
      in_file.push_back(InFile(section));
      in_memory.push_back(InMemory(section));
      sections_end_ = std::max(sections_end_, in_file.back().end);
    }
    if (Overlap(std::move(in_file))) {
      return CannotMeasure(MeasureReason::kPeOverlap,
                           "two sections overlap in the file");
    }
    if (Overlap(std::move(in_memory))) {
      return CannotMeasure(MeasureReason::kPeOverlap,
                           "two sections overlap in memory");
    }
    return absl::OkStatus();
  }

  // 6.
  absl::Status ReadCertificateTable() {
    if (!out_.certificate_entry_offset_.has_value()) return absl::OkStatus();
    const std::uint64_t offset = U32(file(), *out_.certificate_entry_offset_);
    const std::uint64_t size = U32(file(), *out_.certificate_entry_offset_ + 4);
    if (size == 0) return absl::OkStatus();
    if (offset + size > file().size())
      return Truncated("the certificate table");
    if (offset + size != file().size() ||
        offset <
            std::max<std::uint64_t>(sections_end_, out_.size_of_headers_)) {
      return CannotMeasure(
          MeasureReason::kPeCertificateTablePlace,
          "the certificate table does not lie between the last section and the "
          "end of the file");
    }
    out_.certificate_table_ = file().substr(offset, size);
    return absl::OkStatus();
  }

  PeImage out_;
  std::size_t optional_header_ = 0;
  std::size_t optional_header_bytes_ = 0;
  std::size_t section_count_ = 0;
  std::uint64_t size_of_image_ = 0;
  std::uint64_t sections_end_ = 0;
};

absl::StatusOr<PeImage> PeImage::Parse(std::string_view file) {
  return PeParser(file).Parse();
}

const PeSection* PeImage::Find(std::string_view name) const {
  const auto at =
      std::find_if(sections_.begin(), sections_.end(),
                   [name](const PeSection& s) { return s.name == name; });
  return at == sections_.end() ? nullptr : &*at;
}

const PeSection* PeImage::FindInEveryProfile(std::string_view name) const {
  const PeSection* const found = Find(name);
  const PeSection* const profile = Find(".profile");
  return profile != nullptr && found > profile ? nullptr : found;
}

std::vector<std::string_view> PeImage::AuthenticodeParts() const {
  std::vector<std::string_view> parts = {file_.substr(0, checksum_offset_)};
  std::size_t at = checksum_offset_ + kCheckSumBytes;
  if (certificate_entry_offset_.has_value()) {
    parts.push_back(file_.substr(at, *certificate_entry_offset_ - at));
    at = *certificate_entry_offset_ + kDirectoryBytes;
  }
  parts.push_back(file_.substr(at, size_of_headers_ - at));

  // SUM_OF_BYTES_HASHED of the specification: a count, and not a place. Where
  // there are holes between sections, the end of the last one is hashed twice.
  std::size_t sum = size_of_headers_;
  for (const PeSection& section : InFileOrder(sections_)) {
    parts.push_back(section.raw);
    sum += section.raw.size();
  }
  const std::size_t end = file_.size() - certificate_table_.size();
  if (end > sum) parts.push_back(file_.substr(sum, end - sum));
  return parts;
}

std::size_t PeImage::uncovered_bytes() const {
  std::size_t sum = size_of_headers_;
  for (const PeSection& section : sections_) sum += section.raw.size();
  std::size_t uncovered = 0;
  std::size_t at = size_of_headers_;
  for (const PeSection& section : InFileOrder(sections_)) {
    // From `sum` on everything is hashed.
    const std::size_t hole_end = std::min<std::size_t>(section.raw_offset, sum);
    if (hole_end > at) uncovered += hole_end - at;
    at = section.raw_offset + section.raw.size();
  }
  return uncovered;
}

Digest PeImage::Authenticode(HashAlgorithm algorithm) const {
  return HashParts(algorithm, AuthenticodeParts());
}

std::optional<Digest> PeImage::AuthenticodeOnceSigned(
    HashAlgorithm algorithm) const {
  const std::size_t beyond = file_.size() % kSignedAlignment;
  if (!certificate_table_.empty() || beyond == 0) return std::nullopt;
  constexpr std::string_view kZeros("\0\0\0\0\0\0\0", kSignedAlignment - 1);
  std::vector<std::string_view> parts = AuthenticodeParts();
  parts.push_back(kZeros.substr(0, kSignedAlignment - beyond));
  return HashParts(algorithm, parts);
}

}  // namespace anchorage::verify
