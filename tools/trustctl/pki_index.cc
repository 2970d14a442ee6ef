#include "tools/trustctl/pki_index.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tools/trustctl/command.h"

namespace anchorage::trustctl {
namespace {

constexpr std::size_t kSerialDigits = 32;
constexpr std::size_t kSha256Digits = 64;
constexpr int kFields = 6;
constexpr char kNoRole[] = "-";

bool IsHex(const std::string& text, std::size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdef") == text.npos;
}

bool IsRole(const std::string& role) {
  const auto names = PkiRoleNames();
  return std::find(names.begin(), names.end(), role) != names.end();
}

bool AreNames(PkiKind kind, const std::vector<std::string>& names) {
  if (kind == PkiKind::kServer) {
    return names.size() <= kMaxPkiHosts &&
           std::all_of(names.begin(), names.end(),
                       [](const auto& name) { return CheckHost(name).ok(); });
  }
  return names.size() == 1 && CheckPersonName(names.front()).ok();
}

// nullopt for a line that ToLine() would not have written.
std::optional<PkiEntry> ReadLine(absl::string_view line) {
  const std::vector<std::string> fields =
      absl::StrSplit(line, absl::MaxSplits(' ', kFields - 1));
  if (fields.size() != kFields) return std::nullopt;
  PkiEntry entry;
  const auto time = ParseRfc3339(fields[0]);
  const auto kind = PkiKindNamed(fields[3]);
  if (!time.ok() || !kind.has_value() || !IsHex(fields[1], kSerialDigits) ||
      !IsHex(fields[2], kSha256Digits)) {
    return std::nullopt;
  }
  entry.not_after = *time;
  entry.serial = fields[1];
  entry.sha256 = fields[2];
  entry.kind = *kind;
  if (*kind == PkiKind::kPerson) {
    entry.role = fields[4];
    if (!IsRole(entry.role)) return std::nullopt;
  }
  if (*kind == PkiKind::kServer) {
    entry.names = absl::StrSplit(fields[5], ',');
  } else {
    entry.names = {fields[5]};
  }
  if (!AreNames(*kind, entry.names)) return std::nullopt;
  const std::string again = ToLine(entry);
  if (line != absl::string_view(again).substr(0, again.size() - 1)) {
    return std::nullopt;
  }
  return entry;
}

}  // namespace

std::vector<std::string> PkiRoleNames() {
  return {"viewer", "approver", "operator", "instance", "producer"};
}

std::string ToLine(const PkiEntry& entry) {
  const std::string_view kind = NameOf(entry.kind);
  return absl::StrCat(Rfc3339(entry.not_after), " ", entry.serial, " ",
                      entry.sha256, " ",
                      absl::string_view(kind.data(), kind.size()), " ",
                      entry.role.empty() ? kNoRole : entry.role, " ",
                      absl::StrJoin(entry.names, ","), "\n");
}

absl::StatusOr<std::vector<PkiEntry>> ReadPkiIndex(std::string_view text) {
  std::vector<PkiEntry> entries;
  if (text.empty()) return entries;
  if (text.back() != '\n') {
    return absl::DataLossError("the last line has no end");
  }
  text.remove_suffix(1);
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    auto entry = ReadLine(line);
    if (!entry.has_value()) {
      return absl::DataLossError(absl::StrCat(
          "line ", entries.size() + 1, " is not what trustctl wrote there"));
    }
    entries.push_back(*std::move(entry));
  }
  return entries;
}

}  // namespace anchorage::trustctl
