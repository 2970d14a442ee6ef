// How much memory a verification needs, of a good document and of hostile
// ones: heap (ours and OpenSSL's) and stack, beyond what was held before.

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "test/attestation/real_documents.h"
#include "test/bench/baked_anchors.h"
#include "test/bench/hostile_attestation.h"
#include "test/bench/hostile_identity.h"
#include "test/bench/memory.h"
#include "test/bench/report.h"
#include "test/identity/real_identities.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/attestation/chain_cache.h"
#include "verify/identity/identity_policy.h"
#include "verify/identity/identity_verifier.h"

namespace anchorage::bench {
namespace {

constexpr std::size_t kKib = 1024;
constexpr std::size_t kMaxIdentity = 256 * kKib;
constexpr std::size_t kMaxAttestation = 1024 * kKib;

Report::Line LineOf(std::string name, const Peak& peak,
                    std::optional<std::size_t> bound) {
  const auto kib = [](std::size_t bytes) {
    return WithCommas(static_cast<double>(bytes) / kKib);
  };
  Report::Line line{.name = std::move(name),
                    .absolute = kib(peak.stack) + " stack",
                    .measured = kib(peak.total())};
  if (bound.has_value()) {
    line.goal = "<= " + kib(*bound);
    line.met = peak.total() <= *bound;
  }
  return line;
}

// Measures what must give the same answer each time.
Peak PeakOfAnswer(const std::string& name, const std::function<bool()>& call) {
  return PeakOf([&] {
    if (!call()) Fail(name + ": another answer");
  });
}

int Identity(const Options& options) {
  const auto anchors = BakedAnchors();
  const auto policy = verify::IdentityPolicy::AuthenticityOnly("a benchmark");
  if (!policy.ok()) Fail(policy.status().ToString());
  Report report("identity, memory of a call", "KiB");
  absl::Time now;
  for (const test::RealIdentity& real : test::CarriedIdentities()) {
    if (!real.genuine) continue;
    now = real.pending_time;
    const std::string name = absl::StrCat(
        "good: ", std::string(verify::NameOf(real.form)), ", ", real.region);
    report.Add(LineOf(name,
                      PeakOfAnswer(name,
                                   [&] {
                                     return verify::VerifyIdentity(
                                                real.evidence(), *anchors,
                                                *policy, now)
                                         .ok();
                                   }),
                      kMaxIdentity));
  }
  for (const HostileIdentity& hostile : HostileIdentities()) {
    report.Add(LineOf(hostile.name,
                      PeakOfAnswer(hostile.name,
                                   [&] {
                                     return RefusedAsExpected(hostile, *anchors,
                                                              *policy, now);
                                   }),
                      kMaxIdentity));
  }
  return report.Finish(options);
}

int Attestation(const Options& options) {
  const auto anchors = BakedAnchors();
  const auto policy =
      verify::NitroTpmPolicy::Builder().AuthenticityOnly("a benchmark").Build();
  if (!policy.ok()) Fail(policy.status().ToString());
  Report report("attestation, memory of a call", "KiB");
  for (const test::RealDocument& real : test::CarriedDocuments()) {
    if (real.type != verify::AttestationType::kNitroTpm) continue;
    const std::string name = "good: NitroTPM, unknown chain";
    report.Add(LineOf(name,
                      PeakOfAnswer(name,
                                   [&] {
                                     verify::ChainCache cache;
                                     return verify::VerifyNitroTpm(
                                                real.bytes, *anchors, *policy,
                                                real.made_at, &cache)
                                         .ok();
                                   }),
                      kMaxAttestation));
  }
  const auto fake_anchors = FakeRoots();
  verify::ChainCache cache;
  for (const HostileAttestation& hostile : HostileAttestations()) {
    report.Add(LineOf(hostile.name,
                      PeakOfAnswer(hostile.name,
                                   [&] {
                                     return RefusedAsExpected(
                                         hostile, *fake_anchors, cache);
                                   }),
                      kMaxAttestation));
  }
  return report.Finish(options);
}

}  // namespace
}  // namespace anchorage::bench

int main(int argc, char** argv) {
  anchorage::bench::CountAllocations();
  const auto options = anchorage::bench::ParseOptions(argc, argv);
  return anchorage::bench::Identity(options) |
         anchorage::bench::Attestation(options);
}
