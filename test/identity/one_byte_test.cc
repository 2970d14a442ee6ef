// No genuine evidence is accepted with any one byte changed, but for bytes
// that are known to say nothing.
//
// Those are the issuer and the serial number by which a PKCS #7 names its
// signer: AWS does not sign them, and they decide nothing, because signers are
// found by key. A change there is accepted only if it leaves the message
// well-formed, and then everything that the verdict says is the same but the
// serial and the note that the anchor was re-issued.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/identity/real_identities.h"
#include "verify/identity/identity_policy.h"
#include "verify/identity/identity_verifier.h"
#include "verify/identity/pkcs7.h"

namespace anchorage::test {
namespace {

using verify::IdentityForm;

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Where in the message the signer's name and serial stand: both lie in one
// SEQUENCE, whose own header is two bytes before the issuer.
Range SignerName(std::string_view message) {
  const auto parsed = verify::ParsePkcs7(message);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  const auto at = [&](std::string_view part) {
    return static_cast<std::size_t>(part.data() - message.data());
  };
  return {at(parsed->issuer), at(parsed->serial) + parsed->serial.size()};
}

class OneByte {
 public:
  explicit OneByte(const RealIdentity& real)
      : real_(real), document_(real.document), signature_(real.signature) {
    if (real.form != IdentityForm::kSignature) {
      insignificant_ = SignerName(real_.signature);
    }
  }

  // Judges the evidence with each byte of the signature, and of the document
  // where it stands beside, changed to what `differences` say.
  void Run(std::string_view differences) {
    for (const char difference : differences) {
      Change(signature_, difference, insignificant_);
      if (real_.form == IdentityForm::kSignature) {
        Change(document_, difference, {});
      }
    }
  }

  std::size_t tried() const { return tried_; }
  std::size_t accepted() const { return accepted_; }

 private:
  void Change(std::string& bytes, char difference, Range insignificant) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<char>(bytes[i] ^ difference);
      const auto verdict = Judge();
      bytes[i] = static_cast<char>(bytes[i] ^ difference);
      ++tried_;
      if (!verdict.ok()) continue;
      ++accepted_;
      EXPECT_TRUE(i >= insignificant.begin && i < insignificant.end)
          << real_.path << " " << NameOf(real_.form) << ", byte " << i << " ^ "
          << static_cast<int>(difference);
      EXPECT_EQ(verdict->document_bytes(), real_.document);
    }
  }

  absl::StatusOr<verify::VerifiedIdentity> Judge() const {
    verify::IdentityEvidence evidence{std::nullopt, real_.form, signature_};
    if (real_.form == IdentityForm::kSignature) evidence.document = document_;
    return VerifyRecordedIdentity(evidence, Anchors(), Policy(),
                                  real_.pending_time);
  }

  static const verify::AnchorSet& Anchors() {
    static const auto* const kAnchors =
        new std::shared_ptr<const verify::AnchorSet>(RealIdentityAnchors());
    return **kAnchors;
  }

  static const verify::IdentityPolicy& Policy() {
    static const auto* const kPolicy = new verify::IdentityPolicy(
        *verify::IdentityPolicy::AuthenticityOnly("bytes are in question"));
    return *kPolicy;
  }

  const RealIdentity& real_;
  std::string document_;
  std::string signature_;
  Range insignificant_;
  std::size_t tried_ = 0;
  std::size_t accepted_ = 0;
};

// Every byte to every other value: one document of each form.
class Exhaustive : public ::testing::TestWithParam<int> {};

TEST_P(Exhaustive, NoChangeOfOneByteIsAcceptedWhereItSaysSomething) {
  const RealIdentity real = CarriedIdentities()[GetParam()];
  ASSERT_TRUE(real.genuine);
  std::string differences;
  for (int d = 1; d < 256; ++d) differences.push_back(static_cast<char>(d));
  OneByte one_byte(real);
  one_byte.Run(differences);
  EXPECT_GE(one_byte.tried(), 255 * real.signature.size());
  if (real.form == IdentityForm::kSignature) {
    EXPECT_EQ(one_byte.accepted(), 0u);
  } else {
    // The letters of the name and the digits of the serial, nothing else.
    EXPECT_GT(one_byte.accepted(), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(OneByte, Exhaustive, ::testing::Values(0, 1, 2));

TEST(OneByte, ChangedInAnyOtherDocumentIsNotAcceptedEither) {
  const auto shared = SharedIdentities();
  if (!shared.has_value()) {
    GTEST_SKIP() << "skipped: ANCHORAGE_SHARED_VECTORS is not set";
  }
  for (const RealIdentity& real : *shared) {
    if (!real.genuine) continue;
    OneByte one_byte(real);
    one_byte.Run("\x01\x80");
  }
}

}  // namespace
}  // namespace anchorage::test
