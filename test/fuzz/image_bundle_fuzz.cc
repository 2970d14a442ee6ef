// Input: a mode byte, then
//   mode 0  a bundle as it is received;
//   mode 1  a payload, which a producer of images signs;
//   mode 2  a byte for the leaf or its issuer, then a TBSCertificate: the
//           certificate above signs it, and it takes that place in the chain of
//           a genuine bundle.
// Higher modes begin again at 0.
// Holds for any bytes:
//   1. a bundle is accepted, or it gives a reason;
//   2. nothing is accepted as received that the producer did not sign unasked;
//   3. of an accepted bundle, the leaf is no CA and is for signing code, every
//      issuer is a CA that may sign certificates, and all were valid when it was
//      judged, whatever was signed;
//   4. what is read, written again, is read as the same.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "test/fake_aws/x509_writer.h"
#include "test/fuzz/fuzz.h"
#include "test/support/fake_producer.h"
#include "verify/attestation/certificate.h"
#include "verify/image/bundle.h"
#include "verify/image/image_error.h"

namespace anchorage::test {
namespace {

constexpr std::uint8_t kModes = 3;

const FakeProducer& Producer() {
  static const auto* const producer = new FakeProducer();
  return *producer;
}

const verify::BundleContents& Genuine() {
  static const auto* const genuine = new verify::BundleContents(
      *verify::ReadBundle(Producer().Sign(SmallManifest())));
  return *genuine;
}

bool DecidedImage(const absl::Status& status) {
  Require(status.ok() || verify::ImageReasonOf(status).has_value(),
          "every refusal has a reason");
  return status.ok();
}

void RequireRoles(const verify::BundleContents& bundle,
                  const verify::VerifiedManifest& verified) {
  for (std::size_t i = 0; i < bundle.chain_der.size(); ++i) {
    const auto certificate = verify::ParseCertificate(
        bundle.chain_der[i], verify::CertificateProfile::kProducer);
    Require(certificate.ok(), "certificates of an accepted chain are read");
    const bool leaf = i == 0;
    Require(certificate->is_ca != leaf,
            "issuers are CAs, and the leaf is none");
    Require(certificate->may_sign_certificates != leaf,
            "issuers alone may sign certificates");
    Require(!leaf || (certificate->may_sign && certificate->may_sign_code),
            "the leaf is for signing code");
    Require(certificate->not_before <= verified.judged_at() &&
                verified.judged_at() <= certificate->not_after,
            "all are valid when it is judged");
  }
}

// Returns whether the bundle is accepted.
bool Judge(const std::string& text) {
  static const auto* const pinned =
      new verify::TrustedProducer(Producer().Pinned());
  const auto verified = verify::VerifyBundle(text, {pinned, 1}, std::nullopt);
  if (!DecidedImage(verified.status())) return false;
  RequireRoles(*verify::ReadBundle(text), *verified);
  return true;
}

void CheckReceived(std::string_view text) {
  const auto bundle = verify::ReadBundle(text);
  if (!DecidedImage(bundle.status())) return;
  const auto again = verify::ReadBundle(verify::WriteBundle(*bundle));
  Require(again.ok() && again->chain_der == bundle->chain_der &&
              again->payload == bundle->payload &&
              again->signature == bundle->signature,
          "what is read can be written and read again");
  if (!Judge(std::string(text))) return;
  Require(bundle->payload == Genuine().payload,
          "nothing is accepted that was not signed");
}

void CheckSigned(std::string_view rest) {
  FakeProducer producer;
  CertSpec& spec = TakeByte(rest) % 2 == 0 ? producer.leaf : producer.issuer;
  spec.edit_tbs = [rest](const std::string&) { return std::string(rest); };
  verify::BundleContents bundle = Genuine();
  bundle.chain_der = {MakeCertificate(producer.leaf),
                      MakeCertificate(producer.issuer)};
  Judge(verify::WriteBundle(bundle));
}

void Check(std::string_view input) {
  switch (TakeByte(input) % kModes) {
    case 0:
      CheckReceived(input);
      break;
    case 1:
      Judge(Producer().SignPayload(input));
      break;
    default:
      CheckSigned(input);
      break;
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
