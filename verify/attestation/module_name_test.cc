#include "verify/attestation/module_name.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "test/fake_aws/fake_nitro.h"
#include "test/fake_aws/keys.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

constexpr std::string_view kModule = "i-0123abcd-enc0456";
constexpr std::string_view kLeafName = "i-0123abcd-enc0456.us-east-1.aws";
using Name = std::optional<std::string_view>;

Certificate Named(Name common_name) {
  Certificate certificate;
  certificate.common_name = common_name;
  return certificate;
}

// What authorities and a leaf of these names say, below a root of `partition`.
absl::StatusOr<ModulePlace> Place(const std::vector<Name>& authorities,
                                  Name leaf, std::string_view module = kModule,
                                  const std::string& partition = "aws") {
  const auto roots =
      *AnchorSet::Create({test::FakeNitro(partition).RootAnchor()}, {});
  VerifiedChain chain{.root = &roots->anchors().front(),
                      .certificates = {},
                      .leaf_key = *PublicKey::FromP384Point(
                          test::TestKey::Derived(test::KeyType::kP384, "leaf")
                              .public_key_bytes())};
  chain.certificates.push_back(Named("any root"));
  for (const Name& name : authorities) {
    chain.certificates.push_back(Named(name));
  }
  chain.certificates.push_back(Named(leaf));
  return PlaceOfModule(chain, module);
}

TEST(InstanceId, IsTheFirstPartOfTheModule) {
  EXPECT_EQ(InstanceIdOf("i-0123abcd-enc0456"), "i-0123abcd");
  EXPECT_EQ(InstanceIdOf("i-000fa553dad58a9f1-tpm0000000000000000"),
            "i-000fa553dad58a9f1");
  EXPECT_EQ(InstanceIdOf("i-0123abcd"), "i-0123abcd");
}

TEST(InstanceId, IsAbsentInAnotherForm) {
  for (const std::string_view module :
       {"", "i-", "i--enc1", "x-0123-enc1", "i-0123G-enc1", "i-0123.enc1",
        "I-0123-enc1"}) {
    EXPECT_EQ(InstanceIdOf(module), std::nullopt) << module;
  }
}

TEST(LeafName, GivesTheRegionInEveryPartition) {
  for (const auto& [region, partition] :
       std::vector<std::pair<std::string, std::string>>{
           {"eu-central-1", "aws"},
           {"us-gov-west-1", "aws-us-gov"},
           {"cn-northwest-1", "aws-cn"},
           {"eusc-de-east-1", "aws-eusc"},
           {"us-iso-east-1", "aws-iso"}}) {
    const std::string name =
        std::string(kModule) + "." + region + "." + partition;
    const auto place = Place({}, name, kModule, partition);
    ASSERT_TRUE(place.ok()) << place.status();
    EXPECT_EQ(place->region, region);
    EXPECT_EQ(place->instance_id, "i-0123abcd");
  }
}

TEST(LeafName, InAKnownFormFitsModuleRegionAndPartition) {
  for (const std::string_view name :
       {"i-0123abcd-enc0457.us-east-1.aws", "i-0123abcd-enc045.us-east-1.aws",
        "xi-0123abcd-enc0456.us-east-1.aws", "x.us-east-1.aws",
        "i-0123abcd-enc0456.us-gov-west-1.aws-us-gov",
        "i-0123abcd-enc0456.us-east-1.aws-us-gov",
        "i-0123abcd-enc0456.us-gov-west-1.aws",
        "i-0123abcd-enc0456.cn-north-1.aws",
        "i-0123abcd-enc0456.eusc-de-east-1.aws"}) {
    const auto place = Place({}, name);
    EXPECT_EQ(ReasonOf(place.status()), Reason::kLeafName) << name;
    EXPECT_EQ(CertificateIndexOf(place.status()), 0) << name;
  }
}

TEST(LeafName, InNoKnownFormGivesNoRegion) {
  const std::vector<Name> names = {
      std::nullopt,
      "",
      ".",
      "..",
      "leaf",
      kModule,
      "i-0123abcd-enc0456.aws",
      "i-0123abcd-enc0456..aws",
      ".us-east-1.aws",
      "us-east-1.aws",
      "i-0123abcd-enc0456.us-east-1",
      "i-0123abcd-enc0456.us-east-1.",
      "i-0123abcd-enc0456.us-east-1.aws.nitro-enclaves",
      "i-0123abcd-enc0456.zone.us-east-1.aws",
      "i-0123abcd-enc0456.zonal.us-east-1.aws",
      "i-0123abcd-enc0456.US-EAST-1.aws",
      "i-0123abcd-enc0456.us-east-1.AWS",
      "i-0123abcd-enc0456.us-east-1.aws-mars",
      "i-0123abcd-enc0456/us-east-1"};
  for (const Name& name : names) {
    const auto place = Place({}, name);
    ASSERT_TRUE(place.ok()) << name.value_or("none");
    EXPECT_EQ(place->region, std::nullopt) << name.value_or("none");
    EXPECT_EQ(place->instance_id, "i-0123abcd");
  }
}

TEST(AuthorityNames, MayBeAwss) {
  const auto place = Place({"3a26.us-east-1.aws.nitro-enclaves",
                            "5cde.zonal.us-east-1.aws.nitro-enclaves",
                            "i-0123abcd.us-east-1.aws.nitro-enclaves"},
                           kLeafName);
  ASSERT_TRUE(place.ok()) << place.status();
  EXPECT_EQ(place->unknown_authority, 0);
}

TEST(AuthorityNames, InNoKnownFormSayNothing) {
  for (const Name& name : std::vector<Name>{
           std::nullopt, "somebody", "us-east-1.aws.nitro-enclaves",
           ".aws.nitro-enclaves", "aws.nitro-enclaves", ".nitro-enclaves",
           "3a26.us-east-1.aws", "3a26.rack.us-east-1.aws.nitro-enclaves"}) {
    const auto place =
        Place({"3a26.us-east-1.aws.nitro-enclaves", name}, kLeafName);
    ASSERT_TRUE(place.ok()) << place.status();
    EXPECT_EQ(place->region, "us-east-1");
    EXPECT_EQ(place->unknown_authority, 1) << name.value_or("none");
  }
}

TEST(AuthorityNames, AreOfTheLeafsRegionInstanceAndPartition) {
  for (const std::string_view name :
       {"3a26.us-east-2.aws.nitro-enclaves",
        "5cde.zonal.us-west-1.aws.nitro-enclaves",
        "i-0123abcd.us-east-2.aws.nitro-enclaves",
        "i-0123abce.us-east-1.aws.nitro-enclaves",
        "i-0123abcd-enc0456.us-east-1.aws.nitro-enclaves",
        "3a26.us-gov-west-1.aws-us-gov.nitro-enclaves",
        "3a26.us-east-1.aws-us-gov.nitro-enclaves",
        "3a26.us-gov-west-1.aws.nitro-enclaves"}) {
    const auto place = Place({name, "authority"}, kLeafName);
    EXPECT_EQ(ReasonOf(place.status()), Reason::kLeafName) << name;
    EXPECT_EQ(CertificateIndexOf(place.status()), 2) << name;
  }
}

// GovCloud's were held to nothing while only ".aws.nitro-enclaves" was known.
TEST(AuthorityNames, OfAnotherPartitionAreHeldToTheSame) {
  const std::string leaf = std::string(kModule) + ".us-gov-west-1.aws-us-gov";
  for (const std::string_view name :
       {"3a26.us-gov-east-1.aws-us-gov.nitro-enclaves",
        "i-0123abce.us-gov-west-1.aws-us-gov.nitro-enclaves",
        "3a26.us-gov-west-1.aws.nitro-enclaves"}) {
    EXPECT_EQ(ReasonOf(Place({name}, leaf, kModule, "aws-us-gov").status()),
              Reason::kLeafName)
        << name;
  }
  EXPECT_TRUE(Place({"i-0123abcd.us-gov-west-1.aws-us-gov.nitro-enclaves"},
                    leaf, kModule, "aws-us-gov")
                  .ok());
}

TEST(AuthorityNames, AgreeWhereTheLeafSaysNothing) {
  const auto place = Place({"3a26.us-east-1.aws.nitro-enclaves",
                            "5cde.zonal.us-west-1.aws.nitro-enclaves"},
                           "leaf");
  EXPECT_EQ(ReasonOf(place.status()), Reason::kLeafName);
  EXPECT_EQ(CertificateIndexOf(place.status()), 2);
  EXPECT_EQ(
      ReasonOf(
          Place({"i-0123abce.us-east-1.aws.nitro-enclaves"}, "leaf").status()),
      Reason::kLeafName);
}

TEST(AuthorityNames, SayNothingOfAModuleWithoutAnInstance) {
  const auto place =
      Place({"i-0123abcd.us-east-1.aws.nitro-enclaves"}, "leaf", "m-1");
  ASSERT_TRUE(place.ok()) << place.status();
  EXPECT_EQ(place->instance_id, std::nullopt);
}

}  // namespace
}  // namespace anchorage::verify
