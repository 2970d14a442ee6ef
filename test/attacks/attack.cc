#include "test/attacks/attack.h"

#include <cctype>
#include <cstdio>

#include "absl/strings/str_format.h"

namespace anchorage::test {

std::string_view NameOf(By by) {
  switch (by) {
    case By::kNobody:
      return "-";
    case By::kAnyone:
      return "anyone";
    case By::kOwner:
      return "owner";
    case By::kSigner:
      return "signer";
  }
  return "";
}

std::string Verdict(std::optional<verify::Reason> reason) {
  return reason ? std::string(verify::NameOf(*reason)) : "ACCEPTED";
}

std::string Verdict(const absl::Status& status) {
  if (status.ok()) return Verdict(std::optional<verify::Reason>());
  const std::optional<verify::Reason> reason = verify::ReasonOf(status);
  return reason ? Verdict(reason) : "no reason: " + status.ToString();
}

void PrintRow(std::string_view id, By by, std::string_view what,
              std::string_view verdict, bool as_wanted) {
  absl::PrintF("%-5s %-7s %-28s %-12s %s\n", id, NameOf(by), verdict,
               as_wanted ? "as wanted" : "NOT WANTED", what);
}

std::string CatalogueId(std::string_view id) {
  while (id.size() > 1 && std::islower(static_cast<unsigned char>(id.back()))) {
    id.remove_suffix(1);
  }
  return std::string(id);
}

std::set<std::string> CatalogueRange(std::string_view prefix, int first,
                                     int last) {
  std::set<std::string> ids;
  for (int i = first; i <= last; ++i) {
    ids.insert(absl::StrFormat("%s%02d", prefix, i));
  }
  return ids;
}

}  // namespace anchorage::test
