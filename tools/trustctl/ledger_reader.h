// The record of a running trustd, as the commands read it that also read an
// exported one.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_LEDGER_READER_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_LEDGER_READER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/trustctl/admin_source.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/ledger_check.h"

namespace anchorage::trustctl {

// Takes one record; its failure ends the reading.
using VisitRecord =
    std::function<absl::Status(std::uint64_t index, const std::string& record)>;

class LedgerReader {
 public:
  virtual ~LedgerReader() = default;
  // The head that is served now.
  virtual absl::StatusOr<KeptHead> Head() = 0;
  // Reads the first `size` records.
  virtual absl::Status Read(std::uint64_t size, const VisitRecord& visit) = 0;
};

using OpenLedger =
    absl::StatusOr<std::unique_ptr<LedgerReader>>(const AdminSource& source);

// Adds `ledger verify` and `ledger export`, which open a trustd's by `open`.
void AddLedgerReadBy(CLI::App& ledger, Action& action, OpenLedger& open);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_LEDGER_READER_H_
