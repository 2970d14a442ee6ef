#include "client/c/calls.h"

#include "absl/strings/str_cat.h"
#include "verify/encoding/utf8.h"

namespace anchorage::c {
namespace {

const bool keeps_freed = secure_getenv("ANCHORAGE_DEBUG") != nullptr;

constexpr std::size_t kMaxGivenBytes = 16 * 1024 * 1024;

}  // namespace

bool KeepsFreed() { return keeps_freed; }

absl::Status Mistake(const char* what, std::string_view how) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, " ", absl::string_view(how.data(), how.size())));
}

absl::Status CheckBytes(const char* what, const void* bytes, std::size_t size) {
  if (bytes == nullptr) return Mistake(what, "is NULL");
  return size <= kMaxGivenBytes ? absl::OkStatus()
                                : Mistake(what, "is larger than 16 MiB");
}

absl::Status CheckText(const char* what, const void* text, std::size_t size) {
  if (absl::Status s = CheckBytes(what, text, size); !s.ok()) return s;
  return verify::IsUtf8(View(text, size)) ? absl::OkStatus()
                                          : Mistake(what, "is not UTF-8");
}

absl::Status CheckSaid(const char* what, const void* text, std::size_t size) {
  if (absl::Status s = CheckText(what, text, size); !s.ok()) return s;
  if (size == 0) return Mistake(what, "is empty");
  return std::memchr(text, 0, size) == nullptr ? absl::OkStatus()
                                               : Mistake(what, "holds a NUL");
}

absl::Status SetYesOrNo(const char* what, std::int32_t given, bool& field) {
  if (given != 0 && given != 1) return Mistake(what, "is neither 0 nor 1");
  field = given == 1;
  return absl::OkStatus();
}

const char* Text(const std::string* text, std::size_t* size) {
  if (size != nullptr) *size = text != nullptr ? text->size() : 0;
  return text != nullptr ? text->c_str() : nullptr;
}

std::int32_t PutTime(absl::Time time, std::int64_t* out) {
  const bool is_finite =
      time != absl::InfinitePast() && time != absl::InfiniteFuture();
  if (is_finite && out != nullptr) *out = absl::ToUnixMillis(time);
  return is_finite ? 1 : 0;
}

}  // namespace anchorage::c
