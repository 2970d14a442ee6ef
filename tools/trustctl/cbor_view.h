// Shows any CBOR as JSON, for evidence that none of our readers accepts.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_CBOR_VIEW_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_CBOR_VIEW_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace anchorage::trustctl {

// Returns the item that `bytes` begin with, as far as it can be read
// (encoding/cbor.h): byte strings in hex, and in place of what cannot be read a
// text that says so, after which nothing is shown. No deeper than 8 levels.
nlohmann::ordered_json ShowCbor(std::string_view bytes);

// Returns the payload of a COSE_Sign1 whose headers or signature are not as
// they must be; nullopt for what is not four elements with a byte string as
// the third.
std::optional<std::string_view> PayloadOfOddCose(std::string_view bytes);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_CBOR_VIEW_H_
