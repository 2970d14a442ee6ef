#include "anchors/tuf/file_hash.h"

#include <gtest/gtest.h>

#include <cctype>
#include <cstddef>

#include "anchors/tuf/tuf_error.h"
#include "test/support/tuf_test_matchers.h"

namespace anchorage::anchors::tuf {
namespace {

// Published values of "abc" (FIPS 180-4).
constexpr char kSha256[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char kSha384[] =
    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
    "8086072ba1e7cc2358baeca134c825a7";
constexpr char kSha512[] =
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

Target Good() {
  Target target;
  target.length = 3;
  target.hashes = {
      {"sha512", kSha512}, {"sha384", kSha384}, {"sha256", kSha256}};
  return target;
}

TEST(FileHashTest, AcceptsAFileWithAllItsHashes) {
  EXPECT_THAT(VerifyTargetBytes(Good(), "abc"), IsOk());
}

TEST(FileHashTest, AcceptsUpperCaseHex) {
  Target target = Good();
  for (char& c : target.hashes[0].hex) c = static_cast<char>(std::toupper(c));
  EXPECT_THAT(VerifyTargetBytes(target, "abc"), IsOk());
}

TEST(FileHashTest, RefusesAFileIfAnyHashIsAnother) {
  for (std::size_t i = 0; i < Good().hashes.size(); ++i) {
    Target target = Good();
    target.hashes[i].hex[0] ^= 1;
    EXPECT_THAT(VerifyTargetBytes(target, "abc"),
                RejectedFor(TufReason::kTargetHashMismatch));
  }
}

TEST(FileHashTest, RefusesATruncatedHash) {
  Target target = Good();
  target.hashes[0].hex.resize(2);
  EXPECT_THAT(VerifyTargetBytes(target, "abc"),
              RejectedFor(TufReason::kTargetHashMismatch));
}

TEST(FileHashTest, RefusesAnUnknownAlgorithmThoughOthersMatch) {
  for (const char* algorithm : {"md5", "sha1", "SHA256", ""}) {
    Target target = Good();
    target.hashes.push_back({algorithm, "00"});
    EXPECT_THAT(VerifyTargetBytes(target, "abc"),
                RejectedFor(TufReason::kHashAlgorithmUnknown));
  }
}

TEST(FileHashTest, RefusesAnotherLength) {
  Target target = Good();
  target.length = 4;
  EXPECT_THAT(VerifyTargetBytes(target, "abc"),
              RejectedFor(TufReason::kTargetLengthMismatch));
}

TEST(FileHashTest, ComparesAMetadataFileAsFarAsItIsDescribed) {
  MetaFile file;
  EXPECT_THAT(VerifyMetaFile(file, "abc"), IsOk());
  file.length = 3;
  EXPECT_THAT(VerifyMetaFile(file, "abc"), IsOk());
  EXPECT_THAT(VerifyMetaFile(file, "ab"),
              RejectedFor(TufReason::kLengthMismatch));
  file.hashes = {{"sha256", kSha256}};
  EXPECT_THAT(VerifyMetaFile(file, "abc"), IsOk());
  EXPECT_THAT(VerifyMetaFile(file, "abd"),
              RejectedFor(TufReason::kHashMismatch));
}

}  // namespace
}  // namespace anchorage::anchors::tuf
