#include "tools/trustctl/ledger_check.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "verify/encoding/base64.h"

namespace anchorage::trustctl {

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
  if (json.is_object() && json.size() == 2 && json.contains("index") &&
      json.contains("record") && json["index"].is_number_unsigned() &&
      json["record"].is_string()) {
    LedgerLine line;
    line.index = json["index"].get<std::uint64_t>();
    const std::string& record = json["record"].get_ref<const std::string&>();
    if (absl::Base64Unescape(record, &line.record)) return line;
  }
  return absl::InvalidArgumentError("not a line of 'trustctl ledger export'");
}

}  // namespace anchorage::trustctl
