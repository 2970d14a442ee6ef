// Writes AWS's page of certificates, in every layout: what tests and drills
// have a fake AWS serve.
//
//   Catalog before = CatalogBeforeReissues(baked);
//   std::string page = WriteRegionsPage(PageEntries(baked), {});
//
// The texts around the certificates are ours; the structure is AWS's. Pure.

#ifndef ANCHORAGE_TEST_FAKE_AWS_PAGE_WRITER_H_
#define ANCHORAGE_TEST_FAKE_AWS_PAGE_WRITER_H_

#include <string>
#include <string_view>
#include <vector>

#include "anchors/catalog.h"
#include "verify/anchor_set.h"

namespace anchorage::anchors {

struct PageEntry {
  verify::Slot slot;
  std::string der;
};

enum class PageLayout {
  // "## Name — code", the anchor on a line of its own.
  kMarkdown,
  // "## Name— code" in Chinese, the anchor on the heading's line.
  kChineseMarkdown,
  kHtml,
  // One tab a region, named in prose; the regions without a name of their own
  // share "Other AWS Regions" and the like. One kind a page: WriteRegionsPage()
  // writes one after the other.
  kProseTabs,
};

enum class PemStyle {
  kWrapped,
  kOneLine,
  // By six spaces, as in a list.
  kIndented,
  // Every line feed of the block is a space.
  kSpaceJoined,
  // What follows the block stands on its last line.
  kNoFinalNewline,
};

struct PageStyle {
  PageLayout layout = PageLayout::kMarkdown;
  PemStyle pem = PemStyle::kWrapped;
  bool crlf = false;
};

// Regions and tabs stand in the order in which the entries first name them.
std::string WriteRegionsPage(const std::vector<PageEntry>& entries,
                             const PageStyle& style);

// Returns one PEM block.
std::string WritePem(std::string_view der, PemStyle style);

// Returns what AWS's page would have for a catalog: of each ACTIVE or RETIRING
// anchor of identity documents, the certificates that are not superseded.
std::vector<PageEntry> PageEntries(const Catalog& catalog);

// Returns the catalog as it was before AWS re-issued any certificate: where a
// superseded certificate is known, it alone.
Catalog CatalogBeforeReissues(Catalog catalog);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_TEST_FAKE_AWS_PAGE_WRITER_H_
