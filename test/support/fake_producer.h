// A producer of images, with any one thing wrong.
//
//   FakeProducer producer;
//   producer.leaf.Remove(kOidExtKeyUsage);
//   auto verified = VerifyBundle(producer.Sign(manifest), {producer.Pinned()},
//                                std::nullopt);
//
// A root, which is pinned, an issuing CA and a signer. The keys are the fake
// AWS's: see test/fake_aws/keys.h.

#ifndef ANCHORAGE_TEST_SUPPORT_FAKE_PRODUCER_H_
#define ANCHORAGE_TEST_SUPPORT_FAKE_PRODUCER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "test/fake_aws/keys.h"
#include "test/fake_aws/x509_writer.h"
#include "verify/image/bundle.h"
#include "verify/image/manifest.h"
#include "verify/image/producer.h"

namespace anchorage::test {

inline constexpr std::string_view kOidExtKeyUsage = "2.5.29.37";
inline constexpr std::string_view kOidCodeSigning = "1.3.6.1.5.5.7.3.3";
inline constexpr std::string_view kOidServerAuth = "1.3.6.1.5.5.7.3.1";

// A distinguished name of one common name.
std::string NameOf(std::string_view common_name);

// The extended key usage of one purpose.
Extension ExtKeyUsage(std::string_view purpose);

struct FakeProducer {
  // Every key is of that type. The certificates are valid for a year from
  // `from`.
  explicit FakeProducer(KeyType type = KeyType::kP256,
                        absl::Time from = absl::FromCivil(absl::CivilDay(2026,
                                                                         6, 1),
                                                          absl::UTCTimeZone()));

  // Changed by tests before anything below is called.
  CertSpec root;
  CertSpec issuer;
  CertSpec leaf;
  // What the bundle has in it, leaf first; empty for the leaf and the issuer.
  std::vector<std::string> chain;

  // The root under the name "Example".
  verify::TrustedProducer Pinned() const;
  verify::TrustedProducer Pinned(const CertSpec& certificate) const;

  // The DER signature over the encoding of `payload`.
  std::string SignatureOf(std::string_view payload) const;
  verify::BundleContents Contents(std::string_view payload) const;

  // The text of a bundle around any payload, and around a manifest, which must
  // keep its rules.
  std::string SignPayload(std::string_view payload) const;
  std::string Sign(const verify::ImageManifest& manifest) const;
};

// A small manifest that keeps all rules: product "ledger", version 2026.11.30,
// of 2026-11-30, with an entry of every type and a name that is not UTF-8.
verify::ImageManifest SmallManifest();

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_SUPPORT_FAKE_PRODUCER_H_
