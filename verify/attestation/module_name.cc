#include "verify/attestation/module_name.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "verify/partition.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

constexpr std::string_view kInstancePrefix = "i-";
constexpr std::string_view kZonalSuffix = ".zonal";
constexpr std::string_view kAuthoritySuffix = ".nitro-enclaves";

// A name in a known form, in its parts.
struct PlacedName {
  // Everything in front of the region.
  std::string_view label;
  std::string_view region;
  std::string_view partition;
};

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool ConsumeSuffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

// Removes the last dot-separated label from `name` and returns it.
std::optional<std::string_view> ConsumeLabel(std::string_view& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == name.npos) return std::nullopt;
  const std::string_view label = name.substr(dot + 1);
  name = name.substr(0, dot);
  return label;
}

// Reads LABEL.REGION.PARTITION, where LABEL has no dot but in its suffix
// `label_may_end_in`.
std::optional<PlacedName> ReadPlacedName(std::string_view name,
                                         std::string_view label_may_end_in) {
  const auto partition = ConsumeLabel(name);
  if (!partition.has_value() || !IsPartition(*partition)) return std::nullopt;
  const auto region = ConsumeLabel(name);
  if (!region.has_value() || !IsRegionCode(*region)) return std::nullopt;
  std::string_view label = name;
  ConsumeSuffix(label, label_may_end_in);
  if (label.empty() || label.find('.') != label.npos) return std::nullopt;
  return PlacedName{.label = label, .region = *region, .partition = *partition};
}

std::optional<PlacedName> ReadLeafName(
    const std::optional<std::string_view>& name) {
  if (!name.has_value()) return std::nullopt;
  return ReadPlacedName(*name, "");
}

std::optional<PlacedName> ReadAuthorityName(
    const std::optional<std::string_view>& common_name) {
  if (!common_name.has_value()) return std::nullopt;
  std::string_view name = *common_name;
  if (!ConsumeSuffix(name, kAuthoritySuffix)) return std::nullopt;
  return ReadPlacedName(name, kZonalSuffix);
}

// Checks that a name is in the partition, and in one of its regions.
absl::Status CheckPartition(const PlacedName& name, std::string_view partition,
                            int index) {
  if (name.partition == partition &&
      PartitionOfRegion(name.region) == partition) {
    return absl::OkStatus();
  }
  return Reject(Reason::kLeafName,
                absl::StrCat("a certificate is named after a region or a "
                             "partition other than the root's, \"",
                             std::string(partition), "\""),
                index);
}

// Checks one authority; `region` is the region of the names before it, if any.
absl::Status CheckAuthority(const PlacedName& name, const VerifiedChain& chain,
                            const ModulePlace& place,
                            std::optional<std::string_view>& region,
                            int index) {
  const absl::Status partition =
      CheckPartition(name, chain.root->slot().partition, index);
  if (!partition.ok()) return partition;
  if (region.value_or(name.region) != name.region) {
    return Reject(Reason::kLeafName,
                  "an authority is of another region than those below it",
                  index);
  }
  region = name.region;
  if (name.label.starts_with(kInstancePrefix) &&
      place.instance_id.value_or(name.label) != name.label) {
    return Reject(Reason::kLeafName, "an authority is of another instance",
                  index);
  }
  return absl::OkStatus();
}

absl::Status CheckLeaf(const PlacedName& name, const VerifiedChain& chain,
                       std::string_view module_id) {
  if (name.label != module_id) {
    return Reject(Reason::kLeafName,
                  "the leaf is named after another module than the document's",
                  0);
  }
  return CheckPartition(name, chain.root->slot().partition, 0);
}

}  // namespace

std::optional<std::string_view> InstanceIdOf(std::string_view module_id) {
  if (!module_id.starts_with(kInstancePrefix)) return std::nullopt;
  const auto* const begin = module_id.begin() + kInstancePrefix.size();
  const auto* const end = std::find_if_not(begin, module_id.end(), IsHexDigit);
  // The instance id must be the whole module id, or end at its hyphen.
  if (end == begin || (end != module_id.end() && *end != '-')) {
    return std::nullopt;
  }
  return module_id.substr(0, static_cast<std::size_t>(end - module_id.begin()));
}

absl::StatusOr<ModulePlace> PlaceOfModule(const VerifiedChain& chain,
                                          std::string_view module_id) {
  ModulePlace place;
  place.instance_id = InstanceIdOf(module_id);
  const auto leaf = ReadLeafName(chain.leaf().common_name);
  if (leaf.has_value()) {
    const absl::Status fits = CheckLeaf(*leaf, chain, module_id);
    if (!fits.ok()) return fits;
    place.region = leaf->region;
  }
  std::optional<std::string_view> region = place.region;
  // From the leaf up. The root is left out: it stands above every region.
  const int root = static_cast<int>(chain.certificates.size()) - 1;
  for (int index = 1; index < root; ++index) {
    const auto name = ReadAuthorityName(
        chain.certificates[static_cast<std::size_t>(root - index)].common_name);
    if (!name.has_value()) {
      place.unknown_authority = index;
      continue;
    }
    const absl::Status fits =
        CheckAuthority(*name, chain, place, region, index);
    if (!fits.ok()) return fits;
  }
  return place;
}

}  // namespace anchorage::verify
