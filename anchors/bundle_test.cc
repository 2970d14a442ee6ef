#include "anchors/bundle.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "anchors/baked/baked.h"
#include "anchors/bundle_proto.h"
#include "anchors/tuf/tuf_error.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using tuf::TufReason;
using tuf::TufReasonOf;

BundleFiles Good() { return DefaultBakedBundle().files; }

absl::StatusOr<BundleContents> Open(const BundleFiles& files) {
  const BakedBundle& baked = DefaultBakedBundle();
  auto set = FollowRoots(baked.root, files.roots, baked.as_of);
  if (!set.ok()) return set.status();
  if (absl::Status s = TakeMetadata(files, *set); !s.ok()) return s;
  return ReadTargets(*set, files);
}

TEST(BundleTest, OpensWhatIsBuiltIn) {
  const auto contents = Open(Good());
  ASSERT_TRUE(contents.ok()) << contents.status();
  EXPECT_EQ(contents->catalog.sequence, 1u);
  EXPECT_FALSE(contents->releases.has_value());
}

TEST(BundleTest, RefusesARootThatDoesNotFollow) {
  BundleFiles files = Good();
  files.roots = {DefaultBakedBundle().root};
  EXPECT_EQ(TufReasonOf(Open(files).status()), TufReason::kRootVersionNotNext);
}

TEST(BundleTest, RefusesAnotherCatalog) {
  BundleFiles files = Good();
  std::string other = files.catalog();
  other.back() ^= 1;
  files.SetTarget(kCatalogTargetPath, other);
  EXPECT_EQ(TufReasonOf(Open(files).status()), TufReason::kTargetHashMismatch);
}

TEST(BundleTest, RefusesToBeWithoutACatalog) {
  BundleFiles files = Good();
  files.SetTarget(kCatalogTargetPath, "");
  EXPECT_EQ(TufReasonOf(Open(files).status()),
            TufReason::kTargetLengthMismatch);
}

TEST(BundleTest, RefusesATargetThatNobodySigned) {
  BundleFiles files = Good();
  files.SetTarget(kReleasesTargetPath, "{}");
  EXPECT_EQ(TufReasonOf(Open(files).status()), TufReason::kTargetNotFound);
}

TEST(BundleTest, AnEmptyTargetIsNone) {
  BundleFiles files = Good();
  files.SetTarget(kReleasesTargetPath, "{}");
  files.SetTarget(kReleasesTargetPath, "");
  EXPECT_EQ(files.target_files.size(), 1u);
  EXPECT_EQ(files.releases(), "");
}

// A target that is not in it would be lost on the way.
TEST(BundleTest, EveryFileComesBackFromTheMessage) {
  BundleFiles files;
  files.roots = {"root 1", "root 2"};
  files.timestamp = "timestamp";
  files.snapshot = "snapshot";
  files.targets = "targets";
  for (const TargetKind& kind : TargetKinds()) {
    files.SetTarget(kind.path, "the " + std::string(kind.name));
  }
  const v1::GetUpdateResponse message = ToProto(files);
  const BundleFiles back = FromProto(message);
  EXPECT_EQ(back.roots, files.roots);
  EXPECT_EQ(back.timestamp, files.timestamp);
  EXPECT_EQ(back.snapshot, files.snapshot);
  EXPECT_EQ(back.targets, files.targets);
  EXPECT_EQ(back.target_files, files.target_files);
  for (const TargetKind& kind : TargetKinds()) {
    EXPECT_EQ(TargetIn(message, kind.path), files.target(kind.path));
  }
}

// One that came later than the fields has an entry.
TEST(BundleTest, ATargetWithoutAFieldHasAnEntryInTheMessage) {
  v1::GetUpdateResponse message;
  EXPECT_EQ(TargetIn(message, "other/v1/other.json"), "");
  AddTarget("other/v1/other.json", "the other", message);
  EXPECT_EQ(TargetIn(message, "other/v1/other.json"), "the other");
  EXPECT_EQ(TargetIn(message, "another/v1/another.json"), "");
  EXPECT_EQ(message.catalog() + message.releases(), "");
  // Nobody verifies it here, so nobody keeps it.
  EXPECT_TRUE(FromProto(message).target_files.empty());
}

TEST(BundleTest, VersionsComeBackFromTheMessage) {
  BundleVersions versions = {
      .root = 1, .timestamp = 2, .snapshot = 3, .targets = 4};
  for (const TargetKind& kind : TargetKinds()) {
    versions.target_sha256.emplace(kind.path, std::string(64, kind.name[0]));
  }
  v1::BundleVersions message = ToProto(versions);
  message.add_other_targets()->set_path("other/v1/other.json");
  const BundleVersions back = FromProto(message);
  EXPECT_EQ(back.root, 1u);
  EXPECT_EQ(back.timestamp, 2u);
  EXPECT_EQ(back.snapshot, 3u);
  EXPECT_EQ(back.targets, 4u);
  versions.target_sha256.emplace("other/v1/other.json", "");
  EXPECT_EQ(back.target_sha256, versions.target_sha256);
}

TEST(BundleTest, ACallerNamesTargetsThatItDoesNotHold) {
  EXPECT_EQ(FromProto(ToProto(BundleVersions())).target_sha256.size(),
            TargetKinds().size());
}

TEST(BundleTest, EachTargetIsFollowedByAHigherSequenceAlone) {
  const auto text_of = [](std::string_view path, std::uint64_t sequence) {
    if (path == kCatalogTargetPath) {
      Catalog catalog =
          ParseCatalog(DefaultBakedBundle().files.catalog()).value();
      catalog.sequence = sequence;
      return SerializeCatalog(catalog);
    }
    const auto made = [&](auto list) {
      list.sequence = sequence;
      list.created = absl::UnixEpoch();
      return list;
    };
    if (path == kProducersTargetPath) {
      return SerializeProducers(made(ProducerList()));
    }
    if (path == kImagesTargetPath) {
      return SerializeImageIndex(made(ImageIndex()));
    }
    return SerializeReleases(made(ReleaseList()));
  };
  for (const TargetKind& kind : TargetKinds()) {
    const std::string five = text_of(kind.path, 5);
    ASSERT_EQ(ReadFacts(kind, five)->sequence, 5u) << kind.name;
    EXPECT_TRUE(CheckNext(kind, "", five).ok());
    EXPECT_EQ(CheckNext(kind, five, "").ok(), !kind.is_kept) << kind.name;
    EXPECT_TRUE(CheckNext(kind, five, five).ok());
    EXPECT_TRUE(CheckNext(kind, five, text_of(kind.path, 6)).ok());
    EXPECT_FALSE(CheckNext(kind, five, text_of(kind.path, 4)).ok());
    EXPECT_FALSE(CheckNext(kind, five, five + "\n").ok()) << "it stands still";
  }
}

// Without the index a withdrawn image would be unlisted, and without the list of
// producers a revoked one could be listed anew.
TEST(BundleTest, ListsOfProducersAndImagesStay) {
  for (const TargetKind& kind : TargetKinds()) {
    EXPECT_EQ(kind.is_kept, kind.path == kProducersTargetPath ||
                                kind.path == kImagesTargetPath);
  }
}

// Nobody can use a certificate of RSA; a list that has one already goes on.
TEST(BundleTest, AFirstListOfProducersIsCheckedAsALaterOneIs) {
  const Catalog catalog =
      ParseCatalog(DefaultBakedBundle().files.catalog()).value();
  const CatalogAnchor& anchor = catalog.anchors.back();
  ASSERT_EQ(anchor.slot.kind, verify::AnchorKind::kIidRsa2048);
  ProducerList list;
  list.created = absl::UnixEpoch();
  list.producers = {{.name = "acme",
                     .products = {"ledger"},
                     .certificates = {anchor.certificates.front().der},
                     .notes = ""}};
  const auto text_of = [&](std::uint64_t sequence) {
    list.sequence = sequence;
    return SerializeProducers(list);
  };
  const TargetKind& kind = *FindTargetKind(kProducersTargetPath);
  EXPECT_EQ(verify::ReasonOf(CheckNext(kind, "", text_of(1))),
            verify::Reason::kCertificateAlgorithm);
  EXPECT_TRUE(CheckNext(kind, text_of(1), text_of(2)).ok());
}

TEST(SequencesTest, KeepsTheHigherOfEach) {
  Sequences known;
  known.Set("catalog", 7);
  known.Set("releases", 2);
  Sequences next;
  next.Set("catalog", 6);
  next.Set("other", 1);
  known.RaiseTo(next);
  EXPECT_EQ(known.Of("catalog"), 7u);
  EXPECT_EQ(known.Of("releases"), 2u);
  EXPECT_EQ(known.Of("other"), 1u);
  known.Set("catalog", 0);
  known.Set("releases", 0);
  known.Set("other", 0);
  EXPECT_EQ(known, Sequences()) << "none is none";
}

}  // namespace
}  // namespace anchorage::anchors
