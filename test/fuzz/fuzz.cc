#include "test/fuzz/fuzz.h"

#include <cstdlib>
#include <functional>
#include <iostream>

#include "verify/reason.h"

namespace anchorage::test {

void Require(bool holds, std::string_view invariant) {
  if (holds) return;
  std::cerr << "broken invariant: " << invariant << "\n";
  std::abort();
}

bool Decided(const absl::Status& status) {
  Require(status.ok() != verify::ReasonOf(status).has_value(),
          "accepted, or a reason");
  return status.ok();
}

void RequireWithin(std::string_view part, std::string_view whole) {
  const std::less_equal<const char*> before;
  Require(before(whole.data(), part.data()) &&
              before(part.data() + part.size(), whole.data() + whole.size()),
          "a view lies within the input");
}

std::uint8_t TakeByte(std::string_view& rest) {
  if (rest.empty()) return 0;
  const auto byte = static_cast<std::uint8_t>(rest.front());
  rest.remove_prefix(1);
  return byte;
}

std::string_view TakePart(std::string_view& rest) {
  std::size_t size = TakeByte(rest);
  size = size << 8 | TakeByte(rest);
  const std::string_view part = rest.substr(0, size);
  rest.remove_prefix(part.size());
  return part;
}

std::string Part(std::string_view bytes) {
  std::string out;
  out.push_back(static_cast<char>(bytes.size() >> 8));
  out.push_back(static_cast<char>(bytes.size()));
  out.append(bytes);
  return out;
}

}  // namespace anchorage::test
