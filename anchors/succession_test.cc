#include "anchors/succession.h"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "anchors/baked/baked.h"
#include "anchors/target_checks.h"
#include "test/fake_aws/fake_nitro.h"
#include "test/fake_aws/keys.h"
#include "test/fake_aws/x509_writer.h"
#include "verify/crypto/public_key.h"

namespace anchorage::anchors {
namespace {

using test::TestKey;
using verify::AnchorKind;
using verify::AnchorStatus;

using Edit = std::function<std::string(std::string)>;

const absl::Time kMade = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kDay = absl::Hours(24);

const TestKey& RsaKey() { return TestKey::Rsa(2048, 0); }
const TestKey& OtherRsaKey() { return TestKey::Rsa(2048, 1); }
const TestKey& RootKey() {
  return TestKey::Derived(test::KeyType::kP384, "root");
}

// A certificate over `key`, signed by it, that begins that many days before the
// catalog was made.
CatalogCertificate Certificate(const TestKey& key, int days_before,
                               bool superseded = true,
                               const Edit& edit_signature = nullptr,
                               const TestKey* issuer = nullptr) {
  test::CertSpec spec;
  spec.issuer = spec.subject = test::AmazonName("test");
  spec.key = &key;
  spec.issuer_key = issuer == nullptr ? &key : issuer;
  spec.SetValidity(kMade - days_before * kDay, kMade + 1000 * kDay);
  spec.edit_signature = edit_signature;
  auto certificate = MakeCertificate(test::MakeCertificate(spec));
  EXPECT_TRUE(certificate.ok()) << certificate.status();
  certificate->superseded = superseded;
  certificate->sources = {{"AWS", ""}};
  return *std::move(certificate);
}

CatalogAnchor Anchor(const std::string& region, AnchorKind kind,
                     const TestKey& key, int certificates) {
  CatalogAnchor anchor;
  anchor.slot = {"aws", region, kind};
  anchor.spki_der = key.spki_der();
  anchor.spki_sha256 = verify::Sha256Hex(anchor.spki_der);
  for (int i = 1; i <= certificates; ++i) {
    // Two are in use.
    anchor.certificates.push_back(Certificate(key, i, i > 2));
  }
  return anchor;
}

enum : std::size_t { kFull, kFew, kRoot };

// Anchors with six certificates, with four, and a root with six.
Catalog Before() {
  Catalog catalog;
  catalog.sequence = 7;
  catalog.created = kMade;
  catalog.anchors = {
      Anchor("eu-west-1", AnchorKind::kIidRsa2048, RsaKey(), 6),
      Anchor("eu-west-2", AnchorKind::kIidRsa2048, OtherRsaKey(), 4),
      Anchor("", AnchorKind::kNitroRoot, RootKey(), 6)};
  catalog.anchors[kFull].first_seen = kMade - 10 * kDay;
  catalog.anchors[kFull].replaces = catalog.anchors[kFew].spki_sha256;
  catalog.anchors[kFull].certificates[5].sources.push_back(
      {kOperatorPublisher, "alice"});
  return catalog;
}

void SetWindow(CatalogAnchor& anchor) {
  anchor.valid_from = kMade - 100 * kDay;
  anchor.valid_until = kMade + 100 * kDay;
  anchor.accept_until = kMade + 200 * kDay;
}

Reactivated Naming(const Catalog& catalog) {
  Reactivated named;
  for (const CatalogAnchor& anchor : catalog.anchors) {
    named.push_back({anchor.slot, anchor.spki_sha256});
  }
  return named;
}

std::set<std::string> ReasonsOf(const Catalog& before, const Catalog& after,
                                const Reactivated& named = {}) {
  std::set<std::string> reasons;
  for (const auto& problem : FindSuccessorProblems(before, after, named)) {
    reasons.insert(std::string(NameOf(problem.reason)));
  }
  return reasons;
}

// (r, s) as (r, n - s): as good a signature.
std::string Malleate(std::string signature) {
  const auto* in = reinterpret_cast<const unsigned char*>(signature.data());
  ECDSA_SIG* const parsed =
      d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(signature.size()));
  const std::string order = RootKey().modulus();
  BIGNUM* const n =
      BN_bin2bn(reinterpret_cast<const unsigned char*>(order.data()),
                static_cast<int>(order.size()), nullptr);
  BIGNUM* const s = BN_new();
  BN_sub(s, n, ECDSA_SIG_get0_s(parsed));
  ECDSA_SIG_set0(parsed, BN_dup(ECDSA_SIG_get0_r(parsed)), s);
  unsigned char* out = nullptr;
  const int size = i2d_ECDSA_SIG(parsed, &out);
  std::string result(reinterpret_cast<char*>(out),
                     static_cast<std::size_t>(size));
  OPENSSL_free(out);
  BN_free(n);
  ECDSA_SIG_free(parsed);
  return result;
}

std::string Zeroed(std::string signature) {
  return std::string(signature.size(), '\0');
}

struct Row {
  SuccessorReason reason;
  std::string what;
  std::function<void(Catalog& before, Catalog& after)> breaks;
};

template <typename T>
void Drop(std::vector<T>& from, std::size_t at) {
  from.erase(from.begin() + static_cast<std::ptrdiff_t>(at));
}

std::vector<Row> Rows() {
  using R = SuccessorReason;
  return {
      {R::kCatalogInvalid, "a hint of a year",
       [](Catalog&, Catalog& a) { a.refresh_hint = 365 * kDay; }},
      {R::kCatalogTooLarge, "more than 4 MiB",
       [](Catalog&, Catalog& a) {
         CatalogAnchor big = a.anchors[kFull];
         for (CatalogCertificate& certificate : big.certificates) {
           for (int i = 0; i < 30; ++i) {
             certificate.sources.push_back(
                 {std::to_string(i), std::string(kMaxLocationBytes, 'x')});
           }
         }
         for (int i = 0; i < 25; ++i) {
           big.slot.region = "test-" + std::to_string(i);
           a.anchors.push_back(big);
         }
       }},
      {R::kUnknownAnchors, "before",
       [](Catalog& b, Catalog&) { b.skipped = 1; }},
      {R::kUnknownAnchors, "after",
       [](Catalog&, Catalog& a) { a.skipped = 1; }},
      {R::kSequenceNotHigher, "the same",
       [](Catalog& b, Catalog& a) { a.sequence = b.sequence; }},
      {R::kSequenceLeap, "one too far",
       [](Catalog& b, Catalog& a) {
         a.sequence = b.sequence + kMaxSequenceStep + 1;
       }},
      {R::kAnchorLost, "gone",
       [](Catalog&, Catalog& a) { Drop(a.anchors, kFew); }},
      {R::kAnchorLost, "in another region",
       [](Catalog&, Catalog& a) { a.anchors[kFew].slot.region = "eu-west-3"; }},
      {R::kFirstSeenChanged, "earlier",
       [](Catalog&, Catalog& a) { *a.anchors[kFull].first_seen -= kDay; }},
      {R::kFirstSeenChanged, "gone",
       [](Catalog&, Catalog& a) { a.anchors[kFull].first_seen.reset(); }},
      {R::kReplacesChanged, "gone",
       [](Catalog&, Catalog& a) { a.anchors[kFull].replaces.clear(); }},
      {R::kStatusStep, "ACTIVE to ANNOUNCED",
       [](Catalog&, Catalog& a) {
         a.anchors[kFew].status = AnchorStatus::kAnnounced;
       }},
      {R::kReactivated, "RETIRED to ACTIVE",
       [](Catalog& b, Catalog&) {
         b.anchors[kFew].status = AnchorStatus::kRetired;
       }},
      {R::kRevokedUndone, "REVOKED to RETIRED",
       [](Catalog& b, Catalog& a) {
         b.anchors[kFew].status = AnchorStatus::kRevoked;
         a.anchors[kFew].status = AnchorStatus::kRetired;
       }},
      {R::kWindowWidened, "valid_from earlier",
       [](Catalog& b, Catalog& a) {
         SetWindow(b.anchors[kFew]);
         a.anchors[kFew] = b.anchors[kFew];
         *a.anchors[kFew].valid_from -= absl::Seconds(1);
       }},
      {R::kWindowWidened, "valid_from gone",
       [](Catalog& b, Catalog& a) {
         SetWindow(b.anchors[kFew]);
         a.anchors[kFew] = b.anchors[kFew];
         a.anchors[kFew].valid_from.reset();
       }},
      {R::kWindowWidened, "valid_until later",
       [](Catalog& b, Catalog& a) {
         SetWindow(b.anchors[kFew]);
         a.anchors[kFew] = b.anchors[kFew];
         *a.anchors[kFew].valid_until += absl::Seconds(1);
       }},
      {R::kWindowWidened, "accept_until gone",
       [](Catalog& b, Catalog& a) {
         SetWindow(b.anchors[kFew]);
         a.anchors[kFew] = b.anchors[kFew];
         a.anchors[kFew].accept_until.reset();
       }},
      {R::kNoCertificateInUse, "all superseded",
       [](Catalog&, Catalog& a) {
         for (auto& c : a.anchors[kFew].certificates) c.superseded = true;
       }},
      {R::kNoCertificateInUse, "a new one without any",
       [](Catalog&, Catalog& a) {
         a.anchors.push_back(
             Anchor("eu-west-3", AnchorKind::kIidRsa2048, RsaKey(), 0));
       }},
      {R::kNotSelfSigned, "signed by another key",
       [](Catalog&, Catalog& a) {
         a.anchors[kFull].certificates.push_back(
             Certificate(RsaKey(), 20, false, nullptr, &OtherRsaKey()));
       }},
      {R::kNotSelfSigned, "in use again",
       [](Catalog& b, Catalog& a) {
         b.anchors[kFull].certificates.push_back(
             Certificate(RsaKey(), 20, true, nullptr, &OtherRsaKey()));
         a.anchors[kFull].certificates = b.anchors[kFull].certificates;
         a.anchors[kFull].certificates.back().superseded = false;
       }},
      {R::kNotYetBegun, "two days ahead",
       [](Catalog&, Catalog& a) {
         a.anchors[kFull].certificates.push_back(
             Certificate(RsaKey(), -2, false));
       }},
      {R::kRootCertificateLost, "superseded",
       [](Catalog&, Catalog& a) { Drop(a.anchors[kRoot].certificates, 5); }},
      {R::kCertificateInUseLost, "one of two",
       [](Catalog&, Catalog& a) { Drop(a.anchors[kFull].certificates, 0); }},
      {R::kOperatorCertificateLost, "superseded",
       [](Catalog&, Catalog& a) { Drop(a.anchors[kFull].certificates, 5); }},
      {R::kTooFewCertificatesKept, "three remain",
       [](Catalog&, Catalog& a) { Drop(a.anchors[kFew].certificates, 3); }},
      {R::kCertificateRewritten, "another signature",
       [](Catalog&, Catalog& a) {
         a.anchors[kFull].certificates[4] =
             Certificate(RsaKey(), 5, true, Zeroed);
       }},
      {R::kCertificateTwice, "(r, n - s), which the key has signed too",
       [](Catalog&, Catalog& a) {
         a.anchors[kRoot].certificates.push_back(
             Certificate(RootKey(), 1, false, Malleate));
       }},
      {R::kCertificateTwice, "both new",
       [](Catalog&, Catalog& a) {
         auto& certificates = a.anchors[kRoot].certificates;
         certificates.push_back(Certificate(RootKey(), 30, false));
         certificates.push_back(Certificate(RootKey(), 30, false, Malleate));
       }},
      {R::kSourceLost, "none left",
       [](Catalog&, Catalog& a) {
         a.anchors[kFull].certificates[0].sources.clear();
       }},
  };
}

TEST(SuccessionTest, EachRuleHasItsReason) {
  std::set<SuccessorReason> covered;
  for (const Row& row : Rows()) {
    Catalog before = Before();
    Catalog after = before;
    ++after.sequence;
    ASSERT_TRUE(CheckSuccessor(before, after).ok());
    row.breaks(before, after);
    EXPECT_EQ(ReasonsOf(before, after),
              std::set<std::string>{std::string(NameOf(row.reason))})
        << row.what;
    const absl::Status status = CheckSuccessor(before, after);
    EXPECT_TRUE(absl::IsFailedPrecondition(status));
    EXPECT_EQ(status.message().find(std::string(NameOf(row.reason))), 0u);
    covered.insert(row.reason);
  }
  for (const SuccessorReason reason : AllSuccessorReasons()) {
    EXPECT_EQ(covered.count(reason), 1u) << NameOf(reason) << " has no row";
  }
}

TEST(SuccessionTest, NamesAreStableAndUnique) {
  std::set<std::string_view> names;
  for (const SuccessorReason reason : AllSuccessorReasons()) {
    EXPECT_TRUE(names.insert(NameOf(reason)).second) << NameOf(reason);
  }
  EXPECT_EQ(NameOf(SuccessorReason::kCatalogInvalid), "CATALOG_INVALID");
  EXPECT_EQ(NameOf(SuccessorReason::kSourceLost), "SOURCE_LOST");
}

TEST(SuccessionTest, ProblemsNameWhatTheyAreAbout) {
  const Catalog before = Before();
  Catalog after = before;
  ++after.sequence;
  Drop(after.anchors[kFew].certificates, 3);
  const auto problems = FindSuccessorProblems(before, after);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].slot, before.anchors[kFew].slot);
  EXPECT_EQ(problems[0].spki_sha256, before.anchors[kFew].spki_sha256);
  EXPECT_EQ(problems[0].certificate_sha256,
            before.anchors[kFew].certificates[3].sha256);
  EXPECT_NE(problems[0].sentence, "");
}

// What each status may become: "y", "n" for whatever is named, and "r" for what
// must be named.
TEST(SuccessionTest, StatusesGoTowardsRevoked) {
  const AnchorStatus all[] = {AnchorStatus::kAnnounced, AnchorStatus::kActive,
                              AnchorStatus::kRetiring, AnchorStatus::kRetired,
                              AnchorStatus::kRevoked};
  const std::string table[] = {"yynyy", "nyyyy", "nryyy", "nrryy", "nnnny"};
  for (std::size_t from = 0; from < std::size(all); ++from) {
    for (std::size_t to = 0; to < std::size(all); ++to) {
      Catalog before = Before();
      before.anchors[kFew].valid_until = kMade;
      Catalog after = before;
      ++after.sequence;
      before.anchors[kFew].status = all[from];
      after.anchors[kFew].status = all[to];
      const char expected = table[from][to];
      SCOPED_TRACE(std::string(verify::NameOf(all[from])) + " to " +
                   std::string(verify::NameOf(all[to])));
      EXPECT_EQ(CheckSuccessor(before, after).ok(), expected == 'y');
      EXPECT_EQ(CheckSuccessor(before, after, Naming(before)).ok(),
                expected != 'n');
      EXPECT_EQ(FindReactivated(before, after).size(), expected == 'r' ? 1 : 0);
      // To name another key names nothing.
      EXPECT_EQ(CheckSuccessor(before, after, {Naming(before)[kRoot]}).ok(),
                expected == 'y');
    }
  }
}

TEST(SuccessionTest, AWindowWidensOnlyWhereItIsNamed) {
  Catalog before = Before();
  SetWindow(before.anchors[kFew]);
  Catalog after = before;
  ++after.sequence;
  after.anchors[kFew].valid_until.reset();
  EXPECT_TRUE(
      CheckSuccessor(before, after, FindReactivated(before, after)).ok());
  // Of a revoked key, by nobody.
  before.anchors[kFew].status = after.anchors[kFew].status =
      AnchorStatus::kRevoked;
  EXPECT_TRUE(FindReactivated(before, after).empty());
  EXPECT_EQ(ReasonsOf(before, after, Naming(before)),
            std::set<std::string>{"WINDOW_WIDENED"});
}

TEST(SuccessionTest, WhatMayChange) {
  const Catalog before = Before();
  const std::map<std::string, std::function<void(Catalog&)>> changes = {
      {"made earlier", [](Catalog& c) { c.created -= absl::Hours(1); }},
      {"2^32 later",
       [](Catalog& c) { c.sequence = Before().sequence + kMaxSequenceStep; }},
      {"a window", [](Catalog& c) { SetWindow(c.anchors[kFew]); }},
      {"first seen", [](Catalog& c) { c.anchors[kFew].first_seen = kMade; }},
      {"a source",
       [](Catalog& c) {
         c.anchors[kFew].certificates[0].sources.push_back({"other", ""});
       }},
      {"pruned", [](Catalog& c) { Drop(c.anchors[kFull].certificates, 4); }},
      {"in use again",
       [](Catalog& c) { c.anchors[kFew].certificates[3].superseded = false; }},
      {"superseded",
       [](Catalog& c) { c.anchors[kFew].certificates[0].superseded = true; }},
      {"a day ahead",
       [](Catalog& c) {
         c.anchors[kFew].certificates.push_back(
             Certificate(OtherRsaKey(), -1, false));
       }},
      {"nobody's signature, superseded",
       [](Catalog& c) {
         c.anchors[kFew].certificates.push_back(
             Certificate(OtherRsaKey(), 9, true, Zeroed));
       }},
      {"a new anchor that was revoked",
       [](Catalog& c) {
         c.anchors.push_back(
             Anchor("eu-west-3", AnchorKind::kIidRsa2048, RsaKey(), 0));
         c.anchors.back().status = AnchorStatus::kRevoked;
       }},
  };
  for (const auto& [what, change] : changes) {
    Catalog after = before;
    ++after.sequence;
    change(after);
    EXPECT_EQ(CheckSuccessor(before, after), absl::OkStatus()) << what;
  }
}

TEST(SuccessionTest, WhatWasTwiceBeforeMayStay) {
  Catalog before = Before();
  before.anchors[kRoot].certificates.push_back(
      Certificate(RootKey(), 1, false, Malleate));
  Catalog after = before;
  ++after.sequence;
  EXPECT_EQ(CheckSuccessor(before, after), absl::OkStatus());
}

TEST(SuccessionTest, AKeyWithoutCertificateThatVerifiedVerifiesOn) {
  Catalog before = Before();
  before.anchors[kFew].certificates.clear();
  Catalog after = before;
  ++after.sequence;
  EXPECT_EQ(CheckSuccessor(before, after), absl::OkStatus());
  before.anchors[kFew].status = AnchorStatus::kAnnounced;
  EXPECT_EQ(ReasonsOf(before, after),
            std::set<std::string>{"NO_CERTIFICATE_IN_USE"});
}

TEST(SuccessionTest, AllProblemsAreCollectedUpToALimit) {
  const Catalog baked = *ParseCatalog(DefaultBakedBundle().files.catalog());
  Catalog after = baked;
  ++after.sequence;
  after.anchors.resize(1);
  EXPECT_EQ(FindSuccessorProblems(baked, after).size(), kMaxSuccessorProblems);
  after.anchors = baked.anchors;
  after.anchors.resize(baked.anchors.size() - 10);
  after.sequence = baked.sequence;
  EXPECT_EQ(FindSuccessorProblems(baked, after).size(), 11u);
}

// --- steps that were really made ---------------------------------------------

TEST(SuccessionTest, WhatIsBuiltInIsLegal) {
  const Catalog baked = *ParseCatalog(DefaultBakedBundle().files.catalog());
  EXPECT_EQ(CheckSuccessor({}, baked), absl::OkStatus());
  Catalog next = baked;
  ++next.sequence;
  EXPECT_EQ(CheckSuccessor(baked, next), absl::OkStatus());
}

std::string OnlyFileIn(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  return "";
}

// The catalogs of one recovery, in the order in which they were served.
std::vector<Catalog> ServedIn(const std::filesystem::path& recovery) {
  std::set<std::filesystem::path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(recovery)) {
    const std::string name = entry.path().filename().string();
    // Some serve a root alone.
    const auto catalog = entry.path() / "targets/catalog/v1";
    if (name.rfind("served-", 0) == 0 && is_directory(catalog)) {
      folders.insert(catalog);
    }
  }
  std::vector<Catalog> catalogs;
  for (const auto& folder : folders) {
    catalogs.push_back(ParseCatalog(OnlyFileIn(folder)).value());
  }
  return catalogs;
}

TEST(SuccessionTest, OfRecoveriesOnlyWhatAThiefOrNewKeysDidIsIllegal) {
  // Steps from one serving to the next that no gate lets through: a thief's, or
  // those after new keys made what was before count for nothing.
  const std::map<std::string, std::set<std::string>> illegal = {
      {"floor-falls-once 2", {"SEQUENCE_NOT_HIGHER"}},
      {"floor-falls-once 3", {"SEQUENCE_NOT_HIGHER"}},
      {"forked-root 3",
       {"NO_CERTIFICATE_IN_USE", "REVOKED_UNDONE", "SEQUENCE_NOT_HIGHER"}},
      {"highest-sequence 2", {"ANCHOR_LOST", "SEQUENCE_NOT_HIGHER"}},
      {"root-alone 2", {"NO_CERTIFICATE_IN_USE"}},
      {"root-alone 4", {"ANCHOR_LOST", "SEQUENCE_NOT_HIGHER"}},
      {"root-that-adds-keys 2", {"SEQUENCE_NOT_HIGHER"}},
      {"routine-rotation-is-no-unrevoke 4",
       {"NO_CERTIFICATE_IN_USE", "REVOKED_UNDONE"}},
      {"sequence-leap 2", {"SEQUENCE_LEAP"}},
      {"sequence-leap 3", {"SEQUENCE_NOT_HIGHER"}},
      {"stolen-targets-key 2", {"NO_CERTIFICATE_IN_USE"}},
      {"stolen-targets-key 3", {"ANCHOR_LOST", "SEQUENCE_NOT_HIGHER"}}};
  std::map<std::string, std::set<std::string>> found;
  int steps = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator("test/vectors/recovery")) {
    if (!entry.is_directory()) continue;
    const auto catalogs = ServedIn(entry.path());
    for (std::size_t i = 1; i < catalogs.size(); ++i) {
      if (catalogs[i] == catalogs[i - 1]) continue;
      ++steps;
      auto reasons = ReasonsOf(catalogs[i - 1], catalogs[i]);
      if (reasons.empty()) continue;
      found[entry.path().filename().string() + " " + std::to_string(i + 1)] =
          std::move(reasons);
    }
  }
  EXPECT_GE(steps, 20);
  EXPECT_EQ(found, illegal);
}

}  // namespace
}  // namespace anchorage::anchors
