// Input: a PKCS #7 message.
// Holds for any bytes:
//   1. the reader accepts, or it gives a reason;
//   2. of an accepted message, nothing can be cut off and nothing added;
//   3. its parts are views into it, and what the signature covers is a SET OF
//      in the order of DER, of the message's own attributes;
//   4. if OpenSSL reads the message too, it sees the same content, signer,
//      signature and messageDigest.

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "test/fake_aws/der_writer.h"
#include "test/fuzz/fuzz.h"
#include "verify/encoding/der.h"
#include "verify/identity/identity_evidence.h"
#include "verify/identity/pkcs7.h"
#include "verify/identity/signature_algorithms.h"
#include "verify/reason.h"

namespace anchorage::test {
namespace {

using verify::Pkcs7;

struct FreeMessage {
  void operator()(CMS_ContentInfo* message) const {
    CMS_ContentInfo_free(message);
  }
};

std::string_view ViewOf(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

bool OpensslAgrees(const Pkcs7& ours, std::string_view bytes) {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const std::unique_ptr<CMS_ContentInfo, FreeMessage> theirs(
      d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(bytes.size())));
  // It reads certificates and names, which we step over.
  if (theirs == nullptr) return true;
  const auto* signers = CMS_get0_SignerInfos(theirs.get());
  if (sk_CMS_SignerInfo_num(signers) != 1) return false;
  CMS_SignerInfo* const signer = sk_CMS_SignerInfo_value(signers, 0);
  const auto* digest = static_cast<const ASN1_STRING*>(
      CMS_signed_get0_data_by_OBJ(signer, OBJ_nid2obj(NID_pkcs9_messageDigest),
                                  -3, V_ASN1_OCTET_STRING));
  ASN1_OCTET_STRING** const content = CMS_get0_content(theirs.get());
  return content != nullptr && *content != nullptr && digest != nullptr &&
         ViewOf(*content) == ours.content &&
         ViewOf(CMS_SignerInfo_get0_signature(signer)) == ours.signature &&
         ViewOf(digest) == ours.message_digest;
}

void RequireSortedSet(std::string_view set_der) {
  const auto set = verify::ParseOne(set_der, verify::DerTag::kSet);
  Require(set.has_value(), "a SET is signed");
  std::vector<std::string> attributes;
  for (verify::DerReader reader(set->contents); !reader.done();) {
    const auto attribute = reader.Read(verify::DerTag::kSequence);
    Require(attribute.has_value(), "a SET of attributes is signed");
    attributes.emplace_back(attribute->whole);
  }
  Require(SetOf(attributes) == set_der, "attributes are in order");
}

void RequireEdges(std::string_view bytes) {
  Require(
      !Decided(verify::ParsePkcs7(bytes.substr(0, bytes.size() - 1)).status()),
      "nothing can be cut off");
  const auto longer = verify::ParsePkcs7(std::string(bytes) + '\0');
  const auto reason = verify::ReasonOf(longer.status());
  Require(reason == verify::Reason::kTrailingBytes ||
              reason == verify::Reason::kInputTooLarge,
          "nothing can be added");
}

void Check(std::string_view bytes) {
  const auto message = verify::ParsePkcs7(bytes);
  if (!Decided(message.status())) return;

  for (const std::string_view part :
       {message->signature, message->message_digest, message->issuer,
        message->serial, message->digest_algorithm,
        message->signature_algorithm}) {
    RequireWithin(part, bytes);
  }
  Require(!message->content.empty() && message->content.size() < bytes.size(),
          "the content is inside");
  Pkcs7::AttributesBuffer buffer;
  RequireSortedSet(message->SignedAttributesForDigest(buffer));
  RequireEdges(bytes);
  Require(OpensslAgrees(*message, bytes), "OpenSSL sees the same");
  ERR_clear_error();
  for (const auto form :
       {verify::IdentityForm::kPkcs7, verify::IdentityForm::kRsa2048}) {
    Decided(verify::AlgorithmsOf(*message, form).status());
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
