#include "client/image/mounts.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace anchorage::client {
namespace {

TEST(MountsTest, ReadsWhatTheKernelSays) {
  const auto mounts = ParseMounts(
      "1 0 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
      "2 1 0:5 / /a\\040b\\012c rw,nosuid,nodev,noexec shared:2 master:1 - "
      "tmpfs "
      "none "
      "rw\n"
      "3 1 0:6 / /o ro - overlay overlay "
      "rw,lowerdir=/l,upperdir=/u\\134,p\\040x,workdir=/w\n"
      "4 1 0:7 / /e rw - overlay overlay rw,lowerdir=/a:/b\n");
  ASSERT_TRUE(mounts.ok()) << mounts.status();
  ASSERT_EQ(mounts->size(), 4u);
  EXPECT_EQ((*mounts)[0].device, "254:0");
  EXPECT_TRUE((*mounts)[0].exec && (*mounts)[0].suid && (*mounts)[0].dev);
  EXPECT_FALSE((*mounts)[0].read_only);
  EXPECT_EQ((*mounts)[1].point, "/a b\nc");
  EXPECT_FALSE((*mounts)[1].exec || (*mounts)[1].suid || (*mounts)[1].dev);
  EXPECT_EQ((*mounts)[2].type, "overlay");
  EXPECT_EQ((*mounts)[2].upper, "/u,p x");
  EXPECT_TRUE((*mounts)[2].read_only);
  EXPECT_EQ((*mounts)[3].upper, "");
}

TEST(MountsTest, RefusesWhatIsNotInTheForm) {
  for (const std::string_view text :
       {"\n", "1 0 254:0 / / rw - ", "1 0 254:0 / x rw - ext4 a rw",
        "1 0 254 / / rw - ext4 a rw", "1 0 254:0 / / rw"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseMounts(text).status())) << text;
  }
}

TEST(MountsTest, AreBounded) {
  std::string text;
  for (std::size_t i = 0; i <= kMaxMounts; ++i)
    text += "1 0 1:1 / /a rw - t a rw\n";
  EXPECT_TRUE(absl::IsResourceExhausted(ParseMounts(text).status()));
}

TEST(MountsTest, TheLastMountAtThePathCounts) {
  const std::vector<Mount> mounts = {
      {.device = "1:0", .point = "/", .type = "a"},
      {.device = "1:1", .point = "/b", .type = "a"},
      {.device = "1:2", .point = "/b", .type = "a"},
      {.device = "1:3", .point = "/bc", .type = "a"}};
  EXPECT_EQ(MountOf(mounts, "/b/c")->device, "1:2");
  EXPECT_EQ(MountOf(mounts, "/b")->device, "1:2");
  EXPECT_EQ(MountOf(mounts, "/c")->device, "1:0");
  EXPECT_EQ(MountOf({}, "/c"), nullptr);
}

TEST(MountsTest, PathsBelowAFolder) {
  std::string_view relative;
  EXPECT_TRUE(RelativeTo("/", "/a/b", relative));
  EXPECT_EQ(relative, "a/b");
  EXPECT_TRUE(RelativeTo("/a", "/a", relative));
  EXPECT_EQ(relative, "");
  EXPECT_FALSE(RelativeTo("/a", "/ab", relative));
  EXPECT_FALSE(RelativeTo("/a/b", "/a", relative));
}

TEST(MountsTest, ThisProcessHasARoot) {
  const auto mounts = MountsSeen();
  ASSERT_TRUE(mounts.ok()) << mounts.status();
  EXPECT_NE(MountOf(*mounts, "/"), nullptr);
}

}  // namespace
}  // namespace anchorage::client
