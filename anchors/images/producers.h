// Producers of machine images: whose manifests count, as a value and as JSON.
//
//   auto list = ParseProducers(bytes);
//   if (!list.ok()) return list.status();
//   const Producer* producer = FindProducer(*list, "acme");
//
// The JSON is the proto3 mapping of anchorage.v1.ProducerList
// (proto/anchorage/v1/producers.proto, which is the manual of each field), but
// protobuf is not used: the reader is strict and the writer canonical, like
// those of the catalog (catalog.h).
//
// Pure values and functions: any number of threads may call at once.

#ifndef ANCHORAGE_ANCHORS_IMAGES_PRODUCERS_H_
#define ANCHORAGE_ANCHORS_IMAGES_PRODUCERS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anchorage::anchors {

inline constexpr std::string_view kProducersMediaType =
    "application/vnd.anchorage.producers.v1+json";
// The name of the list among the targets of TUF.
inline constexpr std::string_view kProducersTargetPath =
    "producers/v1/producers.json";

// The longest text. A longer one is refused before any of it is read.
inline constexpr std::size_t kMaxProducersBytes = 256 * 1024;
inline constexpr std::size_t kMaxProducers = 256;
inline constexpr std::size_t kMaxProducerNameBytes = 64;
inline constexpr std::size_t kMaxProductsPerProducer = 64;
inline constexpr std::size_t kMaxCertificatesPerProducer = 8;
inline constexpr std::size_t kMaxProducerCertificateBytes = 8 * 1024;

enum class ProducerStatus { kActive, kRetired, kRevoked };

// Returns "ACTIVE", "RETIRED" or "REVOKED".
std::string_view NameOf(ProducerStatus status);
std::optional<ProducerStatus> ProducerStatusNamed(std::string_view name);

struct Producer {
  std::string name;
  // What it may sign manifests of.
  std::vector<std::string> products;
  // DER: what its chains end in.
  std::vector<std::string> certificates;
  ProducerStatus status = ProducerStatus::kActive;
  std::string notes;

  bool MaySign(std::string_view product) const;

  friend bool operator==(const Producer&, const Producer&) = default;
};

struct ProducerList {
  std::uint64_t sequence = 0;
  absl::Time created;
  std::vector<Producer> producers;
  // How many ParseProducers() left out, because their status is newer than this
  // program. Not part of the text.
  int skipped = 0;

  friend bool operator==(const ProducerList&, const ProducerList&) = default;
};

// Returns null where there is none of that name.
const Producer* FindProducer(const ProducerList& list, std::string_view name);

// Puts producers, products and certificates in the canonical order.
void Sort(ProducerList& list);

// Checks every promise of producers.proto that is not about the text. Fails
// with kInputTooLarge, kFieldInvalid, kFieldMissing or kDuplicateKey.
absl::Status CheckProducers(const ProducerList& list);

// Reads a list and checks it. The result is in canonical order. Fails as
// CheckProducers() does, and with kEncodingMalformed, kDocumentMalformed,
// kDuplicateKey, kTrailingBytes or kFieldMissing. Unknown members are ignored;
// a producer of an unknown status is left out and counted. What is in a
// certificate is not read: verify/image reads it when something is signed.
absl::StatusOr<ProducerList> ParseProducers(std::string_view json);

// Returns the canonical text of a list for which CheckProducers() is OK.
// ParseProducers() gives the same (sorted) list back, if the text is not longer
// than kMaxProducersBytes.
std::string SerializeProducers(const ProducerList& list);

// What makers of targets check before anybody signs a list: as ParseProducers(),
// nothing in it is skipped, every certificate can be read, no key is that of
// two producers of which one is revoked, and it is not made in the future.
// Fails besides with FAILED_PRECONDITION, or kProducerKeyReused.
absl::Status CheckProducersFile(std::string_view json, absl::Time now);

// OK if `next` may follow `last`: the sequence is higher (CheckStep()), what
// was REVOKED stays so, with its keys, which nobody else has, and verifiers can
// use every certificate that `last` has not (P-256 or P-384, as verify/image
// reads them). Before the first list comes one that is empty. Fails with
// FAILED_PRECONDITION and mostly a ListingReason, or as ParseCertificate().
absl::Status CheckNextProducers(const ProducerList& last,
                                const ProducerList& next);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_IMAGES_PRODUCERS_H_
