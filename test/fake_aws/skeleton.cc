#include "test/fake_aws/skeleton.h"

#include <cstdint>
#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace anchorage::test {
namespace {

constexpr std::size_t kShort = 8;
constexpr std::size_t kCertificateBytes = 400;

std::string Hex(std::string_view bytes) {
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

// Takes the first `size` bytes off `rest`.
std::string_view Take(std::string_view& rest, std::size_t size) {
  if (size > rest.size()) std::abort();
  const std::string_view taken = rest.substr(0, size);
  rest.remove_prefix(size);
  return taken;
}

std::uint64_t Number(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

void Asn1Element(std::string_view& rest, int depth, std::string& out) {
  const auto tag = static_cast<std::uint8_t>(Take(rest, 1)[0]);
  std::uint64_t length = Number(Take(rest, 1));
  const bool indefinite = length == 0x80;
  if (length > 0x80) length = Number(Take(rest, length & 0x7f));
  absl::StrAppendFormat(&out, "%*s%02x%s", depth, "", tag,
                        indefinite ? " indefinite" : "");
  if ((tag & 0x20) == 0) {
    const std::string_view contents = Take(rest, length);
    const bool small = tag != 0x02 && contents.size() <= kShort;
    const bool literal = tag == 0x06 || tag == 0x01 || tag == 0x05 || small;
    absl::StrAppend(&out, literal ? " " + Hex(contents) : "", "\n");
    return;
  }
  out += "\n";
  if (indefinite) {
    while (rest.substr(0, 2) != std::string_view("\0\0", 2)) {
      Asn1Element(rest, depth + 1, out);
    }
    Take(rest, 2);
    return;
  }
  std::string_view inside = Take(rest, length);
  while (!inside.empty()) Asn1Element(inside, depth + 1, out);
}

struct CborWalk {
  std::string skeleton;
  std::vector<std::string> certificates;
  std::vector<std::string> byte_strings;
};

struct CborHeadRead {
  int major;
  bool indefinite;
  std::uint64_t argument;
};

CborHeadRead ReadHead(std::string_view& rest) {
  const auto first = static_cast<std::uint8_t>(Take(rest, 1)[0]);
  const int additional = first & 31;
  CborHeadRead head{first >> 5, additional == 31,
                    static_cast<std::uint64_t>(additional)};
  if (additional >= 24 && additional < 28) {
    head.argument = Number(Take(rest, std::size_t{1} << (additional - 24)));
  }
  return head;
}

void CborItem(std::string_view& rest, int depth, CborWalk& walk) {
  const CborHeadRead head = ReadHead(rest);
  absl::StrAppendFormat(&walk.skeleton, "%*s%d", depth, "", head.major);
  if (head.major == 2) {
    const std::string bytes(Take(rest, head.argument));
    walk.byte_strings.push_back(bytes);
    const bool certificate = bytes.size() > kCertificateBytes;
    if (certificate) walk.certificates.push_back(bytes);
    absl::StrAppend(&walk.skeleton, " ",
                    certificate ? "long" : absl::StrCat(bytes.size()), "\n");
  } else if (head.major == 3) {
    const std::string text(Take(rest, head.argument));
    // Identifiers of machines differ; all others are words of the format.
    absl::StrAppend(&walk.skeleton, " ", text.rfind("i-", 0) == 0 ? "id" : text,
                    "\n");
  } else if (head.major == 4 || head.major == 5) {
    absl::StrAppend(&walk.skeleton,
                    head.indefinite ? std::string(" indefinite")
                                    : absl::StrCat(" ", head.argument),
                    "\n");
    std::uint64_t left =
        head.indefinite ? ~std::uint64_t{0} : head.argument * (head.major - 3);
    for (; left > 0 && !(head.indefinite && rest[0] == '\xff'); --left) {
      CborItem(rest, depth + 1, walk);
    }
    if (head.indefinite) Take(rest, 1);
  } else {
    absl::StrAppend(&walk.skeleton,
                    head.argument < 100 ? absl::StrCat(" ", head.argument) : "",
                    "\n");
  }
}

CborWalk Walk(std::string_view bytes) {
  CborWalk walk;
  while (!bytes.empty()) CborItem(bytes, 0, walk);
  return walk;
}

}  // namespace

std::string Asn1Skeleton(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) Asn1Element(bytes, 0, out);
  return out;
}

std::string CborSkeleton(std::string_view bytes) {
  return Walk(bytes).skeleton;
}

std::vector<std::string> CborCertificates(std::string_view bytes) {
  return Walk(bytes).certificates;
}

std::string CosePayload(std::string_view bytes) {
  return Walk(bytes).byte_strings[1];
}

}  // namespace anchorage::test
