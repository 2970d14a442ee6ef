#include "trustd/doctor/doctor.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "anchors/base/atomic_file.h"
#include "trustd/doctor/checks.h"
#include "trustd/publish/publisher.h"
#include "trustd/publish/publisher_files.h"

namespace anchorage::trustd {
namespace {

using anchors::CheckLine;
using anchors::Mark;

struct Check {
  std::string_view id;
  CheckLine (*look)(const Look&);
};

constexpr Check kChecks[] = {
    {"data-dir", CheckDataDir},
    {"disk", CheckDisk},
    {"store", CheckStore},
    {"head", CheckHead},
    {"record", CheckRecordOf},
    {"metadata", CheckMetadata},
    {"images", CheckImages},
    {"key-files", CheckKeyFiles},
    {"keys-of-root", CheckKeysOfRoot},
    {"signers", CheckSigners},
    {"clock", CheckClock},
    {"ports", CheckPorts},
    {"sockets", CheckSockets},
    {"certificates", CheckCertificates},
    {"secrets", CheckSecrets},
    {"descriptors", CheckDescriptors},
};

// Returns the process that holds the lock of `data_dir`. To try the lock would
// keep a trustd that starts at this moment from taking it.
std::optional<pid_t> HolderOf(const std::string& data_dir) {
  struct stat status;
  if (::stat((data_dir + "/lock").c_str(), &status) != 0) return std::nullopt;
  std::ifstream locks("/proc/locks");
  // "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF"
  std::string line;
  while (std::getline(locks, line)) {
    std::istringstream words(line);
    std::string number, kind, advisory, access, place;
    pid_t pid = 0;
    if (!(words >> number >> kind >> advisory >> access >> pid >> place) ||
        kind != "FLOCK" || pid <= 0) {
      continue;
    }
    std::uint64_t inode = 0;
    if (absl::SimpleAtoi(place.substr(place.rfind(':') + 1), &inode) &&
        inode == status.st_ino) {
      return pid;
    }
  }
  return std::nullopt;
}

}  // namespace

Look LookAt(const DoctorPlace& place, absl::Time now) {
  Look look{.place = place, .now = now};
  const std::string& data_dir = place.publisher.data_dir;
  look.running = HolderOf(data_dir);
  const auto head = anchors::ReadFile(data_dir + "/store.head", kMaxHeadBytes);
  look.head_read = head.status();
  if (head.ok()) {
    const auto parsed = ParseHead(*head);
    look.head_read = parsed.status();
    if (parsed.ok()) look.head = *parsed;
  }
  struct stat status;
  look.has_begun = look.head != StoreHead() ||
                   ::stat(FirstRootPath(data_dir).c_str(), &status) == 0;
  // What is cleaned up while it is opened fails, and then not.
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto store = RocksDbStore::OpenForReading(data_dir + "/store");
    look.opened = store.status();
    if (!store.ok()) continue;
    look.store = *std::move(store);
    break;
  }
  if (::access(data_dir.c_str(), R_OK | X_OK) != 0 && errno == EACCES) {
    // What cannot be seen is not gone.
    look.opened = anchors::FileError(EACCES, "read", data_dir);
  }
  look.verified = look.opened;
  if (look.store == nullptr) return look;
  const auto files = LoadFiles(*look.store);
  look.verified = files.status();
  if (!files.ok()) return look;
  if (files->roots.empty()) {
    look.verified = absl::NotFoundError("nothing was published yet");
    return look;
  }
  look.has_begun = true;
  auto publication = VerifyFiles(*files);
  look.verified = publication.status();
  if (publication.ok()) look.publication = *std::move(publication);
  return look;
}

CheckLine Ok(std::string detail) {
  return {.mark = Mark::kOk, .detail = std::move(detail)};
}

CheckLine Skipped(std::string why) {
  return {.mark = Mark::kSkipped, .detail = std::move(why)};
}

CheckLine Warn(std::string reason, std::string detail, std::string hint) {
  return {.mark = Mark::kWarn,
          .reason = std::move(reason),
          .hint = std::move(hint),
          .detail = std::move(detail)};
}

CheckLine Fail(std::string reason, std::string detail, std::string hint) {
  CheckLine line = Warn(std::move(reason), std::move(detail), std::move(hint));
  line.mark = Mark::kFail;
  line.exit_code = kDoctorFailed;
  return line;
}

CheckLine Worst(std::vector<CheckLine> lines, std::string otherwise) {
  if (lines.empty()) return Skipped(std::move(otherwise));
  const auto worst = std::max_element(
      lines.begin(), lines.end(),
      [](const CheckLine& a, const CheckLine& b) { return a.mark < b.mark; });
  std::vector<std::string> details;
  std::vector<std::string> hints;
  for (const CheckLine& line : lines) {
    if (line.mark != worst->mark) continue;
    details.push_back(line.detail);
    if (std::find(hints.begin(), hints.end(), line.hint) == hints.end()) {
      hints.push_back(line.hint);
    }
  }
  CheckLine all = *worst;
  all.detail = absl::StrJoin(details, ", ");
  all.hint = absl::StrJoin(hints, "; ");
  return all;
}

std::string DateOf(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M UTC", time, absl::UTCTimeZone());
}

std::vector<CheckLine> Diagnose(const DoctorPlace& place, absl::Time now) {
  const Look look = LookAt(place, now);
  std::vector<CheckLine> lines;
  for (const Check& check : kChecks) {
    lines.push_back(check.look(look));
    lines.back().id = check.id;
  }
  return lines;
}

}  // namespace anchorage::trustd
