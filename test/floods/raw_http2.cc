#include "test/floods/raw_http2.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/time/clock.h"

namespace anchorage::test {
namespace {

constexpr std::size_t kMaxFrame = 16384;
constexpr std::size_t kFrameHeaderBytes = 9;
constexpr std::size_t kPrefaceBytes = 24;
constexpr std::uint8_t kResetFrame = 3;
constexpr std::uint8_t kPingFrame = 6;
constexpr std::uint8_t kGoAwayFrame = 7;
constexpr std::uint8_t kWindowFrame = 8;
constexpr std::uint8_t kAck = 1;
constexpr std::uint32_t kInitialWindowSetting = 4;
constexpr std::int64_t kInitialWindow = 65535;

std::uint32_t Number(std::string_view bytes) {
  std::uint32_t number = 0;
  for (const char byte : bytes) {
    number = number << 8 | static_cast<std::uint8_t>(byte);
  }
  return number;
}

std::string BigEndian(std::uint32_t number) {
  std::string bytes(4, '\0');
  for (int i = 3; i >= 0; --i) {
    bytes[i] = static_cast<char>(number & 0xff);
    number >>= 8;
  }
  return bytes;
}

// A header that no table keeps, without Huffman's code.
std::string Literal(std::string_view name, std::string_view value) {
  std::string header(1, '\0');
  header.push_back(static_cast<char>(name.size()));
  header.append(name);
  header.push_back(static_cast<char>(value.size()));
  header.append(value);
  return header;
}

bool WaitFor(int socket, short events, absl::Time deadline) {
  const absl::Duration left = deadline - absl::Now();
  if (left <= absl::ZeroDuration()) return false;
  pollfd polled = {socket, events, 0};
  return ::poll(&polled, 1,
                static_cast<int>(absl::ToInt64Milliseconds(left)) + 1) > 0;
}

}  // namespace

std::string Http2Frame(std::uint8_t type, std::uint8_t flags,
                       std::uint32_t stream, std::string_view payload) {
  std::string frame =
      BigEndian(static_cast<std::uint32_t>(payload.size())).substr(1);
  frame.push_back(static_cast<char>(type));
  frame.push_back(static_cast<char>(flags));
  frame += BigEndian(stream);
  frame.append(payload);
  return frame;
}

std::string ClientPreface() {
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
         Http2Frame(kSettingsFrame, 0, 0, "");
}

std::string RequestHeaders(std::uint32_t stream, const std::string& path,
                           const std::string& encoding) {
  std::string headers =
      Literal(":method", "POST") + Literal(":scheme", "http") +
      Literal(":path", path) + Literal(":authority", "raw") +
      Literal("te", "trailers") + Literal("content-type", "application/grpc");
  if (!encoding.empty()) headers += Literal("grpc-encoding", encoding);
  return Http2Frame(kHeadersFrame, kEndHeaders, stream, headers);
}

std::string ResponseHeaders(std::uint32_t stream, const std::string& encoding) {
  std::string headers =
      Literal(":status", "200") + Literal("content-type", "application/grpc");
  if (!encoding.empty()) headers += Literal("grpc-encoding", encoding);
  return Http2Frame(kHeadersFrame, kEndHeaders, stream, headers);
}

std::string ResponseTrailers(std::uint32_t stream) {
  return Http2Frame(kHeadersFrame, kEndHeaders | kEndStream, stream,
                    Literal("grpc-status", "0"));
}

std::string MessageFrames(std::uint32_t stream, bool compressed,
                          std::string_view message, std::uint8_t last_flags) {
  std::string bytes(1, compressed ? '\1' : '\0');
  bytes += BigEndian(static_cast<std::uint32_t>(message.size()));
  bytes.append(message);
  std::string frames;
  for (std::size_t at = 0; at < bytes.size(); at += kMaxFrame) {
    const bool last = at + kMaxFrame >= bytes.size();
    frames += Http2Frame(kDataFrame, last ? last_flags : 0, stream,
                         std::string_view(bytes).substr(at, kMaxFrame));
  }
  return frames;
}

std::string Gzip(std::string_view bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

RawPeer RawPeer::To(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (::getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &hints,
                    &list) != 0) {
    return RawPeer(-1);
  }
  int socket = ::socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket >= 0 && ::connect(socket, list->ai_addr, list->ai_addrlen) != 0) {
    ::close(socket);
    socket = -1;
  }
  ::freeaddrinfo(list);
  return RawPeer(socket);
}

RawPeer::RawPeer(RawPeer&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)) {}

RawPeer& RawPeer::operator=(RawPeer&& other) noexcept {
  std::swap(socket_, other.socket_);
  return *this;
}

RawPeer::~RawPeer() {
  if (socket_ >= 0) ::close(socket_);
}

bool RawPeer::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put =
        ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

std::string RawPeer::ReadUntil(std::string_view needle,
                               absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  std::string all;
  char buffer[65536];
  while (all.find(needle) == std::string::npos &&
         WaitFor(socket_, POLLIN, deadline)) {
    const ssize_t got = ::recv(socket_, buffer, sizeof(buffer), 0);
    if (got <= 0) break;
    all.append(buffer, static_cast<std::size_t>(got));
  }
  return all;
}

bool RawPeer::IsClosedWithin(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  char buffer[65536];
  while (WaitFor(socket_, POLLIN, deadline)) {
    if (::recv(socket_, buffer, sizeof(buffer), 0) <= 0) return true;
  }
  return false;
}

std::uint64_t RawPeer::SendData(std::uint32_t stream, std::string_view first,
                                std::uint64_t size, absl::Duration timeout,
                                std::string received) {
  const absl::Time deadline = absl::Now() + timeout;
  std::int64_t connection_window = kInitialWindow;
  std::int64_t stream_window = kInitialWindow;
  std::int64_t initial = kInitialWindow;
  std::uint64_t sent = 0;
  std::string unread = std::move(received);
  const std::string filler(kMaxFrame, 'A');
  char buffer[65536];
  // Takes up the frames that came; false: there is nobody to send to.
  const auto read_frames = [&] {
    if (absl::StartsWith(unread, "PRI")) {
      if (unread.size() < kPrefaceBytes) return true;
      unread.erase(0, kPrefaceBytes);
    }
    while (unread.size() >= kFrameHeaderBytes) {
      const std::size_t length = Number(unread.substr(0, 3));
      if (unread.size() < kFrameHeaderBytes + length) break;
      const auto type = static_cast<std::uint8_t>(unread[3]);
      const auto flags = static_cast<std::uint8_t>(unread[4]);
      const std::uint32_t id = Number(unread.substr(5, 4));
      const std::string body = unread.substr(kFrameHeaderBytes, length);
      unread.erase(0, kFrameHeaderBytes + length);
      if (type == kWindowFrame) {
        (id == 0 ? connection_window : stream_window) += Number(body);
      } else if (type == kSettingsFrame && (flags & kAck) == 0) {
        for (std::size_t at = 0; at + 6 <= body.size(); at += 6) {
          if (Number(body.substr(at, 2)) != kInitialWindowSetting) continue;
          const std::int64_t next = Number(body.substr(at + 2, 4));
          stream_window += next - initial;
          initial = next;
        }
        Send(Http2Frame(kSettingsFrame, kAck, 0, ""));
      } else if (type == kPingFrame && (flags & kAck) == 0) {
        Send(Http2Frame(kPingFrame, kAck, 0, body));
      } else if (type == kGoAwayFrame ||
                 (type == kResetFrame && id == stream)) {
        return false;
      }
    }
    return true;
  };
  while (sent < size && absl::Now() < deadline && read_frames()) {
    const std::int64_t may = std::min({connection_window, stream_window,
                                       static_cast<std::int64_t>(kMaxFrame),
                                       static_cast<std::int64_t>(size - sent)});
    if (may > 0) {
      std::string payload = sent == 0 ? std::string(first) + filler : filler;
      payload.resize(static_cast<std::size_t>(may));
      if (!Send(Http2Frame(kDataFrame, 0, stream, payload))) return sent;
      sent += static_cast<std::uint64_t>(may);
      connection_window -= may;
      stream_window -= may;
    }
    pollfd polled = {socket_, POLLIN, 0};
    if (::poll(&polled, 1, may > 0 ? 0 : 200) <= 0) continue;
    const ssize_t got = ::recv(socket_, buffer, sizeof(buffer), 0);
    if (got <= 0) return sent;
    unread.append(buffer, static_cast<std::size_t>(got));
  }
  return sent;
}

RawServer::RawServer(std::function<void(RawPeer&)> serve)
    : serve_(std::move(serve)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) !=
          0) {
    std::abort();
  }
  address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  thread_ = std::thread([this] {
    while (!stopping_) {
      if (!WaitFor(listener_, POLLIN, absl::Now() + absl::Milliseconds(100))) {
        continue;
      }
      RawPeer peer(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
      if (peer.is_valid()) serve_(peer);
    }
  });
}

RawServer::~RawServer() {
  stopping_ = true;
  thread_.join();
  ::close(listener_);
}

long MemoryKiB(const std::string& pid, const std::string& name) {
  std::ifstream in("/proc/" + pid + "/status");
  std::string line;
  while (std::getline(in, line)) {
    if (absl::StartsWith(line, name + ":")) {
      return std::strtol(line.c_str() + name.size() + 1, nullptr, 10);
    }
  }
  return -1;
}

}  // namespace anchorage::test
