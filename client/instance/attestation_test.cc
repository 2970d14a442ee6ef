#include "client/instance/attestation.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>

#include "absl/time/clock.h"
#include "client/instance/instance_error.h"
#include "test/fake_aws/fake_nitro.h"
#include "verify/attestation/attestation_verifier.h"

namespace anchorage::client {
namespace {

constexpr char kNoDevice[] = "/dev/null/nsm";

AttestationOptions OnAnInstance() {
  AttestationOptions options;
  options.program =
      std::filesystem::canonical("test/support/fake_nitro_tpm_attest");
  options.nsm_device = kNoDevice;
  return options;
}

int Refuse(int, unsigned long, void*) {
  errno = EPERM;
  return -1;
}

std::optional<InstanceReason> ReasonOf(const AttestationOptions& options) {
  return InstanceReasonOf(Attest({}, options).status());
}

TEST(Attest, AsksTheProgramOnAnInstance) {
  const auto attested = Attest({}, OnAnInstance());
  ASSERT_TRUE(attested.ok()) << attested.status();
  EXPECT_EQ(attested->source, AttestationSource::kProgram);
  EXPECT_EQ(NameOf(attested->source), "program");
}

TEST(Attest, AsksTheDeviceAloneWhereThereIsOne) {
  AttestationOptions options = OnAnInstance();
  options.nsm_device = "/dev/null";
  options.ioctl = Refuse;
  EXPECT_EQ(ReasonOf(options), InstanceReason::kAttestationForbidden);
}

TEST(Attest, SaysWhereNeitherIsThere) {
  AttestationOptions options = OnAnInstance();
  options.program = "/none/nitro-tpm-attest";
  EXPECT_EQ(ReasonOf(options), InstanceReason::kAttestationAbsent);
}

TEST(Attest, MistakesAreTheCallers) {
  AttestationOptions options = OnAnInstance();
  for (const absl::Duration timeout :
       {absl::ZeroDuration(), -absl::Seconds(1), absl::Minutes(11),
        absl::InfiniteDuration()}) {
    options.timeout = timeout;
    EXPECT_EQ(Attest({}, options).status().code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ReasonOf(options), std::nullopt);
  }
}

TEST(AttestNewKey, AttestsAKeyThatKmsCanEncryptTo) {
  const auto made = AttestNewKey({.nonce = "nonce"}, OnAnInstance());
  ASSERT_TRUE(made.ok()) << made.status();
  const auto policy = verify::NitroTpmPolicy::Builder()
                          .ExpectNonce("nonce")
                          .ExpectPublicKey(made->key.public_key())
                          .IgnoreTheRest("a test")
                          .Build();
  const auto anchors =
      verify::AnchorSet::Create({test::FakeNitro().RootAnchor()}, {});
  const auto verified =
      verify::VerifyNitroTpm(made->attested.document, **anchors, *policy,
                             absl::Now(), nullptr, nullptr);
  EXPECT_TRUE(verified.ok()) << verified.status();
}

TEST(AttestNewKey, ChoosesTheKeyItself) {
  const auto made = AttestNewKey({.public_key = "key"}, OnAnInstance());
  EXPECT_EQ(made.status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace anchorage::client
