// The log of the process, as configured.
//
//   SetUpLog(config.log_level, config.log_format);
//   LogWith(spdlog::level::info, {{"SLOT", slot}}, "published");
//
// Where standard error is journald's, an event goes there by its own protocol,
// with its fields: `journalctl SLOT=aws/eu-west-1/iid-rsa2048`.

#ifndef ANCHORAGE_TRUSTD_BASE_LOG_H_
#define ANCHORAGE_TRUSTD_BASE_LOG_H_

#include <spdlog/common.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/sink.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/anchorage/v1/config.pb.h"

namespace anchorage::trustd {

// What an event is about, for who searches the log: a name of upper-case
// letters, such as "SLOT", and its value. A name may come again, one after the
// other: in JSON, where names are in lower case, the values are then one, with
// spaces between them.
using LogField = std::pair<std::string_view, std::string>;

// Logs an event by spdlog's default logger. Fields whose value is empty are left
// out.
void LogWith(spdlog::level::level_enum level,
             const std::vector<LogField>& fields, std::string_view message);

// Returns the formatter that makes one line of each event, with the time in
// UTC. In FORMAT_JSON every line is one JSON object with time, level, message
// and fields; otherwise the message is as verify::Printable() shows it, so that
// one event is one line whatever peers put into it.
std::unique_ptr<spdlog::formatter> LogFormatter(v1::LogConfig::Format format);

// Returns the sink that sends events to journald: MESSAGE, PRIORITY,
// SYSLOG_IDENTIFIER and the event's fields. In FORMAT_JSON, MESSAGE is the line
// that would stand in a file. `send` takes the "NAME=value" of each, and returns
// whether they were sent; those of an event that were not go to standard error.
using JournalSender = std::function<bool(const std::vector<std::string>&)>;
std::shared_ptr<spdlog::sinks::sink> JournalSink(v1::LogConfig::Format format,
                                                 JournalSender send);

// Whether `descriptor` is the stream that JOURNAL_STREAM names (systemd.exec(5)):
// what is written there comes to journald.
bool IsJournal(int descriptor);

// Sends spdlog's default logger to standard error, through LogFormatter(), or to
// journald where that is what standard error is.
void SetUpLog(v1::LogConfig::Level level, v1::LogConfig::Format format);

// Changes the level from which events are logged.
void SetLogLevel(v1::LogConfig::Level level);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BASE_LOG_H_
