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
// README.md has all of it. A file that begins with "{" is JSON, and strict. A
// UTF-8 byte order mark at the start is skipped.
//
// Pure, and safe to call from any number of threads.

#ifndef ANCHORAGE_CLIENT_POLICY_IDENTITY_POLICY_DOCUMENT_H_
#define ANCHORAGE_CLIENT_POLICY_IDENTITY_POLICY_DOCUMENT_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "verify/identity/identity_policy.h"

namespace anchorage::anchors {

// Reads `text`, at most 256 KiB. Messages begin with `name`. Fails as
// YamlFields (yaml_fields.h), ParseJson() and IdentityPolicy::Builder do; with
// kEncodingMalformed for the byte order mark of UTF-16.
absl::StatusOr<verify::IdentityPolicy> ReadIdentityPolicy(
    std::string_view text, const std::string& name);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_CLIENT_POLICY_IDENTITY_POLICY_DOCUMENT_H_
