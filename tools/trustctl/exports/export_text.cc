#include "tools/trustctl/exports/export_text.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/base/version.h"
#include "verify/encoding/base64.h"

namespace anchorage::trustctl {
namespace {

constexpr std::size_t kPemColumns = 64;

std::string Utc(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

// Limits of an anchor that has some: "made until ..., accepted until ...".
std::string Limits(const ExportedAnchor& anchor) {
  std::string text;
  const std::pair<const char*, absl::Time> limits[] = {
      {"evidence made from ", anchor.valid_from},
      {"evidence made until ", anchor.valid_until},
      {"accepted until ", anchor.accept_until}};
  for (const auto& [label, time] : limits) {
    if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) {
      continue;
    }
    absl::StrAppend(&text, text.empty() ? "" : ", ", label, Utc(time));
  }
  return text;
}

}  // namespace

std::string Pem(std::string_view der) {
  const std::string base64 =
      absl::Base64Escape(absl::string_view(der.data(), der.size()));
  std::string pem(verify::kCertificateBegin);
  pem += '\n';
  for (std::size_t at = 0; at < base64.size(); at += kPemColumns) {
    absl::StrAppend(&pem, base64.substr(at, kPemColumns), "\n");
  }
  pem += verify::kCertificateEnd;
  pem += '\n';
  return pem;
}

std::vector<std::string> About(const ExportFormat& format,
                               const ExportContents& contents) {
  std::vector<std::string> lines = {
      absl::StrCat("Made by trustctl ", anchors::kVersion, " (anchors export ",
                   "--format ", format.name, ") of the catalog with sequence ",
                   contents.sequence, "."),
      absl::StrCat(
          "Holds what was ACTIVE or RETIRING then: ", contents.anchors.size(),
          " anchors; ", contents.left_out, " others are left out.")};
  for (const char* what : format.cannot_carry) {
    lines.push_back(absl::StrCat("This format cannot say ", what, "."));
  }
  for (const ExportedAnchor& anchor : contents.anchors) {
    const std::string limits = Limits(anchor);
    if (limits.empty()) continue;
    lines.push_back(absl::StrCat(
        ToString(anchor.slot), " ", anchor.spki_sha256.substr(0, 16), " is ",
        std::string(NameOf(anchor.status)), ": ", limits, "."));
  }
  return lines;
}

std::string AboutComment(const ExportFormat& format,
                         const ExportContents& contents,
                         const std::string& mark) {
  std::string text;
  for (const std::string& line : About(format, contents)) {
    absl::StrAppend(&text, mark, line, "\n");
  }
  return text;
}

std::vector<ExportedAnchor> OneForEachSlot(const ExportContents& contents,
                                           std::vector<std::string>& about) {
  std::vector<ExportedAnchor> first;
  for (const ExportedAnchor& anchor : contents.anchors) {
    if (first.empty() || first.back().slot != anchor.slot) {
      first.push_back(anchor);
      continue;
    }
    about.push_back(
        absl::StrCat("Left out, for want of a place: ", ToString(anchor.slot),
                     " ", anchor.spki_sha256.substr(0, 16), " (",
                     std::string(NameOf(anchor.status)), ")."));
  }
  return first;
}

}  // namespace anchorage::trustctl
