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

Seeds ValidateConfigSeeds() {
  const std::string certificate =
      "\"-----BEGIN CERTIFICATE-----\\nMAA=\\n-----END CERTIFICATE-----\"";
  return {
      R"({"schema_version":1,"producers":[{"name":"Example",)"
      R"("certificates":["example.pem"]}],"product":"ledger",)"
      R"("least_version":"2026.11"})",
      R"({"schema_version":1,"producers":[{"name":"Example","certificates":[)" +
          certificate +
          R"(]}],"product":"ledger","least_version":"1","pcr":14,)"
          R"("least_scope":"everything","manifests":["a/b","c"],)"
          R"("allowed_exclusions":["var/log"],)"
          R"("max_bundle_bytes":1048576,)"
          R"("least_action":"emergency","without_manifest":"continue",)"
          R"("as_seen":true,"tpm":"/dev/tpm0","require_tpm":false,)"
          R"("tpm_wait_seconds":0,"time_limit_seconds":86400})",
  };
}

}  // namespace anchorage::test
