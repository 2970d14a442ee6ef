#include "trustd/base/log.h"

#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace anchorage::trustd {
namespace {

constexpr char kHostile[] = "a\x1b[2J\nACCEPTED  account 1\u202e\xff";

std::string LineOf(v1::LogConfig::Format format, const std::string& message) {
  std::ostringstream out;
  spdlog::logger logger("test",
                        std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
  logger.set_formatter(LogFormatter(format));
  logger.error("source {}: {}", "page", message);
  return out.str();
}

TEST(Log, IsOneLineAnEventWhateverAPeerSays) {
  for (const auto format :
       {v1::LogConfig::FORMAT_TEXT, v1::LogConfig::FORMAT_JSON}) {
    const std::string line = LineOf(format, kHostile);
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
    EXPECT_EQ(line.back(), '\n');
    EXPECT_EQ(line.find('\x1b'), std::string::npos) << line;
    EXPECT_EQ(line.find("\u202e"), std::string::npos) << line;
  }
}

TEST(Log, SaysInTextWhatWasThere) {
  const std::string line = LineOf(v1::LogConfig::FORMAT_TEXT, kHostile);
  EXPECT_NE(line.find("source page: a\\x1b[2J\\nACCEPTED  account 1"
                      "\\u202e\\xff\n"),
            std::string::npos)
      << line;
}

// JSON has escapes of its own, and is escaped by them once.
TEST(Log, KeepsTheBytesInJson) {
  const auto json =
      nlohmann::json::parse(LineOf(v1::LogConfig::FORMAT_JSON, "a\x1b\nb"));
  EXPECT_EQ(json["message"], "source page: a\x1b\nb");
}

}  // namespace
}  // namespace anchorage::trustd
