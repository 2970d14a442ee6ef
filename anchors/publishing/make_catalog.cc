// Writes the catalog of the baked-in set. Called by the build:
//
//   make_catalog SEQUENCE OUT SOURCES_JSON CERTIFICATE_PEM...
//
// Exits 1, with what is wrong, when a file and sources.json disagree.

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>

#include "absl/strings/numbers.h"
#include "anchors/catalog.h"
#include "anchors/publishing/catalog_builder.h"

namespace {

constexpr int kFirstCertificate = 4;

bool ReadFile(const std::string& path, std::string& contents) {
  std::ifstream file(path, std::ios::binary);
  contents.assign(std::istreambuf_iterator<char>(file), {});
  if (!file) std::cerr << "make_catalog: error: cannot read " << path << "\n";
  return static_cast<bool>(file);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t sequence = 0;
  if (argc <= kFirstCertificate || !absl::SimpleAtoi(argv[1], &sequence)) {
    std::cerr << "usage: make_catalog SEQUENCE OUT SOURCES_JSON "
                 "CERTIFICATE_PEM...\n";
    return EXIT_FAILURE;
  }
  std::string sources;
  if (!ReadFile(argv[3], sources)) return EXIT_FAILURE;
  std::map<std::string, std::string> pems;
  for (int i = kFirstCertificate; i < argc; ++i) {
    const std::string path = argv[i];
    const std::string name = path.substr(path.rfind('/') + 1);
    if (!ReadFile(path, pems[name])) return EXIT_FAILURE;
  }
  const auto catalog =
      anchorage::anchors::BuildCatalog(sources, pems, sequence);
  if (!catalog.ok()) {
    std::cerr << "make_catalog: error: " << catalog.status().message()
              << "\nhint: anchors/baked/README.md says how to add or replace "
                 "a certificate\n";
    return EXIT_FAILURE;
  }
  std::ofstream out(argv[2], std::ios::binary);
  out << anchorage::anchors::SerializeCatalog(*catalog);
  out.close();
  if (!out) {
    std::cerr << "make_catalog: error: cannot write " << argv[2] << "\n";
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
