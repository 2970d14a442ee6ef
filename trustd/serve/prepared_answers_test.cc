// Every answer has the bytes that serialising it anew would give.

#include "trustd/serve/prepared_answers.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace anchorage::trustd {
namespace {

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

// Its roots do not fit into one answer.
std::shared_ptr<Publication> MakePublication() {
  auto publication = std::make_shared<Publication>();
  for (const char name : {'1', '2', '3', '4', '5', '6'}) {
    publication->files.roots.push_back(std::string(500'000, name));
  }
  publication->files.timestamp = "the timestamp";
  publication->files.snapshot = "the snapshot";
  publication->files.targets = "the targets";
  publication->files.SetTarget(anchors::kCatalogTargetPath,
                               std::string(100'000, 'c'));
  publication->files.SetTarget(anchors::kReleasesTargetPath, "the releases");
  publication->timestamp_version = 11;
  publication->snapshot_version = 7;
  publication->targets_version = 5;
  publication->catalog_sha256 = std::string(64, 'a');
  publication->releases_sha256 = std::string(64, 'b');
  publication->catalog.sequence = 300;
  return publication;
}

// A request of somebody who has the roots up to `root`, and of the other five
// files those whose bits are set.
v1::GetUpdateRequest RequestOf(const Publication& publication,
                               std::uint64_t root, int files) {
  v1::GetUpdateRequest request;
  v1::BundleVersions& have = *request.mutable_have();
  have.set_root_version(root);
  if (files & 1) have.set_timestamp_version(publication.timestamp_version);
  if (files & 2) have.set_snapshot_version(publication.snapshot_version);
  if (files & 4) have.set_targets_version(publication.targets_version);
  if (files & 8) have.set_catalog_sha256(publication.catalog_sha256);
  if (files & 16) have.set_releases_sha256(publication.releases_sha256);
  return request;
}

TEST(PreparedAnswersTest, AreTheBytesOfTheMessage) {
  const auto publication = MakePublication();
  const PreparedAnswers answers(publication);
  for (std::uint64_t root = 0; root <= publication->files.roots.size() + 2;
       ++root) {
    for (int files = 0; files < 32; ++files) {
      UpdateParts parts;
      ASSERT_TRUE(SelectUpdate(*publication,
                               RequestOf(*publication, root, files), parts)
                      .ok());
      v1::GetUpdateResponse message;
      FillUpdate(*publication, parts, message);
      EXPECT_EQ(BytesOf(answers.Update(parts)) == message.SerializeAsString(),
                true)
          << root << " " << files;
    }
  }
}

TEST(PreparedAnswersTest, SayTheSameToEveryWatcher) {
  const auto publication = MakePublication();
  const PreparedAnswers answers(publication);
  v1::WatchUpdatesResponse hint;
  ASSERT_TRUE(hint.ParseFromString(BytesOf(answers.hint())));
  EXPECT_EQ(hint.sequence(), 300u);
  EXPECT_EQ(hint.timestamp_version(), 11u);
}

TEST(SelectUpdateTest, SendsWhatDiffersAndNothingElse) {
  const auto publication = MakePublication();
  const auto parts_of = [&](std::uint64_t root, int files) {
    UpdateParts parts;
    EXPECT_TRUE(
        SelectUpdate(*publication, RequestOf(*publication, root, files), parts)
            .ok());
    return parts;
  };
  EXPECT_TRUE(parts_of(6, 31).empty());
  EXPECT_TRUE(parts_of(1'000'000, 31).empty()) << "more roots than we have";
  const UpdateParts timestamp = parts_of(6, 30);
  EXPECT_TRUE(timestamp.timestamp);
  EXPECT_FALSE(timestamp.snapshot || timestamp.targets || timestamp.catalog ||
               timestamp.releases);
  // 2 MiB hold four of the roots; what they sign comes after the last.
  const UpdateParts first = parts_of(0, 0);
  EXPECT_EQ(first.end_root, 4u);
  EXPECT_TRUE(first.more_roots);
  EXPECT_FALSE(first.timestamp);
  const UpdateParts rest = parts_of(4, 0);
  EXPECT_EQ(rest.first_root, 4u);
  EXPECT_EQ(rest.end_root, 6u);
  EXPECT_FALSE(rest.more_roots);
  EXPECT_TRUE(rest.catalog && rest.releases);
}

TEST(SelectUpdateTest, SendsNoReleasesWhereThereAreNone) {
  const auto publication = MakePublication();
  const v1::GetUpdateRequest request = RequestOf(*publication, 6, 31);
  publication->files.SetTarget(anchors::kReleasesTargetPath, "");
  publication->releases_sha256.clear();
  UpdateParts parts;
  ASSERT_TRUE(SelectUpdate(*publication, request, parts).ok());
  EXPECT_TRUE(parts.empty());
}

}  // namespace
}  // namespace anchorage::trustd
