#include "tools/trustctl/instance_check.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "anchors/tuf/tuf_error.h"
#include "client/instance/instance_error.h"
#include "client/ladder.h"
#include "tools/trustctl/time_output.h"
#include "verify/identity/identity_verifier.h"
#include "verify/reason.h"

namespace anchorage::trustctl {
namespace {

using client::InstanceReason;
using verify::Freshness;
using Attestation = InstanceNeeds::Attestation;

CheckLine Ok(std::string detail) {
  return {.mark = Mark::kOk, .detail = std::move(detail)};
}

CheckLine Skipped(std::string why) {
  return {.mark = Mark::kSkipped, .detail = std::move(why)};
}

CheckLine Warn(std::string reason, std::string detail, std::string hint) {
  return {.mark = Mark::kWarn,
          .reason = std::move(reason),
          .hint = std::move(hint),
          .detail = std::move(detail)};
}

CheckLine Fail(ExitCode code, std::string reason, std::string detail,
               std::string hint) {
  CheckLine line = Warn(std::move(reason), std::move(detail), std::move(hint));
  line.mark = Mark::kFail;
  line.exit_code = code;
  return line;
}

std::string NameOfReason(const absl::Status& status) {
  if (const auto reason = verify::ReasonOf(status)) {
    return std::string(verify::NameOf(*reason));
  }
  if (const auto reason = client::InstanceReasonOf(status)) {
    return std::string(client::NameOf(*reason));
  }
  if (const auto reason = anchors::tuf::TufReasonOf(status)) {
    return std::string(anchors::tuf::NameOf(*reason));
  }
  return absl::StatusCodeToString(status.code());
}

CheckLine WarnOf(const absl::Status& why, std::string hint) {
  std::string reason = NameOfReason(why);
  const std::string text = TextOf(why);
  absl::string_view detail = text;
  absl::ConsumePrefix(&detail, reason + ": ");
  return Warn(std::move(reason), std::string(detail), std::move(hint));
}

CheckLine FailOf(const absl::Status& why, std::string hint) {
  CheckLine line = WarnOf(why, std::move(hint));
  line.mark = Mark::kFail;
  line.exit_code = ExitCodeOf(why);
  return line;
}

// In whole units, for people.
std::string AgeOf(absl::Time time, absl::Time now) {
  const absl::Duration age = now - time;
  if (age < absl::ZeroDuration()) return "later than this clock";
  for (const auto& [unit, name] :
       {std::pair(absl::Hours(24), "day"), std::pair(absl::Hours(1), "hour"),
        std::pair(absl::Minutes(1), "minute")}) {
    if (const auto count = age / unit; count > 0) {
      return absl::StrCat(count, " ", name, count == 1 ? "" : "s", " ago");
    }
  }
  return "just now";
}

CheckLine JudgeMachine(const InstanceFacts& facts) {
  const Machine& machine = facts.machine;
  const char* const boot = !machine.uefi.has_value() ? ""
                           : *machine.uefi           ? ", booted by UEFI"
                                                     : ", booted by BIOS";
  const std::string runtime =
      machine.execution.empty() ? "" : ", in " + machine.execution;
  switch (machine.kind) {
    case Machine::Kind::kNitro:
      return Ok(absl::StrCat("EC2, ", machine.instance_type, ", Nitro-based",
                             boot, runtime));
    case Machine::Kind::kXen:
      return Ok(absl::StrCat("EC2, Xen-based", boot, runtime));
    case Machine::Kind::kNotEc2:
      return Warn("NOT_EC2",
                  absl::StrCat("made by ", machine.vendor, ", not Amazon EC2",
                               boot, runtime),
                  "run it on the instance itself");
    case Machine::Kind::kUnknown:
      break;
  }
  return Skipped("nothing says who made this machine" + runtime);
}

std::string InstanceIdOf(const InstanceFacts& facts) {
  if (facts.imds.document.has_value()) return facts.imds.document->instance_id;
  return facts.machine.instance_id.empty() ? "INSTANCE"
                                           : facts.machine.instance_id;
}

std::string ModifyImds(const InstanceFacts& facts, const char* what) {
  return absl::StrCat(
      "from where AWS's API may be called: aws ec2 "
      "modify-instance-metadata-options --instance-id ",
      InstanceIdOf(facts), " ", what);
}

std::string HintForImds(const InstanceFacts& facts) {
  switch (client::InstanceReasonOf(facts.imds.session)
              .value_or(InstanceReason::kInstanceUnavailable)) {
    case InstanceReason::kImdsAbsent:
      if (!facts.machine.execution.empty() ||
          facts.machine.kind == Machine::Kind::kNotEc2) {
        return "there is no IMDS on Fargate, on Lambda, or outside EC2: "
               "identity documents come from an EC2 instance alone";
      }
      return "look at what keeps this process from 169.254.169.254: a route, a "
             "firewall (iptables, nftables), the network of a container";
    case InstanceReason::kImdsDisabled:
      return ModifyImds(facts, "--http-endpoint enabled") +
             "; where it is, a filter on this host forbids it";
    case InstanceReason::kImdsHopLimit:
      return ModifyImds(facts, "--http-put-response-hop-limit 2");
    case InstanceReason::kImdsThrottled:
    case InstanceReason::kImdsTimeout:
      return "find what on this host asks 169.254.169.254 and its neighbours "
             "for DNS and time so often: ethtool -S eth0 | grep "
             "linklocal_allowance_exceeded";
    case InstanceReason::kImdsAnswerInvalid:
    case InstanceReason::kImdsTokenRequired:
      return "something else answers in IMDS's place: find what redirects or "
             "serves 169.254.169.254 here";
    default:
      return "install libcurl (Debian: libcurl4; Amazon Linux: libcurl)";
  }
}

CheckLine JudgeImds(const InstanceFacts& facts) {
  if (!facts.imds.session.ok()) {
    if (facts.machine.enclave) return Skipped("an enclave has no network");
    return FailOf(facts.imds.session, HintForImds(facts));
  }
  return Ok(facts.imds.endpoint + ", with a token");
}

CheckLine JudgeForms(const InstanceFacts& facts) {
  if (!facts.imds.session.ok()) return Skipped("no IMDS");
  constexpr char kAgain[] =
      "run it again; where that does not help, find what is between this "
      "process and IMDS";
  std::vector<std::string> served;
  for (const FormFacts& form : facts.imds.forms) {
    if (form.served.ok()) {
      served.emplace_back(NameOf(form.form));
    } else if (!absl::IsNotFound(form.served)) {
      // A product asks for no weaker form after that.
      return served.empty() ? FailOf(form.served, kAgain)
                            : WarnOf(form.served, kAgain);
    }
  }
  if (served.empty()) {
    return FailOf(
        client::NotFromInstance(InstanceReason::kIdentityFormNotServed,
                                "IMDS has none of the forms"),
        kAgain);
  }
  return Ok(absl::StrJoin(served, ", "));
}

// The instance that DMI names against that of the document: an IMDS that is
// relayed may give a genuine document of another one.
bool IsOfAnother(const InstanceFacts& facts) {
  const std::string& here = facts.machine.instance_id;
  return !here.empty() && facts.imds.document.has_value() &&
         facts.imds.document->instance_id != here;
}

CheckLine JudgeIdentity(const InstanceFacts& facts) {
  constexpr char kHint[] =
      "either these anchors lack a key of AWS's (newer ones come from a "
      "trustd: "
      "--server), or what IMDS gave was changed: 'trustctl verify identity' "
      "shows each step";
  std::vector<std::string> verified;
  for (const FormFacts& form : facts.imds.forms) {
    if (absl::IsNotFound(form.served)) continue;
    if (!form.served.ok()) break;
    const std::string name(NameOf(form.form));
    if (!form.verified.ok()) {
      CheckLine line = verified.empty() ? FailOf(form.verified, kHint)
                                        : WarnOf(form.verified, kHint);
      line.detail = absl::StrCat(name, ": ", line.detail);
      return line;
    }
    verified.push_back(name);
  }
  if (verified.empty()) return Skipped("no document");
  if (IsOfAnother(facts)) {
    return Fail(
        kStaleOrForAnother, "INSTANCE_NOT_THIS",
        absl::StrCat("genuine, and of ", facts.imds.document->instance_id,
                     ", while this is ", facts.machine.instance_id),
        "find what relays IMDS of another instance to this one");
  }
  return Ok(absl::StrCat(absl::StrJoin(verified, ", "), " verified, of ",
                         facts.imds.document->instance_id));
}

template <std::string verify::IdentityDocument::*kField>
CheckLine JudgeField(const InstanceFacts& facts) {
  if (!facts.imds.document.has_value()) return Skipped("no verified identity");
  return Ok((*facts.imds.document).*kField);
}

CheckLine JudgeProductCodes(const InstanceFacts& facts) {
  const std::vector<std::string>& needed = facts.needs.product_codes;
  if (!facts.imds.document.has_value()) return Skipped("no verified identity");
  const auto& codes = facts.imds.document->marketplace_product_codes;
  const std::string has = codes.has_value() && !codes->empty()
                              ? absl::StrJoin(*codes, ", ")
                              : "none";
  for (const std::string& code : needed) {
    if (codes.has_value() &&
        std::find(codes->begin(), codes->end(), code) != codes->end()) {
      continue;
    }
    return Fail(
        ExitCodeOf(verify::Reason::kProductCodeNotAllowed),
        std::string(verify::NameOf(verify::Reason::kProductCodeNotAllowed)),
        absl::StrCat(code, " is not among them: ", has),
        "launch it from the product's image in AWS Marketplace, with a "
        "subscription in this account");
  }
  return Ok(has);
}

// Why there is no TPM, as far as that can be told here; what to do.
std::pair<const char*, std::string> WhyNoTpm(const InstanceFacts& facts) {
  const Machine& machine = facts.machine;
  if (machine.tpm_device == Machine::TpmDevice::kNotPermitted) {
    return {"TPM_NOT_PERMITTED",
            "run it as root, or let the user into the group of /dev/tpm0: "
            "usermod -aG tss USER"};
  }
  if (machine.tpm_in_kernel) {
    return {"TPM_DEVICE_HIDDEN",
            "the kernel has a TPM, and /dev/tpm0 is not here: give it to the "
            "container (--device /dev/tpm0), or allow it in the unit "
            "(DeviceAllow=/dev/tpm0 rw)"};
  }
  if (machine.tpm_in_firmware) {
    return {"TPM_DRIVER_MISSING",
            "the firmware has a TPM, and the kernel no driver for it: modprobe "
            "tpm_crb"};
  }
  switch (machine.kind) {
    case Machine::Kind::kUnknown:
      if (facts.imds.document.has_value()) break;
      [[fallthrough]];
    case Machine::Kind::kNotEc2:
      return {"TPM_ABSENT", "a NitroTPM is part of a Nitro-based instance"};
    case Machine::Kind::kXen:
      return {"TPM_TYPE_WITHOUT",
              "types on Xen have no NitroTPM: change the instance to a "
              "Nitro-based type"};
    case Machine::Kind::kNitro:
      break;
  }
  if (!machine.uefi.value_or(true)) {
    return {"TPM_IMAGE_WITHOUT_UEFI",
            "a NitroTPM needs UEFI: register the image with --boot-mode uefi "
            "--tpm-support v2.0, and launch a new instance from it"};
  }
  const std::string image =
      facts.imds.document.has_value() ? facts.imds.document->image_id : "IMAGE";
  return {
      "TPM_IMAGE_OR_TYPE_WITHOUT",
      absl::StrCat(
          "the image was registered without TPM support (aws ec2 "
          "describe-images --image-ids ",
          image, " --query 'Images[].TpmSupport'), or ", machine.instance_type,
          " has none (aws ec2 describe-instance-types --instance-types ",
          machine.instance_type,
          " --query 'InstanceTypes[].NitroTpmSupport')")};
}

// A line that is a failure only where attestation is needed.
CheckLine AsNeeded(const InstanceFacts& facts, ExitCode code, CheckLine line) {
  if (facts.needs.attestation == Attestation::kNeed) {
    line.mark = Mark::kFail;
    line.exit_code = code;
  }
  return line;
}

CheckLine JudgeTpm(const InstanceFacts& facts) {
  if (facts.needs.attestation == Attestation::kIgnore) {
    return Skipped("not asked for");
  }
  const Machine& machine = facts.machine;
  if (machine.enclave) return Ok("/dev/nsm, of an enclave");
  if (machine.tpm_device != Machine::TpmDevice::kUsable) {
    auto [reason, hint] = WhyNoTpm(facts);
    const bool there = machine.tpm_device != Machine::TpmDevice::kAbsent;
    return AsNeeded(
        facts, there ? kRefusedByPolicy : kUndecided,
        Warn(reason, there ? "/dev/tpm0 is not for this user" : "no /dev/tpm0",
             std::move(hint)));
  }
  return Ok("/dev/tpm0");
}

std::string HintForAttestation(const absl::Status& why) {
  switch (client::InstanceReasonOf(why).value_or(
      InstanceReason::kInstanceUnavailable)) {
    case InstanceReason::kAttestationAbsent:
      return "install nitro-tpm-attest: on Amazon Linux 2023 it is in the "
             "package aws-nitro-tpm-tools";
    case InstanceReason::kAttestationForbidden:
      return "a NitroTPM: run it as root, or let the user into the group of "
             "/dev/tpm0: usermod -aG tss USER; an enclave: run it with "
             "CAP_SYS_ADMIN";
    case InstanceReason::kAttestationTimeout:
      return "find what else uses the TPM: fuser /dev/tpm0";
    default:
      return "see what it says of itself: 'trustctl instance attest'";
  }
}

CheckLine JudgeAttestation(const InstanceFacts& facts) {
  if (!facts.attestation.has_value()) {
    return Skipped(facts.needs.attestation == Attestation::kIgnore
                       ? "not asked for"
                       : "no TPM to ask");
  }
  const AttestationFacts& attestation = *facts.attestation;
  if (!attestation.served.ok()) {
    return AsNeeded(
        facts, ExitCodeOf(attestation.served),
        WarnOf(attestation.served, HintForAttestation(attestation.served)));
  }
  if (!attestation.verified.ok()) {
    return AsNeeded(
        facts, ExitCodeOf(attestation.verified),
        WarnOf(attestation.verified, "see the lines on anchors and clock"));
  }
  return Ok(absl::StrCat(attestation.module_id, " verified"));
}

std::string AnchorsText(const verify::AnchorProvenance& anchors,
                        Freshness freshness, absl::Time now) {
  std::string text =
      absl::StrCat(std::string(NameOf(anchors.origin)), " sequence ",
                   anchors.sequence, ", ", std::string(NameOf(freshness)));
  if (IsFinite(anchors.as_of)) {
    absl::StrAppend(&text, ", as of ", Rfc3339(anchors.as_of), " (",
                    AgeOf(anchors.as_of, now), ")");
  }
  return text;
}

CheckLine JudgeAnchors(const InstanceFacts& facts) {
  const std::string text =
      AnchorsText(facts.anchors, facts.freshness, facts.now);
  constexpr char kRefresh[] =
      "see that the product reaches its trustd: --server and --trusted-root "
      "here show whether this host does";
  switch (facts.freshness) {
    case Freshness::kExpired: {
      constexpr auto kReason = verify::Reason::kAnchorsExpired;
      CheckLine line =
          Warn(std::string(verify::NameOf(kReason)), text, kRefresh);
      if (facts.needs.refuse_expired) {
        line.mark = Mark::kFail;
        line.exit_code = ExitCodeOf(kReason);
      }
      return line;
    }
    case Freshness::kStale:
      return Warn("ANCHORS_STALE", text, kRefresh);
    case Freshness::kBakedIn:
      if (facts.anchors.origin == verify::Origin::kBakedIn &&
          facts.now - facts.anchors.as_of > client::kBakedInLife) {
        return Warn("ANCHORS_BAKED_IN_OLD", text,
                    "these are trustctl's own: name where the product has its "
                    "anchors from, --cache or --server, or install a newer "
                    "trustctl");
      }
      break;
    case Freshness::kFresh:
      break;
  }
  return Ok(text);
}

// What is dated by others, and can be no later than now.
CheckLine JudgeClock(const InstanceFacts& facts) {
  std::vector<std::pair<absl::Time, const char*>> dates = {
      {facts.anchors.as_of, "the anchors"}};
  if (facts.imds.document.has_value()) {
    dates.emplace_back(facts.imds.document->pending_time,
                       "the identity document");
  }
  const std::optional<absl::Time> attested =
      facts.attestation.has_value() ? facts.attestation->made : std::nullopt;
  if (attested.has_value()) dates.emplace_back(*attested, "the attestation");
  constexpr char kHint[] =
      "set this machine's clock: chronyc makestep (AWS's own time is at "
      "169.254.169.123)";
  constexpr auto kReason = verify::Reason::kClockSuspect;
  const auto suspect = [&](std::string detail) {
    return Fail(ExitCodeOf(kReason), std::string(verify::NameOf(kReason)),
                std::move(detail), kHint);
  };
  const auto& [latest, what] = *std::max_element(dates.begin(), dates.end());
  if (facts.now < latest - verify::kMaxClockSlack) {
    return suspect(absl::StrCat(Rfc3339(facts.now), " is before ", what, " of ",
                                Rfc3339(latest)));
  }
  if (!IsFinite(latest)) return Ok(Rfc3339(facts.now));
  if (!attested.has_value()) {
    return Ok(absl::StrCat(Rfc3339(facts.now), ", not before ", what, " of ",
                           Rfc3339(latest)));
  }
  if (facts.now > *attested + verify::kMaxClockSlack) {
    return suspect(absl::StrCat(Rfc3339(facts.now),
                                " is after the attestation that was just "
                                "made, at ",
                                Rfc3339(*attested)));
  }
  return Ok(Rfc3339(facts.now) + ", as the attestation says");
}

CheckLine JudgeCache(const InstanceFacts& facts) {
  if (!facts.cache.has_value()) return Skipped("no --cache");
  const CacheFacts& cache = *facts.cache;
  if (absl::IsNotFound(cache.found)) {
    return Warn("CACHE_ABSENT", TextOf(cache.found),
                "the product makes it when it first starts; 'trustctl cache "
                "refresh' does so before that");
  }
  if (!cache.found.ok()) {
    return Warn("CACHE_UNREADABLE", TextOf(cache.found),
                absl::StrCat("run it as the product's user, or: chmod go+rX ",
                             cache.folder));
  }
  const std::string folder =
      absl::StrCat(cache.folder, ", owner ", cache.owner, ", mode ",
                   absl::StrFormat("%04o", cache.mode),
                   cache.writable ? "" : ", read-only here");
  if (!cache.owner_trusted) {
    return Fail(kRefusedByPolicy, "CACHE_OF_ANOTHER", folder,
                "give it to root or to the product's user, after a look at "
                "what is in it: 'trustctl cache verify'");
  }
  if ((cache.mode & 0022) != 0) {
    return Fail(kRefusedByPolicy, "CACHE_WRITABLE_BY_OTHERS", folder,
                absl::StrCat("chmod go-w ", cache.folder,
                             ", after a look at what is in it: 'trustctl "
                             "cache verify'"));
  }
  if (cache.empty) {
    return Warn("CACHE_EMPTY", folder,
                "the product fills it with its first refresh; 'trustctl cache "
                "refresh' does so before that");
  }
  if (!cache.usable.ok()) {
    return Warn("CACHE_UNUSABLE",
                absl::StrCat(folder, ": ", TextOf(cache.usable)),
                "the next refresh mends it; until then a client has what it "
                "was built with: 'trustctl cache verify' says more");
  }
  return Ok(absl::StrCat(
      folder, "; ", AnchorsText(cache.provenance, cache.freshness, facts.now)));
}

CheckLine JudgeServer(const InstanceFacts& facts) {
  if (!facts.server.has_value()) return Skipped("no --server");
  const ServerFacts& server = *facts.server;
  if (!server.refreshed.ok()) {
    CheckLine line = WarnOf(
        server.refreshed,
        "'trustctl bundle show' with the same flags asks it again; a client "
        "goes on with what it last verified");
    line.detail = absl::StrCat(server.name, ": ", line.detail);
    return line;
  }
  return Ok(absl::StrCat(server.name, ", sequence ", server.provenance.sequence,
                         ", fresh until ",
                         Rfc3339(server.provenance.fresh_until)));
}

struct Check {
  std::string_view id;
  CheckLine (*judge)(const InstanceFacts&);
};

using Document = verify::IdentityDocument;
constexpr Check kChecks[] = {
    {"machine", JudgeMachine},
    {"imds", JudgeImds},
    {"forms", JudgeForms},
    {"identity", JudgeIdentity},
    {"account", JudgeField<&Document::account_id>},
    {"region", JudgeField<&Document::region>},
    {"image", JudgeField<&Document::image_id>},
    {"product-codes", JudgeProductCodes},
    {"tpm", JudgeTpm},
    {"attestation", JudgeAttestation},
    {"anchors", JudgeAnchors},
    {"clock", JudgeClock},
    {"cache", JudgeCache},
    {"server", JudgeServer},
};

}  // namespace

std::string_view NameOf(Mark mark) {
  constexpr std::string_view kNames[] = {"ok", "warn", "fail", "skipped"};
  return kNames[static_cast<int>(mark)];
}

std::vector<CheckLine> Judge(const InstanceFacts& facts) {
  std::vector<CheckLine> lines;
  for (const Check& check : kChecks) {
    lines.push_back(check.judge(facts));
    lines.back().id = check.id;
  }
  return lines;
}

Mark WorstOf(const std::vector<CheckLine>& lines) {
  Mark worst = Mark::kOk;
  for (const CheckLine& line : lines) {
    if (line.mark != Mark::kSkipped) worst = std::max(worst, line.mark);
  }
  return worst;
}

int ExitCodeOf(const std::vector<CheckLine>& lines, bool strict) {
  for (const CheckLine& line : lines) {
    if (line.mark == Mark::kFail) return line.exit_code;
  }
  return strict && WorstOf(lines) == Mark::kWarn ? kUsage : kAccepted;
}

std::vector<std::string> SecretsOf(const InstanceFacts& facts) {
  std::vector<std::string> secrets = {facts.machine.instance_id};
  if (facts.imds.document.has_value()) {
    secrets.push_back(facts.imds.document->account_id);
    secrets.push_back(facts.imds.document->instance_id);
  }
  if (facts.server.has_value()) secrets.push_back(facts.server->name);
  return secrets;
}

void Redact(const std::vector<std::string>& secrets,
            std::vector<CheckLine>& lines) {
  std::vector<std::pair<std::string, std::string>> replacements;
  for (const std::string& secret : secrets) {
    if (!secret.empty()) replacements.emplace_back(secret, "[redacted]");
  }
  for (CheckLine& line : lines) {
    line.detail = absl::StrReplaceAll(line.detail, replacements);
    line.hint = absl::StrReplaceAll(line.hint, replacements);
  }
}

}  // namespace anchorage::trustctl
