// Compares a file with the lengths and hashes that metadata gives for it.

#ifndef ANCHORAGE_ANCHORS_TUF_FILE_HASH_H_
#define ANCHORAGE_ANCHORS_TUF_FILE_HASH_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "anchors/tuf/metadata.h"
#include "anchors/tuf/tuf_error.h"

namespace anchorage::anchors::tuf {

// Succeeds if `bytes` has every one of `hashes`, of which there may be none.
// kHashAlgorithmUnknown: one is neither sha256, sha384 nor sha512. `mismatch`:
// one differs.
absl::Status VerifyHashes(absl::Span<const FileHash> hashes,
                          std::string_view bytes, TufReason mismatch);

// Succeeds if `bytes` has the length and the hashes that `file` gives, if any.
// kLengthMismatch, kHashMismatch, kHashAlgorithmUnknown.
absl::Status VerifyMetaFile(const MetaFile& file, std::string_view bytes);

// Succeeds if `bytes` has the length and the hashes that `target` gives.
// kTargetLengthMismatch, kTargetHashMismatch, kHashAlgorithmUnknown.
absl::Status VerifyTargetBytes(const Target& target, std::string_view bytes);

}  // namespace anchorage::anchors::tuf

#endif  // ANCHORAGE_ANCHORS_TUF_FILE_HASH_H_
