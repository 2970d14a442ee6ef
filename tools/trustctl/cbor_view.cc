#include "tools/trustctl/cbor_view.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "verify/encoding/cbor.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;
using verify::CborItem;
using verify::CborReader;
using verify::CborType;

constexpr char kUnreadable[] = "(cannot be read)";
constexpr char kMore[] = "(more than is shown)";
// Of a hostile document, no more than people look at.
constexpr int kMaxShown = 1000;

// Reads one value after the other; what cannot be read ends it.
class Viewer {
 public:
  explicit Viewer(std::string_view bytes) : reader_(bytes) {}

  ordered_json Show(int depth) {
    if (++shown_ > kMaxShown) return Stop(kMore);
    std::optional<CborItem> item = reader_.Read();
    if (!item.has_value() || depth < 0) return Stop(kUnreadable);
    switch (item->type) {
      case CborType::kUnsigned:
        return item->value;
      case CborType::kNegative:
        return absl::StrCat("-1-", item->value);
      case CborType::kBytes:
        return absl::BytesToHexString(
            absl::string_view(item->string.data(), item->string.size()));
      case CborType::kText:
        return std::string(item->string);
      case CborType::kArray:
        return ShowArray(*item, depth);
      case CborType::kMap:
        return ShowMap(*item, depth);
      case CborType::kTag:
        return ordered_json{
            {absl::StrCat("tag ", item->value), Show(depth - 1)}};
      case CborType::kBool:
        return item->value != 0;
      case CborType::kNull:
        return nullptr;
      case CborType::kUndefined:
        return "undefined";
    }
    return Stop(kUnreadable);
  }

 private:
  ordered_json Stop(const char* why) {
    stopped_ = why;
    return why;
  }

  ordered_json ShowArray(CborItem& array, int depth) {
    ordered_json out = ordered_json::array();
    while (stopped_ == nullptr && reader_.More(array)) {
      out.push_back(Show(depth - 1));
    }
    return out;
  }

  ordered_json ShowMap(CborItem& map, int depth) {
    ordered_json out = ordered_json::object();
    while (stopped_ == nullptr && reader_.More(map)) {
      const ordered_json key = Show(depth - 1);
      if (stopped_ != nullptr) {
        out[stopped_] = nullptr;
        break;
      }
      std::string name = key.is_string() ? key.get<std::string>() : key.dump();
      // Of a key twice, both are shown.
      if (out.contains(name)) absl::StrAppend(&name, " (", out.size(), ")");
      out[name] = Show(depth - 1);
    }
    return out;
  }

  CborReader reader_;
  int shown_ = 0;
  // Why nothing more is shown; null while it is.
  const char* stopped_ = nullptr;
};

}  // namespace

ordered_json ShowCbor(std::string_view bytes) {
  return Viewer(bytes).Show(verify::kMaxCborDepth);
}

std::optional<std::string_view> PayloadOfOddCose(std::string_view bytes) {
  CborReader reader(bytes);
  std::optional<CborItem> array = reader.Read();
  if (array.has_value() && array->Is(CborType::kTag)) array = reader.Read();
  if (!array.has_value() || !array->Is(CborType::kArray)) return std::nullopt;
  for (int header = 0; header < 2; ++header) {
    if (!reader.More(*array) || !verify::SkipCborValue(reader).ok()) {
      return std::nullopt;
    }
  }
  if (!reader.More(*array)) return std::nullopt;
  const std::optional<CborItem> payload = reader.Read();
  if (!payload.has_value() || !payload->Is(CborType::kBytes)) {
    return std::nullopt;
  }
  return payload->string;
}

}  // namespace anchorage::trustctl
