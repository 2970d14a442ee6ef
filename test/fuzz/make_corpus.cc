// Writes the corpus of one fuzz target: its seeds, named by their numbers, and
// the files that were findings, under their names.
//
// usage: make_corpus TARGET FOLDER CATALOG [FINDING]...
//
// Run from the workspace's root, where the real evidence is. CATALOG is the
// baked-in one.

#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "test/fuzz/corpus.h"

namespace anchorage::test {
namespace {

using SeedMaker = std::function<Seeds()>;

SeedMaker MakerFor(const std::string& target, const std::string& catalog) {
  const std::map<std::string, SeedMaker> makers = {
      {"attestation_fuzz", AttestationSeeds},
      {"base64_fuzz", Base64Seeds},
      {"canonical_json_fuzz", JsonSeeds},
      {"catalog_fuzz", [&] { return CatalogSeeds(ReadFile(catalog)); }},
      {"cbor_fuzz", CborSeeds},
      {"chain_fuzz", ChainSeeds},
      {"console_request_fuzz", ConsoleRequestSeeds},
      {"contexts_fuzz", ContextsSeeds},
      {"cose_fuzz", CoseSeeds},
      {"der_fuzz", DerSeeds},
      {"event_log_fuzz", EventLogSeeds},
      {"fat_fuzz", FatSeeds},
      {"gpt_fuzz", GptSeeds},
      {"identity_fuzz", IdentitySeeds},
      {"image_bundle_fuzz", ImageBundleSeeds},
      {"image_lists_fuzz", ImageListSeeds},
      {"image_manifest_fuzz", ImageManifestSeeds},
      {"image_system_fuzz", ImageSystemSeeds},
      {"json_fuzz", JsonSeeds},
      {"ledger_file_fuzz", LedgerFileSeeds},
      {"manifest_fuzz", ManifestSeeds},
      {"metadata_fuzz", MetadataSeeds},
      {"nsm_fuzz", NsmSeeds},
      {"pe_fuzz", PeSeeds},
      {"pkcs7_fuzz", Pkcs7Seeds},
      {"pki_index_fuzz", PkiIndexSeeds},
      {"record_fuzz", RecordSeeds},
      {"record_text_fuzz", RecordSeeds},
      {"regions_page_fuzz",
       [&] { return RegionsPageSeeds(ReadFile(catalog)); }},
      {"report_answer_fuzz", ReportAnswerSeeds},
      {"report_fuzz", ReportSeeds},
      {"request_head_fuzz", RequestHeadSeeds},
      {"retry_after_fuzz", RetryAfterSeeds},
      {"signature_list_fuzz", SignatureListSeeds},
      {"succession_fuzz", [&] { return SuccessionSeeds(ReadFile(catalog)); }},
      {"update_fuzz", UpdateSeeds},
      {"validate_config_fuzz", ValidateConfigSeeds},
      {"verity_fuzz", VeritySeeds},
  };
  const auto at = makers.find(target);
  return at == makers.end() ? SeedMaker() : at->second;
}

}  // namespace

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    std::cerr << "make_corpus: error: cannot read " << path << "\n";
    std::exit(1);
  }
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string RealFile(const std::string& path) {
  return ReadFile("test/vectors/real/" + path);
}

std::string WithMode(int mode, std::string_view bytes) {
  return std::string(1, static_cast<char>(mode)) + std::string(bytes);
}

}  // namespace anchorage::test

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto maker = arguments.size() < 3 ? nullptr
                                          : anchorage::test::MakerFor(
                                                arguments[0], arguments[2]);
  if (!maker) {
    std::cerr << "usage: make_corpus TARGET FOLDER CATALOG [FINDING]...\n";
    return 1;
  }
  const std::filesystem::path folder = arguments[1];
  std::filesystem::create_directories(folder);
  int number = 0;
  for (const std::string& seed : maker()) {
    std::ofstream out(folder / ("seed-" + std::to_string(number++)),
                      std::ios::binary);
    out << seed;
  }
  for (std::size_t i = 3; i < arguments.size(); ++i) {
    const std::filesystem::path finding = arguments[i];
    std::filesystem::copy_file(finding, folder / finding.filename());
  }
  return 0;
}
