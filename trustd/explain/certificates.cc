#include "trustd/explain/certificates.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "anchors/base/proto_time.h"
#include "anchors/catalog_proto.h"
#include "anchors/certificate_facts.h"
#include "anchors/certificate_names.h"
#include "anchors/self_signature.h"
#include "trustd/rotation/diff_text.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using anchors::CatalogAnchor;
using verify::Slot;

v1::ExplainedCertificate::Signature SignatureOf(const Catalog& catalog,
                                                const Slot& slot,
                                                const std::string& der,
                                                const std::string& own_key) {
  if (anchors::IsSelfSigned(der)) {
    return v1::ExplainedCertificate::SIGNATURE_OWN_KEY;
  }
  const bool by_old = std::any_of(
      catalog.anchors.begin(), catalog.anchors.end(),
      [&](const CatalogAnchor& anchor) {
        return anchor.slot == slot && anchor.spki_sha256 != own_key &&
               anchor.status != verify::AnchorStatus::kRevoked &&
               anchors::IsSignedBy(der, anchor.spki_der);
      });
  return by_old ? v1::ExplainedCertificate::SIGNATURE_OLD_KEY
                : v1::ExplainedCertificate::SIGNATURE_OTHER;
}

void SetKey(std::string_view spki_der, v1::ExplainedCertificate& out) {
  const auto key = anchors::ReadKeyFacts(spki_der);
  if (!key.ok()) return;
  out.set_key(KeyName(*key));
  out.set_key_bits(key->bits);
}

// What the catalog has of a certificate and of its key, and, where the bytes are
// still there, what these say.
v1::ExplainedCertificate Explain(const Catalog& catalog, const Slot& slot,
                                 std::string der, const std::string& sha256,
                                 const std::string& spki_sha256) {
  v1::ExplainedCertificate out;
  out.set_sha256(sha256);
  out.set_spki_sha256(spki_sha256);
  const CatalogAnchor* anchor = anchors::FindAnchor(catalog, slot, spki_sha256);
  const anchors::CatalogCertificate* known =
      anchors::FindCertificate(anchor, sha256);
  if (known != nullptr) {
    der = known->der;
    out.set_in_use(!known->superseded && anchors::Verifies(*anchor));
  }
  if (anchor != nullptr) {
    out.set_status(anchors::ToProto(anchor->status));
    SetKey(anchor->spki_der, out);
  }
  const auto facts = anchors::ReadCertificateFacts(der);
  if (!facts.ok()) return out;
  SetKey(facts->spki_der, out);
  out.set_serial(facts->serial);
  anchors::SetTime(facts->not_before, *out.mutable_not_before());
  anchors::SetTime(facts->not_after, *out.mutable_not_after());
  const anchors::CertificateNames names = anchors::ReadCertificateNames(der);
  out.set_subject(names.subject);
  out.set_issuer(names.issuer);
  out.set_signature(SignatureOf(catalog, slot, der, spki_sha256));
  return out;
}

v1::ExplainedCertificate ExplainKey(const Catalog& catalog, const Slot& slot,
                                    const std::string& spki_sha256) {
  const CatalogAnchor* anchor = anchors::FindAnchor(catalog, slot, spki_sha256);
  // The first is the newest that is in use.
  if (anchor == nullptr || anchor->certificates.empty()) {
    return Explain(catalog, slot, "", "", spki_sha256);
  }
  return Explain(catalog, slot, "", anchor->certificates.front().sha256,
                 spki_sha256);
}

// Puts the keys that both lists have at the front of both.
void Align(v1::RotationExplanation& explanation) {
  auto& old = *explanation.mutable_old_certificates();
  auto& fresh = *explanation.mutable_new_certificates();
  int place = 0;
  for (int i = 0; i < fresh.size() && place < old.size(); ++i) {
    for (int j = place; j < old.size(); ++j) {
      if (old[j].spki_sha256() != fresh[i].spki_sha256()) continue;
      if (i < place) break;
      // The others stay in their order.
      std::rotate(old.begin() + place, old.begin() + j, old.begin() + j + 1);
      std::rotate(fresh.begin() + place, fresh.begin() + i,
                  fresh.begin() + i + 1);
      ++place;
      break;
    }
  }
}

}  // namespace

void AddCertificates(const Catalog& catalog, const RotationBook::Entry& entry,
                     v1::RotationExplanation& explanation) {
  const v1::Rotation& rotation = entry.rotation;
  const Slot& slot = entry.change.slot;
  if (rotation.has_undo()) {
    for (const std::string& key : rotation.undo().ended_spki_sha256()) {
      *explanation.add_old_certificates() = ExplainKey(catalog, slot, key);
    }
    for (const std::string& key : rotation.undo().reactivated_spki_sha256()) {
      *explanation.add_new_certificates() = ExplainKey(catalog, slot, key);
    }
    return;
  }
  for (const std::string& sha256 : rotation.pinned_certificate_sha256()) {
    std::string key;
    for (const CatalogAnchor& anchor : catalog.anchors) {
      if (anchor.slot == slot &&
          anchors::FindCertificate(&anchor, sha256) != nullptr) {
        key = anchor.spki_sha256;
      }
    }
    *explanation.add_old_certificates() =
        Explain(catalog, slot, "", sha256, key);
  }
  for (const v1::SeenCertificate& seen : rotation.observed()) {
    *explanation.add_new_certificates() =
        seen.sha256().empty() ? ExplainKey(catalog, slot, seen.spki_sha256())
                              : Explain(catalog, slot, seen.der(),
                                        seen.sha256(), seen.spki_sha256());
  }
  // What comes replaces the ACTIVE key, and not one that is RETIRING.
  auto& old = *explanation.mutable_old_certificates();
  std::stable_partition(old.begin(), old.end(), [](const auto& certificate) {
    return certificate.status() == v1::ANCHOR_STATUS_ACTIVE;
  });
  Align(explanation);
}

}  // namespace anchorage::trustd
