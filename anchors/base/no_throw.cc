#include "anchors/base/no_throw.h"

#include <exception>
#include <new>
#include <system_error>

namespace anchorage::anchors {
namespace {

absl::Status WithMessage(absl::StatusCode code, const char* message) noexcept {
  try {
    return absl::Status(code, message);
  } catch (const std::bad_alloc&) {
    // A status with only a code allocates no memory.
    return absl::Status(code, "");
  }
}

bool IsExhaustion(const std::error_code& code) {
  for (const std::errc one :
       {std::errc::resource_unavailable_try_again, std::errc::not_enough_memory,
        std::errc::too_many_files_open,
        std::errc::too_many_files_open_in_system}) {
    if (code == one) return true;
  }
  return false;
}

}  // namespace

absl::Status StatusOfException() noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return WithMessage(absl::StatusCode::kResourceExhausted, "out of memory");
  } catch (const std::system_error& error) {
    return WithMessage(IsExhaustion(error.code())
                           ? absl::StatusCode::kResourceExhausted
                           : absl::StatusCode::kInternal,
                       error.what());
  } catch (const std::exception& error) {
    return WithMessage(absl::StatusCode::kInternal, error.what());
  } catch (...) {
    return WithMessage(absl::StatusCode::kInternal, "an unknown exception");
  }
}

absl::StatusOr<std::thread> StartThread(std::function<void()> body) noexcept {
  return NoThrow([&]() -> absl::StatusOr<std::thread> {
    return std::thread([body = std::move(body)]() noexcept {
      (void)NoThrow([&] {
        body();
        return absl::OkStatus();
      });
    });
  });
}

}  // namespace anchorage::anchors
