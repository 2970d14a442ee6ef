// The commands below "ledger" that trustctl-online alone has.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_LEDGER_OF_TRUSTD_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_LEDGER_OF_TRUSTD_H_

#include "tools/trustctl/command.h"

namespace anchorage::trustctl {

AddCommand AddLedgerViews;   // list, search, show, tail
AddCommand AddLedgerExport;  // export

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_LEDGER_OF_TRUSTD_H_
