#include "test/support/image_producer.h"

#include <algorithm>
#include <utility>

#include "test/fake_aws/der_writer.h"
#include "test/fake_aws/x509_writer.h"
#include "verify/crypto/public_key.h"

namespace anchorage::test {

ImageProducer::ImageProducer(std::string_view name, absl::Time from,
                             absl::Time until)
    : name_(name) {
  const auto key = [&](std::string_view role) {
    return &TestKey::Derived(KeyType::kP256, Concat({name, "/", role}));
  };
  CertSpec& ca = producer_.root;
  ca.subject = ca.issuer = NameOf(Concat({name, " CA"}));
  ca.key = ca.issuer_key = key("ca");
  ca.SetValidity(absl::FromUnixSeconds(1'000'000'000),
                 absl::FromUnixSeconds(3'000'000'000));
  ca_der_ = MakeCertificate(ca);
  CertSpec& signer = producer_.leaf;
  signer.subject = NameOf(Concat({name, " signer"}));
  signer.issuer = ca.subject;
  signer.key = key("signer");
  signer.issuer_key = ca.key;
  signer.serial = "\x02";
  signer.SetValidity(from, until);
  signer_der_ = MakeCertificate(signer);
  producer_.chain = {signer_der_, ca_der_};
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
