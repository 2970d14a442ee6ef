// What it costs to verify an identity document, good or hostile, against
// OpenSSL's EVP_PKEY_verify() under the same key with everything made ready.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "test/bench/baked_anchors.h"
#include "test/bench/hostile_identity.h"
#include "test/bench/openssl_peers.h"
#include "test/bench/ratio.h"
#include "test/bench/report.h"
#include "test/identity/real_identities.h"
#include "verify/identity/identity_policy.h"
#include "verify/identity/identity_verifier.h"
#include "verify/identity/pkcs7.h"
#include "verify/identity/signature_algorithms.h"

namespace anchorage::bench {
namespace {

using test::RealIdentity;
using verify::IdentityForm;
using verify::IdentityPolicy;

// How much longer than a good document a hostile one may take.
constexpr double kMaxHostile = 20;

std::string_view NameOfForm(IdentityForm form) {
  switch (form) {
    case IdentityForm::kSignature:
      return "rsa1024";
    case IdentityForm::kPkcs7:
      return "dsa";
    case IdentityForm::kRsa2048:
      return "rsa2048";
  }
  return "";
}

double GoalOf(IdentityForm form) {
  switch (form) {
    case IdentityForm::kSignature:
      return 0.65;
    case IdentityForm::kPkcs7:
      return 0.90;
    case IdentityForm::kRsa2048:
      return 0.80;
  }
  return 1;
}

// As a vendor would have it: something is expected, the rest is ignored.
IdentityPolicy PolicyFor(const RealIdentity& real) {
  auto policy = IdentityPolicy::Builder()
                    .ExpectRegions({real.region})
                    .ExpectInstances({real.instance_id})
                    .ExpectMinimumKind(verify::AnchorKindOf(real.form))
                    .IgnoreTheRest("a benchmark")
                    .Build();
  if (!policy.ok()) Fail(policy.status().ToString());
  return *std::move(policy);
}

// One real document and all that its rows of the table need.
struct Subject {
  RealIdentity real;
  IdentityPolicy policy;
  const verify::AnchorSet& anchors;
  ReadyVerification ready;
  std::vector<std::string> certificates;

  bool Verify() const {
    return verify::VerifyIdentity(real.evidence_alone(), anchors, policy, now())
        .ok();
  }
  absl::Time now() const { return real.pending_time + absl::Seconds(30); }
  std::string name() const {
    return absl::StrCat(
        std::string(NameOfForm(real.form)), " of ",
        absl::FormatTime("%Y", real.pending_time, absl::UTCTimeZone()));
  }
};

// Verifies the key's operation on its own: the digest that the signature is
// over, and the signature.
ReadyVerification ReadyFor(const RealIdentity& real,
                           std::string_view certificate) {
  if (real.form == IdentityForm::kSignature) {
    return ReadyVerification(
        certificate, verify::HashAlgorithm::kSha256,
        verify::Hash(verify::HashAlgorithm::kSha256, real.document),
        real.signature);
  }
  const auto message = verify::ParsePkcs7(real.signature);
  if (!message.ok()) Fail(message.status().ToString());
  const auto algorithms = verify::AlgorithmsOf(*message, real.form);
  if (!algorithms.ok()) Fail(algorithms.status().ToString());
  verify::Pkcs7::AttributesBuffer buffer;
  return ReadyVerification(
      certificate, algorithms->hash,
      verify::Hash(algorithms->hash,
                   message->SignedAttributesForDigest(buffer)),
      message->signature);
}

Subject Prepare(const RealIdentity& real, const verify::AnchorSet& anchors) {
  IdentityPolicy policy = PolicyFor(real);
  const auto identity =
      verify::VerifyIdentity(real.evidence_alone(), anchors, policy,
                             real.pending_time + absl::Seconds(30));
  if (!identity.ok()) {
    Fail(absl::StrCat(real.path, ": ", identity.status().ToString()));
  }
  for (const verify::Anchor& anchor : anchors.In(identity->anchor_slot())) {
    if (anchor.spki_sha256() != identity->anchor_spki_sha256()) continue;
    const auto certificates = anchor.certificates_der();
    return {.real = real,
            .policy = std::move(policy),
            .anchors = anchors,
            .ready = ReadyFor(real, certificates.front()),
            .certificates = {certificates.begin(), certificates.end()}};
  }
  Fail("the anchor of a verified document is not in its slot");
}

std::vector<Comparison> GoodDocuments(const std::vector<Subject>& subjects) {
  std::vector<Comparison> out;
  for (const Subject& subject : subjects) {
    out.push_back({.name = subject.name(),
                   .operation = [&subject] { return subject.Verify(); },
                   .baseline = [&subject] { return subject.ready.Run(); },
                   .goal = AtLeast(GoalOf(subject.real.form))});
  }
  for (const Subject& subject : subjects) {
    if (subject.real.form == IdentityForm::kSignature) continue;
    for (const auto& [name, function] :
         {std::pair("CMS_verify", MessageVerification::Function::kCms),
          std::pair("PKCS7_verify", MessageVerification::Function::kPkcs7)}) {
      const MessageVerification peer(function, subject.real.signature,
                                     subject.certificates);
      out.push_back({.name = absl::StrCat(subject.name(), ", ", name),
                     .operation = [peer] { return peer.Run(); },
                     .baseline = [&subject] { return subject.ready.Run(); }});
    }
  }
  return out;
}

const Subject& SubjectOf(const std::vector<Subject>& subjects,
                         IdentityForm form) {
  for (const Subject& subject : subjects) {
    if (subject.real.form == form) return subject;
  }
  Fail("no good document of that form");
}

std::vector<Comparison> HostileDocuments(
    const std::vector<Subject>& subjects,
    const std::vector<HostileIdentity>& hostiles) {
  std::vector<Comparison> out;
  for (const HostileIdentity& hostile : hostiles) {
    const Subject& good = SubjectOf(subjects, hostile.form);
    out.push_back({.name = hostile.name,
                   .operation =
                       [&hostile, &good] {
                         return RefusedAsExpected(hostile, good.anchors,
                                                  good.policy, good.now());
                       },
                   .baseline = [&good] { return good.Verify(); },
                   .goal = AtMost(kMaxHostile)});
  }
  return out;
}

int Main(const Options& options) {
  const auto anchors = BakedAnchors();
  std::vector<Subject> subjects;
  for (const RealIdentity& real : test::CarriedIdentities()) {
    if (real.genuine) subjects.push_back(Prepare(real, *anchors));
  }
  Report good("identity, whole call against one EVP_PKEY_verify", "ratio");
  CompareAll(GoodDocuments(subjects), options.rounds, good);
  const int good_status = good.Finish(options);

  const std::vector<HostileIdentity> hostiles = HostileIdentities();
  Report hostile("hostile, time against a good document of the form", "times");
  CompareAll(HostileDocuments(subjects, hostiles), options.rounds / 4 + 1,
             hostile);
  return good_status | hostile.Finish(options);
}

}  // namespace
}  // namespace anchorage::bench

int main(int argc, char** argv) {
  return anchorage::bench::Main(anchorage::bench::ParseOptions(argc, argv));
}
