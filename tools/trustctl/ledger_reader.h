// Where commands read a record from: a running trustd, or a file of `ledger
// export`.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_LEDGER_READER_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_LEDGER_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/trustctl/admin_source.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/ledger_check.h"
#include "tools/trustctl/output.h"

namespace anchorage::trustctl {

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

// Opens that of a trustd. In trustctl-online alone.
OpenLedger OpenServedLedger;

// The flags that say which record.
struct LedgerSource {
  // The path of a file, "-" for standard input; empty: of a trustd.
  std::string records = {};
  AdminSource trustd = {};

  // Adds --records and those of a trustd.
  void AddTo(CLI::App& command);
  // INVALID_ARGUMENT unless one of them is given.
  absl::Status Check() const;
};

// Reads a file of `ledger export`. Fails as ReadRecords().
absl::Status ReadExported(const std::string& path, const VisitRecord& visit);

// What came of reading all of a record.
struct LedgerRead {
  // Of what was read.
  KeptHead head;
  // UNAUTHENTICATED where it is not what the heads say.
  absl::Status sound;
};

// Reads all records and compares them with `kept`, if it is given, and with the
// head that is served, if a trustd is. Fails where they cannot be read.
absl::StatusOr<LedgerRead> ReadLedger(const LedgerSource& source,
                                      std::vector<KeptHead> kept,
                                      OpenLedger& open,
                                      const VisitRecord& visit);

// Adds `ledger verify`, which opens a trustd's by `open`.
void AddLedgerVerify(CLI::App& ledger, Action& action, OpenLedger& open);

// Prints the head that a person is to keep, after what was `done`.
int PrintHead(const KeptHead& head, const Output& output,
              const std::string& done);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_LEDGER_READER_H_
