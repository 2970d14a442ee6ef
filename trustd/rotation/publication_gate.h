// What may be published without people, judged where the catalog changes.
//
//   const GateVerdict verdict =
//       JudgePublication(before, after, {.fresh = looks}, now);
//   if (verdict.outcome != GateOutcome::kPublish) ...
//
// A change carries what held it when it was found, and a later look can find
// the same certificate otherwise: beside the genuine one, or in a second
// source. So nothing that was thought of a change before has a part here. Each
// certificate that comes into use is judged by itself, from its bytes, the
// catalog before and what sources show now.
//
// Pure: any number of threads may call at once.

#ifndef ANCHORAGE_TRUSTD_ROTATION_PUBLICATION_GATE_H_
#define ANCHORAGE_TRUSTD_ROTATION_PUBLICATION_GATE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "anchors/certificate_facts.h"
#include "trustd/rotation/observation.h"

namespace anchorage::trustd {

// Says why nobody but people may bring a certificate into use, in a slot where
// `anchor` has the same key; null where none has. Empty: nothing speaks against
// it. What it must be:
//
//   - signed by its own key: otherwise whoever changes a page could date AWS's
//     key anew;
//   - begun, or beginning within a day;
//   - not over a key that is RETIRED or REVOKED;
//   - later than every other certificate of the key, and not a superseded one:
//     otherwise a copy that was left behind, or the same certificate with its
//     signature written otherwise, would be published as new.
std::vector<std::string> WhyForPeople(std::string_view der,
                                      const anchors::CertificateFacts& facts,
                                      const anchors::CatalogAnchor* anchor,
                                      absl::Time now);

enum class GateOutcome {
  kPublish,
  // A later look may let it through: no source shows it now, one shows
  // something else, or there is more than one new certificate.
  kWait,
  // Of the certificate itself: only people may.
  kForPeople,
};

struct GateVerdict {
  GateOutcome outcome = GateOutcome::kForPeople;
  // Of kPublish: how many sources show everything now; else 0.
  int sources = 0;
  // For people and the record; empty for kPublish.
  std::string why = {};
};

// The newest look of each source.
struct NewestLooks {
  // Of sources that can be read.
  std::vector<const Observation*> fresh = {};
  // Of sources that fail since: they can contradict, and show nothing now.
  std::vector<const Observation*> stale = {};
};

// Judges what `after`, which Apply() made of `before`, brings into use:
// certificates, and keys that begin to verify.
GateVerdict JudgePublication(const anchors::Catalog& before,
                             const anchors::Catalog& after,
                             const NewestLooks& looks, absl::Time now);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ROTATION_PUBLICATION_GATE_H_
