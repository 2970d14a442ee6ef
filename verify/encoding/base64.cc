#include "verify/encoding/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

constexpr std::uint8_t kLastDigit = 0x3f;
constexpr std::uint8_t kBad = 0xff;
constexpr std::uint8_t kSpace = 0xfe;
constexpr std::uint8_t kPad = 0xfd;

constexpr auto kBase64Values = [] {
  std::array<std::uint8_t, 256> values{};
  for (auto& v : values) v = kBad;
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<std::uint8_t>(kAlphabet[i])] =
        static_cast<std::uint8_t>(i);
  }
  for (const char c : {'\n', '\r', ' ', '\t'}) {
    values[static_cast<std::uint8_t>(c)] = kSpace;
  }
  values['='] = kPad;
  return values;
}();

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

absl::StatusOr<std::string> DecodeBase64(std::string_view text) {
  std::string out(text.size() / 4 * 3 + 3, '\0');
  char* end = out.data();
  std::uint32_t group = 0;
  int filled = 0;
  int pads = 0;
  const auto value_at = [text](std::size_t i) -> std::uint32_t {
    return kBase64Values[static_cast<std::uint8_t>(text[i])];
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    // Nearly all of a text is groups without anything between them.
    for (; filled == 0 && text.size() - i > 4; i += 4) {
      const std::uint32_t a = value_at(i), b = value_at(i + 1),
                          c = value_at(i + 2), d = value_at(i + 3);
      if ((a | b | c | d) > kLastDigit) break;
      const std::uint32_t whole = a << 18 | b << 12 | c << 6 | d;
      *end++ = static_cast<char>(whole >> 16);
      *end++ = static_cast<char>(whole >> 8);
      *end++ = static_cast<char>(whole);
    }
    const std::uint32_t value = value_at(i);
    if (value == kSpace) continue;
    if (value == kBad) {
      return Reject(Reason::kEncodingMalformed,
                    "a character that is not base64");
    }
    if (value == kPad) {
      if (filled < 2 || filled + ++pads > 4) {
        return Reject(Reason::kEncodingMalformed, "misplaced base64 padding");
      }
      continue;
    }
    if (pads > 0) {
      return Reject(Reason::kEncodingMalformed, "data after base64 padding");
    }
    group = group << 6 | value;
    if (++filled == 4) {
      *end++ = static_cast<char>(group >> 16);
      *end++ = static_cast<char>(group >> 8);
      *end++ = static_cast<char>(group);
      group = 0;
      filled = 0;
    }
  }
  if (filled + pads != 0 && filled + pads != 4) {
    return Reject(Reason::kEncodingMalformed, "base64 of a wrong length");
  }
  if (filled == 2) {
    if ((group & 0xf) != 0) {
      return Reject(Reason::kEncodingMalformed, "unused base64 bits set");
    }
    *end++ = static_cast<char>(group >> 4);
  } else if (filled == 3) {
    if ((group & 0x3) != 0) {
      return Reject(Reason::kEncodingMalformed, "unused base64 bits set");
    }
    *end++ = static_cast<char>(group >> 10);
    *end++ = static_cast<char>(group >> 2);
  }
  out.resize(static_cast<std::size_t>(end - out.data()));
  if (out.empty()) {
    return Reject(Reason::kEncodingMalformed, "no base64 data");
  }
  return out;
}

absl::StatusOr<std::string> DecodeHex(std::string_view text) {
  if (text.empty() || text.size() % 2 != 0) {
    return Reject(Reason::kEncodingMalformed, "hex of an odd length or empty");
  }
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = HexValue(text[i]);
    const int low = HexValue(text[i + 1]);
    if (high < 0 || low < 0) {
      return Reject(Reason::kEncodingMalformed, "a character that is not hex");
    }
    out.push_back(static_cast<char>(high << 4 | low));
  }
  return out;
}

absl::StatusOr<std::string> DecodePem(std::string_view pem,
                                      std::string_view label) {
  const std::string begin = "-----BEGIN " + std::string(label) + "-----";
  const std::string end = "-----END " + std::string(label) + "-----";
  const std::size_t from = pem.find(begin);
  if (from == std::string_view::npos) {
    return Reject(Reason::kEncodingMalformed, "no PEM block " + begin);
  }
  const std::size_t body = from + begin.size();
  // Base64 has no hyphen: the first one belongs to the end marker.
  const std::size_t to = std::min(pem.find('-', body), pem.size());
  if (!pem.substr(to).starts_with(end)) {
    return Reject(Reason::kEncodingMalformed, "PEM block without end");
  }
  return DecodeBase64(pem.substr(body, to - body));
}

}  // namespace anchorage::verify
