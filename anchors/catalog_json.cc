// The text form of a catalog: the proto3 JSON mapping of anchorage.v1.Catalog,
// read strictly and written canonically.

#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/catalog.h"
#include "anchors/proto_json.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::AnchorKind;
using verify::AnchorStatus;
using verify::Reason;

// Deepest: catalog, anchors, anchor, certificates, certificate, sources,
// source; twice that leaves room for members of a later version.
constexpr int kMaxDepth = 14;

constexpr auto kKindNames = [] {
  std::array<EnumName<AnchorKind>, std::size(verify::kAnchorKinds)> names{};
  for (std::size_t i = 0; i < names.size(); ++i) {
    const verify::AnchorKindRow& row = verify::kAnchorKinds[i];
    names[i] = {row.kind, row.catalog_name};
  }
  return names;
}();

constexpr std::array<EnumName<AnchorStatus>, 5> kStatusNames = {{
    {AnchorStatus::kAnnounced, "ANCHOR_STATUS_ANNOUNCED"},
    {AnchorStatus::kActive, "ANCHOR_STATUS_ACTIVE"},
    {AnchorStatus::kRetiring, "ANCHOR_STATUS_RETIRING"},
    {AnchorStatus::kRetired, "ANCHOR_STATUS_RETIRED"},
    {AnchorStatus::kRevoked, "ANCHOR_STATUS_REVOKED"},
}};

// --- Reading ---------------------------------------------------------------

CatalogCertificate ReadCertificate(JsonFields fields) {
  CatalogCertificate certificate;
  certificate.der = fields.RequiredBytes("der");
  certificate.sha256 = fields.RequiredString("sha256");
  certificate.not_before = fields.RequiredTime("notBefore");
  certificate.not_after = fields.RequiredTime("notAfter");
  certificate.serial = fields.RequiredString("serial");
  fields.ForEach("sources", kMaxSourcesPerCertificate, [&](JsonFields source) {
    certificate.sources.push_back({source.RequiredString("publisher"),
                                   source.OptionalString("location")});
  });
  certificate.superseded = fields.OptionalBool("superseded");
  return certificate;
}

// Returns nullopt for an anchor of a kind or status that we do not know:
// nothing else of it is read.
std::optional<CatalogAnchor> ReadAnchor(JsonFields fields) {
  JsonFields slot = fields.RequiredObject("slot");
  const auto kind = slot.RequiredEnum("kind", kKindNames);
  const auto status = fields.RequiredEnum("status", kStatusNames);
  if (!kind || !status) return std::nullopt;
  CatalogAnchor anchor;
  anchor.slot.partition = slot.RequiredString("partition");
  anchor.slot.region = slot.OptionalString("region");
  anchor.slot.kind = *kind;
  anchor.status = *status;
  anchor.spki_sha256 = fields.RequiredString("spkiSha256");
  anchor.spki_der = fields.RequiredBytes("spkiDer");
  anchor.valid_from = fields.OptionalTime("validFrom");
  anchor.valid_until = fields.OptionalTime("validUntil");
  fields.ForEach(
      "certificates", kMaxCertificatesPerAnchor, [&](JsonFields certificate) {
        anchor.certificates.push_back(ReadCertificate(std::move(certificate)));
      });
  anchor.first_seen = fields.OptionalTime("firstSeenTime");
  anchor.replaces = fields.OptionalString("replaces");
  anchor.accept_until = fields.OptionalTime("acceptUntil");
  return anchor;
}

// Reads all but the anchors.
void ReadHeader(JsonFields fields, Catalog& catalog) {
  if (fields.RequiredString("mediaType") != kCatalogMediaType) {
    fields.Fail(Reason::kFieldInvalid, "mediaType", "is not a catalog's");
  }
  catalog.sequence = fields.RequiredUint64("sequence");
  catalog.created = fields.RequiredTime("createdTime");
  catalog.refresh_hint = fields.OptionalSeconds("refreshHint");
  fields.ForEach("anchors", verify::AnchorSet::kMaxAnchors,
                 [](const JsonFields&) {});
}

// --- Writing ---------------------------------------------------------------

void WriteCertificate(const CatalogCertificate& certificate, std::string& out) {
  JsonObject object(out);
  object.Bytes("der", certificate.der);
  object.String("sha256", certificate.sha256);
  object.Time("notBefore", certificate.not_before);
  object.Time("notAfter", certificate.not_after);
  object.String("serial", certificate.serial);
  object.Array("sources", certificate.sources, [&](const Publication& source) {
    JsonObject member(out);
    member.String("publisher", source.publisher);
    member.String("location", source.location);
  });
  if (certificate.superseded) {
    object.Key("superseded");
    out += "true";
  }
}

void WriteSlot(const verify::Slot& slot, std::string& out) {
  JsonObject object(out);
  object.String("partition", slot.partition);
  object.String("region", slot.region);
  object.String("kind", NameIn(kKindNames, slot.kind));
}

void WriteAnchor(const CatalogAnchor& anchor, std::string& out) {
  JsonObject object(out);
  object.Key("slot");
  WriteSlot(anchor.slot, out);
  object.String("status", NameIn(kStatusNames, anchor.status));
  object.String("spkiSha256", anchor.spki_sha256);
  object.Bytes("spkiDer", anchor.spki_der);
  object.Time("validFrom", anchor.valid_from);
  object.Time("validUntil", anchor.valid_until);
  object.Array("certificates", anchor.certificates,
               [&](const CatalogCertificate& certificate) {
                 WriteCertificate(certificate, out);
               });
  object.Time("firstSeenTime", anchor.first_seen);
  object.String("replaces", anchor.replaces);
  object.Time("acceptUntil", anchor.accept_until);
}

void WriteCatalog(const Catalog& catalog, std::string& out) {
  JsonObject object(out);
  object.String("mediaType", kCatalogMediaType);
  object.String("sequence", absl::StrCat(catalog.sequence));
  object.Time("createdTime", catalog.created);
  if (catalog.refresh_hint > absl::ZeroDuration()) {
    object.String(
        "refreshHint",
        absl::StrCat(absl::ToInt64Seconds(catalog.refresh_hint), "s"));
  }
  object.Array("anchors", catalog.anchors,
               [&](const CatalogAnchor& anchor) { WriteAnchor(anchor, out); });
}

}  // namespace

absl::StatusOr<Catalog> ParseCatalog(std::string_view json, Checked checked) {
  Catalog catalog;
  // About what AWS's anchors take, so that few are moved.
  catalog.anchors.reserve(json.size() / 2048);
  absl::Status header;
  absl::Status anchors;
  const auto text = FlatJson::Read(
      json, {.max_bytes = kMaxCatalogBytes, .max_depth = kMaxDepth},
      {.name = "anchors",
       .limit = verify::AnchorSet::kMaxAnchors,
       .read = [&](const FlatValue& value, std::size_t index) {
         if (!anchors.ok()) return;
         auto anchor =
             ReadAnchor(JsonFields(value, "catalog.anchors", index, &anchors));
         if (anchor) {
           catalog.anchors.push_back(*std::move(anchor));
         } else {
           ++catalog.skipped;
         }
       }});
  if (!text.ok()) return text.status();
  ReadHeader(JsonFields(text->value(), "catalog", &header), catalog);
  if (!header.ok()) return header;
  if (!anchors.ok()) return anchors;
  if (absl::Status s = CheckCatalog(catalog, checked); !s.ok()) return s;
  Sort(catalog);
  return catalog;
}

std::string SerializeCatalog(const Catalog& catalog) {
  Catalog sorted = catalog;
  Sort(sorted);
  std::string out;
  WriteCatalog(sorted, out);
  return out;
}

}  // namespace anchorage::anchors
