#include "verify/image/boot_pcr.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "verify/crypto/public_key.h"
#include "verify/image/image_error.h"
#include "verify/image/text.h"

namespace anchorage::verify {
namespace {

constexpr std::string_view kLabel = "anchorage-image-manifest/v1";
constexpr std::string_view kFailedLabel = "anchorage-image-manifest/v1/failed";

absl::StatusOr<Sha384Bytes> HashAll(
    std::initializer_list<std::string_view> parts) {
  const Digest digest = HashParts(HashAlgorithm::kSha384, parts);
  Sha384Bytes bytes;
  if (digest.size != bytes.size()) {
    return RefuseImage(ImageReason::kImageCryptoUnavailable, "no SHA-384");
  }
  std::copy_n(digest.bytes.begin(), bytes.size(), bytes.begin());
  return bytes;
}

}  // namespace

absl::StatusOr<Sha384Bytes> BootEvent(const Sha256Bytes& manifest_digest) {
  return HashAll({kLabel, ViewOf(manifest_digest)});
}

absl::StatusOr<Sha384Bytes> FailedBootEvent() {
  return HashAll({kFailedLabel});
}

absl::StatusOr<Sha384Bytes> RegisterAfter(const Sha384Bytes& event) {
  return HashAll({ViewOf(Sha384Bytes{}), ViewOf(event)});
}

}  // namespace anchorage::verify
