// What is signed: an in-toto Statement v1 around a predicate.
//
//   auto statement = ParseStatement(payload);
//   if (statement->predicate_type == kManifestPredicateType) ...
//
// Four members and no other: `_type`, `subject`, `predicateType`, `predicate`.
// Pure; views live as long as the payload.

#ifndef ANCHORAGE_VERIFY_IMAGE_STATEMENT_H_
#define ANCHORAGE_VERIFY_IMAGE_STATEMENT_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "verify/image/manifest.h"

namespace anchorage::verify {

struct Statement {
  std::string predicate_type;
  // The JSON text of the two, as it stands in the payload.
  std::string_view subject;
  std::string_view predicate;
};

// Fails with kManifestTooLarge or kStatementMalformed.
absl::StatusOr<Statement> ParseStatement(std::string_view payload);

// Returns the payload that says `manifest`: one subject, named
// "PRODUCT@VERSION", whose digest is the SHA-256 of the predicate's bytes as
// they stand in the payload. Fails as SerializePredicate() does.
absl::StatusOr<std::string> WriteStatement(const ImageManifest& manifest);

// A manifest, and the digest that names it.
struct NamedManifest {
  ImageManifest manifest;
  Sha256Bytes digest;
};

// Reads the statement that `payload` is: a manifest of ours, or one of
// OpenSSF Model Signing (oms.h). Fails with the reasons of image_error.h from
// kManifestTooLarge to kVersionMalformed, with kSubjectDigest or with
// kImageCryptoUnavailable. `on_read` hears of what of the payload is not needed
// any more.
absl::StatusOr<NamedManifest> ReadStatement(std::string_view payload,
                                            OnRead on_read = KeepsAll);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IMAGE_STATEMENT_H_
