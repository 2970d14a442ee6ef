#include "trustd/store.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace anchorage::trustd {
namespace {

constexpr char kWentBackUrl[] = "anchorage.trustd/store-went-back";

}  // namespace

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

}  // namespace anchorage::trustd
