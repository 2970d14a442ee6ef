// Input: an answer of the Nitro Secure Module.
// Holds for any bytes:
//   1. an answer with a document is what a writer makes of that document, byte
//      by byte, with maps of either length;
//   2. any other is refused, or an error of the module's;
//   3. any bytes that a writer makes a document of are read as that document.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "client/instance/instance_error.h"
#include "client/instance/nsm.h"
#include "test/fake_aws/cbor_writer.h"
#include "test/fuzz/fuzz.h"

namespace anchorage::test {
namespace {

using client::DecodeNsmAnswer;
using client::InstanceReason;

std::string Map(bool is_indefinite, const char* key, const std::string& value) {
  return is_indefinite ? CborIndefiniteMap({{CborText(key), value}})
                       : CborMap({{CborText(key), value}});
}

std::string Answer(std::string_view document, bool outer, bool inner) {
  return Map(outer, "Attestation", Map(inner, "document", CborBytes(document)));
}

void Check(std::string_view answer) {
  const auto document = DecodeNsmAnswer(answer);
  if (!document.ok()) {
    const auto reason = client::InstanceReasonOf(document.status());
    Require(reason == InstanceReason::kAttestationAnswerInvalid ||
                reason == InstanceReason::kAttestationRefused,
            "what is refused has a reason");
    return;
  }
  RequireWithin(*document, answer);
  bool is_written = false;
  for (const bool outer : {false, true}) {
    for (const bool inner : {false, true}) {
      is_written |= answer == Answer(*document, outer, inner);
    }
  }
  Require(is_written, "one document has one encoding, but for lengths of maps");
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace anchorage::test;
  const std::string_view input = InputOf(data, size);
  Check(input);
  const std::string answer = Answer(input, false, true);
  const auto document = DecodeNsmAnswer(answer);
  Require(document.ok() && *document == input, "any document is read");
  return 0;
}
