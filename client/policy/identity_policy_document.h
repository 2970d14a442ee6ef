// Reads a policy for identity documents from a file that people write, YAML or
// JSON:
//
//     product_codes: {any_of: [d3b4kh7x1vk0a6nwqw8kvmkq4]}
//     partitions: [aws]
//     minimum_kind: iid-rsa2048
//     ignore:
//       max_age: a licence holds as long as the instance runs
//     ignore_the_rest: a licence holds for any account anywhere
//
// Pure, and safe to call from any number of threads.

#ifndef ANCHORAGE_CLIENT_POLICY_IDENTITY_POLICY_DOCUMENT_H_
#define ANCHORAGE_CLIENT_POLICY_IDENTITY_POLICY_DOCUMENT_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "verify/identity/identity_policy.h"

namespace anchorage::anchors {

absl::StatusOr<verify::IdentityPolicy> ReadIdentityPolicy(
    std::string_view text, const std::string& name);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_CLIENT_POLICY_IDENTITY_POLICY_DOCUMENT_H_
