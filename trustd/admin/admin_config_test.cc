#include "trustd/admin/admin_config.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "anchors/base/yaml_to_proto.h"

namespace anchorage::trustd {
namespace {

constexpr char kGood[] = R"(
listen_address: 0.0.0.0:9443
tls: {certificate_path: tls/cert.pem, key_path: /keys/key.pem}
client_ca_path: people.pem
people:
  - {name: alice, role: ROLE_APPROVER}
  - {name: bob, role: ROLE_OPERATOR}
  - {name: carol, role: ROLE_VIEWER}
  - {name: fleet, role: ROLE_INSTANCE}
)";

absl::StatusOr<AdminSettings> Read(const std::string& yaml) {
  v1::AdminConfig proto;
  const absl::Status status = anchors::ReadYaml(yaml, "trustd.yaml", proto);
  EXPECT_TRUE(status.ok()) << status;
  return ReadAdminSettings(proto, "/etc/trustd/trustd.yaml");
}

// The good one with `from` replaced by `to`.
void ExpectRefused(const std::string& from, const std::string& to) {
  const std::string yaml = absl::StrReplaceAll(kGood, {{from, to}});
  EXPECT_NE(yaml, kGood);
  const auto settings = Read(yaml);
  EXPECT_TRUE(absl::IsInvalidArgument(settings.status())) << settings.status();
}

TEST(AdminConfig, ReadsAllOfIt) {
  const auto settings = Read(kGood);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->listen_address, "0.0.0.0:9443");
  EXPECT_EQ(settings->tls_certificate_path, "/etc/trustd/tls/cert.pem");
  EXPECT_EQ(settings->tls_key_path, "/keys/key.pem");
  EXPECT_EQ(settings->client_ca_path, "/etc/trustd/people.pem");
  const People want = {{"alice", {v1::Person::ROLE_APPROVER}},
                       {"bob", {v1::Person::ROLE_OPERATOR}},
                       {"carol", {v1::Person::ROLE_VIEWER}},
                       {"fleet", {v1::Person::ROLE_INSTANCE}}};
  EXPECT_EQ(settings->people, want);
}

TEST(AdminConfig, AProducerHasProductsAndNobodyElseHas) {
  const auto settings = Read(absl::StrReplaceAll(
      kGood, {{"role: ROLE_INSTANCE",
               "role: ROLE_PRODUCER, products: [ledger, signer]"}}));
  ASSERT_TRUE(settings.ok()) << settings.status();
  const Access access(settings->people);
  EXPECT_TRUE(access.MaySubmit("fleet", "ledger"));
  EXPECT_FALSE(access.MaySubmit("fleet", "other"));
  EXPECT_FALSE(access.MaySubmit("carol", "ledger"));
  EXPECT_FALSE(access.MaySubmit("nobody", "ledger"));
  EXPECT_TRUE(access.MaySubmit("bob", "other")) << "an operator";
  ExpectRefused("role: ROLE_INSTANCE", "role: ROLE_PRODUCER");
  ExpectRefused("role: ROLE_INSTANCE", "role: ROLE_INSTANCE, products: [a]");
  ExpectRefused("role: ROLE_INSTANCE", "role: ROLE_PRODUCER, products: [\"\"]");
  ExpectRefused("role: ROLE_INSTANCE", "role: ROLE_PRODUCER, products: [" +
                                           std::string(65, 'a') + "]");
}

TEST(AdminConfig, ListensOnLoopbackByDefault) {
  const auto settings =
      Read(absl::StrReplaceAll(kGood, {{"listen_address: 0.0.0.0:9443", ""}}));
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->listen_address, "127.0.0.1:7444");
}

TEST(AdminConfig, RefusesAnAddressThatIsNone) {
  ExpectRefused("0.0.0.0:9443", "9443");
  ExpectRefused("0.0.0.0:9443", "host:65536");
}

TEST(AdminConfig, RefusesToListenWithoutTlsOnBothSides) {
  ExpectRefused(
      "tls: {certificate_path: tls/cert.pem, key_path: "
      "/keys/key.pem}",
      "");
  ExpectRefused(", key_path: /keys/key.pem", "");
  ExpectRefused("client_ca_path: people.pem", "");
}

TEST(AdminConfig, RefusesAListWithoutPeople) {
  v1::AdminConfig proto;
  ASSERT_TRUE(anchors::ReadYaml(kGood, "trustd.yaml", proto).ok());
  proto.clear_people();
  EXPECT_TRUE(absl::IsInvalidArgument(
      ReadAdminSettings(proto, "trustd.yaml").status()));
}

TEST(AdminConfig, RefusesNamesThatTheRecordCouldNotTell) {
  ExpectRefused("name: bob", "name: alice");
  ExpectRefused("name: bob", "name: policy");
  ExpectRefused("name: bob", "name: \"\"");
  ExpectRefused("name: bob", "name: \"b\\nob\"");
  ExpectRefused("name: bob", "name: " + std::string(65, 'b'));
}

TEST(AdminConfig, ReadsWhichCertificatesCount) {
  const std::string one(64, 'a');
  const std::string two(64, '1');
  const auto with = [&](const std::string& pins) {
    return absl::StrReplaceAll(
        kGood, {{"role: ROLE_OPERATOR",
                 "role: ROLE_OPERATOR, certificate_sha256: " + pins}});
  };
  const auto settings = Read(with(absl::StrCat("[", one, ", \"", two, "\"]")));
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->people.at("bob").certificate_sha256,
            (std::vector<std::string>{one, two}));
  for (const std::string& pins :
       {std::string("[\"\"]"), "[" + one.substr(1) + "]", "[" + one + "a]",
        "[" + std::string(64, 'A') + "]", "[" + std::string(63, 'a') + "g]"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Read(with(pins)).status())) << pins;
  }
  std::string many = one;
  for (int i = 0; i < kMaxPinnedCertificates; ++i) many += ", " + one;
  EXPECT_TRUE(absl::IsInvalidArgument(Read(with("[" + many + "]")).status()));
}

TEST(AdminConfig, KeepsTheNamesOfUsersOfTheHost) {
  ExpectRefused("name: bob", "name: \"unix:0\"");
}

TEST(AdminConfig, CanHaveAUnixSocketBesideThePortOrAlone) {
  const std::string socket = "unix_socket: {path: admin.sock, group: admins}\n";
  const UnixSocketSettings want = {"/etc/trustd/admin.sock", "admins"};
  auto settings = Read(absl::StrCat(kGood, socket));
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->unix_socket, want);
  EXPECT_EQ(settings->listen_address, "0.0.0.0:9443");
  settings = Read(socket);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->unix_socket, want);
  EXPECT_EQ(settings->listen_address, "");
  EXPECT_TRUE(CheckApprovals(*settings, 2, "trustd.yaml").ok());
}

TEST(AdminConfig, RefusesHalfAPortBesideAUnixSocket) {
  for (const char* half :
       {"people: [{name: alice, role: ROLE_APPROVER}]\n",
        "listen_address: 0.0.0.0:9443\n", "client_ca_path: people.pem\n",
        "tls: {certificate_path: a, key_path: b}\n"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        Read(absl::StrCat("unix_socket: {path: a}\n", half)).status()))
        << half;
  }
}

TEST(AdminConfig, RefusesASocketThatCannotBe) {
  for (const std::string& socket :
       {std::string("{}"), std::string("{group: admins}"),
        "{path: /" + std::string(107, 'a') + "}",
        std::string("{path: \"/a\\0b\"}")}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        Read(absl::StrCat("unix_socket: ", socket, "\n")).status()))
        << socket;
  }
}

TEST(AdminConfig, RefusesAPersonWithoutARole) {
  ExpectRefused(", role: ROLE_VIEWER", "");
}

TEST(AdminConfig, RefusesMoreApprovalsThanPeopleWhoDecide) {
  const auto settings = Read(kGood);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_TRUE(CheckApprovals(*settings, 2, "trustd.yaml").ok());
  const absl::Status refused = CheckApprovals(*settings, 3, "trustd.yaml");
  EXPECT_TRUE(absl::IsInvalidArgument(refused));
  EXPECT_NE(refused.message().find("trustctl pki issue"), std::string::npos)
      << refused;
}

}  // namespace
}  // namespace anchorage::trustd
