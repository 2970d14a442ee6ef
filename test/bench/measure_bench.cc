// What measuring a unified kernel image of 100 MiB costs, in terms of hashing
// its bytes once; and what the root hash of a partition does.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "test/bench/ratio.h"
#include "test/bench/report.h"
#include "test/fake_aws/keys.h"
#include "test/support/disk_writer.h"
#include "test/support/pe_writer.h"
#include "verify/crypto/public_key.h"
#include "verify/measure/boot/boot_measurements.h"
#include "verify/measure/disk/disk_view.h"
#include "verify/measure/disk/verity.h"

namespace anchorage::bench {
namespace {

using verify::HashAlgorithm;

constexpr std::size_t kMebibyte = 1024 * 1024;
constexpr std::size_t kKernelBytes = 12 * kMebibyte;
constexpr std::size_t kInitrdBytes = 88 * kMebibyte;
constexpr double kMaxSeconds = 0.3;
// Of times, to one SHA-384 over the file: each byte once for PCR4 and once for
// PCR11, the kernel's also for its own image; with Secure Boot a SHA-256, which
// is what signatures are over, in its place.
constexpr double kMaxRatio = 2.3;
constexpr double kMaxRatioSecureBoot = 2.8;
// One is a second of work.
constexpr int kMaxRounds = 9;

// Bytes that no two blocks of a page's size have in common.
std::string Noise(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint64_t state = 1;
  for (char& byte : bytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<char>(state >> 56);
  }
  return bytes;
}

std::string Uki(const test::TestKey& key, const std::string& certificate) {
  test::PeSpec kernel = test::EfiApplicationSpec();
  kernel.Section(".text").content = Noise(kKernelBytes);
  test::PeSpec spec = test::UkiSpec("252");
  spec.Section(".linux").content = test::WritePe(kernel);
  spec.Section(".initrd").content = Noise(kInitrdBytes);
  return test::SignPeSimply(test::WritePe(spec), key, certificate, "bench");
}

bool Measured4(const std::string& file, const verify::SecureBootKeys& keys) {
  const auto image = verify::PeImage::Parse(file);
  if (!image.ok()) return false;
  verify::BootInputs inputs;
  inputs.images = {&*image};
  inputs.keys = keys;
  const auto boot = verify::MeasureBoot(inputs);
  return boot.ok() && boot->registers.contains(4);
}

int ReportMeasuring(const Options& options) {
  const test::TestKey& key = test::TestKey::Rsa(2048, 0);
  const std::string certificate = test::SelfSigned("bench", key);
  const std::string file = Uki(key, certificate);
  const std::string list =
      test::SignatureList(test::kX509ListType, {certificate});
  const auto variable =
      *verify::ParseSignatureDatabase(list, verify::VariableForm::kRaw);
  const auto hash = [&] {
    return verify::Hash(HashAlgorithm::kSha384, file).size == 48;
  };
  const std::vector<Comparison> all = {
      {.name = "without Secure Boot",
       .operation = [&] { return Measured4(file, {}); },
       .baseline = hash,
       .goal = AtMost(kMaxRatio)},
      {.name = "with Secure Boot",
       .operation =
           [&] {
             return Measured4(file, {variable, variable, variable, {}});
           },
       .baseline = hash,
       .goal = AtMost(kMaxRatioSecureBoot)}};
  Report report(absl::StrFormat("a unified kernel image of %.0f MiB",
                                static_cast<double>(file.size()) / kMebibyte),
                "time, in terms of one SHA-384");
  const int rounds = std::min(options.rounds, kMaxRounds);
  const std::vector<bench::Measured> measured = Measure(all, rounds);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double seconds = 1 / measured[i].per_second;
    const double times = 1 / measured[i].ratio;
    report.Add({.name = all[i].name,
                .absolute = absl::StrFormat("%.2f s of CPU", seconds),
                .measured = absl::StrFormat("%.2f", times),
                .goal = absl::StrFormat("<= %.1f, <= %.1f s", all[i].goal.bound,
                                        kMaxSeconds),
                .met = times <= all[i].goal.bound && seconds <= kMaxSeconds});
  }
  return report.Finish(options);
}

constexpr std::size_t kPartitionBytes = 64 * kMebibyte;
// Of times: a salt of 32 bytes with each block of 4096, and a hundredth more of
// bytes, which are the tree.
constexpr double kMaxRootHashRatio = 1.25;

int ReportVerity(const Options& options) {
  const std::string data = Noise(kPartitionBytes);
  const test::VerityPartition verity =
      test::WriteVerity(data, {.salt = std::string(32, 's')});
  const auto data_view = verify::DiskView::OfBytes(data);
  const auto hash_view = verify::DiskView::OfBytes(verity.bytes);
  const auto superblock = *verify::ReadVeritySuperblock(hash_view, 0);
  Report report(
      absl::StrFormat("the root hash of %d MiB", kPartitionBytes / kMebibyte),
      "time, in terms of one SHA-256");
  CompareAll(
      {{.name = "dm-verity, blocks of 4096 bytes",
        .operation =
            [&] {
              const auto result =
                  verify::ComputeVerity(superblock, data_view, hash_view, 0,
                                        [](std::uint64_t, std::uint64_t) {});
              return result.ok() && result->root_hash == verity.root_hash &&
                     !result->wrong_tree_block.has_value();
            },
        .baseline =
            [&] {
              return verify::Hash(HashAlgorithm::kSha256, data).size == 32;
            },
        .goal = AtMost(kMaxRootHashRatio)}},
      options.rounds, report);
  return report.Finish(options);
}

}  // namespace
}  // namespace anchorage::bench

int main(int argc, char** argv) {
  using namespace anchorage::bench;
  const Options options = ParseOptions(argc, argv);
  const int image = ReportMeasuring(options);
  const int partition = ReportVerity(options);
  return std::max(image, partition);
}
