// What the calls of anchorage.h have in common.

#ifndef ANCHORAGE_CLIENT_C_CALLS_H_
#define ANCHORAGE_CLIENT_C_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/base/no_throw.h"
#include "client/c/objects.h"

namespace anchorage::c {

// --- What is given -----------------------------------------------------------

inline std::string_view View(const void* bytes, std::size_t size) {
  return {static_cast<const char*>(bytes), size};
}

absl::Status Mistake(const char* what, std::string_view how);

// Whether bytes that were given are there.
absl::Status CheckBytes(const char* what, const void* bytes, std::size_t size);
absl::Status CheckText(const char* what, const void* text, std::size_t size);
// The text of something that is left out by not being set.
absl::Status CheckSaid(const char* what, const void* text, std::size_t size);
absl::Status SetYesOrNo(const char* what, std::int32_t given, bool& field);

template <typename T>
absl::Status CheckHandle(const char* what, const T* handle) {
  if (handle == nullptr) return Mistake(what, "is NULL");
  return handle->is_live()
             ? absl::OkStatus()
             : Mistake(what, "was freed, or is an object of another type");
}

// --- Errors ------------------------------------------------------------------

// For when nothing can be made any more; made when the library is loaded.
template <typename T>
T* StaticHandle() {
  static T* const handle = new T();
  return handle;
}

// What was being done. Only evidence is refused with a family of reasons.
enum class Stage { kUsage, kRefresh, kEvidence };

std::int32_t CodeOf(const absl::Status& status, Stage stage);
std::string_view ReasonNameOf(const absl::Status& status);
std::string MessageOf(const absl::Status& status);

// What is known of a verification beside its result.
struct Verification {
  const char* subject = nullptr;
  // Whether the evidence is what fails, and not what was given beside it.
  bool begun = false;
  verify::Trace trace;
  client::AnchorsUsed used;
};

void NoError(anchorage_error** error);

// Puts an error where the caller wants it, and returns its code.
std::int32_t Fail(const absl::Status& status, Stage stage,
                  anchorage_error** error,
                  Verification* verification = nullptr) noexcept;

// Whether this thread is in an event callback.
bool IsInCallback();

// --- Making and freeing ------------------------------------------------------

template <typename T>
void Free(T* handle) {
  delete Live(handle);
}

// Returns what `make` returns; NULL and the error where it fails.
template <typename T, typename Make>
T* New(Stage stage, anchorage_error** error, Make make) noexcept {
  NoError(error);
  absl::StatusOr<std::unique_ptr<T>> made = anchors::NoThrow(make);
  if (made.ok()) return made->release();
  Fail(made.status(), stage, error);
  return nullptr;
}

// Never NULL.
template <typename T>
T* NewWithFault() noexcept {
  T* made = New<T>(Stage::kUsage, nullptr,
                   []() -> absl::StatusOr<std::unique_ptr<T>> {
                     return std::make_unique<T>();
                   });
  return made != nullptr ? made : StaticHandle<T>();
}

template <typename T>
void FreeWithFault(T* handle) {
  if (handle != StaticHandle<T>()) Free(handle);
}

// A new text that anchorage_string_free() frees; NULL where there is no memory.
template <typename Make>
char* NewText(std::size_t* size, Make make) noexcept {
  if (size != nullptr) *size = 0;
  try {
    const std::string text = make();
    char* const copy = static_cast<char*>(std::malloc(text.size() + 1));
    if (copy == nullptr) return nullptr;
    std::memcpy(copy, text.c_str(), text.size() + 1);
    if (size != nullptr) *size = text.size();
    return copy;
  } catch (...) {
    return nullptr;
  }
}

// --- What is got -------------------------------------------------------------

// What is absent is NULL, with the size 0.
const char* Text(const std::string* text, std::size_t* size = nullptr);

inline const std::string* Said(const std::optional<std::string>& text) {
  return text.has_value() ? &*text : nullptr;
}

inline const std::string* Said(const std::string& text) {
  return text.empty() ? nullptr : &text;
}

// `time` as milliseconds; whether there is such a time.
std::int32_t PutTime(absl::Time time, std::int64_t* out);

}  // namespace anchorage::c

#endif  // ANCHORAGE_CLIENT_C_CALLS_H_
