#include "client/image/protection.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "client/image/mounts.h"

namespace anchorage::client {
namespace {

namespace fs = std::filesystem;

class ProtectionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/anchorage-protection-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    system_ = name;
  }
  void TearDown() override { fs::remove_all(system_); }

  void Say(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(system_ + path).parent_path());
    std::ofstream(system_ + path) << text;
  }
  Protection Of(const std::string& name) {
    const auto all = KernelProtections("/", system_);
    EXPECT_TRUE(all.ok()) << all.status();
    for (const Protection& p : *all) {
      if (p.name == name) return p;
    }
    ADD_FAILURE() << "there is no " << name;
    return {};
  }

  std::string system_;
};

TEST_F(ProtectionTest, NothingIsOnWhereTheKernelSaysNothing) {
  const auto all = KernelProtections("/", system_);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->size(), 6u);
  for (const Protection& p : *all) EXPECT_FALSE(p.on) << p.name;
}

TEST_F(ProtectionTest, DmVerity) {
  const auto mounts = MountsSeen();
  ASSERT_TRUE(mounts.ok());
  const std::string uuid =
      "/sys/dev/block/" + MountOf(*mounts, "/")->device + "/dm/uuid";
  Say(uuid, "CRYPT-VERITY-00ff-root\n");
  EXPECT_TRUE(Of("dm-verity").on);
  Say(uuid, "LVM-x\n");
  EXPECT_FALSE(Of("dm-verity").on);
}

TEST_F(ProtectionTest, Ipe) {
  Say("/sys/kernel/security/ipe/enforce", "1");
  EXPECT_TRUE(Of("IPE").on);
  Say("/sys/kernel/security/ipe/enforce", "0");
  EXPECT_FALSE(Of("IPE").on);
}

TEST_F(ProtectionTest, ImaAppraisesOnlyWhereItEnforces) {
  Say("/sys/kernel/security/ima/runtime_measurements_count", "17\n");
  EXPECT_FALSE(Of("IMA").on);
  EXPECT_NE(Of("IMA").state.find("17"), std::string::npos);
  const std::string policy = "/sys/kernel/security/ima/policy";
  Say("/proc/cmdline", "quiet ima_appraise=enforce\n");
  EXPECT_FALSE(Of("IMA").on) << "no policy";
  Say(policy, "measure func=BPRM_CHECK\ndont_appraise fsmagic=0x9fa0\n");
  EXPECT_FALSE(Of("IMA").on);
  Say(policy, "dont_measure fsmagic=0x9fa0\nappraise func=BPRM_CHECK\n");
  EXPECT_TRUE(Of("IMA").on);
  Say("/proc/cmdline", "ima_appraise=enforce ima_appraise=log\n");
  EXPECT_FALSE(Of("IMA").on);
  Say("/proc/cmdline", "not_ima_appraise=enforce\n");
  EXPECT_FALSE(Of("IMA").on);
}

TEST_F(ProtectionTest, Lockdown) {
  Say("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
  EXPECT_TRUE(Of("lockdown").on);
  Say("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
  EXPECT_FALSE(Of("lockdown").on);
  Say("/sys/kernel/security/lockdown", "]integrity[\n");
  EXPECT_FALSE(Of("lockdown").on);
}

TEST_F(ProtectionTest, ModuleSignaturesAndFsVerity) {
  Say("/sys/module/module/parameters/sig_enforce", "Y\n");
  EXPECT_TRUE(Of("module signatures").on);
  Say("/proc/sys/fs/verity/require_signatures", "1\n");
  EXPECT_TRUE(Of("fs-verity").on);
  Say("/proc/sys/fs/verity/require_signatures", "0\n");
  EXPECT_FALSE(Of("fs-verity").on);
}

TEST_F(ProtectionTest, WhatIsSaidIsPrintable) {
  Say("/sys/kernel/security/lockdown", "[in\x1btegrity]");
  for (const char c : Of("lockdown").state) EXPECT_GE(c, ' ');
}

}  // namespace
}  // namespace anchorage::client
