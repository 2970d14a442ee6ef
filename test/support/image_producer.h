// A producer of images for tests: a CA, a signer below it, and manifests that
// it signs.
//
//   const ImageProducer acme("acme");
//   std::string bundle = acme.Sign(acme.Manifest("ledger", "1.2", time));
//   list.producers = {acme.Listed({"ledger"})};

#ifndef ANCHORAGE_TEST_SUPPORT_IMAGE_PRODUCER_H_
#define ANCHORAGE_TEST_SUPPORT_IMAGE_PRODUCER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "anchors/images/image_index.h"
#include "anchors/images/producers.h"
#include "test/support/fake_producer.h"
#include "verify/image/manifest.h"

namespace anchorage::test {

class ImageProducer {
 public:
  // The CA is valid for decades, the signer from `from` until `until`.
  explicit ImageProducer(
      std::string_view name,
      absl::Time from = absl::FromUnixSeconds(1'700'000'000),
      absl::Time until = absl::FromUnixSeconds(1'900'000'000));

  const std::string& ca_der() const { return ca_der_; }
  const std::string& signer_der() const { return signer_der_; }

  // As a list of producers has it, with its CA.
  anchors::Producer Listed(
      std::vector<std::string> products,
      anchors::ProducerStatus status = anchors::ProducerStatus::kActive) const;

  // A manifest with one file, whose content is of that version.
  static verify::ImageManifest Manifest(std::string_view product,
                                        std::string_view version,
                                        absl::Time time);

  // Returns the bundle of a manifest.
  std::string Sign(const verify::ImageManifest& manifest) const {
    return producer_.Sign(manifest);
  }

  // The lower-case hex digest of a manifest, as an index names it.
  static std::string DigestOf(const verify::ImageManifest& manifest);

  // As an index lists a manifest, with one chunk of `packed`.
  anchors::Image Entry(const verify::ImageManifest& manifest,
                       absl::Time received,
                       std::string_view packed = "x") const;

 private:
  const std::string name_;
  // Of which the root is the CA, and the leaf the signer.
  FakeProducer producer_;
  std::string ca_der_;
  std::string signer_der_;
};

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_SUPPORT_IMAGE_PRODUCER_H_
