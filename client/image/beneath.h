// Opens what lies below a folder, and nothing else: no link is followed, no
// other mount is entered (openat2(2)).

#ifndef ANCHORAGE_CLIENT_IMAGE_BENEATH_H_
#define ANCHORAGE_CLIENT_IMAGE_BENEATH_H_

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace anchorage::client {

// A file descriptor, closed at the end.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept
      : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }
  bool ok() const { return number_ >= 0; }
  int Release() { return std::exchange(number_, -1); }

 private:
  int number_ = -1;
};

// Opens `name` below `at` with `flags` of open(2) and O_CLOEXEC, O_NOFOLLOW,
// O_NONBLOCK, O_NOCTTY and, where this process may, O_NOATIME. A link as the
// last part can be opened with O_PATH. Where it fails, the result is not ok()
// and errno says why: EXDEV for another mount, ELOOP for a link.
Descriptor OpenBeneath(int at, const std::string& name, std::uint64_t flags);

// Opens with O_PATH what `name` leads to when all links are followed as they
// are by processes whose root is `root`.
Descriptor ResolveInRoot(int root, const std::string& name);

// Opens with `flags` what `descriptor`, which is a regular file that was opened
// with O_PATH, stands for.
Descriptor Reopen(const Descriptor& descriptor, int flags);

// Fills `facts` with what the kernel says of an open file. False where it
// cannot, with errno.
bool FactsOf(const Descriptor& descriptor, struct statx& facts);

// Whether an object may have been written to between two looks at it.
bool Changed(const struct statx& before, const struct statx& after);

// Opens the folder `root` as a private copy of its mount, without the mounts
// below it. Fails with NOT_FOUND (no folder), FAILED_PRECONDITION (a kernel
// before 5.6), PERMISSION_DENIED, UNAVAILABLE or RESOURCE_EXHAUSTED.
absl::StatusOr<Descriptor> OpenPrivateCopy(const std::string& root);

// The same of the folder as this process sees it.
absl::StatusOr<Descriptor> OpenAsSeen(const std::string& root);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_IMAGE_BENEATH_H_
