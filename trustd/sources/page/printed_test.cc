// AWS prints it, and we have it.

#include <set>
#include <string>

#include "anchors/base/atomic_file.h"
#include "anchors/catalog.h"
#include "gtest/gtest.h"
#include "trustd/sources/page/printed_pages.h"
#include "trustd/sources/page/printed_root.h"

namespace anchorage::trustd {
namespace {

constexpr char kFolder[] = "anchors/baked/printed/";

std::string Read(const std::string& path) {
  const auto text = anchors::ReadFile(path, 16 << 20);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.value_or("");
}

std::vector<PrintedPage> Pages() {
  const auto pages =
      ReadPrintedIndex(Read(std::string(kFolder) + "index.json"));
  EXPECT_TRUE(pages.ok()) << pages.status();
  return pages.value_or(std::vector<PrintedPage>());
}

anchors::Catalog Baked() {
  return *anchors::ParseCatalog(Read("anchors/baked/catalog.json"));
}

std::string Excerpt(const PrintedPage& page) {
  return Read(kFolder + page.file);
}

TEST(PrintedPages, PrintWhatIsBuiltIn) {
  const anchors::Catalog catalog = Baked();
  ASSERT_GE(Pages().size(), 3u);
  for (const PrintedPage& page : Pages()) {
    EXPECT_TRUE(ComparePrinted(page, Excerpt(page), catalog).ok())
        << ComparePrinted(page, Excerpt(page), catalog);
    EXPECT_TRUE(page.address.starts_with("https://")) << page.address;
    EXPECT_EQ(page.read.size(), 10u) << page.read;
  }
}

TEST(PrintedPages, PrintEveryRootThatIsBuiltIn) {
  std::set<std::string> printed;
  for (const PrintedPage& page : Pages()) printed.insert(page.sha256);
  for (const anchors::CatalogAnchor& anchor : Baked().anchors) {
    if (anchor.slot.kind != verify::AnchorKind::kNitroRoot) continue;
    for (const anchors::CatalogCertificate& certificate : anchor.certificates) {
      EXPECT_TRUE(printed.contains(certificate.sha256))
          << verify::ToString(anchor.slot);
    }
  }
}

TEST(PrintedPages, AreMissedWhereWeDoNotHaveTheRoot) {
  for (const PrintedPage& page : Pages()) {
    if (page.prints == PrintedPage::Prints::kArchive) continue;
    anchors::Catalog without = Baked();
    std::erase_if(without.anchors, [&](const anchors::CatalogAnchor& anchor) {
      return anchor.slot.kind == verify::AnchorKind::kNitroRoot &&
             anchor.slot.partition == page.partition;
    });
    EXPECT_EQ(ComparePrinted(page, Excerpt(page), without).code(),
              absl::StatusCode::kFailedPrecondition);
    anchors::Catalog revoked = Baked();
    for (anchors::CatalogAnchor& anchor : revoked.anchors) {
      anchor.status = verify::AnchorStatus::kRevoked;
    }
    EXPECT_FALSE(ComparePrinted(page, Excerpt(page), revoked).ok());
  }
}

TEST(PrintedPages, AreMissedWhereTheyPrintSomethingElse) {
  for (const PrintedPage& page : Pages()) {
    EXPECT_FALSE(ComparePrinted(page, "<html>Sign in</html>", Baked()).ok());
  }
}

TEST(PrintedPages, AnIndexHasAllOfEach) {
  EXPECT_FALSE(ReadPrintedIndex("").ok());
  EXPECT_FALSE(ReadPrintedIndex("{}").ok());
  EXPECT_FALSE(ReadPrintedIndex(R"({"pages": []})").ok());
  EXPECT_FALSE(ReadPrintedIndex(R"({"pages": [{"file": "x"}]})").ok());
}

}  // namespace
}  // namespace anchorage::trustd
