// A repository that other tools made and published, read at a fixed time, where
// this machine has it.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/tuf/tuf_error.h"
#include "anchors/tuf/updater.h"
#include "test/support/repository_simulator.h"
#include "test/support/tuf_test_matchers.h"

namespace anchorage::anchors::tuf {
namespace {

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

// A static server's two folders.
class FolderFetcher final : public Fetcher {
 public:
  explicit FolderFetcher(std::string folder) : folder_(std::move(folder)) {}

  absl::StatusOr<std::string> FetchMetadata(std::string_view name,
                                            std::size_t max_bytes) override {
    return Read(absl::StrCat("metadata/", View(name)), max_bytes);
  }
  absl::StatusOr<std::string> FetchTarget(std::string_view name,
                                          std::size_t max_bytes) override {
    return Read(absl::StrCat("targets/", View(name)), max_bytes);
  }

  absl::StatusOr<std::string> Read(const std::string& name,
                                   std::size_t max_bytes) const {
    std::ifstream file(absl::StrCat(folder_, "/", name));
    if (!file) return absl::NotFoundError(name);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (bytes.size() > max_bytes) return absl::OutOfRangeError(name);
    return bytes;
  }

 private:
  std::string folder_;
};

class StaticRepositoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("ANCHORAGE_SHARED_VECTORS");
    if (folder == nullptr) GTEST_SKIP() << "ANCHORAGE_SHARED_VECTORS not set";
    fetcher_ =
        FolderFetcher(absl::StrCat(folder, "/tuf/static/tuf-on-ci-0.11"));
    std::string time = Line("faketime");
    ASSERT_TRUE(absl::ParseTime("%Y-%m-%d %H:%M:%E*S%Ez", time, &now_, nullptr))
        << time;
  }

  std::string Line(const std::string& name) {
    auto text = fetcher_.Read(name, 1000);
    EXPECT_THAT(text, IsOk());
    return text->substr(0, text->find('\n'));
  }

  absl::StatusOr<Updater> NewUpdater() {
    return Updater::Create(*fetcher_.Read("initial_root.json", kMaxRootBytes),
                           now_, &fetcher_, &store_);
  }

  FolderFetcher fetcher_{""};
  MemoryStore store_;
  absl::Time now_;
};

TEST_F(StaticRepositoryTest, GivesItsTarget) {
  auto updater = NewUpdater();
  ASSERT_THAT(updater, IsOk());
  ASSERT_THAT(updater->Refresh(), IsOk());
  const std::string path = Line("targetpath");
  const auto target = updater->FindTarget(path);
  ASSERT_THAT(target, IsOk());
  const auto bytes = updater->DownloadTarget(path, *target);
  ASSERT_THAT(bytes, IsOk());
  EXPECT_EQ(bytes->size(), static_cast<std::size_t>(target->length));
}

TEST_F(StaticRepositoryTest, IsRefusedAfterItsEnd) {
  now_ += absl::Hours(24 * 366 * 30);
  EXPECT_THAT(NewUpdater()->Refresh(), RejectedFor(TufReason::kRootExpired));
}

TEST_F(StaticRepositoryTest, IsRefusedWithAnyByteOfItsRootChanged) {
  const std::string root = *fetcher_.Read("initial_root.json", kMaxRootBytes);
  for (std::size_t i = 0; i < root.size(); i += 97) {
    std::string changed = root;
    changed[i] ^= 1;
    const auto set = TrustedSet::FromRoot(changed, now_);
    if (!set.ok()) continue;
    // What still verifies says the same: space, or what is not signed.
    EXPECT_EQ(set->root().envelope.signed_bytes,
              ParseRoot(root)->envelope.signed_bytes)
        << i;
  }
}

}  // namespace
}  // namespace anchorage::anchors::tuf
