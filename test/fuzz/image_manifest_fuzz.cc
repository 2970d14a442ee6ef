// Input: a mode byte, then
//   mode 0  the text of a manifest of an image (verify/image/manifest.h);
//   mode 1  what is signed: an in-toto statement around one, or around a
//           manifest of OpenSSF Model Signing.
// Higher modes begin again at 0.
// Holds for any bytes:
//   1. it is read, or it gives a reason;
//   2. a manifest has one text, and the digest that names it is that text's;
//   3. names are relative, lead nowhere else, are sorted, distinct and not
//      excluded;
//   4. an image that is as its manifest says does not differ from it, and one
//      that lacks an entry does.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "test/fuzz/fuzz.h"
#include "verify/crypto/public_key.h"
#include "verify/image/comparison.h"
#include "verify/image/image_error.h"
#include "verify/image/manifest.h"
#include "verify/image/statement.h"

namespace anchorage::test {
namespace {

constexpr std::uint8_t kModes = 2;

bool DecidedImage(const absl::Status& status) {
  Require(status.ok() || verify::ImageReasonOf(status).has_value(),
          "every refusal has a reason");
  return status.ok();
}

void RequireNames(const verify::ImageManifest& manifest) {
  std::string_view last;
  for (const verify::ManifestEntry& entry : manifest.entries) {
    const std::string padded = absl::StrCat("/", entry.name, "/");
    for (const char* bad : {"//", "/./", "/../"}) {
      Require(padded.find(bad) == padded.npos, "names lead nowhere else");
    }
    Require(entry.name.find('\0') == entry.name.npos, "names have no NUL");
    Require(last < entry.name, "names are sorted and distinct");
    Require(manifest.content_only ||
                !verify::IsExcluded(manifest.exclusions, entry.name),
            "no entry is excluded");
    last = entry.name;
  }
}

void RequireComparison(const verify::ImageManifest& manifest) {
  std::vector<verify::ManifestEntry> found = manifest.entries;
  Require(verify::Compare(manifest, found, {}).matches(),
          "what is as it should be does not differ");
  found.pop_back();
  Require(verify::Compare(manifest, found, {}).total == 1,
          "what is missing is found");
}

void CheckText(std::string_view text) {
  const auto manifest = verify::ParsePredicate(text);
  if (!DecidedImage(manifest.status())) return;
  const auto again = verify::SerializePredicate(*manifest);
  Require(again.ok() && *again == text, "one text for a manifest");
  Require(!manifest->entries.empty(), "there is an entry");
  RequireNames(*manifest);
  RequireComparison(*manifest);
}

void CheckStatement(std::string_view payload) {
  const auto read = verify::ReadStatement(payload);
  if (!DecidedImage(read.status())) return;
  RequireNames(read->manifest);
  RequireComparison(read->manifest);
  if (read->manifest.content_only) return;
  const auto text = verify::SerializePredicate(read->manifest);
  Require(text.ok() && payload.find(*text) != payload.npos,
          "the manifest stands in the payload");
  Require(verify::Sha256Hex(*text) ==
              absl::BytesToHexString(absl::string_view(
                  reinterpret_cast<const char*>(read->digest.data()),
                  read->digest.size())),
          "the digest names the manifest");
}

void Check(std::string_view input) {
  if (TakeByte(input) % kModes == 0) {
    CheckText(input);
  } else {
    CheckStatement(input);
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
