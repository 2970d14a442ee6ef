#include "trustd/sources/page/page_placer.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "anchors/catalog.h"
#include "trustd/sources/page/region_names.h"
#include "verify/encoding/base64.h"
#include "verify/partition.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorKind;
using verify::KeyType;
using verify::Slot;

constexpr std::string_view kBlanks = " \t\r\n\f\v";
constexpr std::string_view kAnchorSuffix = "-cert";
// Room for the base64 of the longest certificate that is read, and as much
// white space.
constexpr std::size_t kMaxBodyBytes = 4 * anchors::kMaxCertificateBytes;
constexpr std::size_t kMaxQuotedBytes = 64;

constexpr std::pair<std::string_view, AnchorKind> kTabs[] = {
    {"DSA", AnchorKind::kIidDsa},
    {"RSA", AnchorKind::kIidRsa1024},
    {"RSA-2048", AnchorKind::kIidRsa2048},
};

std::optional<AnchorKind> KindOfTab(std::string_view name) {
  for (const auto& [tab, kind] : kTabs) {
    if (name == tab) return kind;
  }
  return std::nullopt;
}

// Quotes a page's text for people and logs: short, printable ASCII.
std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, kMaxQuotedBytes)) {
    out.push_back(c >= 0x20 && c < 0x7f ? c : '?');
  }
  return out + (text.size() > kMaxQuotedBytes ? "...'" : "'");
}

std::string Describe(const anchors::KeyFacts& key, std::string_view der) {
  return absl::StrCat("certificate ", verify::Sha256Hex(der).substr(0, 16),
                      ", key of ", key.bits, " bits");
}

// The kind that a key tells without a heading. RSA-2048 could be either of
// two.
std::optional<AnchorKind> OnlyKindFor(const anchors::KeyFacts& key) {
  std::optional<AnchorKind> only;
  for (const auto& [tab, kind] : kTabs) {
    if (!anchors::KeyFitsKind(key, kind)) continue;
    if (only.has_value()) return std::nullopt;
    only = kind;
  }
  return only;
}

}  // namespace

std::string_view StripBlanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

void PagePlacer::Report(ProblemKind kind, int line, std::string detail) {
  if (content_.problems.size() >= kMaxPageProblems) return;
  content_.problems.push_back({kind, line, std::move(detail)});
}

void PagePlacer::Truncated(std::string_view what, int line) {
  Report(ProblemKind::kTruncated, line, std::string(what));
}

void PagePlacer::BeginRegion(std::string_view heading, int line) {
  EndRegion();
  const std::size_t dash = heading.rfind(kEmDash);
  const std::string_view code =
      dash == std::string_view::npos
          ? std::string_view()
          : StripBlanks(heading.substr(dash + kEmDash.size()));
  region_ = Region();
  region_->line = line;
  if (!verify::IsRegionCode(code)) {
    Report(ProblemKind::kNotPlaced, line,
           "the heading ends in no region's code: " + Quoted(heading));
    return;
  }
  region_->code = std::string(code);
  const auto& partitions = scope_.partitions;
  region_->in_scope =
      std::find(partitions.begin(), partitions.end(),
                verify::PartitionOfRegion(code)) != partitions.end();
  if (region_->in_scope) {
    ++regions_in_scope_;
  } else if (first_foreign_line_ == 0) {
    first_foreign_line_ = line;
  }
}

void PagePlacer::Anchor(std::string_view name, int line) {
  if (!region_ || region_->code.empty() || !name.ends_with(kAnchorSuffix)) {
    return;
  }
  name.remove_suffix(kAnchorSuffix.size());
  if (name == region_->code) return;
  Report(ProblemKind::kNotPlaced, line,
         absl::StrCat("the heading says ", region_->code,
                      " and its anchor says ", Quoted(name)));
  region_->code.clear();
  region_->in_scope = false;
}

void PagePlacer::EndRegion() {
  EndTab();
  if (region_ && region_->in_scope && region_->tabs == 0) {
    Report(ProblemKind::kNoCertificate, region_->line,
           "nothing stands under " + region_->code);
  }
  region_.reset();
}

void PagePlacer::BeginTab(std::string_view name, int line) {
  EndTab();
  name = StripBlanks(name);
  tab_ = Tab();
  tab_->line = line;
  tab_->name = std::string(name);
  tab_->kind = KindOfTab(name);
  if (!region_) return;
  ++region_->tabs;
  if (!tab_->kind && !OutOfScope()) {
    Report(ProblemKind::kNotPlaced, line,
           "no kind is known as " + Quoted(name));
  }
}

void PagePlacer::EndTab() {
  DropOpenCertificate();
  if (tab_ && region_ && region_->in_scope && tab_->kind &&
      tab_->certificates == 0) {
    const auto& kinds = scope_.kinds;
    if (std::find(kinds.begin(), kinds.end(), *tab_->kind) != kinds.end()) {
      Report(ProblemKind::kNoCertificate, tab_->line,
             absl::StrCat("no certificate under ", region_->code, ", ",
                          tab_->name));
    }
  }
  tab_.reset();
}

void PagePlacer::Text(std::string_view text, int line) {
  for (;;) {
    const std::size_t begin = text.find(verify::kCertificateBegin);
    const std::size_t end = text.find(verify::kCertificateEnd);
    const std::size_t marker = std::min(begin, end);
    if (body_ && body_->size() <= kMaxBodyBytes) {
      body_->append(text.substr(0, marker));
      body_->push_back('\n');
    }
    if (marker == std::string_view::npos) return;
    if (marker == begin) {
      BeginCertificate(line);
      text.remove_prefix(marker + verify::kCertificateBegin.size());
    } else {
      EndCertificate(line);
      text.remove_prefix(marker + verify::kCertificateEnd.size());
    }
  }
}

void PagePlacer::BeginCertificate(int line) {
  DropOpenCertificate();
  body_.emplace();
  body_line_ = line;
  ++blocks_;
}

void PagePlacer::DropOpenCertificate() {
  if (!body_) return;
  body_.reset();
  Truncated("a certificate begins here and does not end", body_line_);
}

void PagePlacer::EndCertificate(int line) {
  if (!body_) {
    Report(ProblemKind::kCertificateUnreadable, line,
           "a certificate ends that did not begin");
    return;
  }
  const std::string body = *std::move(body_);
  body_.reset();
  if (tab_) ++tab_->certificates;
  if (OutOfScope()) return;
  auto der = body.size() > kMaxBodyBytes
                 ? absl::StatusOr<std::string>(std::string())
                 : verify::DecodeBase64(body);
  const auto facts =
      der.ok() ? anchors::ReadCertificateFacts(*der)
               : absl::StatusOr<anchors::CertificateFacts>(der.status());
  if (!facts.ok()) {
    Report(ProblemKind::kCertificateUnreadable, body_line_,
           std::string(facts.status().message()));
    return;
  }
  Place(*std::move(der), *facts, body_line_);
}

std::optional<Slot> PagePlacer::SlotFor(
    const anchors::CertificateFacts& facts) const {
  std::string_view region;
  std::optional<AnchorKind> kind;
  if (region_) {
    region = region_->code;
    if (tab_) kind = tab_->kind;
  } else if (tab_) {
    region = RegionOfProseName(tab_->name).value_or(std::string_view());
    kind = OnlyKindFor(facts.key);
  }
  if (region.empty() || !kind) return std::nullopt;
  return Slot{std::string(verify::PartitionOfRegion(region)),
              std::string(region), *kind};
}

void PagePlacer::Place(std::string der, const anchors::CertificateFacts& facts,
                       int line) {
  const auto slot = SlotFor(facts);
  if (!slot) {
    const std::string_view name = tab_ ? std::string_view(tab_->name) : "";
    Report(ProblemKind::kNotPlaced, line,
           absl::StrCat(Describe(facts.key, der), ", under ", Quoted(name)));
    return;
  }
  if (!scope_.Covers(*slot)) return;
  if (!anchors::KeyFitsSlot(facts.key, *slot)) {
    Report(ProblemKind::kWrongKind, line,
           absl::StrCat(Describe(facts.key, der), ", under ",
                        verify::ToString(*slot)));
    return;
  }
  auto& certificates = content_.certificates;
  std::vector<std::size_t>& others = placed_[*slot];
  for (const std::size_t i : others) {
    if (certificates[i].der == der) return;
  }
  if (certificates.size() == kMaxPageCertificates) {
    too_many_ = true;
    return;
  }
  if (!others.empty()) {
    Report(ProblemKind::kSlotTwice, line,
           "another certificate of " + verify::ToString(*slot));
  }
  others.push_back(certificates.size());
  certificates.push_back({*slot, std::move(der), line});
}

PageContent PagePlacer::Finish() && {
  EndRegion();
  if (too_many_) {
    content_.certificates.clear();
    Report(ProblemKind::kNotTheDocument, 0,
           absl::StrCat("more than ", kMaxPageCertificates, " certificates"));
  } else if (regions_in_scope_ == 0 && first_foreign_line_ != 0) {
    Report(ProblemKind::kOutOfScope, first_foreign_line_,
           "no region of the partitions that this source speaks for");
  } else if (regions_in_scope_ == 0 && blocks_ == 0) {
    Report(ProblemKind::kNotTheDocument, 0,
           "no region's heading and no certificate");
  } else if (content_.certificates.empty() && content_.problems.empty()) {
    Report(ProblemKind::kOutOfScope, 0,
           "no certificate of what this source speaks for");
  }
  auto& problems = content_.problems;
  std::stable_sort(problems.begin(), problems.end(),
                   [](const SourceProblem& a, const SourceProblem& b) {
                     return a.line < b.line;
                   });
  return std::move(content_);
}

}  // namespace anchorage::trustd
