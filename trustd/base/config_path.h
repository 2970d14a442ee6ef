// Paths in a configuration are relative to the folder of its file.

#ifndef ANCHORAGE_TRUSTD_BASE_CONFIG_PATH_H_
#define ANCHORAGE_TRUSTD_BASE_CONFIG_PATH_H_

#include <filesystem>
#include <string>

namespace anchorage::trustd {

// Returns the path `value` in the file `config_path`, made relative to the
// working directory.
inline std::string ResolvePath(const std::string& value,
                               const std::string& config_path) {
  const std::filesystem::path given(value);
  if (given.is_absolute()) return value;
  return (std::filesystem::path(config_path).parent_path() / given).string();
}

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BASE_CONFIG_PATH_H_
