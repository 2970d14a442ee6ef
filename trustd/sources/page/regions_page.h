// Reads AWS's page of certificates by region, in every layout that it has had.
//
//   PageContent page = ParseRegionsPage(body, scope);
//   observation.certificates = std::move(page.certificates);
//   observation.problems = std::move(page.problems);
//
// Reads the page as HTML and as Markdown, in any language that keeps the
// region's code in the heading, and the older Markdown whose tabs name regions
// in prose. The text itself shows which it is. A PEM block may be wrapped, one
// line, indented, or joined with spaces.
//
// It never guesses. A certificate is placed if the heading above it names its
// region and kind and its key can be of that kind; every other one, and
// everything that begins and does not end, is a problem with its line. Regions
// outside `scope` are left out silently, because AWS's page lists other
// partitions too; a page that has no region of the scope is a problem. In the
// older layout a tab that names one region places a certificate whose key fits
// one kind only; "Other AWS Regions" and the like place none.
//
// A page that was cut exactly between two regions looks whole: only code that
// knows what was there before can see what is missing (classifier.h).
//
// Pure, no recursion over the input, and linear in it.

#ifndef ANCHORAGE_TRUSTD_SOURCES_PAGE_REGIONS_PAGE_H_
#define ANCHORAGE_TRUSTD_SOURCES_PAGE_REGIONS_PAGE_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "trustd/rotation/observation.h"

namespace anchorage::trustd {

// A longer page is refused before any of it is read. AWS's has about 400 KiB.
inline constexpr std::size_t kMaxPageBytes = 4 * 1024 * 1024;
// The most certificates of a page; one with more is refused.
inline constexpr std::size_t kMaxPageCertificates = 1024;
// The most problems that are listed.
inline constexpr std::size_t kMaxPageProblems = 256;

struct PageContent {
  // In the order of the page, without duplicates in a slot.
  std::vector<ObservedCertificate> certificates;
  // In the order of their lines. None: the page was understood completely.
  std::vector<SourceProblem> problems;
};

PageContent ParseRegionsPage(std::string_view text, const SourceScope& scope);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_PAGE_REGIONS_PAGE_H_
