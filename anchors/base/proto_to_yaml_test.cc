#include "anchors/base/proto_to_yaml.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "anchors/base/yaml_to_proto.h"
#include "proto/anchorage/v1/config.pb.h"

namespace anchorage::anchors {
namespace {

using google::protobuf::util::MessageDifferencer;

void ExpectReadAgain(const v1::TrustdConfig& config) {
  const std::string yaml = WriteYaml(config);
  v1::TrustdConfig again;
  const absl::Status status = ReadYaml(yaml, "again.yaml", again);
  ASSERT_TRUE(status.ok()) << status << "\n" << yaml;
  EXPECT_TRUE(MessageDifferencer::Equals(again, config)) << yaml;
  for (const char c : yaml) {
    EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f)) << yaml;
  }
}

TEST(WriteYaml, IsReadAsItWas) {
  v1::TrustdConfig config;
  config.set_data_dir("/var/lib/trustd");
  config.set_mode(v1::TrustdConfig::MODE_ONLINE);
  config.set_reflection(false);
  config.mutable_refresh_hint()->set_seconds(3600);
  config.mutable_reports();
  config.add_proxies("192.0.2.0/28");
  config.add_proxies("2001:db8::1");
  config.mutable_limits()->set_calls(-1);
  config.add_sources()->mutable_regions_page();
  config.add_sources()->mutable_printed_root()->add_addresses("a,b]");
  ExpectReadAgain(config);
}

// Each would be another value, or none, if it stood there as it is.
TEST(WriteYaml, QuotesWhatYamlWouldTakeForSomethingElse) {
  for (const char* text :
       {"",    "~",       "null",   "Null",   "true",       "false",  "1",
        "1.5", "0x1f",    "1s",     "-",      "- a",        "a: b",   "a #b",
        "#a",  "&a",      "*a",     "!a",     "[a",         "{a",     "'a",
        "\"a", "@a",      "`a",     "%a",     "|",          ">",      "?",
        "a:",  "a ",      " a",     "a\nb",   "a\tb",       "\\",     "---",
        "...", "\x1b[2J", "\u202e", "\u00e9", "\U0001f600", "\u0085", "\u2028",
        "\x7f"}) {
    v1::TrustdConfig config;
    config.set_releases_path("x");
    config.add_proxies(text);
    ExpectReadAgain(config);
  }
}

TEST(WriteYaml, IsReadAsItWasWhateverTheText) {
  std::mt19937 random(1);
  const std::string letters = "a1 :#-'\"\\\n\t~[]{},&*!|>%@`?.\u202e\u00e9\r";
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    const auto length = random() % 8;
    for (unsigned j = 0; j < length; ++j) {
      const std::size_t at = random() % letters.size();
      // Whole characters only.
      if (static_cast<unsigned char>(letters[at]) < 0x80) {
        text.push_back(letters[at]);
      } else {
        text += "\u202e";
      }
    }
    v1::TrustdConfig config;
    config.add_proxies(text);
    config.add_sources()->set_name(text);
    config.mutable_sources(0)->set_ca_path("x");
    ExpectReadAgain(config);
  }
}

}  // namespace
}  // namespace anchorage::anchors
