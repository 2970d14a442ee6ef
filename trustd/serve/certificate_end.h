// When a listener's own certificate ends.

#ifndef ANCHORAGE_TRUSTD_SERVE_CERTIFICATE_END_H_
#define ANCHORAGE_TRUSTD_SERVE_CERTIFICATE_END_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anchorage::trustd {

// Returns the end of the first certificate in the PEM file at `path`. Fails with
// INVALID_ARGUMENT, or as anchors::ReadFile() does. Thread-safe.
absl::StatusOr<absl::Time> ReadCertificateEnd(const std::string& path);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SERVE_CERTIFICATE_END_H_
