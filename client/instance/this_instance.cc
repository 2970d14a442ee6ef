#include "client/instance/this_instance.h"

#include <algorithm>

#include "absl/time/time.h"
#include "anchors/base/no_throw.h"

namespace anchorage::client {

std::vector<verify::IdentityForm> FormsAllowedBy(
    const verify::IdentityPolicy& policy) {
  std::vector<verify::IdentityForm> forms;
  for (const verify::IdentityFormRow& row : verify::kIdentityForms) {
    const verify::IdentityFacts facts{.document = {},
                                      .partition = {},
                                      .kind = row.kind,
                                      .at = absl::InfinitePast()};
    if (policy.Check(verify::IdentityCondition::kMinimumKind, facts).ok()) {
      forms.push_back(row.form);
    }
  }
  std::sort(forms.begin(), forms.end(), [](auto a, auto b) {
    return verify::AnchorKindOf(a) > verify::AnchorKindOf(b);
  });
  return forms;
}

absl::StatusOr<verify::VerifiedIdentity> VerifyThisInstance(
    const TrustClient& client, const verify::IdentityPolicy& policy,
    const ThisInstanceOptions& options) {
  return anchors::NoThrow([&]() -> absl::StatusOr<verify::VerifiedIdentity> {
    const auto imds = Imds::Open(options.imds);
    if (!imds.ok()) return imds.status();
    const std::vector<verify::IdentityForm> forms = FormsAllowedBy(policy);
    const auto identity = (*imds)->FetchFirst(forms);
    if (!identity.ok()) {
      if (!forms.empty()) {
        client.CountUnreadable(identity.status(), forms.front());
      }
      return identity.status();
    }
    return client.VerifyIdentity(identity->evidence(), policy, options.replay,
                                 options.trace, options.used);
  });
}

}  // namespace anchorage::client
