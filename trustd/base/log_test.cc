#include "trustd/base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

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

// --- fields ---

// Sends what it gets through a sink, as the default logger.
class LogFields : public ::testing::Test {
 protected:
  ~LogFields() override { spdlog::set_default_logger(before_); }

  static void Use(std::shared_ptr<spdlog::sinks::sink> sink) {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("test", std::move(sink)));
  }

 private:
  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

TEST_F(LogFields, StandInJsonBesideTheMessage) {
  std::ostringstream out;
  auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out);
  sink->set_formatter(LogFormatter(v1::LogConfig::FORMAT_JSON));
  Use(sink);
  LogWith(spdlog::level::info,
          {{"SLOT", "aws/eu-west-1/iid-rsa2048"},
           {"PERSON", "a\"\x1b\n\xff"},
           {"CLASS", ""},
           {"ROTATION", "7"},
           {"ROTATION", "8"}},
          "published {}");
  spdlog::info("after it");
  std::istringstream lines(out.str());
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json["message"], "published {}");
  EXPECT_EQ(json["slot"], "aws/eu-west-1/iid-rsa2048");
  EXPECT_EQ(json["person"], "a\"\x1b\n\ufffd");
  EXPECT_EQ(json.count("class"), 0u);
  EXPECT_EQ(json["rotation"], "7 8");
  ASSERT_TRUE(std::getline(lines, line));
  json = nlohmann::json::parse(line);
  EXPECT_EQ(json["message"], "after it");
  EXPECT_EQ(json.count("slot"), 0u);
}

TEST_F(LogFields, ComeToTheJournal) {
  std::vector<std::vector<std::string>> sent;
  Use(JournalSink(v1::LogConfig::FORMAT_TEXT,
                  [&](const std::vector<std::string>& fields) {
                    sent.push_back(fields);
                    return true;
                  }));
  LogWith(spdlog::level::warn, {{"SLOT", "a\nPERSON=mallory"}, {"CLASS", ""}},
          "held\nfor people");
  spdlog::error("after it");
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0],
            (std::vector<std::string>{"MESSAGE=held\\nfor people", "PRIORITY=4",
                                      "SYSLOG_IDENTIFIER=trustd",
                                      "SLOT=a\\nPERSON=mallory"}));
  EXPECT_EQ(sent[1], (std::vector<std::string>{"MESSAGE=after it", "PRIORITY=3",
                                               "SYSLOG_IDENTIFIER=trustd"}));
}

TEST_F(LogFields, TheJournalGetsJsonWhereThatIsAskedFor) {
  std::vector<std::string> sent;
  Use(JournalSink(v1::LogConfig::FORMAT_JSON,
                  [&](const std::vector<std::string>& fields) {
                    sent = fields;
                    return true;
                  }));
  LogWith(spdlog::level::info, {{"SLOT", "s"}}, "m");
  ASSERT_EQ(sent.size(), 4u);
  const auto json = nlohmann::json::parse(sent[0].substr(sizeof("MESSAGE")));
  EXPECT_EQ(json["message"], "m");
  EXPECT_EQ(json["slot"], "s");
  EXPECT_EQ(sent[3], "SLOT=s");
}

// A service whose standard error was redirected, by the unit or a person,
// inherits the variable.
TEST(Log, KnowsWhetherItsStreamIsTheJournals) {
  int pipes[2];
  ASSERT_EQ(::pipe(pipes), 0);
  struct stat status {};
  ASSERT_EQ(::fstat(pipes[1], &status), 0);
  ::setenv("JOURNAL_STREAM",
           absl::StrCat(status.st_dev, ":", status.st_ino).c_str(), 1);
  EXPECT_TRUE(IsJournal(pipes[1]));
  const std::string other = ::testing::TempDir() + "/other";
  const int file = ::open(other.c_str(), O_CREAT | O_WRONLY, 0600);
  EXPECT_FALSE(IsJournal(file));
  for (const char* bad : {"", ":", "0:0", "nonsense"}) {
    ::setenv("JOURNAL_STREAM", bad, 1);
    EXPECT_FALSE(IsJournal(pipes[1])) << bad;
  }
  ::unsetenv("JOURNAL_STREAM");
  EXPECT_FALSE(IsJournal(pipes[1]));
  for (const int each : {pipes[0], pipes[1], file}) ::close(each);
}

}  // namespace
}  // namespace anchorage::trustd
