#include "trustd/mirror/record_history.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "anchors/catalog_proto.h"
#include "trustd/record/rotation_values.h"
#include "trustd/rotation/change.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using SlotName = std::pair<verify::Slot, std::string>;

// What the record says of the catalog that there was before it.
struct Before {
  // Of each slot, what was pinned when the first rotation in it was found.
  std::map<verify::Slot, PinnedSlot> pinned;
  // Certificates that came with the record, by SHA-256.
  std::set<SlotName> brought;
  // Keys that people changed before that, and what they were.
  std::map<SlotName, verify::AnchorStatus> changed;
};

void TakePin(const v1::PinFact& fact, Before& before) {
  const auto slot = anchors::SlotFromProto(fact.slot());
  if (!slot.has_value()) return;
  if (fact.action() == v1::PinFact::ACTION_ADD) {
    before.brought.insert({*slot, verify::Sha256Hex(fact.certificate())});
  } else if (before.pinned.count(*slot) == 0) {
    before.changed.emplace(SlotName(*slot, fact.spki_sha256()),
                           fact.action() == v1::PinFact::ACTION_REACTIVATE
                               ? verify::AnchorStatus::kRetired
                               : verify::AnchorStatus::kActive);
  }
}

Before ReadBefore(Records records) {
  Before before;
  for (const v1::LedgerRecord& record : records) {
    if (record.has_pin()) TakePin(record.pin(), before);
    if (!record.has_detection()) continue;
    const Change change = ChangeOf(record.detection());
    if (change.rotation_class == RotationClass::kSourceAnomaly ||
        change.slot.partition.empty()) {
      continue;
    }
    before.pinned.emplace(change.slot, change.pinned);
    for (const SeenCertificate& seen : change.observed) {
      if (!seen.pinned) before.brought.insert({change.slot, seen.sha256});
    }
  }
  return before;
}

bool Has(const std::vector<std::string>& list, const std::string& one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

void GoBack(const Before& before, anchors::CatalogAnchor& anchor) {
  const auto pinned = before.pinned.find(anchor.slot);
  std::erase_if(anchor.certificates, [&](const auto& one) {
    return before.brought.count({anchor.slot, one.sha256}) != 0 &&
           (pinned == before.pinned.end() ||
            !Has(pinned->second.certificate_sha256, one.sha256));
  });
  if (pinned != before.pinned.end()) {
    const PinnedSlot& slot = pinned->second;
    if (Has(slot.spki_sha256, anchor.spki_sha256)) {
      anchor.status = verify::AnchorStatus::kActive;
      for (anchors::CatalogCertificate& one : anchor.certificates) {
        one.superseded = !Has(slot.certificate_sha256, one.sha256);
      }
    } else if (anchor.status != verify::AnchorStatus::kRevoked) {
      anchor.status = verify::AnchorStatus::kRetired;
    }
  }
  const auto changed = before.changed.find({anchor.slot, anchor.spki_sha256});
  if (changed != before.changed.end()) anchor.status = changed->second;
  if (anchor.status == verify::AnchorStatus::kActive) {
    anchor.valid_until.reset();
    anchor.accept_until.reset();
  }
}

}  // namespace

std::map<std::string, std::string> CertificatesIn(Records records,
                                                  const Catalog& catalog) {
  std::map<std::string, std::string> der_of;
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    for (const anchors::CatalogCertificate& one : anchor.certificates) {
      der_of.emplace(one.sha256, one.der);
    }
  }
  for (const v1::LedgerRecord& record : records) {
    for (const v1::SeenCertificate& seen : record.detection().observed()) {
      if (!seen.der().empty()) der_of.emplace(seen.sha256(), seen.der());
    }
    const std::string& added = record.pin().certificate();
    if (!added.empty()) der_of.emplace(verify::Sha256Hex(added), added);
  }
  return der_of;
}

std::map<std::string, SourceScope> ScopesIn(Records records) {
  std::map<std::string, SourceScope> scopes;
  const auto add = [](auto& list, const auto& one) {
    if (std::find(list.begin(), list.end(), one) == list.end()) {
      list.push_back(one);
    }
  };
  for (const v1::LedgerRecord& record : records) {
    SourceScope& scope = scopes[record.observation().source()];
    for (const auto& entry : record.observation().entries()) {
      const auto slot = anchors::SlotFromProto(entry.slot());
      if (!slot.has_value()) continue;
      add(scope.partitions, slot->partition);
      add(scope.kinds, slot->kind);
    }
  }
  return scopes;
}

absl::StatusOr<Catalog> CatalogBefore(Records records, Catalog catalog) {
  const Before before = ReadBefore(records);
  for (anchors::CatalogAnchor& anchor : catalog.anchors) {
    GoBack(before, anchor);
  }
  std::erase_if(catalog.anchors, [](const anchors::CatalogAnchor& anchor) {
    return anchor.certificates.empty();
  });
  catalog.sequence = 1;
  catalog.created = anchors::TimeOf(records.front().time());
  anchors::Sort(catalog);
  if (absl::Status s = CheckCatalog(catalog); !s.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the catalog before the record cannot be made again: ", s.message()));
  }
  return catalog;
}

}  // namespace anchorage::trustd
