// Collects what `trustctl instance check` judges, within about 15 seconds.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_INSTANCE_FACTS_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_INSTANCE_FACTS_H_

#include <string>

#include "absl/status/statusor.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/instance_check.h"

namespace anchorage::trustctl {

// Asks IMDS, the TPM by `attest_program`, the disk and the server of `source`,
// and writes nothing anywhere: not even into the cache. Whatever is not there is
// among the facts; fails only for flags that cannot be.
absl::StatusOr<InstanceFacts> CollectInstanceFacts(
    const AnchorSource& source, const std::string& attest_program,
    InstanceNeeds needs);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_INSTANCE_FACTS_H_
