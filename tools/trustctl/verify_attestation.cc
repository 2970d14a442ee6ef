// trustctl verify attestation

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/policy/policy_document.h"
#include "client/verdict_json.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/decode.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/pcr_flags.h"
#include "tools/trustctl/release_source.h"
#include "tools/trustctl/session_flags.h"
#include "tools/trustctl/verdict_output.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/reason.h"

namespace anchorage::trustctl {
namespace {

constexpr char kWhyFlag[] = "no flag of trustctl asks for it";
constexpr char kWhyAny[] = "trustctl verify attestation --any";
constexpr char kWhyDebug[] = "trustctl verify attestation --allow-debug";

constexpr char kFooter[] = R"(
An enclave's document, with the measurements that its build printed:

    trustctl verify attestation --document doc.cbor --type enclave \
        --pcr 0=HEX --pcr 1=HEX --pcr 2=HEX --nonce HEX

For a NitroTPM, PCR4 alone is refused: whoever runs the instance can append to
the kernel's command line without changing it. Add PCR12 (zero), or PCR7 with
Secure Boot on.

The measurements, and all else that you expect, as a file: YAML or JSON with
all-of, any-of and not, or a key policy of AWS KMS as it is:

    trustctl verify attestation --document doc.cbor --type enclave \
        --policy policy.yaml --nonce HEX

Any active release of a product, as the bundle of your trustd lists them:

    trustctl verify attestation --document doc.cbor --type nitrotpm \
        --release shop --server 127.0.0.1:7443 --trusted-root 1.root.json

What is not asked for by a flag is not checked, but for the chain, the
signature and the times, which always are. Give at least one of --pcr, --policy,
--release, --nonce, --user-data, --public-key, --module, --instance, --region, or
--any. What every machine has tells none apart, and is refused: PCR12 alone, PCR7
without Secure Boot, or PCR16 and PCR23, which anybody on the machine can reset.

Only roots of --partition are trusted, and names in the chain must be of it. What
this version cannot read of a document that AWS made (a field, the form of a
name) is shown as a note; --strict refuses it.

Exit codes: 0 accepted; 2 unreadable; 3 not from AWS; 4 stale or for another;
5 refused by what the flags ask for; 6 could not decide; 1 wrong usage.
)";

struct Flags {
  std::string document;
  std::string type;
  std::vector<std::string> pcrs;
  std::string policy;
  std::string ignore_other_keys;
  std::string release;
  ReleaseSource releases;
  SessionFlags session;
  std::vector<std::string> modules;
  std::vector<std::string> instances;
  std::vector<std::string> regions;
  std::string max_age;
  std::string clock_leeway;
  bool allow_debug = false;
  std::string allow_extensions;
  bool any = false;
  bool strict = false;
  std::string at;
  bool at_document_time = false;
  std::string partition;
  AnchorSource source;
  Output output;

  // "aws" unless said.
  std::string PartitionOrDefault() const {
    return partition.empty() ? "aws" : partition;
  }

  bool HasExpectation() const {
    return !pcrs.empty() || !policy.empty() || !release.empty() ||
           session.given() || !modules.empty() || !instances.empty() ||
           !regions.empty();
  }
};

// The releases that a policy may be about; null for none.
using Releases = std::shared_ptr<const verify::ReleaseSet>;

template <typename Policy>
absl::StatusOr<Policy> MakePolicy(const Flags& flags, const Session& session,
                                  const Releases& releases) {
  typename Policy::Builder builder;
  if (!flags.pcrs.empty()) {
    auto pcrs = ReadPcrFlags(flags.pcrs);
    if (!pcrs.ok()) return pcrs.status();
    builder.ExpectPcrs(*std::move(pcrs));
  }
  if (!flags.release.empty()) builder.ExpectRelease(flags.release, releases);
  if (session.nonce.has_value()) builder.ExpectNonce(*session.nonce);
  if (session.user_data.has_value()) builder.ExpectUserData(*session.user_data);
  if (session.public_key.has_value()) {
    builder.ExpectPublicKey(*session.public_key);
  }
  if (!flags.modules.empty()) builder.ExpectModules(flags.modules);
  if (!flags.instances.empty()) builder.ExpectInstances(flags.instances);
  if (!flags.regions.empty()) builder.ExpectRegions(flags.regions);
  if (!flags.max_age.empty()) {
    const auto age = ParseDuration(flags.max_age);
    if (!age.ok()) return age.status();
    builder.WithMaxAge(*age);
  }
  if (!flags.clock_leeway.empty()) {
    const auto leeway = ParseDuration(flags.clock_leeway);
    if (!leeway.ok()) return leeway.status();
    builder.WithClockLeeway(*leeway);
  }
  builder.ExpectPartition(flags.PartitionOrDefault());
  if (flags.strict) builder.Strict();
  if constexpr (std::is_same_v<Policy, verify::EnclavePolicy>) {
    if (flags.allow_debug) builder.AllowDebug(kWhyDebug);
    if (!flags.allow_extensions.empty()) {
      return absl::InvalidArgumentError(
          "'--allow-extensions' is for --type nitrotpm: an enclave has none");
    }
  } else if (!flags.allow_extensions.empty()) {
    builder.AllowExtensions(flags.allow_extensions);
  }
  if (flags.any) return builder.AuthenticityOnly(kWhyAny).Build();
  return builder.IgnoreTheRest(kWhyFlag).Build();
}

// Reads the policy of --policy, with what the flags beside it expect.
absl::StatusOr<anchors::PolicyDocument> ReadPolicy(const Flags& flags,
                                                   const Session& session,
                                                   const Releases& releases) {
  const auto text = ReadInput(flags.policy);
  if (!text.ok()) return text.status();
  auto policy = anchors::ReadPolicyDocument(
      *text, flags.policy,
      {.nonce = session.nonce,
       .user_data = session.user_data,
       .public_key = session.public_key,
       .partition = flags.partition.empty()
                        ? std::nullopt
                        : std::optional<std::string>(flags.partition),
       .strict = flags.strict,
       .releases = releases,
       .ignore_other_keys = flags.ignore_other_keys});
  if (!policy.ok()) return policy.status();
  const bool enclave = std::holds_alternative<verify::EnclavePolicy>(*policy);
  if (enclave == (flags.type == "enclave")) return policy;
  return absl::InvalidArgumentError(absl::StrCat(
      flags.policy, ": the policy is for documents of type ",
      enclave ? "enclave" : "nitrotpm", ", and --type is ", flags.type));
}

absl::StatusOr<anchors::PolicyDocument> PolicyOf(const Flags& flags,
                                                 const Releases& releases) {
  const auto session = flags.session.Read();
  if (!session.ok()) return session.status();
  if (!flags.policy.empty()) return ReadPolicy(flags, *session, releases);
  if (flags.type == "enclave") {
    return MakePolicy<verify::EnclavePolicy>(flags, *session, releases);
  }
  return MakePolicy<verify::NitroTpmPolicy>(flags, *session, releases);
}

Verdict Accepted(const verify::AttestedFacts& facts,
                 verify::AttestationType type, const Anchors& anchors,
                 const verify::Trace& trace) {
  Verdict verdict;
  verdict.json = client::VerdictJson(facts, type, UsedOf(anchors), trace);
  verdict.summary = {{"module", facts.module_id},
                     {"region", facts.region.value_or("(none)")},
                     {"made", Rfc3339(facts.timestamp)}};
  if (!facts.release_name.empty()) {
    verdict.summary.emplace_back("release", facts.release_name);
  }
  for (const verify::Note& note : facts.notes) {
    verdict.notes.emplace_back(verify::NameOf(note.kind), note.detail);
  }
  return verdict;
}

absl::StatusOr<std::optional<verify::RecordedTime>> RecordedTimeOf(
    const Flags& flags) {
  if (flags.at_document_time) return verify::RecordedTime::kAtDocumentTime;
  if (flags.at.empty()) return std::nullopt;
  const auto time = ParseRfc3339(flags.at);
  if (!time.ok()) return time.status();
  return verify::RecordedTime::At(*time);
}

// Calls the entry point of the document's type.
template <typename Policy, typename Live, typename Recorded>
int Verify(const Flags& flags, const Policy& policy, const Anchors& anchors,
           const std::optional<verify::RecordedTime>& at, Live live,
           Recorded recorded) {
  const auto text = ReadInput(flags.document);
  if (!text.ok()) {
    PrintError(TextOf(text.status()));
    return ExitCodeOf(text.status());
  }
  verify::Trace trace;
  const auto refuse = [&](const absl::Status& why) {
    return PrintVerdict({.status = why,
                         .subject = "attestation",
                         .releases_file = flags.releases.file},
                        trace, anchors, flags.output);
  };
  const auto document = DecodeAttestationText(*text);
  if (!document.ok()) return refuse(document.status());
  if (!at.has_value()) {
    if (absl::Status s = flags.source.CheckAge(anchors); !s.ok()) {
      return refuse(s);
    }
  }
  const auto verified =
      at.has_value()
          ? recorded(*document, *anchors.set, policy, *at, nullptr, &trace)
          : live(*document, *anchors.set, policy, absl::Now(), nullptr, &trace);
  if (!verified.ok()) return refuse(verified.status());
  return PrintVerdict(
      Accepted(verified->facts(), verified->type(), anchors, trace), trace,
      anchors, flags.output);
}

absl::StatusOr<Anchors> LoadAnchors(const Flags& flags,
                                    const std::string& partition) {
  return flags.source.Load({.partition = partition,
                            .region = "",
                            .kind = verify::AnchorKind::kNitroRoot});
}

// Whether the flags can be meant; says what is wrong with them.
bool CheckFlags(const Flags& flags) {
  if (!flags.releases.file.empty() && flags.release.empty() &&
      flags.policy.empty()) {
    PrintError("--releases is of no use by itself",
               "give --release PRODUCT, or a --policy that asks for one");
    return false;
  }
  if (flags.any != flags.HasExpectation()) return true;
  PrintError(flags.any ? "--any contradicts the other flags"
                       : "nothing to check but the authenticity",
             flags.any ? "leave out --any"
                       : "say what you expect (--pcr, --nonce, ...), or "
                         "--any for authenticity only");
  return false;
}

int Fail(const absl::Status& status, ExitCode code) {
  PrintError(TextOf(status));
  return code;
}

int Run(const Flags& flags) {
  if (!CheckFlags(flags)) return kUsage;
  const auto at = RecordedTimeOf(flags);
  if (!at.ok()) return Fail(at.status(), kUsage);
  // The anchors come with the releases, which the policy is made of; else the
  // policy comes first, and says whose anchors.
  std::optional<Anchors> anchors;
  Releases releases;
  const bool may_ask_for_release =
      !flags.policy.empty() &&
      (!flags.releases.file.empty() || flags.source.uses_client());
  if (!flags.release.empty() || may_ask_for_release) {
    auto loaded = LoadAnchors(flags, flags.PartitionOrDefault());
    if (!loaded.ok()) return Fail(loaded.status(), ExitCodeOf(loaded.status()));
    anchors = *std::move(loaded);
    const auto list = flags.releases.Load(*anchors);
    if (!list.ok()) return Fail(list.status(), ExitCodeOf(list.status()));
    if (*list != nullptr) releases = anchors::ToReleaseSet(**list);
  }
  const auto policy = PolicyOf(flags, releases);
  if (!policy.ok()) {
    return PolicyError(
        policy.status(),
        verify::ReasonOf(policy.status()) == verify::Reason::kPolicyIncomplete
            ? "conditions that AWS KMS alone can check are ignored with "
              "--ignore-other-keys WHY, such as \"KMS checks the account\""
            : "");
  }
  const auto run = [&](const auto& typed, auto live, auto recorded) -> int {
    for (const std::string& warning : typed.warnings()) PrintWarning(warning);
    if (!anchors.has_value()) {
      auto loaded = LoadAnchors(flags, typed.expectations().partition);
      if (!loaded.ok()) {
        return Fail(loaded.status(), ExitCodeOf(loaded.status()));
      }
      anchors = *std::move(loaded);
    }
    return Verify(flags, typed, *anchors, *at, live, recorded);
  };
  if (const auto* enclave = std::get_if<verify::EnclavePolicy>(&*policy)) {
    return run(*enclave, verify::VerifyEnclave, verify::VerifyRecordedEnclave);
  }
  return run(std::get<verify::NitroTpmPolicy>(*policy), verify::VerifyNitroTpm,
             verify::VerifyRecordedNitroTpm);
}

void AddPolicyFlags(CLI::App& command, Flags& flags) {
  constexpr char kPolicy[] = "What you expect";
  auto* pcr = command
                  .add_option("--pcr", flags.pcrs,
                              "N=HEX, a measurement (repeatable: all)")
                  ->group(kPolicy);
  auto* release =
      command
          .add_option("--release", flags.release,
                      "PRODUCT: the measurements of any active release of it, "
                      "as the bundle lists them")
          ->group(kPolicy)
          ->excludes(pcr);
  flags.releases.AddTo(command)->group(kPolicy);
  flags.session.AddTo(command, kPolicy);
  auto* module = command
                     .add_option("--module", flags.modules,
                                 "module id, 'i-...-enc...' or 'i-...-tpm...' "
                                 "(repeatable: any)")
                     ->group(kPolicy);
  auto* instance =
      command
          .add_option("--instance", flags.instances,
                      "instance id that the module begins with (repeatable: "
                      "any)")
          ->group(kPolicy);
  auto* region =
      command.add_option("--region", flags.regions, "region (repeatable: any)")
          ->group(kPolicy);
  auto* max_age =
      command
          .add_option("--max-age", flags.max_age,
                      "oldest document that is accepted live; default 5m")
          ->group(kPolicy);
  auto* clock_leeway =
      command
          .add_option("--clock-leeway", flags.clock_leeway,
                      "how far this clock may be behind AWS's; default 5s, at "
                      "most 10m")
          ->group(kPolicy);
  auto* allow_debug =
      command
          .add_flag("--allow-debug", flags.allow_debug,
                    "accept an enclave in debug mode, which keeps no secret")
          ->group(kPolicy);
  auto* allow_extensions =
      command
          .add_option("--allow-extensions", flags.allow_extensions,
                      "REASON: accept a machine that booted with a command "
                      "line, credentials or extensions that PCR4 does not "
                      "measure")
          ->group(kPolicy);
  auto* any =
      command.add_flag("--any", flags.any, "authenticity only")->group(kPolicy);
  command
      .add_flag("--strict", flags.strict,
                "refuse what is otherwise accepted with a note")
      ->group(kPolicy);
  command.add_option("--partition", flags.partition,
                     "whose Nitro roots and names: aws (the default), "
                     "aws-us-gov, aws-cn, aws-eusc");
  auto* policy =
      command
          .add_option("--policy", flags.policy,
                      "a policy as a file: YAML, JSON, or a key policy of AWS "
                      "KMS; it says all but --nonce, --user-data, "
                      "--public-key, --partition and --strict, which may be "
                      "beside it")
          ->group(kPolicy);
  for (CLI::Option* other :
       {pcr, release, module, instance, region, max_age, clock_leeway,
        allow_debug, allow_extensions, any}) {
    policy->excludes(other);
  }
  command
      .add_option("--ignore-other-keys", flags.ignore_other_keys,
                  "why the conditions of a key policy that are not about "
                  "attestation are of no concern")
      ->group(kPolicy)
      ->needs(policy);
}

}  // namespace

void AddVerifyAttestation(CLI::App& verify, Action& action) {
  CLI::App& command = *verify.add_subcommand(
      "attestation", "Verify a Nitro attestation document");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  command
      .add_option("--document", flags->document,
                  "the document: raw, base64, base64url or hex, or JSON with "
                  "one of these in it; '-' is standard input")
      ->required();
  command.add_option("--type", flags->type, "enclave or nitrotpm")
      ->required()
      ->check(CLI::IsMember({"enclave", "nitrotpm"}));
  AddPolicyFlags(command, *flags);
  auto* at = command.add_option(
      "--at", flags->at,
      "verify a recorded document as of this time (RFC 3339)");
  command
      .add_flag("--at-document-time", flags->at_document_time,
                "verify a recorded document as of its own time, which proves "
                "nothing about any other")
      ->excludes(at);
  flags->source.AddTo(command);
  flags->source.AddWhenExpiredTo(command, "refuse");
  command.add_option("--root", flags->source.certificate,
                     "one PEM root certificate instead of AWS's, for tests");
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Run(*flags); }; });
}

}  // namespace anchorage::trustctl
