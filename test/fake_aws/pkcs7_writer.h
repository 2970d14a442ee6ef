// Writes PKCS #7 SignedData as AWS's signer does, with any one thing wrong.
//
//   Pkcs7Spec spec;  // or FakeIdentity::Genuine(), which fills it in
//   spec.content = document;
//   spec.signers.push_back(signer);
//   std::string message = Encode(spec);

#ifndef ANCHORAGE_TEST_FAKE_AWS_PKCS7_WRITER_H_
#define ANCHORAGE_TEST_FAKE_AWS_PKCS7_WRITER_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "test/fake_aws/der_writer.h"
#include "test/fake_aws/keys.h"

namespace anchorage::test {

// A signed attribute: its type, dotted, and its values in DER.
struct Attribute {
  std::string oid;
  std::vector<std::string> values;
};

// The attribute of that type; null if there is none.
Attribute* FindAttribute(std::vector<Attribute>& attributes,
                         std::string_view oid);
void RemoveAttribute(std::vector<Attribute>& attributes, std::string_view oid);

// One SignerInfo. `issuer` and the algorithms are DER elements.
struct SignerSpec {
  int version = 1;
  std::string issuer;
  // The contents of the INTEGER.
  std::string serial;

  // What is really used.
  const TestKey* key = nullptr;
  Hash hash = Hash::kSha256;
  // What is declared, also in the attributes: see DeclareAlgorithms().
  std::string digest_algorithm;
  std::string signature_algorithm;

  // Without signed attributes the signature is over the content itself.
  bool has_signed_attributes = true;
  bool has_algorithm_protection = true;
  absl::Time signing_time;
  // Applied to contentType, signingTime, messageDigest and (if wanted)
  // CMSAlgorithmProtection before they are signed.
  std::function<void(std::vector<Attribute>&)> edit_attributes;
  // DER order in the message. Where false, the message has the attributes as
  // edit_attributes left them and the signature is over the DER order all the
  // same (RFC 5652 5.4), unless sign_as_sent.
  bool sort_attributes = true;
  bool sign_as_sent = false;

  // In place of key->Sign(hash, digest).
  std::function<std::string(const TestKey&, std::string_view digest)> sign;
  // Applied to the signature.
  std::function<std::string(std::string)> edit_signature;
  // Elements after the signature, such as unsigned attributes.
  std::string after_signature;
};

// Declares `hash`, and signatures of the signer's key with it, as AWS does.
// `signature_oid` overrides the latter.
void DeclareAlgorithms(SignerSpec& signer, Hash hash,
                       Parameters digest_parameters,
                       std::string_view signature_oid = "");

struct Pkcs7Spec {
  // Indefinite lengths on the outside and a constructed OCTET STRING, as AWS
  // sends; otherwise DER.
  bool ber = true;
  int version = 1;
  // In place of the signers' digest algorithms. DER elements.
  std::optional<std::vector<std::string>> digest_algorithms;
  // What is signed.
  std::string content;
  // What is sent in its place.
  std::optional<std::string> sent_content;
  bool detached = false;
  std::string content_type = std::string(kOidData);
  // How many pieces the constructed OCTET STRING has.
  std::size_t chunks = 1;
  // Certificates inside, DER, and CRLs.
  std::vector<std::string> certificates;
  std::vector<std::string> crls;
  std::vector<SignerSpec> signers;

  // Applied to the whole message.
  std::function<std::string(std::string)> edit_message;
  // After the message.
  std::string trailing;
};

std::string Encode(const Pkcs7Spec& spec);

// The SET OF signed attributes of `signer`, as it is signed.
std::string SignedAttributes(const Pkcs7Spec& spec, const SignerSpec& signer);

// The signature in the message of `signer`.
std::string SignatureOf(const Pkcs7Spec& spec, const SignerSpec& signer);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_FAKE_AWS_PKCS7_WRITER_H_
