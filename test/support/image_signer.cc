#include "test/support/image_signer.h"

#include "test/fake_aws/der_writer.h"
#include "test/fake_aws/x509_writer.h"
#include "verify/image/bundle.h"
#include "verify/image/dsse.h"
#include "verify/image/statement.h"

namespace anchorage::test {
namespace {

constexpr char kCommonName[] = "2.5.4.3";
constexpr char kExtendedKeyUsage[] = "2.5.29.37";
constexpr char kCodeSigning[] = "1.3.6.1.5.5.7.3.3";

}  // namespace

ImageSigner::ImageSigner(const std::string& name)
    : key_(&TestKey::Derived(KeyType::kP256, name)) {
  CertSpec spec;
  spec.subject = spec.issuer =
      Sequence({NameAttribute(kCommonName, Utf8String(name))});
  spec.key = spec.issuer_key = key_;
  spec.hash = Hash::kSha256;
  spec.SetValidity(Time() - absl::Hours(24), Time() + absl::Hours(24));
  spec.extensions = {
      BasicConstraints(false),
      KeyUsage(kDigitalSignature),
      {.oid = kExtendedKeyUsage, .value = Sequence({Oid(kCodeSigning)})}};
  certificate_der_ = MakeCertificate(spec);
}

absl::Time ImageSigner::Time() { return absl::FromUnixSeconds(1'790'000'000); }

std::string ImageSigner::Sign(const verify::ImageManifest& manifest) const {
  const std::string payload = verify::WriteStatement(manifest).value();
  const std::string digest =
      HashOf(Hash::kSha256, verify::PreAuthenticationEncoding(payload));
  return verify::WriteBundle({.chain_der = {certificate_der_},
                              .payload = payload,
                              .signature = key_->Sign(Hash::kSha256, digest)});
}

}  // namespace anchorage::test
