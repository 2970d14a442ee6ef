// Reads values of a configuration: each within its limits, or its default.
//
//   ConfigReader reader("/etc/trustd.yaml", "'admin'", &proto);
//   settings.key_path = reader.Path(proto.key_path(), "key_path");
//   if (!reader.status().ok()) return reader.status();

#ifndef ANCHORAGE_TRUSTD_BASE_CONFIG_READER_H_
#define ANCHORAGE_TRUSTD_BASE_CONFIG_READER_H_

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace anchorage::trustd {

// The limits of a setting; those of a duration in seconds.
struct SettingLimits {
  std::int64_t least = 0;
  std::int64_t most = 0;
};

class ConfigReader {
 public:
  // Every message begins with `path`, that of the file, and `part`, which says
  // where in it; empty for its top. Each value that is read is set in
  // `completed`, so that this ends with every default in it; null: nowhere.
  explicit ConfigReader(const std::string& path, const std::string& part = "",
                        google::protobuf::Message* completed = nullptr);

  // Keeps `what` as an INVALID_ARGUMENT, unless something failed before.
  void Fail(const std::string& what);
  const absl::Status& status() const { return status_; }

  // Each returns the value; `otherwise` where it is not set, as 0 and "" say,
  // and after a failure. `name` is that of the setting, from `completed` on:
  // "interval", or "limits.calls" for one further down.
  absl::Duration Within(bool set, const google::protobuf::Duration& value,
                        absl::Duration otherwise, absl::Duration least,
                        absl::Duration most, const std::string& name);
  int Within(int value, int otherwise, int least, int most,
             const std::string& name);
  // HOST:PORT.
  std::string Address(const std::string& value, const std::string& otherwise,
                      const std::string& name);
  // Relative paths are relative to the folder of the file; "" stays "".
  std::string Path(const std::string& value, const std::string& name);
  // Takes `value` as it is.
  std::string Set(const std::string& value, const std::string& name);

 private:
  // A setting in `completed_`; `message` is null where there is none.
  struct Place {
    google::protobuf::Message* message = nullptr;
    const google::protobuf::FieldDescriptor* field = nullptr;
  };
  Place Find(const std::string& name) const;

  const std::string path_;
  const std::string part_;
  google::protobuf::Message* const completed_;
  absl::Status status_;
};

// While it exists, notes the limits of each setting that a reader of the same
// thread reads, by the full name of its field: for the manual of settings. One
// at a time in a thread.
class LimitNotes {
 public:
  LimitNotes();
  LimitNotes(const LimitNotes&) = delete;
  LimitNotes& operator=(const LimitNotes&) = delete;
  ~LimitNotes();

  const std::map<std::string, SettingLimits>& by_field() const {
    return by_field_;
  }

 private:
  friend class ConfigReader;
  std::map<std::string, SettingLimits> by_field_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BASE_CONFIG_READER_H_
