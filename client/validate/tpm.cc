#include "client/validate/tpm.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/validate/validate_error.h"

namespace anchorage::client {
namespace {

// Part 2, table 19 (TPM_ST), 11 (TPM_ALG_ID), 12 (TPM_CC), 28 (TPM_RH).
constexpr std::uint16_t kNoSessions = 0x8001;
constexpr std::uint16_t kSessions = 0x8002;
constexpr std::uint16_t kSha384 = 0x000C;
constexpr std::uint32_t kPcrExtend = 0x00000182;
constexpr std::uint32_t kPcrRead = 0x0000017E;
constexpr std::uint32_t kPassword = 0x40000009;

// Part 2, table 16: what says that the same command may be sent again.
constexpr std::uint32_t kYielded = 0x908;
constexpr std::uint32_t kTesting = 0x90A;
constexpr std::uint32_t kRetry = 0x922;

constexpr std::size_t kHeaderBytes = 10;
// The longest response that the kernel hands over.
constexpr std::size_t kMaxResponseBytes = 4096;
constexpr int kMaxTries = 6;
constexpr int kFirstPauseMs = 10;
// How often a path is looked at that is not there yet.
constexpr int kLookMs = 50;

void Pause(int milliseconds) { ::poll(nullptr, 0, milliseconds); }

absl::Status Invalid(std::string_view detail) {
  return NotValid(ValidateReason::kTpmAnswerInvalid, detail);
}

// --- Bytes -------------------------------------------------------------------

void Append(std::uint64_t value, int bytes, std::string& out) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

// Takes big-endian numbers off what is left of a response.
class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  // 0 beyond the end, which AtEnd() then denies.
  std::uint32_t Take(std::size_t bytes) {
    std::uint32_t value = 0;
    for (const char c : TakeBytes(bytes)) {
      value = value << 8 | static_cast<unsigned char>(c);
    }
    return value;
  }
  std::string_view TakeBytes(std::size_t bytes) {
    if (bytes > rest_.size()) {
      is_short_ = true;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }
  bool AtEnd() const { return rest_.empty() && !is_short_; }

 private:
  std::string_view rest_;
  bool is_short_ = false;
};

// Part 1, 18: tag, size, command, and what follows.
std::string Command(std::uint16_t tag, std::uint32_t code,
                    std::string_view rest) {
  std::string command;
  Append(tag, 2, command);
  Append(kHeaderBytes + rest.size(), 4, command);
  Append(code, 4, command);
  command.append(rest.data(), rest.size());
  return command;
}

// TPMS_PCR_SELECTION: one bit for each of 24 registers.
std::string Selection(std::optional<int> pcr) {
  std::string bits(3, '\0');
  if (pcr.has_value()) bits[*pcr / 8] = static_cast<char>(1 << *pcr % 8);
  std::string selection;
  Append(1, 4, selection);
  Append(kSha384, 2, selection);
  Append(bits.size(), 1, selection);
  return selection + bits;
}

// --- The device --------------------------------------------------------------

int Connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const int made = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) return -1;
  if (::connect(made, reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) != 0 ||
      ::fcntl(made, F_SETFL, O_NONBLOCK) != 0) {
    const int error = errno;
    ::close(made);
    errno = error;
    return -1;
  }
  return made;
}

// Below 0, with errno, where there is none; ENOENT for a file of another type.
int OpenOnce(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return -1;
  if (S_ISSOCK(status.st_mode)) return Connect(path);
  if (!S_ISCHR(status.st_mode)) {
    errno = ENOENT;
    return -1;
  }
  // Only a device that does not block answers to poll(2).
  return ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

bool MayAppear(int error) {
  switch (error) {
    case EBUSY:
    case ECONNREFUSED:
    case ENODEV:
    case ENOENT:
    case ENXIO:
      return true;
    default:
      return false;
  }
}

ValidateReason ReasonOfErrno(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return ValidateReason::kTpmForbidden;
    case EBUSY:
      return ValidateReason::kTpmTimeout;
    case ECONNREFUSED:
    case ENODEV:
    case ENOENT:
    case ENOTDIR:
    case ENXIO:
      return ValidateReason::kTpmAbsent;
    default:
      return ValidateReason::kTpmAnswerInvalid;
  }
}

absl::Status TooLate() {
  return NotValid(ValidateReason::kTpmTimeout,
                  "the TPM does not answer in time");
}

bool IsForLater(int error) { return error == EAGAIN || error == EINTR; }

// Part 1, 18.10, and part 2, 6.6: the code of a response, whose tag and size
// are checked.
absl::StatusOr<std::uint32_t> ResponseCode(std::string_view response) {
  Reader reader(response);
  const std::uint32_t tag = reader.Take(2);
  const std::uint32_t size = reader.Take(4);
  const std::uint32_t code = reader.Take(4);
  if (size != response.size()) return Invalid("a response of another length");
  // An error has a header only.
  const bool known = tag == kSessions || tag == kNoSessions;
  if (code == 0 ? !known : tag == kSessions || size != kHeaderBytes) {
    return Invalid("a response with the wrong tag");
  }
  return code;
}

bool IsToBeRetried(std::uint32_t code) {
  return code == kRetry || code == kYielded || code == kTesting;
}

}  // namespace

absl::StatusOr<Tpm> Tpm::Open(const std::string& path, absl::Duration wait,
                              absl::Duration command_limit) {
  const Deadline deadline = Deadline::After(wait);
  while (true) {
    const int opened = OpenOnce(path);
    if (opened >= 0) return Tpm(opened, command_limit);
    const int error = errno;
    if (!MayAppear(error) || deadline.HasPassed()) {
      return NotValid(ReasonOfErrno(error),
                      absl::StrCat(path, ": ", std::strerror(error)));
    }
    Pause(kLookMs);
  }
}

Tpm::Tpm(Tpm&& other)
    : descriptor_(std::exchange(other.descriptor_, -1)),
      command_limit_(other.command_limit_) {}

Tpm& Tpm::operator=(Tpm&& other) {
  std::swap(descriptor_, other.descriptor_);
  std::swap(command_limit_, other.command_limit_);
  return *this;
}

Tpm::~Tpm() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

absl::StatusOr<std::string> Tpm::CallOnce(std::string_view command,
                                          Deadline deadline) {
  // The kernel takes a command in one piece or not at all.
  while (!command.empty()) {
    if (!deadline.Await(descriptor_, POLLOUT)) return TooLate();
    const ssize_t written =
        ::write(descriptor_, command.data(), command.size());
    if (written > 0) command.remove_prefix(written);
    if (written == 0 || (written < 0 && !IsForLater(errno))) {
      return Invalid(absl::StrCat("a command cannot be written: ",
                                  std::strerror(written == 0 ? EIO : errno)));
    }
  }
  std::string response;
  std::size_t wanted = kHeaderBytes;
  while (response.size() < wanted) {
    if (!deadline.Await(descriptor_, POLLIN)) return TooLate();
    std::array<char, kMaxResponseBytes> buffer;
    const ssize_t got = ::read(descriptor_, buffer.data(), buffer.size());
    if (got < 0 && IsForLater(errno)) continue;
    if (got <= 0) return Invalid("a response that ends early");
    response.append(buffer.data(), got);
    if (response.size() < kHeaderBytes) continue;
    wanted = Reader(std::string_view(response).substr(2)).Take(4);
    if (wanted < kHeaderBytes || wanted > kMaxResponseBytes) {
      return Invalid("a response of a length that none has");
    }
  }
  return response;
}

absl::StatusOr<std::string> Tpm::Call(std::string_view command) {
  const Deadline deadline = Deadline::After(command_limit_);
  int pause = kFirstPauseMs;
  for (int tries = 1;; ++tries, pause *= 2) {
    absl::StatusOr<std::string> response = CallOnce(command, deadline);
    if (!response.ok()) return response.status();
    const absl::StatusOr<std::uint32_t> code = ResponseCode(*response);
    if (!code.ok()) return code.status();
    if (*code == 0) return response;
    if (!IsToBeRetried(*code) || tries == kMaxTries) {
      return NotValid(ValidateReason::kTpmRefused,
                      absl::StrCat("response code 0x", absl::Hex(*code)));
    }
    Pause(pause);
  }
}

absl::StatusOr<std::string> Tpm::ReadPcr(int pcr) {
  const std::string selection = Selection(pcr);
  const absl::StatusOr<std::string> response =
      Call(Command(kNoSessions, kPcrRead, selection));
  if (!response.ok()) return response.status();
  Reader reader(*response);
  const bool is_tagged = reader.Take(2) == kNoSessions;
  reader.TakeBytes(kHeaderBytes - 2);
  reader.Take(4);  // pcrUpdateCounter
  const std::string_view selected = reader.TakeBytes(selection.size());
  const std::uint32_t digests = reader.Take(4);
  if (is_tagged && selected == Selection({}) && digests == 0 &&
      reader.AtEnd()) {
    return NotValid(ValidateReason::kTpmBankAbsent,
                    "the TPM has no registers in SHA-384");
  }
  const std::uint32_t size = reader.Take(2);
  const std::string_view value = reader.TakeBytes(size);
  if (!is_tagged || selected != selection || digests != 1 ||
      size != kPcrBytes || !reader.AtEnd()) {
    return Invalid("TPM2_PCR_Read does not show the register");
  }
  return std::string(value);
}

absl::Status Tpm::ExtendPcr(int pcr, std::string_view digest) {
  std::string rest;
  Append(static_cast<std::uint32_t>(pcr), 4, rest);
  // The authorization: a password, no nonce, no attributes, and it is empty.
  Append(9, 4, rest);
  Append(kPassword, 4, rest);
  Append(0, 2, rest);
  Append(0, 1, rest);
  Append(0, 2, rest);
  // TPML_DIGEST_VALUES.
  Append(1, 4, rest);
  Append(kSha384, 2, rest);
  rest.append(digest.data(), digest.size());
  const absl::StatusOr<std::string> response =
      Call(Command(kSessions, kPcrExtend, rest));
  if (!response.ok()) return response.status();
  Reader reader(*response);
  const bool is_tagged = reader.Take(2) == kSessions;
  reader.TakeBytes(kHeaderBytes - 2);
  const bool has_parameters = reader.Take(4) != 0;
  const bool has_nonce = reader.Take(2) != 0;
  reader.Take(1);  // attributes: a password's session always goes on
  const bool has_acknowledgment = reader.Take(2) != 0;
  if (!is_tagged || has_parameters || has_nonce || has_acknowledgment ||
      !reader.AtEnd()) {
    return Invalid("the response to TPM2_PCR_Extend has something in it");
  }
  return absl::OkStatus();
}

}  // namespace anchorage::client
