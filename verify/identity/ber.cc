#include "verify/identity/ber.h"

#include <string_view>

namespace anchorage::verify {
namespace {

constexpr std::string_view kEndOfContents("\0\0", 2);
constexpr char kIndefiniteLength = '\x80';

}  // namespace

bool BerReader::NextIs(DerTag tag) const {
  return DerReader(rest_).NextIs(tag);
}

bool BerReader::Enter(DerTag tag) {
  if (depth_ == kMaxDepth || !NextIs(tag)) return false;
  if (rest_.size() >= 2 && rest_[1] == kIndefiniteLength) {
    rest_.remove_prefix(2);
    levels_[depth_++] = {.indefinite = true, .after = {}};
    return true;
  }
  DerReader reader(rest_);
  const std::optional<DerElement> element = reader.Read();
  if (!element.has_value()) return false;
  rest_ = element->contents;
  levels_[depth_++] = {.indefinite = false, .after = reader.rest()};
  return true;
}

bool BerReader::AtEnd() const {
  if (depth_ == 0 || !levels_[depth_ - 1].indefinite) return rest_.empty();
  return rest_.substr(0, kEndOfContents.size()) == kEndOfContents;
}

bool BerReader::Leave() {
  if (depth_ == 0 || !AtEnd()) return false;
  const Level& level = levels_[--depth_];
  if (level.indefinite) {
    rest_.remove_prefix(kEndOfContents.size());
  } else {
    rest_ = level.after;
  }
  return true;
}

std::optional<DerElement> BerReader::Read(DerTag tag) {
  DerReader reader(rest_);
  const std::optional<DerElement> element = reader.Read(tag);
  if (element.has_value()) rest_ = reader.rest();
  return element;
}

}  // namespace anchorage::verify
