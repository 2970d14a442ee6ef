#include "trustd/sources/gunzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "trustd/sources/source_failure.h"

namespace anchorage::trustd {
namespace {

// The largest window, and a gzip header around it.
constexpr int kGzipWindow = 15 + 16;

absl::Status Damaged(std::string_view what) {
  return FailSource(SourceFailure::kContentEncoding, what);
}

}  // namespace

absl::StatusOr<std::string> Gunzip(std::string_view packed,
                                   std::size_t max_bytes) {
  if (packed.size() > std::numeric_limits<uInt>::max()) {
    return FailSource(SourceFailure::kTooLarge, "gzip of over 4 GiB");
  }
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) {
    return Damaged("zlib cannot be started");
  }
  const absl::Cleanup end = [&stream] { inflateEnd(&stream); };
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());

  std::string unpacked;
  std::array<char, 16 * 1024> buffer;
  for (;;) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = buffer.size();
    const int result = inflate(&stream, Z_NO_FLUSH);
    const std::size_t got = buffer.size() - stream.avail_out;
    if (unpacked.size() + got > max_bytes) {
      return FailSource(
          SourceFailure::kTooLarge,
          absl::StrCat("unpacks to more than ", max_bytes, " bytes"));
    }
    unpacked.append(buffer.data(), got);
    if (result == Z_STREAM_END) break;
    if (result == Z_BUF_ERROR) return Damaged("the gzip is cut");
    if (result != Z_OK) return Damaged("the gzip is damaged");
  }
  if (stream.avail_in != 0) return Damaged("bytes after the gzip");
  return unpacked;
}

}  // namespace anchorage::trustd
