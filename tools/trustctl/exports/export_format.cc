#include "tools/trustctl/exports/export_format.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "anchors/certificate_facts.h"
#include "tools/trustctl/exports/export_text.h"
#include "verify/printable.h"

namespace anchorage::trustctl {
namespace {

using verify::AnchorKind;
using verify::AnchorStatus;

constexpr char kNoWindow[] =
    "until when a RETIRING key verifies: the product takes it until the next "
    "export leaves it out";
constexpr char kNoRegion[] =
    "which region or partition a certificate is of: the product takes one "
    "region's signature for another's";
constexpr char kOneEach[] =
    "more than one certificate for a region: the newest ACTIVE one is here, "
    "and "
    "while AWS changes a key the other's evidence is refused";
constexpr char kNoRemoval[] =
    "that a certificate is no longer good: delete what is not here any more";

// Names become parts of file names and of other programs' text.
bool IsPlain(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

template <typename T>
bool Has(const std::vector<T>& values, const T& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

absl::Time NotBefore(const std::string& der) {
  const auto facts = anchors::ReadCertificateFacts(der);
  return facts.ok() ? facts->not_before : absl::InfinitePast();
}

ExportedAnchor ToExported(const verify::Anchor& anchor) {
  ExportedAnchor exported;
  exported.slot = anchor.slot();
  exported.status = anchor.status();
  exported.valid_from = anchor.valid_from();
  exported.valid_until = anchor.valid_until();
  exported.accept_until = anchor.accept_until();
  exported.spki_sha256 = anchor.spki_sha256();
  exported.certificates.assign(anchor.certificates_der().begin(),
                               anchor.certificates_der().end());
  std::sort(exported.certificates.begin(), exported.certificates.end(),
            [](const std::string& a, const std::string& b) {
              return std::make_tuple(NotBefore(b), b) <
                     std::make_tuple(NotBefore(a), a);
            });
  return exported;
}

// A certificate that can be read gives the key; the set has checked that it is
// the anchor's.
absl::Status SetKey(ExportedAnchor& anchor) {
  const auto facts = anchors::ReadCertificateFacts(anchor.certificates.front());
  if (!facts.ok()) return facts.status();
  anchor.spki_der = facts->spki_der;
  return absl::OkStatus();
}

auto Order(const ExportedAnchor& anchor) {
  return std::make_tuple(
      anchor.slot, anchor.status != AnchorStatus::kActive,
      absl::UnixEpoch() - NotBefore(anchor.certificates.front()),
      anchor.spki_sha256);
}

std::vector<ExportFormat> MakeFormats() {
  const std::vector<AnchorKind> all = {
      AnchorKind::kIidRsa2048, AnchorKind::kIidRsa1024, AnchorKind::kIidDsa,
      AnchorKind::kNitroRoot};
  const std::vector<AnchorKind> identity = {
      AnchorKind::kIidRsa2048, AnchorKind::kIidRsa1024, AnchorKind::kIidDsa};
  return {
      {"pem",
       "a folder PARTITION/REGION/KIND.pem, as trustd's directory source reads "
       "it",
       {kNoWindow},
       all,
       {},
       true,
       &MakePem},
      {"pem-bundle",
       "one file of certificates in PEM",
       {kNoWindow, kNoRegion},
       all,
       {},
       false,
       &MakePemBundle},
      {"json",
       "one file of JSON with everything",
       {},
       all,
       {},
       false,
       &MakeJson},
      {"vault",
       "a folder of bodies for Vault's and OpenBao's "
       "auth/aws/config/certificate/NAME",
       {kNoWindow, kNoRegion, kNoRemoval},
       identity,
       {},
       true,
       &MakeVault},
      {"smallstep",
       "the file that step-ca's AWS provisioner names as iidRoots",
       {kNoWindow, kNoRegion},
       {AnchorKind::kIidRsa1024},
       {},
       false,
       &MakeSmallstep},
      {"spire",
       "Go sources awsrsa2048/cacerts.go and awsrsa1024/cacerts.go for a build "
       "of SPIRE's aws_iid",
       {kNoWindow, kOneEach},
       {AnchorKind::kIidRsa2048, AnchorKind::kIidRsa1024},
       {},
       true,
       &MakeSpire},
      {"athenz",
       "a folder REGION.pem and the properties of ZTS that name them",
       {kNoWindow, kOneEach},
       {AnchorKind::kIidDsa},
       {AnchorKind::kIidRsa2048},
       true,
       &MakeAthenz},
      {"teleport",
       "the Go source lib/join/ec2join/certs.go for a build of Teleport",
       {kNoWindow, kOneEach},
       {AnchorKind::kIidRsa2048},
       {},
       false,
       &MakeTeleport},
      {"jwks",
       "a JSON Web Key Set (RFC 7517); a key that several regions share is "
       "there "
       "once",
       {kNoWindow, "DSA keys, for which JWK has no type: they are left out"},
       all,
       {},
       false,
       &MakeJwks},
      {"spiffe",
       "a SPIFFE bundle, for a trust domain of its own: never federate with it",
       {kNoWindow, kNoRegion,
        "DSA keys, for which JWK has no type: they are left out"},
       all,
       {},
       false,
       &MakeSpiffe},
      {"rfc5914",
       "a TrustAnchorList (RFC 5914) in DER, keys with the slot as title",
       {kNoWindow},
       all,
       {},
       false,
       &MakeRfc5914},
      {"header",
       "a C header with keys and certificates",
       {},
       all,
       {},
       false,
       &MakeHeader},
  };
}

}  // namespace

absl::Span<const ExportFormat> ExportFormats() {
  static const auto* const formats =
      new std::vector<ExportFormat>(MakeFormats());
  return *formats;
}

const ExportFormat* FindExportFormat(std::string_view name) {
  for (const ExportFormat& format : ExportFormats()) {
    if (name == format.name) return &format;
  }
  return nullptr;
}

absl::StatusOr<ExportContents> SelectExported(const verify::AnchorSet& set,
                                              const ExportFilter& filter,
                                              absl::Time now) {
  ExportContents contents;
  contents.sequence = set.provenance().sequence;
  for (const verify::Anchor& anchor : set.anchors()) {
    const verify::Slot& slot = anchor.slot();
    if ((!filter.partition.empty() && filter.partition != slot.partition) ||
        (!filter.region.empty() && filter.region != slot.region) ||
        (!filter.kinds.empty() && !Has(filter.kinds, slot.kind))) {
      continue;
    }
    if (!IsPlain(slot.partition) || !IsPlain(slot.region)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", verify::Printable(ToString(slot)),
                       "' cannot be part of a file's name"));
    }
    if (!anchor.CheckUsable(now).ok() || anchor.certificates_der().empty()) {
      ++contents.left_out;
      continue;
    }
    ExportedAnchor exported = ToExported(anchor);
    if (absl::Status s = SetKey(exported); !s.ok()) return s;
    contents.anchors.push_back(std::move(exported));
  }
  if (contents.anchors.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "no anchor that verifies passes the filter; ", contents.left_out,
        " that are announced, retired or revoked do"));
  }
  std::sort(contents.anchors.begin(), contents.anchors.end(),
            [](const ExportedAnchor& a, const ExportedAnchor& b) {
              return Order(a) < Order(b);
            });
  return contents;
}

}  // namespace anchorage::trustctl
