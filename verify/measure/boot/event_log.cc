#include "verify/measure/boot/event_log.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/little_endian.h"
#include "verify/encoding/utf8.h"
#include "verify/measure/boot/measure_error.h"
#include "verify/printable.h"

namespace anchorage::verify {
namespace {

constexpr std::size_t kSha1Bytes = 20;
constexpr std::size_t kSha384Bytes = 48;
constexpr std::uint16_t kSha384 = 0x000c;
constexpr std::size_t kMaxDescription = 200;

// Algorithms of the TCG's registry, with the lengths of their digests.
constexpr std::array<std::pair<std::uint16_t, std::size_t>, 8> kDigestSizes{{
    {0x0004, kSha1Bytes},
    {0x000b, 32},
    {kSha384, kSha384Bytes},
    {0x000d, 64},
    {0x0012, 32},
    {0x0027, 32},
    {0x0028, 48},
    {0x0029, 64},
}};

using namespace std::string_view_literals;

constexpr std::string_view kSpecId = "Spec ID Event03\0"sv;
constexpr std::string_view kStartupLocality = "StartupLocality\0"sv;

constexpr std::pair<std::uint32_t, std::string_view> kTypeNames[] = {
    {0x0, "EV_PREBOOT_CERT"},
    {0x1, "EV_POST_CODE"},
    {kEvNoAction, "EV_NO_ACTION"},
    {kEvSeparator, "EV_SEPARATOR"},
    {0x5, "EV_ACTION"},
    {0x6, "EV_EVENT_TAG"},
    {0x7, "EV_S_CRTM_CONTENTS"},
    {0x8, "EV_S_CRTM_VERSION"},
    {0x9, "EV_CPU_MICROCODE"},
    {0xa, "EV_PLATFORM_CONFIG_FLAGS"},
    {0xb, "EV_TABLE_OF_DEVICES"},
    {0xc, "EV_COMPACT_HASH"},
    {kEvIpl, "EV_IPL"},
    {0xe, "EV_IPL_PARTITION_DATA"},
    {0xf, "EV_NONHOST_CODE"},
    {0x10, "EV_NONHOST_CONFIG"},
    {0x11, "EV_NONHOST_INFO"},
    {0x12, "EV_OMIT_BOOT_DEVICE_EVENTS"},
    {0x13, "EV_POST_CODE2"},
    {kEvEfiVariableDriverConfig, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
    {kEvEfiVariableBoot, "EV_EFI_VARIABLE_BOOT"},
    {kEvEfiBootServicesApplication, "EV_EFI_BOOT_SERVICES_APPLICATION"},
    {kEvEfiBootServicesDriver, "EV_EFI_BOOT_SERVICES_DRIVER"},
    {kEvEfiRuntimeServicesDriver, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
    {0x80000006, "EV_EFI_GPT_EVENT"},
    {kEvEfiAction, "EV_EFI_ACTION"},
    {0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
    {0x80000009, "EV_EFI_HANDOFF_TABLES"},
    {0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
    {0x8000000b, "EV_EFI_HANDOFF_TABLES2"},
    {kEvEfiVariableBoot2, "EV_EFI_VARIABLE_BOOT2"},
    {0x8000000d, "EV_EFI_GPT_EVENT2"},
    {0x80000010, "EV_EFI_HCRTM_EVENT"},
    {kEvEfiVariableAuthority, "EV_EFI_VARIABLE_AUTHORITY"},
    {0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB"},
    {0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG"},
};

// Takes fixed parts off the front of bytes; each fails where fewer are left.
class Cursor {
 public:
  explicit Cursor(std::string_view rest) : rest_(rest) {}

  std::string_view rest() const { return rest_; }

  bool Take(std::uint64_t size, std::string_view& part) {
    if (size > rest_.size()) return false;
    part = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(part.size());
    return true;
  }

  template <typename Unsigned>
  bool Take(Unsigned& value) {
    std::string_view part;
    if (!Take(sizeof(Unsigned), part)) return false;
    value = LittleEndian<Unsigned>(part, 0);
    return true;
  }

 private:
  std::string_view rest_;
};

absl::Status Malformed(std::string_view what) {
  return CannotMeasure(MeasureReason::kEventLogMalformed, what);
}

absl::Status Truncated(std::size_t number) {
  return CannotMeasure(
      MeasureReason::kEventLogTruncated,
      absl::StrCat("the event log ends within its event ", number));
}

absl::Status TooLarge(std::string_view what) {
  return CannotMeasure(MeasureReason::kEventLogTooLarge, what);
}

struct Bank {
  std::uint16_t algorithm = 0;
  std::uint16_t digest_bytes = 0;
};

// Reads TCG_EfiSpecIDEvent, the data of the first event.
absl::StatusOr<std::vector<Bank>> ReadBanks(std::string_view data) {
  Cursor cursor(data.substr(kSpecId.size()));
  std::uint32_t platform_class = 0;
  std::string_view version;  // minor, major, errata, size of UINTN
  std::uint32_t count = 0;
  if (!cursor.Take(platform_class) || !cursor.Take(4, version) ||
      !cursor.Take(count)) {
    return Malformed("the first event does not say which banks there are");
  }
  if (count == 0 || count > kMaxLogBanks) {
    return Malformed(absl::StrCat("the event log has ", count,
                                  " banks: 1 to 16 are possible"));
  }
  std::vector<Bank> banks(count);
  for (std::size_t i = 0; i < banks.size(); ++i) {
    Bank& bank = banks[i];
    if (!cursor.Take(bank.algorithm) || !cursor.Take(bank.digest_bytes)) {
      return Malformed("the first event ends within its list of banks");
    }
    for (const auto& [algorithm, size] : kDigestSizes) {
      if (bank.algorithm == algorithm && bank.digest_bytes != size) {
        return Malformed("a bank has digests of another length than its hash");
      }
    }
    if (std::any_of(banks.begin(),
                    banks.begin() + static_cast<std::ptrdiff_t>(i),
                    [&bank](const Bank& other) {
                      return other.algorithm == bank.algorithm;
                    })) {
      return Malformed("two banks have one hash");
    }
  }
  std::uint8_t vendor_bytes = 0;
  if (!cursor.Take(vendor_bytes) || cursor.rest().size() != vendor_bytes) {
    return Malformed("the first event has another length than it says");
  }
  return banks;
}

// Reads the first event, which has the format of TPM 1.2.
absl::StatusOr<std::vector<Bank>> ReadHead(Cursor& cursor) {
  std::uint32_t pcr = 0;
  std::uint32_t type = 0;
  std::string_view digest;
  std::uint32_t size = 0;
  std::string_view data;
  if (!cursor.Take(pcr) || !cursor.Take(type) ||
      !cursor.Take(kSha1Bytes, digest) || !cursor.Take(size) ||
      !cursor.Take(size, data)) {
    return Truncated(1);
  }
  if (type != kEvNoAction || data.substr(0, kSpecId.size()) != kSpecId) {
    return CannotMeasure(
        MeasureReason::kEventLogSha384Missing,
        "the event log does not begin with \"Spec ID Event03\": it is in the "
        "format of TPM 1.2, which has SHA-1 digests and no SHA-384 bank");
  }
  if (pcr != 0 || digest.find_first_not_of('\0') != digest.npos) {
    return Malformed("the event that names the banks was extended");
  }
  auto banks = ReadBanks(data);
  if (banks.ok() &&
      std::none_of(banks->begin(), banks->end(), [](const Bank& bank) {
        return bank.algorithm == kSha384;
      })) {
    return CannotMeasure(
        MeasureReason::kEventLogSha384Missing,
        "the TPM that this event log is of has no SHA-384 bank");
  }
  return banks;
}

// Reads the digests of one event: one of each bank, in any order.
absl::Status ReadDigests(const std::vector<Bank>& banks, std::size_t number,
                         Cursor& cursor, LoggedEvent& event) {
  std::uint32_t count = 0;
  if (!cursor.Take(count)) return Truncated(number);
  if (count != banks.size()) {
    return Malformed(absl::StrCat("event ", number, " has ", count,
                                  " digests, and there are ", banks.size(),
                                  " banks"));
  }
  std::vector<bool> seen(banks.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint16_t algorithm = 0;
    if (!cursor.Take(algorithm)) return Truncated(number);
    const auto bank = std::find_if(banks.begin(), banks.end(),
                                   [algorithm](const Bank& candidate) {
                                     return candidate.algorithm == algorithm;
                                   });
    const auto index = static_cast<std::size_t>(bank - banks.begin());
    if (bank == banks.end() || seen[index]) {
      return Malformed(
          absl::StrCat("event ", number, " has not one digest of each bank"));
    }
    seen[index] = true;
    std::string_view digest;
    if (!cursor.Take(bank->digest_bytes, digest)) return Truncated(number);
    if (algorithm == kSha384) event.digest = digest;
  }
  return absl::OkStatus();
}

absl::Status ReadEvent(const std::vector<Bank>& banks, std::size_t number,
                       Cursor& cursor, LoggedEvent& event) {
  if (!cursor.Take(event.pcr) || !cursor.Take(event.type)) {
    return Truncated(number);
  }
  if (event.extended() && event.pcr > kMaxRegister) {
    return Malformed(absl::StrCat("event ", number, " is of PCR", event.pcr,
                                  ", which no TPM has"));
  }
  absl::Status status = ReadDigests(banks, number, cursor, event);
  if (!status.ok()) return status;
  std::uint32_t size = 0;
  if (!cursor.Take(size)) return Truncated(number);
  if (size > kMaxEventDataBytes) {
    return TooLarge(absl::StrCat("event ", number, " has ", size,
                                 " bytes of data: at most 1 MiB is read"));
  }
  if (!cursor.Take(size, event.data)) return Truncated(number);
  return absl::OkStatus();
}

// Whether `rest` is memory of the log that was never written to.
bool IsUnused(std::string_view rest) {
  return rest.find_first_not_of('\0') == rest.npos ||
         rest.find_first_not_of('\xff') == rest.npos;
}

bool IsStartupLocality(const LoggedEvent& event) {
  return !event.extended() && event.pcr == 0 &&
         event.data.starts_with(kStartupLocality);
}

absl::Status ReadStartupLocality(const LoggedEvent& event, EventLog& log) {
  if (!IsStartupLocality(event)) return absl::OkStatus();
  const std::string_view value = event.data.substr(kStartupLocality.size());
  if (value != "\0"sv && value != "\3"sv && value != "\4"sv) {
    return Malformed("the startup locality is not 0, 3 or 4");
  }
  // It says what PCR0 begins with.
  if (std::any_of(log.events.begin(), log.events.end(),
                  [](const LoggedEvent& other) {
                    return (other.extended() && other.pcr == 0) ||
                           IsStartupLocality(other);
                  })) {
    return Malformed("the startup locality comes late or twice");
  }
  log.startup_locality = value.front();
  return absl::OkStatus();
}

// Returns UTF-16LE as UTF-8, with U+FFFD for what is none.
std::string FromUtf16(std::string_view bytes) {
  std::string text;
  Cursor cursor(bytes);
  std::uint16_t unit = 0;
  while (cursor.Take(unit)) {
    std::uint32_t code = unit;
    if (unit >= 0xd800 && unit < 0xe000) {
      code = 0xfffd;
      Cursor ahead = cursor;
      std::uint16_t low = 0;
      if (unit < 0xdc00 && ahead.Take(low) && low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((unit - 0xd800U) << 10) + (low - 0xdc00U);
        cursor = ahead;
      }
    }
    char buffer[4];
    text.append(buffer, WriteUtf8(code, buffer));
  }
  return text;
}

std::string WithoutNuls(std::string text) {
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

// The file of a device path: its nodes of type 4 (media) and subtype 4 (file
// path), one after the other (UEFI 10.3.5.4).
std::string FileOfDevicePath(std::string_view path) {
  std::string file;
  Cursor cursor(path);
  std::uint8_t type = 0;
  std::uint8_t subtype = 0;
  std::uint16_t size = 0;
  std::string_view body;
  constexpr std::uint16_t kNodeHead = 4;
  while (cursor.Take(type) && cursor.Take(subtype) && cursor.Take(size) &&
         size >= kNodeHead && cursor.Take(size - kNodeHead, body)) {
    if (type == 0x04 && subtype == 0x04) {
      file += WithoutNuls(FromUtf16(body));
    }
  }
  return file;
}

bool IsVariable(std::uint32_t type) {
  return type == kEvEfiVariableDriverConfig || type == kEvEfiVariableBoot ||
         type == kEvEfiVariableBoot2 || type == kEvEfiVariableAuthority;
}

bool IsImage(std::uint32_t type) {
  return type == kEvEfiBootServicesApplication ||
         type == kEvEfiBootServicesDriver ||
         type == kEvEfiRuntimeServicesDriver;
}

std::string DescribeVariable(const LoggedVariable& variable) {
  constexpr std::size_t kShown = 8;
  if (variable.data.size() > kShown) {
    return absl::StrCat(variable.name, ", ", variable.data.size(), " bytes");
  }
  return absl::StrCat(variable.name, " = ",
                      variable.data.empty()
                          ? "(empty)"
                          : absl::BytesToHexString(absl::string_view(
                                variable.data.data(), variable.data.size())));
}

std::string DescribeImage(const LoggedImage& image) {
  return absl::StrCat(image.file.empty() ? "not from a file" : image.file, ", ",
                      image.bytes, " bytes in memory");
}

// Text of a boot loader: UTF-16 of systemd-stub, ASCII of GRUB and shim.
std::string DescribeText(std::string_view data) {
  const bool wide = data.size() >= 2 && data.size() % 2 == 0 &&
                    data[0] != '\0' && data[1] == '\0';
  return WithoutNuls(wide ? FromUtf16(data) : std::string(data));
}

std::string DescribeSeparator(std::string_view data) {
  if (data == "\0\0\0\0"sv) return "the firmware is done with this register";
  if (data == "\1\0\0\0"sv) return "the firmware failed";
  return absl::StrCat("separator ", absl::BytesToHexString(absl::string_view(
                                        data.data(), data.size())));
}

std::string DescriptionOf(const LoggedEvent& event) {
  if (const auto variable = VariableOf(event)) {
    return DescribeVariable(*variable);
  }
  if (const auto image = ImageOf(event)) return DescribeImage(*image);
  switch (event.type) {
    case kEvSeparator:
      return DescribeSeparator(event.data.substr(0, 16));
    case kEvEfiAction:
    case kEvIpl:
      return DescribeText(event.data.substr(0, 2 * kMaxDescription));
    case kEvNoAction: {
      const std::string_view name =
          event.data.substr(0, event.data.substr(0, 16).find('\0'));
      return DescribeText(name.substr(0, 16));
    }
    default:
      return "";
  }
}

}  // namespace

absl::StatusOr<EventLog> ParseEventLog(std::string_view bytes) {
  if (bytes.size() > kMaxEventLogBytes) {
    return TooLarge("the event log is longer than 4 MiB");
  }
  Cursor cursor(bytes);
  const auto banks = ReadHead(cursor);
  if (!banks.ok()) return banks.status();
  EventLog log;
  while (!IsUnused(cursor.rest())) {
    if (log.events.size() == kMaxLoggedEvents) {
      return TooLarge("the event log has more than 16,384 events");
    }
    // The one that names the banks is event 1.
    const std::size_t number = log.events.size() + 2;
    LoggedEvent event;
    absl::Status status = ReadEvent(*banks, number, cursor, event);
    if (status.ok()) status = ReadStartupLocality(event, log);
    if (!status.ok()) return status;
    log.events.push_back(event);
  }
  return log;
}

std::string Extend(std::string_view value, std::string_view digest) {
  return std::string(HashParts(HashAlgorithm::kSha384, {value, digest}).view());
}

std::string FirstValue(const EventLog& log, std::uint32_t register_index) {
  std::string value(kSha384Bytes, '\0');
  if (register_index == 0) {
    value.back() = static_cast<char>(log.startup_locality);
  }
  return value;
}

std::map<int, std::string> Replay(const EventLog& log) {
  std::map<int, std::string> registers;
  for (const LoggedEvent& event : log.events) {
    if (!event.extended() || (event.pcr >= 17 && event.pcr <= 22)) continue;
    std::string& value = registers
                             .try_emplace(static_cast<int>(event.pcr),
                                          FirstValue(log, event.pcr))
                             .first->second;
    value = Extend(value, event.digest);
  }
  return registers;
}

bool DataIsMeasured(const LoggedEvent& event) {
  return event.digest == Hash(HashAlgorithm::kSha384, event.data).view();
}

std::string NameOfEventType(std::uint32_t type) {
  for (const auto& [value, name] : kTypeNames) {
    if (value == type) return std::string(name);
  }
  return absl::StrFormat("0x%08x", type);
}

std::optional<LoggedVariable> VariableOf(const LoggedEvent& event) {
  if (!IsVariable(event.type)) return std::nullopt;
  LoggedVariable variable;
  Cursor cursor(event.data);
  std::uint64_t characters = 0;
  std::uint64_t data_bytes = 0;
  std::string_view name;
  if (!cursor.Take(16, variable.vendor) || !cursor.Take(characters) ||
      !cursor.Take(data_bytes) || characters > kMaxEventDataBytes ||
      !cursor.Take(2 * characters, name) ||
      !cursor.Take(data_bytes, variable.data) || !cursor.rest().empty()) {
    return std::nullopt;
  }
  variable.name = FromUtf16(name);
  return variable;
}

std::optional<LoggedImage> ImageOf(const LoggedEvent& event) {
  if (!IsImage(event.type)) return std::nullopt;
  LoggedImage image;
  Cursor cursor(event.data);
  std::uint64_t address = 0;
  std::uint64_t link_address = 0;
  std::uint64_t path_bytes = 0;
  std::string_view path;
  if (!cursor.Take(address) || !cursor.Take(image.bytes) ||
      !cursor.Take(link_address) || !cursor.Take(path_bytes) ||
      !cursor.Take(path_bytes, path)) {
    return std::nullopt;
  }
  image.file = FileOfDevicePath(path);
  return image;
}

std::string Describe(const LoggedEvent& event) {
  return Printable(DescriptionOf(event), kMaxDescription);
}

}  // namespace anchorage::verify
