// Input: what a browser sends to the console: an address, a Host header or an
// Authorization header.
// Holds for any bytes:
//   1. an address is within its limit and a path; with one more parameter it is
//      none;
//   2. the name of a host is the beginning of the header, in lower case, and
//      nothing but a port follows;
//   3. credentials written again are read again.

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "test/fuzz/fuzz.h"
#include "trustd/console/request.h"

namespace anchorage::test {
namespace {

void CheckAddress(std::string_view text) {
  const auto address = trustd::ReadAddress(text);
  if (!address.has_value()) return;
  Require(text.size() <= trustd::kMaxTargetBytes, "an address has a limit");
  Require(address->path.starts_with('/') &&
              address->path.find('?') == std::string_view::npos,
          "an address is a path");
  RequireWithin(address->path, text);
  Require(address->query.year >= 0 && address->query.year < 10'000,
          "a year has four digits");
  std::string more(text);
  more += more.find('?') == std::string::npos ? "?x=1" : "&x=1";
  Require(!trustd::ReadAddress(more).has_value(),
          "a parameter that no page takes is refused");
}

void CheckHost(std::string_view text) {
  const auto name = trustd::ReadHostName(text);
  if (!name.has_value()) return;
  const std::string lower =
      absl::AsciiStrToLower(absl::string_view(text.data(), text.size()));
  Require(!name->empty() && lower.starts_with(*name),
          "a name is the beginning of the header");
  const std::string rest = lower.substr(name->size());
  Require(rest.empty() || (rest.front() == ':' &&
                           trustd::ReadNumber(rest.substr(1)).has_value()),
          "nothing but a port follows a name");
}

void CheckCredentials(std::string_view text) {
  const auto read = trustd::ReadCredentials(text);
  if (!read.has_value()) return;
  Require(read->user.find(':') == std::string::npos &&
              read->password.size() <= trustd::kMaxPasswordBytes,
          "a name ends at the first colon, and a password has a limit");
  const auto again = trustd::ReadCredentials(absl::StrCat(
      "Basic ",
      absl::Base64Escape(absl::StrCat(read->user, ":", read->password))));
  Require(again.has_value() && again->user == read->user &&
              again->password == read->password,
          "credentials written again are the same");
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text = anchorage::test::InputOf(data, size);
  anchorage::test::CheckAddress(text);
  anchorage::test::CheckHost(text);
  anchorage::test::CheckCredentials(text);
  return 0;
}
