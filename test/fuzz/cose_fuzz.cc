// Input: a mode byte, then
//   even  a COSE_Sign1;
//   odd   the payload of an attestation document, without the COSE around it.
// Holds for any bytes:
//   1. each reader accepts, or it gives a reason;
//   2. an accepted COSE_Sign1 is, byte by byte, what a writer makes of its
//      payload and signature, and what is hashed is that writer's
//      Sig_structure;
//   3. an accepted payload keeps every limit that the header file promises,
//      and holds views only;
//   4. of an accepted input, nothing can be cut off and nothing added.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "test/fake_aws/cbor_writer.h"
#include "test/fake_aws/fake_nitro.h"
#include "test/fuzz/fuzz.h"
#include "verify/attestation/attestation_document.h"
#include "verify/attestation/cose.h"
#include "verify/encoding/utf8.h"

namespace anchorage::test {
namespace {

void RequireSize(std::string_view field, std::size_t min, std::size_t max,
                 std::string_view payload) {
  Require(field.size() >= min && field.size() <= max, "a field has its size");
  RequireWithin(field, payload);
}

void RequireOptionalSize(const std::optional<std::string_view>& field,
                         std::size_t min, std::size_t max,
                         std::string_view payload) {
  if (field.has_value()) RequireSize(*field, min, max, payload);
}

void RequireLimits(const verify::AttestationDocument& document,
                   std::string_view payload) {
  using namespace verify;  // NOLINT(build/namespaces): nine limits
  RequireSize(document.module_id, 1, kMaxModuleIdBytes, payload);
  Require(IsUtf8(document.module_id), "text is UTF-8");
  Require(document.timestamp > absl::UnixEpoch(), "the time is positive");
  std::size_t pcrs = 0;
  for (const std::string_view pcr : document.pcrs) {
    if (pcr.empty()) continue;
    ++pcrs;
    Require(IsPcrSize(pcr.size()), "a PCR has one of its sizes");
    RequireWithin(pcr, payload);
  }
  Require(pcrs > 0, "there are measurements");
  RequireSize(document.certificate, 1, kMaxCertificateBytes, payload);
  Require(
      !document.cabundle.empty() && document.cabundle.size() <= kMaxCaBundle,
      "a bundle has its size");
  for (const std::string_view certificate : document.cabundle) {
    RequireSize(certificate, 1, kMaxCertificateBytes, payload);
  }
  RequireOptionalSize(document.public_key, 0, kMaxPublicKeyBytes, payload);
  RequireOptionalSize(document.user_data, 0, kMaxUserDataBytes, payload);
  RequireOptionalSize(document.nonce, 0, kMaxNonceBytes, payload);
  Require(document.unknown_keys.size() ==
              std::min(document.unknown_key_count, kMaxUnknownKeys),
          "unknown fields are named up to a limit");
  for (const std::string_view key : document.unknown_keys) {
    RequireWithin(key, payload);
    Require(!absl::EndsWithIgnoreCase(absl::string_view(key.data(), key.size()),
                                      "pcrs"),
            "there is one field of measurements");
  }
}

void CheckPayload(std::string_view payload) {
  const auto document = verify::DecodeAttestationDocument(payload);
  if (!Decided(document.status())) return;
  RequireLimits(*document, payload);
  Require(
      !verify::DecodeAttestationDocument(payload.substr(0, payload.size() - 1))
           .ok(),
      "nothing can be cut off");
  Require(!verify::DecodeAttestationDocument(std::string(payload) + '\0').ok(),
          "nothing can be added");
}

void CheckCose(std::string_view bytes) {
  const auto cose = verify::DecodeCoseSign1(bytes);
  if (!Decided(cose.status())) return;
  const CoseSpec spec;
  const std::string untagged =
      spec.array_head + CborBytes(spec.protected_header) +
      spec.unprotected_header + CborBytes(cose->payload) +
      CborBytes(cose->signature);
  Require(bytes == untagged || bytes == CborTag(18) + untagged,
          "a COSE_Sign1 has one encoding, and a tag or none");
  Require(verify::SigStructureDigest(*cose).view() ==
              HashOf(Hash::kSha384, SigStructure(spec, cose->payload)),
          "what is hashed is the Sig_structure");
  CheckPayload(cose->payload);
}

void Check(std::string_view input) {
  if (TakeByte(input) % 2 == 0) {
    CheckCose(input);
  } else {
    CheckPayload(input);
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
