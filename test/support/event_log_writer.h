// Writes event logs in the format of the TCG's PC Client profile.
//
//   const std::string log = EventLogWriter()
//                               .Event(4, kEvEfiAction, "Calling ...")
//                               .Event(4, kEvEfiBootServicesApplication,
//                                      image_load_event, digest)
//                               .log();

#ifndef ANCHORAGE_TEST_SUPPORT_EVENT_LOG_WRITER_H_
#define ANCHORAGE_TEST_SUPPORT_EVENT_LOG_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "test/fake_aws/keys.h"

namespace anchorage::test {

// `value` as `bytes` bytes, little-endian.
inline std::string LittleEndian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) {
    text.push_back(static_cast<char>(i < 8 ? value >> (8 * i) & 0xff : 0));
  }
  return text;
}

inline std::string AsciiToUtf16(std::string_view ascii) {
  std::string text;
  for (const char c : ascii) text += {c, '\0'};
  return text;
}

inline std::string Sha384Of(std::string_view bytes) {
  return HashOf(Hash::kSha384, bytes);
}

// The data of an EV_EFI_VARIABLE_* event.
inline std::string VariableData(std::string_view vendor, std::string_view name,
                                std::string_view data) {
  return std::string(vendor) + LittleEndian(name.size(), 8) +
         LittleEndian(data.size(), 8) + AsciiToUtf16(name) + std::string(data);
}

// The data of an EV_EFI_BOOT_SERVICES_APPLICATION event.
inline std::string ImageData(std::string_view file, std::uint64_t bytes) {
  const std::string name = AsciiToUtf16(file) + std::string(2, '\0');
  const std::string path = "\x04\x04" + LittleEndian(4 + name.size(), 2) +
                           name + std::string("\x7f\xff\x04\x00", 4);
  return LittleEndian(0xbca5e018, 8) + LittleEndian(bytes, 8) +
         LittleEndian(0, 8) + LittleEndian(path.size(), 8) + path;
}

// An algorithm and the length of its digests.
using LogBanks = std::vector<std::pair<int, int>>;

class EventLogWriter {
 public:
  explicit EventLogWriter(LogBanks banks = {{4, 20}, {11, 32}, {12, 48}})
      : banks_(std::move(banks)) {
    std::string data("Spec ID Event03\0", 16);
    data += LittleEndian(0, 4) + std::string("\0\2\0\2", 4) +
            LittleEndian(banks_.size(), 4);
    for (const auto& [algorithm, bytes] : banks_) {
      data += LittleEndian(static_cast<unsigned>(algorithm), 2) +
              LittleEndian(static_cast<unsigned>(bytes), 2);
    }
    data += '\0';
    log_ = LittleEndian(0, 4) + LittleEndian(3, 4) + std::string(20, '\0') +
           LittleEndian(data.size(), 4) + data;
  }

  // Adds an event whose SHA-384 is that of `data`; the other banks have
  // something else.
  EventLogWriter& Event(std::uint32_t pcr, std::uint32_t type,
                        std::string_view data) {
    return Event(pcr, type, data, Sha384Of(data));
  }

  EventLogWriter& Event(std::uint32_t pcr, std::uint32_t type,
                        std::string_view data, std::string_view sha384) {
    log_ += LittleEndian(pcr, 4) + LittleEndian(type, 4) +
            LittleEndian(banks_.size(), 4);
    for (const auto& [algorithm, bytes] : banks_) {
      log_ += LittleEndian(static_cast<unsigned>(algorithm), 2);
      log_ += algorithm == 12
                  ? std::string(sha384)
                  : std::string(static_cast<std::size_t>(bytes), 'd');
    }
    log_ += LittleEndian(data.size(), 4) + std::string(data);
    return *this;
  }

  const std::string& log() const { return log_; }

 private:
  const LogBanks banks_;
  std::string log_;
};

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_SUPPORT_EVENT_LOG_WRITER_H_
