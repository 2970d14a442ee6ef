// The log of the process, as configured.

#ifndef ANCHORAGE_TRUSTD_LOG_H_
#define ANCHORAGE_TRUSTD_LOG_H_

#include "proto/anchorage/v1/config.pb.h"

namespace anchorage::trustd {

// Sends spdlog's default logger to standard error, one line an event, in UTC.
// In FORMAT_JSON every line is one JSON object with time, level and message.
void SetUpLog(v1::LogConfig::Level level, v1::LogConfig::Format format);

// Changes what is logged from now on.
void SetLogLevel(v1::LogConfig::Level level);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_LOG_H_
