// The catalog: all anchors with a sequence number, as a value and as JSON.
//
//   auto catalog = ParseCatalog(bytes);
//   if (!catalog.ok()) return catalog.status();
//   auto set = ToAnchorSet(*catalog, provenance);
//
// The JSON is the proto3 mapping of anchorage.v1.Catalog
// (proto/anchorage/v1/catalog.proto, which is the manual of each field), but
// protobuf is not used: the reader is strict and the writer canonical, so that
// one catalog has one text. Signatures are over the bytes of a file, so read
// what was verified and publish what was written; never serialize again a
// catalog that was read.
//
// Pure values and functions: any number of threads may call at once.

#ifndef ANCHORAGE_ANCHORS_CATALOG_H_
#define ANCHORAGE_ANCHORS_CATALOG_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/certificate_facts.h"
#include "verify/anchor_set.h"

namespace anchorage::anchors {

inline constexpr std::string_view kCatalogMediaType =
    "application/vnd.anchorage.catalog.v1+json";
// The name of the catalog among the targets of TUF.
inline constexpr std::string_view kCatalogTargetPath =
    "catalog/v1/anchors.json";

// The longest text: 4 MiB, half as much again for each anchor as AWS's take. A
// longer one is refused before any of it is read.
inline constexpr std::size_t kMaxCatalogBytes =
    verify::AnchorSet::kMaxAnchors * 4096;
inline constexpr std::size_t kMaxCertificatesPerAnchor = 16;
inline constexpr std::size_t kMaxSourcesPerCertificate = 32;
inline constexpr std::size_t kMaxSlotNameBytes = 64;
inline constexpr std::size_t kMaxPublisherBytes = 256;
inline constexpr std::size_t kMaxLocationBytes = 1024;
inline constexpr absl::Duration kMaxRefreshHint = absl::Hours(30 * 24);

// The publisher of a certificate that a person added.
inline constexpr char kOperatorPublisher[] = "operator";

// A place where a certificate was found.
struct Publication {
  std::string publisher;
  // A URL with its version; empty if the place has no address.
  std::string location;

  friend bool operator==(const Publication&, const Publication&) = default;
};

struct CatalogCertificate {
  std::string der;
  // SHA-256 of `der`, lower-case hex.
  std::string sha256;
  // What `der` says about itself: see CertificateFacts.
  absl::Time not_before;
  absl::Time not_after;
  std::string serial;
  std::vector<Publication> sources;
  // Whether AWS has published another certificate over the same key in its
  // place.
  bool superseded = false;

  friend bool operator==(const CatalogCertificate&,
                         const CatalogCertificate&) = default;
};

struct CatalogAnchor {
  verify::Slot slot;
  verify::AnchorStatus status = verify::AnchorStatus::kActive;
  // SHA-256 of `spki_der`, lower-case hex.
  std::string spki_sha256;
  std::string spki_der;
  // The times of evidence that the key verifies, both included; nullopt: no
  // limit on that side.
  std::optional<absl::Time> valid_from;
  std::optional<absl::Time> valid_until;
  // When verifiers stop accepting whatever the key made; nullopt: never.
  std::optional<absl::Time> accept_until;
  std::vector<CatalogCertificate> certificates;
  // nullopt: before anyone kept a record.
  std::optional<absl::Time> first_seen;
  // The `spki_sha256` of the anchor that this one takes over from, or empty.
  std::string replaces;

  friend bool operator==(const CatalogAnchor&, const CatalogAnchor&) = default;
};

struct Catalog {
  std::uint64_t sequence = 0;
  absl::Time created;
  // Zero: no hint.
  absl::Duration refresh_hint;
  std::vector<CatalogAnchor> anchors;
  // How many anchors ParseCatalog() left out, because their kind or status is
  // newer than this program. Not part of the text.
  int skipped = 0;

  friend bool operator==(const Catalog&, const Catalog&) = default;
};

// Whether evidence can be accepted under the anchor's status at all: ACTIVE and
// RETIRING.
bool Verifies(const CatalogAnchor& anchor);

// Whether a person brought it.
bool IsByOperator(const CatalogCertificate& certificate);

// Returns the anchor of that slot and key; null if there is none.
const CatalogAnchor* FindAnchor(const Catalog& catalog,
                                const verify::Slot& slot,
                                std::string_view spki_sha256);
CatalogAnchor* FindAnchor(Catalog& catalog, const verify::Slot& slot,
                          std::string_view spki_sha256);

// Null if there is none, or no anchor.
const CatalogCertificate* FindCertificate(const CatalogAnchor* anchor,
                                          std::string_view sha256);

// Returns `time` cut to whole seconds, all that a catalog's text can hold.
absl::Time WholeSeconds(absl::Time time);

// Returns a certificate with the fields that `der` determines filled in. Fails
// as ReadCertificateFacts() does.
absl::StatusOr<CatalogCertificate> MakeCertificate(std::string der);

// As verify::KeyFitsKind().
bool KeyFitsKind(const KeyFacts& key, verify::AnchorKind kind);

// Whether AWS publishes such a key in that slot: RSA keys are of the kind
// iid-dsa in China alone, elsewhere one stands in the wrong place.
bool KeyFitsSlot(const KeyFacts& key, const verify::Slot& slot);

// Puts anchors and certificates in the canonical order.
void Sort(Catalog& catalog);

// Who has checked a catalog's keys and certificates.
enum class Checked {
  kByNobody,
  // The build: for the catalog that is part of every program, and for no bytes
  // from anywhere else. Their hashes and dates are not compared again.
  kByBuild,
};

// Checks every promise of catalog.proto that is not about the text: limits,
// identities, hashes, dates and keys of certificates, windows, duplicates.
// Fails with kInputTooLarge or kFieldInvalid, or as ReadCertificateFacts()
// does. A catalog without anchors is invalid: it would trust nothing.
absl::Status CheckCatalog(const Catalog& catalog,
                          Checked checked = Checked::kByNobody);

// Reads a catalog and checks it. The result is in canonical order. Fails as
// CheckCatalog() does, and with kDocumentMalformed, kDuplicateKey,
// kTrailingBytes or kFieldMissing. Unknown members are ignored; an anchor of an
// unknown kind or status is left out and counted, and a catalog of which
// nothing is left is refused.
absl::StatusOr<Catalog> ParseCatalog(std::string_view json,
                                     Checked checked = Checked::kByNobody);

// Returns the canonical text of a catalog for which CheckCatalog() is OK:
// members in field order, defaults left out, no white space, sorted, ASCII.
// ParseCatalog() gives the same (sorted) catalog back.
std::string SerializeCatalog(const Catalog& catalog);

// Loads the keys: what verify/ works with. `provenance.sequence` is replaced
// by the catalog's. Fails as AnchorSet::Create() does.
absl::StatusOr<std::shared_ptr<const verify::AnchorSet>> ToAnchorSet(
    Catalog catalog, verify::AnchorProvenance provenance);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_CATALOG_H_
