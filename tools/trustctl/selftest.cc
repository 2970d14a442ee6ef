#include "tools/trustctl/selftest.h"

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "tools/trustctl/selftest_vectors.h"
#include "verify/identity/identity_document.h"
#include "verify/identity/identity_evidence.h"
#include "verify/reason.h"

namespace anchorage::trustctl {
namespace {

using verify::EnclavePolicy;
using verify::Family;
using verify::IdentityForm;
using verify::IdentityPolicy;
using verify::NitroTpmPolicy;
using verify::Reason;

constexpr char kWhy[] = "a self-test";
constexpr std::size_t kShownFailures = 5;
// A changed byte in each so many of a document, so that one run takes about a
// second; prime, so that it meets every part of it.
constexpr std::size_t kStride = 41;
constexpr std::size_t kCoseSignatureBytes = 96;

// Counts what is as it should be, and keeps what is not.
class Group {
 public:
  explicit Group(std::string name) { group_.name = std::move(name); }

  void Accepts(const std::string& what, const absl::Status& got) {
    Check(got.ok(), what, "accepted", got);
  }
  void Refuses(const std::string& what, Reason reason,
               const absl::Status& got) {
    Check(verify::ReasonOf(got) == reason, what,
          std::string(verify::NameOf(reason)), got);
  }
  // For a changed byte: which check meets it first depends on where it is.
  void RefusesAsForged(const std::string& what, const absl::Status& got) {
    const auto reason = verify::ReasonOf(got);
    Check(reason.has_value() &&
              (verify::FamilyOf(*reason) == Family::kNotFromAws ||
               verify::FamilyOf(*reason) == Family::kUnreadable),
          what, "refused as not from AWS, or unreadable", got);
  }

  SelftestGroup Take() { return std::move(group_); }

 private:
  void Check(bool is_right, const std::string& what, const std::string& wanted,
             const absl::Status& got) {
    ++group_.cases;
    if (is_right) return;
    ++group_.failed;
    if (group_.failures.size() == kShownFailures) return;
    const auto reason = verify::ReasonOf(got);
    group_.failures.push_back(
        absl::StrCat(what, ": not ", wanted, ", but ",
                     got.ok() ? "accepted"
                     : reason.has_value()
                         ? std::string(verify::NameOf(*reason))
                         : std::string(absl::StatusCodeToString(got.code()))));
  }

  SelftestGroup group_;
};

std::string Flipped(std::string bytes, std::size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  return bytes;
}

// --- Identity documents ------------------------------------------------------

// One identity as `verifiers` judge it, with whatever a case changes.
class IdentityCase {
 public:
  IdentityCase(const Verifiers& verifiers, const verify::AnchorSet& anchors,
               const SelftestIdentity& real)
      : verifiers_(&verifiers), anchors_(&anchors), real_(&real) {
    auto bytes = verify::DecodeIdentitySignature(real.form, real.signature);
    decoded_ = bytes.status();
    if (bytes.ok()) signature = *std::move(bytes);
    document = real.document;
  }

  absl::Status Judge(const absl::StatusOr<IdentityPolicy>& policy) const {
    if (!decoded_.ok()) return decoded_;
    if (!policy.ok()) return policy.status();
    return verifiers_->identity(
        {.document = document, .form = real_->form, .signature = signature},
        *anchors_, *policy, real_->at);
  }
  absl::Status Judge() const {
    return Judge(IdentityPolicy::AuthenticityOnly(kWhy));
  }

  std::string document;
  std::string signature;

 private:
  const Verifiers* verifiers_;
  const verify::AnchorSet* anchors_;
  const SelftestIdentity* real_;
  absl::Status decoded_;
};

void RunIdentity(const Verifiers& verifiers, const verify::AnchorSet& anchors,
                 const SelftestIdentity& real, Group& genuine, Group& forged,
                 Group& policies) {
  const IdentityCase good(verifiers, anchors, real);
  if (real.forged) {
    forged.RefusesAsForged(real.name, good.Judge());
    return;
  }
  genuine.Accepts(real.name, good.Judge());
  if (good.signature.empty()) return;

  for (std::size_t i = 0; i < good.document.size(); ++i) {
    IdentityCase changed = good;
    changed.document = Flipped(good.document, i);
    forged.RefusesAsForged(
        absl::StrCat(real.name, " with byte ", i, " of its document changed"),
        changed.Judge());
  }
  IdentityCase changed = good;
  changed.document += "\n";
  forged.RefusesAsForged(real.name + " with a line feed behind",
                         changed.Judge());
  changed = good;
  changed.document.clear();
  forged.RefusesAsForged(real.name + " without a document", changed.Judge());
  changed = good;
  changed.signature = Flipped(good.signature, good.signature.size() - 1);
  forged.RefusesAsForged(real.name + " with the end of its signature changed",
                         changed.Judge());
  changed = good;
  changed.signature.pop_back();
  forged.RefusesAsForged(real.name + " with a shorter signature",
                         changed.Judge());
  changed = good;
  changed.signature += '\0';
  forged.RefusesAsForged(real.name + " with a longer signature",
                         changed.Judge());

  const auto expecting = [](auto say) {
    IdentityPolicy::Builder builder;
    say(builder);
    return builder.IgnoreTheRest(kWhy).Build();
  };
  policies.Accepts(real.name + " of its account and region",
                   good.Judge(expecting([&](auto& builder) {
                     builder.ExpectAccounts({real.account});
                     builder.ExpectRegions({real.region});
                   })));
  policies.Refuses(real.name + " for another account",
                   Reason::kAccountNotAllowed,
                   good.Judge(expecting([](auto& builder) {
                     builder.ExpectAccounts({"000000000000"});
                   })));
  policies.Refuses(real.name + " for another region", Reason::kRegionNotAllowed,
                   good.Judge(expecting([](auto& builder) {
                     builder.ExpectRegions({"eu-north-1"});
                   })));
  policies.Refuses(
      real.name + " for a product", Reason::kProductCodeNotAllowed,
      good.Judge(expecting([](auto& builder) {
        builder.ExpectAllProductCodes({"aaaaaaaaaaaaaaaaaaaaaaaaa"});
      })));
}

// --- Attestation documents ---------------------------------------------------

// One document, judged at `at` by a policy of authenticity alone, or by what
// `say` adds to one that ignores the rest.
class DocumentCase {
 public:
  DocumentCase(const Verifiers& verifiers, const verify::AnchorSet& anchors,
               const SelftestDocument& real)
      : bytes(real.bytes),
        at(real.at),
        as_tpm(real.is_tpm),
        allow_debug(real.is_debug),
        verifiers_(verifiers),
        anchors_(anchors) {}

  absl::Status Judge() const {
    return as_tpm ? JudgeAs<NitroTpmPolicy>(verifiers_.nitro_tpm)
                  : JudgeAs<EnclavePolicy>(verifiers_.enclave);
  }

  std::string bytes;
  absl::Time at;
  bool as_tpm;
  bool allow_debug;
  std::string partition = "aws";
  std::optional<std::string> module;
  std::optional<std::string> region;

 private:
  template <typename Policy, typename Verifier>
  absl::Status JudgeAs(const Verifier& verify) const {
    typename Policy::Builder builder;
    builder.ExpectPartition(partition);
    if constexpr (std::is_same_v<Policy, EnclavePolicy>) {
      if (allow_debug) builder.AllowDebug(kWhy);
    }
    if (module.has_value()) builder.ExpectModules({*module});
    if (region.has_value()) builder.ExpectRegions({*region});
    if (module.has_value() || region.has_value()) {
      builder.IgnoreTheRest(kWhy);
    } else {
      builder.AuthenticityOnly(kWhy);
    }
    const auto policy = builder.Build();
    if (!policy.ok()) return policy.status();
    return verify(bytes, anchors_, *policy, at);
  }

  const Verifiers& verifiers_;
  const verify::AnchorSet& anchors_;
};

void RunDocument(const DocumentCase& good, const SelftestDocument& real,
                 Group& genuine, Group& forged, Group& policies) {
  genuine.Accepts(real.name, good.Judge());
  if (real.bytes.size() < kCoseSignatureBytes) return;

  for (std::size_t i = 0; i < real.bytes.size(); i += kStride) {
    DocumentCase changed = good;
    changed.bytes = Flipped(real.bytes, i);
    forged.RefusesAsForged(
        absl::StrCat(real.name, " with byte ", i, " changed"), changed.Judge());
  }
  const auto refused = [&](Group& group, const char* how, Reason reason,
                           auto change) {
    DocumentCase changed = good;
    change(changed);
    group.Refuses(absl::StrCat(real.name, " ", how), reason, changed.Judge());
  };
  refused(forged, "with the end of its signature changed",
          Reason::kSignatureMismatch, [](DocumentCase& c) {
            c.bytes = Flipped(c.bytes, c.bytes.size() - 1);
          });
  refused(forged, "cut", Reason::kCborMalformed,
          [](DocumentCase& c) { c.bytes.pop_back(); });
  refused(forged, "with a byte behind", Reason::kTrailingBytes,
          [](DocumentCase& c) { c.bytes += '\0'; });
  refused(forged, "as the other type", Reason::kWrongDocumentType,
          [](DocumentCase& c) { c.as_tpm = !c.as_tpm; });
  // Leaves are good for three hours.
  refused(policies, "four hours later", Reason::kLeafExpired,
          [](DocumentCase& c) { c.at += absl::Hours(4); });
  refused(policies, "of another module", Reason::kModuleNotAllowed,
          [](DocumentCase& c) { c.module = "i-00000000000000000"; });
  refused(policies, "for another region", Reason::kRegionNotAllowed,
          [](DocumentCase& c) { c.region = "eu-north-1"; });
  if (real.is_debug) {
    refused(policies, "without leave to debug", Reason::kDebugEnclave,
            [](DocumentCase& c) { c.allow_debug = false; });
  }
}

absl::Time At(std::int64_t milliseconds) {
  return absl::FromUnixMillis(milliseconds);
}

std::string Text(std::string_view bytes) { return std::string(bytes); }

}  // namespace

Verifiers ThisProgramsVerifiers() {
  return {
      .identity =
          [](const verify::IdentityEvidence& evidence,
             const verify::AnchorSet& anchors, const IdentityPolicy& policy,
             absl::Time at) {
            return verify::VerifyRecordedIdentity(evidence, anchors, policy, at)
                .status();
          },
      .enclave =
          [](std::string_view document, const verify::AnchorSet& anchors,
             const EnclavePolicy& policy, absl::Time at) {
            return verify::VerifyRecordedEnclave(document, anchors, policy,
                                                 verify::RecordedTime::At(at))
                .status();
          },
      .nitro_tpm =
          [](std::string_view document, const verify::AnchorSet& anchors,
             const NitroTpmPolicy& policy, absl::Time at) {
            return verify::VerifyRecordedNitroTpm(document, anchors, policy,
                                                  verify::RecordedTime::At(at))
                .status();
          }};
}

SelftestVectors BuiltInVectors() {
  namespace v = selftest_vectors;
  SelftestVectors vectors;
  const auto identity =
      [&](const char* name, IdentityForm form, std::string_view document,
          std::string_view signature, const char* region, const char* account,
          absl::CivilSecond at, bool forged = false) {
        SelftestIdentity one{.name = name,
                             .form = form,
                             .document = Text(document),
                             .signature = Text(signature),
                             .region = region,
                             .account = account,
                             .at = absl::FromCivil(at, absl::UTCTimeZone()),
                             .forged = forged};
        vectors.identities.push_back(std::move(one));
      };
  identity("ap-southeast-2, rsa2048", IdentityForm::kRsa2048,
           v::Apse2Document(), v::Apse2Rsa2048(), "ap-southeast-2",
           "189292791360", absl::CivilSecond(2026, 2, 16, 0, 38, 27));
  identity("ap-southeast-2, signature", IdentityForm::kSignature,
           v::Apse2Document(), v::Apse2Signature(), "ap-southeast-2",
           "189292791360", absl::CivilSecond(2026, 2, 16, 0, 38, 27));
  identity("us-east-1 of 2018, pkcs7", IdentityForm::kPkcs7, v::Use1Document(),
           v::Use1Pkcs7(), "us-east-1", "692406183521",
           absl::CivilSecond(2018, 1, 22, 12, 29, 54));
  identity("us-west-2 of 2021, rsa2048", IdentityForm::kRsa2048,
           v::Usw2Document(), v::Usw2Rsa2048(), "us-west-2", "278576220453",
           absl::CivilSecond(2021, 9, 3, 21, 25, 44));
  identity("another region in the document", IdentityForm::kPkcs7,
           v::ForgedNodeDocument(), v::ForgedNodePkcs7(), "", "",
           absl::CivilSecond(2018, 1, 22, 12, 29, 54), true);
  identity("an account left out of the document", IdentityForm::kSignature,
           v::ForgedTsDocument(), v::ForgedTsSignature(), "", "",
           absl::CivilSecond(2025, 2, 5, 9, 18, 10), true);

  const auto document = [&](const char* name, std::string_view bytes,
                            std::int64_t at, bool is_debug = false,
                            bool is_tpm = false) {
    vectors.documents.push_back({.name = name,
                                 .bytes = Text(bytes),
                                 .is_tpm = is_tpm,
                                 .is_debug = is_debug,
                                 .at = At(at)});
  };
  document("nitrite-6c096a02", v::Nitrite6c096a02(), 1635440522077, true);
  document("bedrock-542a3239", v::Bedrock542a3239(), 1758628609915);
  document("bedrock-7743a3dd", v::Bedrock7743a3dd(), 1756509359524);
  document("tkhq-b1086cbb", v::TkhqB1086cbb(), 1758057949422);
  document("tkhq-ce1e1c6e", v::TkhqCe1e1c6e(), 1758057841438);
  document("tkhq-277e236b", v::Tkhq277e236b(), 1782779620694);
  document("uid2-2021", v::Uid22021(), 1619410153100, true);
  document("usw2-i-000fa553", v::Usw2NitroTpm(), 1786642608432, false, true);
  return vectors;
}

std::vector<SelftestGroup> RunSelftest(const Verifiers& verifiers,
                                       const SelftestVectors& vectors,
                                       const verify::AnchorSet& anchors) {
  Group identities("identity documents of AWS");
  Group forged_identities("changed identity documents");
  Group identity_policies("policies for identity documents");
  for (const SelftestIdentity& real : vectors.identities) {
    RunIdentity(verifiers, anchors, real, identities, forged_identities,
                identity_policies);
  }
  Group enclaves("enclaves' attestation documents of AWS");
  Group tpms("NitroTPMs' attestation documents of AWS");
  Group forged("changed attestation documents");
  Group policies("policies for attestation documents");
  for (const SelftestDocument& real : vectors.documents) {
    RunDocument(DocumentCase(verifiers, anchors, real), real,
                real.is_tpm ? tpms : enclaves, forged, policies);
  }
  return {identities.Take(),
          forged_identities.Take(),
          identity_policies.Take(),
          enclaves.Take(),
          tpms.Take(),
          forged.Take(),
          policies.Take()};
}

}  // namespace anchorage::trustctl
