#include "trustd/mirror/fact_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "trustd/base/log.h"

namespace anchorage::trustd {
namespace {

using ::testing::HasSubstr;

class FactLogTest : public ::testing::Test {
 protected:
  FactLogTest() {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out_);
    sink->set_formatter(LogFormatter(v1::LogConfig::FORMAT_JSON));
    auto logger = std::make_shared<spdlog::logger>("test", std::move(sink));
    logger->set_level(spdlog::level::debug);
    spdlog::set_default_logger(std::move(logger));
  }

  // Folds the records into the book and returns the lines that say so.
  std::vector<nlohmann::json> Log(
      const std::vector<v1::LedgerRecord>& records) {
    const RotationBook before = book_;
    for (const v1::LedgerRecord& record : records) book_.Fold(next_++, record);
    out_.str("");
    LogFacts(records, before, book_);
    std::istringstream in(out_.str());
    std::vector<nlohmann::json> lines;
    for (std::string line; std::getline(in, line);) {
      lines.push_back(nlohmann::json::parse(line));
    }
    return lines;
  }

  static v1::LedgerRecord Detected() {
    v1::LedgerRecord record;
    v1::Rotation& rotation = *record.mutable_detection();
    rotation.set_id(17);
    rotation.set_change_id(std::string(64, 'c'));
    rotation.set_rotation_class(v1::ROTATION_CLASS_RE_KEY);
    rotation.mutable_slot()->set_partition("aws");
    rotation.mutable_slot()->set_region("eu-west-1");
    rotation.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
    rotation.set_source("aws-docs");
    rotation.set_effect_sha256(std::string(64, 'e'));
    rotation.add_pinned_spki_sha256("0101");
    rotation.add_observed()->set_spki_sha256("0202");
    return record;
  }
  static v1::LedgerRecord Approved(const std::string& by,
                                   const std::string& why) {
    v1::LedgerRecord record;
    record.mutable_decision()->set_rotation_id(17);
    v1::Decision& decision = *record.mutable_decision()->mutable_decision();
    decision.set_kind(v1::Decision::KIND_APPROVE);
    decision.set_by(by);
    decision.set_why(why);
    decision.set_effect_sha256(std::string(64, 'e'));
    return record;
  }

 private:
  std::ostringstream out_;
  RotationBook book_;
  std::uint64_t next_ = 0;
};

TEST_F(FactLogTest, SaysWhatIsDecidedAboutWhatAndWhy) {
  auto lines = Log({Detected()});
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["level"], "info");
  EXPECT_EQ(lines[0]["fact"], "DETECTION");
  EXPECT_THAT(lines[0]["message"].get<std::string>(),
              HasSubstr("rotation 17: RE_KEY of eu-west-1 rsa2048"));
  EXPECT_THAT(lines[0]["message"].get<std::string>(),
              HasSubstr("keys pinned: 0101; seen: 0202"));
  // Later, by another commit.
  lines = Log({Approved("alice", "case 1234")});
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["fact"], "DECISION");
  EXPECT_EQ(lines[0]["slot"], "aws/eu-west-1/iid-rsa2048");
  EXPECT_EQ(lines[0]["class"], "RE_KEY");
  EXPECT_EQ(lines[0]["rotation"], "17");
  EXPECT_EQ(lines[0]["person"], "alice");
  EXPECT_THAT(lines[0]["message"].get<std::string>(),
              HasSubstr("alice approved RE_KEY of eu-west-1 rsa2048"));
  EXPECT_THAT(lines[0]["message"].get<std::string>(), HasSubstr("case 1234"));
}

TEST_F(FactLogTest, CountsTheApprovalsOfEarlierCommits) {
  Log({Detected()});
  Log({Approved("alice", "a")});
  v1::LedgerRecord second = Approved("bob", "b");
  second.mutable_decision()->set_approvals_needed(2);
  EXPECT_THAT(Log({second})[0]["message"].get<std::string>(),
              HasSubstr("bob approved RE_KEY of eu-west-1 rsa2048, 2 of 2"));
}

TEST_F(FactLogTest, SaysForDevelopersWhatComesOften) {
  v1::LedgerRecord record;
  record.mutable_source()->set_source("aws-docs");
  const auto lines = Log({record});
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["level"], "debug");
}

TEST_F(FactLogTest, KnowsNoRotationThatIsOnNoRecord) {
  const auto lines = Log({Approved("mallory\n", "x")});
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["rotation"], "17");
  EXPECT_EQ(lines[0].count("class"), 0u);
}

}  // namespace
}  // namespace anchorage::trustd
