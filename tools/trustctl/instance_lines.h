// Private to the checks: what their files share.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_INSTANCE_LINES_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_INSTANCE_LINES_H_

#include <string>

#include "absl/status/status.h"
#include "tools/trustctl/instance_check.h"

namespace anchorage::trustctl {

// Lines without an id.
CheckLine Ok(std::string detail);
CheckLine Skipped(std::string why);
CheckLine Warn(std::string reason, std::string detail, std::string hint);
CheckLine Fail(ExitCode code, std::string reason, std::string detail,
               std::string hint);
// With the reason, the text and the exit code of `why`.
CheckLine WarnOf(const absl::Status& why, std::string hint);
CheckLine FailOf(const absl::Status& why, std::string hint);

// What IMDS gives (instance_identity_lines.cc).
CheckLine JudgeImds(const InstanceFacts& facts);
CheckLine JudgeForms(const InstanceFacts& facts);
CheckLine JudgeIdentity(const InstanceFacts& facts);
CheckLine JudgeAccount(const InstanceFacts& facts);
CheckLine JudgeRegion(const InstanceFacts& facts);
CheckLine JudgeImage(const InstanceFacts& facts);
CheckLine JudgeProductCodes(const InstanceFacts& facts);

// The machine itself (instance_machine_lines.cc).
CheckLine JudgeMachine(const InstanceFacts& facts);
CheckLine JudgeTpm(const InstanceFacts& facts);
CheckLine JudgeAttestation(const InstanceFacts& facts);

// What it is judged with (instance_anchor_lines.cc).
CheckLine JudgeAnchors(const InstanceFacts& facts);
CheckLine JudgeClock(const InstanceFacts& facts);
CheckLine JudgeCache(const InstanceFacts& facts);
CheckLine JudgeServer(const InstanceFacts& facts);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_INSTANCE_LINES_H_
