#include "anchors/bundle.h"

#include <gtest/gtest.h>

#include <string>

#include "anchors/baked/baked.h"
#include "anchors/bundle_proto.h"
#include "anchors/tuf/tuf_error.h"

namespace anchorage::anchors {
namespace {

using tuf::TufReason;
using tuf::TufReasonOf;

BundleFiles Good() { return FilesOf(DefaultBakedBundle()); }

absl::StatusOr<BundleContents> Open(const BundleFiles& files) {
  const BakedBundle baked = DefaultBakedBundle();
  auto set = FollowRoots(std::string(baked.root), files.roots, baked.as_of);
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
  files.roots = {std::string(DefaultBakedBundle().root)};
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

// A target whose field was forgotten would be lost on the way.
TEST(BundleTest, EveryFileHasAFieldInTheMessage) {
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

}  // namespace
}  // namespace anchorage::anchors
