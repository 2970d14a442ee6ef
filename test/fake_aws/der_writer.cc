#include "test/fake_aws/der_writer.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace anchorage::test {
namespace {

std::string BigEndian(std::uint64_t value, int octets) {
  std::string out;
  for (int shift = (octets - 1) * 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift & 0xff));
  }
  return out;
}

int OctetsOf(std::uint64_t value) {
  int octets = 1;
  while (value >>= 8) ++octets;
  return octets;
}

std::string FormatUtc(std::string_view format, absl::Time time) {
  return absl::FormatTime(absl::string_view(format.data(), format.size()), time,
                          absl::UTCTimeZone());
}

std::string Base128(std::uint64_t value) {
  std::string out(1, static_cast<char>(value & 0x7f));
  while (value >>= 7) {
    out.insert(out.begin(), static_cast<char>(0x80 | (value & 0x7f)));
  }
  return out;
}

}  // namespace

std::string Tlv(std::uint8_t tag, std::string_view contents) {
  if (contents.size() >= 0x80) {
    return TlvLongLength(tag, contents, OctetsOf(contents.size()));
  }
  std::string out(1, static_cast<char>(tag));
  out.push_back(static_cast<char>(contents.size()));
  out.append(contents);
  return out;
}

std::string TlvLongLength(std::uint8_t tag, std::string_view contents,
                          int octets) {
  std::string out(1, static_cast<char>(tag));
  out.push_back(static_cast<char>(0x80 | octets));
  out += BigEndian(contents.size(), octets);
  out.append(contents);
  return out;
}

std::string Indefinite(std::uint8_t tag, std::string_view contents) {
  std::string out(1, static_cast<char>(tag));
  out.push_back(static_cast<char>(0x80));
  out.append(contents);
  out.append(2, '\0');
  return out;
}

std::string Concat(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (std::string_view part : parts) out.append(part);
  return out;
}

std::string Sequence(std::initializer_list<std::string_view> parts) {
  return Tlv(0x30, Concat(parts));
}

std::string Set(std::initializer_list<std::string_view> parts) {
  return Tlv(0x31, Concat(parts));
}

std::string SetOf(std::vector<std::string> parts) {
  std::sort(parts.begin(), parts.end());
  std::string contents;
  for (const std::string& part : parts) contents += part;
  return Tlv(0x31, contents);
}

std::string Null() { return Tlv(0x05, ""); }

std::string Boolean(bool value) {
  return Tlv(0x01, std::string(1, value ? '\xff' : '\0'));
}

std::string Integer(std::uint64_t value) {
  return PositiveInteger(BigEndian(value, 8));
}

std::string PositiveInteger(std::string_view magnitude) {
  const std::size_t first = magnitude.find_first_not_of('\0');
  std::string contents(first == magnitude.npos ? "" : magnitude.substr(first));
  if (contents.empty() || static_cast<std::uint8_t>(contents[0]) >= 0x80) {
    contents.insert(contents.begin(), '\0');
  }
  return Tlv(0x02, contents);
}

std::string OctetString(std::string_view bytes) { return Tlv(0x04, bytes); }

std::string BitString(std::string_view bytes, std::uint8_t unused_bits) {
  std::string contents(1, static_cast<char>(unused_bits));
  contents.append(bytes);
  return Tlv(0x03, contents);
}

std::string Utf8String(std::string_view text) { return Tlv(0x0c, text); }

std::string PrintableString(std::string_view text) { return Tlv(0x13, text); }

std::string UtcTime(absl::Time time) {
  return Tlv(0x17, FormatUtc("%y%m%d%H%M%SZ", time));
}

std::string GeneralizedTime(absl::Time time) {
  return Tlv(0x18, FormatUtc("%E4Y%m%d%H%M%SZ", time));
}

std::string X509Time(absl::Time time) {
  const absl::CivilYear year = absl::ToCivilYear(time, absl::UTCTimeZone());
  return year < absl::CivilYear(2050) ? UtcTime(time) : GeneralizedTime(time);
}

std::string Oid(std::string_view dotted) {
  std::vector<std::uint64_t> arcs;
  const char* at = dotted.data();
  const char* const end = at + dotted.size();
  while (at < end) {
    std::uint64_t arc = 0;
    at = std::from_chars(at, end, arc).ptr + 1;
    arcs.push_back(arc);
  }
  std::string contents = Base128(arcs[0] * 40 + arcs[1]);
  for (std::size_t i = 2; i < arcs.size(); ++i) contents += Base128(arcs[i]);
  return Tlv(0x06, contents);
}

std::string AlgorithmId(std::string_view dotted, Parameters parameters) {
  return Sequence(
      {Oid(dotted), parameters == Parameters::kNull ? Null() : std::string()});
}

std::string NameAttribute(std::string_view dotted_type,
                          std::string_view value_der) {
  return Set({Sequence({Oid(dotted_type), value_der})});
}

}  // namespace anchorage::test
