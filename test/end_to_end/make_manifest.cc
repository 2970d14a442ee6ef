// usage: make_manifest PRODUCER PRODUCT VERSION BUNDLE CA.pem
//
// Writes the signed manifest of an image with one file, made now by a producer
// whose certificate is valid for a day, and the certificate of its CA.

#include <fstream>
#include <iostream>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"
#include "test/support/image_producer.h"

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr
        << "usage: make_manifest PRODUCER PRODUCT VERSION BUNDLE CA.pem\n";
    return 1;
  }
  const absl::Time now =
      absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()));
  const anchorage::test::ImageProducer producer(argv[1], now - absl::Hours(1),
                                                now + absl::Hours(23));
  const auto manifest =
      anchorage::test::ImageProducer::Manifest(argv[2], argv[3], now);
  std::ofstream(argv[4], std::ios::binary) << producer.Sign(manifest);
  std::ofstream(argv[5]) << "-----BEGIN CERTIFICATE-----\n"
                         << absl::Base64Escape(producer.ca_der())
                         << "\n-----END CERTIFICATE-----\n";
  std::cout << anchorage::test::ImageProducer::DigestOf(manifest) << "\n";
}
