#include "trustd/console/password.h"

#include <crypt.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/strings/escaping.h"
#include "anchors/base/atomic_file.h"

namespace anchorage::trustd {
namespace {

using Verdict = Password::Verdict;

constexpr absl::Duration kNow = absl::Hours(1);

std::string HashOf(const std::string& password, int cost) {
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];
  EXPECT_NE(crypt_gensalt_rn("$2b$", static_cast<unsigned long>(cost),
                             "0123456789abcdef", 16, setting, sizeof(setting)),
            nullptr);
  crypt_data room{};
  return crypt_r(password.c_str(), setting, &room);
}

std::string WriteHash(const std::string& hash) {
  const std::string path = ::testing::TempDir() + "/hash";
  std::filesystem::remove(path);
  EXPECT_TRUE(anchors::WriteFileAtomically(path, hash).ok());
  std::filesystem::permissions(path, std::filesystem::perms::owner_read |
                                         std::filesystem::perms::owner_write);
  return path;
}

std::unique_ptr<Password> Load() {
  static const std::string kHash = HashOf("correct horse", 10);
  auto password = Password::Load("night", WriteHash(kHash + "\n"));
  EXPECT_TRUE(password.ok()) << password.status();
  return *std::move(password);
}

std::string Basic(const std::string& credentials) {
  return "Basic " + absl::Base64Escape(credentials);
}

IpAddress Peer(const char* address) { return *IpAddress::Parse(address); }
const IpAddress kPeer = Peer("192.0.2.1");

TEST(Password, TakesTheOneReader) {
  const auto password = Load();
  EXPECT_EQ(password->Check(Basic("night:correct horse"), kPeer, kNow),
            Verdict::kGood);
  EXPECT_EQ(password->Check(" basic " + absl::Base64Escape("night:correct "
                                                           "horse"),
                            kPeer, kNow),
            Verdict::kGood);
}

TEST(Password, RefusesEverybodyElse) {
  const auto password = Load();
  EXPECT_EQ(password->Check(Basic("night:wrong"), kPeer, kNow), Verdict::kBad);
  EXPECT_EQ(password->Check(Basic("day:correct horse"), kPeer, kNow),
            Verdict::kBad);
  EXPECT_EQ(password->Check(Basic("night:"), kPeer, kNow), Verdict::kBad);
}

TEST(Password, RefusesWhatIsNoCredential) {
  const auto password = Load();
  const std::string nul("night:correct horse\0", 20);
  for (const std::string& text :
       {std::string(), std::string("Basic"), std::string("Basic ???"),
        std::string("Bearer night:correct horse"), Basic("night"), Basic(nul),
        Basic("night:correct horse" + std::string(72, 'x')),
        Basic(std::string(4096, 'x'))}) {
    // As often as one likes: it costs nothing.
    EXPECT_EQ(password->Check(text, kPeer, kNow), Verdict::kBad) << text;
  }
}

TEST(Password, IsNotGuessedOften) {
  const auto password = Load();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(password->Check(Basic("night:guess"), kPeer, kNow),
              Verdict::kBad);
  }
  EXPECT_EQ(password->Check(Basic("night:guess"), kPeer, kNow),
            Verdict::kTooOften);
  // Not even the right one is tried.
  EXPECT_EQ(password->Check(Basic("night:correct horse"), kPeer, kNow),
            Verdict::kTooOften);
  EXPECT_EQ(password->Check(Basic("night:correct horse"), kPeer,
                            kNow + absl::Seconds(10)),
            Verdict::kGood);
}

TEST(Password, WhoGuessesKeepsNobodyOut) {
  const auto password = Load();
  EXPECT_EQ(password->Check(Basic("night:correct horse"), kPeer, kNow),
            Verdict::kGood);
  for (int i = 0; i < 8; ++i) {
    password->Check(Basic("night:guess"), kPeer, kNow);
  }
  // Who was here before, and who comes from elsewhere.
  EXPECT_EQ(password->Check(Basic("night:correct horse"), kPeer, kNow),
            Verdict::kGood);
  EXPECT_EQ(password->Check(Basic("night:guess"), Peer("192.0.2.2"), kNow),
            Verdict::kBad);
}

TEST(Password, NeedsAHashThatTakesTime) {
  for (const std::string& hash : {HashOf("a", 9), std::string("$6$salt$hash"),
                                  std::string("a"), std::string()}) {
    EXPECT_EQ(Password::Load("night", WriteHash(hash)).status().code(),
              absl::StatusCode::kInvalidArgument)
        << hash;
  }
}

TEST(Password, NeedsAFileThatOthersCannotRead) {
  const std::string path = WriteHash(HashOf("a", 10));
  std::filesystem::permissions(path, std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_EQ(Password::Load("night", path).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace anchorage::trustd
