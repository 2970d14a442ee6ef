// The log of the process, as configured.

#ifndef ANCHORAGE_TRUSTD_BASE_LOG_H_
#define ANCHORAGE_TRUSTD_BASE_LOG_H_

#include <spdlog/formatter.h>

#include <memory>

#include "proto/anchorage/v1/config.pb.h"

namespace anchorage::trustd {

// Returns the formatter that makes one line of each event, with the time in
// UTC. In FORMAT_JSON every line is one JSON object with time, level and
// message; otherwise the message is as verify::Printable() shows it, so that
// one event is one line whatever peers put into it.
std::unique_ptr<spdlog::formatter> LogFormatter(v1::LogConfig::Format format);

// Sends spdlog's default logger to standard error, through LogFormatter().
void SetUpLog(v1::LogConfig::Level level, v1::LogConfig::Format format);

// Changes the level from which events are logged.
void SetLogLevel(v1::LogConfig::Level level);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BASE_LOG_H_
