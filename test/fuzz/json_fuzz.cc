// Input: a JSON text.
// Holds for any bytes:
//   1. the tree and the reader that walks accept the same texts, and refuse
//      the others for the same reason;
//   2. what is accepted an independent reader accepts too, and it sees the
//      same values;
//   3. an identity document that is read says what the tree says.

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "test/fuzz/fuzz.h"
#include "test/fuzz/identity_evidence.h"
#include "verify/encoding/json.h"
#include "verify/encoding/json_reader.h"
#include "verify/identity/identity_document.h"
#include "verify/reason.h"

namespace anchorage::test {
namespace {

using verify::JsonKind;
using verify::JsonValue;

absl::Status Walk(std::string_view text, int max_depth) {
  verify::JsonReader reader(text, {.max_depth = max_depth});
  verify::JsonToken value;
  if (absl::Status s = reader.ReadValue(value); !s.ok()) return s;
  return reader.Finish();
}

bool SameNumber(const JsonValue& ours, const nlohmann::json& theirs) {
  if (!theirs.is_number()) return false;
  const auto integer = ours.AsInteger();
  return !integer.has_value() ||
         (theirs.is_number_integer() && theirs.get<std::int64_t>() == *integer);
}

bool SameValue(const JsonValue& ours, const nlohmann::json& theirs) {
  switch (ours.kind()) {
    case JsonKind::kNull:
      return theirs.is_null();
    case JsonKind::kBool:
      return theirs.is_boolean() && theirs.get<bool>() == ours.AsBool();
    case JsonKind::kNumber:
      return SameNumber(ours, theirs);
    case JsonKind::kString:
      return theirs.is_string() &&
             theirs.get_ref<const std::string&>() == ours.AsString();
    case JsonKind::kArray:
      if (!theirs.is_array() || theirs.size() != ours.elements().size()) {
        return false;
      }
      for (std::size_t i = 0; i < theirs.size(); ++i) {
        if (!SameValue(ours.elements()[i], theirs[i])) return false;
      }
      return true;
    case JsonKind::kObject:
      if (!theirs.is_object() || theirs.size() != ours.members().size()) {
        return false;
      }
      for (const auto& [name, value] : ours.members()) {
        const auto at = theirs.find(name);
        if (at == theirs.end() || !SameValue(value, *at)) return false;
      }
      return true;
  }
  return false;
}

void RequireIndependentAgreement(const JsonValue& ours, std::string_view text) {
  try {
    Require(SameValue(ours, nlohmann::json::parse(text)),
            "an independent reader sees the same values");
  } catch (const nlohmann::json::out_of_range&) {
    // A number that no double can hold: we keep its text.
  } catch (const nlohmann::json::parse_error&) {
    Require(false, "an independent reader accepts it too");
  }
}

void Check(std::string_view text) {
  const verify::JsonLimits limits = {.max_bytes = text.size()};
  const auto tree = verify::ParseJson(text, limits);
  const absl::Status walked = Walk(text, limits.max_depth);

  Require(Decided(tree.status()) == Decided(walked), "tree and walk agree");
  Require(verify::ReasonOf(tree.status()) == verify::ReasonOf(walked),
          "tree and walk give the same reason");
  if (tree.ok()) RequireIndependentAgreement(*tree, text);

  const auto scan = verify::ScanIdentityDocument(text);
  if (!Decided(scan.status())) return;
  Require(tree.ok(), "an identity document is JSON");
  const auto document = scan->ToDocument();
  if (Decided(document.status())) RequireSameFacts(*document, text);
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
