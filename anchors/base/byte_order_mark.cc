#include "anchors/base/byte_order_mark.h"

#include "verify/reason.h"

namespace anchorage::anchors {

using namespace std::string_view_literals;

absl::StatusOr<std::string_view> WithoutByteOrderMark(std::string_view text) {
  constexpr std::string_view kUtf8 = "\xef\xbb\xbf"sv;
  if (text.starts_with(kUtf8)) return text.substr(kUtf8.size());
  // A mark of UTF-32 begins with a mark of UTF-16, or with zeros.
  for (const std::string_view mark :
       {"\xff\xfe"sv, "\xfe\xff"sv, "\0\0\xfe\xff"sv}) {
    if (text.starts_with(mark)) {
      return verify::Reject(verify::Reason::kEncodingMalformed,
                            "the text begins with the byte order mark of "
                            "UTF-16 or UTF-32: save it as UTF-8");
    }
  }
  return text;
}

}  // namespace anchorage::anchors
