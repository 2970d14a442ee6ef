// What it costs to verify an attestation document, good or hostile, against
// OpenSSL's EVP_PKEY_verify() under the leaf's key with everything made ready.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "test/attestation/real_documents.h"
#include "test/bench/baked_anchors.h"
#include "test/bench/hostile_attestation.h"
#include "test/bench/openssl_peers.h"
#include "test/bench/ratio.h"
#include "test/bench/report.h"
#include "test/bench/scaling.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/fake_nitro.h"
#include "verify/attestation/attestation_document.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/attestation/chain_cache.h"
#include "verify/attestation/cose.h"

namespace anchorage::bench {
namespace {

using test::FakeNitro;
using test::NitroSpec;
using test::NitroType;
using test::RealDocument;
using verify::AnchorSet;
using verify::ChainCache;

constexpr double kUnknownChain = 0.80;
constexpr double kNewLeaf = 0.85;
constexpr double kKnownLeaf = 0.95;
constexpr double kDecodedPerSecond = 100'000;
constexpr double kTwoThreads = 1.9;
// How many verifications of a signature a hostile document may cost.
constexpr double kMaxHostile = 3;

verify::EnclavePolicy EnclavePolicy() {
  auto policy = verify::EnclavePolicy::Builder()
                    .AuthenticityOnly("a benchmark")
                    .AllowDebug("a published document of a debug enclave")
                    .Build();
  if (!policy.ok()) Fail(policy.status().ToString());
  return *std::move(policy);
}

// Expects the measurements and the nonce that the document has.
verify::NitroTpmPolicy TpmPolicy(const verify::AttestationDocument& document) {
  std::map<int, std::string> expected;
  for (const int index : {4, 12}) {
    expected[index] = std::string(document.pcrs[static_cast<size_t>(index)]);
  }
  auto pcrs = verify::PcrSet::FromBytes(std::move(expected));
  if (!pcrs.ok()) Fail(pcrs.status().ToString());
  auto policy = verify::NitroTpmPolicy::Builder()
                    .ExpectPcrs(*std::move(pcrs))
                    .ExpectNonce(document.nonce.value_or(""))
                    .ExpectPublicKeyPresent()
                    .IgnoreTheRest("a benchmark")
                    .Build();
  if (!policy.ok()) Fail(policy.status().ToString());
  return *std::move(policy);
}

// One document and all that its rows of the table need.
class Subject {
 public:
  Subject(std::string bytes, verify::AttestationType type, absl::Time made_at,
          const AnchorSet& anchors)
      : bytes_(std::move(bytes)),
        type_(type),
        now_(made_at + absl::Seconds(1)),
        anchors_(anchors),
        document_(Decoded()),
        enclave_policy_(EnclavePolicy()) {
    if (type == verify::AttestationType::kNitroTpm) {
      tpm_policy_ = TpmPolicy(document_);
    }
  }

  bool Verify(ChainCache* cache) const {
    if (type_ == verify::AttestationType::kNitroTpm) {
      return verify::VerifyNitroTpm(bytes_, anchors_, *tpm_policy_, now_, cache)
          .ok();
    }
    return verify::VerifyEnclave(bytes_, anchors_, enclave_policy_, now_, cache)
        .ok();
  }

  bool Decode() const {
    const auto cose = verify::DecodeCoseSign1(bytes_);
    return cose.ok() && verify::DecodeAttestationDocument(cose->payload).ok();
  }
  bool Hash() const {
    const auto cose = verify::DecodeCoseSign1(bytes_);
    return cose.ok() && verify::SigStructureDigest(*cose).size > 0;
  }

  // The verification of the document's own signature.
  ReadyVerification Ready() const {
    const auto cose = verify::DecodeCoseSign1(bytes_);
    return ReadyVerification(
        document_.certificate, verify::HashAlgorithm::kSha384,
        verify::SigStructureDigest(*cose), DerOfFixed(cose->signature));
  }

 private:
  verify::AttestationDocument Decoded() const {
    const auto cose = verify::DecodeCoseSign1(bytes_);
    if (!cose.ok()) Fail(cose.status().ToString());
    auto document = verify::DecodeAttestationDocument(cose->payload);
    if (!document.ok()) Fail(document.status().ToString());
    return *std::move(document);
  }

  const std::string bytes_;
  const verify::AttestationType type_;
  const absl::Time now_;
  const AnchorSet& anchors_;
  // Views into `bytes_`.
  const verify::AttestationDocument document_;
  const verify::EnclavePolicy enclave_policy_;
  std::optional<verify::NitroTpmPolicy> tpm_policy_;
};

using Subjects = std::vector<std::unique_ptr<const Subject>>;

// Genuine documents of one instance, each of a leaf of its own.
Subjects NewLeaves(const AnchorSet& anchors) {
  // Many more than the cache of MakeSmallCache() has room for.
  constexpr int kLeaves = 192;
  const absl::Time made_at = test::FakeNow();
  const NitroSpec genuine = FakeNitro().Genuine(NitroType::kEnclave, made_at);
  Subjects out;
  for (int i = 0; i < kLeaves; ++i) {
    NitroSpec spec = genuine;
    spec.chain[test::kLeaf].key = &test::TestKey::Derived(
        test::KeyType::kP384, absl::StrCat("bench leaf ", i));
    out.push_back(std::make_unique<Subject>(
        Encode(spec), verify::AttestationType::kEnclave, made_at, anchors));
  }
  return out;
}

// Keeps the three authorities, which each document uses, and none of the
// leaves for long.
std::unique_ptr<ChainCache> MakeSmallCache() {
  constexpr std::size_t kEntries = 64;
  return std::make_unique<ChainCache>(kEntries);
}

std::vector<Comparison> GoodDocuments(const std::string& name,
                                      const Subject& subject,
                                      ChainCache& warm) {
  const ReadyVerification ready = subject.Ready();
  const Operation baseline = [ready] { return ready.Run(); };
  if (!subject.Verify(&warm)) Fail(name + " is refused");
  return {
      {.name = name + ", unknown chain, of five",
       .operation =
           [&subject] {
             ChainCache cache;
             return subject.Verify(&cache);
           },
       .baseline = baseline,
       .baseline_runs = 5,
       .goal = AtLeast(kUnknownChain)},
      {.name = name + ", known leaf, of one",
       .operation = [&subject, &warm] { return subject.Verify(&warm); },
       .baseline = baseline,
       .goal = AtLeast(kKnownLeaf)},
      {.name = name + ", decoded",
       .operation = [&subject] { return subject.Decode(); },
       .baseline = baseline,
       .goal = PerSecond(kDecodedPerSecond)},
      {.name = name + ", decoded and hashed",
       .operation = [&subject] { return subject.Decode() && subject.Hash(); },
       .baseline = baseline}};
}

Comparison NewLeaf(const Subjects& leaves, ChainCache& cache) {
  return {.name = "enclave, new leaf of known authorities, of two",
          .operation =
              [&leaves, &cache, next = std::size_t{0}]() mutable {
                const std::uint64_t misses = cache.stats().misses;
                const Subject& subject = *leaves[next++ % leaves.size()];
                return subject.Verify(&cache) &&
                       // All four at the very first.
                       (cache.stats().misses == misses + 1 || misses == 0);
              },
          .baseline = [ready = leaves.front()->Ready()] { return ready.Run(); },
          .baseline_runs = 2,
          .goal = AtLeast(kNewLeaf)};
}

int Good(const Options& options, const Subjects& reals,
         const AnchorSet& fake_anchors) {
  const std::string names[] = {"enclave", "NitroTPM"};
  ChainCache warm;
  std::vector<Comparison> comparisons;
  for (std::size_t i = 0; i < reals.size(); ++i) {
    for (Comparison& c : GoodDocuments(names[i], *reals[i], warm)) {
      comparisons.push_back(std::move(c));
    }
  }
  const Subjects leaves = NewLeaves(fake_anchors);
  const auto small = MakeSmallCache();
  comparisons.push_back(NewLeaf(leaves, *small));
  Report report("attestation, whole call against EVP_PKEY_verify of P-384",
                "ratio");
  CompareAll(comparisons, options.rounds, report);
  return report.Finish(options);
}

Report::Line SpeedUp(std::string name, double measured) {
  return {.name = std::move(name),
          .measured = absl::StrFormat("%.2f", measured)};
}

int TwoThreads(const Options& options, const Subject& subject) {
  ChainCache cache;
  const Operation verify = [&] { return subject.Verify(&cache); };
  const ReadyVerification one = subject.Ready();
  const ReadyVerification two = subject.Ready();
  Report report("two threads against one, one cache for both", "times");
  const double ours =
      SpeedUpOfTwoThreads(verify, verify, options.rounds / 4 + 1);
  Report::Line line = SpeedUp("NitroTPM, known leaf", ours);
  line.goal = absl::StrFormat(">= %.2f", kTwoThreads);
  line.met = ours >= kTwoThreads;
  report.Add(line);
  report.Add(SpeedUp(
      "EVP_PKEY_verify, a key for each",
      SpeedUpOfTwoThreads([&] { return one.Run(); }, [&] { return two.Run(); },
                          options.rounds / 4 + 1)));
  return report.Finish(options);
}

int Hostile(const Options& options, const AnchorSet& anchors) {
  const absl::Time made_at = test::FakeNow() - absl::Seconds(1);
  const Subject good(Encode(FakeNitro().Genuine(NitroType::kEnclave, made_at)),
                     verify::AttestationType::kEnclave, made_at, anchors);
  ChainCache cache;
  if (!good.Verify(&cache)) Fail("the fake AWS's document is refused");
  const ReadyVerification ready = good.Ready();
  const std::vector<HostileAttestation> hostiles = HostileAttestations();
  std::vector<Comparison> comparisons;
  for (const HostileAttestation& hostile : hostiles) {
    comparisons.push_back(
        {.name = hostile.name,
         .operation =
             [&] { return RefusedAsExpected(hostile, anchors, cache); },
         .baseline = [&ready] { return ready.Run(); },
         .goal = AtMost(kMaxHostile)});
  }
  Report report("hostile, time against one EVP_PKEY_verify of P-384", "times");
  CompareAll(comparisons, options.rounds / 4 + 1, report);
  return report.Finish(options);
}

int Main(const Options& options) {
  const auto anchors = BakedAnchors();
  const auto fake_anchors = FakeRoots();
  Subjects reals;
  for (const RealDocument& real : test::CarriedDocuments()) {
    reals.push_back(std::make_unique<Subject>(real.bytes, real.type,
                                              real.made_at, *anchors));
  }
  return Good(options, reals, *fake_anchors) |
         TwoThreads(options, *reals.back()) | Hostile(options, *fake_anchors);
}

}  // namespace
}  // namespace anchorage::bench

int main(int argc, char** argv) {
  return anchorage::bench::Main(anchorage::bench::ParseOptions(argc, argv));
}
