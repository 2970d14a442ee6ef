// A signed manifest of 150,000 files, about as many as a whole Debian machine
// has: verified and read, against what a JSON library needs to read the same
// payload, and the memory of it.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "test/bench/memory.h"
#include "test/bench/ratio.h"
#include "test/bench/report.h"
#include "test/support/fake_producer.h"
#include "verify/crypto/public_key.h"
#include "verify/image/bundle.h"
#include "verify/image/comparison.h"
#include "verify/image/manifest.h"

namespace anchorage::bench {
namespace {

constexpr int kEntries = 150'000;
constexpr double kMib = 1024 * 1024;
// Of the bundle's text: it, what is signed in it, and what is read of that.
constexpr double kMaxMemory = 3;

verify::ImageManifest LargeManifest() {
  verify::ImageManifest manifest = test::SmallManifest();
  const verify::ManifestEntry file = manifest.entries[3];
  manifest.entries.clear();
  manifest.exclusions.clear();
  for (int i = 0; i < kEntries; ++i) {
    verify::ManifestEntry entry = file;
    entry.name = absl::StrCat("usr/share/some-package/locale/", 1'000'000 + i,
                              "/messages.mo");
    entry.capability.clear();
    const verify::Digest digest =
        verify::Hash(verify::HashAlgorithm::kSha256, entry.name);
    std::copy_n(digest.bytes.begin(), entry.sha256.size(),
                entry.sha256.begin());
    manifest.entries.push_back(std::move(entry));
  }
  return manifest;
}

int Main(const Options& options) {
  const test::FakeProducer producer;
  const verify::TrustedProducer pinned = producer.Pinned();
  const std::string text = producer.Sign(LargeManifest());
  const std::string payload = verify::ReadBundle(text)->payload;
  const auto verify = [&](std::string copy) {
    const auto verified =
        verify::VerifyBundle(std::move(copy), {&pinned, 1}, std::nullopt);
    return verified.ok() && verified->manifest().entries.size() == kEntries;
  };
  const verify::ImageManifest manifest = LargeManifest();

  Report speed(absl::StrCat("signed manifest of ", kEntries, " entries"),
               "times as fast");
  CompareAll(
      {{.name = "verified and read, against a JSON library",
        .operation = [&] { return verify(text); },
        .baseline = [&] { return nlohmann::json::parse(payload).is_object(); },
        .goal = AtLeast(0.8)},
       {.name = "compared with itself",
        .operation =
            [&] {
              return verify::Compare(manifest, manifest.entries, {}).matches();
            },
        .baseline =
            [&] { return nlohmann::json::parse(payload).is_object(); }}},
      options.rounds / 40 + 1, speed);
  const int status = speed.Finish(options);

  // Moved in, as a program does that reads it from a file.
  const auto held = [&] {
    std::string copy = text;
    if (!verify(std::move(copy))) Fail("another answer");
  };
  const Peak peak = PeakOf(held);
  Report memory("signed manifest, memory with its text", "times its text");
  const double times =
      static_cast<double>(peak.total()) / static_cast<double>(text.size());
  memory.Add(
      {.name = absl::StrCat(WithCommas(static_cast<double>(text.size()) / kMib),
                            " MiB of text"),
       .absolute = absl::StrCat(
           WithCommas(static_cast<double>(peak.total()) / kMib), " MiB"),
       .measured = absl::StrCat(times),
       .goal = absl::StrCat("<= ", kMaxMemory),
       .met = times <= kMaxMemory});
  return status | memory.Finish(options);
}

}  // namespace
}  // namespace anchorage::bench

int main(int argc, char** argv) {
  anchorage::bench::CountAllocations();
  return anchorage::bench::Main(anchorage::bench::ParseOptions(argc, argv));
}
