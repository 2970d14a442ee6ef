// trustctl verify attestation

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/decode.h"
#include "tools/trustctl/verdict_output.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/encoding/base64.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;
using verify::AttestationType;

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

What is not asked for by a flag is not checked, but for the chain, the
signature and the times, which always are. Give at least one of --pcr, --nonce,
--user-data, --public-key, --module, or --any.

Exit codes: 0 accepted; 2 unreadable; 3 not from AWS; 4 stale or for another;
5 refused by what the flags ask for; 6 could not decide; 1 wrong usage.
)";

struct Flags {
  std::string document;
  std::string type;
  std::vector<std::string> pcrs;
  std::string nonce;
  std::string user_data;
  std::string public_key;
  std::vector<std::string> modules;
  std::string max_age;
  bool allow_debug = false;
  bool any = false;
  std::string at;
  bool at_document_time = false;
  std::string partition = "aws";
  AnchorSource source;
  OutputOption output;

  bool HasExpectation() const {
    return !pcrs.empty() || !nonce.empty() || !user_data.empty() ||
           !public_key.empty() || !modules.empty();
  }
};

absl::StatusOr<verify::PcrSet> ParsePcrs(const Flags& flags) {
  std::map<int, std::string> values;
  for (const std::string& pcr : flags.pcrs) {
    const std::size_t equals = pcr.find('=');
    int index = 0;
    if (equals == std::string::npos ||
        !absl::SimpleAtoi(pcr.substr(0, equals), &index)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'--pcr ", pcr, "' is not N=HEX"));
    }
    if (!values.emplace(index, pcr.substr(equals + 1)).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("PCR", index, " is given twice"));
    }
  }
  return verify::PcrSet::FromHex(values);
}

template <typename Policy>
absl::StatusOr<Policy> MakePolicy(const Flags& flags) {
  typename Policy::Builder builder;
  if (!flags.pcrs.empty()) {
    auto pcrs = ParsePcrs(flags);
    if (!pcrs.ok()) return pcrs.status();
    builder.ExpectPcrs(*std::move(pcrs));
  }
  if (!flags.nonce.empty()) {
    const auto nonce = verify::DecodeHex(flags.nonce);
    if (!nonce.ok()) return nonce.status();
    builder.ExpectNonce(*nonce);
  }
  if (!flags.user_data.empty()) {
    const auto user_data = verify::DecodeHex(flags.user_data);
    if (!user_data.ok()) return user_data.status();
    builder.ExpectUserData(*user_data);
  }
  if (!flags.public_key.empty()) {
    const auto key = verify::DecodeHex(flags.public_key);
    if (!key.ok()) return key.status();
    builder.ExpectPublicKey(*key);
  }
  if (!flags.modules.empty()) builder.ExpectModules(flags.modules);
  if (!flags.max_age.empty()) {
    const auto age = ParseDuration(flags.max_age);
    if (!age.ok()) return age.status();
    builder.WithMaxAge(*age);
  }
  builder.ExpectPartition(flags.partition);
  if constexpr (std::is_same_v<Policy, verify::EnclavePolicy>) {
    if (flags.allow_debug) builder.AllowDebug(kWhyDebug);
  }
  if (flags.any) return builder.AuthenticityOnly(kWhyAny).Build();
  return builder.IgnoreTheRest(kWhyFlag).Build();
}

std::string Hex(const std::string& bytes) {
  return absl::BytesToHexString(bytes);
}

ordered_json OptionalHex(const std::optional<std::string>& bytes) {
  return bytes.has_value() ? ordered_json(Hex(*bytes)) : ordered_json(nullptr);
}

void Describe(const verify::AttestedFacts& facts, std::string_view type,
              Verdict& verdict) {
  verdict.facts = {{"type", type},
                   {"module_id", facts.module_id},
                   {"instance_id", facts.instance_id},
                   {"region", facts.region},
                   {"partition", facts.partition},
                   {"timestamp", Rfc3339(facts.timestamp)},
                   {"leaf_not_before", Rfc3339(facts.leaf_not_before)},
                   {"leaf_not_after", Rfc3339(facts.leaf_not_after)},
                   {"public_key", OptionalHex(facts.public_key)},
                   {"user_data", OptionalHex(facts.user_data)},
                   {"nonce", OptionalHex(facts.nonce)},
                   {"unknown_keys", facts.unknown_keys}};
  ordered_json pcrs = ordered_json::object();
  for (const auto& [index, value] : facts.pcrs) {
    pcrs[absl::StrCat("PCR", index)] = Hex(value);
  }
  verdict.facts["pcrs"] = std::move(pcrs);
  verdict.anchor = {
      {"slot", absl::StrCat(facts.partition, "//nitro-root")},
      {"spki_sha256", facts.anchor_spki_sha256}};
  verdict.summary = {{"module", facts.module_id},
                     {"region", facts.region},
                     {"made", Rfc3339(facts.timestamp)}};
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
int Verify(const Flags& flags, const Policy& policy,
           const std::optional<verify::RecordedTime>& at, Live live,
           Recorded recorded) {
  const auto anchors = flags.source.Load(
      {.partition = flags.partition,
       .region = "",
       .kind = verify::AnchorKind::kNitroRoot});
  if (!anchors.ok()) {
    PrintError(TextOf(anchors.status()));
    return ExitCodeOf(anchors.status());
  }
  auto text = ReadInput(flags.document);
  if (!text.ok()) {
    PrintError(TextOf(text.status()));
    return ExitCodeOf(text.status());
  }
  Verdict verdict;
  verdict.subject = "attestation";
  verify::Trace trace;
  const auto document = DecodeAttestationText(*std::move(text));
  if (!document.ok()) {
    verdict.status = document.status();
    return PrintVerdict(verdict, trace, *anchors, flags.output);
  }
  const auto verified =
      at.has_value() ? recorded(*document, *anchors->set, policy, *at,
                                nullptr, &trace)
                     : live(*document, *anchors->set, policy, absl::Now(),
                            nullptr, &trace);
  verdict.status = verified.status();
  if (verified.ok()) Describe(verified->facts(), flags.type, verdict);
  return PrintVerdict(verdict, trace, *anchors, flags.output);
}

int Run(const Flags& flags) {
  if (flags.any == flags.HasExpectation()) {
    PrintError(flags.any
                   ? "--any contradicts the other flags"
                   : "nothing to check but the authenticity",
               flags.any ? "leave out --any"
                         : "say what you expect (--pcr, --nonce, ...), or "
                           "--any for authenticity only");
    return kUsage;
  }
  const auto at = RecordedTimeOf(flags);
  if (!at.ok()) {
    PrintError(TextOf(at.status()));
    return kUsage;
  }
  if (flags.type == "enclave") {
    const auto policy = MakePolicy<verify::EnclavePolicy>(flags);
    if (policy.ok()) {
      return Verify(flags, *policy, *at, verify::VerifyEnclave,
                    verify::VerifyRecordedEnclave);
    }
    PrintError(TextOf(policy.status()));
    return kUsage;
  }
  const auto policy = MakePolicy<verify::NitroTpmPolicy>(flags);
  if (policy.ok()) {
    return Verify(flags, *policy, *at, verify::VerifyNitroTpm,
                  verify::VerifyRecordedNitroTpm);
  }
  PrintError(TextOf(policy.status()));
  return kUsage;
}

void AddPolicyFlags(CLI::App& command, Flags& flags) {
  constexpr char kPolicy[] = "What you expect";
  command
      .add_option("--pcr", flags.pcrs,
                  "N=HEX, a measurement (repeatable: all)")
      ->group(kPolicy);
  command.add_option("--nonce", flags.nonce, "hex")->group(kPolicy);
  command.add_option("--user-data", flags.user_data, "hex")->group(kPolicy);
  command
      .add_option("--public-key", flags.public_key,
                  "hex, the exact bytes of the document's field")
      ->group(kPolicy);
  command
      .add_option("--module", flags.modules,
                  "module id, 'i-...-enc...' or 'i-...-tpm...' (repeatable: "
                  "any)")
      ->group(kPolicy);
  command
      .add_option("--max-age", flags.max_age,
                  "oldest document that is accepted live; default 5m")
      ->group(kPolicy);
  command
      .add_flag("--allow-debug", flags.allow_debug,
                "accept an enclave in debug mode, which keeps no secret")
      ->group(kPolicy);
  command.add_flag("--any", flags.any, "authenticity only")->group(kPolicy);
}

}  // namespace

void AddVerifyAttestation(CLI::App& verify, Action& action) {
  CLI::App& command = *verify.add_subcommand(
      "attestation", "Verify a Nitro attestation document");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  command
      .add_option("--document", flags->document,
                  "the document: raw, base64 or hex; '-' is standard input")
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
  command.add_option("--partition", flags->partition, "whose Nitro root")
      ->capture_default_str();
  flags->source.AddTo(command);
  command.add_option("--root", flags->source.certificate,
                     "one PEM root certificate instead of AWS's, for tests");
  flags->output.AddTo(command);
  command.callback([flags, &action] {
    action = [flags] { return Run(*flags); };
  });
}

}  // namespace anchorage::trustctl
