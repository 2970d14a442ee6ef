#include "trustd/rpc/grpc_log.h"

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

// gRPC calls it from its own threads, also those that end after main().
void Log(gpr_log_func_args* line) {
  static auto* const limit = new LineLimit;
  std::uint64_t left_out = 0;
  if (!limit->Admit(anchors::SteadyNow(), left_out)) return;
  if (left_out > 0) spdlog::warn("gRPC: {} lines were left out", left_out);
  spdlog::log(LevelOf(line->severity), "gRPC: {}", line->message);
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

void SendGrpcLogToOurs() { gpr_set_log_function(&Log); }

}  // namespace anchorage::trustd
