#include "client/image/content.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fsverity.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "verify/crypto/public_key.h"

namespace anchorage::client {
namespace {

using Outcome = ContentReader::Outcome;

class ContentTest : public ::testing::Test {
 protected:
  void Write(const std::string& text) {
    std::ofstream(path_, std::ios::trunc) << text;
  }
  void Open() {
    file_ = Descriptor(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(FactsOf(file_, before_));
  }
  // The times of files before Linux 6.13 are no finer than a tick.
  static void NextTick() { ::usleep(20'000); }
  Outcome Hash(std::string_view head = "") {
    return reader_.Hash(file_, before_, head, digest_, nullptr);
  }
  std::string Digest() const {
    return std::string(reinterpret_cast<const char*>(digest_.data()),
                       digest_.size());
  }
  static std::string DigestOf(const std::string& text) {
    const verify::Digest d = verify::Hash(verify::HashAlgorithm::kSha256, text);
    return std::string(d.view());
  }

  const std::string path_ = std::string(std::getenv("TEST_TMPDIR") != nullptr
                                            ? std::getenv("TEST_TMPDIR")
                                            : "/tmp") +
                            "/content";
  ContentReader reader_;
  Descriptor file_;
  struct statx before_ {};
  verify::Sha256Bytes digest_{};
};

TEST_F(ContentTest, HashesAllSizesWithAndWithoutAHead) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{255}, std::size_t{256},
        std::size_t{257}, ContentReader::kBufferBytes - 1,
        ContentReader::kBufferBytes, ContentReader::kBufferBytes + 1,
        3 * ContentReader::kBufferBytes + 7}) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7);
    Write(text);
    Open();
    EXPECT_EQ(Hash(), Outcome::kRead) << size;
    EXPECT_EQ(Digest(), DigestOf(text)) << size;
    for (const std::size_t head :
         {std::size_t{256}, ContentReader::kBufferBytes}) {
      const auto read = reader_.Head(file_, head);
      ASSERT_TRUE(read.has_value());
      EXPECT_EQ(*read, text.substr(0, head));
      EXPECT_EQ(Hash(*read), Outcome::kRead) << size;
      EXPECT_EQ(Digest(), DigestOf(text)) << size;
    }
  }
}

TEST_F(ContentTest, HashesHolesAsZeros) {
  Write("x");
  ASSERT_EQ(::truncate(path_.c_str(), 1 << 20), 0);
  Open();
  EXPECT_EQ(Hash(), Outcome::kRead);
  EXPECT_EQ(Digest(), DigestOf("x" + std::string((1 << 20) - 1, '\0')));
}

TEST_F(ContentTest, AFileThatGrewChanged) {
  Write("text");
  Open();
  std::ofstream(path_, std::ios::app) << "more";
  EXPECT_EQ(Hash(), Outcome::kChanged);
}

TEST_F(ContentTest, AFileThatShrankChanged) {
  Write("text");
  Open();
  ASSERT_EQ(::truncate(path_.c_str(), 2), 0);
  EXPECT_EQ(Hash(), Outcome::kChanged);
}

TEST_F(ContentTest, AFileThatWasWrittenToChanged) {
  Write("text");
  Open();
  NextTick();
  std::fstream(path_) << "b";
  EXPECT_EQ(Hash(), Outcome::kChanged);
}

TEST_F(ContentTest, AFileWithItsOldTimesSetAgainChanged) {
  Write("text");
  Open();
  NextTick();
  std::fstream(path_) << "b";
  const timespec times[] = {
      {before_.stx_mtime.tv_sec, before_.stx_mtime.tv_nsec},
      {before_.stx_mtime.tv_sec, before_.stx_mtime.tv_nsec}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path_.c_str(), times, 0), 0);
  EXPECT_EQ(Hash(), Outcome::kChanged);
}

TEST_F(ContentTest, AFileThatWasReplacedChanged) {
  Write("text");
  Open();
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  Write("text");
  EXPECT_EQ(Hash(), Outcome::kChanged);
}

TEST_F(ContentTest, AFolderIsUnreadable) {
  file_ = Descriptor(::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(FactsOf(file_, before_));
  EXPECT_EQ(Hash(), Outcome::kUnreadable);
  EXPECT_FALSE(reader_.Head(file_, 256).has_value());
}

TEST_F(ContentTest, NoFileHasADigestThatNobodyEnforces) {
  Write("text");
  Open();
  EXPECT_EQ(EnforcedDigest(file_, before_), std::nullopt);
}

TEST_F(ContentTest, TheKernelsDigestIsThatOfFsVerity) {
  Write("");
  Open();
  fsverity_enable_arg how{};
  how.version = 1;
  how.hash_algorithm = FS_VERITY_HASH_ALG_SHA256;
  how.block_size = 4096;
  if (::ioctl(file_.get(), FS_IOC_ENABLE_VERITY, &how) != 0) {
    GTEST_SKIP() << "no fs-verity here: error " << errno;
  }
  Open();
  const auto digest = EnforcedDigest(file_, before_);
  ASSERT_TRUE(digest.has_value());
  // Of an empty file, as fsverity(1) says it.
  EXPECT_EQ((*digest)[0], 0x3d);
  EXPECT_EQ((*digest)[31], 0x95);
}

}  // namespace
}  // namespace anchorage::client
