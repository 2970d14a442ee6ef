// Attacks on the signature itself: RSA padding, DSA's numbers, and base64.

#include <string>
#include <utility>

#include "test/attacks/identity_case.h"

namespace anchorage::test {
namespace {

using verify::IdentityForm;
using verify::Reason;
using Sign = std::function<std::string(const TestKey&, std::string_view)>;

// The PKCS #7's signature is what `sign` makes, under a key whose exponent is
// 3: there a block that is read and not compared can be forged without the
// private key.
std::function<void(IdentityCase&)> Rsa(Sign sign) {
  return [sign](IdentityCase& c) {
    c.UseKey(TestKey::Rsa(2048, 40, 3));
    c.EditSigner([sign](SignerSpec& s) { s.sign = sign; });
  };
}

// The same of a block that the private key signs.
std::function<void(IdentityCase&)> RsaBlock(
    std::function<std::string(std::string_view digest)> block) {
  return Rsa([block](const TestKey& key, std::string_view digest) {
    std::string bytes = block(digest);
    bytes.resize(256, '\0');
    return key.RawPrivate(bytes);
  });
}

constexpr std::size_t kRsaBytes = 256;

std::string Info(std::string_view digest) {
  return DigestInfo(Hash::kSha256, digest);
}

// 00 `type` `padding` 00 `info`.
std::string Block(char type, std::string padding, std::string_view info) {
  return std::string(1, '\0') + type + std::move(padding) + '\0' +
         std::string(info);
}

std::string Padding(std::string_view info) {
  return std::string(kRsaBytes - 3 - info.size(), '\xff');
}

// /pkcs7 with a signature that `make` makes of the genuine r and s.
std::function<void(IdentityCase&)> Dsa(
    std::function<std::string(const TestKey&, RawSignature)> make) {
  return [make](IdentityCase& c) {
    c.form = IdentityForm::kPkcs7;
    c.EditSigner([make](SignerSpec& s) {
      s.sign = [make](const TestKey& key, std::string_view digest) {
        return make(key, key.SignRaw(digest));
      };
    });
  };
}

std::function<void(IdentityCase&)> EditSignature(
    std::function<std::string(std::string)> edit) {
  return [edit](IdentityCase& c) {
    c.EditSigner([edit](SignerSpec& s) { s.edit_signature = edit; });
  };
}

std::function<void(IdentityCase&)> EditBase64(
    std::function<std::string(std::string)> edit) {
  return [edit](IdentityCase& c) { c.edit_base64 = edit; };
}

std::vector<IdentityAttack> RsaAttacks() {
  using Case = IdentityCase;
  return {
      {"p24", By::kAnyone, "an empty signature",
       EditSignature([](std::string) { return std::string(); }),
       Reason::kSignatureMalformed},
      {"p25a", By::kAnyone, "a signature that is a zero byte",
       EditSignature([](std::string) { return std::string(1, '\0'); }),
       Reason::kSignatureMalformed},
      {"p25b", By::kAnyone, "a signature that is the number 0",
       EditSignature([](std::string) { return std::string(256, '\0'); }),
       Reason::kSignatureMismatch},
      {"p26", By::kAnyone, "a signature that is the number 1",
       EditSignature([](std::string) { return std::string(255, '\0') + '\1'; }),
       Reason::kSignatureMismatch},
      {"p27", By::kAnyone, "a zero byte before the signature",
       EditSignature([](std::string s) { return '\0' + s; }),
       Reason::kSignatureMalformed},
      {"i16a", By::kNobody, "the same key, padded as it should be",
       RsaBlock(
           [](std::string_view d) { return Pkcs1Block(kRsaBytes, Info(d)); }),
       kAccepted},
      {"i16b", By::kAnyone, "a cube root: garbage after the digest",
       Rsa([](const TestKey&, std::string_view d) {
         return CubeRootForgery(Block('\1', std::string(8, '\xff'), Info(d)),
                                kRsaBytes);
       }),
       Reason::kSignatureMismatch},
      {"i16c", By::kSigner, "no NULL in the DigestInfo",
       RsaBlock([](std::string_view d) {
         return Pkcs1Block(
             kRsaBytes, Sequence({AlgorithmId(kOidSha256, Parameters::kAbsent),
                                  OctetString(d)}));
       }),
       Reason::kSignatureMismatch},
      {"i16d", By::kSigner, "a BER length in the DigestInfo",
       RsaBlock([](std::string_view d) {
         return Pkcs1Block(
             kRsaBytes,
             TlvLongLength(
                 0x30,
                 AlgorithmId(kOidSha256, Parameters::kNull) + OctetString(d),
                 1));
       }),
       Reason::kSignatureMismatch},
      {"i16e", By::kSigner, "padding of 8 bytes, zeros after the digest",
       RsaBlock([](std::string_view d) {
         return Block('\1', std::string(8, '\xff'), Info(d));
       }),
       Reason::kSignatureMismatch},
      {"i16f", By::kSigner, "a byte of the padding that is not ff",
       RsaBlock([](std::string_view d) {
         std::string padding = Padding(Info(d));
         padding[100] = '\xfe';
         return Block('\1', padding, Info(d));
       }),
       Reason::kSignatureMismatch},
      {"i16g", By::kSigner, "block type 0", RsaBlock([](std::string_view d) {
         return Block('\0', std::string(Padding(Info(d)).size(), '\0'),
                      Info(d));
       }),
       Reason::kSignatureMismatch},
      {"i16h", By::kSigner, "block type 2", RsaBlock([](std::string_view d) {
         return Block('\2', Padding(Info(d)), Info(d));
       }),
       Reason::kSignatureMismatch},
      {"i16i", By::kSigner, "a DigestInfo that names SHA-1",
       RsaBlock([](std::string_view d) {
         return Pkcs1Block(kRsaBytes, DigestInfo(Hash::kSha1, d));
       }),
       Reason::kSignatureMismatch},
      {"i16j", By::kSigner, "the digest without its DigestInfo",
       RsaBlock([](std::string_view d) { return Pkcs1Block(kRsaBytes, d); }),
       Reason::kSignatureMismatch},
      {"i16k", By::kSigner, "something in the DigestInfo after the digest",
       RsaBlock([](std::string_view d) {
         return Pkcs1Block(kRsaBytes,
                           Sequence({AlgorithmId(kOidSha256, Parameters::kNull),
                                     OctetString(d), Null()}));
       }),
       Reason::kSignatureMismatch},
      {"i17a", By::kAnyone, "a signature that is the modulus",
       [](Case& c) {
         c.EditSigner([](SignerSpec& s) {
           s.sign = [](const TestKey& key, std::string_view) {
             return key.modulus();
           };
         });
       },
       Reason::kSignatureMismatch},
      {"i17b", By::kAnyone, "/signature of 127 bytes",
       [](Case& c) {
         c.form = IdentityForm::kSignature;
         c.edit_bytes = [](std::string s) { return s.substr(1); };
       },
       Reason::kSignatureMalformed},
      {"i17c", By::kAnyone, "/signature of 129 bytes",
       [](Case& c) {
         c.form = IdentityForm::kSignature;
         c.edit_bytes = [](std::string s) { return '\0' + s; };
       },
       Reason::kSignatureMalformed},
      {"x72", By::kAnyone, "/signature of other bytes",
       [](Case& c) {
         c.form = IdentityForm::kSignature;
         c.edit_bytes = [](std::string s) {
           return std::string(s.rbegin(), s.rend());
         };
       },
       Reason::kSignatureMismatch},
  };
}

std::vector<IdentityAttack> DsaAttacks() {
  const auto malformed = [](std::string id, std::string what, auto make) {
    return IdentityAttack{std::move(id), By::kAnyone, std::move(what),
                          Dsa(make), Reason::kSignatureMalformed};
  };
  using Raw = RawSignature;
  return {
      malformed("i18a", "r is 0",
                [](const TestKey&, Raw raw) {
                  return DerSignature({"", raw.s});
                }),
      malformed("i18b", "s is 0",
                [](const TestKey&, Raw raw) {
                  return DerSignature({raw.r, ""});
                }),
      malformed("i18c", "r is q",
                [](const TestKey& key, Raw raw) {
                  return DerSignature({key.modulus(), raw.s});
                }),
      malformed("i18d", "s is q",
                [](const TestKey& key, Raw raw) {
                  return DerSignature({raw.r, key.modulus()});
                }),
      malformed("i18e", "r is r + q, which is r to whoever reduces it",
                [](const TestKey& key, Raw raw) {
                  return DerSignature({Add(raw.r, key.modulus(), 21), raw.s});
                }),
      malformed("i18f", "r is negative",
                [](const TestKey&, Raw raw) {
                  return Sequence(
                      {Tlv(0x02, '\x80' + raw.r), PositiveInteger(raw.s)});
                }),
      malformed("i18g", "zeros before r",
                [](const TestKey&, Raw raw) {
                  return Sequence({Tlv(0x02, std::string(2, '\0') + raw.r),
                                   PositiveInteger(raw.s)});
                }),
      malformed("i18h", "a length in more octets than it needs",
                [](const TestKey&, Raw raw) {
                  return TlvLongLength(
                      0x30, PositiveInteger(raw.r) + PositiveInteger(raw.s), 1);
                }),
      malformed(
          "i18i", "a byte after the signature",
          [](const TestKey&, Raw raw) { return DerSignature(raw) + '\0'; }),
      malformed("i18j", "a third number in the signature",
                [](const TestKey&, Raw raw) {
                  return Sequence({PositiveInteger(raw.r),
                                   PositiveInteger(raw.s), Integer(1)});
                }),
      malformed("i18k", "r and s without any encoding",
                [](const TestKey&, Raw raw) { return raw.r + raw.s; }),
      {"i25", By::kAnyone, "numbers that make the library fail, not say no",
       Dsa([](const TestKey&, Raw) {
         return DerSignature({"\1", "\1"});
       }),
       Reason::kSignatureMismatch},
  };
}

std::vector<IdentityAttack> Base64Attacks() {
  const auto malformed = [](std::string id, std::string what, auto edit) {
    return IdentityAttack{std::move(id), By::kAnyone, std::move(what),
                          EditBase64(edit), Reason::kEncodingMalformed};
  };
  const auto without_white_space = [](std::string s) {
    std::erase(s, '\n');
    return s;
  };
  return {
      {"i11a", By::kNobody, "base64 without line feeds",
       EditBase64(without_white_space), kAccepted},
      {"i11b", By::kNobody, "base64 with carriage returns",
       EditBase64([](std::string s) {
         for (std::size_t at = 0; (at = s.find('\n', at)) != s.npos; at += 2) {
           s.insert(at, 1, '\r');
         }
         return s;
       }),
       kAccepted},
      malformed("i11c", "a character that is not base64",
                [](std::string s) { return s.replace(8, 1, "!"); }),
      malformed("i11d", "no padding",
                [](std::string) { return std::string("MIAGCQ"); }),
      malformed("i11e", "the alphabet for URLs",
                [](std::string s) { return s.replace(8, 1, "_"); }),
      malformed("i11f", "data after the padding",
                [](std::string) { return std::string("MIAGCQ==AAAA"); }),
      malformed("i11g", "bits set that padding leaves unused",
                [](std::string) { return std::string("MIAGCR=="); }),
      malformed("i11h", "nothing at all",
                [](std::string) { return std::string(); }),
      {"i11i", By::kNobody, "a PEM block", EditBase64([](std::string s) {
         return "-----BEGIN PKCS7-----\n" + s + "-----END PKCS7-----\n";
       }),
       kAccepted},
      {"i11j", By::kAnyone, "something after the PEM block",
       EditBase64([](std::string s) {
         return "-----BEGIN PKCS7-----\n" + s + "-----END PKCS7-----\n" + s;
       }),
       Reason::kTrailingBytes},
      {"i11k", By::kAnyone, "more than 128 KiB of text",
       EditBase64(
           [](std::string s) { return s + std::string(128 * 1024, '\n'); }),
       Reason::kInputTooLarge},
  };
}

}  // namespace

std::vector<IdentityAttack> SignatureAttacks() {
  return Join<IdentityCase>({RsaAttacks(), DsaAttacks(), Base64Attacks()});
}

}  // namespace anchorage::test
