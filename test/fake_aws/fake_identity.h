// A fake AWS that signs instance identity documents as the real one does, and,
// on request, with any one thing broken.
//
//   const FakeIdentity aws;
//   const std::string document = aws.Document("us-east-1").Text();
//   Pkcs7Spec spec = aws.Genuine("us-east-1", AnchorKind::kIidRsa2048,
//                                document);
//   spec.trailing = "x";                 // leave out for a genuine message
//   const std::string text = Base64(Encode(spec));  // what IMDS would give
//   auto anchors = verify::AnchorSet::Create(aws.Anchors(), {});
//
// Every call gives the same bytes in every process. Nothing here reads what it
// wrote; fake_identity_test.cc has OpenSSL's CMS read it.

#ifndef ANCHORAGE_TEST_FAKE_AWS_FAKE_IDENTITY_H_
#define ANCHORAGE_TEST_FAKE_AWS_FAKE_IDENTITY_H_

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "test/fake_aws/keys.h"
#include "test/fake_aws/pkcs7_writer.h"
#include "test/fake_aws/x509_writer.h"
#include "verify/anchor_set.h"

namespace anchorage::test {

// 2026-09-20T12:00:00Z: the time at which the fake's evidence is fresh.
absl::Time FakeNow();

// The fields of an identity document, in order, with their values as JSON.
class DocumentFields {
 public:
  using Field = std::pair<std::string, std::string>;

  // Replaces the value of the (first) field `name`, or adds it at the end.
  DocumentFields& Set(std::string_view name, std::string_view json);
  // The same for a string, which gets its quotes.
  DocumentFields& SetText(std::string_view name, std::string_view text);
  // Adds a field at the end, also one that is there.
  DocumentFields& Add(std::string_view name, std::string_view json);
  DocumentFields& Remove(std::string_view name);

  const std::vector<Field>& fields() const { return fields_; }

  // The document as AWS writes it: two-space indent, `"name" : value`, no line
  // feed at the end.
  std::string Text() const;

 private:
  std::vector<Field> fields_;
};

// A region of the fake, and whose old keys it has: in AWS, 17 regions have one
// RSA-1024 key, and more have one DSA key.
struct FakeRegion {
  std::string partition;
  std::string region;
  std::string shares_old_keys_with;
  // A few new regions have no published certificate for /pkcs7.
  bool has_pkcs7_kind = true;
};

// us-east-1, us-west-2 (with us-east-1's old keys), eu-west-1, us-gov-west-1,
// cn-north-1, eusc-de-east-1 (no pkcs7 kind).
std::vector<FakeRegion> DefaultRegions();

// How AWS wrote signatures over the years.
enum class Era {
  k2018,  // NULL parameters, no CMSAlgorithmProtection, rsaEncryption
  k2021,  // NULL parameters, CMSAlgorithmProtection, sha256WithRSAEncryption
  k2026,  // as 2021, and no digest parameters
};

class FakeIdentity {
 public:
  explicit FakeIdentity(std::vector<FakeRegion> regions = DefaultRegions());

  // One anchor for each region and kind. In China (partition aws-cn), kIidDsa
  // has an RSA-2048 key, as AWS has it.
  std::vector<verify::AnchorRecord> Anchors() const;
  verify::AnchorRecord Anchor(std::string_view region,
                              verify::AnchorKind kind) const;

  const TestKey& KeyOf(std::string_view region, verify::AnchorKind kind) const;
  // Re-keys a slot: what is signed from now on, and the anchor.
  void SetKey(std::string_view region, verify::AnchorKind kind,
              const TestKey& key);

  // The self-signed certificate of a slot, to change and make. All have one
  // issuer and subject; keys and serials differ.
  CertSpec Certificate(std::string_view region, verify::AnchorKind kind) const;

  // A genuine document of the region, launched ten minutes before FakeNow().
  DocumentFields Document(std::string_view region) const;

  // A genuine PKCS #7 over `document`; kIidDsa or kIidRsa2048.
  Pkcs7Spec Genuine(std::string_view region, verify::AnchorKind kind,
                    std::string_view document, Era era = Era::k2026) const;

  // A genuine RSA-1024 signature over `document`, 128 bytes.
  std::string Signature(std::string_view region,
                        std::string_view document) const;

 private:
  const FakeRegion& Find(std::string_view region) const;

  std::vector<FakeRegion> regions_;
  std::map<std::pair<std::string, verify::AnchorKind>, const TestKey*> keys_;
};

// An active anchor for `key`, with `certificate_der` if it is not empty.
verify::AnchorRecord MakeAnchor(verify::Slot slot, const TestKey& key,
                                std::string certificate_der = "");

// Returns base64 with a line feed after every `columns` characters; 0 for one
// line.
std::string Base64(std::string_view bytes, std::size_t columns = 0);

// The distinguished name that is issuer and subject of all of AWS's identity
// certificates.
std::string AwsLlcName();

// Nobody's keys: of the type that signs that kind, and pinned nowhere.
const TestKey& AttackerKey(verify::AnchorKind kind);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_FAKE_AWS_FAKE_IDENTITY_H_
