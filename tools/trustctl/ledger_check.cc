#include "tools/trustctl/ledger_check.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "verify/encoding/base64.h"

namespace anchorage::trustctl {
namespace {

// Of a length that goes on in another byte.
constexpr std::size_t kMore = 0x80;
constexpr int kGroupBits = 7;
// LedgerRecord.time, the first field of each record.
constexpr int kTimeTag = 0x0a;

absl::Status ReadLines(std::istream& in, const std::string& name,
                       const VisitRecord& visit) {
  std::vector<char> buffer(kMaxLedgerLineBytes);
  int number = 0;
  while (
      in.getline(buffer.data(), static_cast<std::streamsize>(buffer.size()))) {
    ++number;
    const auto line = ParseLedgerLine(buffer.data());
    if (!line.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, ":", number, ": ", std::string(line.status().message())));
    }
    if (absl::Status s = visit(line->index, line->record); !s.ok()) return s;
  }
  if (in.eof()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, ":", number + 1, ": a line that is too long"));
}

// The length before a record; nullopt for none that a record can have.
std::optional<std::size_t> ReadLength(std::istream& in) {
  std::size_t length = 0;
  for (int shift = 0; length <= kMaxLedgerRecordBytes; shift += kGroupBits) {
    const int byte = in.get();
    if (byte == EOF || shift > 3 * kGroupBits) break;
    length |= (static_cast<std::size_t>(byte) & (kMore - 1)) << shift;
    if ((static_cast<std::size_t>(byte) & kMore) != 0) continue;
    if (length > kMaxLedgerRecordBytes) break;
    return length;
  }
  return std::nullopt;
}

absl::Status ReadDelimited(std::istream& in, const std::string& name,
                           const VisitRecord& visit) {
  std::string record;
  for (std::uint64_t index = 0; in.peek() != EOF; ++index) {
    const auto length = ReadLength(in);
    if (length.has_value()) {
      record.resize(*length);
      in.read(record.data(), static_cast<std::streamsize>(*length));
    }
    if (!length.has_value() || !in) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": record ", index,
                       " is cut, or this is no file of 'trustctl ledger "
                       "export'"));
    }
    if (absl::Status s = visit(index, record); !s.ok()) return s;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<KeptHead> ParseHead(std::string_view text) {
  const std::size_t colon = text.find(':');
  KeptHead head;
  if (colon != std::string_view::npos &&
      absl::SimpleAtoi(absl::string_view(text.data(), colon), &head.size)) {
    const auto root = verify::DecodeHex(text.substr(colon + 1));
    if (root.ok() && root->size() == head.root.size()) {
      std::copy(root->begin(), root->end(), head.root.begin());
      return head;
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", std::string(text),
                   "' is not a head, as SIZE:ROOT with 64 hex digits"));
}

std::string ToString(const KeptHead& head) {
  return absl::StrCat(
      head.size, ":",
      absl::BytesToHexString(absl::string_view(
          reinterpret_cast<const char*>(head.root.data()), head.root.size())));
}

LedgerCheck::LedgerCheck(std::vector<KeptHead> heads)
    : heads_(std::move(heads)) {
  Compare();
}

void LedgerCheck::Compare() {
  for (const KeptHead& head : heads_) {
    if (!status_.ok() || head.size != tree_.size() ||
        head.root == tree_.Root()) {
      continue;
    }
    status_ = absl::UnauthenticatedError(absl::StrCat(
        "the first ", head.size, " records are not those of the head ",
        ToString(head), ": one was changed, left out, added or moved"));
  }
}

absl::Status LedgerCheck::Add(std::uint64_t index, std::string_view record) {
  if (index != tree_.size()) {
    return absl::UnauthenticatedError(absl::StrCat(
        "record ", index, " stands where record ", tree_.size(), " should be"));
  }
  tree_.Append(anchors::LeafHash(record));
  Compare();
  return absl::OkStatus();
}

absl::Status LedgerCheck::Finish() const {
  if (!status_.ok()) return status_;
  for (const KeptHead& head : heads_) {
    if (head.size > tree_.size()) {
      return absl::UnauthenticatedError(absl::StrCat(
          "there are ", tree_.size(), " records, fewer than the head ",
          ToString(head), " has: the record was cut"));
    }
  }
  return absl::OkStatus();
}

std::string ToText(const LedgerLine& line) {
  return absl::StrCat("{\"index\":", line.index, ",\"record\":\"",
                      absl::Base64Escape(line.record), "\"}");
}

absl::StatusOr<LedgerLine> ParseLedgerLine(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_object() && json.contains("index") && json.contains("record") &&
      json["index"].is_number_unsigned() && json["record"].is_string()) {
    LedgerLine line;
    line.index = json["index"].get<std::uint64_t>();
    const std::string& record = json["record"].get_ref<const std::string&>();
    if (absl::Base64Unescape(record, &line.record)) return line;
  }
  return absl::InvalidArgumentError("not a line of 'trustctl ledger export'");
}

std::string Delimited(std::string_view record) {
  std::string bytes;
  std::size_t length = record.size();
  for (; length >= kMore; length >>= kGroupBits) {
    bytes.push_back(static_cast<char>((length & (kMore - 1)) | kMore));
  }
  bytes.push_back(static_cast<char>(length));
  return bytes.append(record);
}

absl::Status ReadRecords(std::istream& in, const std::string& name,
                         const VisitRecord& visit) {
  // A length of 123 is a brace, too; then the tag of the record's time follows,
  // and after a brace of ours a quotation mark.
  const int first = in.get();
  const bool is_json = first == '{' && in.peek() != kTimeTag;
  if (first != EOF) in.unget();
  return is_json ? ReadLines(in, name, visit) : ReadDelimited(in, name, visit);
}

}  // namespace anchorage::trustctl
