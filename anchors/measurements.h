// Reads the measurements that image builders print, as they print them.
//
//   auto image = ReadMeasurements(bytes_of_pcr_measurements_json);
//   release.type = image->type;
//   release.measurements = image->pcrs;
//
// Two programs of AWS print them, in one form: the builder of attestable
// machine images with PCR4, PCR7 and PCR12 of a NitroTPM, and `nitro-cli`
// (build-enclave, describe-eif) with PCR0, PCR1 and PCR2 of an enclave, and
// PCR8 of a signed one:
//
//   {"Measurements": {"HashAlgorithm": "SHA384", "PCR4": "…", …}}
//
// "nitro-cli describe-enclaves" prints a list of such, with one element for
// each enclave that runs, and "nitro-cli pcr --signing-certificate" a bare
// {"PCR8": "…"}.
//
// Pure.

#ifndef ANCHORAGE_ANCHORS_MEASUREMENTS_H_
#define ANCHORAGE_ANCHORS_MEASUREMENTS_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "verify/attestation/attestation_document.h"

namespace anchorage::anchors {

// The longest text. A longer one is refused before any of it is read.
inline constexpr std::size_t kMaxMeasurementsBytes = 64 * 1024;

struct ImageMeasurements {
  verify::AttestationType type = verify::AttestationType::kEnclave;
  // By index, 48 bytes each; never empty.
  std::map<int, std::string> pcrs;
  // Whether PCR4 speaks for no file of the root file system: what was printed
  // has "pcr4_covers_root", as "trustctl measure image" does, and not as true.
  bool root_uncovered = false;
};

// Reads `json`. PCR0, PCR1 and PCR2 without any of PCR4, PCR7 and PCR12 mean an
// enclave, and any of the latter without any of the former a NitroTPM; `type`
// decides where the PCRs do not, and must agree where they do. Members beside
// "Measurements" are ignored, because describe-eif prints many there; a PCR
// beside it, and a member within it that is none, are refused, so that no value
// is lost. A list must
// have one element. Bare PCRs need no "Measurements", and PCR8 alone is an
// enclave's. A UTF-8 byte order mark at the start is skipped. Fails with
// kDocumentMalformed, kDuplicateKey, kTrailingBytes, kInputTooLarge,
// kFieldMissing, kFieldUnknown, kFieldInvalid (also where the type cannot be
// told), kEncodingMalformed, kDigestUnsupported (a hash other than SHA-384) or
// kWrongDocumentType (a type other than `type`).
absl::StatusOr<ImageMeasurements> ReadMeasurements(
    std::string_view json,
    std::optional<verify::AttestationType> type = std::nullopt);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_MEASUREMENTS_H_
