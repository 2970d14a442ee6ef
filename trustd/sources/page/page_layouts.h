// Readers for the layouts of the page; each feeds a PagePlacer.

#ifndef ANCHORAGE_TRUSTD_SOURCES_PAGE_PAGE_LAYOUTS_H_
#define ANCHORAGE_TRUSTD_SOURCES_PAGE_PAGE_LAYOUTS_H_

#include <string_view>

#include "trustd/sources/page/page_placer.h"

namespace anchorage::trustd {

// Reads both Markdown layouts, the current and the older one.
void ReadMarkdownPage(std::string_view text, PagePlacer& placer);

void ReadHtmlPage(std::string_view text, PagePlacer& placer);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_PAGE_PAGE_LAYOUTS_H_
