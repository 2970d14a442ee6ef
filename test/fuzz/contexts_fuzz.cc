// Input: a file of contexts.
// Holds for any bytes:
//   1. what is read can be written, and read again as the same;
//   2. each context has a name that is one, no value is empty, and the one in
//      use is there.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "test/fuzz/fuzz.h"
#include "tools/trustctl/contexts.h"

namespace anchorage::test {
namespace {

void Check(std::string_view yaml) {
  const auto contexts = trustctl::ParseContexts(yaml, "config.yaml");
  if (!contexts.ok()) return;
  const auto again =
      trustctl::ParseContexts(trustctl::ToYaml(*contexts), "config.yaml");
  Require(again.ok() && again->current == contexts->current &&
              again->all == contexts->all,
          "what is written is read");
  Require(
      contexts->current.empty() || contexts->all.contains(contexts->current),
      "the one in use is there");
  for (const auto& [name, context] : contexts->all) {
    Require(trustctl::IsContextName(name), "a name is one");
    for (const auto& [field, value] : context) {
      Require(!value.empty(), "a value says something");
    }
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
