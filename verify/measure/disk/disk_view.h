// A range of a disk, read through a seam: the whole disk, or one partition.
//
//   DiskView disk([&](std::uint64_t offset, absl::Span<char> into) { ... },
//                 size);
//   auto sector = disk.Read(512, 512);
//   DiskView partition = *disk.Part(first, bytes);
//
// Whatever a table on the disk says, no read goes beyond the range.
// Cheap to copy. Thread-safe where the reading function is.

#ifndef ANCHORAGE_VERIFY_MEASURE_DISK_DISK_VIEW_H_
#define ANCHORAGE_VERIFY_MEASURE_DISK_DISK_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace anchorage::verify {

class DiskView {
 public:
  // Fills `into` with the bytes at `offset` of the disk: all of them, or an
  // error. It is asked for nothing beyond the size that stands beside it.
  using Reader =
      std::function<absl::Status(std::uint64_t offset, absl::Span<char> into)>;

  DiskView(Reader reader, std::uint64_t size)
      : reader_(std::move(reader)), size_(size) {}

  // A disk in memory. `bytes` must outlive every copy of the view.
  static DiskView OfBytes(std::string_view bytes);

  // In bytes.
  std::uint64_t size() const { return size_; }

  // Fills `into`. kDiskTruncated beyond the range.
  absl::Status ReadInto(std::uint64_t offset, absl::Span<char> into) const;

  // The same into a new string; callers bound `length`.
  absl::StatusOr<std::string> Read(std::uint64_t offset,
                                   std::size_t length) const;

  // Returns a range of this range; kDiskTruncated for one that is not inside.
  absl::StatusOr<DiskView> Part(std::uint64_t offset,
                                std::uint64_t length) const;

 private:
  Reader reader_;
  std::uint64_t begin_ = 0;
  std::uint64_t size_;
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_MEASURE_DISK_DISK_VIEW_H_
