#include "trustd/rpc/grpc_log.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <spdlog/spdlog.h>

#include "anchors/base/steady_clock.h"

namespace anchorage::trustd {
namespace {

spdlog::level::level_enum LevelOf(gpr_log_severity severity) {
  switch (severity) {
    case GPR_LOG_SEVERITY_ERROR:
      return spdlog::level::warn;
    case GPR_LOG_SEVERITY_INFO:
      return spdlog::level::info;
    default:
      return spdlog::level::debug;
  }
}

// Called from threads of gRPC's too, also those that end after main().
void Log(spdlog::level::level_enum level, const char* library,
         std::string_view line) {
  static auto* const limit = new LineLimit;
  std::uint64_t left_out = 0;
  if (!limit->Admit(anchors::SteadyNow(), left_out)) return;
  if (left_out > 0)
    spdlog::warn("{}: {} lines were left out", library, left_out);
  spdlog::log(level, "{}: {}", library, line);
}

void LogOfGrpc(gpr_log_func_args* line) {
  Log(LevelOf(line->severity), "gRPC", line->message);
}

void LogOfProtobuf(google::protobuf::LogLevel level, const char*, int,
                   const std::string& line) {
  Log(level == google::protobuf::LOGLEVEL_INFO ? spdlog::level::info
                                               : spdlog::level::warn,
      "protobuf", line);
}

}  // namespace

bool LineLimit::Admit(absl::Duration now, std::uint64_t& left_out) {
  const absl::MutexLock lock(&mutex_);
  if (now - minute_ >= absl::Minutes(1)) {
    minute_ = now;
    lines_ = 0;
  }
  if (lines_ == kLinesAMinute) {
    ++left_out_;
    return false;
  }
  ++lines_;
  left_out = left_out_;
  left_out_ = 0;
  return true;
}

void SendGrpcLogToOurs() {
  gpr_set_log_function(&LogOfGrpc);
  google::protobuf::SetLogHandler(&LogOfProtobuf);
}

}  // namespace anchorage::trustd
