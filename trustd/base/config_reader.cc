#include "trustd/base/config_reader.h"

#include <google/protobuf/descriptor.h>

#include <filesystem>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "anchors/base/host_port.h"

namespace anchorage::trustd {
namespace {

thread_local LimitNotes* notes = nullptr;

}  // namespace

ConfigReader::ConfigReader(const std::string& path, const std::string& part,
                           google::protobuf::Message* completed)
    : path_(path), part_(part), completed_(completed) {}

void ConfigReader::Fail(const std::string& what) {
  if (!status_.ok()) return;
  status_ = absl::InvalidArgumentError(
      absl::StrCat(path_, ": ", part_, part_.empty() ? "" : ": ", what));
}

ConfigReader::Place ConfigReader::Find(const std::string& name) const {
  Place place;
  google::protobuf::Message* message = completed_;
  for (const std::string& step :
       std::vector<std::string>(absl::StrSplit(name, '.'))) {
    if (place.field != nullptr) {
      message = message->GetReflection()->MutableMessage(message, place.field);
    }
    if (message == nullptr) return {};
    place.field = message->GetDescriptor()->FindFieldByName(step);
    if (place.field == nullptr) return {};
  }
  place.message = message;
  return place;
}

absl::Duration ConfigReader::Within(bool set,
                                    const google::protobuf::Duration& value,
                                    absl::Duration otherwise,
                                    absl::Duration least, absl::Duration most,
                                    const std::string& name) {
  const Place place = Find(name);
  if (place.message != nullptr && notes != nullptr) {
    notes->by_field_[place.field->full_name()] = {
        .least = absl::ToInt64Seconds(least),
        .most = absl::ToInt64Seconds(most)};
  }
  absl::Duration result = otherwise;
  if (set) {
    const absl::Duration given = absl::Seconds(value.seconds());
    if (given >= least && given <= most) {
      result = given;
    } else {
      Fail(absl::StrCat("'", name, "' must be from ",
                        absl::ToInt64Seconds(least), "s to ",
                        absl::ToInt64Seconds(most), "s"));
    }
  }
  if (place.message != nullptr) {
    google::protobuf::Duration written;
    written.set_seconds(absl::ToInt64Seconds(result));
    place.message->GetReflection()
        ->MutableMessage(place.message, place.field)
        ->CopyFrom(written);
  }
  return result;
}

int ConfigReader::Within(int value, int otherwise, int least, int most,
                         const std::string& name) {
  const Place place = Find(name);
  if (place.message != nullptr && notes != nullptr) {
    notes->by_field_[place.field->full_name()] = {.least = least, .most = most};
  }
  int result = otherwise;
  if (value >= least && value <= most) {
    result = value;
  } else if (value != 0) {
    Fail(absl::StrCat("'", name, "' must be from ", least, " to ", most));
  }
  if (place.message != nullptr) {
    place.message->GetReflection()->SetInt32(place.message, place.field,
                                             result);
  }
  return result;
}

std::string ConfigReader::Set(const std::string& value,
                              const std::string& name) {
  // For what is not set, no message on the way to it is added.
  if (value.empty()) return value;
  const Place place = Find(name);
  if (place.message != nullptr) {
    place.message->GetReflection()->SetString(place.message, place.field,
                                              value);
  }
  return value;
}

std::string ConfigReader::Address(const std::string& value,
                                  const std::string& otherwise,
                                  const std::string& name) {
  std::string result = value.empty() ? otherwise : value;
  if (!value.empty() && !anchors::ParseHostPort(value).has_value()) {
    Fail(absl::StrCat("'", name, "' must be HOST:PORT, not '", value, "'"));
    result = otherwise;
  }
  return Set(result, name);
}

std::string ConfigReader::Path(const std::string& value,
                               const std::string& name) {
  const std::filesystem::path given(value);
  return Set(
      value.empty() || given.is_absolute()
          ? value
          : (std::filesystem::path(path_).parent_path() / given).string(),
      name);
}

LimitNotes::LimitNotes() { notes = this; }

LimitNotes::~LimitNotes() { notes = nullptr; }

}  // namespace anchorage::trustd
