#include "verify/crypto/key_shape.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "verify/encoding/der.h"

namespace anchorage::verify {
namespace {

constexpr int kMinRsaBits = 1024;
constexpr int kMaxRsaBits = 8192;
constexpr int kMinDsaBits = 1024;
constexpr int kMaxDsaBits = 3072;
// With an exponent of 1 every message is its own signature; one longer than 256
// bits only makes us work.
constexpr int kMinExponentBits = 2;
constexpr int kMaxExponentBits = 256;

// Reads a positive INTEGER; nullopt for anything else.
std::optional<std::string_view> ReadPositive(DerReader& reader) {
  const auto number = reader.Read(DerTag::kInteger);
  if (!number.has_value() || !IsMinimalInteger(number->contents) ||
      (number->contents.front() & 0x80) != 0) {
    return std::nullopt;
  }
  std::string_view magnitude = number->contents;
  if (magnitude.front() == 0) magnitude.remove_prefix(1);
  if (magnitude.empty()) return std::nullopt;
  return magnitude;
}

int BitsOf(std::string_view magnitude) {
  return static_cast<int>(magnitude.size() * 8) -
         std::countl_zero(static_cast<std::uint8_t>(magnitude.front()));
}

bool IsOdd(std::string_view magnitude) { return (magnitude.back() & 1) != 0; }

// RSAPublicKey (RFC 8017 A.1.1), with parameters NULL.
std::optional<KeyShape> RsaShape(DerReader parameters, std::string_view key) {
  const auto null = parameters.Read(DerTag::kNull);
  const auto sequence = ParseOne(key, DerTag::kSequence);
  if (!null.has_value() || !null->contents.empty() || !parameters.done() ||
      !sequence.has_value()) {
    return std::nullopt;
  }
  DerReader numbers(sequence->contents);
  const auto modulus = ReadPositive(numbers);
  const auto exponent = ReadPositive(numbers);
  if (!modulus.has_value() || !exponent.has_value() || !numbers.done() ||
      !IsOdd(*modulus) || !IsOdd(*exponent) ||
      BitsOf(*exponent) < kMinExponentBits ||
      BitsOf(*exponent) > kMaxExponentBits) {
    return std::nullopt;
  }
  const int bits = BitsOf(*modulus);
  if (bits < kMinRsaBits || bits > kMaxRsaBits) return std::nullopt;
  return KeyShape{KeyType::kRsa, bits, ""};
}

// Dss-Parms and DSAPublicKey (RFC 3279 2.3.2).
std::optional<KeyShape> DsaShape(DerReader parameters, std::string_view key) {
  const auto sequence = parameters.Read(DerTag::kSequence);
  if (!sequence.has_value() || !parameters.done()) return std::nullopt;
  DerReader numbers(sequence->contents);
  const auto p = ReadPositive(numbers);
  const auto q = ReadPositive(numbers);
  const auto g = ReadPositive(numbers);
  DerReader value(key);
  const auto y = ReadPositive(value);
  if (!p.has_value() || !q.has_value() || !g.has_value() || !numbers.done() ||
      !y.has_value() || !value.done() || !IsBetweenZeroAnd(*p, *g) ||
      !IsBetweenZeroAnd(*p, *y)) {
    return std::nullopt;
  }
  const int bits = BitsOf(*p);
  if (bits < kMinDsaBits || bits > kMaxDsaBits) return std::nullopt;
  return KeyShape{KeyType::kDsa, bits, std::string(*q)};
}

}  // namespace

bool IsBetweenZeroAnd(std::string_view limit, std::string_view value) {
  value.remove_prefix(std::min(value.find_first_not_of('\0'), value.size()));
  if (value.empty() || value.size() > limit.size()) return false;
  return value.size() < limit.size() ||
         std::lexicographical_compare(value.begin(), value.end(), limit.begin(),
                                      limit.end(), [](char a, char b) {
                                        return static_cast<unsigned char>(a) <
                                               static_cast<unsigned char>(b);
                                      });
}

std::optional<KeyShape> ReadKeyShape(std::string_view spki_der) {
  constexpr std::string_view kRsaOid("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9);
  constexpr std::string_view kDsaOid("\x2a\x86\x48\xce\x38\x04\x01", 7);
  const auto outer = ParseOne(spki_der, DerTag::kSequence);
  if (!outer.has_value()) return std::nullopt;
  DerReader reader(outer->contents);
  const auto algorithm = reader.Read(DerTag::kSequence);
  const auto bits = reader.Read(DerTag::kBitString);
  if (!algorithm.has_value() || !bits.has_value() || !reader.done()) {
    return std::nullopt;
  }
  const auto key = ParseOctetAligned(bits->contents);
  DerReader parameters(algorithm->contents);
  const auto oid = parameters.Read(DerTag::kOid);
  if (!key.has_value() || !oid.has_value()) return std::nullopt;
  if (oid->contents == kRsaOid) return RsaShape(parameters, *key);
  if (oid->contents == kDsaOid) return DsaShape(parameters, *key);
  return std::nullopt;
}

}  // namespace anchorage::verify
