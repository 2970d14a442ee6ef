// Attacks on the envelope: tag, headers, signature.

#include <string>
#include <utility>

#include "test/attacks/attestation_case.h"

namespace anchorage::test {
namespace {

using verify::Reason;

constexpr std::size_t kHalf = 48;

// {1: `algorithm`}, and so on: the members of a header.
std::string Header(const std::vector<CborMember>& members) {
  return CborMap(members);
}
CborMember Algorithm(std::int64_t algorithm) {
  return {CborUint(1), CborInt(algorithm)};
}
constexpr std::int64_t kEs384 = -35;
constexpr std::int64_t kEs256 = -7;

// Replaces r (first) or s.
std::function<std::string(std::string)> WithHalf(bool first,
                                                 std::string value) {
  return [first, value](std::string signature) {
    return signature.replace(first ? 0 : kHalf, kHalf, value);
  };
}

std::string Order(const AttestationCase& c) {
  return c.spec.chain[kLeaf].key->modulus();
}

std::string One() { return std::string(kHalf - 1, '\0') + '\1'; }

// Finds a nonce with which r begins with a zero byte: some libraries drop it,
// and then refuse one genuine document in 128.
void FindShortR(AttestationCase& c) {
  const std::string placeholder = "nonce 00000000";
  c.document().nonce = OptionalField::Bytes(placeholder);
  const std::string payload = Payload(c.spec);
  const std::size_t at = payload.find(placeholder);
  for (int i = 0; i < 100000; ++i) {
    std::string nonce = std::to_string(i);
    nonce = placeholder.substr(0, placeholder.size() - nonce.size()) + nonce;
    std::string tried = payload;
    tried.replace(at, nonce.size(), nonce);
    const std::string digest =
        HashOf(Hash::kSha384, SigStructure(c.cose(), tried));
    if (c.leaf().key->SignFixed(digest)[0] == '\0') {
      c.document().nonce = OptionalField::Bytes(nonce);
      return;
    }
  }
}

}  // namespace

std::vector<AttestationAttack> CoseAttacks() {
  using Case = AttestationCase;
  return {
      {"00a", By::kNobody, "as AWS sends it, untagged", [](Case&) {},
       kAccepted},
      {"00b", By::kNobody, "with the tag of COSE_Sign1",
       [](Case& c) { c.cose().prefix = CborTag(18); }, kAccepted},
      {"00c", By::kNobody, "a NitroTPM's, as AWS sends it",
       [](Case& c) { c.UseTpm(); }, kAccepted},
      {"01a", By::kAnyone, "with the tag of COSE_Sign",
       [](Case& c) { c.cose().prefix = CborTag(98); }, Reason::kCoseTag},
      {"01b", By::kAnyone, "tagged twice",
       [](Case& c) { c.cose().prefix = CborTag(18) + CborTag(18); },
       Reason::kCoseTag},
      {"02", By::kAnyone, "a byte after the envelope",
       [](Case& c) { c.cose().trailing = std::string(1, '\0'); },
       Reason::kTrailingBytes},
      {"03a", By::kAnyone, "a bit of r flipped",
       [](Case& c) {
         c.cose().edit_signature = [](std::string s) {
           s[20] = static_cast<char>(s[20] ^ 1);
           return s;
         };
       },
       Reason::kSignatureMismatch},
      {"03b", By::kAnyone, "a bit of s flipped",
       [](Case& c) {
         c.cose().edit_signature = [](std::string s) {
           s[80] = static_cast<char>(s[80] ^ 1);
           return s;
         };
       },
       Reason::kSignatureMismatch},
      {"04", By::kAnyone, "s replaced by n - s, which ES384 allows",
       [](Case& c) {
         c.cose().edit_signature = [n = Order(c)](std::string s) {
           return s.substr(0, kHalf) + Subtract(n, s.substr(kHalf), kHalf);
         };
       },
       kAccepted},
      {"05a", By::kAnyone, "the signature in DER",
       [](Case& c) {
         c.cose().edit_signature = [](std::string s) {
           return DerSignature({s.substr(0, kHalf), s.substr(kHalf)});
         };
       },
       Reason::kSignatureMalformed},
      {"05b", By::kAnyone, "an empty signature",
       [](Case& c) { c.cose().signature_element = CborBytes(""); },
       Reason::kSignatureMalformed},
      {"05c", By::kAnyone, "a signature that is a text",
       [](Case& c) {
         c.cose().signature_element = CborText(std::string(96, 'x'));
       },
       Reason::kCoseMalformed},
      {"06", By::kSigner, "the algorithm says ES256",
       [](Case& c) { c.cose().protected_header = Header({Algorithm(kEs256)}); },
       Reason::kCoseAlgorithm},
      {"07", By::kSigner, "the algorithm is the text \"ES384\"",
       [](Case& c) {
         c.cose().protected_header = Header({{CborUint(1), CborText("ES384")}});
       },
       Reason::kCoseAlgorithm},
      {"08a", By::kSigner, "an empty protected header",
       [](Case& c) { c.cose().protected_header = ""; }, Reason::kCoseAlgorithm},
      {"08b", By::kSigner, "a protected header that is an empty map",
       [](Case& c) { c.cose().protected_header = Header({}); },
       Reason::kCoseAlgorithm},
      {"09", By::kSigner, "the algorithm in the unprotected header only",
       [](Case& c) {
         c.cose().protected_header = "";
         c.cose().unprotected_header = Header({Algorithm(kEs384)});
       },
       Reason::kCoseAlgorithm},
      {"10", By::kSigner, "the algorithm twice, ES384 first",
       [](Case& c) {
         c.cose().protected_header =
             Header({Algorithm(kEs384), Algorithm(kEs256)});
       },
       Reason::kDuplicateKey},
      {"11", By::kSigner, "the algorithm twice, ES384 last",
       [](Case& c) {
         c.cose().protected_header =
             Header({Algorithm(kEs256), Algorithm(kEs384)});
       },
       Reason::kDuplicateKey},
      {"12a", By::kAnyone, "another algorithm in the unprotected header",
       [](Case& c) {
         c.cose().unprotected_header = Header({Algorithm(kEs256)});
       },
       Reason::kUnprotectedNotEmpty},
      {"12b", By::kAnyone, "a key id in the unprotected header",
       [](Case& c) {
         c.cose().unprotected_header = Header({{CborUint(4), CborBytes("k")}});
       },
       Reason::kUnprotectedNotEmpty},
      {"13", By::kSigner, "a critical header that we do not know",
       [](Case& c) {
         c.cose().protected_header =
             Header({Algorithm(kEs384),
                     {CborUint(2), CborArray({CborUint(99)})},
                     {CborUint(99), CborUint(1)}});
       },
       Reason::kCoseAlgorithm},
      {"85", By::kSigner, "signed with external data",
       [](Case& c) { c.cose().external_aad = "aad"; },
       Reason::kSignatureMismatch},
      {"86", By::kSigner, "signed in the context of a COSE_Sign",
       [](Case& c) { c.cose().context = "Signature"; },
       Reason::kSignatureMismatch},
      {"n07a", By::kAnyone, "r is 0",
       [](Case& c) {
         c.cose().edit_signature = WithHalf(true, std::string(kHalf, '\0'));
       },
       Reason::kSignatureMalformed},
      {"n07b", By::kAnyone, "s is 0",
       [](Case& c) {
         c.cose().edit_signature = WithHalf(false, std::string(kHalf, '\0'));
       },
       Reason::kSignatureMalformed},
      {"n07c", By::kAnyone, "r is the group's order",
       [](Case& c) { c.cose().edit_signature = WithHalf(true, Order(c)); },
       Reason::kSignatureMalformed},
      {"n07d", By::kAnyone, "s is the group's order plus one",
       [](Case& c) {
         c.cose().edit_signature = WithHalf(false, Add(Order(c), One(), kHalf));
       },
       Reason::kSignatureMalformed},
      {"n07e", By::kAnyone, "r and s are 1",
       [](Case& c) {
         c.cose().edit_signature = [](std::string) { return One() + One(); };
       },
       Reason::kSignatureMismatch},
      {"n07f", By::kNobody, "an r that begins with a zero byte", FindShortR,
       kAccepted},
      {"n23", By::kAnyone, "another payload under a genuine signature",
       [](Case& c) {
         // What the policy would say of the payload must not come to light.
         c.UsePolicy([](verify::EnclavePolicy::Builder& policy) {
           policy.ExpectNonce("mine").IgnoreTheRest("not looked at");
         });
         c.document().nonce = OptionalField::Bytes("his");
         const std::string payload = Payload(c.spec);
         c.document().nonce = OptionalField::Null();
         c.cose().payload_element = CborBytes(payload);
       },
       Reason::kSignatureMismatch},
      {"n26a", By::kAnyone, "a whole document after the envelope",
       [](Case& c) { c.cose().trailing = Encode(c.spec); },
       Reason::kTrailingBytes},
      {"x01", By::kAnyone, "no payload but null",
       [](Case& c) { c.cose().payload_element = CborNull(); },
       Reason::kCoseMalformed},
      {"x02", By::kAnyone, "three elements",
       [](Case& c) {
         c.cose().array_head = "\x83";
         c.cose().signature_element = "";
       },
       Reason::kCoseMalformed},
      {"x03", By::kAnyone, "an envelope of indefinite length",
       [](Case& c) {
         c.cose().array_head = "\x9f";
         c.cose().trailing = "\xff";
       },
       Reason::kCoseMalformed},
      {"x04", By::kAnyone, "signed by the instance's key, not the leaf's",
       [](Case& c) { c.cose().key = c.instance().key; },
       Reason::kSignatureMismatch},
      {"x05", By::kAnyone, "an unprotected header of indefinite length",
       [](Case& c) { c.cose().unprotected_header = "\xbf\xff"; },
       Reason::kUnprotectedNotEmpty},
  };
}

}  // namespace anchorage::test
