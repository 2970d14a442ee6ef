// Fetches the pages on which AWS prints the roots of Nitro attestation
// documents, and compares them with what is built in:
//
//   bazel run //tools/printed_roots
//
// An argument names an index other than anchors/baked/printed/index.json. Exit
// code 0: every page prints what we have; 1: one does not; 2: one could not be
// read, and no page differs; 3: no index.

#include <csignal>
#include <iostream>
#include <string>

#include "absl/status/statusor.h"
#include "anchors/baked/baked.h"
#include "anchors/base/atomic_file.h"
#include "anchors/catalog.h"
#include "trustd/sources/downloader.h"
#include "trustd/sources/page/printed_pages.h"

namespace anchorage {
namespace {

constexpr char kIndex[] = "anchors/baked/printed/index.json";
constexpr std::size_t kMaxIndexBytes = 64 * 1024;
constexpr std::size_t kMaxPageBytes = 4 * 1024 * 1024;

enum Exit { kSame = 0, kDiffers = 1, kUnread = 2, kNoIndex = 3 };

int Fail(const absl::Status& status) {
  std::cerr << "printed_roots: error: " << status.message() << "\n";
  return kNoIndex;
}

// Compares a page, and prints one line about it.
Exit Check(const trustd::PrintedPage& page, trustd::Downloader& web,
           const anchors::Catalog& catalog) {
  const auto got = web.Get({.url = page.address, .max_bytes = kMaxPageBytes});
  if (!got.ok()) {
    std::cout << "unread   " << page.partition << "  " << page.address << "  "
              << got.status().message() << "\n";
    return kUnread;
  }
  const absl::Status same = trustd::ComparePrinted(page, got->body, catalog);
  std::cout << (same.ok() ? "same     " : "DIFFERS  ") << page.partition << "  "
            << (same.ok() ? page.address : same.message()) << "\n";
  return same.ok() ? kSame : kDiffers;
}

int Run(const std::string& path) {
  const auto text = anchors::ReadFile(path, kMaxIndexBytes);
  if (!text.ok()) return Fail(text.status());
  const auto pages = trustd::ReadPrintedIndex(*text);
  if (!pages.ok()) return Fail(pages.status());
  const auto catalog =
      anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
  if (!catalog.ok()) return Fail(catalog.status());
  auto web = trustd::CurlDownloader::Create({});
  if (!web.ok()) return Fail(web.status());
  int unread = 0;
  int differing = 0;
  for (const trustd::PrintedPage& page : *pages) {
    const Exit exit = Check(page, **web, *catalog);
    unread += exit == kUnread ? 1 : 0;
    differing += exit == kDiffers ? 1 : 0;
  }
  if (differing > 0) return kDiffers;
  return unread > 0 ? kUnread : kSame;
}

}  // namespace
}  // namespace anchorage

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  return anchorage::Run(argc > 1 ? argv[1] : anchorage::kIndex);
}
