// What the commands about lists of producers and images share.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_LISTS_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_LISTS_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anchors/images/image_index.h"
#include "anchors/images/producers.h"

namespace anchorage::trustctl {

// Each reads a list that nothing vouches for. Fail as ReadInput() and the
// parsers do.
absl::StatusOr<anchors::ProducerList> ReadProducerList(const std::string& path);
absl::StatusOr<anchors::ImageIndex> ReadImageIndex(const std::string& path);

// Returns the SHA-256 of a file of any length, lower-case hex, and shows how far
// it is on a terminal. Fails where the file cannot be read.
absl::StatusOr<std::string> HashDisk(const std::string& path);

// "ledger 1.2 of acme": printable.
std::string NameOf(const anchors::Image& image);

// The line after a change of a list: what is left to do. `lists` are flags of
// "targets propose".
std::string UnsignedNote(const std::string& lists);

nlohmann::ordered_json FactsOf(const anchors::Image& image);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_LISTS_H_
