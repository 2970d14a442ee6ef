#include "tools/trustctl/instance_check.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "anchors/tuf/tuf_error.h"
#include "client/instance/instance_error.h"
#include "tools/trustctl/instance_lines.h"
#include "verify/reason.h"

namespace anchorage::trustctl {
namespace {

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

struct Check {
  std::string_view id;
  CheckLine (*judge)(const InstanceFacts&);
};

constexpr Check kChecks[] = {
    {"machine", JudgeMachine}, {"imds", JudgeImds},
    {"forms", JudgeForms},     {"identity", JudgeIdentity},
    {"account", JudgeAccount}, {"region", JudgeRegion},
    {"image", JudgeImage},     {"product-codes", JudgeProductCodes},
    {"tpm", JudgeTpm},         {"attestation", JudgeAttestation},
    {"anchors", JudgeAnchors}, {"clock", JudgeClock},
    {"cache", JudgeCache},     {"server", JudgeServer},
};

}  // namespace

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

std::vector<CheckLine> Judge(const InstanceFacts& facts) {
  std::vector<CheckLine> lines;
  for (const Check& check : kChecks) {
    lines.push_back(check.judge(facts));
    lines.back().id = check.id;
  }
  return lines;
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
  // It begins with the id of the instance, which an enclave has nowhere else.
  if (facts.attestation.has_value()) {
    secrets.push_back(facts.attestation->module_id);
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
