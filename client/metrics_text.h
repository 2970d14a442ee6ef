// A client's metrics in Prometheus's text format, as node_exporter's textfile
// collector reads it. The names, labels and units are in notify/README.md and
// keep their meaning.
//
//   std::string text = MetricsText(client.state(), "product");
//
// Pure. Valid, whatever names the anchors have.

#ifndef ANCHORAGE_CLIENT_METRICS_TEXT_H_
#define ANCHORAGE_CLIENT_METRICS_TEXT_H_

#include <string>
#include <string_view>

#include "client/trust_client.h"

namespace anchorage::client {

// Every sample has the label `client`: without it node_exporter would take the
// files of two clients of a host for the same series, and drop one.
std::string MetricsText(const TrustClientState& state, std::string_view client);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_METRICS_TEXT_H_
