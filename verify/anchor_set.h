// The anchors that a verification may use, as an immutable, indexed set.
//
// An anchor is a public key in a slot; the certificates that it was seen in
// are attributes. A signer is matched by key among the anchors of its slot:
// issuer, serial and key identifiers are hints that decide nothing, so that a
// certificate re-issued over the same key changes nothing.

#ifndef ANCHORAGE_VERIFY_ANCHOR_SET_H_
#define ANCHORAGE_VERIFY_ANCHOR_SET_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "verify/anchor_kind.h"
#include "verify/crypto/public_key.h"

namespace anchorage::verify {

// Where an anchor is in its life. Only ACTIVE and RETIRING anchors verify; a
// REVOKED one never does, whenever the evidence was made. The passing of time
// changes no status.
enum class AnchorStatus {
  kAnnounced,
  kActive,
  kRetiring,
  kRetired,
  kRevoked,
};

// Returns the stable name: "ANNOUNCED", "ACTIVE" and so on.
std::string_view NameOf(AnchorStatus status);

// What an anchor verifies, and where. The region of a Nitro root is empty.
struct Slot {
  std::string partition;
  std::string region;
  AnchorKind kind = AnchorKind::kIidRsa2048;

  friend bool operator==(const Slot&, const Slot&) = default;
  friend auto operator<=>(const Slot&, const Slot&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Slot& slot) {
    return H::combine(std::move(h), slot.partition, slot.region, slot.kind);
  }
};

// Returns "PARTITION/REGION/KIND", for people and labels.
std::string ToString(const Slot& slot);

// One anchor, as a caller describes it.
struct AnchorRecord {
  Slot slot;
  AnchorStatus status = AnchorStatus::kActive;
  // The anchor verifies evidence that was made in this window, both ends
  // included, however much later the evidence is presented.
  absl::Time valid_from = absl::InfinitePast();
  absl::Time valid_until = absl::InfiniteFuture();
  // After this time, by the verifier's clock, the anchor verifies nothing,
  // whenever the evidence was made.
  absl::Time accept_until = absl::InfiniteFuture();
  // SubjectPublicKeyInfo, DER.
  std::string spki_der;
  // The certificates that the key was published in, DER. A Nitro root has at
  // least one, because a chain must begin with exactly one of them.
  std::vector<std::string> certificates_der;
};

// One anchor, ready for use. Immutable.
class Anchor {
 public:
  const Slot& slot() const { return record_.slot; }
  AnchorStatus status() const { return record_.status; }
  absl::Time valid_from() const { return record_.valid_from; }
  absl::Time valid_until() const { return record_.valid_until; }
  absl::Time accept_until() const { return record_.accept_until; }
  const PublicKey& key() const { return key_; }
  // Lower-case hex SHA-256 of the SubjectPublicKeyInfo: with the slot, the
  // anchor's identity.
  const std::string& spki_sha256() const { return spki_sha256_; }
  absl::Span<const std::string> certificates_der() const {
    return record_.certificates_der;
  }
  // Whether the same key is also an anchor of another region's slot of this
  // kind, so that a signature alone does not tell the regions apart.
  bool is_shared() const { return is_shared_; }

  // Returns OK if the anchor may verify anything at `now`, the verifier's
  // clock; otherwise kAnchorRevoked or kAnchorNotActive.
  absl::Status CheckUsable(absl::Time now) const;

  // Returns OK if the anchor verifies evidence that was made at `made`;
  // otherwise kAnchorNotActive. `made` must be a time that the anchor's key has
  // signed: before that signature is verified, anybody may have written it.
  absl::Status CheckMadeAt(absl::Time made) const;

 private:
  friend class AnchorSet;
  // Names the anchor in sentences for people.
  std::string Name() const;

  Anchor(AnchorRecord record, PublicKey key, std::string spki_sha256)
      : record_(std::move(record)),
        key_(std::move(key)),
        spki_sha256_(std::move(spki_sha256)) {}

  AnchorRecord record_;
  PublicKey key_;
  std::string spki_sha256_;
  bool is_shared_ = false;
};

// Where a set of anchors came from, as every verdict reports it.
enum class Origin { kBakedIn, kCache, kServer, kFile };
// Returns the stable name: "BAKED_IN", "CACHE", "SERVER", "FILE".
std::string_view NameOf(Origin origin);

// How old a set is: see client/README.md for the ladder.
enum class Freshness { kFresh, kStale, kExpired, kBakedIn };
// Returns the stable name: "FRESH", "STALE", "EXPIRED", "BAKED_IN".
std::string_view NameOf(Freshness freshness);

struct AnchorProvenance {
  Origin origin = Origin::kBakedIn;
  // The catalog's sequence number.
  std::uint64_t sequence = 0;
  // When the set was last known to be the newest. A clock that reads an earlier
  // time is wrong.
  absl::Time as_of = absl::InfinitePast();
  // The set is fresh until this time.
  absl::Time fresh_until = absl::InfinitePast();

  friend bool operator==(const AnchorProvenance&,
                         const AnchorProvenance&) = default;
};

// Immutable, so any number of threads may use one set at once. Made once for
// each catalog; a lookup is cheap.
class AnchorSet {
 public:
  // The most anchors that a set or a catalog may hold: eight times what AWS
  // has. How long a catalog's text may be follows from it.
  static constexpr std::size_t kMaxAnchors = 1024;

  // Returns a set of `records`. Fails with kFieldInvalid (a key that does not
  // load, is not of its slot's kind, or is not the key of one of its
  // certificates; the same key twice in one slot; a window that ends before it
  // begins; a region in two partitions; a slot without partition, or without
  // the region that its kind has; a Nitro root without certificate) or
  // kInputTooLarge, or with kCryptoProviderMissing where no provider of the
  // library offers SHA-256. Never throws. An empty set is legal:
  // verification with it fails with kNoUsableAnchors.
  static absl::StatusOr<std::shared_ptr<const AnchorSet>> Create(
      std::vector<AnchorRecord> records, AnchorProvenance provenance);

  // Returns the same anchors, which both sets then share, with another
  // provenance.
  std::shared_ptr<const AnchorSet> WithProvenance(
      const AnchorProvenance& provenance) const;

  const AnchorProvenance& provenance() const { return provenance_; }
  absl::Span<const Anchor> anchors() const { return contents_->anchors; }

  // Returns the anchors of one slot, whatever their status; empty if none.
  absl::Span<const Anchor> In(const Slot& slot) const;

  // Returns the partition of a region that some anchor names; nullopt for an
  // unknown region.
  std::optional<std::string_view> PartitionOf(std::string_view region) const;

 private:
  AnchorSet() = default;
  static absl::StatusOr<std::shared_ptr<const AnchorSet>> Make(
      std::vector<AnchorRecord> records, AnchorProvenance provenance);

  struct Contents {
    // Sorted by slot, so that a slot is one span.
    std::vector<Anchor> anchors;
    std::unordered_map<Slot, std::pair<std::size_t, std::size_t>,
                       absl::Hash<Slot>>
        by_slot;
    std::map<std::string, std::string, std::less<>> partition_of_region;
  };

  AnchorProvenance provenance_;
  std::shared_ptr<const Contents> contents_;
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ANCHOR_SET_H_
