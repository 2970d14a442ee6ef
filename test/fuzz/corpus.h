// The seeds of every target's corpus.
//
// A seed is an input that gets far: evidence that AWS made (from
// test/vectors/real), or what the fake AWS makes. The same in every run.

#ifndef ANCHORAGE_TEST_FUZZ_CORPUS_H_
#define ANCHORAGE_TEST_FUZZ_CORPUS_H_

#include <string>
#include <string_view>
#include <vector>

namespace anchorage::test {

using Seeds = std::vector<std::string>;

Seeds Base64Seeds();
Seeds JsonSeeds();
Seeds Pkcs7Seeds();
Seeds IdentitySeeds();

Seeds DerSeeds();
Seeds CborSeeds();
Seeds CoseSeeds();
Seeds ChainSeeds();
Seeds AttestationSeeds();

Seeds NsmSeeds();
Seeds ValidateConfigSeeds();
Seeds EventLogSeeds();

Seeds ImageBundleSeeds();
Seeds ImageManifestSeeds();

Seeds ManifestSeeds();
Seeds PeSeeds();
Seeds SignatureListSeeds();
Seeds MetadataSeeds();
Seeds UpdateSeeds();
// A few anchors of the baked-in catalog.
Seeds CatalogSeeds(const std::string& baked_catalog);
Seeds SuccessionSeeds(const std::string& baked_catalog);
Seeds ImageListSeeds();
Seeds LedgerFileSeeds();
Seeds RecordSeeds();
Seeds ReportSeeds();
Seeds ReportAnswerSeeds();
Seeds ConsoleRequestSeeds();
Seeds RequestHeadSeeds();
Seeds RetryAfterSeeds();
Seeds PkiIndexSeeds();
Seeds ImageSystemSeeds();
Seeds ContextsSeeds();

Seeds GptSeeds();
Seeds FatSeeds();
Seeds VeritySeeds();

// Two of its regions, in each layout.
Seeds RegionsPageSeeds(const std::string& baked_catalog);

// Returns a file below test/vectors/real.
std::string RealFile(const std::string& path);
// Returns the bytes of a file; ends the program if there are none.
std::string ReadFile(const std::string& path);
// Returns `bytes` with the mode byte in front.
std::string WithMode(int mode, std::string_view bytes);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_FUZZ_CORPUS_H_
