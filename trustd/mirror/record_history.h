// What a record tells about the time before it, as far as it does: its
// observations have only hashes, and it begins with a catalog that it does not
// contain.
//
// Pure: any number of threads may call at once.

#ifndef ANCHORAGE_TRUSTD_MIRROR_RECORD_HISTORY_H_
#define ANCHORAGE_TRUSTD_MIRROR_RECORD_HISTORY_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "anchors/catalog.h"
#include "proto/anchorage/v1/ledger.pb.h"
#include "trustd/rotation/observation.h"

namespace anchorage::trustd {

using Records = absl::Span<const v1::LedgerRecord>;

// The certificates that a record and the catalog after it have, DER by SHA-256
// in lower-case hex.
std::map<std::string, std::string> CertificatesIn(
    Records records, const anchors::Catalog& catalog);

// What each source spoke for, inferred from what it ever showed.
std::map<std::string, SourceScope> ScopesIn(Records records);

// The catalog that there was before a record that is not empty, made from the
// one after it: without windows, and without certificates that were pruned since.
// INVALID_ARGUMENT if the result is not a catalog.
absl::StatusOr<anchors::Catalog> CatalogBefore(Records records,
                                               anchors::Catalog catalog);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_RECORD_HISTORY_H_
