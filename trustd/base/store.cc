#include "trustd/base/store.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace anchorage::trustd {
namespace {

constexpr char kWentBackUrl[] = "anchorage.trustd/store-went-back";
constexpr char kShownUrl[] = "anchorage.trustd/timestamp-shown";

}  // namespace

absl::Status Store::CopyTo(const std::string&) const {
  return absl::UnimplementedError("this store cannot be copied");
}

absl::Status StoreWentBack(std::string_view found) {
  absl::Status status = absl::FailedPreconditionError(absl::StrCat(
      "the store went back: ", std::string(found),
      ". What it has is served, and nothing is signed until an operator says "
      "'trustctl store accept' (see trustd/INCIDENTS.md)"));
  status.SetPayload(kWentBackUrl, absl::Cord());
  return status;
}

bool IsStoreWentBack(const absl::Status& status) {
  return status.GetPayload(kWentBackUrl).has_value();
}

absl::Status TimestampShown(std::uint64_t ours, std::uint64_t shown) {
  absl::Status status = StoreWentBack(absl::StrCat(
      "timestamp is ", ours, ", and a client has ", shown,
      ", signed with our own key. If nobody put the store back, that key is in "
      "other hands: publish a root that replaces it"));
  status.SetPayload(kShownUrl, absl::Cord());
  return status;
}

bool IsTimestampShown(const absl::Status& status) {
  return status.GetPayload(kShownUrl).has_value();
}

}  // namespace anchorage::trustd
