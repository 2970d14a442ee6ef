// What can be set in trustd.yaml, told by the schema itself (config.proto): its
// comments, and the limits and defaults that reading a configuration gives.
//
//   const ConfigManual manual;
//   auto text = manual.Explain("sources[].interval");
//
// Immutable once it is made.

#ifndef ANCHORAGE_TRUSTD_CONFIG_MANUAL_H_
#define ANCHORAGE_TRUSTD_CONFIG_MANUAL_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "trustd/base/config_reader.h"

namespace anchorage::trustd {

// One key of the file, and the keys below it.
struct Setting {
  enum class Type { kText, kNumber, kBool, kDuration, kEnum, kSettings };

  std::string name;
  // From the top on: "sources[].interval".
  std::string path;
  Type type = Type::kText;
  bool is_list = false;
  bool is_required = false;
  // Whether exactly one of these stands beside its siblings of the kind.
  bool is_alternative = false;
  std::optional<SettingLimits> limits;
  // More than one where it depends on something else.
  std::vector<nlohmann::ordered_json> defaults;
  // Markdown, without the comment's marks.
  std::string comment;
  // The names of an enum's values, each with its comment.
  std::vector<std::pair<std::string, std::string>> values;
  std::vector<Setting> below;
};

class ConfigManual {
 public:
  ConfigManual();

  const std::vector<Setting>& settings() const { return settings_; }

  // Returns what `path` is, for a terminal. The brackets of lists can be left
  // out, or have a number in them. Fails with NOT_FOUND, and then the message
  // says what may have been meant.
  absl::StatusOr<std::string> Explain(const std::string& path) const;

  // Returns a line for each setting.
  std::string List() const;

  // Returns the page of all settings, in Markdown: trustd/CONFIG.md.
  std::string Page() const;

  // Returns the JSON schema (draft 7) by which editors complete and check the
  // file: trustd/trustd.schema.json. What it accepts trustd may refuse, because
  // two settings contradict each other.
  std::string JsonSchema() const;

 private:
  // What the schema says of the file as a whole.
  std::string introduction_;
  std::vector<Setting> settings_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_CONFIG_MANUAL_H_
