// A producer of images: signs manifests with a certificate that is pinned
// itself.
//
//   const ImageSigner signer("producer");
//   std::string bundle = signer.Sign(manifest);
//   verify::VerifyBundle(bundle, {{"Example", {signer.certificate_der()}}}, ...);

#ifndef ANCHORAGE_TEST_SUPPORT_IMAGE_SIGNER_H_
#define ANCHORAGE_TEST_SUPPORT_IMAGE_SIGNER_H_

#include <string>

#include "absl/time/time.h"
#include "test/fake_aws/keys.h"
#include "verify/image/manifest.h"

namespace anchorage::test {

class ImageSigner {
 public:
  // The common name, which also decides the key (P-256).
  explicit ImageSigner(const std::string& name);

  // A time at which every signer's certificate is valid.
  static absl::Time Time();

  const std::string& certificate_der() const { return certificate_der_; }

  // Returns the bundle of `manifest`, which must be a good one.
  std::string Sign(const verify::ImageManifest& manifest) const;

 private:
  const TestKey* key_;
  std::string certificate_der_;
};

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_SUPPORT_IMAGE_SIGNER_H_
