#include "anchors/tuf/delegation.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace anchorage::anchors::tuf {
namespace {

// The bytes of the UTF-8 character at `at`: `?` is a character, not a byte.
std::size_t CharacterLength(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() &&
         (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
    ++end;
  }
  return end - at;
}

// Backtracks to the last star only: no earlier one could match more.
bool MatchesSegment(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::optional<std::size_t> star;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == '?') {
      ++p;
      t += CharacterLength(text, t);
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star.has_value()) {
      p = *star + 1;
      star_text += CharacterLength(text, star_text);
      t = star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// Removes the text before the first slash from `rest` and returns it.
std::string_view TakeSegment(std::string_view& rest, bool& last) {
  const std::size_t slash = rest.find('/');
  last = slash == std::string_view::npos;
  const std::string_view segment = rest.substr(0, slash);
  rest.remove_prefix(last ? rest.size() : slash + 1);
  return segment;
}

}  // namespace

bool MatchesPathPattern(std::string_view pattern, std::string_view path) {
  while (true) {
    bool pattern_last = false;
    bool path_last = false;
    const std::string_view form = TakeSegment(pattern, pattern_last);
    const std::string_view segment = TakeSegment(path, path_last);
    if (pattern_last != path_last || !MatchesSegment(form, segment)) {
      return false;
    }
    if (pattern_last) return true;
  }
}

bool Delegation::Covers(std::string_view target_path) const {
  if (paths.has_value()) {
    return std::any_of(paths->begin(), paths->end(), [&](const auto& pattern) {
      return MatchesPathPattern(pattern, target_path);
    });
  }
  const std::string hash = verify::Sha256Hex(target_path);
  return std::any_of(
      path_hash_prefixes->begin(), path_hash_prefixes->end(),
      [&](const std::string& prefix) { return hash.starts_with(prefix); });
}

DelegationWalk::DelegationWalk(std::string_view target_path,
                               std::shared_ptr<const Targets> top)
    : target_path_(target_path) {
  visited_.insert(std::string(kTargetsRole));
  Visit(top);
}

std::optional<DelegationWalk::Edge> DelegationWalk::Next() {
  while (!stack_.empty()) {
    Edge edge = std::move(stack_.back());
    stack_.pop_back();
    if (visited_.insert(edge.role).second) return edge;
  }
  return std::nullopt;
}

void DelegationWalk::Visit(const std::shared_ptr<const Targets>& role) {
  if (!role->delegations.has_value()) return;
  std::vector<Edge> below;
  for (const Delegation& delegation : role->delegations->roles) {
    if (!delegation.Covers(target_path_)) continue;
    below.push_back({role, delegation.name});
    if (delegation.terminating) {
      stack_.clear();
      break;
    }
  }
  stack_.insert(stack_.end(), std::make_move_iterator(below.rbegin()),
                std::make_move_iterator(below.rend()));
}

}  // namespace anchorage::anchors::tuf
