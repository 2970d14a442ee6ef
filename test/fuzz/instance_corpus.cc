#include "test/fake_aws/cbor_writer.h"
#include "test/fuzz/corpus.h"

namespace anchorage::test {

Seeds NsmSeeds() {
  const std::string document =
      CborMap({{CborText("document"),
                CborBytes(RealFile("nitro-enclave/nitrite-6c096a02.cbor"))}});
  return {
      CborMap({{CborText("Attestation"), document}}),
      CborIndefiniteMap({{CborText("Attestation"), document}}),
      CborMap({{CborText("Error"), CborText("InputTooLarge")}}),
  };
}

}  // namespace anchorage::test
