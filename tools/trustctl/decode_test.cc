#include "tools/trustctl/decode.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "verify/reason.h"

namespace anchorage::trustctl {
namespace {

// What begins and is as long as a document, with bytes for which the two
// alphabets of base64 differ, and a length that needs padding.
std::string Document() {
  std::string bytes = "\x84\x44\xa1\x01\x38\x22";
  for (int i = 0; i < 200; ++i) bytes.push_back(static_cast<char>(i * 5));
  return bytes + "\xfb\xff";
}

std::string Hex() { return absl::BytesToHexString(Document()); }

void ExpectDecodes(const std::string& text) {
  const auto decoded = DecodeAttestationText(text);
  ASSERT_TRUE(decoded.ok()) << text << ": " << decoded.status();
  EXPECT_TRUE(*decoded == Document()) << text;
}

TEST(Decode, ReadsEveryEncoding) {
  const std::string base64 = absl::Base64Escape(Document());
  ASSERT_NE(base64.find_first_of("+/"), base64.npos);
  const std::string url = absl::WebSafeBase64Escape(Document());
  ASSERT_FALSE(url.ends_with('='));
  ExpectDecodes(Document());
  ExpectDecodes(Hex());
  ExpectDecodes("0x" + Hex());
  ExpectDecodes("0X" + absl::AsciiStrToUpper(Hex()));
  ExpectDecodes(base64);
  ExpectDecodes(base64.substr(0, 70) + "\r\n" + base64.substr(70) + "\n");
  ExpectDecodes(url);
  ExpectDecodes(url + "\n");
  ExpectDecodes("\xef\xbb\xbf" + base64);
  ExpectDecodes("\xef\xbb\xbf" + Document());
}

TEST(Decode, ReadsTheOneDocumentOfAJson) {
  const std::string base64 = absl::Base64Escape(Document());
  ExpectDecodes(absl::StrCat("\"", base64, "\""));
  ExpectDecodes(
      absl::StrCat("\xef\xbb\xbf\n{\"status\": 200, \"nonce\": \"aGFsbG8=\", "
                   "\"data\": [{\"document\": "
                   "\"",
                   base64, "\"}]}"));
  ExpectDecodes(absl::StrCat("[\"0x", Hex(), "\"]"));
}

TEST(Decode, RefusesWhatIsNone) {
  const std::string base64 = absl::Base64Escape(Document());
  for (const std::string& text :
       {std::string(), std::string("0x"), std::string("0x8"),
        std::string("hello, world"), base64 + "=", std::string("{}"),
        std::string("{\"document\": \"aGFsbG8=\"}"), "-" + base64,
        absl::StrCat("[\"", base64, "\", \"", Hex(), "\"]"),
        std::string("\xff\xfe\x61\x00", 4)}) {
    EXPECT_EQ(verify::ReasonOf(DecodeAttestationText(text).status()),
              verify::Reason::kEncodingMalformed)
        << text;
  }
}

}  // namespace
}  // namespace anchorage::trustctl
