#include "test/fuzz/tuf_evidence.h"

#include <utility>

#include "test/fuzz/fuzz.h"

namespace anchorage::test {

using anchors::tuf::DelegationSpec;
using anchors::tuf::RepositorySimulator;

absl::Time FuzzUpdateNow() { return absl::FromUnixSeconds(1'800'000'000); }

const RepositorySimulator& FuzzRepository() {
  static const auto* const repository = [] {
    auto* r = new RepositorySimulator(FuzzUpdateNow());
    const std::string delegated(kFuzzDelegatedRole);
    r->AddTarget("targets", "catalog/v1/anchors.json", "bytes");
    DelegationSpec delegation;
    delegation.name = delegated;
    delegation.paths = {{"other/*"}};
    r->AddDelegation("targets", std::move(delegation));
    r->AddTarget(delegated, "other/file", "other bytes");
    r->Publish({"root", delegated, "targets", "snapshot", "timestamp"});
    r->list_hashes = true;
    r->RotateKeys("timestamp");
    r->Publish({"root", delegated, "targets", "snapshot", "timestamp"});
    return r;
  }();
  return *repository;
}

std::string EncodeStep(UpdateStep step, std::string_view bytes,
                       unsigned signers) {
  std::string out(1, static_cast<char>(static_cast<unsigned>(step) |
                                       signers << kSignerShift));
  return out + Part(bytes);
}

}  // namespace anchorage::test
