// Reports over HTTP: a POST to /v1/reports of the host that has the bundle.

#ifndef ANCHORAGE_CLIENT_HTTP_REPORT_SENDER_H_
#define ANCHORAGE_CLIENT_HTTP_REPORT_SENDER_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "client/http/http_connection.h"
#include "client/notify/report.h"

namespace anchorage::client {

// One connection. Not thread-safe, except for Cancel().
class HttpReportSender final : public ReportSender {
 public:
  // `metadata_url`: where that host has the repository's metadata.
  // `tls_roots_pem` and `proxy`: as of HttpConnection.
  HttpReportSender(std::string_view metadata_url, std::string tls_roots_pem,
                   std::optional<std::string> proxy);

  // Besides the failures of the connection: UNIMPLEMENTED where the host takes
  // no reports, RESOURCE_EXHAUSTED where it wants fewer, INVALID_ARGUMENT where
  // it refuses this one.
  ReportAnswer Send(std::string_view report, absl::Duration timeout) override;

  void Cancel() { connection_.Cancel(); }

 private:
  ReportAnswer SendOrThrow(std::string_view report, absl::Duration timeout);

  const std::string url_;
  const std::optional<std::string> proxy_;
  HttpConnection connection_;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_HTTP_REPORT_SENDER_H_
