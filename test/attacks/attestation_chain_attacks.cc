// Attacks on the chain: roots, order, names, roles, lifetimes, anchors.

#include <algorithm>
#include <string>
#include <utility>

#include "test/attacks/attestation_case.h"

namespace anchorage::test {
namespace {

using verify::Reason;
using Ders = std::vector<std::string>;

const TestKey& Attacker() {
  return AttackerKey(verify::AnchorKind::kNitroRoot);
}

// Changes the bundle on its way: what a sender can do to it.
void EditBundle(AttestationCase& c, std::function<void(Ders&)> edit) {
  c.document().edit_certificates = std::move(edit);
}

// A chain that is genuine but for its root: the attacker is a whole AWS.
void UseAttackersChain(AttestationCase& c) {
  c.spec.chain = FakeNitro("attacker")
                     .Chain(NitroType::kEnclave, c.now - absl::Seconds(1));
}

// His chain below the genuine root.
void PrependGenuineRoot(AttestationCase& c) {
  const CertSpec root = c.root();
  UseAttackersChain(c);
  c.spec.chain.insert(c.spec.chain.begin(), root);
}

// Adds a CA below the instance's, which issues the leaf in its place.
void AddAuthority(AttestationCase& c) {
  CertSpec extra = c.instance();
  extra.issuer = c.instance().subject;
  extra.issuer_key = c.instance().key;
  extra.key = &TestKey::Derived(KeyType::kP384, "extra");
  extra.subject = AmazonName("extra");
  c.leaf().issuer = extra.subject;
  c.leaf().issuer_key = extra.key;
  c.spec.chain.insert(c.spec.chain.end() - 1, extra);
}

// Signs with n - s in place of s, which is as good.
void MalleateSignature(CertSpec& spec) {
  std::string tbs;
  spec.edit_tbs = [&tbs](std::string bytes) { return tbs = bytes; };
  MakeCertificate(spec);
  spec.edit_tbs = nullptr;
  RawSignature raw = spec.issuer_key->SignRaw(HashOf(Hash::kSha384, tbs));
  raw.s = Subtract(spec.issuer_key->modulus(), raw.s, raw.s.size());
  spec.edit_signature = [raw](std::string) { return DerSignature(raw); };
}

// The genuine leaf issues another.
void UseLeafAsAuthority(AttestationCase& c) {
  CertSpec forged = c.leaf();
  forged.subject = AmazonName("forged");
  forged.issuer = c.leaf().subject;
  forged.issuer_key = c.leaf().key;
  forged.key = &Attacker();
  c.spec.chain.push_back(forged);
}

// The same without the instance's certificate, so that no pathLenConstraint
// stands in the way.
void UseShortLeafAsAuthority(AttestationCase& c) {
  UseLeafAsAuthority(c);
  c.leaf().issuer = c.zonal().subject;
  c.leaf().issuer_key = c.zonal().key;
  c.spec.chain.erase(c.spec.chain.begin() + kInstance);
}

// Makes every certificate from `place` on be issued by its (changed)
// predecessor's name.
void Relink(AttestationCase& c) {
  for (std::size_t i = 1; i < c.spec.chain.size(); ++i) {
    c.spec.chain[i].issuer = c.spec.chain[i - 1].subject;
    c.spec.chain[i].issuer_key = c.spec.chain[i - 1].key;
  }
}

// A genuine document of GovCloud, whose root is pinned for it.
void UseGovCloud(AttestationCase& c) {
  const FakeNitro govcloud("aws-us-gov", "us-gov-west-1");
  c.anchors.push_back(govcloud.RootAnchor());
  c.spec = govcloud.Genuine(NitroType::kEnclave);
}

}  // namespace

std::vector<AttestationAttack> ChainAttacks() {
  using Case = AttestationCase;
  return {
      {"20", By::kAnyone, "a chain of the attacker's own",
       [](Case& c) { UseAttackersChain(c); }, Reason::kRootNotPinned},
      {"21a", By::kAnyone, "the genuine root before the attacker's chain",
       [](Case& c) { PrependGenuineRoot(c); }, Reason::kChainOrder},
      {"21b", By::kAnyone, "the same, the attacker's root under another name",
       [](Case& c) {
         PrependGenuineRoot(c);
         c.spec.chain[1].subject = c.spec.chain[2].issuer =
             AmazonName("aws.nitro-enclaves.2");
       },
       Reason::kChainSignature},
      {"22", By::kAnyone, "an empty bundle",
       [](Case& c) {
         EditBundle(c, [](Ders& d) { d.erase(d.begin(), d.end() - 1); });
       },
       Reason::kChainLength},
      {"23a", By::kAnyone, "a leaf signed by itself, under its own name",
       [](Case& c) {
         c.leaf().key = c.leaf().issuer_key = &Attacker();
         c.leaf().issuer = c.leaf().subject;
       },
       Reason::kChainOrder},
      {"23b", By::kAnyone, "a leaf signed by itself, under the right name",
       [](Case& c) { c.leaf().key = c.leaf().issuer_key = &Attacker(); },
       Reason::kChainSignature},
      {"24a", By::kOwner, "a genuine leaf issues another leaf",
       UseLeafAsAuthority, Reason::kIssuerNotCa},
      {"24b", By::kOwner, "the same where no path length forbids it",
       UseShortLeafAsAuthority, Reason::kIssuerNotCa},
      {"28", By::kOwner, "an intermediate with CA:FALSE",
       [](Case& c) {
         *c.zonal().Find(kOidBasicConstraints) = BasicConstraints(false);
       },
       Reason::kIssuerNotCa},
      {"29", By::kOwner, "an intermediate without basicConstraints",
       [](Case& c) { c.zonal().Remove(kOidBasicConstraints); },
       Reason::kIssuerNotCa},
      {"30a", By::kOwner, "an intermediate without keyCertSign",
       [](Case& c) {
         *c.zonal().Find(kOidKeyUsage) = KeyUsage(kDigitalSignature | kCrlSign);
       },
       Reason::kIssuerKeyUsage},
      {"30b", By::kOwner, "an intermediate without keyUsage",
       [](Case& c) { c.zonal().Remove(kOidKeyUsage); },
       Reason::kIssuerKeyUsage},
      {"n25", By::kOwner, "an instance CA that may only make signatures",
       [](Case& c) {
         *c.instance().Find(kOidKeyUsage) = KeyUsage(kDigitalSignature);
       },
       Reason::kIssuerKeyUsage},
      {"31a", By::kOwner, "a CA more than the regional one allows",
       [](Case& c) {
         *c.regional().Find(kOidBasicConstraints) = BasicConstraints(true, 1);
       },
       Reason::kPathLength},
      {"31b", By::kOwner, "an instance's CA issues a CA", AddAuthority,
       Reason::kPathLength},
      {"31c", By::kOwner, "the same where only the instance's CA forbids it",
       [](Case& c) {
         *c.regional().Find(kOidBasicConstraints) = BasicConstraints(true);
         *c.zonal().Find(kOidBasicConstraints) = BasicConstraints(true);
         AddAuthority(c);
       },
       Reason::kPathLength},
      {"32", By::kOwner, "a leaf that expired a second ago",
       [](Case& c) {
         c.leaf().SetValidity(c.now - absl::Hours(3), c.now - absl::Seconds(1));
       },
       Reason::kLeafExpired},
      {"33", By::kOwner, "a leaf that begins in a minute",
       [](Case& c) {
         c.leaf().SetValidity(c.now + absl::Minutes(1), c.now + absl::Hours(3));
       },
       Reason::kLeafNotYetValid},
      {"34a", By::kOwner, "an intermediate that expired a second ago",
       [](Case& c) {
         c.zonal().SetValidity(c.now - absl::Hours(99),
                               c.now - absl::Seconds(1));
       },
       Reason::kIssuerExpired},
      {"34b", By::kOwner, "an intermediate that begins in a minute",
       [](Case& c) {
         c.zonal().SetValidity(c.now + absl::Minutes(1),
                               c.now + absl::Hours(99));
       },
       Reason::kIssuerNotYetValid},
      {"38", By::kAnyone, "an untrusted P-521 leaf signed by itself",
       [](Case& c) {
         c.leaf().key = c.leaf().issuer_key =
             &TestKey::Derived(KeyType::kP521, "attacker");
         c.leaf().issuer = c.leaf().subject;
         c.cose().edit_signature = [](std::string s) {
           return s.substr(0, 96);
         };
       },
       Reason::kCertificateAlgorithm},
      {"41a", By::kSigner, "regional and zonal exchanged",
       [](Case& c) {
         EditBundle(c, [](Ders& d) { std::swap(d[kRegional], d[kZonal]); });
       },
       Reason::kChainOrder},
      {"41b", By::kSigner, "the bundle backwards",
       [](Case& c) {
         EditBundle(c, [](Ders& d) { std::reverse(d.begin(), d.end() - 1); });
       },
       Reason::kRootNotPinned},
      {"42", By::kSigner, "a bundle without the root",
       [](Case& c) { EditBundle(c, [](Ders& d) { d.erase(d.begin()); }); },
       Reason::kRootNotPinned},
      {"43", By::kSigner, "an unrelated certificate in the middle",
       [](Case& c) {
         const CertSpec unrelated =
             FakeNitro("attacker").Chain(NitroType::kEnclave, c.now)[kInstance];
         EditBundle(c, [unrelated](Ders& d) {
           d.insert(d.end() - 1, MakeCertificate(unrelated));
         });
       },
       Reason::kChainOrder},
      {"44", By::kSigner, "the regional certificate twice",
       [](Case& c) {
         EditBundle(c, [](Ders& d) {
           d.insert(d.begin() + kRegional, std::string(d[kRegional]));
         });
       },
       Reason::kChainOrder},
      {"45a", By::kSigner, "400 certificates",
       [](Case& c) {
         EditBundle(c, [](Ders& d) {
           d.insert(d.begin() + 1, 400, std::string(d[1]));
         });
       },
       Reason::kInputTooLarge},
      {"45b", By::kSigner, "20 certificates, which are in the limit of size",
       [](Case& c) {
         EditBundle(c, [](Ders& d) {
           d.insert(d.begin() + 1, 20, std::string(d[1]));
         });
       },
       Reason::kChainLength},
      {"n17", By::kSigner, "20 authorities of one name and key",
       [](Case& c) {
         // Each could be the issuer of each: a builder of paths would try.
         CertSpec looped = c.regional();
         looped.subject = looped.issuer = c.root().subject;
         looped.key = c.root().key;
         EditBundle(c, [looped](Ders& d) {
           d.insert(d.begin() + 1, 20, MakeCertificate(looped));
         });
       },
       Reason::kChainLength},
      {"n05", By::kOwner, "a leaf under a cached CA that has expired since",
       [](Case& c) {
         c.cache_is_warm = true;
         c.now = FakeNow() + absl::Hours(23);
         c.document().timestamp = absl::ToUnixMillis(c.now);
         c.leaf().SetValidity(c.now - absl::Minutes(5), c.now + absl::Hours(2));
       },
       Reason::kIssuerExpired},
      {"n06a", By::kOwner, "a cached chain under a root revoked since",
       [](Case& c) {
         c.cache_is_warm = true;
         c.anchors[0].status = verify::AnchorStatus::kRevoked;
       },
       Reason::kAnchorRevoked},
      {"n06b", By::kAnyone, "a cached certificate in other bytes",
       [](Case& c) {
         c.cache_is_warm = true;
         c.zonal().edit_certificate = [](std::string der) {
           return der.replace(0, 4, "\x30\x83" + ('\0' + der.substr(2, 2)));
         };
       },
       Reason::kCertificateMalformed},
      {"n06c", By::kAnyone, "a cached certificate with a malleated signature",
       [](Case& c) {
         // It is as good as before: verified anew, and accepted.
         c.cache_is_warm = true;
         MalleateSignature(c.zonal());
       },
       kAccepted},
      {"n09", By::kAnyone, "the genuine root last, the attacker's first",
       [](Case& c) {
         const std::string root = MakeCertificate(c.root());
         UseAttackersChain(c);
         EditBundle(c, [root](Ders& d) { d.insert(d.end() - 1, root); });
       },
       Reason::kRootNotPinned},
      {"n18", By::kNobody, "CRL distribution points, which nobody follows",
       [](Case& c) {
         c.leaf().extensions.push_back(
             CrlDistributionPoint("http://127.0.0.1:1/crl"));
       },
       kAccepted},
      {"n22a", By::kAnyone, "the root of another partition, pinned for it",
       [](Case& c) { UseGovCloud(c); }, Reason::kPartitionMismatch},
      {"n22b", By::kNobody, "the same, where the policy is for that partition",
       [](Case& c) {
         UseGovCloud(c);
         c.UsePolicy([](verify::EnclavePolicy::Builder& policy) {
           policy.ExpectPartition("aws-us-gov")
               .AuthenticityOnly("the attack is elsewhere");
         });
       },
       kAccepted},
      {"n22c", By::kOwner, "another partition's root, pinned for the policy's",
       [](Case& c) {
         UseGovCloud(c);
         c.anchors.back().slot.partition = "aws";
       },
       Reason::kLeafName},
      {"n22d", By::kOwner, "the policy's root above another partition's names",
       [](Case& c) {
         const CertSpec root = c.root();
         UseGovCloud(c);
         c.root() = root;
         Relink(c);
       },
       Reason::kLeafName},
      {"n24", By::kSigner, "a critical extension nobody knows in an authority",
       [](Case& c) {
         c.zonal().extensions.push_back({"1.2.3.4", true, Null()});
       },
       Reason::kUnknownCriticalExtension},
      {"x12", By::kAnyone, "no anchor for the partition",
       [](Case& c) {
         c.anchors = {FakeNitro("aws-cn").RootAnchor()};
         UseAttackersChain(c);
       },
       Reason::kNoUsableAnchors},
      {"x13", By::kOwner, "a root that is only announced",
       [](Case& c) { c.anchors[0].status = verify::AnchorStatus::kAnnounced; },
       Reason::kAnchorNotActive},
      {"x14", By::kSigner, "made after the root's window has ended",
       [](Case& c) {
         c.anchors[0].status = verify::AnchorStatus::kRetiring;
         c.anchors[0].valid_until = c.now - absl::Seconds(2);
       },
       Reason::kAnchorNotActive},
      {"x14a", By::kSigner, "made before the root's window begins",
       [](Case& c) { c.anchors[0].valid_from = c.now; },
       Reason::kAnchorNotActive},
      {"x14b", By::kNobody, "made in the last second of the root's window",
       [](Case& c) { c.anchors[0].valid_until = c.now - absl::Seconds(1); },
       kAccepted},
      {"x14c", By::kSigner, "shown after the root's end",
       [](Case& c) { c.anchors[0].accept_until = c.now - absl::Seconds(1); },
       Reason::kAnchorNotActive},
      {"x14d", By::kSigner,
       "the same, judged at the time that the document says",
       [](Case& c) {
         c.anchors[0].accept_until = c.now - absl::Seconds(1);
         c.provenance.as_of = c.now;
         c.recorded = verify::RecordedTime::kAtDocumentTime;
       },
       Reason::kAnchorNotActive},
      {"x15", By::kAnyone, "the pinned root's key in another certificate",
       [](Case& c) { c.root().serial = "\x01"; }, Reason::kRootNotPinned},
      {"x16", By::kOwner, "the signature of an authority's by the root",
       [](Case& c) { c.zonal().issuer_key = c.root().key; },
       Reason::kChainSignature},
      {"x17", By::kSigner, "a name that differs from its like in its encoding",
       [](Case& c) {
         c.zonal().issuer = AmazonName(
             "280d3d43ef972f09.us-east-1.aws.nitro-"
             "enclaves");
         c.zonal().issuer.replace(c.zonal().issuer.find('\x0c'), 1, "\x13");
       },
       Reason::kChainOrder},
      {"x18", By::kOwner, "one level less, which is still a chain",
       [](Case& c) {
         c.spec.chain.erase(c.spec.chain.begin() + kZonal);
         Relink(c);
       },
       kAccepted},
  };
}

}  // namespace anchorage::test
