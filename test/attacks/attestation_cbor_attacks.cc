// Attacks on the encoding: what decoders of CBOR disagree about, and what
// costs them time or memory.

#include <string>

#include "test/attacks/attestation_case.h"

namespace anchorage::test {
namespace {

using verify::Reason;

// Adds a member that the document has no use for.
void AddMember(AttestationCase& c, std::string key, std::string value) {
  c.document().edit_members = [=](std::vector<CborMember>& members) {
    members.emplace_back(key, value);
  };
}

// Replaces the encoded value of a member.
void SetMember(AttestationCase& c, std::string key, std::string value) {
  c.document().edit_members = [=](std::vector<CborMember>& members) {
    FindMember(members, key)->second = value;
  };
}

std::string Nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '\x81') + CborUint(0);
}

}  // namespace

std::vector<AttestationAttack> CborAttacks() {
  using Case = AttestationCase;
  return {
      {"69a", By::kNobody, "the payload a map of definite length",
       [](Case& c) { c.document().indefinite_map = false; }, kAccepted},
      {"69b", By::kNobody, "the payload a map of indefinite length",
       [](Case& c) { c.document().indefinite_map = true; }, kAccepted},
      {"87a", By::kSigner, "a byte string in chunks",
       [](Case& c) { SetMember(c, "nonce", CborIndefiniteBytes("nonce")); },
       Reason::kCborMalformed},
      {"87b", By::kSigner, "a text in chunks",
       [](Case& c) { SetMember(c, "digest", CborIndefiniteText("SHA384")); },
       Reason::kCborMalformed},
      {"87c", By::kAnyone, "the payload in chunks",
       [](Case& c) {
         c.cose().payload_element = CborIndefiniteBytes(Payload(c.spec));
       },
       Reason::kCborMalformed},
      {"70", By::kSigner, "a byte after the payload's map",
       [](Case& c) {
         c.document().edit_payload = [](std::string s) { return s + '\0'; };
       },
       Reason::kTrailingBytes},
      {"n26b", By::kSigner, "a second map after the payload's",
       [](Case& c) {
         c.document().edit_payload = [](std::string s) { return s + s; };
       },
       Reason::kTrailingBytes},
      {"79", By::kSigner, "a PCR's index as a text",
       [](Case& c) {
         SetMember(c, "pcrs",
                   CborMap({{CborText("0"), CborBytes(std::string(48, 'm'))}}));
       },
       Reason::kFieldInvalid},
      {"80a", By::kSigner, "a PCR's index in two bytes",
       [](Case& c) {
         SetMember(c, "pcrs",
                   CborMap({{CborWideHead(0, 0, 1),
                             CborBytes(std::string(48, 'm'))}}));
       },
       Reason::kCborMalformed},
      {"80b", By::kSigner, "a length in more bytes than it needs",
       [](Case& c) {
         SetMember(c, "digest", CborWideHead(3, 6, 2) + "SHA384");
       },
       Reason::kCborMalformed},
      {"80c", By::kAnyone, "the envelope's array with a wide head",
       [](Case& c) { c.cose().array_head = CborWideHead(4, 4, 1); },
       Reason::kCborMalformed},
      {"81", By::kAnyone, "nothing at all", [](Case& c) { c.bytes = ""; },
       Reason::kCborMalformed},
      {"82a", By::kAnyone, "half a document",
       [](Case& c) {
         const std::string whole = Encode(c.spec);
         c.bytes = whole.substr(0, whole.size() / 2);
       },
       Reason::kCborMalformed},
      {"82b", By::kAnyone, "all but the last byte",
       [](Case& c) {
         c.bytes = Encode(c.spec);
         c.bytes->pop_back();
       },
       Reason::kCborMalformed},
      {"82c", By::kSigner, "a payload without its break",
       [](Case& c) {
         c.document().edit_payload = [](std::string s) {
           s.pop_back();
           return s;
         };
       },
       Reason::kCborMalformed},
      {"83a", By::kSigner, "20,000 arrays in each other in the payload",
       [](Case& c) { AddMember(c, CborText("x"), Nested(20000)); },
       Reason::kCborMalformed},
      {"83b", By::kAnyone, "20,000 arrays in each other as the document",
       [](Case& c) { c.bytes = Nested(20000); }, Reason::kCoseMalformed},
      {"83c", By::kAnyone, "20,000 tags before the document",
       [](Case& c) { c.bytes = std::string(20000, '\xd2'); }, Reason::kCoseTag},
      {"84a", By::kAnyone, "a payload of 2^63 bytes, it says",
       [](Case& c) {
         c.cose().payload_element = CborWideHead(2, std::uint64_t{1} << 63, 8);
       },
       Reason::kCborMalformed},
      {"84b", By::kSigner, "a map of 2^63 pairs, it says",
       [](Case& c) {
         SetMember(c, "pcrs", CborWideHead(5, std::uint64_t{1} << 63, 8));
       },
       Reason::kCborMalformed},
      {"84c", By::kSigner, "a bundle of 2^64 - 1 certificates, it says",
       [](Case& c) {
         SetMember(c, "cabundle", CborWideHead(4, ~std::uint64_t{0}, 8));
       },
       Reason::kCborMalformed},
      {"n01a", By::kSigner, "a reserved length",
       [](Case& c) { SetMember(c, "timestamp", "\x1c"); },
       Reason::kCborMalformed},
      {"n01b", By::kSigner, "a timestamp that is a float",
       [](Case& c) {
         SetMember(c, "timestamp", std::string("\xfb\x42\x79\0\0\0\0\0\0", 9));
       },
       Reason::kCborMalformed},
      {"n01c", By::kSigner, "a reserved simple value",
       [](Case& c) { SetMember(c, "nonce", std::string("\xf8\x18", 2)); },
       Reason::kCborMalformed},
      {"n01d", By::kSigner, "a timestamp that is a bignum",
       [](Case& c) {
         SetMember(c, "timestamp", CborTag(2) + CborBytes("\1\2\3\4\5\6"));
       },
       Reason::kCborMalformed},
      {"n01e", By::kSigner, "a break where a value belongs",
       [](Case& c) { SetMember(c, "nonce", "\xff"); }, Reason::kCborMalformed},
      {"x06", By::kSigner, "a payload that is an array",
       [](Case& c) {
         c.document().edit_payload = [](std::string) { return Nested(1); };
       },
       Reason::kCborMalformed},
      {"x07", By::kSigner, "a key that is a number",
       [](Case& c) { AddMember(c, CborUint(1), CborUint(1)); },
       Reason::kFieldInvalid},
      {"x08", By::kSigner, "a key that is not UTF-8",
       [](Case& c) { AddMember(c, CborText("\xc0\x80"), CborUint(1)); },
       Reason::kCborMalformed},
      {"x09", By::kSigner, "a tag in front of a field",
       [](Case& c) {
         SetMember(c, "module_id", CborTag(24) + CborText("i-0-enc0"));
       },
       Reason::kCborMalformed},
      {"x10", By::kSigner, "a thousand keys that nobody knows",
       [](Case& c) {
         c.document().edit_members = [](std::vector<CborMember>& members) {
           for (int i = 0; i < 1000; ++i) {
             members.emplace_back(CborText(std::to_string(i)), CborUint(0));
           }
         };
       },
       Reason::kCborMalformed},
      {"x11", By::kAnyone, "a document of 32 KiB and a byte",
       [](Case& c) {
         c.bytes = std::string(verify::kMaxAttestationDocumentBytes + 1, 'x');
       },
       Reason::kInputTooLarge},
  };
}

}  // namespace anchorage::test
