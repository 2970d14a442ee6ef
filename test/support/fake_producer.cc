#include "test/support/fake_producer.h"

#include <cstdlib>
#include <utility>

#include "test/fake_aws/der_writer.h"
#include "verify/image/dsse.h"
#include "verify/image/statement.h"

namespace anchorage::test {
namespace {

Hash HashFor(const TestKey& key) {
  return key.type() == KeyType::kP384 ? Hash::kSha384 : Hash::kSha256;
}

CertSpec Certificate(std::string_view name, std::string_view issuer,
                     const TestKey& key, const TestKey& issuer_key,
                     absl::Time from) {
  CertSpec spec;
  spec.subject = NameOf(name);
  spec.issuer = NameOf(issuer);
  spec.key = &key;
  spec.issuer_key = &issuer_key;
  spec.hash = HashFor(issuer_key);
  spec.SetValidity(from, from + absl::Hours(24 * 365));
  return spec;
}

constexpr std::string_view kRoot = "Example Root";
constexpr std::string_view kIssuer = "Example Images CA";
constexpr std::string_view kSigner = "Example Build";

}  // namespace

std::string NameOf(std::string_view common_name) {
  return Sequence({NameAttribute(kOidCommonName, Utf8String(common_name))});
}

Extension ExtKeyUsage(std::string_view purpose) {
  return {.oid = std::string(kOidExtKeyUsage),
          .critical = false,
          .value = Sequence({Oid(purpose)})};
}

FakeProducer::FakeProducer(KeyType type, absl::Time from) {
  const TestKey& root_key = TestKey::Derived(type, "producer root");
  const TestKey& issuer_key = TestKey::Derived(type, "producer issuer");
  const TestKey& leaf_key = TestKey::Derived(type, "producer leaf");
  root = Certificate(kRoot, kRoot, root_key, root_key, from);
  root.extensions = {BasicConstraints(true), KeyUsage(kKeyCertSign)};
  issuer = Certificate(kIssuer, kRoot, issuer_key, root_key, from);
  issuer.extensions = {BasicConstraints(true, 0), KeyUsage(kKeyCertSign),
                       ExtKeyUsage(kOidCodeSigning)};
  leaf = Certificate(kSigner, kIssuer, leaf_key, issuer_key, from);
  leaf.extensions = {BasicConstraints(false), KeyUsage(kDigitalSignature),
                     ExtKeyUsage(kOidCodeSigning)};
}

verify::TrustedProducer FakeProducer::Pinned() const { return Pinned(root); }

verify::TrustedProducer FakeProducer::Pinned(
    const CertSpec& certificate) const {
  return {.name = "Example",
          .certificates_der = {MakeCertificate(certificate)}};
}

std::string FakeProducer::SignatureOf(std::string_view payload) const {
  const Hash hash = HashFor(*leaf.key);
  return leaf.key->Sign(
      hash, HashOf(hash, verify::PreAuthenticationEncoding(payload)));
}

verify::BundleContents FakeProducer::Contents(std::string_view payload) const {
  verify::BundleContents contents{.chain_der = chain,
                                  .payload = std::string(payload),
                                  .signature = SignatureOf(payload)};
  if (chain.empty()) {
    contents.chain_der = {MakeCertificate(leaf), MakeCertificate(issuer)};
  }
  return contents;
}

std::string FakeProducer::SignPayload(std::string_view payload) const {
  return verify::WriteBundle(Contents(payload));
}

std::string FakeProducer::Sign(const verify::ImageManifest& manifest) const {
  const auto payload = verify::WriteStatement(manifest);
  if (!payload.ok()) std::abort();
  return SignPayload(*payload);
}

verify::ImageManifest SmallManifest() {
  verify::Sha256Bytes digest{};
  digest.fill(0x5a);
  verify::ImageManifest manifest{
      .product = "ledger",
      .version = *verify::ImageVersion::Parse("2026.11.30"),
      .time =
          absl::FromCivil(absl::CivilDay(2026, 11, 30), absl::UTCTimeZone()),
      .scope = verify::ManifestScope::kEverything,
      .on_mismatch = verify::MismatchAction::kPowerOff,
      .exclusions = {"var/cache", "var/log"}};
  manifest.entries = {
      {.name = "dev/null",
       .type = verify::EntryType::kSpecial,
       .mode = 0666,
       .target = "character 1:3"},
      {.name = "etc/motd \"x\\y\"", .mode = 0644, .size = 7, .sha256 = digest},
      {.name = "tmp", .type = verify::EntryType::kDirectory, .mode = 01777},
      {.name = "usr/bin/ping",
       .file_class = verify::FileClass::kElf,
       .mode = 0755,
       .size = 90568,
       .sha256 = digest,
       .capability =
           std::string("\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20),
       .package = "dpkg:iputils-ping=3:20221126-1"},
      {.name = "usr/bin/su",
       .file_class = verify::FileClass::kElf,
       .mode = 04755,
       .uid = 0,
       .gid = 10,
       .size = 72000,
       .sha256 = digest,
       .fsverity_sha256 = digest},
      {.name = "usr/lib/\xff\n.so",
       .type = verify::EntryType::kLink,
       .mode = 0777,
       .target = "../\xfe"},
  };
  return manifest;
}

}  // namespace anchorage::test
