// Reads the event log that a machine's firmware keeps beside its TPM, and
// replays it into registers.
//
//   auto log = ParseEventLog(bytes);  // .../tpm0/binary_bios_measurements
//   if (!log.ok()) return log.status();
//   const std::map<int, std::string> registers = Replay(*log);
//
// A log proves nothing: anyone can write one. It explains a register whose
// value a TPM has signed, by the events that were extended into it; so does
// this reader, and it decides nothing.
//
// The format is that of the TCG PC Client Platform Firmware Profile 1.05,
// chapter 10 ("crypto agile"), little-endian: an event in the format of TPM 1.2
// that names the banks ("Spec ID Event03"), then TCG_PCR_EVENT2 structures.
// Linux shows them in /sys/kernel/security/tpm0/binary_bios_measurements, with
// what the firmware measured after its log was handed over at the end. Where a
// log was copied with the unused rest of its memory, that rest is zeros, or
// ones, to the end.
//
// Pure; any number of threads.

#ifndef ANCHORAGE_VERIFY_MEASURE_BOOT_EVENT_LOG_H_
#define ANCHORAGE_VERIFY_MEASURE_BOOT_EVENT_LOG_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace anchorage::verify {

// Real logs have some 100 events in some 40 KiB.
inline constexpr std::size_t kMaxEventLogBytes = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxLoggedEvents = 16 * 1024;
// Of one event: a db of many certificates is the largest that there is.
inline constexpr std::size_t kMaxEventDataBytes = 1024 * 1024;
inline constexpr std::size_t kMaxLogBanks = 16;
// A TPM of a PC has the registers 0 to 23.
inline constexpr std::uint32_t kMaxRegister = 23;

// The types of events that this program looks into (10.4.1 of the profile).
enum EventType : std::uint32_t {
  kEvNoAction = 0x3,
  kEvSeparator = 0x4,
  kEvIpl = 0xd,
  kEvEfiVariableDriverConfig = 0x80000001,
  kEvEfiVariableBoot = 0x80000002,
  kEvEfiBootServicesApplication = 0x80000003,
  kEvEfiBootServicesDriver = 0x80000004,
  kEvEfiRuntimeServicesDriver = 0x80000005,
  kEvEfiAction = 0x80000007,
  kEvEfiVariableBoot2 = 0x8000000c,
  kEvEfiVariableAuthority = 0x800000e0,
};

// One event. What it has are views into the log.
struct LoggedEvent {
  std::uint32_t pcr = 0;
  std::uint32_t type = 0;
  // Of the SHA-384 bank: 48 bytes.
  std::string_view digest;
  std::string_view data;

  // An EV_NO_ACTION is in the log only.
  bool extended() const { return type != kEvNoAction; }
};

struct EventLog {
  // In the order of the log, without the first one that names the banks.
  std::vector<LoggedEvent> events;
  // The locality from which the TPM was started: 0, 3 or 4. PCR0 begins with it
  // as its last byte.
  int startup_locality = 0;
};

// Reads a log, which the result points into. Fails with
//  - kEventLogTooLarge, for more than the limits above;
//  - kEventLogTruncated, where the log ends within an event;
//  - kEventLogSha384Missing, for a log in the format of TPM 1.2, which has
//    SHA-1 alone, and for one whose banks have no SHA-384: what a NitroTPM
//    attests is the SHA-384 bank;
//  - kEventLogMalformed, for anything else: an event without a digest of each
//    bank, a register that a TPM does not have, a length that does not add up.
absl::StatusOr<EventLog> ParseEventLog(std::string_view bytes);

// Returns `value` after one more event: SHA-384(value || digest), 48 bytes.
std::string Extend(std::string_view value, std::string_view digest);

// Returns what `register_index` holds before the first event of `log`.
std::string FirstValue(const EventLog& log, std::uint32_t register_index);

// Returns the value of each register that `log` extends, by index, 48 bytes
// each. PCR17 to PCR22 are left out: they begin with ones, and a late launch
// resets them, which no log shows.
std::map<int, std::string> Replay(const EventLog& log);

// Whether the digest is the SHA-384 of the event's data, so that the data is
// what was measured. True of variables, separators and actions; of an image and
// its sections the digest is of other bytes, and the data only tells of them.
bool DataIsMeasured(const LoggedEvent& event);

// Returns "EV_SEPARATOR"; "0x8000000f" for a type that this program does not
// know.
std::string NameOfEventType(std::uint32_t type);

// A UEFI variable, as EV_EFI_VARIABLE_* have it (UEFI_VARIABLE_DATA).
struct LoggedVariable {
  // 16 bytes, as the log has them.
  std::string_view vendor;
  // UTF-8.
  std::string name;
  std::string_view data;
};

// Returns nullopt for an event of another type, and for data that is none.
std::optional<LoggedVariable> VariableOf(const LoggedEvent& event);

// An image that was loaded, as EV_EFI_BOOT_SERVICES_APPLICATION and drivers
// have it (UEFI_IMAGE_LOAD_EVENT).
struct LoggedImage {
  std::uint64_t bytes = 0;
  // Of its device path, such as "\EFI\BOOT\BOOTX64.EFI", in UTF-8; empty where
  // it was not loaded from a file.
  std::string file;
};

// Returns nullopt for an event of another type, and for data that is none.
std::optional<LoggedImage> ImageOf(const LoggedEvent& event);

// Returns what the data of an event says, on one line that is fit to be shown:
// the file of an image, the name of a variable and its value where it is short,
// the text of an action or of EV_IPL. At most 200 bytes; empty for data that
// this program does not read.
std::string Describe(const LoggedEvent& event);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_MEASURE_BOOT_EVENT_LOG_H_
