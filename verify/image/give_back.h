// Gives the memory of a long text back to the system while it is read. Still
// pure: nothing is read or written but this memory.

#ifndef ANCHORAGE_VERIFY_IMAGE_GIVE_BACK_H_
#define ANCHORAGE_VERIFY_IMAGE_GIVE_BACK_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace anchorage::verify {

// For one text, which must not move; what was given back of it reads as zeros.
class GiveBack {
 public:
  explicit GiveBack(std::string& text)
      : page_(static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE))),
        from_((AddressOf(text.data()) + page_ - 1) / page_ * page_) {}

  // Says that `read`, which begins as the text does, is not looked at again.
  // Nothing outside of the text shares the pages that are given back.
  void Read(std::string_view read) {
    const std::uintptr_t to =
        AddressOf(read.data() + read.size()) / page_ * page_;
    if (to < from_ + kLeastBytes) return;
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    ::madvise(reinterpret_cast<void*>(from_), to - from_, MADV_DONTNEED);
    from_ = to;
  }

 private:
  static constexpr std::uintptr_t kLeastBytes = 1024 * 1024;

  static std::uintptr_t AddressOf(const char* at) {
    return reinterpret_cast<std::uintptr_t>(at);
  }

  const std::uintptr_t page_;
  std::uintptr_t from_;
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IMAGE_GIVE_BACK_H_
