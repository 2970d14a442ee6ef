#include "test/fake_aws/cbor_writer.h"

namespace anchorage::test {
namespace {

constexpr char kBreak = '\xff';

int ArgumentBytes(std::uint64_t argument) {
  if (argument < 24) return 0;
  if (argument <= 0xff) return 1;
  if (argument <= 0xffff) return 2;
  return argument <= 0xffffffff ? 4 : 8;
}

std::string Indefinite(int major, std::string_view contents) {
  std::string out(1, static_cast<char>(major << 5 | 31));
  out.append(contents);
  out.push_back(kBreak);
  return out;
}

std::string Join(const std::vector<std::string>& elements) {
  std::string out;
  for (const std::string& element : elements) out += element;
  return out;
}

std::string Join(const std::vector<CborMember>& members) {
  std::string out;
  for (const auto& [key, value] : members) out += key + value;
  return out;
}

}  // namespace

std::string CborHead(int major, std::uint64_t argument) {
  return CborWideHead(major, argument, ArgumentBytes(argument));
}

std::string CborWideHead(int major, std::uint64_t argument, int bytes) {
  int additional = static_cast<int>(argument & 31);
  if (bytes == 1) additional = 24;
  if (bytes == 2) additional = 25;
  if (bytes == 4) additional = 26;
  if (bytes == 8) additional = 27;
  std::string out(1, static_cast<char>(major << 5 | additional));
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(argument >> shift & 0xff));
  }
  return out;
}

std::string CborUint(std::uint64_t value) { return CborHead(0, value); }

std::string CborInt(std::int64_t value) {
  if (value >= 0) return CborUint(static_cast<std::uint64_t>(value));
  return CborHead(1, static_cast<std::uint64_t>(-1 - value));
}

std::string CborBytes(std::string_view bytes) {
  return CborHead(2, bytes.size()).append(bytes);
}

std::string CborText(std::string_view text) {
  return CborHead(3, text.size()).append(text);
}

std::string CborNull() { return "\xf6"; }

std::string CborTag(std::uint64_t tag) { return CborHead(6, tag); }

std::string CborArray(const std::vector<std::string>& elements) {
  return CborHead(4, elements.size()) + Join(elements);
}

std::string CborIndefiniteBytes(std::string_view bytes) {
  return Indefinite(2, CborBytes(bytes));
}

std::string CborIndefiniteText(std::string_view text) {
  return Indefinite(3, CborText(text));
}

std::string CborIndefiniteArray(const std::vector<std::string>& elements) {
  return Indefinite(4, Join(elements));
}

std::string CborMap(const std::vector<CborMember>& members) {
  return CborHead(5, members.size()) + Join(members);
}

std::string CborIndefiniteMap(const std::vector<CborMember>& members) {
  return Indefinite(5, Join(members));
}

}  // namespace anchorage::test
