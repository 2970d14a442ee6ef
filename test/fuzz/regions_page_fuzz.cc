// Input: a page of certificates, HTML or Markdown.
// Holds for any bytes:
//   1. what is placed is a readable certificate, in a slot of the scope, with a
//      key of the slot's kind, once, at a line of the page, whose names are
//      printable;
//   2. problems are few, in order, printable, at lines of the page; a page that
//      places nothing has one;
//   3. a narrower scope gives the same certificates, but for what is outside;
//   4. a page that is cut has no certificate that the whole one has not, if it
//      is Markdown: it is read from top to bottom.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anchors/catalog.h"
#include "anchors/certificate_facts.h"
#include "anchors/certificate_names.h"
#include "test/fuzz/fuzz.h"
#include "trustd/sources/page/regions_page.h"
#include "verify/anchor_set.h"

namespace anchorage::test {
namespace {

using trustd::ObservedCertificate;
using trustd::PageContent;
using trustd::ParseRegionsPage;
using trustd::SourceScope;
using verify::AnchorKind;

SourceScope Scope(std::vector<std::string> partitions) {
  return {
      std::move(partitions),
      {AnchorKind::kIidDsa, AnchorKind::kIidRsa1024, AnchorKind::kIidRsa2048}};
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x20 && c < 0x7f; });
}

void CheckContent(const PageContent& page, const SourceScope& scope,
                  int lines) {
  for (std::size_t i = 0; i < page.certificates.size(); ++i) {
    const ObservedCertificate& one = page.certificates[i];
    const auto facts = anchors::ReadCertificateFacts(one.der);
    Require(facts.ok(), "a certificate can be read");
    for (const std::string& name :
         {anchors::ReadCertificateNames(one.der).subject,
          anchors::ReadCertificateNames(one.der).issuer}) {
      Require(IsPrintable(name), "names in certificates are printable");
    }
    Require(anchors::KeyFitsKind(facts->key, one.slot.kind), "keys fit kinds");
    Require(scope.Covers(one.slot), "slots are of the scope");
    Require(one.line >= 1 && one.line <= lines, "certificates have lines");
    for (std::size_t j = 0; j < i; ++j) {
      Require(one.slot != page.certificates[j].slot ||
                  one.der != page.certificates[j].der,
              "a certificate is in its slot once");
    }
  }
  Require(!page.certificates.empty() || !page.problems.empty(),
          "a page that places nothing has a problem");
  Require(page.problems.size() <= trustd::kMaxPageProblems + 1,
          "problems are few");
  int line = 0;
  for (const auto& problem : page.problems) {
    Require(problem.line >= line && problem.line <= lines,
            "problems are in order");
    line = problem.line;
    Require(IsPrintable(problem.detail), "problems are printable");
  }
}

void Check(std::string_view text) {
  const SourceScope all = Scope({"aws", "aws-us-gov", "aws-cn", "aws-eusc"});
  const SourceScope china = Scope({"aws-cn"});
  const int lines =
      1 + static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  const PageContent page = ParseRegionsPage(text, all);
  CheckContent(page, all, lines);

  const PageContent narrow = ParseRegionsPage(text, china);
  CheckContent(narrow, china, lines);
  std::vector<ObservedCertificate> inside = page.certificates;
  std::erase_if(inside, [&](const ObservedCertificate& certificate) {
    return !china.Covers(certificate.slot);
  });
  Require(narrow.certificates == inside, "a scope only leaves out");

  if (text.empty() ||
      text.find_first_not_of(" \t\r\n\f\v\xef\xbb\xbf") == text.find('<')) {
    return;
  }
  const PageContent half =
      ParseRegionsPage(text.substr(0, text.size() / 2), all);
  Require(half.certificates.size() <= page.certificates.size() &&
              std::equal(half.certificates.begin(), half.certificates.end(),
                         page.certificates.begin()),
          "half a page has no other certificates");
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
