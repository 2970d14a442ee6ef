#include "test/support/fake_tpm.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "verify/crypto/public_key.h"

namespace anchorage::test {
namespace {

constexpr std::size_t kBytes = 48;

std::string Number(std::uint64_t value, int bytes) {
  std::string out;
  while (bytes-- > 0) out.push_back(static_cast<char>(value >> 8 * bytes));
  return out;
}

std::string Whole(unsigned tag, unsigned code, const std::string& rest) {
  return Number(tag, 2) + Number(10 + rest.size(), 4) + Number(code, 4) + rest;
}

std::string PcrSelection(int pcr) {
  std::string bits(3, '\0');
  if (pcr >= 0) bits[pcr / 8] = static_cast<char>(1 << pcr % 8);
  return Number(1, 4) + Number(0x000C, 2) + Number(3, 1) + bits;
}

// All bytes of TPM2_PCR_Read and TPM2_PCR_Extend but the register and digest.
std::string ReadCommand(int pcr) {
  return Whole(0x8001, 0x17E, PcrSelection(pcr));
}
std::string ExtendHead(int pcr) {
  return Number(pcr, 4) + Number(9, 4) + Number(0x40000009, 4) + Number(0, 2) +
         Number(0, 1) + Number(0, 2) + Number(1, 4) + Number(0x000C, 2);
}

void CheckThat(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

FakeTpm::FakeTpm(std::string path) : path_(std::move(path)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  CheckThat(path_.size() < sizeof(address.sun_path));
  std::memcpy(address.sun_path, path_.data(), path_.size());
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CheckThat(::bind(listener_, reinterpret_cast<sockaddr*>(&address),
                   sizeof(address)) == 0);
  CheckThat(::listen(listener_, 4) == 0);
  thread_ = std::thread([this] { Serve(); });
}

FakeTpm::~FakeTpm() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    if (connection_ >= 0) ::shutdown(connection_, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
  ::unlink(path_.c_str());
}

std::string FakeTpm::Pcr(int pcr) const {
  const std::lock_guard lock(mutex_);
  const auto found = registers_.find(pcr);
  return found == registers_.end() ? std::string(kBytes, '\0') : found->second;
}

void FakeTpm::SetPcr(int pcr, std::string value) {
  const std::lock_guard lock(mutex_);
  registers_[pcr] = std::move(value);
}

void FakeTpm::AnswerWith(
    std::function<std::string(const std::string&, int)> answer) {
  const std::lock_guard lock(mutex_);
  answer_ = std::move(answer);
}

int FakeTpm::commands() const {
  const std::lock_guard lock(mutex_);
  return commands_;
}

void FakeTpm::WaitUntilClosed() const {
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (connection_ < 0) return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::string FakeTpm::Response(unsigned code) { return Whole(0x8001, code, ""); }

std::string FakeTpm::Execute(const std::string& command) {
  for (int pcr = 0; pcr < 24; ++pcr) {
    if (command == ReadCommand(pcr)) {
      return Whole(0x8001, 0,
                   Number(7, 4) + PcrSelection(pcr) + Number(1, 4) +
                       Number(kBytes, 2) + Pcr(pcr));
    }
    const std::string head = ExtendHead(pcr);
    const std::string digest =
        command.substr(std::min(command.size(), 10 + head.size()));
    if (digest.size() != kBytes ||
        command != Whole(0x8002, 0x182, head + digest)) {
      continue;
    }
    SetPcr(pcr, std::string(verify::HashParts(verify::HashAlgorithm::kSha384,
                                              {Pcr(pcr), digest})
                                .view()));
    return Whole(0x8002, 0,
                 Number(0, 4) + Number(0, 2) + Number(1, 1) + Number(0, 2));
  }
  return Response(0x101);  // TPM_RC_FAILURE
}

void FakeTpm::Serve() {
  while (true) {
    const int connection = ::accept(listener_, nullptr, nullptr);
    if (connection < 0) return;
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) ::shutdown(connection, SHUT_RDWR);
      connection_ = connection;
    }
    ServeOne(connection);
    const std::lock_guard lock(mutex_);
    connection_ = -1;
    ::close(connection);
  }
}

void FakeTpm::ServeOne(int connection) {
  char buffer[4096];
  while (true) {
    const ssize_t got = ::recv(connection, buffer, sizeof(buffer), 0);
    if (got <= 0) return;
    const std::string command(buffer, static_cast<std::size_t>(got));
    std::function<std::string(const std::string&, int)> answer;
    int before;
    {
      const std::lock_guard lock(mutex_);
      answer = answer_;
      before = commands_++;
    }
    const std::string response =
        answer ? answer(command, before) : Execute(command);
    if (response == kNever) continue;
    if (response.empty()) return;
    // In two pieces, as a stream may bring it.
    const std::size_t half = response.size() / 2;
    ::send(connection, response.data(), half, MSG_NOSIGNAL);
    ::send(connection, response.data() + half, response.size() - half,
           MSG_NOSIGNAL);
  }
}

}  // namespace anchorage::test
