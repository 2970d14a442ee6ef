// A record in words, as commands print it.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_RECORD_ROW_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_RECORD_ROW_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "proto/anchorage/v1/record_text.pb.h"

namespace anchorage::trustctl {

// As JSON: index, time, fact, person, rotation_ids, slots and words. Numbers of
// 64 bits are texts, as protobuf's JSON has them.
nlohmann::ordered_json RowOf(std::uint64_t index, const v1::RecordText& text);

// As one line for people, without a line feed.
std::string LineOf(std::uint64_t index, const v1::RecordText& text);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_RECORD_ROW_H_
