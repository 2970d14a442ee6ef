#include "trustd/base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

// Without it the library names the line of ours from which it is called.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

// The fields of the event that this thread logs. Sinks are called by the thread
// that logs, before the call returns.
thread_local const std::vector<LogField>* fields_now = nullptr;

std::string JsonString(std::string_view text) {
  return nlohmann::json(std::string(text))
      .dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

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

// The fields of the event that have values, each name once.
std::vector<std::pair<std::string, std::string>> JoinedFields() {
  std::vector<std::pair<std::string, std::string>> joined;
  if (fields_now == nullptr) return joined;
  for (const auto& [name, value] : *fields_now) {
    if (value.empty()) continue;
    if (!joined.empty() && joined.back().first == name) {
      absl::StrAppend(&joined.back().second, " ", value);
    } else {
      joined.emplace_back(name, value);
    }
  }
  return joined;
}

// The message as a JSON string, quotes and all, and the fields after it.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    std::string text =
        JsonString({message.payload.data(), message.payload.size()});
    for (const auto& [name, value] : JoinedFields()) {
      absl::StrAppend(&text, ",", JsonString(absl::AsciiStrToLower(name)), ":",
                      JsonString(value));
    }
    out.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

// As syslog(3) numbers them.
const char* PriorityOf(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return "PRIORITY=7";
    case spdlog::level::warn:
      return "PRIORITY=4";
    case spdlog::level::err:
      return "PRIORITY=3";
    case spdlog::level::critical:
      return "PRIORITY=2";
    default:
      return "PRIORITY=6";
  }
}

class JournalSinkImpl final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  JournalSinkImpl(v1::LogConfig::Format format, JournalSender send)
      : send_(std::move(send)), is_json_(format == v1::LogConfig::FORMAT_JSON) {
    set_formatter(LogFormatter(format));
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    base_sink::formatter_->format(message, line);
    std::string text(line.data(), line.size());
    if (!is_json_) {
      // journald has time and level of its own.
      text =
          verify::Printable({message.payload.data(), message.payload.size()});
    } else if (text.ends_with('\n')) {
      text.pop_back();
    }
    std::vector<std::string> fields = {absl::StrCat("MESSAGE=", text),
                                       PriorityOf(message.level),
                                       "SYSLOG_IDENTIFIER=trustd"};
    if (fields_now != nullptr) {
      for (const auto& [name, value] : *fields_now) {
        if (value.empty()) continue;
        fields.push_back(
            absl::StrCat(std::string(name), "=", verify::Printable(value)));
      }
    }
    if (send_(fields)) return;
    // What comes there is journald's too, without the fields.
    (void)!::write(STDERR_FILENO, line.data(), line.size());
  }

  void flush_() override {}

  const JournalSender send_;
  const bool is_json_;
};

bool SendToJournal(const std::vector<std::string>& fields) {
  std::vector<iovec> parts;
  parts.reserve(fields.size());
  for (const std::string& field : fields) {
    parts.push_back({const_cast<char*>(field.data()), field.size()});
  }
  return ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0;
}

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

void LogWith(spdlog::level::level_enum level,
             const std::vector<LogField>& fields, std::string_view message) {
  fields_now = &fields;
  spdlog::log(level, "{}", message);
  fields_now = nullptr;
}

std::shared_ptr<spdlog::sinks::sink> JournalSink(v1::LogConfig::Format format,
                                                 JournalSender send) {
  return std::make_shared<JournalSinkImpl>(format, std::move(send));
}

bool IsJournal(int descriptor) {
  const char* const stream = ::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || ::fstat(descriptor, &status) != 0) return false;
  return absl::StrCat(status.st_dev, ":", status.st_ino) == stream;
}

void SetUpLog(v1::LogConfig::Level level, v1::LogConfig::Format format) {
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (IsJournal(STDERR_FILENO)) {
    sink = JournalSink(format, &SendToJournal);
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    sink->set_formatter(LogFormatter(format));
  }
  auto logger = std::make_shared<spdlog::logger>("trustd", std::move(sink));
  logger->set_level(LevelOf(level));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

void SetLogLevel(v1::LogConfig::Level level) {
  spdlog::default_logger()->set_level(LevelOf(level));
}

}  // namespace anchorage::trustd
