#include "verify/attestation/module_name.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "test/fake_aws/keys.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

constexpr std::string_view kModule = "i-0123abcd-enc0456";

Certificate Named(std::optional<std::string_view> common_name) {
  Certificate certificate;
  certificate.common_name = common_name;
  return certificate;
}

std::optional<Reason> DecideLeaf(std::optional<std::string_view> name) {
  return ReasonOf(RegionOfLeaf(Named(name), kModule).status());
}

absl::Status DecideAuthorities(const std::vector<std::string_view>& names) {
  VerifiedChain chain{.root = nullptr,
                      .certificates = {},
                      .leaf_key = *PublicKey::FromP384Point(
                          test::TestKey::Derived(test::KeyType::kP384, "leaf")
                              .public_key_bytes())};
  for (const std::string_view name : names) {
    chain.certificates.push_back(Named(name));
  }
  return CheckAuthorityNames(chain, kModule, "us-east-1");
}

TEST(InstanceId, IsTheFirstPartOfTheModule) {
  EXPECT_EQ(InstanceIdOf("i-0123abcd-enc0456"), "i-0123abcd");
  EXPECT_EQ(InstanceIdOf("i-000fa553dad58a9f1-tpm0000000000000000"),
            "i-000fa553dad58a9f1");
  EXPECT_EQ(InstanceIdOf("i-0123abcd"), "i-0123abcd");
}

TEST(InstanceId, IsEmptyForAnotherForm) {
  for (const std::string_view module :
       {"", "i-", "i--enc1", "x-0123-enc1", "i-0123G-enc1", "i-0123.enc1",
        "I-0123-enc1"}) {
    EXPECT_EQ(InstanceIdOf(module), "") << module;
  }
}

TEST(LeafName, GivesTheRegion) {
  const auto region =
      RegionOfLeaf(Named("i-0123abcd-enc0456.eu-central-1.aws"), kModule);
  ASSERT_TRUE(region.ok());
  EXPECT_EQ(*region, "eu-central-1");
}

TEST(LeafName, IsNothingButModuleRegionAndAws) {
  for (const std::string_view name :
       {"", "i-0123abcd-enc0456", "i-0123abcd-enc0456.aws",
        "i-0123abcd-enc0456..aws", "i-0123abcd-enc0456.us-east-1",
        "i-0123abcd-enc0456.us-east-1.aws.nitro-enclaves",
        "i-0123abcd-enc0456.a.b.aws", "i-0123abcd-enc0456.US-EAST-1.aws",
        "i-0123abcd-enc0457.us-east-1.aws", "i-0123abcd-enc045.us-east-1.aws",
        "xi-0123abcd-enc0456.us-east-1.aws"}) {
    EXPECT_EQ(DecideLeaf(name), Reason::kLeafName) << name;
  }
  EXPECT_EQ(DecideLeaf(std::nullopt), Reason::kLeafName);
}

TEST(AuthorityNames, MayBeAwss) {
  EXPECT_TRUE(DecideAuthorities(
                  {"aws.nitro-enclaves", "3a26.us-east-1.aws.nitro-enclaves",
                   "5cde.zonal.us-east-1.aws.nitro-enclaves",
                   "i-0123abcd.us-east-1.aws.nitro-enclaves", "leaf"})
                  .ok());
}

TEST(AuthorityNames, OfAnotherFormSayNothing) {
  EXPECT_TRUE(DecideAuthorities({"root", "somebody", "leaf"}).ok());
}

TEST(AuthorityNames, AreOfTheLeafsRegionAndInstance) {
  for (const std::string_view name :
       {"3a26.us-east-2.aws.nitro-enclaves",
        "5cde.zonal.us-west-1.aws.nitro-enclaves",
        "i-0123abcd.us-east-2.aws.nitro-enclaves",
        "i-0123abce.us-east-1.aws.nitro-enclaves",
        "i-0123abcd-enc0456.us-east-1.aws.nitro-enclaves",
        "us-east-1.aws.nitro-enclaves", ".aws.nitro-enclaves"}) {
    const absl::Status status =
        DecideAuthorities({"aws.nitro-enclaves", name, "leaf"});
    EXPECT_EQ(ReasonOf(status), Reason::kLeafName) << name;
    EXPECT_EQ(CertificateIndexOf(status), 1) << name;
  }
}

}  // namespace
}  // namespace anchorage::verify
