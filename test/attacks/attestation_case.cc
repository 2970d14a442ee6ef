#include "test/attacks/attestation_case.h"

#include <memory>
#include <utility>

namespace anchorage::test {
namespace {

using verify::AnchorSet;
using verify::ChainCache;

absl::Status JudgeEnclave(const AttestationCase& c, const std::string& document,
                          const AnchorSet& anchors, ChainCache* cache) {
  if (!c.enclave_policy.ok()) return c.enclave_policy.status();
  if (c.recorded) {
    return verify::VerifyRecordedEnclave(document, anchors, *c.enclave_policy,
                                         *c.recorded, cache)
        .status();
  }
  return verify::VerifyEnclave(document, anchors, *c.enclave_policy, c.now,
                               cache)
      .status();
}

absl::Status JudgeTpm(const AttestationCase& c, const std::string& document,
                      const AnchorSet& anchors, ChainCache* cache) {
  if (!c.tpm_policy.ok()) return c.tpm_policy.status();
  if (c.recorded) {
    return verify::VerifyRecordedNitroTpm(document, anchors, *c.tpm_policy,
                                          *c.recorded, cache)
        .status();
  }
  return verify::VerifyNitroTpm(document, anchors, *c.tpm_policy, c.now, cache)
      .status();
}

absl::Status JudgeWith(const AttestationCase& c, ChainCache* cache) {
  const auto anchors = AnchorSet::Create(c.anchors, c.provenance);
  if (!anchors.ok()) return anchors.status();
  const std::string document = c.bytes ? *c.bytes : Encode(c.spec);
  return c.verify_as_tpm ? JudgeTpm(c, document, **anchors, cache)
                         : JudgeEnclave(c, document, **anchors, cache);
}

}  // namespace

void AttestationCase::UseTpm() {
  SendTpmDocument();
  verify_as_tpm = true;
}

void AttestationCase::UsePolicy(
    std::function<void(verify::EnclavePolicy::Builder&)> say) {
  verify::EnclavePolicy::Builder builder;
  say(builder);
  enclave_policy = builder.Build();
}

void AttestationCase::UseTpmPolicy(
    std::function<void(verify::NitroTpmPolicy::Builder&)> say) {
  UseTpm();
  verify::NitroTpmPolicy::Builder builder;
  say(builder);
  tpm_policy = builder.Build();
}

absl::Status Judge(const AttestationCase& c) {
  if (!c.cache_is_warm) return JudgeWith(c, nullptr);
  ChainCache cache;
  if (absl::Status s = JudgeWith(AttestationCase(), &cache); !s.ok()) return s;
  return JudgeWith(c, &cache);
}

}  // namespace anchorage::test
