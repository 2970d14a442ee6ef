#include "test/bench/ten_years.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "test/bench/published.h"
#include "test/bench/report.h"
#include "test/support/approve.h"
#include "trustd/base/rocksdb_store.h"
#include "trustd/rotation/apply.h"
#include "trustd/rotation/observation.h"
#include "verify/crypto/public_key.h"

namespace anchorage::bench {
namespace {

using anchors::PageEntry;
using test::FakeRegion;
using verify::AnchorKind;

constexpr absl::Duration kBetweenRotations =
    absl::Hours(24 * 3652 / TenYears::kRotations);
constexpr int kRotationsPerReKey = 10;
constexpr absl::Duration kBetweenReIssues = absl::Hours(25);
constexpr int kReIssuedSlots = 2;
// Far from each other, so that one slot is not changed again and again.
constexpr std::size_t kSlotStep = 7;
constexpr int kInstances = 3;

class NoAlerts final : public trustd::AlertSink {
 public:
  std::function<void()> Raise(const std::vector<trustd::Alert>&,
                              trustd::StoreBatch&) override {
    return [] {};
  }
};

class CountingStore final : public trustd::Store {
 public:
  explicit CountingStore(std::unique_ptr<trustd::Store> store)
      : store_(std::move(store)) {}

  absl::StatusOr<std::optional<std::string>> Get(
      std::string_view key) const override {
    return store_->Get(key);
  }
  absl::Status Commit(const trustd::StoreBatch& batch) override {
    ++commits;
    return store_->Commit(batch);
  }
  absl::Status Scan(
      std::string_view prefix,
      const std::function<bool(std::string_view, std::string_view)>& visit)
      const override {
    return store_->Scan(prefix, visit);
  }

  int commits = 0;

 private:
  const std::unique_ptr<trustd::Store> store_;
};

template <typename T>
T Get(absl::StatusOr<T> value) {
  if (!value.ok()) Fail(value.status().ToString());
  return *std::move(value);
}

void Must(const absl::Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

// The regions of the baked-in set, China's first: the fake has few keys for
// them.
std::vector<FakeRegion> RealRegions() {
  const anchors::Catalog catalog =
      Get(anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog()));
  std::vector<FakeRegion> regions;
  std::set<std::string> seen;
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot.kind == AnchorKind::kIidRsa2048 &&
        seen.insert(anchor.slot.region).second) {
      regions.push_back({anchor.slot.partition, anchor.slot.region, ""});
    }
  }
  std::stable_partition(
      regions.begin(), regions.end(),
      [](const FakeRegion& region) { return region.partition == "aws-cn"; });
  return regions;
}

std::string SourceName(int source) { return absl::StrCat("source-", source); }

}  // namespace

struct TenYears::Trustd {
  NoAlerts alerts;
  trustd::PublicationHub hub;
  std::unique_ptr<CountingStore> store;
  std::unique_ptr<trustd::Publisher> publisher;
  std::unique_ptr<trustd::Mirror> mirror;
};

TenYears::TenYears(const std::string& folder)
    : TenYears(folder, test::FakeNow()) {
  Reopen();
}

TenYears::TenYears(const std::string& folder, absl::Time now)
    : config_(ConfigIn(folder)), aws_(RealRegions()), now_(now) {
  // Each decision is a line of the log.
  spdlog::set_level(spdlog::level::err);
  first_.sequence = 1;
  first_.created = now_;
  for (const verify::AnchorRecord& record : aws_.Anchors()) {
    page_.push_back({record.slot, record.certificates_der.front()});
    first_ = Get(trustd::AddAnchor(first_, record.slot, page_.back().der,
                                   {"AWS", ""}, {.time = now_}));
  }
}

TenYears::~TenYears() = default;

trustd::Mirror& TenYears::mirror() { return *trustd_->mirror; }

const trustd::PublicationHub& TenYears::hub() const { return trustd_->hub; }

void TenYears::Reopen() {
  trustd_.reset();
  trustd_ = std::make_unique<Trustd>();
  trustd_->store = std::make_unique<CountingStore>(
      Get(trustd::RocksDbStore::Open(config_.data_dir + "/store")));
  trustd_->publisher = Get(
      trustd::Publisher::Open(trustd::PublisherConfigOf(config_),
                              *trustd_->store, trustd_->hub, first_, {}, now_));
  trustd::Mirror::Options options;
  options.core.people = {"alice"};
  options.steady = [this] { return now_ - absl::UnixEpoch(); };
  trustd_->mirror = Get(trustd::Mirror::Open(
      std::move(options), *trustd_->store, *trustd_->publisher, trustd_->hub,
      trustd_->alerts, now_));
  Must(mirror().ledger().health());
  std::map<std::string, std::string> sources;
  for (int i = 0; i < kSources; ++i) sources[SourceName(i)] = SourceName(i);
  mirror().SetSources(std::move(sources), now_);
}

void TenYears::Close() { trustd_.reset(); }

void TenYears::Live() {
  for (int source = 0; source < kSources; ++source) Observe(source);
  for (int number = 1; number <= kRotations; ++number) {
    now_ += kBetweenRotations;
    Must(trustd_->publisher->RenewIfDue(now_));
    Change(number);
  }
}

int TenYears::Grow(std::uint64_t records) {
  // Also after a start: what sources show is known from looks alone.
  SeenByAll();
  const int before = re_issued_;
  while (mirror().ledger().head().size < records) ReIssueOne();
  return re_issued_ - before;
}

void TenYears::ReIssueOne() {
  now_ += kBetweenReIssues;
  Must(trustd_->publisher->RenewIfDue(now_));
  ++re_issued_;
  ReIssue(page_[re_issued_ % kReIssuedSlots], re_issued_);
  const std::uint64_t before = trustd_->hub.Current()->catalog.sequence;
  SeenByAll();
  if (trustd_->hub.Current()->catalog.sequence != before + 1) {
    Fail(absl::StrCat("re-issue ", re_issued_, " was not published once"));
  }
}

void TenYears::SeenByAll() {
  for (int source = 0; source < kSources; ++source) {
    const int before = commits();
    Observe(source);
    most_commits_ = std::max(most_commits_, commits() - before);
  }
}

int TenYears::commits() const { return trustd_->store->commits; }

void TenYears::Change(int number) {
  PageEntry* entry = &page_[number * kSlotStep % page_.size()];
  const bool is_re_key = number % kRotationsPerReKey == 0;
  if (is_re_key) {
    entry = &NextDsa(number * kSlotStep);
    ReKey(*entry, number);
  } else {
    ReIssue(*entry, number);
  }
  const std::uint64_t before = trustd_->hub.Current()->catalog.sequence;
  for (int source = 0; source < kSources; ++source) {
    now_ += absl::Hours(1);
    Observe(source);
  }
  if (is_re_key) Approve(entry->slot);
  if (trustd_->hub.Current()->catalog.sequence != before + 1) {
    Fail(absl::StrCat("change ", number, " was not published once"));
  }
}

// The fake has as many keys as one likes of this type alone.
PageEntry& TenYears::NextDsa(std::size_t from) {
  while (true) {
    PageEntry& entry = page_[from++ % page_.size()];
    if (entry.slot.kind == AnchorKind::kIidDsa &&
        entry.slot.partition != "aws-cn") {
      return entry;
    }
  }
}

void TenYears::ReIssue(PageEntry& entry, int number) {
  test::CertSpec spec = aws_.Certificate(entry.slot.region, entry.slot.kind);
  spec.serial = {'\x01', static_cast<char>(number >> 8),
                 static_cast<char>(number)};
  spec.SetValidity(now_ - absl::Hours(1), now_ + absl::Hours(24 * 3652));
  entry.der = test::MakeCertificate(spec);
}

void TenYears::ReKey(PageEntry& entry, int number) {
  aws_.SetKey(entry.slot.region, entry.slot.kind,
              test::TestKey::Derived(test::KeyType::kDsa1024,
                                     absl::StrCat("key ", number)));
  ReIssue(entry, number);
}

void TenYears::Approve(const verify::Slot& slot) {
  const auto ours = mirror().Rotations([&](const v1::Rotation& rotation) {
    return rotation.rotation_class() == v1::ROTATION_CLASS_RE_KEY &&
           rotation.slot().region() == slot.region &&
           (rotation.state() == v1::ROTATION_STATE_DETECTED ||
            rotation.state() == v1::ROTATION_STATE_CORROBORATED);
  });
  if (ours.size() != 1) Fail("a re-key was not detected");
  for (int instance = 0; instance < kInstances; ++instance) {
    auto document = aws_.Document(slot.region);
    document.SetText("instanceId",
                     absl::StrCat("i-0123456789abcde", instance, "0"));
    v1::Evidence evidence;
    evidence.set_pkcs7(absl::Base64Escape(
        test::Encode(aws_.Genuine(slot.region, slot.kind, document.Text()))));
    const auto outcome = Get(mirror().SubmitEvidence(
        evidence, absl::StrCat("instance-", instance), now_));
    if (outcome.kind != trustd::ProofOutcome::Kind::kCandidate) {
      Fail("evidence proved nothing");
    }
  }
  Get(trustd::Approve(mirror(), ours[0].id(), "alice", "AWS announced it",
                      now_));
}

void TenYears::Observe(int source) {
  trustd::Observation observation;
  observation.source = SourceName(source);
  observation.location = "https://docs.example.com/regions-certs.md";
  observation.time = now_;
  observation.scope.partitions = {"aws", "aws-us-gov", "aws-cn", "aws-eusc"};
  observation.scope.kinds = {AnchorKind::kIidDsa, AnchorKind::kIidRsa1024,
                             AnchorKind::kIidRsa2048};
  std::string text;
  for (const PageEntry& entry : page_) {
    observation.certificates.push_back({entry.slot, entry.der, 0});
    text += entry.der;
  }
  observation.content_sha256 = verify::Sha256Hex(text);
  Must(mirror().Observed(observation, now_));
}

void TenYears::PollUnchanged(int count) {
  for (int i = 0; i < count; ++i) {
    now_ += absl::Hours(1) / kSources;
    Must(mirror().Unchanged(SourceName(i % kSources), now_));
  }
}

std::uint64_t TenYears::BytesOnDisk() {
  Reopen();
  constexpr std::uint64_t kBlockBytes = 512;
  std::uint64_t bytes = 0;
  for (const auto& file :
       std::filesystem::recursive_directory_iterator(config_.data_dir)) {
    struct stat status = {};
    if (::stat(file.path().c_str(), &status) == 0) {
      bytes += static_cast<std::uint64_t>(status.st_blocks) * kBlockBytes;
    }
  }
  return bytes;
}

}  // namespace anchorage::bench
