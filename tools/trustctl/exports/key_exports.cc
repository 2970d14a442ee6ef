// The formats that are about keys, and those that hold everything.

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "tools/trustctl/exports/export_text.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/der.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;
using verify::DerTag;

// What a program that reads a bundle is told to wait between two looks: the
// interval of a feed.
constexpr int kRefreshHintSeconds = 3600;
// taTitle's, in characters.
constexpr std::size_t kMaxTitle = 64;

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIGNUM* number) const { BN_free(number); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;

// --- JSON Web Keys ------------------------------------------------------------

// Base64url of a number of the key's; empty for none.
std::string Number(const EVP_PKEY* key, const char* name, int bytes) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return "";
  const std::unique_ptr<BIGNUM, Free> number(raw);
  std::string text(std::max(bytes, BN_num_bytes(number.get())), '\0');
  BN_bn2binpad(number.get(), reinterpret_cast<unsigned char*>(text.data()),
               static_cast<int>(text.size()));
  return absl::WebSafeBase64Escape(text);
}

// The members of RFC 7518, 6; nullopt for a key that JWK has no type for.
absl::StatusOr<std::optional<ordered_json>> Jwk(const std::string& spki_der) {
  const auto* at = reinterpret_cast<const unsigned char*>(spki_der.data());
  const Key key(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki_der.size())));
  if (key == nullptr) {
    return absl::FailedPreconditionError("a key cannot be loaded");
  }
  if (EVP_PKEY_is_a(key.get(), "DSA")) return std::nullopt;
  ordered_json jwk;
  if (EVP_PKEY_is_a(key.get(), "RSA")) {
    jwk = {{"kty", "RSA"},
           {"n", Number(key.get(), OSSL_PKEY_PARAM_RSA_N, 0)},
           {"e", Number(key.get(), OSSL_PKEY_PARAM_RSA_E, 0)}};
  } else if (EVP_PKEY_is_a(key.get(), "EC") &&
             EVP_PKEY_get_bits(key.get()) == 384) {
    jwk = {{"kty", "EC"},
           {"crv", "P-384"},
           {"x", Number(key.get(), OSSL_PKEY_PARAM_EC_PUB_X, 48)},
           {"y", Number(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y, 48)}};
  } else {
    return absl::FailedPreconditionError("a key of a type that AWS has not");
  }
  for (const auto& [name, value] : jwk.items()) {
    if (value == "") {
      return absl::FailedPreconditionError("a key without " + name);
    }
  }
  return jwk;
}

// What a key set says of itself. Members that nobody knows are ignored
// (RFC 7517, 5).
ordered_json KeySet(const ExportFormat& format,
                    const ExportContents& contents) {
  return {{"anchorage_about", About(format, contents)},
          {"keys", ordered_json::array()}};
}

// --- RFC 5914 -----------------------------------------------------------------

std::string Der(DerTag tag, const std::string& contents) {
  std::string der(1, static_cast<char>(tag));
  std::string length;
  std::size_t rest = contents.size();
  do {
    length.insert(length.begin(), static_cast<char>(rest & 0xff));
    rest >>= 8;
  } while (rest > 0);
  if (contents.size() >= 0x80) {
    der += static_cast<char>(0x80 | length.size());
  }
  return der + length + contents;
}

// RFC 5280, 4.2.1.2, method 1: what is compared with a certificate's is the
// subject key identifier that AWS's certificates have or would have.
absl::StatusOr<std::string> KeyIdentifier(const std::string& spki_der) {
  verify::DerReader reader(spki_der);
  const auto spki = reader.Read(DerTag::kSequence);
  if (spki.has_value()) {
    verify::DerReader inside(spki->contents);
    if (inside.Read(DerTag::kSequence).has_value()) {
      const auto bits = inside.Read(DerTag::kBitString);
      if (bits.has_value() && !bits->contents.empty()) {
        const std::string_view key = bits->contents.substr(1);
        std::string digest(SHA_DIGEST_LENGTH, '\0');
        unsigned int size = 0;
        if (EVP_Digest(key.data(), key.size(),
                       reinterpret_cast<unsigned char*>(digest.data()), &size,
                       EVP_sha1(), nullptr) == 1) {
          return digest;
        }
      }
    }
  }
  return absl::FailedPreconditionError("a key without an identifier");
}

// --- C ------------------------------------------------------------------------

std::string CArray(const std::string& name, const std::string& bytes) {
  std::string text =
      absl::StrCat("static const unsigned char ", name, "[] = {");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    absl::StrAppend(
        &text, i % 15 == 0 ? "\n    " : " ",
        absl::StrFormat("0x%02x,", static_cast<unsigned char>(bytes[i])));
  }
  return text + "\n};\n";
}

}  // namespace

ExportFiles MakeJson(const ExportFormat& format,
                     const ExportContents& contents) {
  ordered_json json = {{"schema_version", 1},
                       {"about", About(format, contents)},
                       {"sequence", contents.sequence},
                       {"anchors", ordered_json::array()}};
  const auto add_time = [](ordered_json& object, const char* name,
                           absl::Time time) {
    if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) return;
    object[name] =
        absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
  };
  for (const ExportedAnchor& anchor : contents.anchors) {
    ordered_json entry = {{"partition", anchor.slot.partition},
                          {"region", anchor.slot.region},
                          {"kind", std::string(NameOf(anchor.slot.kind))},
                          {"status", std::string(NameOf(anchor.status))}};
    add_time(entry, "valid_from", anchor.valid_from);
    add_time(entry, "valid_until", anchor.valid_until);
    add_time(entry, "accept_until", anchor.accept_until);
    entry["spki_sha256"] = anchor.spki_sha256;
    entry["spki"] = absl::Base64Escape(anchor.spki_der);
    entry["certificates"] = ordered_json::array();
    for (const std::string& der : anchor.certificates) {
      entry["certificates"].push_back(absl::Base64Escape(der));
    }
    json["anchors"].push_back(std::move(entry));
  }
  return {{{"anchors.json", json.dump(2) + "\n"}}};
}

ExportFiles MakeJwks(const ExportFormat& format,
                     const ExportContents& contents) {
  ordered_json set = KeySet(format, contents);
  // The place of each key in the set.
  std::map<std::string, std::size_t> place;
  for (const ExportedAnchor& anchor : contents.anchors) {
    const auto found = place.find(anchor.spki_sha256);
    if (found != place.end()) {
      set["keys"][found->second]["anchorage_slots"].push_back(
          ToString(anchor.slot));
      continue;
    }
    auto jwk = Jwk(anchor.spki_der);
    if (!jwk.ok()) return jwk.status();
    if (!jwk->has_value()) continue;
    ordered_json key = **std::move(jwk);
    key["kid"] = anchor.spki_sha256;
    key["use"] = "sig";
    key["x5c"] = {absl::Base64Escape(anchor.certificates.front())};
    key["anchorage_slots"] = {ToString(anchor.slot)};
    place[anchor.spki_sha256] = set["keys"].size();
    set["keys"].push_back(std::move(key));
  }
  return {{{"anchors.jwks.json", set.dump(2) + "\n"}}};
}

// The SPIFFE Trust Domain and Bundle, 4: a key of use "x509-svid" has one
// certificate, and no kid.
ExportFiles MakeSpiffe(const ExportFormat& format,
                       const ExportContents& contents) {
  ordered_json set = KeySet(format, contents);
  set["spiffe_sequence"] = contents.sequence;
  set["spiffe_refresh_hint"] = kRefreshHintSeconds;
  std::map<std::string, bool> seen;
  for (const ExportedAnchor& anchor : contents.anchors) {
    for (const std::string& der : anchor.certificates) {
      if (!seen.emplace(der, true).second) continue;
      auto jwk = Jwk(anchor.spki_der);
      if (!jwk.ok()) return jwk.status();
      if (!jwk->has_value()) continue;
      ordered_json key = **std::move(jwk);
      key["use"] = "x509-svid";
      key["x5c"] = {absl::Base64Escape(der)};
      set["keys"].push_back(std::move(key));
    }
  }
  return {{{"bundle.spiffe.json", set.dump(2) + "\n"}}};
}

// TrustAnchorList: each a taInfo with its key, the key's identifier and the slot
// as title. Without certPath, as RFC 5914, 2.5 asks for anchors that validate no
// path.
ExportFiles MakeRfc5914(const ExportFormat& /*format*/,
                        const ExportContents& contents) {
  std::string list;
  for (const ExportedAnchor& anchor : contents.anchors) {
    const auto key_id = KeyIdentifier(anchor.spki_der);
    if (!key_id.ok()) return key_id.status();
    const std::string title = ToString(anchor.slot);
    std::string info = anchor.spki_der + Der(DerTag::kOctetString, *key_id);
    if (title.size() <= kMaxTitle) info += Der(DerTag::kUtf8String, title);
    list += Der(DerTag::kContext2Constructed, Der(DerTag::kSequence, info));
  }
  return {{{"anchors.tal", Der(DerTag::kSequence, list)}}};
}

ExportFiles MakeHeader(const ExportFormat& format,
                       const ExportContents& contents) {
  std::string text = absl::StrCat(
      AboutComment(format, contents, "// "),
      "#ifndef ANCHORAGE_EXPORTED_ANCHORS_H_\n"
      "#define ANCHORAGE_EXPORTED_ANCHORS_H_\n\n"
      "#include <stddef.h>\n\n"
      "struct anchorage_exported_anchor {\n"
      "  const char* partition;\n"
      "  const char* region;  // \"\" for a Nitro root\n"
      "  const char* kind;\n"
      "  const char* status;  // ACTIVE or RETIRING\n"
      "  long long valid_until;  // seconds since 1970; -1: no limit\n"
      "  long long accept_until;  // the same\n"
      "  const unsigned char* spki;  // SubjectPublicKeyInfo, DER\n"
      "  size_t spki_size;\n"
      "  const unsigned char* certificate;  // the newest, DER\n"
      "  size_t certificate_size;\n"
      "};\n\n");
  std::string rows;
  // Regions share keys and certificates.
  std::map<std::string, std::string> arrays;
  const auto array = [&](const char* prefix, const std::string& bytes) {
    const auto [place, is_new] = arrays.emplace(
        bytes, absl::StrCat("anchorage_exported_", prefix, "_", arrays.size()));
    if (is_new) absl::StrAppend(&text, CArray(place->second, bytes));
    return place->second;
  };
  const auto seconds = [](absl::Time time) {
    return time == absl::InfiniteFuture() ? std::int64_t{-1}
                                          : absl::ToUnixSeconds(time);
  };
  for (const ExportedAnchor& anchor : contents.anchors) {
    const std::string spki = array("spki", anchor.spki_der);
    const std::string certificate =
        array("certificate", anchor.certificates.front());
    absl::StrAppend(
        &rows, "    {\"", anchor.slot.partition, "\", \"", anchor.slot.region,
        "\", \"", std::string(NameOf(anchor.slot.kind)), "\", \"",
        std::string(NameOf(anchor.status)), "\", ", seconds(anchor.valid_until),
        ", ", seconds(anchor.accept_until), ", ", spki, ", sizeof(", spki,
        "), ", certificate, ", sizeof(", certificate, ")},\n");
  }
  absl::StrAppend(&text,
                  "\nstatic const struct anchorage_exported_anchor\n"
                  "    anchorage_exported_anchors[] = {\n",
                  rows, "};\n\n#endif  // ANCHORAGE_EXPORTED_ANCHORS_H_\n");
  return {{{"anchorage_anchors.h", std::move(text)}}};
}

}  // namespace anchorage::trustctl
