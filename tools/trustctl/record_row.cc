#include "tools/trustctl/record_row.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "anchors/base/proto_time.h"
#include "tools/trustctl/admin_connection.h"
#include "tools/trustctl/command.h"
#include "trustd/record/record_text.h"

namespace anchorage::trustctl {
namespace {

// A longer name is a bad record's.
constexpr std::size_t kMaxNameBytes = 256;

}  // namespace

nlohmann::ordered_json RowOf(std::uint64_t index, const v1::RecordText& text) {
  nlohmann::ordered_json row = {
      {"index", absl::StrCat(index)},
      {"time", Rfc3339(anchors::TimeOf(text.time()))},
      {"fact", text.fact()},
      {"person", text.person().substr(0, kMaxNameBytes)},
      {"rotation_ids", nlohmann::ordered_json::array()},
      {"slots", nlohmann::ordered_json::array()},
      {"words", text.words()}};
  for (const std::uint64_t id : text.rotation_ids()) {
    row["rotation_ids"].push_back(absl::StrCat(id));
  }
  for (const v1::Slot& slot : text.slots()) {
    row["slots"].push_back(TextOf(slot));
  }
  return row;
}

std::string LineOf(std::uint64_t index, const v1::RecordText& text) {
  // Escaped where it was made; but a server is not to be relied on.
  std::string line =
      absl::StrFormat("%6d  %s", index, Printable(trustd::ToLine(text)));
  if (text.rotation_ids_size() == 1) {
    absl::StrAppend(&line, " (rotation ", text.rotation_ids(0), ")");
  }
  return line;
}

}  // namespace anchorage::trustctl
