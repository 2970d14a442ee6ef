#include "test/bench/hostile_identity.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "test/fake_aws/der_writer.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/pkcs7_writer.h"
#include "verify/identity/identity_document.h"
#include "verify/identity/identity_verifier.h"
#include "verify/identity/pkcs7.h"

namespace anchorage::bench {
namespace {

using test::Attribute;
using test::DocumentFields;
using test::FakeIdentity;
using test::Pkcs7Spec;
using verify::IdentityForm;
using verify::Reason;

constexpr char kRegion[] = "us-east-1";
// What a full document leaves for a PKCS #7 around it, or the fields of a good
// one beside a padded field.
constexpr std::size_t kRoom = 2 * 1024;
constexpr std::size_t kPadding = verify::kMaxDocumentBytes - kRoom;

std::string Repeat(std::string_view unit, std::size_t bytes) {
  std::string out;
  while (out.size() + unit.size() <= bytes) out += unit;
  return out;
}

std::string Quoted(std::string_view text) {
  return absl::StrCat("\"", std::string(text), "\"");
}

// A good document with one more field.
std::string DocumentWith(std::string_view name, std::string_view json) {
  return FakeIdentity().Document(kRegion).Add(name, json).Text();
}

// A good document with as many fields as fit, of names of `name_bytes` each
// made of `unit`s and a number; at most `most`.
std::string DocumentOfFields(std::string_view unit, std::size_t name_bytes,
                             std::size_t most) {
  DocumentFields document = FakeIdentity().Document(kRegion);
  std::size_t left = kPadding;
  for (std::size_t i = 0; i < most; ++i) {
    const std::string name = absl::StrCat(Repeat(unit, name_bytes), i);
    // Indent, quotes, colon, value, comma and line feed.
    const std::size_t bytes = name.size() + 10;
    if (bytes > left) break;
    left -= bytes;
    document.Add(name, "1");
  }
  return document.Text();
}

// As long as a signature of RSA, and less than every modulus: what is not is
// refused before the costly part.
std::string ForgedRsa(std::size_t bytes) {
  std::string signature(bytes, '\x5a');
  signature.front() = 1;
  return signature;
}

// Beside a document, a bare signature that nobody made.
HostileIdentity Json(std::string name, std::string document, Reason reason) {
  return {.name = absl::StrCat("JSON: ", name),
          .form = IdentityForm::kSignature,
          .document = std::move(document),
          .signature = ForgedRsa(verify::kRsa1024SignatureBytes),
          .reason = reason};
}

// A PKCS #7 around `document` whose signature no anchor made.
HostileIdentity Pkcs7(std::string name, std::string document,
                      const std::function<void(Pkcs7Spec&)>& edit,
                      Reason reason,
                      IdentityForm form = IdentityForm::kRsa2048) {
  Pkcs7Spec spec =
      FakeIdentity().Genuine(kRegion, verify::AnchorKindOf(form), document);
  if (form == IdentityForm::kRsa2048) {
    spec.signers[0].edit_signature = [](std::string signature) {
      return ForgedRsa(signature.size());
    };
  }
  edit(spec);
  return {.name = absl::StrCat("PKCS #7: ", name),
          .form = form,
          .document = std::nullopt,
          .signature = Encode(spec),
          .reason = reason};
}

HostileIdentity Text(std::string name, std::string text, Reason reason) {
  return {.name = absl::StrCat("text: ", name),
          .form = IdentityForm::kRsa2048,
          .document = std::nullopt,
          .signature = std::move(text),
          .is_text = true,
          .reason = reason};
}

std::string GoodDocument() { return FakeIdentity().Document(kRegion).Text(); }

void AddForgeries(std::vector<HostileIdentity>& out) {
  const auto nothing = [](Pkcs7Spec&) {};
  out.push_back(
      Json("a forged signature", GoodDocument(), Reason::kSignatureMismatch));
  out.push_back(Pkcs7("a forged signature, RSA", GoodDocument(), nothing,
                      Reason::kSignatureMismatch));
  out.push_back(Pkcs7("a forged signature, DSA", GoodDocument(), nothing,
                      Reason::kSignatureMismatch, IdentityForm::kPkcs7));
}

void AddJson(std::vector<HostileIdentity>& out) {
  constexpr std::size_t kManyFields = 10'000;
  // The values of a good document are 16.
  constexpr std::size_t kMostFields = verify::kMaxDocumentValues - 16;
  constexpr std::size_t kLongName = 240;
  out.push_back(Json("many keys", DocumentOfFields("k", 1, kManyFields),
                     Reason::kInputTooLarge));
  out.push_back(Json("long keys", DocumentOfFields("k", kLongName, kMostFields),
                     Reason::kSignatureMismatch));
  out.push_back(Json("escaped keys",
                     DocumentOfFields("\\u006b", kLongName, kMostFields),
                     Reason::kSignatureMismatch));
  std::string twice = DocumentOfFields("\\u006b", kLongName, kMostFields - 1);
  twice.insert(twice.size() - 2, ",\n  \"region\" : 1");
  out.push_back(Json("a key twice, at the end", twice, Reason::kDuplicateKey));
  out.push_back(Json("deep arrays", DocumentWith("k", Repeat("[", kPadding)),
                     Reason::kDocumentMalformed));
  out.push_back(Json("deep objects",
                     DocumentWith("k", Repeat("{\"a\":", kPadding)),
                     Reason::kDocumentMalformed));
  out.push_back(Json("white space", DocumentWith("k", Repeat(" ", kPadding)),
                     Reason::kDocumentMalformed));
  out.push_back(Json("a long number", DocumentWith("k", Repeat("1", kPadding)),
                     Reason::kSignatureMismatch));
  for (const auto& [name, unit] :
       {std::pair("a long string", "a"), std::pair("short escapes", "\\n"),
        std::pair("long escapes", "\\u00e9"),
        std::pair("surrogate pairs", "\\ud83d\\ude00"),
        std::pair("UTF-8 of two bytes", "\u00e9"),
        std::pair("UTF-8 of four bytes", "\U0001f600"),
        std::pair("ASCII and UTF-8 in turn", "a\u00e9")}) {
    out.push_back(Json(name, DocumentWith("k", Quoted(Repeat(unit, kPadding))),
                       Reason::kSignatureMismatch));
  }
  out.push_back(Json("a string without end",
                     DocumentWith("k", "\"" + Repeat("\u00e9", kPadding)),
                     Reason::kDocumentMalformed));
}

void AddPkcs7(std::vector<HostileIdentity>& out) {
  const std::string full =
      DocumentWith("k", Quoted(Repeat("\\n", kPadding - kRoom)));
  out.push_back({.name = "PKCS #7: levels without end",
                 .signature = Repeat("\x30\x80", verify::kMaxPkcs7Bytes),
                 .reason = Reason::kPkcs7Malformed});
  out.push_back(Pkcs7(
      "a full document", full, [](Pkcs7Spec&) {}, Reason::kSignatureMismatch));
  out.push_back(Pkcs7(
      "a full document, DSA", full, [](Pkcs7Spec&) {},
      Reason::kSignatureMismatch, IdentityForm::kPkcs7));
  out.push_back(Pkcs7(
      "a full document in 128 chunks", full,
      [](Pkcs7Spec& s) { s.chunks = verify::kMaxContentChunks; },
      Reason::kSignatureMismatch));
  out.push_back(Pkcs7(
      "chunks of a byte", Repeat("a", kPadding / 4),
      [](Pkcs7Spec& s) { s.chunks = s.content.size(); },
      Reason::kPkcs7Malformed));
  out.push_back(Pkcs7(
      "many digest algorithms", GoodDocument(),
      [](Pkcs7Spec& s) {
        s.digest_algorithms.emplace(kPadding / 16,
                                    s.signers[0].digest_algorithm);
      },
      Reason::kPkcs7Malformed));
  out.push_back(Pkcs7(
      "many certificates", GoodDocument(),
      [](Pkcs7Spec& s) { s.certificates.assign(kPadding / 2, "\x30\x00"); },
      Reason::kPkcs7Malformed));
  out.push_back(Pkcs7(
      "large certificates", GoodDocument(),
      [](Pkcs7Spec& s) {
        const std::size_t count = verify::kMaxEmbeddedCertificates;
        s.certificates.assign(
            count, test::Sequence({test::OctetString(std::string(3800, 'x'))}));
      },
      Reason::kSignatureMismatch));
  out.push_back(Pkcs7(
      "many signers", GoodDocument(),
      [](Pkcs7Spec& s) { s.signers.assign(kPadding / 600, s.signers[0]); },
      Reason::kSignerCount));
  out.push_back(Pkcs7(
      "many signed attributes", GoodDocument(),
      [](Pkcs7Spec& s) {
        s.signers[0].edit_attributes = [](std::vector<Attribute>& a) {
          for (std::size_t i = 0; i < kPadding / 16; ++i) {
            a.push_back({absl::StrCat("1.2.3.", i), {test::Null()}});
          }
        };
      },
      Reason::kPkcs7Malformed));
  out.push_back(Pkcs7(
      "a long issuer", GoodDocument(),
      [](Pkcs7Spec& s) {
        s.signers[0].issuer =
            test::Sequence({test::OctetString(std::string(kPadding, 'x'))});
      },
      Reason::kSignatureMismatch));
  out.push_back(Pkcs7(
      "something after the end", full, [](Pkcs7Spec& s) { s.trailing = "\n"; },
      Reason::kTrailingBytes));
}

void AddTexts(std::vector<HostileIdentity>& out) {
  constexpr std::size_t kBytes = verify::kMaxPkcs7Bytes;
  const std::string full =
      Pkcs7(
          "", DocumentWith("k", Quoted(Repeat("a", 44'000))), [](Pkcs7Spec&) {},
          Reason::kSignatureMismatch)
          .signature;
  out.push_back(Text("base64", test::Base64(full), Reason::kSignatureMismatch));
  out.push_back(Text("base64 in lines of one",
                     test::Base64(full.substr(0, kBytes * 3 / 8), 1),
                     Reason::kPkcs7Malformed));
  out.push_back(Text("base64, wrong at the end", Repeat("A", kBytes - 1) + "!",
                     Reason::kEncodingMalformed));
  out.push_back(Text("spaces", "A" + Repeat(" ", kBytes - 2) + "A",
                     Reason::kEncodingMalformed));
  out.push_back(Text("PEM without end",
                     "-----BEGIN PKCS7-----" + Repeat("-----", kBytes - 32),
                     Reason::kEncodingMalformed));
}

}  // namespace

std::vector<HostileIdentity> HostileIdentities() {
  std::vector<HostileIdentity> out;
  AddForgeries(out);
  AddJson(out);
  AddPkcs7(out);
  AddTexts(out);
  return out;
}

bool RefusedAsExpected(const HostileIdentity& hostile,
                       const verify::AnchorSet& anchors,
                       const verify::IdentityPolicy& policy, absl::Time now) {
  verify::IdentityEvidence evidence{.document = std::nullopt,
                                    .form = hostile.form,
                                    .signature = hostile.signature};
  if (hostile.document.has_value()) evidence.document = *hostile.document;
  absl::StatusOr<std::string> decoded = std::string();
  if (hostile.is_text) {
    decoded = verify::DecodeIdentitySignature(hostile.form, hostile.signature);
    if (!decoded.ok()) {
      return verify::ReasonOf(decoded.status()) == hostile.reason;
    }
    evidence.signature = *decoded;
  }
  return verify::ReasonOf(
             verify::VerifyIdentity(evidence, anchors, policy, now).status()) ==
         hostile.reason;
}

}  // namespace anchorage::bench
