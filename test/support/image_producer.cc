#include "test/support/image_producer.h"

#include <algorithm>
#include <utility>

#include "test/fake_aws/der_writer.h"
#include "test/fake_aws/x509_writer.h"
#include "verify/crypto/public_key.h"
#include "verify/image/bundle.h"
#include "verify/image/dsse.h"
#include "verify/image/statement.h"

namespace anchorage::test {
namespace {

// RFC 5280 4.2.1.12.
constexpr std::string_view kOidExtendedKeyUsage = "2.5.29.37";
constexpr std::string_view kOidCodeSigning = "1.3.6.1.5.5.7.3.3";

const TestKey& KeyOf(std::string_view name, std::string_view role) {
  return TestKey::Derived(KeyType::kP256, Concat({name, "/", role}));
}

std::string CommonName(std::string_view text) {
  return Sequence({NameAttribute(kOidCommonName, Utf8String(text))});
}

}  // namespace

ImageProducer::ImageProducer(std::string_view name, absl::Time from,
                             absl::Time until)
    : name_(name), signer_key_(KeyOf(name, "signer")) {
  const TestKey& ca_key = KeyOf(name, "ca");
  CertSpec ca;
  ca.subject = ca.issuer = CommonName(Concat({name, " CA"}));
  ca.key = ca.issuer_key = &ca_key;
  ca.hash = Hash::kSha256;
  ca.SetValidity(absl::FromUnixSeconds(1'000'000'000),
                 absl::FromUnixSeconds(3'000'000'000));
  ca.extensions = {BasicConstraints(true), KeyUsage(kKeyCertSign)};
  ca_der_ = MakeCertificate(ca);
  CertSpec signer = ca;
  signer.subject = CommonName(Concat({name, " signer"}));
  signer.key = &signer_key_;
  signer.serial = "\x02";
  signer.SetValidity(from, until);
  signer.extensions = {BasicConstraints(false), KeyUsage(kDigitalSignature),
                       Extension{.oid = std::string(kOidExtendedKeyUsage),
                                 .critical = false,
                                 .value = Sequence({Oid(kOidCodeSigning)})}};
  signer_der_ = MakeCertificate(signer);
}

anchors::Producer ImageProducer::Listed(std::vector<std::string> products,
                                        anchors::ProducerStatus status) const {
  return {.name = name_,
          .products = std::move(products),
          .certificates = {ca_der_},
          .status = status,
          .notes = ""};
}

verify::ImageManifest ImageProducer::Manifest(std::string_view product,
                                              std::string_view version,
                                              absl::Time time) {
  verify::ImageManifest manifest;
  manifest.product = product;
  manifest.version = *verify::ImageVersion::Parse(version);
  manifest.time = time;
  verify::ManifestEntry entry;
  entry.name = Concat({"usr/bin/", product});
  entry.file_class = verify::FileClass::kElf;
  entry.mode = 0755;
  entry.size = 1;
  const std::string digest = HashOf(Hash::kSha256, version);
  std::copy(digest.begin(), digest.end(), entry.sha256.begin());
  manifest.entries = {entry};
  return manifest;
}

std::string ImageProducer::Sign(const verify::ImageManifest& manifest) const {
  verify::BundleContents contents;
  contents.payload = verify::WriteStatement(manifest).value();
  contents.chain_der = {signer_der_, ca_der_};
  contents.signature = signer_key_.Sign(
      Hash::kSha256, HashOf(Hash::kSha256, verify::PreAuthenticationEncoding(
                                               contents.payload)));
  return verify::WriteBundle(contents);
}

std::string ImageProducer::DigestOf(const verify::ImageManifest& manifest) {
  return verify::Sha256Hex(verify::SerializePredicate(manifest).value());
}

anchors::Image ImageProducer::Entry(const verify::ImageManifest& manifest,
                                    absl::Time received,
                                    std::string_view packed) const {
  anchors::Image image;
  image.product = manifest.product;
  image.version = manifest.version.ToString();
  image.producer = name_;
  image.manifest_sha256 = DigestOf(manifest);
  image.bundle_sha256 = verify::Sha256Hex(Sign(manifest));
  image.chunks = {{packed.size(), verify::Sha256Hex(packed)}};
  image.received = received;
  return image;
}

}  // namespace anchorage::test
