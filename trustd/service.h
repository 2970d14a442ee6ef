// One trustd: store, publisher and listener, started and stopped together.

#ifndef ANCHORAGE_TRUSTD_SERVICE_H_
#define ANCHORAGE_TRUSTD_SERVICE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/steady_clock.h"
#include "trustd/admin/admin_server.h"
#include "trustd/alerts/alerter.h"
#include "trustd/backup/backup_maker.h"
#include "trustd/base/clock_watch.h"
#include "trustd/base/headed_store.h"
#include "trustd/config.h"
#include "trustd/console/console_server.h"
#include "trustd/fleet/fleet.h"
#include "trustd/images/image_service.h"
#include "trustd/images/image_store.h"
#include "trustd/mirror/mirror.h"
#include "trustd/mirror/mirror_metrics.h"
#include "trustd/mirror/poller.h"
#include "trustd/publish/publication.h"
#include "trustd/publish/publisher.h"
#include "trustd/publish/timestamp_claims.h"
#include "trustd/regions/region_watch.h"
#include "trustd/serve/http/http_listener.h"
#include "trustd/serve/metrics.h"
#include "trustd/serve/server.h"

namespace anchorage::trustd {

// Thread-safe.
class Service {
 public:
  using Clock = std::function<absl::Time()>;

  // Opens `data_dir`, publishes and serves. At the first start it makes the
  // keys and signs the first bundle; later it continues. Fails with a message
  // that says what to do; whatever was there is then unchanged. `uptime` is the
  // clock for rate limits.
  static absl::StatusOr<std::unique_ptr<Service>> Start(
      const Config& config, Clock clock,
      anchors::SteadyClock uptime = &anchors::SteadyNow);
  ~Service();

  // The address of the gRPC listener for clients.
  const std::string& address() const { return server_->address(); }
  // The address of the HTTP listener; empty if there is none.
  std::string http_address() const {
    return http_ == nullptr ? "" : http_->address();
  }

  // The address of the admin listener; empty if there is none.
  std::string admin_address() const {
    return admin_ == nullptr ? "" : admin_->address();
  }
  // The address of the console; empty if there is none.
  std::string console_address() const {
    return console_ == nullptr ? "" : console_->address();
  }

  std::shared_ptr<const Publication> publication() const {
    return hub_.Current();
  }

  // What the service knows about rotations.
  Mirror& mirror() { return *mirror_; }

  // What the service knows about this machine's clock.
  ClockWatch& clock_watch() { return clock_watch_; }

  // Asks the main parts whether they answer, and fails for one whose thread
  // does not; does not return while a part that it must wait for hangs. Says
  // nothing of how well they do: a restart helps against neither floods nor a
  // full disk.
  absl::Status CheckLive();

  // Makes a source be polled as soon as it is idle; all sources for an empty
  // name. NOT_FOUND.
  absl::Status PollNow(const std::string& source);

  // Applies the settings that can change while it serves: sources, alerts, the
  // list of releases and the log's level. Returns the names of other settings
  // that have changed and take effect at the next start. Fails, and then
  // changes nothing, also if the newest root does not name the keys
  // (MODE_ONLINE).
  absl::StatusOr<std::vector<std::string>> Reload(const Config& next);

  // Stops serving, and leaves everything on the disk. Idempotent.
  void Stop();

 private:
  Service(const Config& config, Clock clock, anchors::SteadyClock uptime,
          anchors::FolderLock lock, std::unique_ptr<HeadedStore> store);

  // Starts the listeners.
  absl::Status Listen();
  absl::Status ListenForConsole();
  // Starts alerts, the mirror and the sources.
  absl::Status StartMirror();
  void SetSources(const std::vector<SourceSettings>& settings);
  absl::StatusOr<std::unique_ptr<Poller>> MakePoller(
      const std::vector<SourceSettings>& settings);
  void CheckLedger();
  // Reads the part of the record that the start took from a checkpoint, and
  // alerts if the record says something else.
  void CheckRecord();
  void ReadIndex();
  // Alerts that the store went back, at once and then once a day.
  void AlertIfWentBack();
  // Alerts people about each jump of the clock.
  void AlertIfClockJumped();
  // Alerts people about a claim that nobody has proved.
  void AlertOfClaim();
  // Alerts people about what instances report.
  void AlertOfFleet();
  absl::Status WatchRegions();
  void AlertOfRegions();
  // Alerts people about what a publication has done.
  void TellNotices();
  // Called when a caller has, or claims to have, a newer timestamp than the one
  // served.
  void SeeNewerTimestamp(std::uint64_t version, const std::string& timestamp);
  absl::StatusOr<Acceptance> AcceptStore(
      const std::optional<anchors::BundleFiles>& bundle, const std::string& by,
      const std::string& why);
  void Raise(AlertKind kind, const std::string& subject, std::string text);
  // Logs a failure of the store, too.
  absl::Status RaiseAlert(Alert alert);

  // Renews what expires soon and publishes what people have signed, until
  // Stop().
  void RenewLoop();
  // Returns what pages of metrics have besides what is counted.
  std::vector<prometheus::MetricFamily> Collect() const;
  // Publishes what people have signed; logs each failure once.
  void TakeSigned(std::string& last_failure);
  void WarnOfEnds(absl::Duration& last_warning);

  // The configuration at the start; Reload() does not change it.
  const Config config_;
  const Clock clock_;
  const anchors::SteadyClock uptime_;
  ClockWatch clock_watch_;
  const anchors::FolderLock lock_;
  const std::unique_ptr<HeadedStore> store_;
  BackupMaker backups_;
  PublicationHub hub_;
  Metrics metrics_;
  Alerter alerter_;
  const std::unique_ptr<AlertSink> mirror_alerts_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<Mirror> mirror_;
  std::shared_ptr<MirrorMetrics> mirror_metrics_;
  // Makes a second Stop() return only when the first is done.
  absl::Mutex stop_mutex_;
  absl::Mutex reload_mutex_;
  std::unique_ptr<Poller> poller_ ABSL_GUARDED_BY(reload_mutex_);
  // Null without `reports`.
  std::unique_ptr<Fleet> fleet_;
  // Null without `region_watch`.
  std::unique_ptr<RegionWatch> regions_;
  // Both null without `images`.
  std::unique_ptr<ImageStore> image_store_;
  std::unique_ptr<ImageServiceImpl> images_;
  std::unique_ptr<Server> server_;
  // Null without `admin`.
  std::unique_ptr<AdminServer> admin_;
  // Null without `console`.
  std::unique_ptr<ConsoleServer> console_;
  // Null without HTTP.
  std::unique_ptr<HttpListener> http_;
  absl::Mutex warned_mutex_;
  absl::Duration warned_of_store_ ABSL_GUARDED_BY(warned_mutex_) =
      -absl::InfiniteDuration();
  TimestampClaims claims_ ABSL_GUARDED_BY(warned_mutex_);
  anchors::StopSignal stopping_;
  // When the renewer last began to work, by `uptime_`, in nanoseconds.
  std::atomic<std::int64_t> renewer_worked_ = 0;
  std::thread renewer_;
  std::thread checker_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SERVICE_H_
