// Reads values of a configuration: each within its limits, or its default.
//
//   ConfigReader reader("/etc/trustd.yaml", "'admin'");
//   settings.key_path = reader.Path(proto.key_path());
//   if (!reader.status().ok()) return reader.status();

#ifndef ANCHORAGE_TRUSTD_BASE_CONFIG_READER_H_
#define ANCHORAGE_TRUSTD_BASE_CONFIG_READER_H_

#include <google/protobuf/duration.pb.h>

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace anchorage::trustd {

class ConfigReader {
 public:
  // Every message begins with `path`, that of the file, and `part`, which says
  // where in it; empty for its top.
  explicit ConfigReader(const std::string& path, const std::string& part = "");

  // Keeps `what` as an INVALID_ARGUMENT, unless something failed before.
  void Fail(const std::string& what);
  const absl::Status& status() const { return status_; }

  // Each returns the value; `otherwise` where it is not set, as 0 and "" say,
  // and after a failure.
  absl::Duration Within(bool set, const google::protobuf::Duration& value,
                        absl::Duration otherwise, absl::Duration least,
                        absl::Duration most, const std::string& name);
  int Within(int value, int otherwise, int least, int most,
             const std::string& name);
  // HOST:PORT.
  std::string Address(const std::string& value, const std::string& otherwise,
                      const std::string& name);
  // Relative paths are relative to the folder of the file; "" stays "".
  std::string Path(const std::string& value) const;

 private:
  const std::string path_;
  const std::string part_;
  absl::Status status_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BASE_CONFIG_READER_H_
