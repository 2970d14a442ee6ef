// What it costs to list an image and to examine it, in terms of what the
// machine can do: the files read without being hashed, and SHA-256 without
// being read, by as many threads as there are processors. The slower of the
// two is the bound. A processor that reads does not hash meanwhile, so of small
// files in memory no program reaches it: a bare loop that opens, reads, hashes
// and closes says how near one can come. sha256sum(1), one process for each
// processor, reads the same files, and aide(1) where it is installed; both once.
//
// Two trees, of 6,000 and 150,000 files, lie in the folder TEST_TMPDIR or /tmp
// one after the other: 0.4 and 2.8 GB. "Cold" is after POSIX_FADV_DONTNEED on
// every file: contents are gone from the page cache, names and inodes are not.
// Times are by the clock, and the best of three rounds.

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "client/image/inventory.h"
#include "test/bench/report.h"
#include "verify/image/comparison.h"
#include "verify/image/manifest.h"

namespace anchorage::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kRounds = 3;
// As many as are at the disk at a time: more make it no faster.
constexpr std::size_t kReaders = 32;
constexpr double kGoal = 0.9;

double Now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double CpuSeconds(int who) {
  rusage used{};
  ::getrusage(who, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

std::size_t Processors() {
  return std::max(1u, std::thread::hardware_concurrency());
}

// A tree as /usr is one: folders of some tens of files, sizes from nothing to
// some MiB around a median of 16 KiB, or 4 KiB in the large one, contents that
// no disk compresses.
class Tree {
 public:
  Tree(const std::string& root, std::size_t count, double mean_log2)
      : root_(root) {
    std::mt19937_64 random(count);
    std::normal_distribution<double> size_log2(mean_log2, 2.5);
    std::vector<std::uint64_t> noise(1 << 20);
    for (std::uint64_t& word : noise) word = random();
    for (std::size_t i = 0; i < count; ++i) {
      const std::string folder =
          absl::StrFormat("%s/lib%d/part%d", root, i / 2'000, i / 40);
      if (i % 40 == 0) fs::create_directories(folder);
      files_.push_back(absl::StrFormat("%s/file%d.so", folder, i));
      const auto size = static_cast<std::size_t>(
          std::exp2(std::clamp(size_log2(random), 0.0, 23.0)));
      std::ofstream file(files_.back(), std::ios::binary);
      file << "\x7f"
              "ELF";
      const char* const bytes = reinterpret_cast<const char*>(noise.data());
      file.write(bytes + i % 4'096, static_cast<std::streamsize>(size));
      bytes_ += 4 + size;
    }
    ::sync();
  }
  ~Tree() { fs::remove_all(root_); }

  const std::string& root() const { return root_; }
  const std::vector<std::string>& files() const { return files_; }
  std::uint64_t bytes() const { return bytes_; }

  void Forget() const {
    for (const std::string& name : files_) {
      const int file = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
      ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
      ::close(file);
    }
  }

 private:
  const std::string root_;
  std::vector<std::string> files_;
  std::uint64_t bytes_ = 0;
};

void InThreads(std::size_t count,
               const std::function<void(std::size_t)>& work) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
}

// Reads all files, and hashes them or does nothing with them.
void Read(const Tree& tree, bool hash) {
  const std::unique_ptr<EVP_MD, void (*)(EVP_MD*)> sha256(
      EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_free);
  std::atomic<std::size_t> next{0};
  InThreads(kReaders, [&](std::size_t) {
    std::vector<char> buffer(64 * 1024);
    unsigned char digest[32];
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    for (std::size_t i; (i = next++) < tree.files().size();) {
      const int file = ::open(tree.files()[i].c_str(), O_RDONLY | O_CLOEXEC);
      if (hash) EVP_DigestInit_ex2(context, sha256.get(), nullptr);
      for (ssize_t n; (n = ::read(file, buffer.data(), buffer.size())) > 0;) {
        if (hash) {
          EVP_DigestUpdate(context, buffer.data(), static_cast<std::size_t>(n));
        }
      }
      if (hash) EVP_DigestFinal_ex(context, digest, nullptr);
      ::close(file);
    }
    EVP_MD_CTX_free(context);
  });
}

// Hashes as many bytes, and reads nothing.
void HashOnly(const Tree& tree) {
  InThreads(Processors(), [&](std::size_t) {
    std::vector<char> buffer(64 * 1024, 'x');
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    EVP_DigestInit_ex(context, EVP_sha256(), nullptr);
    for (std::uint64_t left = tree.bytes() / Processors(); left > 0;) {
      const std::size_t n = std::min<std::uint64_t>(left, buffer.size());
      EVP_DigestUpdate(context, buffer.data(), n);
      left -= n;
    }
    EVP_MD_CTX_free(context);
  });
}

void Sha256sum(const Tree& tree) {
  const std::string command = absl::StrFormat(
      "find '%s' -type f -print0 | xargs -0 -n 64 -P %d sha256sum >/dev/null",
      tree.root(), Processors());
  if (std::system(command.c_str()) != 0) Fail("sha256sum failed");
}

struct Timed {
  const char* name;
  std::function<void()> work;
  double best = 1e9;
  double cpu = 0;
};

void Measure(const Tree& tree, bool cold, Report& report) {
  verify::ImageManifest manifest;
  manifest.scope = verify::ManifestScope::kEverything;
  const client::InventoryOptions options = {.as_seen = true};
  const auto list = [&] {
    return client::ListImage(tree.root(), {.scope = manifest.scope}, options);
  };
  manifest.entries = list().value_or(client::Inventory()).found;
  if (manifest.entries.size() < tree.files().size()) Fail("files are missing");
  Timed all[] = {
      {"read only", [&] { Read(tree, false); }},
      {"SHA-256 only", [&] { HashOnly(tree); }},
      {"bare loop", [&] { Read(tree, true); }},
      {"list",
       [&] {
         if (!list().ok()) Fail("list failed");
       }},
      {"examine",
       [&] {
         auto found = client::ExamineImage(tree.root(), manifest, options);
         if (!found.ok() || !verify::Compare(manifest, std::move(found->found),
                                             std::move(found->problems))
                                 .matches()) {
           Fail("the image does not match itself");
         }
       }},
      {"sha256sum", [&] { Sha256sum(tree); }},
  };
  for (int round = 0; round < kRounds; ++round) {
    for (Timed& timed : all) {
      // It takes longer than the rest together.
      if (round > 0 && &timed == &all[5]) continue;
      if (cold) tree.Forget();
      const double cpu = CpuSeconds(RUSAGE_SELF) + CpuSeconds(RUSAGE_CHILDREN);
      const double begin = Now();
      timed.work();
      const double took = Now() - begin;
      if (took >= timed.best) continue;
      timed.best = took;
      timed.cpu = CpuSeconds(RUSAGE_SELF) + CpuSeconds(RUSAGE_CHILDREN) - cpu;
    }
  }
  const double bound = std::max(all[0].best, all[1].best);
  for (const Timed& timed : all) {
    const bool ours = &timed == &all[3] || &timed == &all[4];
    const double ratio = bound / timed.best;
    report.Add(
        {absl::StrFormat("%d files, %s, %s", tree.files().size(),
                         cold ? "cold" : "warm", timed.name),
         absl::StrFormat("%.2f s, %.2f s of CPU, %.0f MB/s, %.2f of the loop",
                         timed.best, timed.cpu,
                         static_cast<double>(tree.bytes()) / 1e6 / timed.best,
                         all[2].best / timed.best),
         absl::StrFormat("%.2f", ratio),
         ours ? absl::StrFormat(">= %.2f", kGoal) : "",
         ours ? std::optional(ratio >= kGoal) : std::nullopt});
  }
}

void Aide(const Tree& tree, Report& report) {
  if (std::system("command -v aide >/dev/null") != 0) return;
  const std::string settings = tree.root() + ".aide";
  std::ofstream(settings) << "database_out=file:" << settings << ".db\n"
                          << "report_url=file:/dev/null\n"
                          << tree.root() << " p+u+g+s+l+sha256\n";
  const double begin = Now();
  if (std::system(
          ("aide --init -c " + settings + " >/dev/null 2>&1").c_str()) != 0) {
    Fail("aide failed");
  }
  report.Add(
      {absl::StrFormat("%d files, warm, aide --init", tree.files().size()),
       absl::StrFormat("%.2f s", Now() - begin)});
  fs::remove(settings);
  fs::remove(settings + ".db");
}

int Run(const Options& options) {
  const char* const folder = std::getenv("TEST_TMPDIR");
  const std::string root = absl::StrFormat(
      "%s/image_bench.%d", folder != nullptr ? folder : "/tmp", ::getpid());
  Report report("inventory of an image", "time, rate");
  for (const auto& [count, mean_log2] :
       {std::pair(6'000, 14.0), std::pair(150'000, 12.0)}) {
    const Tree tree(root, static_cast<std::size_t>(count), mean_log2);
    Read(tree, false);
    Measure(tree, false, report);
    Aide(tree, report);
    Measure(tree, true, report);
  }
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  report.Add({"largest resident size, with three inventories",
              absl::StrFormat("%d MiB", used.ru_maxrss / 1024)});
  return report.Finish(options);
}

}  // namespace
}  // namespace anchorage::bench

int main(int argc, char** argv) {
  return anchorage::bench::Run(anchorage::bench::ParseOptions(argc, argv));
}
