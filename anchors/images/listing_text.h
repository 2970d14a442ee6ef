// What the texts of producers and of images share. For the files of this folder
// only.

#ifndef ANCHORAGE_ANCHORS_IMAGES_LISTING_TEXT_H_
#define ANCHORAGE_ANCHORS_IMAGES_LISTING_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "anchors/proto_json.h"
#include "verify/reason.h"

namespace anchorage::anchors {

inline constexpr std::size_t kMaxListingNotesBytes = 1024;

// 1 to `max_bytes` printable ASCII characters without blanks.
inline bool IsListingName(std::string_view text, std::size_t max_bytes) {
  return !text.empty() && text.size() <= max_bytes && IsPrintableAscii(text) &&
         text.find(' ') == std::string_view::npos;
}

inline bool IsSha256Hex(std::string_view text) {
  return text.size() == 64 &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

inline absl::Status InvalidListing(std::string_view whose,
                                   std::string_view what) {
  return verify::Reject(
      verify::Reason::kFieldInvalid,
      absl::StrCat(std::string(whose), ": ", std::string(what)));
}

// Checks what every list says of itself.
template <typename List>
absl::Status CheckListing(const List& list) {
  if (list.sequence == 0 || list.sequence > kMaxSequence) {
    return InvalidListing("sequence", "is not from 1 to 2^63 - 1");
  }
  if (!IsWritable(list.created)) {
    return InvalidListing("createdTime",
                          "is not a whole second of the years 1 to 9999");
  }
  return absl::OkStatus();
}

// Reads what every list says of itself.
template <typename List>
void ReadListing(JsonFields& fields, std::string_view media_type, List& list) {
  if (fields.RequiredString("mediaType") != media_type) {
    fields.Fail(verify::Reason::kFieldInvalid, "mediaType",
                "is that of another text");
  }
  list.sequence = fields.RequiredUint64("sequence");
  list.created = fields.RequiredTime("createdTime");
}

template <typename List>
void WriteListing(const List& list, std::string_view media_type,
                  JsonObject& object) {
  object.String("mediaType", media_type);
  object.String("sequence", absl::StrCat(list.sequence));
  object.Time("createdTime", list.created);
}

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_IMAGES_LISTING_TEXT_H_
