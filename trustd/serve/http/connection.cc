#include "trustd/serve/http/connection.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace anchorage::trustd {
namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";

}  // namespace

Connection::Connection(int socket, const IpAddress& peer, Place place,
                       bool health_only, const ConnectionLimits& limits,
                       absl::Duration now, std::unique_ptr<TlsSession> tls)
    : socket_(socket),
      tls_(std::move(tls)),
      peer_(peer),
      place_(std::move(place)),
      health_only_(health_only),
      limits_(limits),
      deadline_(now + (health_only ? limits.health_time : limits.idle_time)) {}

Connection::~Connection() {
  if (tls_ != nullptr) tls_->Close();
  // Otherwise unread input would make the kernel reset the connection and cut
  // the answer off.
  ::shutdown(socket_, SHUT_WR);
  char rest[4096];
  for (int i = 0; i < 16; ++i) {
    if (::recv(socket_, rest, sizeof(rest), MSG_DONTWAIT) <= 0) break;
  }
  ::close(socket_);
}

bool Connection::Flush() {
  const auto send = [this](std::string_view bytes) {
    if (tls_ != nullptr) return tls_->Write(bytes);
    ssize_t put = 0;
    do {
      put = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    } while (put < 0 && errno == EINTR);
    return put;
  };
  while (sent_ < out_.size()) {
    const ssize_t put = send(std::string_view(out_).substr(sent_));
    if (put < 0) return errno == EAGAIN;
    sent_ += static_cast<std::size_t>(put);
  }
  while (!body_.empty()) {
    const ssize_t put = send(body_);
    if (put < 0) return errno == EAGAIN;
    body_.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

bool Connection::Fill(absl::Duration now) {
  char buffer[4096];
  const ssize_t got = tls_ != nullptr
                          ? tls_->Read(buffer, sizeof(buffer))
                          : ::recv(socket_, buffer, sizeof(buffer), 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  if (received_.empty() && !health_only_ && !awaited_.has_value()) {
    deadline_ = now + limits_.request_time;
  }
  received_.append(buffer, static_cast<std::size_t>(got));
  return true;
}

bool Connection::HasRequest() {
  if (awaited_.has_value()) return received_.size() >= *awaited_;
  const std::size_t begin =
      scanned_ < kEndOfHead.size() ? 0 : scanned_ - kEndOfHead.size();
  const bool found = received_.find(kEndOfHead, begin) != std::string::npos;
  scanned_ = received_.size();
  return found || received_.size() >= limits_.request_bytes;
}

Connection::Next Connection::Advance(absl::Duration now) {
  if (tls_ != nullptr && !tls_->is_ready()) {
    switch (tls_->Handshake()) {
      case TlsSession::Wants::kInput:
        return Next::kAwaitInput;
      case TlsSession::Wants::kOutput:
        return Next::kAwaitOutput;
      case TlsSession::Wants::kNoMore:
        return Next::kClose;
      case TlsSession::Wants::kNothing:
        deadline_ = now + limits_.idle_time;
    }
  }
  if (is_answering_) {
    if (!Flush()) return Next::kClose;
    if (sent_ < out_.size() || !body_.empty()) return Next::kAwaitOutput;
    if (is_last_) return Next::kClose;
    is_answering_ = false;
    body_owner_ = nullptr;
    deadline_ =
        now + (received_.empty() ? limits_.idle_time : limits_.request_time);
    scanned_ = 0;
    if (HasRequest()) return Next::kAnswer;
  }
  // The body may have come with its head.
  if (awaited_.has_value() && HasRequest()) return Next::kAnswer;
  do {
    const std::size_t before = received_.size();
    if (!Fill(now)) return Next::kClose;
    if (received_.size() == before) return Next::kAwaitInput;
    if (HasRequest()) return Next::kAnswer;
    // What TLS has read off the socket makes it readable no more.
  } while (tls_ != nullptr && tls_->HasPending());
  return Next::kAwaitInput;
}

void Connection::BeginAnswer(absl::Duration now) {
  is_answering_ = true;
  if (awaited_.has_value()) {
    deadline_ = now + limits_.answer_time;
    request_body_ = received_.substr(0, *awaited_);
    received_.erase(0, *awaited_);
    awaited_.reset();
    return;
  }
  request_deadline_ = std::exchange(deadline_, now + limits_.answer_time);
  request_body_.reset();
  std::size_t end = received_.find(kEndOfHead);
  end = end == std::string::npos ? limits_.request_bytes
                                 : end + kEndOfHead.size();
  end = std::min({end, limits_.request_bytes, received_.size()});
  request_ = received_.substr(0, end);
  received_.erase(0, end);
  out_.clear();
  sent_ = 0;
  body_ = {};
}

void Connection::AwaitBody(std::size_t bytes) {
  is_answering_ = false;
  awaited_ = bytes;
  deadline_ = request_deadline_;
}

void Connection::Answer(std::string head, std::string_view body,
                        std::shared_ptr<const void> owner, bool last) {
  out_ = std::move(head);
  body_ = body;
  body_owner_ = std::move(owner);
  is_last_ = last;
}

const char* Connection::Exceeds(absl::Duration now) const {
  if (now < deadline_) return nullptr;
  if (is_answering_) return "answer_time";
  return received_.empty() && !awaited_.has_value() ? "idle_time"
                                                    : "request_time";
}

void Connection::Stop(absl::Duration now) {
  is_last_ = true;
  deadline_ =
      is_answering_ ? std::min(deadline_, now + limits_.stop_time) : now;
}

}  // namespace anchorage::trustd
