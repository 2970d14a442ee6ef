#include "verify/encoding/der.h"

#include "absl/time/civil_time.h"

namespace anchorage::verify {
namespace {

constexpr std::uint8_t kTagNumberMask = 0x1f;
constexpr std::uint8_t kClassMask = 0xc0;

// Whether a DER element may have that tag: a number below 31, and not the
// universal 0, which ends an indefinite length.
bool IsTag(std::uint8_t tag) {
  const int number = tag & kTagNumberMask;
  return number != kTagNumberMask && (number != 0 || (tag & kClassMask) != 0);
}

std::uint8_t ByteAt(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint8_t>(bytes[i]);
}

// Reads a definite, minimal length from the front of `bytes`.
bool ReadLength(std::string_view& bytes, std::size_t& length) {
  if (bytes.empty()) return false;
  const std::uint8_t first = ByteAt(bytes, 0);
  bytes.remove_prefix(1);
  if (first < 0x80) {
    length = first;
    return true;
  }
  // Four length octets are 4 GiB: more than any input of ours.
  const std::size_t octets = first & 0x7f;
  if (octets == 0 || octets > 4 || bytes.size() < octets) return false;
  length = 0;
  for (std::size_t i = 0; i < octets; ++i) {
    length = length << 8 | ByteAt(bytes, i);
  }
  const bool minimal = length >= 0x80 && ByteAt(bytes, 0) != 0;
  bytes.remove_prefix(octets);
  return minimal;
}

// Reads `count` decimal digits from `text` at `at`; -1 if one is no digit.
int Digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

// Reads MMDDHHMMSSZ, the whole of `text`.
std::optional<absl::Time> RestOfTime(int year, std::string_view text) {
  const int month = Digits(text, 0, 2);
  const int day = Digits(text, 2, 2);
  const int hour = Digits(text, 4, 2);
  const int minute = Digits(text, 6, 2);
  const int second = Digits(text, 8, 2);
  if (text[10] != 'Z' || year < 0 || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 59 || month < 1 || day < 1) {
    return std::nullopt;
  }
  const absl::CivilSecond civil(year, month, day, hour, minute, second);
  // CivilSecond rolls a day that does not exist over into the next month.
  if (civil.month() != month || civil.day() != day) return std::nullopt;
  return absl::UnixEpoch() + absl::Seconds(civil - absl::CivilSecond());
}

constexpr std::size_t kUtcTimeSize = 13;
constexpr std::size_t kGeneralizedTimeSize = 15;

}  // namespace

std::optional<std::uint8_t> DerReader::PeekTag() const {
  if (rest_.empty()) return std::nullopt;
  return ByteAt(rest_, 0);
}

bool DerReader::NextIs(DerTag tag) const {
  return PeekTag() == static_cast<std::uint8_t>(tag);
}

std::optional<DerElement> DerReader::Read() {
  std::string_view bytes = rest_;
  if (bytes.size() < 2) return std::nullopt;
  DerElement element;
  element.tag = ByteAt(bytes, 0);
  if (!IsTag(element.tag)) return std::nullopt;
  bytes.remove_prefix(1);
  std::size_t length = 0;
  if (!ReadLength(bytes, length) || length > bytes.size()) return std::nullopt;
  element.contents = bytes.substr(0, length);
  const std::size_t header = rest_.size() - bytes.size();
  element.whole = rest_.substr(0, header + length);
  rest_.remove_prefix(header + length);
  return element;
}

std::optional<DerElement> DerReader::Read(DerTag tag) {
  if (!NextIs(tag)) return std::nullopt;
  return Read();
}

std::optional<DerElement> ParseOne(std::string_view bytes, DerTag tag) {
  DerReader reader(bytes);
  auto element = reader.Read(tag);
  if (!reader.done()) return std::nullopt;
  return element;
}

std::optional<bool> ParseBoolean(std::string_view contents) {
  if (contents.size() != 1) return std::nullopt;
  if (ByteAt(contents, 0) == 0xff) return true;
  if (ByteAt(contents, 0) == 0x00) return false;
  return std::nullopt;
}

bool IsMinimalInteger(std::string_view contents) {
  if (contents.empty()) return false;
  if (contents.size() == 1) return true;
  const std::uint8_t first = ByteAt(contents, 0);
  const bool second_high = (ByteAt(contents, 1) & 0x80) != 0;
  return !(first == 0x00 && !second_high) && !(first == 0xff && second_high);
}

std::optional<std::uint32_t> ParseSmallInteger(std::string_view contents) {
  if (!IsMinimalInteger(contents) || (ByteAt(contents, 0) & 0x80) != 0) {
    return std::nullopt;
  }
  if (ByteAt(contents, 0) == 0 && contents.size() > 1) {
    contents.remove_prefix(1);
  }
  if (contents.size() > 4) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < contents.size(); ++i) {
    value = value << 8 | ByteAt(contents, i);
  }
  return value;
}

std::optional<std::string_view> ParseOctetAligned(std::string_view contents) {
  if (contents.size() < 2 || ByteAt(contents, 0) != 0) return std::nullopt;
  return contents.substr(1);
}

std::optional<absl::Time> ParseUtcTime(std::string_view contents) {
  if (contents.size() != kUtcTimeSize) return std::nullopt;
  const int year = Digits(contents, 0, 2);
  if (year < 0) return std::nullopt;
  return RestOfTime(year < 50 ? 2000 + year : 1900 + year, contents.substr(2));
}

std::optional<absl::Time> ParseGeneralizedTime(std::string_view contents) {
  if (contents.size() != kGeneralizedTimeSize) return std::nullopt;
  return RestOfTime(Digits(contents, 0, 4), contents.substr(4));
}

std::optional<absl::Time> ParseTime(const DerElement& element) {
  if (element.Is(DerTag::kUtcTime)) return ParseUtcTime(element.contents);
  if (!element.Is(DerTag::kGeneralizedTime)) return std::nullopt;
  static const absl::Time kFirst = absl::FromCivil(
      absl::CivilSecond(2050, 1, 1, 0, 0, 0), absl::UTCTimeZone());
  const auto time = ParseGeneralizedTime(element.contents);
  if (!time.has_value() || *time < kFirst) return std::nullopt;
  return time;
}

bool IsOid(std::string_view contents) {
  if (contents.empty() || (ByteAt(contents, contents.size() - 1) & 0x80)) {
    return false;
  }
  bool starts = true;  // first octet of an arc: 80 would be padding
  for (const char c : contents) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (starts && byte == 0x80) return false;
    starts = (byte & 0x80) == 0;
  }
  return true;
}

}  // namespace anchorage::verify
