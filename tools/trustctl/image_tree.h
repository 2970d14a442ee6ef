// What the commands that walk over an image share.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_TREE_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_TREE_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/image/inventory.h"
#include "verify/image/producer.h"

namespace anchorage::trustctl {

// Reads certificates of producers, each file one producer with any number of
// certificates in PEM, named by the file without folder and ending. Fails as
// ReadFile(), and with INVALID_ARGUMENT for a file without a certificate.
absl::StatusOr<std::vector<verify::TrustedProducer>> ReadProducers(
    const std::vector<std::string>& files);

// What to do about a signed manifest that was refused, as the file `path` is one
// that nobody has signed; empty where it is not.
std::string HintForBundle(const absl::Status& status, const std::string& path);

// How an image is walked over: --as-seen, --threads.
struct WalkFlags {
  void AddTo(CLI::App& command);

  // Calls `walk` with the options, and tells of its progress on a terminal.
  absl::StatusOr<client::Inventory> Walk(
      const std::string& root,
      absl::FunctionRef<
          absl::StatusOr<client::Inventory>(const client::InventoryOptions&)>
          walk) const;

  bool as_seen = false;
  std::size_t threads = 0;
};

// What to do about a walk that failed; empty where the text says all.
std::string HintForWalk(const absl::Status& status);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_TREE_H_
