#include "anchors/base/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace anchorage::anchors {
namespace {

// The largest window, and a gzip header around it.
constexpr int kGzipWindow = 15 + 16;
constexpr int kMemoryLevel = 8;

Bytef* BytesOf(std::string_view text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
}

bool IsTooLong(std::string_view text) {
  return text.size() > std::numeric_limits<uInt>::max();
}

}  // namespace

absl::StatusOr<std::string> Gzip(std::string_view plain) {
  if (IsTooLong(plain)) {
    return absl::ResourceExhaustedError("over 4 GiB to compress");
  }
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow,
                   kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) {
    return absl::ResourceExhaustedError("zlib cannot be started");
  }
  const absl::Cleanup end = [&stream] { deflateEnd(&stream); };
  std::string packed(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = BytesOf(plain);
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = BytesOf(packed);
  stream.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) {
    return absl::ResourceExhaustedError("zlib cannot compress");
  }
  packed.resize(packed.size() - stream.avail_out);
  return packed;
}

absl::StatusOr<std::string> Gunzip(std::string_view packed,
                                   std::size_t max_bytes) {
  if (IsTooLong(packed)) return absl::OutOfRangeError("gzip of over 4 GiB");
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) {
    return absl::InvalidArgumentError("zlib cannot be started");
  }
  const absl::Cleanup end = [&stream] { inflateEnd(&stream); };
  stream.next_in = BytesOf(packed);
  stream.avail_in = static_cast<uInt>(packed.size());

  std::string unpacked;
  std::array<char, 16 * 1024> buffer;
  for (;;) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = buffer.size();
    const int result = inflate(&stream, Z_NO_FLUSH);
    const std::size_t got = buffer.size() - stream.avail_out;
    if (unpacked.size() + got > max_bytes) {
      return absl::OutOfRangeError(
          absl::StrCat("unpacks to more than ", max_bytes, " bytes"));
    }
    unpacked.append(buffer.data(), got);
    if (result == Z_STREAM_END) break;
    if (result == Z_BUF_ERROR) {
      return absl::InvalidArgumentError("the gzip is cut");
    }
    if (result != Z_OK) {
      return absl::InvalidArgumentError("the gzip is damaged");
    }
  }
  if (stream.avail_in != 0) {
    return absl::InvalidArgumentError("bytes after the gzip");
  }
  return unpacked;
}

}  // namespace anchorage::anchors
