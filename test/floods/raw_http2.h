// A peer that speaks HTTP/2 and gRPC byte by byte, as no library would.
//
//   RawPeer peer = RawPeer::To("127.0.0.1:7443");
//   peer.Send(ClientPreface() + RequestHeaders(1, "/a.B/C"));
//   peer.ReadUntil("grpc-status", absl::Seconds(5));
//
// What it is told to send it sends, whether that makes sense or not.

#ifndef ANCHORAGE_TEST_FLOODS_RAW_HTTP2_H_
#define ANCHORAGE_TEST_FLOODS_RAW_HTTP2_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/time/time.h"

namespace anchorage::test {

inline constexpr std::uint8_t kDataFrame = 0;
inline constexpr std::uint8_t kHeadersFrame = 1;
inline constexpr std::uint8_t kSettingsFrame = 4;
inline constexpr std::uint8_t kEndStream = 1;
inline constexpr std::uint8_t kEndHeaders = 4;

std::string Http2Frame(std::uint8_t type, std::uint8_t flags,
                       std::uint32_t stream, std::string_view payload);
// The first bytes of a client, and its empty settings.
std::string ClientPreface();
// The headers of a call; `encoding` of its messages, if it is not empty.
std::string RequestHeaders(std::uint32_t stream, const std::string& path,
                           const std::string& encoding = "");
// The headers of an answer, and its good end.
std::string ResponseHeaders(std::uint32_t stream, const std::string& encoding);
std::string ResponseTrailers(std::uint32_t stream);
// A message of gRPC with its five bytes, as one or more DATA frames.
std::string MessageFrames(std::uint32_t stream, bool compressed,
                          std::string_view message, std::uint8_t last_flags);
std::string Gzip(std::string_view bytes);

// One end of a TCP connection; closes it.
class RawPeer {
 public:
  // HOST:PORT, numeric. An invalid peer: nobody listens there.
  static RawPeer To(const std::string& address);
  explicit RawPeer(int socket) : socket_(socket) {}
  RawPeer(RawPeer&& other) noexcept;
  RawPeer& operator=(RawPeer&& other) noexcept;
  ~RawPeer();

  bool is_valid() const { return socket_ >= 0; }

  // False: the other side has closed.
  bool Send(std::string_view bytes);

  // Reads until `needle` has come or the other side closes; returns all that
  // came.
  std::string ReadUntil(std::string_view needle, absl::Duration timeout);

  // Whether the other side closes within that time; drops what it sends.
  bool IsClosedWithin(absl::Duration timeout);

  // Sends `size` bytes as data of a stream, as fast as the other side's windows
  // let it, until that is done, the stream or the connection ends, or the time
  // is over. Returns how many were sent. They begin with `first`; `received` is
  // what was read before, in which the other side may have widened its windows.
  std::uint64_t SendData(std::uint32_t stream, std::string_view first,
                         std::uint64_t size, absl::Duration timeout,
                         std::string received = "");

 private:
  int socket_ = -1;
};

// Accepts one connection after another, on a free port of the loopback
// interface, and hands each to `serve`.
class RawServer {
 public:
  explicit RawServer(std::function<void(RawPeer&)> serve);
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;
  ~RawServer();

  const std::string& address() const { return address_; }

 private:
  const std::function<void(RawPeer&)> serve_;
  std::string address_;
  int listener_ = -1;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

// How much more memory a program takes under a sanitizer.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr long kSanitizerFactor = 4;
#else
inline constexpr long kSanitizerFactor = 1;
#endif

// A line of /proc/PID/status in KiB, such as VmHWM or VmRSS; of this process
// for "self".
long MemoryKiB(const std::string& pid, const std::string& name);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_FLOODS_RAW_HTTP2_H_
