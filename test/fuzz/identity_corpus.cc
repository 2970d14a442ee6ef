#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/pkcs7_writer.h"
#include "test/fake_aws/x509_writer.h"
#include "test/fuzz/corpus.h"
#include "test/fuzz/fuzz.h"
#include "test/fuzz/identity_evidence.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/der.h"
#include "verify/identity/identity_evidence.h"
#include "verify/identity/pkcs7.h"

namespace anchorage::test {
namespace {

using verify::IdentityForm;

constexpr const char* kRealDocuments[] = {
    "iid/apse2-2026-ts-verify", "iid/use1-2018-node-identity-document",
    "iid/usw2-2021-teleport-1", "negative/iid-node-invalid-document"};
constexpr const char* kRealMessages[] = {
    "iid/apse2-2026-ts-verify/rsa2048.b64",
    "iid/use1-2018-node-identity-document/pkcs7.b64",
    "iid/usw2-2021-teleport-1/rsa2048.b64"};

Seeds Documents() {
  Seeds out;
  for (const char* path : kRealDocuments) {
    out.push_back(RealFile(std::string(path) + "/document"));
  }
  for (const SignedIdentity& s : SignedIdentities()) {
    if (s.form == IdentityForm::kSignature) out.push_back(s.document);
  }
  return out;
}

}  // namespace

Seeds Pkcs7Seeds() {
  Seeds out;
  for (const char* path : kRealMessages) {
    out.push_back(*verify::DecodeBase64(RealFile(path)));
  }
  for (const SignedIdentity& s : SignedIdentities()) {
    if (s.form != IdentityForm::kSignature) out.push_back(s.signature);
  }
  const FakeIdentity& aws = FuzzIdentityAws();
  Pkcs7Spec der = aws.Genuine("us-east-1", verify::AnchorKind::kIidRsa2048,
                              aws.Document("us-east-1").Text());
  der.ber = false;
  out.push_back(Encode(der));
  Pkcs7Spec pieces = der;
  pieces.ber = true;
  pieces.chunks = 3;
  pieces.certificates = {MakeCertificate(
      aws.Certificate("us-east-1", verify::AnchorKind::kIidRsa2048))};
  out.push_back(Encode(pieces));
  return out;
}

Seeds JsonSeeds() {
  Seeds out = Documents();
  for (const char* text :
       {R"([null,true,false,0,-1,1.5,2e9,"",[],{}])", R"({"a":1,"\u0061":2})",
        R"({"a":"\ud83d\ude00\t\\\/\u00e9"})", " [ 1 , 2 ] ",
        R"({"b":{"a":[[[]]]},"a":"é"})", "9007199254740992", "[1]x",
        "\"\\ud800\""}) {
    out.emplace_back(text);
  }
  return out;
}

Seeds IdentitySeeds() {
  Seeds out;
  for (const SignedIdentity& s : SignedIdentities()) {
    const int form = static_cast<int>(s.form);
    if (s.region == "us-east-1") out.push_back(WithMode(form, s.document));
    if (s.form == IdentityForm::kSignature) {
      out.push_back(WithMode(3, Part(s.signature) + s.document));
    } else {
      out.push_back(WithMode(3 + form, Part(s.signature)));
    }
  }
  for (const SignedIdentity& s : SignedIdentities()) {
    if (s.region != "us-east-1" || s.form == IdentityForm::kSignature) continue;
    const auto message = verify::ParsePkcs7(s.signature);
    verify::Pkcs7::AttributesBuffer buffer;
    const auto set = verify::ParseOne(
        message->SignedAttributesForDigest(buffer), verify::DerTag::kSet);
    out.push_back(WithMode(s.form == IdentityForm::kPkcs7 ? 6 : 7,
                           Part(set->contents) + s.document));
  }
  return out;
}

Seeds Base64Seeds() {
  Seeds out;
  for (const char* path : kRealMessages) out.push_back(RealFile(path));
  const std::string bytes = out.front().substr(0, 99);
  out.push_back(absl::BytesToHexString(bytes));
  for (const char* label : {"CERTIFICATE", "PKCS7"}) {
    out.push_back("-----BEGIN " + std::string(label) + "-----\n" +
                  Base64(bytes, 64) + "-----END " + label + "-----\n");
  }
  out.push_back(bytes + std::string(29, '\x80'));
  for (const char* text :
       {"QQ==", "QUI=", "QUJD", "Q Q\n=\r=\t", "QR==", "=", "00ff7F"}) {
    out.emplace_back(text);
  }
  return out;
}

}  // namespace anchorage::test
