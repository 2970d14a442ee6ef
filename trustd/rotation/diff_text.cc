#include "trustd/rotation/diff_text.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "verify/anchor_set.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

using verify::KeyType;
using verify::Printable;

std::string Day(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d", time, absl::UTCTimeZone());
}

void AppendCertificate(char mark,
                       const anchors::CatalogCertificate& certificate, int line,
                       std::string& out) {
  const std::string in(1, mark);
  absl::StrAppend(&out, in, "   certificate ", certificate.sha256, "\n", in,
                  "     serial ", certificate.serial, ", ",
                  Day(certificate.not_before), " to ",
                  Day(certificate.not_after));
  if (line != 0) absl::StrAppend(&out, ", line ", line);
  out += '\n';
}

void AppendKey(char mark, std::string_view spki_sha256,
               std::string_view spki_der, std::string_view state,
               std::string& out) {
  const auto key = anchors::ReadKeyFacts(spki_der);
  absl::StrAppend(&out, std::string(1, mark), " key ", std::string(spki_sha256),
                  ", ", key.ok() ? KeyName(*key) : "unreadable", ", ",
                  std::string(state), "\n");
}

const SeenCertificate* Seen(const Change& change, const std::string& sha256) {
  const auto at = std::find_if(
      change.observed.begin(), change.observed.end(),
      [&](const SeenCertificate& seen) { return seen.sha256 == sha256; });
  return at == change.observed.end() ? nullptr : &*at;
}

void AppendSeen(const Change& change, const std::string& spki_sha256,
                std::string& out) {
  for (const SeenCertificate& seen : change.observed) {
    if (seen.pinned || seen.spki_sha256 != spki_sha256) continue;
    const auto certificate = anchors::MakeCertificate(seen.der);
    if (certificate.ok()) AppendCertificate('+', *certificate, seen.line, out);
  }
}

void AppendPinned(const Change& change, const anchors::CatalogAnchor& anchor,
                  std::string& out) {
  const auto seen_key =
      std::any_of(change.observed.begin(), change.observed.end(),
                  [&](const SeenCertificate& seen) {
                    return seen.spki_sha256 == anchor.spki_sha256;
                  });
  AppendKey(seen_key ? ' ' : '-', anchor.spki_sha256, anchor.spki_der,
            absl::StrCat("pinned ", std::string(NameOf(anchor.status))), out);
  for (const anchors::CatalogCertificate& certificate : anchor.certificates) {
    const SeenCertificate* seen = Seen(change, certificate.sha256);
    // What was replaced long ago says nothing, unless it is there again.
    if (certificate.superseded && seen == nullptr) continue;
    AppendCertificate(seen == nullptr ? '-' : ' ', certificate,
                      seen == nullptr ? 0 : seen->line, out);
  }
  AppendSeen(change, anchor.spki_sha256, out);
}

void AppendNewKeys(const Change& change,
                   const std::vector<std::string>& pinned_keys,
                   std::string& out) {
  std::vector<std::string> done = pinned_keys;
  for (const SeenCertificate& seen : change.observed) {
    if (std::find(done.begin(), done.end(), seen.spki_sha256) != done.end()) {
      continue;
    }
    done.push_back(seen.spki_sha256);
    const auto facts = anchors::ReadCertificateFacts(seen.der);
    if (!facts.ok()) continue;
    AppendKey('+', seen.spki_sha256, facts->spki_der, "not pinned", out);
    AppendSeen(change, seen.spki_sha256, out);
  }
}

}  // namespace

std::string KeyName(const anchors::KeyFacts& key) {
  switch (key.type) {
    case KeyType::kRsa:
      return absl::StrCat("RSA-", key.bits);
    case KeyType::kDsa:
      return absl::StrCat("DSA-", key.bits);
    case KeyType::kEcP256:
      return "P-256";
    case KeyType::kEcP384:
      return "P-384";
    default:
      return absl::StrCat("a key of ", key.bits, " bits");
  }
}

std::string DiffText(const Change& change, const anchors::Catalog& pinned) {
  std::string out(NameOf(change.rotation_class));
  if (change.anomaly) {
    absl::StrAppend(&out, " ", std::string(NameOf(*change.anomaly)));
  }
  if (change.problem) {
    absl::StrAppend(&out, " ", std::string(ToString(*change.problem)));
  }
  if (!change.slot.partition.empty()) {
    absl::StrAppend(&out, " ", Printable(verify::ToString(change.slot)));
  }
  absl::StrAppend(&out, ", seen by ", Printable(change.source));
  if (!change.location.empty()) {
    absl::StrAppend(&out, " at ", Printable(change.location));
  }
  out += '\n';
  if (!change.slot.partition.empty()) {
    std::vector<std::string> keys;
    for (const anchors::CatalogAnchor& anchor : pinned.anchors) {
      if (anchor.slot != change.slot) continue;
      AppendPinned(change, anchor, out);
      keys.push_back(anchor.spki_sha256);
    }
    AppendNewKeys(change, keys, out);
  }
  for (const std::string& note : change.notes) {
    absl::StrAppend(&out, "  note: ", Printable(note), "\n");
  }
  for (const std::string& held : change.held_by) {
    absl::StrAppend(&out, "  held: ", Printable(held), "\n");
  }
  return out;
}

}  // namespace anchorage::trustd
