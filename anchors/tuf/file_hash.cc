#include "anchors/tuf/file_hash.h"

#include <openssl/sha.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"

namespace anchorage::anchors::tuf {
namespace {

// Older repositories list sha512 beside sha256; no evidence of AWS has it, so
// verify/ does not.
std::string Sha512(std::string_view bytes) {
  std::array<unsigned char, SHA512_DIGEST_LENGTH> digest{};
  SHA512(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         digest.data());
  return {digest.begin(), digest.end()};
}

std::optional<std::string> HashBy(std::string_view algorithm,
                                  std::string_view bytes) {
  if (algorithm == "sha256") {
    return std::string(Hash(verify::HashAlgorithm::kSha256, bytes).view());
  }
  if (algorithm == "sha384") {
    return std::string(Hash(verify::HashAlgorithm::kSha384, bytes).view());
  }
  if (algorithm == "sha512") return Sha512(bytes);
  return std::nullopt;
}

absl::Status WrongLength(TufReason reason, std::int64_t expected,
                         std::size_t actual) {
  return RejectUpdate(reason, absl::StrCat(actual, " bytes, not ", expected));
}

}  // namespace

absl::Status VerifyHashes(absl::Span<const FileHash> hashes,
                          std::string_view bytes, TufReason mismatch) {
  for (const FileHash& hash : hashes) {
    const auto actual = HashBy(hash.algorithm, bytes);
    if (!actual.has_value()) {
      return RejectUpdate(TufReason::kHashAlgorithmUnknown, hash.algorithm);
    }
    const auto expected = verify::DecodeHex(hash.hex);
    if (!expected.ok() || *expected != *actual) {
      return RejectUpdate(mismatch,
                          absl::StrCat(hash.algorithm, " is not ", hash.hex));
    }
  }
  return absl::OkStatus();
}

absl::Status VerifyMetaFile(const MetaFile& file, std::string_view bytes) {
  if (file.length.has_value() &&
      static_cast<std::uint64_t>(*file.length) != bytes.size()) {
    return WrongLength(TufReason::kLengthMismatch, *file.length, bytes.size());
  }
  return VerifyHashes(file.hashes, bytes, TufReason::kHashMismatch);
}

absl::Status VerifyTargetBytes(const Target& target, std::string_view bytes) {
  if (static_cast<std::uint64_t>(target.length) != bytes.size()) {
    return WrongLength(TufReason::kTargetLengthMismatch, target.length,
                       bytes.size());
  }
  return VerifyHashes(target.hashes, bytes, TufReason::kTargetHashMismatch);
}

}  // namespace anchorage::anchors::tuf
