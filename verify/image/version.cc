#include "verify/image/version.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "verify/image/image_error.h"

namespace anchorage::verify {
namespace {

bool IsDigit(char c) {
  return absl::ascii_isdigit(static_cast<unsigned char>(c));
}

bool ReadNumber(absl::string_view text, std::uint32_t& out) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit) &&
         (text == "0" || text.front() != '0') && absl::SimpleAtoi(text, &out);
}

}  // namespace

absl::StatusOr<ImageVersion> ImageVersion::Parse(std::string_view text) {
  ImageVersion version;
  version.count_ = 0;
  for (const absl::string_view number :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '.')) {
    if (version.count_ == kMaxVersionNumbers ||
        !ReadNumber(number, version.numbers_[version.count_])) {
      return RefuseImage(ImageReason::kVersionMalformed,
                         "not one to eight numbers below 2^32 with dots "
                         "between them, no suffixes");
    }
    ++version.count_;
  }
  return version;
}

std::string ImageVersion::ToString() const {
  return absl::StrJoin(absl::MakeSpan(numbers_).first(count_), ".");
}

}  // namespace anchorage::verify
