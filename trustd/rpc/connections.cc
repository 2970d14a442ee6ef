#include "trustd/rpc/connections.h"

#include <fcntl.h>
// Not <netinet/tcp.h>: its tcp_info ends before what has been received.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace anchorage::trustd {
namespace {

// While all places are taken, connections are swept to free one, at most this
// often for each place: a small part of the time, and soon where there are few.
constexpr std::int64_t kSweepNanosForEach = 2'000;

std::int64_t UptimeNanos() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

}  // namespace

GrpcConnectionRecord::GrpcConnectionRecord(int socket, ino_t inode,
                                           int duplicate, Place place)
    : socket_(socket),
      inode_(inode),
      duplicate_(duplicate),
      place_(std::move(place)),
      accepted_nanos_(UptimeNanos()) {}

GrpcConnectionRecord::~GrpcConnectionRecord() { ::close(duplicate_); }

bool GrpcConnectionRecord::IsOpen() const {
  struct stat found {};
  return ::fstat(socket_, &found) == 0 && found.st_ino == inode_;
}

bool GrpcConnectionRecord::Cut() {
  if (is_cut_.exchange(true)) return false;
  // After a shutdown() gRPC would still read, and act on, the megabytes that
  // wait in the kernel; dissolving the connection drops them.
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  if (::connect(duplicate_, &nobody, sizeof(nobody)) != 0) {
    ::shutdown(duplicate_, SHUT_RDWR);
  }
  return true;
}

std::uint64_t GrpcConnectionRecord::ReceivedBytes() const {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (::getsockopt(duplicate_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
    return 0;
  }
  return info.tcpi_bytes_received;
}

Connections::Connections(const Options& options, ShedFunction shed)
    : options_(options),
      shed_(std::move(shed)),
      admission_(options.most, options.proxies) {}

bool Connections::Add(int socket, const Endpoint& peer) {
  if (HasCutOne(peer.address)) {
    shed_("connections_cut");
    return false;
  }
  Place place;
  Refusal refusal = admission_.Admit(peer.address, place);
  if (refusal != Refusal::kNone) {
    bool is_due = false;
    {
      const absl::MutexLock lock(&mutex_);
      is_due = UptimeNanos() - last_sweep_nanos_ >=
               kSweepNanosForEach * options_.most;
    }
    if (is_due) {
      (void)Sweep();
      refusal = admission_.Admit(peer.address, place);
    }
  }
  if (refusal != Refusal::kNone) {
    shed_(absl::StrCat("connections_", NameOf(refusal)));
    return false;
  }
  struct stat found {};
  const int duplicate = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) {
    shed_("descriptors");
    return false;
  }
  ::fstat(socket, &found);
  std::shared_ptr<GrpcConnectionRecord> record;
  try {
    record = std::make_shared<GrpcConnectionRecord>(
        socket, found.st_ino, duplicate, std::move(place));
  } catch (...) {
    ::close(duplicate);
    throw;
  }
  record->group_ = peer.address.Group();
  record->may_send_much_ = admission_.IsExempt(peer.address);
  std::shared_ptr<GrpcConnectionRecord> ended;
  {
    const absl::MutexLock lock(&mutex_);
    std::shared_ptr<GrpcConnectionRecord>& last = open_[peer];
    if (last == nullptr || !last->IsOpen()) {
      ended = std::exchange(last, std::move(record));
      return true;
    }
  }
  // The first one's place would be given back while gRPC still has it.
  shed_("connections_port");
  return false;
}

std::shared_ptr<GrpcConnectionRecord> Connections::Find(const Endpoint& peer) {
  const absl::MutexLock lock(&mutex_);
  const auto found = open_.find(peer);
  return found == open_.end() ? nullptr : found->second;
}

bool Connections::Sweep() {
  // Connections that end here are closed after the lock is released.
  std::vector<std::shared_ptr<GrpcConnectionRecord>> ended;
  std::vector<std::shared_ptr<GrpcConnectionRecord>> open;
  bool has_cut_ended = false;
  {
    const absl::MutexLock lock(&mutex_);
    last_sweep_nanos_ = UptimeNanos();
    for (auto entry = open_.begin(); entry != open_.end();) {
      if (entry->second->IsOpen()) {
        open.push_back(entry->second);
        ++entry;
        continue;
      }
      has_cut_ended |= entry->second->is_cut_;
      ended.push_back(std::move(entry->second));
      open_.erase(entry++);
    }
    // Swept here too, for addresses from which nobody connects again.
    absl::erase_if(cut_, [&](auto& entry) {
      auto& records = entry.second;
      const auto left = std::partition(
          records.begin(), records.end(),
          [](const auto& one) { return one->calls > 0 || one->IsOpen(); });
      std::move(left, records.end(), std::back_inserter(ended));
      records.erase(left, records.end());
      return records.empty();
    });
  }
  for (const auto& record : open) CutIfGreedy(record);
  return has_cut_ended;
}

bool Connections::HasCutOne(const IpAddress& address) {
  std::vector<std::shared_ptr<GrpcConnectionRecord>> gone;
  const absl::MutexLock lock(&mutex_);
  const auto found = cut_.find(address.Group());
  if (found == cut_.end()) return false;
  for (const auto& record : found->second) {
    if (record->calls > 0 || record->IsOpen()) return true;
  }
  gone = std::move(found->second);
  cut_.erase(found);
  return false;
}

void Connections::Cut(const std::shared_ptr<GrpcConnectionRecord>& record) {
  if (!record->Cut() || record->may_send_much_) return;
  const absl::MutexLock lock(&mutex_);
  cut_[record->group_].push_back(record);
}

void Connections::CutIfGreedy(
    const std::shared_ptr<GrpcConnectionRecord>& shared) {
  const GrpcConnectionRecord& record = *shared;
  if (record.may_send_much_ || record.is_cut_) return;
  const auto seconds = static_cast<std::uint64_t>(
      (UptimeNanos() - record.accepted_nanos_) / 1'000'000'000);
  const std::uint64_t most =
      options_.burst_bytes + options_.bytes_a_second * seconds;
  if (record.ReceivedBytes() <= most) return;
  Cut(shared);
  shed_("bytes");
}

std::size_t Connections::size() const {
  const absl::MutexLock lock(&mutex_);
  return open_.size();
}

}  // namespace anchorage::trustd
