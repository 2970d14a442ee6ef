// Keys of a token. SoftHSM is the token: a PKCS #11 library of its own, that
// keeps its objects in a folder.

#include "anchors/publishing/pkcs11/pkcs11_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "anchors/tuf/tuf_error.h"
#include "test/support/tuf_test_matchers.h"

namespace anchorage::anchors::tuf {
namespace {

constexpr char kModule[] = "/usr/lib/softhsm/libsofthsm2.so";
constexpr char kPin[] = "4711";

void RunCommand(const std::string& command) {
  ASSERT_EQ(std::system((command + " >/dev/null 2>&1").c_str()), 0) << command;
}

class Pkcs11KeyTest : public testing::Test {
 protected:
  // One token with a P-256 key "alice", an RSA key "bob" and a P-384 key
  // "carol" for all tests: the engine starts the module once.
  static void SetUpTestSuite() {
    const std::string folder = testing::TempDir() + "token";
    std::filesystem::create_directories(folder);
    std::ofstream(folder + ".conf")
        << "directories.tokendir = " << folder << "\n";
    setenv("SOFTHSM2_CONF", (folder + ".conf").c_str(), 1);
    RunCommand(
        absl::StrCat("softhsm2-util --init-token --free --label anchorage "
                     "--so-pin 1234 --pin ",
                     kPin));
    const auto generate = [](const char* type, const char* label,
                             const char* id) {
      RunCommand(absl::StrCat(
          "pkcs11-tool --module ", kModule, " --login --pin ", kPin,
          " --keypairgen --key-type ", type, " --label ", label, " --id ", id));
    };
    generate("EC:prime256v1", "alice", "01");
    generate("rsa:2048", "bob", "02");
    generate("EC:secp384r1", "carol", "03");
  }

  static std::string Uri(std::string_view object) {
    return absl::StrCat("pkcs11:token=anchorage;object=",
                        absl::string_view(object.data(), object.size()),
                        "?module-path=", kModule);
  }
};

TEST_F(Pkcs11KeyTest, SignsInTheToken) {
  for (const char* object : {"alice", "bob"}) {
    const auto key = Pkcs11Key::Open(Uri(object), kPin);
    ASSERT_TRUE(key.ok()) << key.status();
    const auto signature = (*key)->Sign("message");
    ASSERT_TRUE(signature.ok()) << signature.status();
    EXPECT_TRUE((*key)->public_key().Verify("message", *signature)) << object;
    EXPECT_FALSE((*key)->public_key().Verify("massage", *signature)) << object;
  }
}

TEST_F(Pkcs11KeyTest, GivesThePublicKeyThatOthersRead) {
  const auto key = Pkcs11Key::Open(Uri("alice"), kPin);
  ASSERT_TRUE(key.ok()) << key.status();
  const auto pem = (*key)->PublicPem();
  ASSERT_TRUE(pem.ok()) << pem.status();
  const auto read = ReadPublicKeyPem(*pem);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->keyid(), (*key)->public_key().keyid());
}

TEST_F(Pkcs11KeyTest, RefusesAKeyThatTufDoesNotKnow) {
  EXPECT_THAT(Pkcs11Key::Open(Uri("carol"), kPin),
              RejectedFor(TufReason::kSigningKeyUnsupported));
}

TEST_F(Pkcs11KeyTest, SignsImagesOnP384) {
  const auto key = Pkcs11Key::Open(Uri("carol"), kPin, KeyUse::kImages);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_TRUE((*key)->Sign("message").ok());
}

TEST_F(Pkcs11KeyTest, RefusesAnObjectThatIsNotThere) {
  EXPECT_THAT(Pkcs11Key::Open(Uri("dave"), kPin),
              RejectedFor(TufReason::kSigningKeyUnreadable));
}

TEST(Pkcs11Uri, IsToldFromAFile) {
  EXPECT_TRUE(IsPkcs11Uri("pkcs11:object=alice"));
  EXPECT_FALSE(IsPkcs11Uri("alice.pem"));
}

}  // namespace
}  // namespace anchorage::anchors::tuf
