// Writes X.509 certificates, with any one thing wrong.
//
//   CertSpec spec;
//   spec.subject = AmazonName("aws.nitro-enclaves");
//   spec.key = spec.issuer_key = &TestKey::Derived(KeyType::kP384, "root");
//   std::string der = MakeCertificate(spec);

#ifndef ANCHORAGE_TEST_FAKE_AWS_X509_WRITER_H_
#define ANCHORAGE_TEST_FAKE_AWS_X509_WRITER_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "test/fake_aws/der_writer.h"
#include "test/fake_aws/keys.h"

namespace anchorage::test {

// Bits of the keyUsage extension, as the first octet holds them.
enum KeyUsageBit : unsigned {
  kDigitalSignature = 0x80,
  kNonRepudiation = 0x40,
  kKeyCertSign = 0x04,
  kCrlSign = 0x02,
};

// One extension. `value` is what the OCTET STRING wraps.
struct Extension {
  std::string oid;
  bool critical = false;
  std::string value;
};

std::string ToDer(const Extension& extension);

Extension BasicConstraints(bool ca, std::optional<int> path_length = {});
Extension KeyUsage(unsigned bits, bool critical = true);
// The SHA-1 of the key, as AWS and everybody makes it.
Extension SubjectKeyId(const TestKey& key);
Extension AuthorityKeyId(const TestKey& key);
Extension CrlDistributionPoint(std::string_view url);

// A certificate. The fields whose type is text hold DER: whole elements, but
// `serial`, which holds the contents of the INTEGER.
struct CertSpec {
  // The number in the version field; nullopt for X.509 v1, which has none.
  std::optional<int> version = 2;
  std::string serial = "\x01";
  // Algorithm inside and outside of what is signed. Empty: the one of the
  // issuer's key with `hash`, twice.
  std::string tbs_algorithm;
  std::string outer_algorithm;
  std::string issuer;
  std::string subject;
  std::string not_before;
  std::string not_after;
  // The certificate's own key; `spki` overrides it.
  const TestKey* key = nullptr;
  std::string spki;
  std::vector<Extension> extensions;
  // In place of the whole [3] element, whatever `extensions` holds.
  std::optional<std::string> extensions_der;

  const TestKey* issuer_key = nullptr;
  Hash hash = Hash::kSha384;

  // Applied to the TBSCertificate before it is signed, to the signature, and
  // to the certificate at the end.
  std::function<std::string(std::string)> edit_tbs;
  std::function<std::string(std::string)> edit_signature;
  std::function<std::string(std::string)> edit_certificate;

  void SetValidity(absl::Time from, absl::Time until);
  // The extension of that OID; null if there is none.
  Extension* Find(std::string_view oid);
  void Remove(std::string_view oid);
};

std::string MakeCertificate(const CertSpec& spec);

// Returns the AlgorithmIdentifier of signatures that `key` makes with `hash`.
std::string SignatureAlgorithmOf(const TestKey& key, Hash hash);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_FAKE_AWS_X509_WRITER_H_
