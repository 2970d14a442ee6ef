#include "trustd/rpc/grpc_log.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <sstream>
#include <string>

namespace anchorage::trustd {
namespace {

TEST(GrpcLog, GoesThroughOurs) {
  std::ostringstream out;
  auto logger = std::make_shared<spdlog::logger>(
      "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
  logger->set_pattern("%l %v");
  spdlog::set_default_logger(logger);
  SendGrpcLogToOurs();
  gpr_log_verbosity_init();
  gpr_log("file.cc", 7, GPR_LOG_SEVERITY_ERROR, "handshake with %s failed",
          "ipv4:192.0.2.7:1");
  EXPECT_EQ(out.str(),
            "warning gRPC: handshake with ipv4:192.0.2.7:1 failed\n");
  out.str("");
  GOOGLE_LOG(ERROR) << "not UTF-8";
  EXPECT_EQ(out.str(), "warning protobuf: not UTF-8\n");
}

TEST(LineLimit, CountsWhatIsLeftOut) {
  LineLimit limit;
  std::uint64_t left_out = 7;
  absl::Duration now = absl::Hours(1);
  for (int i = 0; i < LineLimit::kLinesAMinute; ++i) {
    EXPECT_TRUE(limit.Admit(now, left_out));
    EXPECT_EQ(left_out, 0u);
  }
  EXPECT_FALSE(limit.Admit(now, left_out));
  EXPECT_FALSE(limit.Admit(now + absl::Seconds(59), left_out));
  now += absl::Minutes(1);
  EXPECT_TRUE(limit.Admit(now, left_out));
  EXPECT_EQ(left_out, 2u);
  EXPECT_TRUE(limit.Admit(now, left_out));
  EXPECT_EQ(left_out, 0u);
}

}  // namespace
}  // namespace anchorage::trustd
