// What a client costs beside the verification itself: opening the built-in
// bundle, reading the set that counts while refreshes replace it, and the C
// interface against verify/.

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "anchors/baked/baked.h"
#include "anchors/publishing/repository_writer.h"
#include "anchors/publishing/signer.h"
#include "client/bundle.h"
#include "client/c/anchorage.h"
#include "client/transport.h"
#include "client/trust_client.h"
#include "test/bench/ratio.h"
#include "test/bench/report.h"
#include "test/identity/real_identities.h"
#include "verify/identity/identity_evidence.h"
#include "verify/identity/identity_verifier.h"

namespace anchorage::bench {
namespace {

namespace tuf = anchors::tuf;

constexpr int kReaders = 16;
constexpr int kReadsInARow = 20'000;
constexpr std::string_view kSeed = "a repository of a benchmark's...";

template <typename T>
T Value(absl::StatusOr<T> made) {
  if (!made.ok()) Fail(made.status().ToString());
  return *std::move(made);
}

// The baked-in catalog, signed with a key that is nobody's: as a bundle with
// its root.
anchors::BakedBundle Signed() {
  const auto key = Value(tuf::SoftwareKey::Ed25519FromSeed(kSeed));
  const auto sign = [&](absl::StatusOr<std::string> file) {
    return Value(tuf::AddSignature(Value(std::move(file)), *key));
  };
  const absl::Time expires = absl::Now() + absl::Hours(24);
  const tuf::RoleSpec role{.keys = {key->public_key()}, .threshold = 1};
  anchors::BakedBundle signed_bundle;
  anchors::BundleFiles& files = signed_bundle.files;
  files.target_files = anchors::DefaultBakedBundle().files.target_files;
  signed_bundle.root = sign(tuf::WriteRoot({.expires = expires,
                                            .root = role,
                                            .timestamp = role,
                                            .snapshot = role,
                                            .targets = role}));
  tuf::TargetsSpec targets{
      .expires = expires, .targets = {}, .delegations = {}};
  for (const auto& [path, bytes] : files.target_files) {
    targets.targets.emplace(path, tuf::DescribeTarget(bytes));
  }
  files.targets = sign(tuf::WriteTargets(targets));
  files.snapshot = sign(tuf::WriteSnapshot(
      {.expires = expires,
       .files = {{"targets.json", tuf::DescribeMetaFile(1, files.targets)}}}));
  files.timestamp = sign(tuf::WriteTimestamp(
      {.expires = expires,
       .snapshot = tuf::DescribeMetaFile(1, files.snapshot)}));
  return signed_bundle;
}

const anchors::BakedBundle& Repository() {
  static const anchors::BakedBundle& repository =
      *new anchors::BakedBundle(Signed());
  return repository;
}

// Serves Repository() from memory.
class Memory final : public client::Transport, public tuf::Fetcher {
 public:
  std::unique_ptr<tuf::Fetcher> Begin(const anchors::BundleVersions&,
                                      std::string, absl::Duration) override {
    return std::make_unique<Memory>();
  }
  void Cancel() override {}

  absl::StatusOr<std::string> FetchMetadata(std::string_view name,
                                            std::size_t) override {
    if (name.ends_with("timestamp.json")) return Repository().files.timestamp;
    if (name.ends_with("snapshot.json")) return Repository().files.snapshot;
    if (name.ends_with("targets.json")) return Repository().files.targets;
    return absl::NotFoundError("no newer root");
  }
  absl::StatusOr<std::string> FetchTarget(std::string_view,
                                          std::size_t) override {
    return Repository().files.catalog();
  }
};

std::unique_ptr<client::TrustClient> NewClient() {
  client::TrustClientOptions options;
  options.server = "memory";
  options.trusted_root = Repository().root;
  options.background_refresh = false;
  return Value(client::TrustClient::CreateWith(
      std::move(options),
      [](const client::TrustClientOptions&)
          -> absl::StatusOr<std::unique_ptr<client::Transport>> {
        return std::make_unique<Memory>();
      }));
}

// How long one reading takes, in nanoseconds of this thread's processor.
double NanosecondsOfARead(const client::TrustClient& client) {
  const double start = ThreadSeconds();
  for (int i = 0; i < kReadsInARow; ++i) {
    if (client.anchors() == nullptr) Fail("no anchors");
  }
  return (ThreadSeconds() - start) / kReadsInARow * 1e9;
}

// In a thread of its own: a process of one thread counts references in another
// way, and no client that refreshes is in one.
double ReadAlone(const client::TrustClient& client, int rounds) {
  std::vector<double> all;
  std::thread reader([&] {
    for (int i = 0; i < rounds; ++i) all.push_back(NanosecondsOfARead(client));
  });
  reader.join();
  return Median(all);
}

// The same in each of kReaders threads, while one refreshes in a loop.
double ReadAmongReaders(client::TrustClient& client, int rounds) {
  std::atomic<int> reading = kReaders;
  std::vector<std::vector<double>> each(kReaders);
  std::vector<std::thread> readers;
  for (std::vector<double>& mine : each) {
    readers.emplace_back([&] {
      for (int i = 0; i < rounds; ++i) {
        mine.push_back(NanosecondsOfARead(client));
      }
      --reading;
    });
  }
  while (reading > 0) {
    if (absl::Status s = client.Refresh(); !s.ok()) Fail(s.ToString());
  }
  std::vector<double> all;
  for (int i = 0; i < kReaders; ++i) {
    readers[i].join();
    all.insert(all.end(), each[i].begin(), each[i].end());
  }
  return Median(all);
}

// Milliseconds of opening a bundle, when the library is warm.
double OpenMilliseconds(int rounds, const Operation& open) {
  std::vector<double> all;
  for (int i = 0; i < rounds; ++i) {
    const double start = ThreadSeconds();
    if (!open()) Fail("the bundle does not verify");
    all.push_back((ThreadSeconds() - start) * 1e3);
  }
  return Median(all);
}

Report::Line AtMostLine(std::string name, double value, double goal,
                        std::string_view unit) {
  return {.name = std::move(name),
          .measured = absl::StrFormat("%.2f %s", value, unit),
          .goal = absl::StrFormat("<= %.2f", goal),
          .met = value <= goal};
}

// The interface with a client of its own, and verify/ with the same set.
class Interface {
 public:
  Interface()
      : client_(anchorage_client_new(nullptr, nullptr)),
        policy_(anchorage_identity_policy_read(kPolicy.data(), kPolicy.size(),
                                               "policy", 6, nullptr)) {
    if (client_ == nullptr || policy_ == nullptr) Fail("the C interface");
  }
  ~Interface() {
    anchorage_identity_policy_free(policy_);
    anchorage_client_free(client_);
  }
  Interface(const Interface&) = delete;
  Interface& operator=(const Interface&) = delete;

  bool Verify(std::string_view text) const {
    anchorage_identity* const identity = anchorage_verify_identity(
        client_, text.data(), text.size(), policy_, nullptr, nullptr);
    anchorage_identity_free(identity);
    return identity != nullptr;
  }

  bool VerifyBelow(std::string_view text) const {
    std::string bytes;
    const auto evidence = verify::RecogniseIdentityForm(text, bytes);
    return evidence.ok() &&
           verify::VerifyIdentity(*evidence, *anchors_, below_, absl::Now())
               .ok();
  }

 private:
  static constexpr std::string_view kPolicy = "authenticity_only: a benchmark";

  anchorage_client* const client_;
  anchorage_identity_policy* const policy_;
  const std::shared_ptr<const verify::AnchorSet> anchors_ =
      Value(client::OpenBaked(anchors::NewBakedBundle())).anchors;
  const verify::IdentityPolicy below_ =
      Value(verify::IdentityPolicy::AuthenticityOnly("a benchmark"));
};

int Main(const Options& options) {
  Report costs("a client, on its processor", "cost");
  costs.Add(AtMostLine("a server's bundle, opened",
                       OpenMilliseconds(options.rounds,
                                        [] {
                                          return client::OpenFiles(
                                                     Repository().root,
                                                     Repository().files,
                                                     absl::Now())
                                              .ok();
                                        }),
                       1.5, "ms"));
  const anchors::BakedBundle baked = anchors::NewBakedBundle();
  costs.Add(AtMostLine(
      "the built-in one",
      OpenMilliseconds(options.rounds,
                       [&] { return client::OpenBaked(baked).ok(); }),
      1.5, "ms"));
  const auto client = NewClient();
  if (absl::Status s = client->Refresh(); !s.ok()) Fail(s.ToString());
  costs.Add(AtMostLine("the current set, read",
                       ReadAlone(*client, options.rounds), 50, "ns"));
  costs.Add(AtMostLine("the same by 16, with refreshes",
                       ReadAmongReaders(*client, options.rounds), 200, "ns"));
  const int status = costs.Finish(options);

  const Interface interface;
  const auto identities = test::CarriedIdentities();
  std::vector<Comparison> comparisons;
  for (const test::RealIdentity& real : identities) {
    if (!real.genuine || real.form == verify::IdentityForm::kSignature) {
      continue;
    }
    comparisons.push_back(
        {.name = real.path,
         .operation = [&] { return interface.Verify(real.signature_text); },
         .baseline = [&] { return interface.VerifyBelow(real.signature_text); },
         .goal = AtLeast(0.98)});
  }
  Report report("the C interface against verify/", "ratio");
  CompareAll(comparisons, options.rounds, report);
  return status | report.Finish(options);
}

}  // namespace
}  // namespace anchorage::bench

int main(int argc, char** argv) {
  return anchorage::bench::Main(anchorage::bench::ParseOptions(argc, argv));
}
