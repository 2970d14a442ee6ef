// A client's metrics in Prometheus's text format, as node_exporter's textfile
// collector reads it. The names, labels and units are in notify/README.md and
// keep their meaning.
//
//   std::string text = MetricsText(client.state());
//
// Pure. Valid, whatever names the anchors have.

#ifndef ANCHORAGE_CLIENT_METRICS_TEXT_H_
#define ANCHORAGE_CLIENT_METRICS_TEXT_H_

#include <string>

#include "client/trust_client.h"

namespace anchorage::client {

std::string MetricsText(const TrustClientState& state);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_METRICS_TEXT_H_
