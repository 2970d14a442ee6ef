// Input: records of trustd, LedgerRecord, each with its length in two bytes.
// Holds for any, in any order:
//   1. each has a kind and words, in which everything is visible, in bounds;
//   2. the index gives back what was said, and finds each record by its person,
//      its rotation, its kind and its first word;
//   3. an auditor's page of them has nothing that a terminal obeys, and no
//      script.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/anchorage/v1/ledger.pb.h"
#include "test/fuzz/fuzz.h"
#include "tools/trustctl/audit_report.h"
#include "trustd/record/record_index.h"
#include "trustd/record/record_text.h"
#include "verify/printable.h"

namespace anchorage::test {
namespace {

using trustd::RecordFilter;
using trustd::RecordIndex;

void RequireFound(const RecordIndex& index, const RecordFilter& filter,
                  std::uint64_t wanted) {
  const auto found = index.Find(filter, {}).indexes;
  Require(std::binary_search(found.begin(), found.end(), wanted),
          "what a record says finds it");
}

void CheckPage(const std::string& page) {
  Require(page.find("<script") == page.npos, "a page has no script");
  Require(std::all_of(page.begin(), page.end(),
                      [](char c) {
                        const auto byte = static_cast<unsigned char>(c);
                        return byte == '\n' || (byte >= 0x20 && byte != 0x7f);
                      }),
          "a page has nothing that a terminal obeys");
}

void Check(std::string_view input) {
  trustd::RecordWords words;
  RecordIndex index;
  trustctl::AuditReport report({});
  std::vector<v1::RecordText> texts;
  while (!input.empty()) {
    const std::string_view part = TakePart(input);
    v1::LedgerRecord record;
    if (!record.ParseFromArray(part.data(), static_cast<int>(part.size()))) {
      continue;
    }
    const v1::RecordText text = words.Read(record);
    Require(!text.fact().empty() && !text.words().empty(),
            "a record has a kind and words");
    Require(text.words().size() <= verify::kMaxSentenceBytes &&
                verify::Printable(text.words()) == text.words(),
            "words are visible and in bounds");
    Require(trustd::ToLine(text).find('\n') == std::string::npos,
            "a record is one line");
    index.Add(record);
    report.Add(record);
    texts.push_back(text);
  }
  Require(index.size() == texts.size(), "the index has each record");
  for (std::uint64_t i = 0; i < texts.size(); ++i) {
    const v1::RecordText& text = texts[i];
    const v1::RecordText again = index.Text(i);
    Require(again.words() == text.words() && again.fact() == text.fact() &&
                again.rotation_ids_size() == text.rotation_ids_size() &&
                again.slots_size() == text.slots_size(),
            "the index gives back what was said");
    RequireFound(index, {.facts = {text.fact()}}, i);
    RequireFound(index, {.person = again.person()}, i);
    RequireFound(index,
                 {.text = text.words().substr(0, text.words().find(' '))}, i);
    for (const std::uint64_t id : text.rotation_ids()) {
      RequireFound(index, {.rotation_id = id}, i);
    }
    for (const v1::Slot& slot : text.slots()) {
      RequireFound(index, {.slot = slot}, i);
    }
  }
  CheckPage(report.Render(trustctl::AuditFormat::kText, {}));
  CheckPage(report.Render(trustctl::AuditFormat::kHtml, {}));
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
