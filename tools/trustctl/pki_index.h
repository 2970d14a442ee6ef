// The index of a folder of `trustctl pki`: a line for each certificate that its
// CA made, in their order, so that what is out there is known.
//
//   2027-02-27T21:20:00Z 4f9c... 9a31... person approver alice
//
// are the end, the serial, the SHA-256, the kind, the role ("-" for none) and
// the names, which for a server are its hosts with commas between them.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_PKI_INDEX_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_PKI_INDEX_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tools/trustctl/pki_certificate.h"

namespace anchorage::trustctl {

// The longest index that is read: some ten thousand lines.
inline constexpr std::size_t kMaxPkiIndexBytes = 4 * 1024 * 1024;

// What people may be in a trustd.yaml: "viewer", "approver", "operator",
// "instance".
std::vector<std::string> PkiRoleNames();

struct PkiEntry {
  absl::Time not_after;
  std::string serial = {};
  std::string sha256 = {};
  PkiKind kind = PkiKind::kPerson;
  // Of a person alone.
  std::string role = {};
  // Of a person or a CA one; of a server its hosts.
  std::vector<std::string> names;

  friend bool operator==(const PkiEntry&, const PkiEntry&) = default;
};

// One line, with its end.
std::string ToLine(const PkiEntry& entry);

// Reads lines. Each is exactly what ToLine() writes; DATA_LOSS names the first
// that is not. Linear in the text.
absl::StatusOr<std::vector<PkiEntry>> ReadPkiIndex(std::string_view text);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_PKI_INDEX_H_
