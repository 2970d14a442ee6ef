// Reference releases: what a vendor has released, as a value and as JSON.
//
//   auto list = ParseReleases(bytes);
//   if (!list.ok()) return list.status();
//   auto policy = EnclavePolicy::Builder()
//                     .ExpectRelease("signer", ToReleaseSet(*list)) ...
//
// The JSON is the proto3 mapping of anchorage.v1.ReleaseList
// (proto/anchorage/v1/releases.proto, which is the manual of each field), but
// protobuf is not used: the reader is strict and the writer canonical, like
// those of the catalog (catalog.h).
//
// Pure values and functions: any number of threads may call at once.

#ifndef ANCHORAGE_ANCHORS_RELEASES_H_
#define ANCHORAGE_ANCHORS_RELEASES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "verify/attestation/release.h"

namespace anchorage::anchors {

inline constexpr std::string_view kReleasesMediaType =
    "application/vnd.anchorage.releases.v1+json";
// The name of the list among the targets of TUF.
inline constexpr std::string_view kReleasesTargetPath =
    "releases/v1/releases.json";

// The longest text. A longer one is refused before any of it is read.
inline constexpr std::size_t kMaxReleasesBytes = 1024 * 1024;
inline constexpr std::size_t kMaxReleases = 10'000;
inline constexpr std::size_t kMaxProductBytes = 64;
inline constexpr std::size_t kMaxReleaseNameBytes = 128;
inline constexpr std::size_t kMaxImagesPerRelease = 64;
inline constexpr std::size_t kMaxImageIdBytes = 128;
inline constexpr std::size_t kMaxNotesBytes = 1024;

struct Release {
  std::string product;
  std::string name;
  std::vector<std::string> image_ids;
  verify::AttestationType type = verify::AttestationType::kEnclave;
  // PCR values by index, 48 bytes each.
  std::map<int, std::string> measurements;
  // The times of verification at which it is good, both included; nullopt: no
  // limit on that side.
  std::optional<absl::Time> valid_from;
  std::optional<absl::Time> valid_until;
  verify::ReleaseStatus status = verify::ReleaseStatus::kActive;
  std::string notes;
  // Why its image may boot with additions (verify/attestation/
  // boot_extensions.h); empty: it may not.
  std::string allow_extensions;

  friend bool operator==(const Release&, const Release&) = default;
};

struct ReleaseList {
  std::uint64_t sequence = 0;
  absl::Time created;
  std::vector<Release> releases;
  // How many releases ParseReleases() left out, because their type or status
  // is newer than this program. Not part of the text.
  int skipped = 0;

  friend bool operator==(const ReleaseList&, const ReleaseList&) = default;
};

// Puts releases in the canonical order.
void Sort(ReleaseList& list);

// Checks every promise of releases.proto that is not about the text. Fails with
// kInputTooLarge, kFieldInvalid, kFieldMissing (the PCR that measures the image
// itself) or kPolicyUnsafe (an active release for a NitroTPM that leaves the
// kernel command line open).
absl::Status CheckReleases(const ReleaseList& list);

// Returns OK if the measurements of an active release tell its images from
// those of others (verify/attestation/pcr_claims.h); otherwise kPolicyUnsafe.
// For code that makes or signs a list. A reader accepts a list that is not
// safe, because some were signed before this rule; a policy that uses it warns.
// A release that is not active is safe, and one with measurements that
// CheckReleases() refuses is not.
absl::Status CheckReleaseSafe(const Release& release);
// Checks each release of a list; fails as the first one that fails.
absl::Status CheckReleasesSafe(const ReleaseList& list);

// Reads a list and checks it. The result is in canonical order. Fails as
// CheckReleases() does, and with kEncodingMalformed, kDocumentMalformed,
// kDuplicateKey, kTrailingBytes or kFieldMissing. Unknown members are ignored;
// a release of an unknown type or status is left out and counted.
absl::StatusOr<ReleaseList> ParseReleases(std::string_view json);

// Returns the canonical text of a list for which CheckReleases() is OK: members
// in field order, defaults left out, no white space, sorted, ASCII.
// ParseReleases() gives the same (sorted) list back, if the text is not longer
// than kMaxReleasesBytes.
std::string SerializeReleases(const ReleaseList& list);

// Returns what verify/ works with, for a list for which CheckReleases() is OK.
std::shared_ptr<const verify::ReleaseSet> ToReleaseSet(const ReleaseList& list);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_RELEASES_H_
