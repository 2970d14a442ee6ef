// Private to the doctor: what its files share.

#ifndef ANCHORAGE_TRUSTD_DOCTOR_CHECKS_H_
#define ANCHORAGE_TRUSTD_DOCTOR_CHECKS_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "anchors/base/check_lines.h"
#include "trustd/base/rocksdb_store.h"
#include "trustd/base/store_head.h"
#include "trustd/doctor/doctor.h"
#include "trustd/publish/publication.h"

namespace anchorage::trustd {

// What several checks look at.
struct Look {
  const DoctorPlace& place;
  const absl::Time now;
  // The process that has data_dir; nullopt for none that can be seen.
  std::optional<pid_t> running = {};
  // Whether a store was ever there.
  bool has_begun = false;
  // Null with the reason why, which is NOT_FOUND where there is none.
  std::unique_ptr<RocksDbStore> store = {};
  absl::Status opened = {};
  // store.head as it was before the store was opened.
  absl::Status head_read = {};
  StoreHead head = {};
  // Null with the reason why.
  std::shared_ptr<const Publication> publication = {};
  absl::Status verified = {};

  bool offline() const {
    return place.publisher.mode == v1::TrustdConfig::MODE_OFFLINE;
  }
};

Look LookAt(const DoctorPlace& place, absl::Time now);

// Lines without an id.
anchors::CheckLine Ok(std::string detail);
anchors::CheckLine Skipped(std::string why);
anchors::CheckLine Warn(std::string reason, std::string detail,
                        std::string hint);
anchors::CheckLine Fail(std::string reason, std::string detail,
                        std::string hint);

// The first of the worst, with the details and hints of all that are as bad;
// skipped with `otherwise` where there are none.
anchors::CheckLine Worst(std::vector<anchors::CheckLine> lines,
                         std::string otherwise);

std::string DateOf(absl::Time time);

// The store and what is signed (store_checks.cc).
anchors::CheckLine CheckStore(const Look& look);
anchors::CheckLine CheckHead(const Look& look);
anchors::CheckLine CheckRecordOf(const Look& look);
anchors::CheckLine CheckMetadata(const Look& look);
anchors::CheckLine CheckImages(const Look& look);
anchors::CheckLine CheckKeyFiles(const Look& look);
anchors::CheckLine CheckKeysOfRoot(const Look& look);
anchors::CheckLine CheckSigners(const Look& look);

// The host (host_checks.cc).
anchors::CheckLine CheckDataDir(const Look& look);
anchors::CheckLine CheckDisk(const Look& look);
anchors::CheckLine CheckClock(const Look& look);
anchors::CheckLine CheckPorts(const Look& look);
anchors::CheckLine CheckSockets(const Look& look);
anchors::CheckLine CheckCertificates(const Look& look);
anchors::CheckLine CheckSecrets(const Look& look);
anchors::CheckLine CheckDescriptors(const Look& look);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_DOCTOR_CHECKS_H_
