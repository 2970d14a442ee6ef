#include "verify/attestation/module_name.h"

#include <algorithm>

#include "verify/reason.h"

namespace anchorage::verify {
namespace {

constexpr std::string_view kInstancePrefix = "i-";
constexpr std::string_view kLeafSuffix = ".aws";
constexpr std::string_view kAuthoritySuffix = ".aws.nitro-enclaves";

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool IsRegion(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// Takes `prefix` off the front of `text`.
bool ConsumePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool ConsumeSuffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

// Whether an authority of this name may stand above a leaf of `instance` in
// `region`.
bool MayStandAbove(std::string_view name, std::string_view instance,
                   std::string_view region) {
  if (!ConsumeSuffix(name, kAuthoritySuffix)) return true;
  const std::size_t dot = name.rfind('.');
  if (dot == name.npos || name.substr(dot + 1) != region) return false;
  const std::string_view label = name.substr(0, dot);
  return !label.starts_with(kInstancePrefix) || label == instance;
}

}  // namespace

std::string_view InstanceIdOf(std::string_view module_id) {
  std::string_view rest = module_id;
  if (!ConsumePrefix(rest, kInstancePrefix)) return {};
  const auto end = std::find_if_not(rest.begin(), rest.end(), IsHexDigit);
  const auto digits = static_cast<std::size_t>(end - rest.begin());
  // The id must be all of the module's name, or end at its hyphen.
  if (digits == 0 || (end != rest.end() && *end != '-')) return {};
  return module_id.substr(0, kInstancePrefix.size() + digits);
}

absl::StatusOr<std::string_view> RegionOfLeaf(const Certificate& leaf,
                                              std::string_view module_id) {
  if (!leaf.common_name.has_value()) {
    return Reject(Reason::kLeafName, "the leaf has no common name", 0);
  }
  std::string_view name = *leaf.common_name;
  if (!ConsumePrefix(name, module_id) || !ConsumePrefix(name, ".") ||
      !ConsumeSuffix(name, kLeafSuffix) || !IsRegion(name)) {
    return Reject(Reason::kLeafName,
                  "the leaf's common name is not module, region and \".aws\"",
                  0);
  }
  return name;
}

absl::Status CheckAuthorityNames(const VerifiedChain& chain,
                                 std::string_view module_id,
                                 std::string_view region) {
  const std::string_view instance = InstanceIdOf(module_id);
  const std::size_t count = chain.certificates.size();
  // The root stands above every region.
  for (std::size_t i = 1; i + 1 < count; ++i) {
    const auto& name = chain.certificates[i].common_name;
    if (name.has_value() && !MayStandAbove(*name, instance, region)) {
      return Reject(Reason::kLeafName,
                    "an authority is of another region or instance",
                    static_cast<int>(count - 1 - i));
    }
  }
  return absl::OkStatus();
}

}  // namespace anchorage::verify
