// Input: a variable of Secure Boot.
// Holds for any bytes:
//   1. the variable is read, or there is a reason; its entries lie in it, in its
//      order, and do not overlap;
//   2. its lists, walked by another program, have the same entries, and written
//      anew are the same bytes;
//   3. nothing can be cut off, and nothing added;
//   4. what is detected is one of the two forms, and never both.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "test/fuzz/fuzz.h"
#include "test/support/pe_writer.h"
#include "verify/measure/boot/measure_error.h"
#include "verify/measure/boot/signature_list.h"

namespace anchorage::test {
namespace {

using verify::ParseSignatureDatabase;
using verify::SignatureDatabase;
using verify::VariableForm;

bool MeasureDecided(const absl::Status& status) {
  Require(status.ok() || verify::MeasureReasonOf(status).has_value(),
          "what is refused has a reason");
  return status.ok();
}

std::uint32_t Little32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) {
    value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  }
  return value;
}

void CheckLists(const SignatureDatabase& database) {
  std::string written;
  std::size_t lists = 0;
  auto entry = database.signatures.begin();
  for (std::size_t at = 0; at < database.variable.size(); ++lists) {
    const std::string_view type = database.variable.substr(at, 16);
    const std::uint32_t size = Little32(database.variable, at + 16);
    const std::uint32_t header = Little32(database.variable, at + 20);
    const std::uint32_t each = Little32(database.variable, at + 24);
    written += database.variable.substr(at, 28 + header);
    for (std::uint32_t i = 0; i < (size - 28 - header) / each; ++i, ++entry) {
      Require(entry != database.signatures.end(), "the entry is there");
      Require(entry->type == type, "the entry has its list's type");
      Require(entry->owner.size() == 16 && entry->whole.size() == each,
              "the entry has its list's size");
      RequireWithin(entry->whole, database.variable);
      written += entry->owner;
      written += entry->data;
    }
    at += size;
  }
  Require(entry == database.signatures.end() && lists == database.lists,
          "there are no other entries");
  Require(written == database.variable, "written anew it is the same");
}

void CheckForm(std::string_view bytes, VariableForm form) {
  const auto database = ParseSignatureDatabase(bytes, form);
  if (!MeasureDecided(database.status())) return;
  CheckLists(*database);
  if (database->variable.empty()) return;
  if (database->lists == 1) {
    Require(
        !ParseSignatureDatabase(bytes.substr(0, bytes.size() - 1), form).ok(),
        "nothing can be cut off");
  }
  Require(!ParseSignatureDatabase(std::string(bytes) + "x", form).ok(),
          "nothing can be added");
}

void Check(std::string_view bytes) {
  CheckForm(bytes, VariableForm::kRaw);
  CheckForm(bytes, VariableForm::kEfivarfs);
  const auto raw = ParseSignatureDatabase(bytes, VariableForm::kRaw);
  const auto efivarfs = ParseSignatureDatabase(bytes, VariableForm::kEfivarfs);
  const auto detected = ParseSignatureDatabase(bytes, VariableForm::kDetect);
  MeasureDecided(detected.status());
  Require(detected.ok() == (raw.ok() != efivarfs.ok()),
          "one form is detected, or none");
  if (detected.ok()) {
    Require(detected->variable == (raw.ok() ? raw : efivarfs)->variable,
            "the variable is that of the form");
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
