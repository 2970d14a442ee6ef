#include "test/fake_aws/pkcs7_writer.h"

#include <algorithm>

#include "test/fake_aws/x509_writer.h"

namespace anchorage::test {
namespace {

std::string Join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += part;
  return out;
}

std::vector<Attribute> AttributesOf(const Pkcs7Spec& spec,
                                    const SignerSpec& signer) {
  std::vector<Attribute> attributes = {
      {std::string(kOidContentType), {Oid(spec.content_type)}},
      {std::string(kOidSigningTime), {UtcTime(signer.signing_time)}},
      {std::string(kOidMessageDigest),
       {OctetString(HashOf(signer.hash, spec.content))}}};
  if (signer.has_algorithm_protection) {
    // CMSAlgorithmProtection (RFC 6211): the signature algorithm is [1]
    // IMPLICIT, so the SEQUENCE's tag is replaced.
    std::string signature_algorithm = signer.signature_algorithm;
    signature_algorithm[0] = '\xa1';
    attributes.push_back(
        {std::string(kOidAlgorithmProtection),
         {Sequence({signer.digest_algorithm, signature_algorithm})}});
  }
  if (signer.edit_attributes) signer.edit_attributes(attributes);
  return attributes;
}

std::vector<std::string> EncodedAttributes(const Pkcs7Spec& spec,
                                           const SignerSpec& signer) {
  std::vector<std::string> encoded;
  for (const Attribute& attribute : AttributesOf(spec, signer)) {
    encoded.push_back(
        Sequence({Oid(attribute.oid), Tlv(0x31, Join(attribute.values))}));
  }
  if (signer.sort_attributes) std::sort(encoded.begin(), encoded.end());
  return encoded;
}

std::string SignerInfo(const Pkcs7Spec& spec, const SignerSpec& signer) {
  std::string attributes;
  if (signer.has_signed_attributes) {
    attributes = Tlv(0xa0, Join(EncodedAttributes(spec, signer)));
  }
  return Sequence(
      {Integer(static_cast<std::uint64_t>(signer.version)),
       Sequence({signer.issuer, Tlv(0x02, signer.serial)}),
       signer.digest_algorithm, attributes, signer.signature_algorithm,
       OctetString(SignatureOf(spec, signer)), signer.after_signature});
}

std::string DigestAlgorithms(const Pkcs7Spec& spec) {
  if (spec.digest_algorithms) return Tlv(0x31, Join(*spec.digest_algorithms));
  std::vector<std::string> distinct;
  for (const SignerSpec& signer : spec.signers) {
    if (std::find(distinct.begin(), distinct.end(), signer.digest_algorithm) ==
        distinct.end()) {
      distinct.push_back(signer.digest_algorithm);
    }
  }
  return SetOf(distinct);
}

std::string Wrap(const Pkcs7Spec& spec, std::uint8_t tag,
                 std::string_view contents) {
  return spec.ber ? Indefinite(tag, contents) : Tlv(tag, contents);
}

std::string Content(const Pkcs7Spec& spec) {
  if (spec.detached) return "";
  const std::string& content = spec.sent_content.value_or(spec.content);
  if (!spec.ber) return Tlv(0xa0, OctetString(content));
  const std::size_t step = content.size() / spec.chunks;
  std::string pieces;
  for (std::size_t i = 0; i < spec.chunks; ++i) {
    const std::size_t size = i + 1 < spec.chunks ? step : content.npos;
    pieces += OctetString(content.substr(i * step, size));
  }
  return Indefinite(0xa0, Indefinite(0x24, pieces));
}

std::string SignedData(const Pkcs7Spec& spec) {
  std::vector<std::string> signers;
  for (const SignerSpec& signer : spec.signers) {
    signers.push_back(SignerInfo(spec, signer));
  }
  std::string contents = Integer(static_cast<std::uint64_t>(spec.version));
  contents += DigestAlgorithms(spec);
  contents += Wrap(spec, 0x30, Oid(spec.content_type) + Content(spec));
  if (!spec.certificates.empty())
    contents += Tlv(0xa0, Join(spec.certificates));
  if (!spec.crls.empty()) contents += Tlv(0xa1, Join(spec.crls));
  contents += Tlv(0x31, Join(signers));
  return Wrap(spec, 0x30, contents);
}

}  // namespace

Attribute* FindAttribute(std::vector<Attribute>& attributes,
                         std::string_view oid) {
  const auto at =
      std::find_if(attributes.begin(), attributes.end(),
                   [oid](const Attribute& a) { return a.oid == oid; });
  return at == attributes.end() ? nullptr : &*at;
}

void RemoveAttribute(std::vector<Attribute>& attributes, std::string_view oid) {
  std::erase_if(attributes, [oid](const Attribute& a) { return a.oid == oid; });
}

void DeclareAlgorithms(SignerSpec& signer, Hash hash,
                       Parameters digest_parameters,
                       std::string_view signature_oid) {
  signer.digest_algorithm = AlgorithmId(OidOf(hash), digest_parameters);
  signer.signature_algorithm =
      signature_oid.empty() ? SignatureAlgorithmOf(*signer.key, hash)
                            : AlgorithmId(signature_oid, Parameters::kNull);
}

std::string SignedAttributes(const Pkcs7Spec& spec, const SignerSpec& signer) {
  const std::vector<std::string> encoded = EncodedAttributes(spec, signer);
  return signer.sign_as_sent ? Tlv(0x31, Join(encoded)) : SetOf(encoded);
}

std::string SignatureOf(const Pkcs7Spec& spec, const SignerSpec& signer) {
  const std::string digest = HashOf(
      signer.hash, signer.has_signed_attributes ? SignedAttributes(spec, signer)
                                                : spec.content);
  std::string signature = signer.sign ? signer.sign(*signer.key, digest)
                                      : signer.key->Sign(signer.hash, digest);
  if (signer.edit_signature) signature = signer.edit_signature(signature);
  return signature;
}

std::string Encode(const Pkcs7Spec& spec) {
  std::string message = Wrap(
      spec, 0x30, Oid(kOidSignedData) + Wrap(spec, 0xa0, SignedData(spec)));
  if (spec.edit_message) message = spec.edit_message(message);
  return message + spec.trailing;
}

}  // namespace anchorage::test
