#include "trustd/console/request.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace anchorage::trustd {
namespace {

constexpr std::size_t kMostDigits = 12;
constexpr std::uint64_t kYearEnd = 10'000;
constexpr std::size_t kMaxHostBytes = 253;
constexpr absl::string_view kBasic = "Basic ";

absl::string_view Text(std::string_view text) {
  return {text.data(), text.size()};
}

bool SetParameter(std::string_view name, std::string_view value,
                  ListQuery& query) {
  if (name == "state") {
    query.open_only = true;
    return value == "open";
  }
  const auto number = ReadNumber(value);
  if (!number.has_value()) return false;
  if (name == "page") query.page = *number;
  if (name == "year") query.year = static_cast<int>(*number % kYearEnd);
  return name == "page" || (name == "year" && *number < kYearEnd);
}

}  // namespace

const std::vector<PageEntry>& PageEntries() {
  static const auto* const kEntries = new std::vector<PageEntry>{
      {"/", "overview", "Overview", {}},
      {"/anchors", "anchors", "Anchors", {}},
      {"/changes", "changes", "Changes", {"page", "state", "year"}},
      {"/alerts", "alerts", "Alerts", {}},
      {"/sources", "sources", "Sources", {}},
      {"/fleet", "fleet", "Fleet", {}},
      {"/timeline", "timeline", "Timeline", {}},
      {"/record", "record", "Record", {"page"}},
      {"/expiry", "expiry", "Expiry", {}},
  };
  return *kEntries;
}

std::optional<Address> ReadAddress(std::string_view target) {
  if (target.size() > kMaxTargetBytes || !target.starts_with('/')) {
    return std::nullopt;
  }
  const std::size_t mark = target.find('?');
  Address address{.path = target.substr(0, mark)};
  for (const PageEntry& entry : PageEntries()) {
    if (address.path == entry.path) address.entry = &entry;
  }
  if (mark == std::string_view::npos) return address;
  if (address.entry == nullptr) return std::nullopt;
  const auto& known = address.entry->parameters;
  for (const absl::string_view one :
       absl::StrSplit(Text(target.substr(mark + 1)), '&')) {
    const std::pair<std::string, std::string> pair =
        absl::StrSplit(one, absl::MaxSplits('=', 1));
    if (std::find(known.begin(), known.end(), pair.first) == known.end() ||
        !SetParameter(pair.first, pair.second, address.query)) {
      return std::nullopt;
    }
  }
  return address;
}

std::optional<std::uint64_t> ReadNumber(std::string_view text) {
  std::uint64_t number = 0;
  if (text.empty() || text.size() > kMostDigits || text.front() == '0' ||
      !std::all_of(text.begin(), text.end(),
                   [](unsigned char c) { return absl::ascii_isdigit(c); }) ||
      !absl::SimpleAtoi(Text(text), &number)) {
    return std::nullopt;
  }
  return number;
}

std::optional<std::string> ReadHostName(std::string_view host) {
  // The colons of an IPv6 address are within brackets.
  const std::size_t bracket = host.starts_with('[') ? host.find(']') : 0;
  if (bracket == std::string_view::npos) return std::nullopt;
  const std::string_view name = host.starts_with('[')
                                    ? host.substr(0, bracket + 1)
                                    : host.substr(0, host.find(':'));
  if (name.empty() || name.size() > kMaxHostBytes ||
      (name.size() < host.size() &&
       (host[name.size()] != ':' ||
        !ReadNumber(host.substr(name.size() + 1)).has_value()))) {
    return std::nullopt;
  }
  return absl::AsciiStrToLower(Text(name));
}

std::optional<Credentials> ReadCredentials(std::string_view authorization) {
  const absl::string_view text =
      absl::StripAsciiWhitespace(Text(authorization));
  std::string plain;
  if (text.size() > kMaxAuthorizationBytes ||
      !absl::StartsWithIgnoreCase(text, kBasic) ||
      !absl::Base64Unescape(text.substr(kBasic.size()), &plain)) {
    return std::nullopt;
  }
  const std::size_t colon = plain.find(':');
  if (colon == std::string::npos ||
      plain.size() - colon - 1 > kMaxPasswordBytes ||
      plain.find('\0') != std::string::npos) {
    return std::nullopt;
  }
  return Credentials{plain.substr(0, colon), plain.substr(colon + 1)};
}

}  // namespace anchorage::trustd
