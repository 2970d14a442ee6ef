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

#include "anchors/publishing/bundle_builder.h"

namespace {

constexpr int kArguments = 7;

bool Write(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  out.close();
  if (!out) std::cerr << "make_bundle: error: cannot write " << path << "\n";
  return static_cast<bool>(out);
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
  const auto bundle = anchorage::anchors::BuildBundle(catalog);
  if (!bundle.ok()) {
    std::cerr << "make_bundle: error: " << bundle.status().message() << "\n";
    return EXIT_FAILURE;
  }
  const bool written =
      Write(argv[2], bundle->root) && Write(argv[3], bundle->timestamp) &&
      Write(argv[4], bundle->snapshot) && Write(argv[5], bundle->targets) &&
      Write(argv[6], bundle->as_of);
  return written ? EXIT_SUCCESS : EXIT_FAILURE;
}
