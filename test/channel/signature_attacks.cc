// Signatures that do not count, and files that nobody signed.

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/str_replace.h"
#include "anchors/catalog.h"
#include "test/channel/channel_test.h"
#include "verify/encoding/json.h"

// The linker sends every use of getenv() in this program's own objects here.
extern "C" {
char* __real_getenv(const char* name);
char* __real_secure_getenv(const char* name);
char* __wrap_getenv(const char* name);
char* __wrap_secure_getenv(const char* name);
}

namespace {
int environment_reads = 0;
}

char* __wrap_getenv(const char* name) {
  ++environment_reads;
  return __real_getenv(name);
}

char* __wrap_secure_getenv(const char* name) {
  ++environment_reads;
  return __real_secure_getenv(name);
}

namespace anchorage::test {
namespace {

namespace tuf = anchors::tuf;
using tuf::KeyPtr;
using tuf::TufReason;

// The same key in an object with one more member, hence with another id.
tuf::TufKey TwinOf(const tuf::TufKey& key) {
  const auto json = verify::ParseJson(
      absl::StrReplaceAll(key.json(), {{"\"scheme\"", "\"x\":1,\"scheme\""}}),
      {.max_bytes = 4096});
  return *tuf::TufKey::Parse(*json);
}

TEST_P(ChannelTest, b01TheSameSignatureTwiceCountsOnce) {
  repository().AddKey("timestamp", repository().NewKey());
  repository().root.timestamp.threshold = 2;
  repository().Publish({"root"});
  Begin();
  repository().signers["timestamp"].pop_back();
  repository().Publish({"timestamp"});
  const std::string once = servers_->Newest("timestamp");
  ExpectRefused(TufReason::kThresholdNotMet);
  const std::string signature = SignaturesOf(once);
  servers_->Serve("timestamp",
                  WithSignatures(once, signature + "," + signature));
  ExpectRefused(TufReason::kDuplicateSignatureKeyId);
}

TEST_P(ChannelTest, b02TheSameKeyUnderTwoIdsCountsOnce) {
  const KeyPtr key = repository().signers["timestamp"][0];
  const tuf::TufKey twin = TwinOf(key->public_key());
  ASSERT_NE(twin.keyid(), key->public_key().keyid());
  const KeyPtr other = repository().NewKey();
  const KeyPtr place = repository().NewKey();
  repository().AddKey("timestamp", other);
  repository().AddKey("timestamp", place);
  repository().root.timestamp.threshold = 2;
  repository().signers["timestamp"] = {key, other};
  repository().Publish({"root"});
  // Our writer refuses to publish such a root, so it is made of one like it.
  servers_->Serve(
      "root", tuf::SignJson(absl::StrReplaceAll(
                                SignedPart(servers_->Newest("root")),
                                {{place->public_key().json(), twin.json()},
                                 {place->public_key().keyid(), twin.keyid()}}),
                            repository().signers["root"]));
  Begin();
  repository().signers["timestamp"] = {key};
  repository().Publish({"timestamp"});
  const std::string once = servers_->Newest("timestamp");
  const std::string signature = SignaturesOf(once);
  const std::string by_twin = absl::StrReplaceAll(
      signature, {{key->public_key().keyid(), twin.keyid()}});
  servers_->Serve("timestamp", WithSignatures(once, signature + "," + by_twin));
  ExpectRefused(TufReason::kThresholdNotMet);
}

TEST_P(ChannelTest, b03AThresholdOfZeroOrLess) {
  for (const char* threshold : {"\"threshold\":0", "\"threshold\":-1"}) {
    StartAgain();
    Begin();
    repository().Publish({"root"});
    repository().metadata["2.root.json"] = tuf::SignJson(
        absl::StrReplaceAll(SignedPart(repository().published("root", 2)),
                            {{"\"threshold\":1", threshold}}),
        repository().signers["root"]);
    ExpectRefused(TufReason::kThresholdInvalid);
  }
}

// Publishes one more of everything, the file of `role` without a signature
// that verifies, and expects that it and what follows is not stored.
TEST_P(ChannelTest, b07WhatIsNotVerifiedIsNotStored) {
  const std::vector<std::string> order = {"timestamp", "snapshot", "targets"};
  for (std::size_t bad = 0; bad < order.size(); ++bad) {
    StartAgain();
    Begin();
    servers_->PublishCatalog(kSequence + 1);
    servers_->Serve(order[bad],
                    WithSpoiltSignature(servers_->Newest(order[bad])));
    ExpectRefused(TufReason::kThresholdNotMet,
                  Signed({order.begin(), order.begin() + bad}));
  }
}

TEST_P(ChannelTest, b07ARootThatIsNotVerifiedIsNotStored) {
  Begin();
  repository().Publish({"root"});
  std::string& next = repository().metadata["2.root.json"];
  next = WithSpoiltSignature(next);
  ExpectRefused(TufReason::kThresholdNotMet);
}

TEST_P(ChannelTest, b07ACatalogThatIsNotVerifiedIsNotStored) {
  Begin();
  servers_->PublishCatalog(kSequence + 1);
  std::string catalog = CatalogOf(kSequence + 1);
  catalog[catalog.size() / 2] ^= 1;
  servers_->ServeCatalog(catalog);
  ExpectRefused(TufReason::kTargetHashMismatch,
                Signed({"timestamp", "snapshot", "targets"}));
}

// Another vendor's repository, or our own of another environment: nothing in a
// bundle says whose it is, but for the keys.
TEST_P(ChannelTest, b16ABundleOfAnotherEnvironment) {
  Begin();
  tuf::RepositorySimulator other(kNow);
  for (const char* role : {"root", "timestamp", "snapshot", "targets"}) {
    for (int i = 0; i < 10; ++i) other.NewKey();
    other.RotateKeys(role);
  }
  other.AddTarget("targets", std::string(anchors::kCatalogTargetPath),
                  CatalogOf(9));
  other.Publish({"root", "targets", "snapshot", "timestamp"});
  repository().metadata = other.metadata;
  repository().files = other.files;
  // With its root, which the trusted one did not sign.
  ExpectRefused(TufReason::kThresholdNotMet);
  // Without it.
  std::erase_if(repository().metadata, [](const auto& file) {
    return file.first.ends_with("root.json");
  });
  ExpectRefused(TufReason::kThresholdNotMet);
}

TEST_P(ChannelTest, b16TargetsOfAnotherEnvironmentUnderTheSameOnlineKeys) {
  Begin();
  repository().signers["targets"] = {repository().NewKey()};
  servers_->PublishCatalog(9);
  ExpectRefused(TufReason::kThresholdNotMet, Signed({"timestamp", "snapshot"}));
}

// A rotation needs nobody who switches anything off: a root that both the old
// and the new keys sign leads over.
TEST_P(ChannelTest, b19ARotationNeedsNoSwitch) {
  Begin();
  for (const char* role : {"targets", "snapshot", "timestamp"}) {
    repository().RotateKeys(role);
  }
  const KeyPtr next = repository().NewKey();
  repository().root.root.keys = {next->public_key()};
  repository().signers["root"].push_back(next);
  repository().Publish({"root"});
  servers_->PublishCatalog(kSequence + 1);
  const absl::Status status = Refresh();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(client_->state().provenance.sequence, kSequence + 1);
}

// And there is none to switch: with every option at its most lenient, and
// whatever the environment says, which nobody reads.
TEST_P(ChannelTest, b19NothingSwitchesVerificationOff) {
  Begin();
  repository().signers["timestamp"] = {repository().NewKey()};
  servers_->PublishCatalog(kSequence + 1);
  client::TrustClientOptions options = Options();
  options.max_stale = absl::Hours(365 * 24);
  options.identity_when_expired = client::WhenExpired::kServeLastGood;
  options.attestation_when_expired = client::WhenExpired::kServeLastGood;
  options.plaintext = true;
  options.cache_folder += "-lenient";
  options.refresh_interval = absl::Hours(24 * 365);
  environment_reads = 0;
  const auto lenient = Make(std::move(options));
  EXPECT_EQ(tuf::TufReasonOf(lenient->Refresh()), TufReason::kThresholdNotMet);
  EXPECT_EQ(lenient->state().provenance.origin, verify::Origin::kBakedIn);
  EXPECT_EQ(environment_reads, 0);
  ExpectRefused(TufReason::kThresholdNotMet);
}

}  // namespace
}  // namespace anchorage::test
