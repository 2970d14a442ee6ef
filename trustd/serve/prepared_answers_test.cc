// Every answer reads as the message that is made anew.

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

// A target of a later program.
constexpr char kOtherPath[] = "other/v1/other.json";

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
  publication->files.SetTarget(kOtherPath, "another target");
  publication->target_sha256 = {
      {std::string(anchors::kCatalogTargetPath), std::string(64, 'a')},
      {std::string(anchors::kReleasesTargetPath), std::string(64, 'b')},
      {kOtherPath, std::string(64, 'c')}};
  publication->catalog.sequence = 300;
  return publication;
}

// A request of somebody who reads every target, has the roots up to `root`, and
// of the other six files those whose bits are set.
v1::GetUpdateRequest RequestOf(const Publication& publication,
                               std::uint64_t root, int files) {
  v1::GetUpdateRequest request;
  v1::BundleVersions& have = *request.mutable_have();
  have.set_root_version(root);
  if (files & 1) have.set_timestamp_version(publication.timestamp_version);
  if (files & 2) have.set_snapshot_version(publication.snapshot_version);
  if (files & 4) have.set_targets_version(publication.targets_version);
  if (files & 8) have.set_catalog_sha256(std::string(64, 'a'));
  if (files & 16) have.set_releases_sha256(std::string(64, 'b'));
  v1::TargetHash& other = *have.add_other_targets();
  other.set_path(kOtherPath);
  if (files & 32) other.set_sha256(std::string(64, 'c'));
  return request;
}

TEST(PreparedAnswersTest, ReadAsTheMessage) {
  const auto publication = MakePublication();
  const PreparedAnswers answers(publication);
  for (std::uint64_t root = 0; root <= publication->files.roots.size() + 2;
       ++root) {
    for (int files = 0; files < 64; ++files) {
      UpdateParts parts;
      ASSERT_TRUE(SelectUpdate(*publication,
                               RequestOf(*publication, root, files), parts)
                      .ok());
      v1::GetUpdateResponse message;
      FillUpdate(*publication, parts, message);
      v1::GetUpdateResponse read;
      ASSERT_TRUE(read.ParseFromString(BytesOf(answers.Update(parts))));
      EXPECT_EQ(read.SerializeAsString() == message.SerializeAsString(), true)
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
  EXPECT_TRUE(parts_of(6, 63).empty());
  EXPECT_TRUE(parts_of(1'000'000, 63).empty()) << "more roots than we have";
  const UpdateParts timestamp = parts_of(6, 62);
  EXPECT_TRUE(timestamp.timestamp);
  EXPECT_FALSE(timestamp.snapshot || timestamp.targets);
  EXPECT_TRUE(timestamp.target_files.empty());
  // 2 MiB hold four of the roots; what they sign comes after the last.
  const UpdateParts first = parts_of(0, 0);
  EXPECT_EQ(first.end_root, 4u);
  EXPECT_TRUE(first.more_roots);
  EXPECT_FALSE(first.timestamp);
  const UpdateParts rest = parts_of(4, 0);
  EXPECT_EQ(rest.first_root, 4u);
  EXPECT_EQ(rest.end_root, 6u);
  EXPECT_FALSE(rest.more_roots);
  EXPECT_EQ(rest.target_files.size(), 3u);
}

TEST(SelectUpdateTest, SendsNoReleasesWhereThereAreNone) {
  const auto publication = MakePublication();
  const v1::GetUpdateRequest request = RequestOf(*publication, 6, 63);
  publication->files.SetTarget(anchors::kReleasesTargetPath, "");
  publication->target_sha256.erase(std::string(anchors::kReleasesTargetPath));
  UpdateParts parts;
  ASSERT_TRUE(SelectUpdate(*publication, request, parts).ok());
  EXPECT_TRUE(parts.empty());
}

TEST(SelectUpdateTest, SendsNoTargetThatTheCallerCannotRead) {
  const auto publication = MakePublication();
  v1::GetUpdateRequest request = RequestOf(*publication, 6, 31);
  request.mutable_have()->clear_other_targets();
  UpdateParts parts;
  ASSERT_TRUE(SelectUpdate(*publication, request, parts).ok());
  EXPECT_TRUE(parts.empty());
}

TEST(SelectUpdateTest, RefusesAHashThatIsNone) {
  const auto publication = MakePublication();
  v1::GetUpdateRequest request = RequestOf(*publication, 6, 31);
  request.mutable_have()->mutable_other_targets(0)->set_sha256("c");
  UpdateParts parts;
  EXPECT_EQ(SelectUpdate(*publication, request, parts).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace anchorage::trustd
