#include "verify/attestation/note.h"

#include <cstddef>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace anchorage::verify {

std::string_view NameOf(Note::Kind kind) {
  switch (kind) {
    case Note::Kind::kLeafNameUnknown:
      return "LEAF_NAME_UNKNOWN";
    case Note::Kind::kAuthorityNameUnknown:
      return "AUTHORITY_NAME_UNKNOWN";
    case Note::Kind::kModuleIdUnknown:
      return "MODULE_ID_UNKNOWN";
    case Note::Kind::kFieldsUnknown:
      return "FIELDS_UNKNOWN";
  }
  return "";
}

std::string QuotedForPeople(std::string_view text) {
  constexpr std::size_t kMostBytes = 64;
  const bool cut = text.size() > kMostBytes;
  const absl::string_view shown(text.data(), cut ? kMostBytes : text.size());
  return absl::StrCat("\"", absl::CHexEscape(shown), cut ? "...\"" : "\"");
}

}  // namespace anchorage::verify
