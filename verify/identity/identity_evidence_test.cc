#include "verify/identity/identity_evidence.h"

#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using namespace std::string_literals;  // bytes with 00 in them

constexpr IdentityForm kForms[] = {
    IdentityForm::kSignature, IdentityForm::kPkcs7, IdentityForm::kRsa2048};

TEST(IdentityForm, HasTheNameAndTheAnchorsOfItsPath) {
  for (const IdentityForm form : kForms) {
    EXPECT_EQ(IdentityFormNamed(NameOf(form)), form);
  }
  EXPECT_EQ(NameOf(IdentityForm::kRsa2048), "rsa2048");
  EXPECT_EQ(IdentityFormNamed("RSA2048"), std::nullopt);
  EXPECT_EQ(NameOf(static_cast<IdentityForm>(99)), "");
  EXPECT_EQ(AnchorKindOf(IdentityForm::kSignature), AnchorKind::kIidRsa1024);
  EXPECT_EQ(AnchorKindOf(IdentityForm::kPkcs7), AnchorKind::kIidDsa);
  EXPECT_EQ(AnchorKindOf(IdentityForm::kRsa2048), AnchorKind::kIidRsa2048);
}

TEST(DecodeIdentitySignature, ReadsBase64WithAndWithoutLineBreaks) {
  for (const IdentityForm form : kForms) {
    EXPECT_EQ(*DecodeIdentitySignature(form, "MIAGCSqG"),
              "\x30\x80\x06\x09\x2a\x86"s);
    EXPECT_EQ(*DecodeIdentitySignature(form, "\nMIAG\nCSqG\r\n"),
              "\x30\x80\x06\x09\x2a\x86"s);
  }
}

TEST(DecodeIdentitySignature, ReadsRawBytes) {
  const std::string message = "\x30\x82\x01\x00 and more"s;
  EXPECT_EQ(*DecodeIdentitySignature(IdentityForm::kPkcs7, message), message);
  EXPECT_EQ(*DecodeIdentitySignature(IdentityForm::kRsa2048, message), message);
  // Also where every byte of it could be text.
  const std::string signature(128, 'A');
  EXPECT_EQ(*DecodeIdentitySignature(IdentityForm::kSignature, signature),
            signature);
}

TEST(DecodeIdentitySignature, ReadsOnePemBlockWithNothingAroundIt) {
  const std::string pem =
      "-----BEGIN PKCS7-----\nMIAG\nCSqG\n-----END PKCS7-----";
  const auto bytes = "\x30\x80\x06\x09\x2a\x86"s;
  EXPECT_EQ(*DecodeIdentitySignature(IdentityForm::kPkcs7, pem), bytes);
  EXPECT_EQ(*DecodeIdentitySignature(IdentityForm::kRsa2048, "\n" + pem + "\n"),
            bytes);
  const auto reason = [](std::string_view text) {
    return ReasonOf(
        DecodeIdentitySignature(IdentityForm::kRsa2048, text).status());
  };
  EXPECT_EQ(reason(pem + "\n" + pem), Reason::kTrailingBytes);
  EXPECT_EQ(reason("junk" + pem), Reason::kEncodingMalformed);
  EXPECT_EQ(reason("-----BEGIN CERTIFICATE-----\nMIAG\n"
                   "-----END CERTIFICATE-----"),
            Reason::kEncodingMalformed);
  EXPECT_EQ(reason("-----BEGIN PKCS7-----\nMIAG\n"),
            Reason::kEncodingMalformed);
}

TEST(DecodeIdentitySignature, KnowsNoPemOfABareSignature) {
  EXPECT_EQ(ReasonOf(DecodeIdentitySignature(
                         IdentityForm::kSignature,
                         "-----BEGIN PKCS7-----\nMIAG\n-----END PKCS7-----")
                         .status()),
            Reason::kEncodingMalformed);
}

TEST(DecodeIdentitySignature, RefusesWhatIsNoneOfThem) {
  for (const IdentityForm form : kForms) {
    for (const std::string& text : {""s, " \n"s, "MIAG!"s, "MIA"s, "MIAG-_=="s,
                                    std::string(127, '\x80'), "\x31\x80"s}) {
      EXPECT_EQ(ReasonOf(DecodeIdentitySignature(form, text).status()),
                Reason::kEncodingMalformed)
          << NameOf(form) << " " << text;
    }
  }
}

TEST(DecodeIdentitySignature, RefusesMoreThanItsLimit) {
  EXPECT_EQ(
      ReasonOf(DecodeIdentitySignature(IdentityForm::kRsa2048,
                                       std::string(kMaxSignatureText + 1, 'A'))
                   .status()),
      Reason::kInputTooLarge);
}

TEST(RecogniseIdentityForm, TellsABareSignatureFromAPkcs7) {
  std::string bytes;
  const std::string bare(kRsa1024SignatureBytes, '\xa5');
  // As bytes and as IMDS gives it.
  for (const std::string& text : {bare, std::string(170, 'p') + "o=\n"}) {
    const auto evidence = RecogniseIdentityForm(text, bytes);
    ASSERT_TRUE(evidence.ok()) << evidence.status();
    EXPECT_EQ(evidence->form, IdentityForm::kSignature);
    EXPECT_FALSE(evidence->any_pkcs7);
    EXPECT_EQ(evidence->signature.size(), kRsa1024SignatureBytes);
    EXPECT_EQ(evidence->signature.data(), bytes.data());
  }
  for (const std::string& text :
       {"MIAGCSqG"s, "\nMIAG\nCSqG\r\n"s, "\x30\x80\x06\x09\x2a\x86"s,
        "-----BEGIN PKCS7-----\nMIAGCSqG\n-----END PKCS7-----\n"s}) {
    const auto evidence = RecogniseIdentityForm(text, bytes);
    ASSERT_TRUE(evidence.ok()) << evidence.status();
    EXPECT_TRUE(evidence->any_pkcs7) << text;
    EXPECT_EQ(evidence->signature, "\x30\x80\x06\x09\x2a\x86"s);
  }
}

TEST(RecogniseIdentityForm, RefusesWhatIsNoEncoding) {
  std::string bytes;
  const auto reason = [&](std::string_view text) {
    return ReasonOf(RecogniseIdentityForm(text, bytes).status());
  };
  EXPECT_EQ(reason("{\"accountId\""), Reason::kEncodingMalformed);
  EXPECT_EQ(reason(std::string(kMaxSignatureText + 1, 'A')),
            Reason::kInputTooLarge);
}

}  // namespace
}  // namespace anchorage::verify
