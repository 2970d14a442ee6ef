// image sign, show and export, with keys of files and of a token.

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "anchors/base/atomic_file.h"
#include "anchors/publishing/pkcs11/pkcs11_key.h"
#include "anchors/publishing/signer.h"
#include "test/fake_aws/der_writer.h"
#include "test/support/fake_producer.h"
#include "test/support/run_command.h"
#include "tools/trustctl/commands.h"
#include "verify/encoding/base64.h"
#include "verify/image/bundle.h"
#include "verify/image/manifest.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::json;
using test::FakeProducer;
using test::KeyType;
using test::MakeCertificate;
using test::SmallManifest;

std::string Path(const std::string& name) {
  return ::testing::TempDir() + "/" + name;
}

void Write(const std::string& name, std::string_view text) {
  std::ofstream(Path(name), std::ios::binary) << text;
  // Keys must be their owner's alone.
  std::filesystem::permissions(
      Path(name),
      std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

std::string Pem(const std::string& der) {
  return absl::StrCat("-----BEGIN CERTIFICATE-----\n", absl::Base64Escape(der),
                      "\n-----END CERTIFICATE-----\n");
}

// A PEM file of a new key on that curve, and its public half.
std::string NewKey(const char* curve, const std::string& name) {
  EVP_PKEY* const key = EVP_EC_gen(curve);
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  Write(name, {data, static_cast<std::size_t>(size)});
  unsigned char* spki = nullptr;
  const int spki_size = i2d_PUBKEY(key, &spki);
  const std::string der(reinterpret_cast<char*>(spki),
                        static_cast<std::size_t>(spki_size));
  OPENSSL_free(spki);
  BIO_free(bio);
  EVP_PKEY_free(key);
  return der;
}

class ImageBundle : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove(Path("bundle.json"));
    Write("manifest.json", *verify::SerializePredicate(SmallManifest()));
  }

  // Writes the chain of `producer`, whose signer has the key `spki`.
  void WriteChain(FakeProducer& producer, const std::string& spki) {
    producer.leaf.spki = spki;
    Write("chain.pem", Pem(MakeCertificate(producer.leaf)) +
                           Pem(MakeCertificate(producer.issuer)));
    Write("root.pem", Pem(MakeCertificate(producer.root)));
  }

  Ran Sign(const std::string& key, const std::vector<std::string>& more = {}) {
    std::vector<std::string> line = {"image",
                                     "sign",
                                     Path("manifest.json"),
                                     "--key",
                                     key,
                                     "--chain",
                                     Path("chain.pem"),
                                     "--out",
                                     Path("bundle.json"),
                                     "-o",
                                     "json"};
    line.insert(line.end(), more.begin(), more.end());
    return RunCommand(AddImage, line);
  }

  Ran Show(const std::vector<std::string>& more = {}) {
    std::vector<std::string> line = {"image", "show", Path("bundle.json"), "-o",
                                     "json"};
    line.insert(line.end(), more.begin(), more.end());
    return RunCommand(AddImage, line);
  }

  Ran Export(const std::string& format, const std::string& producer) {
    return RunCommand(
        AddImage, {"image", "export", Path("bundle.json"), "--format", format,
                   "--producer", Path(producer)});
  }

  // Signs with a new key.
  void SignGood() {
    FakeProducer producer;
    WriteChain(producer, NewKey("P-256", "key.pem"));
    const Ran ran = Sign(Path("key.pem"));
    ASSERT_EQ(ran.code, kAccepted) << ran.err;
  }
};

TEST_F(ImageBundle, IsSignedByFilesOfBothCurves) {
  for (const char* curve : {"P-256", "P-384"}) {
    FakeProducer producer(KeyType::kP384);
    WriteChain(producer, NewKey(curve, "key.pem"));
    const Ran ran = Sign(Path("key.pem"));
    ASSERT_EQ(ran.code, kAccepted) << curve << ran.err;
    EXPECT_EQ(json::parse(ran.out)["version"], "2026.11.30");
    const Ran shown = Show({"--producer", Path("root.pem")});
    ASSERT_EQ(shown.code, kAccepted) << shown.err;
    const json facts = json::parse(shown.out);
    EXPECT_EQ(facts["verified"], true);
    EXPECT_EQ(facts["producer"], "root");
    EXPECT_EQ(facts["signer"], "Example Build");
    EXPECT_EQ(facts["manifest_sha256"],
              json::parse(ran.out)["manifest_sha256"]);
    EXPECT_EQ(facts["pcr8"].get<std::string>().size(), 96u);
  }
}

TEST_F(ImageBundle, IsSignedByATokenOfBothCurves) {
  const std::string folder = Path("token");
  std::filesystem::create_directories(folder);
  std::ofstream(folder + ".conf")
      << "directories.tokendir = " << folder << "\n";
  setenv("SOFTHSM2_CONF", (folder + ".conf").c_str(), 1);
  constexpr char kModule[] = "/usr/lib/softhsm/libsofthsm2.so";
  const auto run = [](const std::string& command) {
    ASSERT_EQ(std::system((command + " >/dev/null 2>&1").c_str()), 0)
        << command;
  };
  run("softhsm2-util --init-token --free --label build --so-pin 1234 --pin "
      "4711");
  Write("pin", "4711\n");
  for (const char* curve : {"prime256v1", "secp384r1"}) {
    run(absl::StrCat("pkcs11-tool --module ", kModule,
                     " --login --pin 4711 --keypairgen --key-type EC:", curve,
                     " --label ", curve, " --id ",
                     curve == std::string("prime256v1") ? "01" : "02"));
    const std::string uri = absl::StrCat("pkcs11:token=build;object=", curve,
                                         "?module-path=", kModule);
    std::string spki;
    {
      const auto key = anchors::tuf::Pkcs11Key::Open(
          uri, "4711", anchors::tuf::KeyUse::kImages);
      ASSERT_TRUE(key.ok()) << key.status();
      spki = *verify::DecodePem(*(*key)->PublicPem(), "PUBLIC KEY");
    }
    FakeProducer producer;
    WriteChain(producer, spki);
    const Ran ran = Sign(uri, {"--passphrase-file", Path("pin")});
    ASSERT_EQ(ran.code, kAccepted) << curve << ran.err;
    EXPECT_EQ(Show({"--producer", Path("root.pem")}).code, kAccepted);
  }
}

TEST_F(ImageBundle, WhatNobodyWouldAcceptIsNotWritten) {
  const std::string spki = NewKey("P-256", "key.pem");
  const auto refused = [&](FakeProducer& producer) {
    WriteChain(producer, spki);
    const Ran ran = Sign(Path("key.pem"));
    EXPECT_FALSE(std::filesystem::exists(Path("bundle.json")));
    EXPECT_NE(ran.code, kAccepted);
    return ran.err;
  };
  FakeProducer purpose;
  purpose.leaf.Remove(test::kOidExtKeyUsage);
  EXPECT_NE(refused(purpose).find("SIGNER_PURPOSE"), std::string::npos);
  FakeProducer authority;
  *authority.leaf.Find(test::kOidBasicConstraints) =
      test::BasicConstraints(true);
  EXPECT_NE(refused(authority).find("SIGNER_IS_CA"), std::string::npos);
  FakeProducer expired(
      KeyType::kP256,
      absl::FromCivil(absl::CivilDay(2020, 1, 1), absl::UTCTimeZone()));
  EXPECT_NE(refused(expired).find("CERTIFICATE_EXPIRED"), std::string::npos);
}

TEST_F(ImageBundle, AManifestBeforeItsCertificatesIsSignedWithAWarning) {
  FakeProducer producer(KeyType::kP256, absl::Now() - absl::Hours(1));
  WriteChain(producer, NewKey("P-256", "key.pem"));
  verify::ImageManifest manifest = SmallManifest();
  manifest.time =
      absl::FromCivil(absl::CivilDay(2020, 1, 1), absl::UTCTimeZone());
  Write("manifest.json", *verify::SerializePredicate(manifest));
  const Ran ran = Sign(Path("key.pem"));
  EXPECT_EQ(ran.code, kAccepted) << ran.err;
  EXPECT_NE(ran.err.find("not offline"), std::string::npos);
  EXPECT_EQ(Show({"--producer", Path("root.pem")}).code, kStaleOrForAnother);
  EXPECT_EQ(Show().code, kAccepted) << "nobody is trusted, and no time";
}

TEST_F(ImageBundle, AKeyOfAnotherCertificateIsRefused) {
  FakeProducer producer;
  WriteChain(producer, NewKey("P-256", "key.pem"));
  NewKey("P-256", "other.pem");
  EXPECT_NE(Sign(Path("other.pem")).code, kAccepted);
  EXPECT_FALSE(std::filesystem::exists(Path("bundle.json")));
}

TEST_F(ImageBundle, AChangedManifestIsNotSigned) {
  FakeProducer producer;
  WriteChain(producer, NewKey("P-256", "key.pem"));
  Write("manifest.json", *verify::SerializePredicate(SmallManifest()) + "\n");
  const Ran ran = Sign(Path("key.pem"));
  EXPECT_EQ(ran.code, kUnreadable);
  EXPECT_NE(ran.err.find("MANIFEST_NOT_CANONICAL"), std::string::npos);
}

TEST_F(ImageBundle, IsShownUnverifiedWithoutAProducer) {
  SignGood();
  const Ran shown = Show();
  ASSERT_EQ(shown.code, kAccepted) << shown.err;
  EXPECT_EQ(json::parse(shown.out)["verified"], false);
  const Ran text = RunCommand(AddImage, {"image", "show", Path("bundle.json")});
  EXPECT_NE(text.out.find("UNVERIFIED: nobody trusted was named"),
            std::string::npos);
  EXPECT_EQ(Show({"--at", "2026-11-30T00:00:00Z"}).code, kUsage);
}

TEST_F(ImageBundle, ACorruptedOneIsNotShown) {
  SignGood();
  auto bundle = verify::ReadBundle(
      *anchors::ReadFile(Path("bundle.json"), verify::kMaxBundleBytes));
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  absl::StrReplaceAll({{"ledger", "lodger"}}, &bundle->payload);
  Write("bundle.json", verify::WriteBundle(*bundle));
  const Ran shown = Show();
  EXPECT_EQ(shown.code, kNotFromAws);
  EXPECT_EQ(shown.out, "");
  EXPECT_NE(shown.err.find("SIGNATURE_MISMATCH"), std::string::npos);
}

TEST_F(ImageBundle, OneThatNobodySignedIsToldOf) {
  SignGood();
  for (const std::vector<std::string>& line :
       {std::vector<std::string>{"show", Path("manifest.json")},
        {"export", Path("manifest.json"), "--format", "spdx", "--producer",
         Path("root.pem")},
        {"verify", ::testing::TempDir(), "--manifest", Path("manifest.json"),
         "--producer", Path("root.pem")}}) {
    std::vector<std::string> words = {"image"};
    words.insert(words.end(), line.begin(), line.end());
    const Ran ran = RunCommand(AddImage, words);
    EXPECT_EQ(ran.code, kUnreadable);
    EXPECT_NE(ran.err.find("hint: this is an unsigned manifest: sign it with "
                           "trustctl image sign"),
              std::string::npos)
        << ran.err;
  }
}

TEST_F(ImageBundle, IsExportedForAProducerAlone) {
  SignGood();
  FakeProducer other;
  other.root.subject = test::NameOf("Other");
  Write("other.pem", Pem(MakeCertificate(other.root)));
  EXPECT_EQ(Export("spdx", "other.pem").code, kNotFromAws);
  EXPECT_EQ(RunCommand(AddImage, {"image", "export", Path("bundle.json"),
                                  "--format", "spdx"})
                .code,
            kUsage);
}

TEST_F(ImageBundle, ExportsForKeylime) {
  SignGood();
  const Ran ran = Export("keylime", "root.pem");
  ASSERT_EQ(ran.code, kAccepted) << ran.err;
  const json policy = json::parse(ran.out);
  EXPECT_EQ(policy["meta"]["version"], 1);
  EXPECT_EQ(policy["digests"].size(), 3u);
  EXPECT_EQ(
      policy["digests"]["/usr/bin/su"],
      json::array({absl::StrReplaceAll(std::string(32, 'Z'), {{"Z", "5a"}})}));
  EXPECT_EQ(policy["excludes"],
            json::array({"^/var/cache(/.*)?$", "^/var/log(/.*)?$"}));
}

TEST_F(ImageBundle, ExportsForFapolicyd) {
  SignGood();
  const Ran ran = Export("fapolicyd", "root.pem");
  ASSERT_EQ(ran.code, kAccepted) << ran.err;
  const std::string digest =
      absl::StrReplaceAll(std::string(32, 'Z'), {{"Z", "5a"}});
  EXPECT_EQ(ran.out, absl::StrCat("# AUTOGENERATED FILE VERSION 2\n"
                                  "/etc/motd%20\"x\\y\" 7 ",
                                  digest, "\n/usr/bin/ping 90568 ", digest,
                                  "\n/usr/bin/su 72000 ", digest, "\n"));
}

TEST_F(ImageBundle, ExportsForSpdx) {
  SignGood();
  const Ran ran = Export("spdx", "root.pem");
  ASSERT_EQ(ran.code, kAccepted) << ran.err;
  const json document = json::parse(ran.out);
  EXPECT_EQ(document["spdxVersion"], "SPDX-2.3");
  EXPECT_EQ(document["name"], "ledger-2026.11.30");
  ASSERT_EQ(document["files"].size(), 3u);
  EXPECT_EQ(document["files"][1]["fileName"], "./usr/bin/ping");
  EXPECT_EQ(document["files"][1]["fileTypes"], json::array({"BINARY"}));
  EXPECT_EQ(document["files"][1]["checksums"][0]["algorithm"], "SHA256");
  EXPECT_EQ(document["relationships"].size(), 4u);
}

TEST_F(ImageBundle, SaysHowManyNamesAFormatCannotWrite) {
  verify::ImageManifest manifest = SmallManifest();
  manifest.entries.back() = {.name = "usr/lib/\xff\n.so", .mode = 0644};
  Write("manifest.json", *verify::SerializePredicate(manifest));
  SignGood();
  for (const char* format : {"keylime", "fapolicyd", "spdx"}) {
    const Ran ran = Export(format, "root.pem");
    EXPECT_EQ(ran.code, kAccepted) << ran.err;
    EXPECT_NE(ran.err.find("1 files are left out"), std::string::npos);
  }
}

}  // namespace
}  // namespace anchorage::trustctl
