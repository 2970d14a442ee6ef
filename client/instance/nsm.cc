#include "client/instance/nsm.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/descriptor.h"
#include "client/instance/instance_error.h"
#include "verify/attestation/attestation_document.h"
#include "verify/encoding/cbor.h"

namespace anchorage::client {
namespace {

using verify::CborItem;
using verify::CborReader;
using verify::CborType;

constexpr char kAttestation[] = "Attestation";
constexpr char kDocument[] = "document";
constexpr char kError[] = "Error";

// struct nsm_raw of uapi/linux/nsm.h.
struct Buffer {
  std::uint64_t address;
  std::uint64_t length;
};
struct Message {
  Buffer request;
  Buffer answer;
};
constexpr unsigned long kAsk = _IOWR(0x0A, 0, Message);

// With heads and names of fields.
static_assert(verify::kMaxUserDataBytes + verify::kMaxNonceBytes +
                  verify::kMaxPublicKeyBytes + 64 <=
              kMaxNsmRequestBytes);

// --- The request -------------------------------------------------------------

void AppendHead(int major, std::size_t argument, std::string& out) {
  const auto append = [&out](std::size_t byte) {
    out.push_back(static_cast<char>(byte));
  };
  const std::size_t type = static_cast<std::size_t>(major) << 5;
  if (argument < 24) {
    append(type | argument);
  } else if (argument <= 0xff) {
    append(type | 24);
    append(argument);
  } else {
    append(type | 25);
    append(argument >> 8);
    append(argument & 0xff);
  }
}

void AppendText(std::string_view text, std::string& out) {
  AppendHead(3, text.size(), out);
  out += text;
}

void AppendField(std::string_view name, const std::optional<std::string>& value,
                 std::string& out) {
  AppendText(name, out);
  if (value.has_value()) {
    AppendHead(2, value->size(), out);
    out += *value;
  } else {
    out.push_back('\xf6');  // null
  }
}

// --- The answer --------------------------------------------------------------

absl::Status Fail(InstanceReason reason, std::string_view detail) {
  return NotFromInstance(reason, detail);
}

absl::Status Invalid(const char* detail) {
  return Fail(InstanceReason::kAttestationAnswerInvalid,
              absl::StrCat("the Nitro Secure Module's answer ", detail));
}

// Reads a map with the one key `document`.
absl::StatusOr<std::string_view> ReadDocument(CborReader& reader) {
  std::optional<CborItem> map = reader.Read();
  if (!map.has_value() || !map->Is(CborType::kMap)) {
    return Invalid("has no document");
  }
  std::optional<std::string_view> document;
  while (reader.More(*map)) {
    const std::optional<CborItem> key = reader.Read();
    if (!key.has_value() || !key->Is(CborType::kText) ||
        key->string != kDocument || document.has_value()) {
      return Invalid("has something else beside the document");
    }
    const std::optional<CborItem> value = reader.Read();
    if (!value.has_value() || !value->Is(CborType::kBytes)) {
      return Invalid("has a document that is no byte string");
    }
    document = value->string;
  }
  if (!document.has_value()) return Invalid("has no document");
  return *document;
}

absl::StatusOr<std::string_view> ReadOnlyPair(CborReader& reader) {
  const std::optional<CborItem> key = reader.Read();
  if (!key.has_value() || !key->Is(CborType::kText)) {
    return Invalid("is not the one to a request for a document");
  }
  if (key->string == kAttestation) return ReadDocument(reader);
  if (key->string != kError) {
    return Invalid("is not the one to a request for a document");
  }
  const std::optional<CborItem> word = reader.Read();
  if (!word.has_value() || !word->Is(CborType::kText)) {
    return Invalid("has an error that is no word");
  }
  return Fail(
      InstanceReason::kAttestationRefused,
      absl::StrCat("the Nitro Secure Module says ", std::string(word->string)));
}

// --- The device --------------------------------------------------------------

absl::Status CannotOpen(const std::string& device, int error) {
  const std::string detail = absl::StrCat(device, ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENODEV:
    case ENXIO:
      return Fail(InstanceReason::kAttestationAbsent, detail);
    case EACCES:
    case EPERM:
      return Fail(InstanceReason::kAttestationForbidden, detail);
    default:
      return Fail(InstanceReason::kInstanceUnavailable, detail);
  }
}

absl::Status CannotAsk(const std::string& device, int error) {
  const std::string detail = absl::StrCat(device, ": ", std::strerror(error));
  switch (error) {
    case EACCES:
    case EPERM:
      return Fail(InstanceReason::kAttestationForbidden,
                  absl::StrCat(detail,
                               "; drivers from Linux 6.8 on want the "
                               "capability CAP_SYS_ADMIN for it"));
    case ETIMEDOUT:
      return Fail(InstanceReason::kAttestationTimeout, detail);
    default:
      return Fail(InstanceReason::kAttestationRefused, detail);
  }
}

int SystemIoctl(int descriptor, unsigned long request, void* argument) {
  return ::ioctl(descriptor, request, argument);
}

}  // namespace

std::string EncodeNsmRequest(const AttestationRequest& request) {
  std::string out;
  AppendHead(5, 1, out);
  AppendText(kAttestation, out);
  AppendHead(5, 3, out);
  AppendField("user_data", request.user_data, out);
  AppendField("nonce", request.nonce, out);
  AppendField("public_key", request.public_key, out);
  return out;
}

absl::StatusOr<std::string_view> DecodeNsmAnswer(std::string_view answer) {
  CborReader reader(answer);
  std::optional<CborItem> map = reader.Read();
  if (!map.has_value() || !map->Is(CborType::kMap) || !reader.More(*map)) {
    return Invalid("is no map");
  }
  auto document = ReadOnlyPair(reader);
  if (InstanceReasonOf(document.status()) ==
      InstanceReason::kAttestationAnswerInvalid) {
    return document;
  }
  if (reader.More(*map) || !reader.done()) {
    return Invalid("has more than one answer");
  }
  return document;
}

absl::StatusOr<std::string> AskNsm(const std::string& device,
                                   const AttestationRequest& request,
                                   const Ioctl& ioctl) {
  if (absl::Status s = CheckAttestationRequest(request); !s.ok()) return s;
  std::string asked = EncodeNsmRequest(request);
  std::string answer(kMaxNsmAnswerBytes, '\0');

  const int descriptor = anchors::AboveStandardStreams(
      ::open(device.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (descriptor < 0) return CannotOpen(device, errno);
  const absl::Cleanup close = [descriptor] { ::close(descriptor); };

  Message message;
  int result = 0;
  do {
    message = {
        {reinterpret_cast<std::uintptr_t>(asked.data()), asked.size()},
        {reinterpret_cast<std::uintptr_t>(answer.data()), answer.size()}};
    result = ioctl != nullptr ? ioctl(descriptor, kAsk, &message)
                              : SystemIoctl(descriptor, kAsk, &message);
  } while (result < 0 && errno == EINTR);
  if (result < 0) return CannotAsk(device, errno);
  if (message.answer.length > answer.size()) {
    return Invalid("says that it is longer than there was room for");
  }
  answer.resize(message.answer.length);
  const auto document = DecodeNsmAnswer(answer);
  if (!document.ok()) return document.status();
  if (absl::Status s = CheckAttestationAnswer(*document, request); !s.ok()) {
    return s;
  }
  return std::string(*document);
}

}  // namespace anchorage::client
