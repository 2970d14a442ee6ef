#include "trustd/base/config_reader.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "anchors/base/host_port.h"

namespace anchorage::trustd {

ConfigReader::ConfigReader(const std::string& path, const std::string& part)
    : path_(path), part_(part) {}

void ConfigReader::Fail(const std::string& what) {
  if (!status_.ok()) return;
  status_ = absl::InvalidArgumentError(
      absl::StrCat(path_, ": ", part_, part_.empty() ? "" : ": ", what));
}

absl::Duration ConfigReader::Within(bool set,
                                    const google::protobuf::Duration& value,
                                    absl::Duration otherwise,
                                    absl::Duration least, absl::Duration most,
                                    const std::string& name) {
  if (!set) return otherwise;
  const absl::Duration duration = absl::Seconds(value.seconds());
  if (duration >= least && duration <= most) return duration;
  Fail(absl::StrCat("'", name, "' must be from ", absl::ToInt64Seconds(least),
                    "s to ", absl::ToInt64Seconds(most), "s"));
  return otherwise;
}

int ConfigReader::Within(int value, int otherwise, int least, int most,
                         const std::string& name) {
  if (value == 0) return otherwise;
  if (value >= least && value <= most) return value;
  Fail(absl::StrCat("'", name, "' must be from ", least, " to ", most));
  return otherwise;
}

std::string ConfigReader::Address(const std::string& value,
                                  const std::string& otherwise,
                                  const std::string& name) {
  if (value.empty()) return otherwise;
  if (anchors::ParseHostPort(value).has_value()) return value;
  Fail(absl::StrCat("'", name, "' must be HOST:PORT, not '", value, "'"));
  return otherwise;
}

std::string ConfigReader::Path(const std::string& value) const {
  const std::filesystem::path given(value);
  if (value.empty() || given.is_absolute()) return value;
  return (std::filesystem::path(path_).parent_path() / given).string();
}

}  // namespace anchorage::trustd
