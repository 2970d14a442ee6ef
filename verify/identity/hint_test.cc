#include "verify/identity/hint.h"

#include <string>

#include "gtest/gtest.h"
#include "verify/identity/identity_document.h"

namespace anchorage::verify {
namespace {

constexpr std::string_view kDocument = "{\n  \"region\" : \"eu-west-1\"\n}";

bool Says(const std::string& hint, std::string_view words) {
  return hint.find(words) != hint.npos;
}

std::string HintAbout(std::string_view document, std::string_view signed_one,
                      Reason reason = Reason::kSignatureMismatch) {
  return HintAboutEvidence(
      reason, {document, IdentityForm::kSignature, "signature"},
      [&](std::string_view other) { return other == signed_one; });
}

TEST(HintAboutEvidence, SaysWhatAnEditorDid) {
  const std::string document(kDocument);
  std::string carriage_returns = document;
  for (std::size_t at = 0;
       (at = carriage_returns.find('\n', at)) != carriage_returns.npos;
       at += 2) {
    carriage_returns.insert(at, "\r");
  }
  EXPECT_TRUE(Says(HintAbout(document + "\n", document), "line break"));
  EXPECT_TRUE(Says(HintAbout(document + "\r\n", document), "line break"));
  EXPECT_TRUE(Says(HintAbout("\xef\xbb\xbf" + document, document), "mark"));
  EXPECT_TRUE(
      Says(HintAbout("\xef\xbb\xbf" + document + "\n", document), "mark"));
  EXPECT_TRUE(Says(HintAbout(carriage_returns, document), "carriage returns"));
  EXPECT_TRUE(
      Says(HintAbout(carriage_returns + "\r\n", document), "carriage returns"));
  EXPECT_TRUE(Says(
      HintAbout(document + "\n", document, Reason::kContentMismatch), "break"));
}

TEST(HintAboutEvidence, SaysNothingWhereTheSignatureIsOverAnotherDocument) {
  const std::string document(kDocument);
  for (const std::string& given :
       {document, document + "\n", "\xef\xbb\xbf" + document,
        document + "\r\n\r\n", std::string("\n\n"), std::string()}) {
    EXPECT_EQ(HintAbout(given, "another"), "") << given;
  }
}

TEST(HintAboutEvidence, TriesFewDocuments) {
  std::string hostile = "\xef\xbb\xbf";
  while (hostile.size() < kMaxDocumentBytes) hostile += "\r\n \r";
  hostile += "x\r\n\n\n";
  for (const Reason reason : AllReasons()) {
    int trials = 0;
    HintAboutEvidence(reason, {hostile, IdentityForm::kSignature, hostile},
                      [&](std::string_view) {
                        ++trials;
                        return false;
                      });
    EXPECT_LE(trials, kMaxHintTrials) << NameOf(reason);
  }
}

TEST(HintAboutEvidence, KnowsAPageInPlaceOfADocument) {
  const auto fits = [](std::string_view) { return true; };
  const IdentityEvidence evidence{
      "<?xml version=\"1.0\"?><title>404 - Not "
      "Found</title>",
      IdentityForm::kSignature, "signature"};
  const std::string hint =
      HintAboutEvidence(Reason::kDocumentMalformed, evidence, fits);
  EXPECT_TRUE(Says(hint, "page")) << hint;
  EXPECT_TRUE(Says(hint, ": 404 - Not Found")) << hint;
}

TEST(HintAboutText, KnowsWhatIsNoSignature) {
  constexpr IdentityForm kForm = IdentityForm::kRsa2048;
  EXPECT_TRUE(Says(HintAboutText(kForm, "<html>"), "page"));
  EXPECT_TRUE(Says(HintAboutText(kForm, "\n <?xml"), "page"));
  EXPECT_TRUE(Says(HintAboutText(kForm, "\xef\xbb\xbf<html>"), "page"));
  EXPECT_TRUE(Says(HintAboutText(kForm, kDocument), "rsa2048"));
  EXPECT_TRUE(Says(HintAboutText(kForm, "\xef\xbb\xbfTUlJ"), "mark"));
  EXPECT_TRUE(Says(HintAboutText(kForm, "\xff\xfeM\x00"), "UTF-16"));
  EXPECT_EQ(HintAboutText(kForm, "TUlJ!"), "");
  EXPECT_EQ(HintAboutText(kForm, ""), "");
}

TEST(HintAboutText, QuotesLittleOfAPage) {
  const std::string page = "<title>" + std::string(100'000, 'x');
  EXPECT_LT(HintAboutText(IdentityForm::kPkcs7, page).size(), 200u);
}

}  // namespace
}  // namespace anchorage::verify
