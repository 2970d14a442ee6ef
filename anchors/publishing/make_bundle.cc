// Signs the catalog of the baked-in set. Called by the build:
//
//   make_bundle CATALOG_JSON ROOT TIMESTAMP SNAPSHOT TARGETS AS_OF
//
// reads the first and writes the others.

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "absl/status/status.h"
#include "anchors/catalog.h"
#include "anchors/publishing/bundle_builder.h"
#include "anchors/tuf/metadata.h"

namespace {

namespace anchors = anchorage::anchors;

constexpr int kArguments = 7;

bool Write(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  out.close();
  if (!out) std::cerr << "make_bundle: error: cannot write " << path << "\n";
  return static_cast<bool>(out);
}

int Fail(const absl::Status& status) {
  std::cerr << "make_bundle: error: " << status.message() << "\n";
  return EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != kArguments) {
    std::cerr << "usage: make_bundle CATALOG_JSON ROOT TIMESTAMP SNAPSHOT "
                 "TARGETS AS_OF\n";
    return EXIT_FAILURE;
  }
  std::ifstream in(argv[1], std::ios::binary);
  const std::string catalog{std::istreambuf_iterator<char>(in), {}};
  if (!in) {
    std::cerr << "make_bundle: error: cannot read " << argv[1] << "\n";
    return EXIT_FAILURE;
  }
  const auto parsed = anchors::ParseCatalog(catalog);
  if (!parsed.ok()) return Fail(parsed.status());
  const auto files = anchors::BuildBundle(
      {{std::string(anchors::kCatalogTargetPath), catalog}}, parsed->created);
  if (!files.ok()) return Fail(files.status());
  const bool written =
      Write(argv[2], files->roots.front()) &&
      Write(argv[3], files->timestamp) && Write(argv[4], files->snapshot) &&
      Write(argv[5], files->targets) &&
      Write(argv[6], anchors::tuf::FormatExpires(parsed->created));
  return written ? EXIT_SUCCESS : EXIT_FAILURE;
}
