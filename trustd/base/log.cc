#include "trustd/base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

// The message as one line that no terminal obeys, whoever wrote parts of it.
class PrintableMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string text =
        verify::Printable({message.payload.data(), message.payload.size()});
    out.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<PrintableMessage>();
  }
};

// The message as a JSON string, quotes and all.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string text =
        nlohmann::json(
            std::string(message.payload.data(), message.payload.size()))
            .dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    out.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

spdlog::level::level_enum LevelOf(v1::LogConfig::Level level) {
  switch (level) {
    case v1::LogConfig::LEVEL_DEBUG:
      return spdlog::level::debug;
    case v1::LogConfig::LEVEL_WARNING:
      return spdlog::level::warn;
    case v1::LogConfig::LEVEL_ERROR:
      return spdlog::level::err;
    default:
      return spdlog::level::info;
  }
}

}  // namespace

std::unique_ptr<spdlog::formatter> LogFormatter(v1::LogConfig::Format format) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(
      spdlog::pattern_time_type::utc);
  if (format == v1::LogConfig::FORMAT_JSON) {
    formatter->add_flag<JsonMessage>('*');
    formatter->set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%*})");
  } else {
    formatter->add_flag<PrintableMessage>('*');
    formatter->set_pattern("%Y-%m-%dT%H:%M:%SZ %^%l%$ %*");
  }
  return formatter;
}

void SetUpLog(v1::LogConfig::Level level, v1::LogConfig::Format format) {
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>("trustd", std::move(sink));
  logger->set_formatter(LogFormatter(format));
  logger->set_level(LevelOf(level));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

void SetLogLevel(v1::LogConfig::Level level) {
  spdlog::default_logger()->set_level(LevelOf(level));
}

}  // namespace anchorage::trustd
