// Attacks in the document: what readers of JSON disagree about, and fields of
// another form than AWS's. All of it signed: nobody but AWS could send it.

#include <string>
#include <utility>

#include "test/attacks/identity_case.h"

namespace anchorage::test {
namespace {

using verify::Reason;

IdentityAttack Text(std::string id, std::string what, Reason want,
                    std::function<std::string(std::string)> edit) {
  return {std::move(id), By::kSigner, std::move(what),
          [edit](IdentityCase& c) { c.edit_text = edit; }, want};
}

// A field (after the others) with a value in JSON.
IdentityAttack Added(std::string id, std::string what, std::string name,
                     std::string json, std::optional<Reason> want) {
  return {std::move(id), By::kSigner, std::move(what),
          [=](IdentityCase& c) { c.fields.Add(name, json); }, want};
}

IdentityAttack Field(std::string id, std::string what, std::string name,
                     std::string json, std::optional<Reason> want) {
  return {std::move(id), By::kSigner, std::move(what),
          [=](IdentityCase& c) { c.fields.Set(name, json); }, want};
}

IdentityAttack Missing(std::string id, std::string name) {
  return {std::move(id), By::kSigner, "no " + name,
          [name](IdentityCase& c) { c.fields.Remove(name); },
          Reason::kFieldMissing};
}

// pendingTime as text.
IdentityAttack Pending(std::string id, std::string what, std::string time,
                       std::optional<Reason> want) {
  return Field(std::move(id), std::move(what), "pendingTime",
               "\"" + time + "\"", want);
}

std::vector<IdentityAttack> SyntaxAttacks() {
  constexpr char kAccount[] = "\"999999999999\"";
  return {
      Added("i08a", "accountId twice", "accountId", kAccount,
            Reason::kDuplicateKey),
      Added("i08b", "accountId twice, once with an escape", "accoun\\u0074Id",
            kAccount, Reason::kDuplicateKey),
      {"i08c", By::kSigner, "an unknown key twice",
       [](IdentityCase& c) { c.fields.Add("new", "1").Add("new", "2"); },
       Reason::kDuplicateKey},
      Text("i09a", "something after the document", Reason::kTrailingBytes,
           [](std::string s) { return s + "{}"; }),
      Text("i09b", "a byte order mark", Reason::kDocumentMalformed,
           [](std::string s) { return "\xef\xbb\xbf" + s; }),
      Text("i09c", "a comment", Reason::kDocumentMalformed,
           [](std::string s) { return s.insert(1, "/* hello */"); }),
      Added("i09d", "NaN", "new", "NaN", Reason::kDocumentMalformed),
      Added("i09e", "20,000 arrays in each other", "new",
            std::string(20000, '[') + std::string(20000, ']'),
            Reason::kDocumentMalformed),
      Field("i09f", "a NUL in a string", "imageId",
            std::string("\"ami-0\0\"", 8), Reason::kDocumentMalformed),
      Field("i09g", "an escaped NUL in a string", "imageId",
            "\"ami-0cbde744623b7506b\\u0000\"", Reason::kDocumentMalformed),
      Added("i09h", "UTF-8 that is not", "new", "\"\xc0\x80\"",
            Reason::kDocumentMalformed),
      Added("i09i", "half of a surrogate pair", "new", "\"\\ud800\"",
            Reason::kDocumentMalformed),
      Field("i09j", "a huge number for the account", "accountId", "1e999999",
            Reason::kFieldInvalid),
      Added("i09k", "\"accountID\" beside \"accountId\"", "accountID", kAccount,
            Reason::kFieldInvalid),
      Added("i09l", "a field that nobody knows yet", "newField", "{\"a\" : 1}",
            kAccepted),
      Added("i09m", "a comma at the end", "new", "1,",
            Reason::kDocumentMalformed),
      Text("i09n", "an array on top", Reason::kDocumentMalformed,
           [](std::string s) { return "[" + s + "]"; }),
      Text("i09o", "half a document", Reason::kDocumentMalformed,
           [](std::string s) { return s.substr(0, s.size() / 2); }),
      Added(
          "i09p", "a thousand values", "new",
          [] {
            std::string array = "[0";
            for (int i = 1; i < 1000; ++i) array += ",0";
            return array + "]";
          }(),
          Reason::kInputTooLarge),
      {"x82", By::kAnyone, "64 KiB and a byte beside the PKCS #7",
       [](IdentityCase& c) { c.beside = std::string(64 * 1024 + 1, ' '); },
       Reason::kInputTooLarge},
  };
}

std::vector<IdentityAttack> FieldAttacks() {
  return {
      Missing("i12a", "pendingTime"),
      Pending("i12b", "a fraction of a second", "2026-09-20T11:50:00.5Z",
              Reason::kFieldInvalid),
      Pending("i12c", "a time with an offset", "2026-09-20T11:50:00+00:00",
              Reason::kFieldInvalid),
      Pending("i12d", "the 30th of February", "2026-02-30T11:50:00Z",
              Reason::kFieldInvalid),
      Pending("i12e", "a leap second", "2016-12-31T23:59:60Z",
              Reason::kFieldInvalid),
      Pending("i12f", "a time without its Z", "2026-09-20T11:50:00",
              Reason::kFieldInvalid),
      Pending("i12g", "the year 9999, to whom age does not matter",
              "9999-12-31T23:59:59Z", kAccepted),
      {"i13", By::kNobody, "signed an hour after pendingTime: a note",
       [](IdentityCase& c) {
         c.EditSigner([](SignerSpec& s) { s.signing_time += absl::Hours(1); });
       },
       kAccepted},
      Field("i21a", "an account that is a number", "accountId", "12345678901",
            Reason::kFieldInvalid),
      Field("i21b", "an account of eleven digits", "accountId",
            "\"12345678901\"", Reason::kFieldInvalid),
      Field("i21c", "an account with a zero in front", "accountId",
            "\"000000000001\"", kAccepted),
      Field("i20a", "product codes that are a text", "marketplaceProductCodes",
            "\"abc\"", Reason::kFieldInvalid),
      Field("i20b", "product codes that are numbers", "marketplaceProductCodes",
            "[1]", Reason::kFieldInvalid),
      Missing("x83", "accountId"),
      Missing("x84", "region"),
      Missing("x85", "instanceId"),
      Field("x86", "a region that is null", "region", "null",
            Reason::kFieldMissing),
      Field("x87", "a region with an escape in it", "region",
            "\"us\\u002deast-1\"", Reason::kFieldInvalid),
      Field("x88", "an instance of another form", "instanceId",
            "\"../i-0c5541936caf78c12\"", Reason::kFieldInvalid),
      {"x89", By::kNobody, "a document of version 2010-08-31",
       [](IdentityCase& c) {
         c.fields.SetText("version", "2010-08-31")
             .Remove("marketplaceProductCodes");
       },
       kAccepted},
      Field("x90", "an instance id of eight digits, as until 2016",
            "instanceId", "\"i-12345678\"", kAccepted),
  };
}

}  // namespace

std::vector<IdentityAttack> JsonAttacks() {
  return Join<IdentityCase>({SyntaxAttacks(), FieldAttacks()});
}

}  // namespace anchorage::test
