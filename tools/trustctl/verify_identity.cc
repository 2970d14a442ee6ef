// trustctl verify identity

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/policy/identity_policy_document.h"
#include "client/verdict_json.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/identity_flags.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/verdict_output.h"
#include "verify/identity/identity_document.h"
#include "verify/identity/identity_verifier.h"
#include "verify/identity/pkcs7.h"

namespace anchorage::trustctl {
namespace {

using verify::IdentityPolicy;

constexpr char kWhyFlag[] = "no flag of trustctl asks for it";
constexpr char kWhyAny[] = "trustctl verify identity --any";

constexpr char kFooter[] = R"(
On an instance, with the document inside the PKCS #7:

    curl -s -H "X-aws-ec2-metadata-token: $TOKEN" \
        http://169.254.169.254/latest/dynamic/instance-identity/rsa2048 |
      trustctl verify identity --rsa2048 - --product-code 4i20ezfza3p7xx2kt2g8weu2u

What you expect as a file, which is reviewed like any other, YAML or JSON:

    trustctl verify identity --rsa2048 rsa2048.b64 --policy licence.yaml

What is not asked for by a flag is not checked, but for the signature, which
always is. Give at least one such flag, --policy, or --any.

Exit codes: 0 accepted; 2 unreadable; 3 not from AWS; 4 stale or for another;
5 refused by what the flags ask for; 6 could not decide; 1 wrong usage.
)";

struct Flags {
  IdentityFlags identity;
  std::string policy;
  std::vector<std::string> accounts;
  std::vector<std::string> regions;
  std::vector<std::string> instances;
  std::vector<std::string> images;
  std::vector<std::string> partitions;
  std::vector<std::string> instance_types;
  std::vector<std::string> architectures;
  std::vector<std::string> product_codes;
  std::vector<std::string> any_product_codes;
  std::vector<std::string> billing_products;
  std::vector<std::string> any_billing_products;
  std::string minimum_kind;
  std::string max_age;
  std::string clock_leeway;
  bool any = false;
  std::string at;
  AnchorSource source;
  Output output;
};

// Its bytes are decoded.
absl::StatusOr<GivenIdentity> ReadEvidence(const Flags& flags) {
  auto given = flags.identity.Read();
  if (!given.ok()) return given.status();
  auto bytes = verify::DecodeIdentitySignature(given->form, given->signature);
  if (!bytes.ok()) return bytes.status();
  given->signature = *std::move(bytes);
  return given;
}

// The region that `text` names, unverified; empty if it names none.
std::string RegionNamedBy(std::string_view text) {
  const auto scanned = verify::ScanIdentityDocument(text);
  if (!scanned.ok()) return "";
  return std::string(scanned->UnverifiedRegion().value_or(""));
}

// The slot that a single --anchor is taken for: that of the evidence itself,
// because with one anchor there is nothing to select.
verify::Slot SlotOf(const absl::StatusOr<GivenIdentity>& evidence) {
  verify::Slot slot{.partition = "aws", .region = "unknown"};
  if (!evidence.ok()) return slot;
  slot.kind = verify::AnchorKindOf(evidence->form);
  std::string region;
  if (!verify::RowOf(evidence->form).carries_document()) {
    if (evidence->document.has_value()) {
      region = RegionNamedBy(*evidence->document);
    }
  } else if (const auto pkcs7 = verify::ParsePkcs7(evidence->signature);
             pkcs7.ok()) {
    region = RegionNamedBy(pkcs7->content);
  }
  if (!region.empty()) slot.region = region;
  return slot;
}

void ExpectProducts(const Flags& flags, IdentityPolicy::Builder& builder) {
  if (!flags.product_codes.empty()) {
    builder.ExpectAllProductCodes(flags.product_codes);
  }
  if (!flags.any_product_codes.empty()) {
    builder.ExpectAnyProductCode(flags.any_product_codes);
  }
  if (!flags.billing_products.empty()) {
    builder.ExpectAllBillingProducts(flags.billing_products);
  }
  if (!flags.any_billing_products.empty()) {
    builder.ExpectAnyBillingProduct(flags.any_billing_products);
  }
}

absl::Status ExpectAge(const Flags& flags, IdentityPolicy::Builder& builder) {
  if (flags.max_age.empty()) return absl::OkStatus();
  const auto age = ParseDuration(flags.max_age);
  if (!age.ok()) return age.status();
  absl::Duration leeway = IdentityPolicy::kDefaultSkew;
  if (!flags.clock_leeway.empty()) {
    const auto given = ParseDuration(flags.clock_leeway);
    if (!given.ok()) return given.status();
    leeway = *given;
  }
  builder.ExpectMaxAge(*age, leeway);
  return absl::OkStatus();
}

absl::StatusOr<IdentityPolicy> MakePolicy(const Flags& flags) {
  if (!flags.policy.empty()) {
    const auto text = ReadInput(flags.policy);
    if (!text.ok()) return text.status();
    return anchors::ReadIdentityPolicy(*text, flags.policy);
  }
  if (flags.any) return IdentityPolicy::AuthenticityOnly(kWhyAny);
  IdentityPolicy::Builder builder;
  if (!flags.partitions.empty()) builder.ExpectPartitions(flags.partitions);
  if (!flags.accounts.empty()) builder.ExpectAccounts(flags.accounts);
  if (!flags.regions.empty()) builder.ExpectRegions(flags.regions);
  if (!flags.instances.empty()) builder.ExpectInstances(flags.instances);
  if (!flags.images.empty()) builder.ExpectImages(flags.images);
  if (!flags.instance_types.empty()) {
    builder.ExpectInstanceTypes(flags.instance_types);
  }
  if (!flags.architectures.empty()) {
    builder.ExpectArchitectures(flags.architectures);
  }
  ExpectProducts(flags, builder);
  if (!flags.minimum_kind.empty()) {
    builder.ExpectMinimumKind(*verify::AnchorKindNamed(flags.minimum_kind));
  }
  if (absl::Status s = ExpectAge(flags, builder); !s.ok()) return s;
  return builder.IgnoreTheRest(kWhyFlag).Build();
}

bool HasExpectation(const Flags& flags) {
  return !flags.policy.empty() || !flags.accounts.empty() ||
         !flags.regions.empty() || !flags.instances.empty() ||
         !flags.images.empty() || !flags.partitions.empty() ||
         !flags.instance_types.empty() || !flags.architectures.empty() ||
         !flags.product_codes.empty() || !flags.any_product_codes.empty() ||
         !flags.billing_products.empty() ||
         !flags.any_billing_products.empty() || !flags.minimum_kind.empty() ||
         !flags.max_age.empty();
}

Verdict Accepted(const verify::VerifiedIdentity& identity,
                 const Anchors& anchors, const verify::Trace& trace) {
  const verify::IdentityDocument& document = identity.document();
  Verdict verdict;
  verdict.json = client::VerdictJson(identity, UsedOf(anchors), trace);
  verdict.summary = {{"account", document.account_id},
                     {"region", document.region},
                     {"instance", document.instance_id}};
  return verdict;
}

// Returns what is wrong with the flags together.
absl::Status CheckFlags(const Flags& flags) {
  if (flags.any && HasExpectation(flags)) {
    return absl::InvalidArgumentError("--any contradicts the other flags");
  }
  if (!flags.any && !HasExpectation(flags)) {
    return absl::InvalidArgumentError(
        "nothing to check but the signature: say what you expect (--account, "
        "--product-code, ...), or --any for authenticity only");
  }
  return absl::OkStatus();
}

verify::IdentityEvidence View(const GivenIdentity& evidence) {
  return {evidence.document, evidence.form, evidence.signature};
}

absl::StatusOr<verify::VerifiedIdentity> Decide(
    const AnchorSource& source, const absl::StatusOr<GivenIdentity>& evidence,
    const Anchors& anchors, const IdentityPolicy& policy,
    const std::optional<absl::Time>& at, verify::Trace& trace) {
  if (!evidence.ok()) return evidence.status();
  if (at.has_value()) {
    return verify::VerifyRecordedIdentity(View(*evidence), *anchors.set, policy,
                                          *at, &trace);
  }
  if (absl::Status s = source.CheckAge(anchors); !s.ok()) return s;
  return verify::VerifyIdentity(View(*evidence), *anchors.set, policy,
                                absl::Now(), nullptr, &trace);
}

int Run(const Flags& flags) {
  if (absl::Status s = CheckFlags(flags); !s.ok()) return UsageError(s);
  const auto policy = MakePolicy(flags);
  if (!policy.ok()) return PolicyError(policy.status());
  const auto at = ParseOptionalTime(flags.at);
  if (!at.ok()) return UsageError(at.status());
  const auto evidence = ReadEvidence(flags);
  if (!evidence.ok() && !verify::ReasonOf(evidence.status()).has_value()) {
    PrintError(TextOf(evidence.status()));
    return ExitCodeOf(evidence.status());
  }
  const auto anchors = flags.source.Load(SlotOf(evidence));
  if (!anchors.ok()) {
    PrintError(TextOf(anchors.status()));
    return ExitCodeOf(anchors.status());
  }
  verify::Trace trace;
  const auto identity =
      Decide(flags.source, evidence, *anchors, *policy, *at, trace);
  const Verdict verdict = identity.ok() ? Accepted(*identity, *anchors, trace)
                                        : Verdict{.status = identity.status(),
                                                  .subject = "identity"};
  return PrintVerdict(verdict, trace, *anchors, flags.output);
}

// Each may be given again; `help` says what several mean.
CLI::Option* AddList(CLI::App& command, const char* name,
                     std::vector<std::string>& values, const char* help) {
  return command.add_option(name, values, help)->group("What you expect");
}

void AddPolicyFlags(CLI::App& command, Flags& flags) {
  AddList(command, "--account", flags.accounts, "account (repeatable: any)");
  AddList(command, "--partition", flags.partitions,
          "partition, such as aws (repeatable: any)");
  AddList(command, "--region", flags.regions, "region (repeatable: any)");
  AddList(command, "--instance", flags.instances,
          "instance id (repeatable: any)");
  AddList(command, "--image", flags.images, "image id (repeatable: any)");
  AddList(command, "--instance-type", flags.instance_types,
          "instance type, such as m7i.large (repeatable: any)");
  AddList(command, "--architecture", flags.architectures,
          "architecture, such as x86_64 (repeatable: any)");
  auto* all_codes = AddList(command, "--product-code", flags.product_codes,
                            "marketplace product code (repeatable: all)");
  AddList(command, "--any-product-code", flags.any_product_codes,
          "marketplace product code (repeatable: any)")
      ->excludes(all_codes);
  auto* all_products =
      AddList(command, "--billing-product", flags.billing_products,
              "billing product, such as bp-6ba54002 (repeatable: all)");
  AddList(command, "--any-billing-product", flags.any_billing_products,
          "billing product (repeatable: any)")
      ->excludes(all_products);
  constexpr char kPolicy[] = "What you expect";
  std::vector<std::string> kinds;
  for (const auto& row : verify::kAnchorKinds) {
    if (verify::SignsIdentity(row.kind)) kinds.emplace_back(row.name);
  }
  command
      .add_option("--minimum-kind", flags.minimum_kind,
                  "weakest kind of signature")
      ->check(CLI::IsMember(kinds))
      ->group(kPolicy);
  auto* max_age =
      command
          .add_option("--max-age", flags.max_age,
                      "longest time since the instance was started, such as "
                      "5m")
          ->group(kPolicy);
  command
      .add_option("--clock-leeway", flags.clock_leeway,
                  "how far this clock may be behind AWS's; default 1m, at most "
                  "10m")
      ->needs(max_age)
      ->group(kPolicy);
  command.add_flag("--any", flags.any, "authenticity only")->group(kPolicy);
  const auto others = command.get_options([](const CLI::Option* option) {
    return option->get_group() == "What you expect";
  });
  CLI::Option* const policy =
      command.add_option("--policy", flags.policy,
                         "a policy as a file, YAML or JSON; it says all");
  policy->group(kPolicy);
  for (CLI::Option* const other : others) policy->excludes(other);
}

}  // namespace

void AddVerifyIdentity(CLI::App& verify, Action& action) {
  CLI::App& command = *verify.add_subcommand(
      "identity", "Verify an EC2 instance identity document");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  flags->identity.AddTo(command);
  AddPolicyFlags(command, *flags);
  command.add_option("--at", flags->at,
                     "verify recorded evidence as of this time (RFC 3339)");
  flags->source.AddTo(command);
  flags->source.AddWhenExpiredTo(command, "serve");
  command.add_option("--anchor", flags->source.certificate,
                     "one PEM certificate instead of AWS's, for tests");
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Run(*flags); }; });
}

}  // namespace anchorage::trustctl
