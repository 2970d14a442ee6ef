#include "verify/identity/hint.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "verify/identity/identity_document.h"
#include "verify/identity/pkcs7.h"
#include "verify/identity/signature_algorithms.h"

namespace anchorage::verify {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kWhiteSpace = " \t\r\n";
constexpr std::size_t kMaxTitleBytes = 60;

std::string_view WithoutMark(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  return text;
}

std::string_view WithoutBreaksAtEnd(std::string_view text) {
  const std::size_t last = text.find_last_not_of("\r\n");
  return last == text.npos ? std::string_view() : text.substr(0, last + 1);
}

// Returns the first character that is not white space; '\0' if there is none.
char FirstOf(std::string_view text) {
  const std::size_t at = text.find_first_not_of(kWhiteSpace);
  return at == text.npos ? '\0' : text[at];
}

// Returns the title of an HTML page, such as "404 - Not Found"; "" if it has
// none.
std::string_view TitleOf(std::string_view page) {
  constexpr std::string_view kStart = "<title>";
  const std::size_t start = page.find(kStart);
  if (start == page.npos) return "";
  const std::string_view title = page.substr(start + kStart.size());
  return title.substr(0, std::min(title.find('<'), kMaxTitleBytes));
}

// Says what bytes are that have no form of evidence at all.
std::string HintAboutOtherText(std::string_view text) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    return "this is UTF-16, as some shells write it: keep the bytes of IMDS";
  }
  if (FirstOf(WithoutMark(text)) == '<') {
    const std::string_view title = TitleOf(text);
    return absl::StrCat("this is a page, HTML or XML, such as IMDS answers ",
                        "with when it refuses", title.empty() ? "" : ": ",
                        std::string(title));
  }
  if (text.starts_with(kByteOrderMark)) {
    return "it begins with a byte order mark, which IMDS does not write";
  }
  return "";
}

std::string EndpointOf(IdentityForm form) {
  return absl::StrCat(".../instance-identity/", std::string(NameOf(form)));
}

std::string OfEndpoint(IdentityForm form, IdentityForm given_as) {
  return absl::StrCat("this has the form of ", EndpointOf(form),
                      " and was given as that of ", EndpointOf(given_as));
}

// Says which endpoint the signature seems to come from, if not from the one
// named.
std::string HintAboutEndpoint(const IdentityEvidence& evidence) {
  const auto message = ParsePkcs7(evidence.signature);
  // RSA-2048 before /pkcs7, which may name the same algorithms in China.
  for (std::size_t i = std::size(kIdentityForms); i-- > 0;) {
    const IdentityFormRow& row = kIdentityForms[i];
    if (row.form != evidence.form &&
        (row.carries_document()
             ? message.ok() && AlgorithmsOf(*message, row.form).ok()
             : evidence.signature.size() == row.bare_bytes)) {
      return OfEndpoint(row.form, evidence.form);
    }
  }
  return "";
}

// Says what an editor or a shell did to a document that the signature would
// otherwise fit.
std::string HintAboutDocument(
    std::string_view document,
    absl::FunctionRef<bool(std::string_view document)> fits) {
  const std::string_view bare = WithoutBreaksAtEnd(WithoutMark(document));
  if (bare != document && fits(bare)) {
    return document.starts_with(kByteOrderMark)
               ? "the signature is over the document without its byte order "
                 "mark: keep the bytes of IMDS"
               : "the signature is over the document without the line break at "
                 "its end: keep the bytes of IMDS";
  }
  if (bare.find('\r') == bare.npos) return "";
  const std::string unix_breaks = absl::StrReplaceAll(
      absl::string_view(bare.data(), bare.size()), {{"\r\n", "\n"}});
  if (!fits(unix_breaks)) return "";
  return "the signature is over the document with line feeds, and this one has "
         "carriage returns: keep the bytes of IMDS";
}

}  // namespace

std::string HintAboutText(IdentityForm form, std::string_view text) {
  if (FirstOf(WithoutMark(text)) == '{') {
    return absl::StrCat("this is JSON, such as .../instance-identity/document;",
                        " the signature is at ", EndpointOf(form));
  }
  return HintAboutOtherText(text);
}

std::string HintAboutEvidence(
    Reason reason, const IdentityEvidence& evidence,
    absl::FunctionRef<bool(std::string_view document)> fits) {
  switch (reason) {
    case Reason::kDocumentMalformed:
      return evidence.document.has_value()
                 ? HintAboutOtherText(*evidence.document)
                 : "";
    case Reason::kContentMismatch:
    case Reason::kSignatureMismatch:
      return evidence.document.has_value()
                 ? HintAboutDocument(*evidence.document, fits)
                 : "";
    case Reason::kPkcs7Malformed:
    case Reason::kSignatureMalformed: {
      std::string hint = HintAboutEndpoint(evidence);
      return hint.empty() ? HintAboutText(evidence.form, evidence.signature)
                          : hint;
    }
    case Reason::kDigestNotAllowed:
    case Reason::kAlgorithmMismatch:
      return HintAboutEndpoint(evidence);
    default:
      return "";
  }
}

}  // namespace anchorage::verify
