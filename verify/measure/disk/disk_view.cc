#include "verify/measure/disk/disk_view.h"

#include <cstring>

#include "absl/strings/str_format.h"
#include "verify/measure/disk/disk_error.h"

namespace anchorage::verify {

DiskView DiskView::OfBytes(std::string_view bytes) {
  return DiskView(
      [bytes](std::uint64_t offset, absl::Span<char> into) {
        std::memcpy(into.data(), bytes.data() + offset, into.size());
        return absl::OkStatus();
      },
      bytes.size());
}

absl::Status DiskView::ReadInto(std::uint64_t offset,
                                absl::Span<char> into) const {
  if (offset > size_ || into.size() > size_ - offset) {
    return DiskError(DiskReason::kDiskTruncated,
                     absl::StrFormat("%d bytes at %d are wanted of %d",
                                     into.size(), offset, size_));
  }
  return into.empty() ? absl::OkStatus() : reader_(begin_ + offset, into);
}

absl::StatusOr<std::string> DiskView::Read(std::uint64_t offset,
                                           std::size_t length) const {
  // Memory is asked for what is there alone.
  if (offset > size_ || length > size_ - offset) {
    return ReadInto(offset, absl::Span<char>(nullptr, length));
  }
  std::string bytes(length, '\0');
  if (auto read = ReadInto(offset, absl::MakeSpan(bytes)); !read.ok()) {
    return read;
  }
  return bytes;
}

absl::StatusOr<DiskView> DiskView::Part(std::uint64_t offset,
                                        std::uint64_t length) const {
  if (offset > size_ || length > size_ - offset) {
    return DiskError(DiskReason::kDiskTruncated,
                     absl::StrFormat("%d bytes at %d of %d are not there",
                                     length, offset, size_));
  }
  DiskView part = *this;
  part.begin_ += offset;
  part.size_ = length;
  return part;
}

}  // namespace anchorage::verify
