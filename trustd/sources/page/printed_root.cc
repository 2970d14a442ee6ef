// 1. Markup is removed, but line feeds are kept.
// 2. Each PEM block is read, and placed by its name.
// 3. Fingerprints are collected.

#include "trustd/sources/page/printed_root.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "anchors/self_signature.h"
#include "verify/attestation/certificate.h"
#include "verify/encoding/base64.h"
#include "verify/partition.h"

namespace anchorage::trustd {
namespace {

constexpr std::string_view kRootSuffix = ".nitro-enclaves";
constexpr std::size_t kSha256Digits = 64;
constexpr std::size_t kPairedDigits = 32 * 3 - 1;

// The text of a page without anything between angle brackets.
class TextOfPage {
 public:
  explicit TextOfPage(std::string_view page) : page_(page) {
    out_.reserve(page.size());
    while (at_ < page_.size()) Step();
  }

  std::string Take() && { return std::move(out_); }

 private:
  void Step() {
    const std::string_view rest = page_.substr(at_);
    if (rest.starts_with("<!--")) return SkipPast("-->");
    if (BeginsTag(rest)) return Tag(rest);
    out_.push_back(rest.front());
    ++at_;
  }

  static bool BeginsTag(std::string_view rest) {
    return rest.size() > 1 && rest[0] == '<' &&
           (absl::ascii_isalpha(static_cast<unsigned char>(rest[1])) ||
            rest[1] == '/' || rest[1] == '!' || rest[1] == '?');
  }

  static bool BeginsWith(std::string_view text, std::string_view word) {
    return absl::StartsWithIgnoreCase({text.data(), text.size()},
                                      {word.data(), word.size()});
  }

  // The contents of scripts and styles are not printed, so they do not count.
  void Tag(std::string_view rest) {
    for (const std::string_view hidden : {"script", "style"}) {
      if (BeginsWith(rest.substr(1), hidden)) return SkipElement(hidden);
    }
    SkipPast(">");
  }

  void SkipElement(std::string_view name) {
    std::size_t end = page_.find("</", at_);
    while (end != page_.npos && !BeginsWith(page_.substr(end + 2), name)) {
      end = page_.find("</", end + 2);
    }
    SkipTo(end == page_.npos ? page_.size() : end);
    SkipPast(">");
  }

  void SkipPast(std::string_view end) {
    const std::size_t found = page_.find(end, at_);
    SkipTo(found == page_.npos ? page_.size() : found + end.size());
  }

  void SkipTo(std::size_t to) {
    const std::string_view skipped = page_.substr(at_, to - at_);
    out_.append(static_cast<std::size_t>(
                    std::count(skipped.begin(), skipped.end(), '\n')),
                '\n');
    at_ = to;
  }

  const std::string_view page_;
  std::size_t at_ = 0;
  std::string out_;
};

// Returns the partition whose root a certificate is, according to its name;
// nullopt for one that is not a Nitro root.
std::optional<std::string_view> PartitionOfRoot(std::string_view der) {
  const auto certificate = verify::ParseCertificate(der);
  if (!certificate.ok() || !certificate->is_ca ||
      certificate->issuer != certificate->subject) {
    return std::nullopt;
  }
  std::string_view name = certificate->common_name.value_or("");
  if (!name.ends_with(kRootSuffix)) return std::nullopt;
  name.remove_suffix(kRootSuffix.size());
  if (!verify::IsPartition(name) || !anchors::IsSelfSigned(der))
    return std::nullopt;
  return name;
}

class Reader {
 public:
  Reader(std::string_view text, std::string_view partition)
      : text_(text), partition_(partition) {}

  PrintedRoots Read() && {
    ReadBlocks();
    ReadFingerprints();
    if (blocks_ == 0 && out_.fingerprints.empty()) {
      Report(ProblemKind::kNotTheDocument, 0,
             "no certificate and no SHA-256 is printed");
    }
    return std::move(out_);
  }

 private:
  void Report(ProblemKind kind, int line, std::string detail) {
    out_.problems.push_back({kind, line, std::move(detail)});
  }

  void ReadBlocks() {
    int line = 1;
    std::size_t counted = 0;
    for (std::size_t begin = text_.find(verify::kCertificateBegin);
         begin != text_.npos;) {
      line += static_cast<int>(
          std::count(text_.begin() + static_cast<std::ptrdiff_t>(counted),
                     text_.begin() + static_cast<std::ptrdiff_t>(begin), '\n'));
      counted = begin;
      if (++blocks_ > kMaxPrintedRoots) {
        return Report(ProblemKind::kNotPlaced, line, "too many certificates");
      }
      const std::size_t next = text_.find(
          verify::kCertificateBegin, begin + verify::kCertificateBegin.size());
      const std::size_t end = text_.find(verify::kCertificateEnd, begin);
      if (end == text_.npos || end > next) {
        Report(ProblemKind::kTruncated, line,
               "the page ends inside a certificate");
      } else {
        ReadBlock(
            text_.substr(begin, end + verify::kCertificateEnd.size() - begin),
            line);
      }
      begin = next;
    }
  }

  void ReadBlock(std::string_view pem, int line) {
    auto der = verify::DecodePem(pem, "CERTIFICATE");
    if (!der.ok()) {
      return Report(ProblemKind::kCertificateUnreadable, line,
                    "the block is not PEM");
    }
    const auto partition = PartitionOfRoot(*der);
    if (!partition.has_value()) {
      return Report(ProblemKind::kNotPlaced, line,
                    "the certificate is no root that is named "
                    "PARTITION.nitro-enclaves");
    }
    if (*partition != partition_) return;
    out_.certificates.push_back({*std::move(der), line});
  }

  // Collects every run of hex digits and colons that is a fingerprint.
  void ReadFingerprints() {
    const auto is_part = [](char c) {
      return absl::ascii_isxdigit(static_cast<unsigned char>(c)) || c == ':';
    };
    const auto end = text_.end();
    for (auto at = std::find_if(text_.begin(), end, is_part); at != end;) {
      const auto stop = std::find_if_not(at, end, is_part);
      AddFingerprint(text_.substr(static_cast<std::size_t>(at - text_.begin()),
                                  static_cast<std::size_t>(stop - at)));
      at = std::find_if(stop, end, is_part);
    }
  }

  void AddFingerprint(std::string_view run) {
    std::string digits;
    // A "sha256:" in front of it ends in what looks like part of the run.
    const std::string_view last = run.substr(run.rfind(':') + 1);
    if (last.size() == kSha256Digits) {
      digits = std::string(last);
    } else if (run.size() == kPairedDigits) {
      for (std::size_t i = 0; i < run.size(); ++i) {
        if ((run[i] == ':') != (i % 3 == 2)) return;
        if (run[i] != ':') digits.push_back(run[i]);
      }
    }
    if (digits.empty() || out_.fingerprints.size() == kMaxFingerprints) {
      return;
    }
    absl::AsciiStrToLower(&digits);
    out_.fingerprints.insert(std::move(digits));
  }

  const std::string_view text_;
  const std::string_view partition_;
  std::size_t blocks_ = 0;
  PrintedRoots out_;
};

}  // namespace

PrintedRoots ReadPrintedRoots(std::string_view page,
                              std::string_view partition) {
  const std::string text = TextOfPage(page).Take();
  return Reader(text, partition).Read();
}

}  // namespace anchorage::trustd
