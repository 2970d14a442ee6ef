#include "trustd/sources/observer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "anchors/certificate_facts.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorKind;
using verify::AnchorStatus;

constexpr std::string_view kLabel = "CERTIFICATE";
constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

int LineAt(std::string_view text, std::size_t offset) {
  return 1 + static_cast<int>(
                 std::count(text.begin(), text.begin() + offset, '\n'));
}

// RSA keys verify PKCS7 only in China.
bool FitsSlot(const anchors::KeyFacts& key, const verify::Slot& slot) {
  if (slot.kind == AnchorKind::kIidDsa && key.type != verify::KeyType::kDsa &&
      slot.partition != "aws-cn") {
    return false;
  }
  return anchors::KeyFitsKind(key, slot.kind);
}

}  // namespace

Observation MakeObservation(const Source& source, std::string location,
                            std::string content_sha256, absl::Time now) {
  Observation observation;
  observation.source = source.name();
  observation.location = std::move(location);
  observation.time = now;
  observation.content_sha256 = std::move(content_sha256);
  observation.scope = source.scope();
  return observation;
}

void Observer::AddPem(const verify::Slot& slot, std::string_view pem,
                      const std::string& where) {
  std::size_t begin = pem.find(kBegin);
  if (begin == pem.npos) {
    return Report(ProblemKind::kNoCertificate, 0,
                  absl::StrCat(where, " holds no certificate"));
  }
  while (begin != pem.npos) {
    const int line = LineAt(pem, begin);
    const std::size_t next = pem.find(kBegin, begin + kBegin.size());
    const std::size_t end = pem.find(kEnd, begin);
    // A block that runs into the next one was cut as well.
    if (end == pem.npos || end > next) {
      Report(ProblemKind::kTruncated, line,
             absl::StrCat(where, " ends inside a certificate"));
    } else {
      auto der = verify::DecodePem(pem.substr(begin, end + kEnd.size() - begin),
                                   kLabel);
      if (der.ok()) {
        AddDer(slot, *std::move(der), line, where);
      } else {
        Report(ProblemKind::kCertificateUnreadable, line,
               absl::StrCat(where, " is not PEM"));
      }
    }
    begin = next;
  }
}

void Observer::AddDer(const verify::Slot& slot, std::string der, int line,
                      const std::string& where) {
  if (!observation_.scope.Covers(slot)) {
    return Report(ProblemKind::kOutOfScope, line,
                  absl::StrCat(where, ": this source does not speak for ",
                               verify::ToString(slot)));
  }
  const auto facts = anchors::ReadCertificateFacts(der);
  if (!facts.ok()) {
    return Report(
        ProblemKind::kCertificateUnreadable, line,
        absl::StrCat(where, ": ", std::string(facts.status().message())));
  }
  if (!FitsSlot(facts->key, slot)) {
    return Report(ProblemKind::kWrongKind, line,
                  absl::StrCat(where, ": a key of ", facts->key.bits,
                               " bits cannot be of ", verify::ToString(slot)));
  }
  const bool known = std::any_of(observation_.certificates.begin(),
                                 observation_.certificates.end(),
                                 [&](const ObservedCertificate& seen) {
                                   return seen.slot == slot && seen.der == der;
                                 });
  if (known) return;
  observation_.certificates.push_back({slot, std::move(der), line});
}

void Observer::AddCatalog(const anchors::Catalog& catalog,
                          const std::string& where) {
  bool any = false;
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (!anchors::Verifies(anchor) || !observation_.scope.Covers(anchor.slot)) {
      continue;
    }
    any = true;
    for (const anchors::CatalogCertificate& certificate : anchor.certificates) {
      if (certificate.superseded) continue;
      AddDer(anchor.slot, certificate.der, 0, where);
    }
  }
  if (!any) {
    Report(ProblemKind::kOutOfScope, 0,
           absl::StrCat(where, " has no anchor that this source speaks for"));
  }
}

void Observer::Report(ProblemKind kind, int line, std::string detail) {
  if (observation_.problems.size() >= kMaxProblems) return;
  observation_.problems.push_back({kind, line, std::move(detail)});
}

}  // namespace anchorage::trustd
