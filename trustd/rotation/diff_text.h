// The text of a change for people.

#ifndef ANCHORAGE_TRUSTD_ROTATION_DIFF_TEXT_H_
#define ANCHORAGE_TRUSTD_ROTATION_DIFF_TEXT_H_

#include <string>

#include "anchors/catalog.h"
#include "trustd/rotation/change.h"

namespace anchorage::trustd {

// Returns "RSA-1024", "DSA-1024", "P-384" or the like.
std::string KeyName(const anchors::KeyFacts& key);

// Returns what is pinned in the change's slot ("-" where the source does not
// have it) and what was seen ("+" where it is not pinned), and the notes:
//
//   RE_ISSUE aws/eu-west-1/iid-rsa1024, seen by aws-docs at https://…
//     key 8a61…, RSA-1024, pinned ACTIVE
//   -   certificate 094d…
//   -     serial a9cb…, 2014-06-05 to 2024-06-05
//   +   certificate 7092…
//   +     serial 6a40…, 2024-04-29 to 2029-04-28, line 812
//     note: …
std::string DiffText(const Change& change, const anchors::Catalog& pinned);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ROTATION_DIFF_TEXT_H_
