// A fake AWS that makes Nitro attestation documents as the real one does, and,
// on request, with any one thing broken.
//
//   const FakeNitro aws;
//   NitroSpec spec = aws.Genuine(NitroType::kEnclave);
//   spec.chain[kLeaf].SetValidity(...);       // leave out for a genuine one
//   const std::string document = Encode(spec);
//   auto anchors = verify::AnchorSet::Create({aws.RootAnchor()}, {});
//
// A specification is a chain of certificates, a document and a signature over
// it, each a plain struct to change. Encode() signs what it is given, so a
// change is as genuine as AWS could make it. Every call gives the same bytes
// in every process.

#ifndef ANCHORAGE_TEST_FAKE_AWS_FAKE_NITRO_H_
#define ANCHORAGE_TEST_FAKE_AWS_FAKE_NITRO_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "test/fake_aws/cbor_writer.h"
#include "test/fake_aws/keys.h"
#include "test/fake_aws/x509_writer.h"
#include "verify/anchor_set.h"

namespace anchorage::test {

enum class NitroType { kEnclave, kTpm };

// Places in a chain.
enum : std::size_t { kRoot, kRegional, kZonal, kInstance, kLeaf };

// A field of three states: absent, null, or bytes.
class OptionalField {
 public:
  static OptionalField Absent() { return OptionalField(false, std::nullopt); }
  static OptionalField Null() { return OptionalField(true, std::nullopt); }
  static OptionalField Bytes(std::string_view bytes) {
    return OptionalField(true, std::string(bytes));
  }

  bool present() const { return present_; }
  const std::optional<std::string>& bytes() const { return bytes_; }

 private:
  OptionalField(bool present, std::optional<std::string> bytes)
      : present_(present), bytes_(std::move(bytes)) {}

  bool present_;
  std::optional<std::string> bytes_;
};

using PcrBank = std::vector<std::pair<std::uint64_t, std::string>>;

// The payload. Fields are encoded in AWS's order.
struct DocumentSpec {
  std::string module_id;
  std::string digest = "SHA384";
  // Milliseconds.
  std::int64_t timestamp = 0;
  std::optional<PcrBank> pcrs;
  std::optional<PcrBank> nitrotpm_pcrs;
  OptionalField public_key = OptionalField::Null();
  OptionalField user_data = OptionalField::Null();
  OptionalField nonce = OptionalField::Null();

  // Applied to the chain's certificates, root first, before the last of them
  // becomes `certificate` and the others `cabundle`.
  std::function<void(std::vector<std::string>&)> edit_certificates;
  // Applied to the encoded members of the map.
  std::function<void(std::vector<CborMember>&)> edit_members;
  bool indefinite_map = true;
  // Applied to the payload before it is signed.
  std::function<std::string(std::string)> edit_payload;
};

// The envelope: encoded CBOR, but `payload`.
struct CoseSpec {
  // In front of everything, such as a tag.
  std::string prefix;
  std::string array_head = "\x84";
  // The contents of the protected header's byte string.
  std::string protected_header = "\xa1\x01\x38\x22";
  std::string unprotected_header = "\xa0";
  // In place of the byte string with the payload.
  std::optional<std::string> payload_element;
  // What the signature covers beside header and payload.
  std::string context = "Signature1";
  std::string external_aad;
  // Null: the leaf's key.
  const TestKey* key = nullptr;
  Hash hash = Hash::kSha384;
  // Applied to the signature, r and s as long as the group's order. A key of
  // another type signs in its own encoding.
  std::function<std::string(std::string)> edit_signature;
  // In place of the byte string with the signature.
  std::optional<std::string> signature_element;
  // Applied to the whole.
  std::function<std::string(std::string)> edit_message;
  std::string trailing;
};

struct NitroSpec {
  // Root, regional, zonal, instance, leaf. Names and issuer keys are those of
  // a genuine chain: whoever changes `key` or `subject` of one changes
  // `issuer_key` or `issuer` of the next, or breaks the chain.
  std::vector<CertSpec> chain;
  DocumentSpec document;
  CoseSpec cose;
};

std::string Encode(const NitroSpec& spec);

// The parts of Encode(), each as it is with all edits.
std::vector<std::string> Certificates(const NitroSpec& spec);
std::string Payload(const NitroSpec& spec);
std::string SigStructure(const CoseSpec& cose, std::string_view payload);

// The member of that (text) key; null if there is none.
CborMember* FindMember(std::vector<CborMember>& members, std::string_view key);
void RemoveMember(std::vector<CborMember>& members, std::string_view key);

// One map of PCRs as AWS encodes it.
std::string PcrMap(const PcrBank& bank);

// PCRs of 48 bytes. kEnclave: 0 to 15, none of 0, 1, 2, 3, 4 and 8 zero, the
// others zero. kTpm: 0 to 23, as an instance without Secure Boot has them.
PcrBank GenuinePcrs(NitroType type);

// "US", "Amazon", "AWS" and the common name, as root and regional have them.
std::string AmazonName(std::string_view common_name);

class FakeNitro {
 public:
  // A root for one partition, and a region below it. All names are the
  // partition's, as AWS's root for GovCloud has it; a partition that is none
  // ("attacker") has a root of its own with the names of "aws".
  explicit FakeNitro(std::string_view partition = "aws",
                     std::string_view region = "us-east-1");

  verify::AnchorRecord RootAnchor() const;
  const TestKey& root_key() const;

  // A genuine document of the time `at`; the leaf was issued 5 minutes before.
  NitroSpec Genuine(NitroType type, absl::Time at) const;
  // The same at FakeNow() of fake_identity.h, minus one second.
  NitroSpec Genuine(NitroType type) const;

  // The certificates of a genuine chain.
  std::vector<CertSpec> Chain(NitroType type, absl::Time at) const;

  // The module identifier in genuine documents.
  static std::string ModuleId(NitroType type);

 private:
  const TestKey& Key(std::string_view name) const;
  std::string NamedPartition() const;
  std::string AuthoritySuffix() const;
  CertSpec Root() const;
  CertSpec Regional(absl::Time at) const;
  CertSpec Zonal(absl::Time at) const;
  CertSpec Instance(absl::Time at) const;
  CertSpec Leaf(NitroType type, absl::Time at) const;

  std::string partition_;
  std::string region_;
};

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_FAKE_AWS_FAKE_NITRO_H_
