#include "trustd/console/console_config.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "anchors/base/yaml_to_proto.h"

namespace anchorage::trustd {
namespace {

constexpr char kTls[] = "tls: {certificate_path: a.pem, key_path: a.key}";

absl::StatusOr<ConsoleSettings> Read(const std::string& console,
                                     const std::string& more = "") {
  v1::TrustdConfig proto;
  const absl::Status read = anchors::ReadYaml(
      "console: {" + console + "}\n" + more, "/etc/trustd/trustd.yaml", proto);
  EXPECT_TRUE(read.ok()) << read;
  return ReadConsoleSettings(proto, "/etc/trustd/trustd.yaml");
}

// The message of a refusal; empty for none.
std::string Refusal(const std::string& console) {
  const auto settings = Read(console);
  return settings.ok() ? "" : std::string(settings.status().message());
}

bool Names(const std::string& refusal, const std::string& setting) {
  return refusal.find("/etc/trustd/trustd.yaml: 'console': ") == 0 &&
         refusal.find(setting) != std::string::npos;
}

TEST(ConsoleConfig, IsForThisHostByDefault) {
  const auto settings = Read("");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->listen_address, "127.0.0.1:7445");
  EXPECT_EQ(settings->unix_socket, "");
  EXPECT_TRUE(settings->is_local);
  EXPECT_EQ(settings->tls_certificate_path, "");
}

TEST(ConsoleConfig, ListensOnASocketInPlaceOfAnAddress) {
  const auto settings = Read("unix_socket: console.sock");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->unix_socket, "/etc/trustd/console.sock");
  EXPECT_EQ(settings->listen_address, "");
  EXPECT_TRUE(settings->is_local);
  EXPECT_TRUE(Names(Refusal("unix_socket: a, listen_address: '127.0.0.1:1'"),
                    "'unix_socket'"));
  EXPECT_TRUE(
      Names(Refusal("unix_socket: " + std::string(200, 'a')), "'unix_socket'"));
}

TEST(ConsoleConfig, IsNotServedInPlainTextToOthers) {
  EXPECT_TRUE(
      Names(Refusal("listen_address: '0.0.0.0:7445', host_names: [a.example]"),
            "'tls'"));
  EXPECT_TRUE(Names(Refusal("basic: {user: a, password_hash_path: b}"),
                    "'basic' need 'tls'"));
  EXPECT_TRUE(Names(Refusal("client_ca_path: a.pem"), "'client_ca_path'"));
}

TEST(ConsoleConfig, AsksForACertificateOrAPasswordOverTls) {
  EXPECT_TRUE(Names(Refusal(kTls), "either 'client_ca_path' or 'basic'"));
  EXPECT_TRUE(
      Names(Refusal(std::string(kTls) + ", client_ca_path: c, basic: {user: a, "
                                        "password_hash_path: b}"),
            "either 'client_ca_path' or 'basic'"));
  EXPECT_TRUE(Names(Refusal("tls: {key_path: a}, client_ca_path: c"),
                    "'certificate_path'"));
  EXPECT_TRUE(
      Names(Refusal(std::string(kTls) + ", client_ca_path: c"), "'admin'"));
  const auto settings =
      Read(std::string(kTls) + ", client_ca_path: c", "admin: {}\n");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->client_ca_path, "/etc/trustd/c");
}

TEST(ConsoleConfig, TakesOneReader) {
  const std::string tls = std::string(kTls) + ", ";
  EXPECT_TRUE(Names(Refusal(tls + "basic: {password_hash_path: b}"), "'user'"));
  EXPECT_TRUE(Names(Refusal(tls + "basic: {user: 'a:b', "
                                  "password_hash_path: b}"),
                    "'user'"));
  EXPECT_TRUE(Names(Refusal(tls + "basic: {user: a}"), "'password_hash_path'"));
  const auto settings =
      Read(tls + "basic: {user: night, password_hash_path: hash}");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->user, "night");
  EXPECT_EQ(settings->password_hash_path, "/etc/trustd/hash");
}

TEST(ConsoleConfig, KnowsItsNames) {
  const auto settings = Read("host_names: [Trustd.Example, '[2001:db8::1]']");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->host_names,
            (std::vector<std::string>{"trustd.example", "[2001:db8::1]"}));
  for (const char* name : {"a/b", "a:80", "", "a b"}) {
    EXPECT_TRUE(Names(Refusal(absl::StrCat("host_names: ['", name, "']")),
                      "'host_names'"))
        << name;
  }
  EXPECT_TRUE(Names(Refusal(std::string("listen_address: '0.0.0.0:1', ") +
                            kTls + ", basic: {user: a, password_hash_path: b}"),
                    "'host_names' is required"));
}

}  // namespace
}  // namespace anchorage::trustd
