#include "verify/attestation/note.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "verify/printable.h"

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
  return absl::StrCat("\"", Printable(text, kMostBytes), "\"");
}

}  // namespace anchorage::verify
