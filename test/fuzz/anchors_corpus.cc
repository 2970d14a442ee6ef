#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "anchors/images/image_index.h"
#include "anchors/images/producers.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/page_writer.h"
#include "test/fuzz/corpus.h"
#include "test/fuzz/fuzz.h"
#include "test/fuzz/tuf_evidence.h"
#include "test/support/image_producer.h"
#include "verify/anchor_set.h"

namespace anchorage::test {
namespace {

// Enough of the baked catalog for every kind of member.
constexpr std::size_t kAnchorsInCatalog = 4;

// What is signed in a file, as text.
std::string SignedPart(std::string_view file) {
  constexpr std::string_view kKey = "\"signed\":";
  const std::size_t at = file.find(kKey) + kKey.size();
  return std::string(file.substr(at, file.rfind('}') - at));
}

// A refresh to `version` of everything, received or signed anew.
std::string Refresh(int version, bool sign) {
  const std::pair<const char*, UpdateStep> roles[] = {
      {"timestamp", UpdateStep::kTimestamp},
      {"snapshot", UpdateStep::kSnapshot},
      {"targets", UpdateStep::kTargets}};
  std::string out = EncodeStep(UpdateStep::kFinishRoots, "");
  unsigned signer = 2;
  for (const auto& [role, step] : roles) {
    const std::string& file = FuzzRepository().published(role, version);
    out += sign ? EncodeStep(step, SignedPart(file), signer)
                : EncodeStep(step, file);
    signer <<= 1;
  }
  return out;
}

}  // namespace

Seeds CatalogSeeds(const std::string& baked_catalog) {
  auto catalog = anchors::ParseCatalog(baked_catalog);
  auto& anchors = catalog->anchors;
  std::vector<anchors::CatalogAnchor> few;
  for (const auto& anchor : anchors) {
    const bool new_kind =
        few.empty() || few.back().slot.kind != anchor.slot.kind;
    if (few.size() < kAnchorsInCatalog && new_kind) few.push_back(anchor);
  }
  anchors = few;
  Seeds out = {anchors::SerializeCatalog(*catalog)};
  anchors.resize(1);
  catalog->refresh_hint = absl::Minutes(5);
  anchors[0].status = verify::AnchorStatus::kRetiring;
  anchors[0].valid_from = absl::UnixEpoch();
  anchors[0].valid_until = FakeNow();
  anchors[0].accept_until = FakeNow();
  out.push_back(anchors::SerializeCatalog(*catalog));
  return out;
}

Seeds SuccessionSeeds(const std::string& baked_catalog) {
  using verify::AnchorStatus;
  const auto full =
      anchors::ParseCatalog(CatalogSeeds(baked_catalog).front()).value();
  const auto pair = [](const anchors::Catalog& before,
                       const anchors::Catalog& after) {
    return anchors::SerializeCatalog(before) + '\0' +
           anchors::SerializeCatalog(after);
  };
  anchors::Catalog next = full;
  ++next.sequence;
  anchors::Catalog revoked = next;
  revoked.anchors[0].status = AnchorStatus::kRevoked;
  ++revoked.sequence;
  anchors::Catalog retired = next;
  retired.anchors[1].status = AnchorStatus::kRetired;
  retired.anchors[1].accept_until = FakeNow();
  ++retired.sequence;
  anchors::Catalog shorter = next;
  shorter.anchors[0].certificates.resize(1);
  shorter.anchors.pop_back();
  return {anchors::SerializeCatalog(full), pair(full, next),
          pair(next, revoked), pair(next, retired), pair(full, shorter)};
}

Seeds ImageListSeeds() {
  const ImageProducer acme("acme");
  anchors::ProducerList producers;
  producers.sequence = 1;
  producers.created = FakeNow();
  producers.producers = {acme.Listed({"ledger", "signer"})};
  anchors::ProducerList revoked = producers;
  ++revoked.sequence;
  revoked.producers[0].status = anchors::ProducerStatus::kRevoked;
  anchors::ImageIndex index;
  index.sequence = 1;
  index.created = FakeNow();
  index.images = {acme.Entry(
      ImageProducer::Manifest("ledger", "1.2", FakeNow()), FakeNow())};
  index.images[0].disk_sha256 = std::string(64, 'd');
  index.images[0].locations = {{"eu-west-1", "123456789012", "ami-1"}};
  index.floors = {{"ledger", "1.1"}};
  anchors::ImageIndex withdrawn = index;
  ++withdrawn.sequence;
  withdrawn.images[0].status = anchors::ImageStatus::kWithdrawn;
  return {anchors::SerializeProducers(producers) + '\0' +
              anchors::SerializeProducers(revoked),
          anchors::SerializeImageIndex(index) + '\0' +
              anchors::SerializeImageIndex(withdrawn)};
}

Seeds RegionsPageSeeds(const std::string& baked_catalog) {
  using anchors::PageLayout;
  using anchors::PemStyle;
  auto entries = anchors::PageEntries(*anchors::ParseCatalog(baked_catalog));
  std::erase_if(entries, [](const anchors::PageEntry& entry) {
    return entry.slot.region != "ap-east-1" &&
           entry.slot.region != "cn-north-1";
  });
  const std::pair<PageLayout, PemStyle> styles[] = {
      {PageLayout::kMarkdown, PemStyle::kWrapped},
      {PageLayout::kMarkdown, PemStyle::kOneLine},
      {PageLayout::kChineseMarkdown, PemStyle::kNoFinalNewline},
      {PageLayout::kHtml, PemStyle::kWrapped},
      {PageLayout::kHtml, PemStyle::kSpaceJoined},
      {PageLayout::kProseTabs, PemStyle::kIndented}};
  Seeds out;
  for (const auto& [layout, pem] : styles) {
    out.push_back(anchors::WriteRegionsPage(entries, {layout, pem}));
  }
  return out;
}

Seeds MetadataSeeds() {
  const std::pair<const char*, int> roles[] = {
      {"root", 0}, {"timestamp", 1}, {"snapshot", 2}, {"targets", 3}, {"d", 3}};
  Seeds out;
  for (const auto& [role, mode] : roles) {
    for (const int version : {1, 2, 3}) {
      const auto& files = FuzzRepository().metadata;
      const auto at =
          files.find(std::to_string(version) + "." + role + ".json");
      if (at != files.end()) out.push_back(WithMode(mode, at->second));
    }
  }
  return out;
}

Seeds UpdateSeeds() {
  const auto& repository = FuzzRepository();
  const auto root = [&](int version) {
    return EncodeStep(UpdateStep::kRoot, repository.published("root", version));
  };
  const std::string root_2_signed = EncodeStep(
      UpdateStep::kRoot, SignedPart(repository.published("root", 2)), 1);
  // Version 1, of the snapshot of version 2.
  std::string older_timestamp =
      SignedPart(repository.published("timestamp", 2));
  older_timestamp[older_timestamp.rfind('2')] = '1';
  const std::string begin = EncodeStep(UpdateStep::kBegin, "1 h");
  const std::string delegated =
      EncodeStep(UpdateStep::kDelegated, repository.published("d", 1));
  const auto held = [](UpdateStep step) { return EncodeStep(step, ""); };
  return {Refresh(1, false),
          Refresh(1, true),
          root(2) + Refresh(2, false) + delegated,
          root_2_signed + Refresh(2, true),
          root_2_signed + Refresh(2, true) + begin + Refresh(2, true),
          root(2) + Refresh(2, false) + begin + Refresh(1, false),
          root_2_signed + Refresh(2, true) + begin +
              EncodeStep(UpdateStep::kFinishRoots, "") +
              EncodeStep(UpdateStep::kTimestamp, older_timestamp, 2),
          root(2) + root(3) + Refresh(3, false) + begin + Refresh(3, false),
          Refresh(1, false) + begin + held(UpdateStep::kFinishRoots) +
              held(UpdateStep::kUseHeldTimestamp) +
              held(UpdateStep::kUseHeldSnapshot) +
              held(UpdateStep::kUseHeldTargets),
          EncodeStep(UpdateStep::kHoldTimestamp,
                     repository.published("timestamp", 2)) +
              EncodeStep(UpdateStep::kHoldSnapshot,
                         repository.published("snapshot", 2)) +
              EncodeStep(UpdateStep::kHoldTargets,
                         repository.published("targets", 2)) +
              Refresh(1, true)};
}

}  // namespace anchorage::test
