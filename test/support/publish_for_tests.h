// Publishes any catalog, past the gate: for tests that are about publishing.

#ifndef ANCHORAGE_TEST_SUPPORT_PUBLISH_FOR_TESTS_H_
#define ANCHORAGE_TEST_SUPPORT_PUBLISH_FOR_TESTS_H_

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "trustd/publish/publication.h"
#include "trustd/publish/publisher.h"
#include "trustd/rotation/gate.h"

namespace anchorage::trustd {

class AdmittedForTests {
 public:
  static Admitted Of(anchors::Catalog catalog) {
    return Admitted(std::move(catalog));
  }
};

}  // namespace anchorage::trustd

namespace anchorage::trustd {

// Under the next sequence, which it returns, with `also`. Fails as Prepare()
// and Commit().
inline absl::StatusOr<std::uint64_t> PublishForTests(
    Publisher& publisher, const PublicationHub& hub, anchors::Catalog catalog,
    absl::Time now, const StoreBatch& also = {}) {
  const auto current = hub.Current();
  catalog.sequence = current->next_sequence;
  auto prepared = publisher.Prepare(AdmittedForTests::Of(std::move(catalog)),
                                    current->targets_version + 1, now);
  if (!prepared.ok()) return prepared.status();
  if (absl::Status s = publisher.Commit(*std::move(prepared), also); !s.ok()) {
    return s;
  }
  return current->next_sequence;
}

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TEST_SUPPORT_PUBLISH_FOR_TESTS_H_
