#include "anchors/target_checks.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "anchors/catalog.h"
#include "anchors/releases.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::HashAlgorithm;
using verify::PublicKey;

// A signature of the right form for any key of that type, and of none in
// particular: refusing it takes the key.
std::string AnySignature(const PublicKey& key) {
  constexpr int kBitsOfByte = 8;
  switch (key.type()) {
    case verify::KeyType::kRsa: {
      std::string signature((key.bits() + kBitsOfByte - 1) / kBitsOfByte, '\0');
      signature.back() = 2;
      return signature;
    }
    case verify::KeyType::kEd25519:
      return std::string(64, '\1');
    default:
      // SEQUENCE of INTEGER 1 and INTEGER 1.
      return std::string("\x30\x06\x02\x01\x01\x02\x01\x01", 8);
  }
}

absl::Status CheckKeyLoads(const verify::Anchor& anchor) {
  const absl::Status refused = anchor.key().VerifyDigest(
      HashAlgorithm::kSha256, verify::Hash(HashAlgorithm::kSha256, ""),
      AnySignature(anchor.key()));
  if (verify::ReasonOf(refused) != verify::Reason::kCryptoUnavailable) {
    return absl::OkStatus();
  }
  return verify::Reject(
      verify::Reason::kFieldInvalid,
      absl::StrCat("anchor ", verify::ToString(anchor.slot()), " ",
                   anchor.spki_sha256(), ": no verifier can read its key"));
}

}  // namespace

absl::Status CheckCreated(std::string_view what, absl::Time created,
                          absl::Time now) {
  if (created <= now + kMaxCreatedAhead) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      std::string(what), " says that it was made on ",
      absl::FormatTime(absl::RFC3339_sec, created, absl::UTCTimeZone()),
      ", and the clock here says ",
      absl::FormatTime(absl::RFC3339_sec, now, absl::UTCTimeZone()),
      ": one of the two is wrong, and clients refuse what comes from the "
      "future"));
}

absl::Status CheckStep(std::string_view what, std::uint64_t last,
                       std::uint64_t next) {
  if (next <= last) {
    return absl::FailedPreconditionError(
        absl::StrCat(std::string(what), " has sequence ", next, ", and ", last,
                     " was signed already: give it a higher one"));
  }
  if (last == 0 || next - last <= kMaxSequenceStep) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      std::string(what), " has sequence ", next, ", more than 2^32 above ",
      last, ": clients refuse such a step"));
}

absl::Status CheckAnchorsLoad(const Catalog& catalog) {
  const auto anchors = ToAnchorSet(catalog, {});
  if (!anchors.ok()) return anchors.status();
  for (const verify::Anchor& anchor : (*anchors)->anchors()) {
    if (absl::Status s = CheckKeyLoads(anchor); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status CheckCatalogFile(std::string_view json, absl::Time now) {
  const auto catalog = ParseCatalog(json);
  if (!catalog.ok()) return catalog.status();
  if (catalog->skipped > 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(catalog->skipped,
                     " of the anchors have a kind or status that this program "
                     "does not know: use a newer one"));
  }
  if (absl::Status s = CheckAnchorsLoad(*catalog); !s.ok()) return s;
  return CheckCreated("the catalog", catalog->created, now);
}

absl::Status CheckReleasesFile(std::string_view json, absl::Time now) {
  const auto releases = ParseReleases(json);
  if (!releases.ok()) return releases.status();
  if (releases->skipped > 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(releases->skipped,
                     " of the releases have a type or status that this "
                     "program does not know: use a newer one"));
  }
  return CheckCreated("the list of releases", releases->created, now);
}

}  // namespace anchorage::anchors
