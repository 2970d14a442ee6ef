// The listeners for people and instances: AuditService, AdminService and
// EvidenceService on one port, with TLS on both sides, and for administrators of
// this host on a Unix socket.
//
//   auto server = AdminServer::Start(settings, mirror, poll_now, {});
//
// A connection without a certificate of one of the configured CAs is closed in
// the handshake. The caller's name is that certificate's common name. On the
// Unix socket the kernel says who calls, and nothing is decided (AdmitLocally).

#ifndef ANCHORAGE_TRUSTD_ADMIN_ADMIN_SERVER_H_
#define ANCHORAGE_TRUSTD_ADMIN_ADMIN_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "trustd/admin/access.h"
#include "trustd/admin/admin_config.h"
#include "trustd/admin/admin_service.h"
#include "trustd/admin/alert_service.h"
#include "trustd/admin/audit_service.h"
#include "trustd/admin/rate_limit.h"
#include "trustd/mirror/mirror.h"
#include "trustd/rpc/grpc_listener.h"
#include "trustd/rpc/local_listener.h"
#include "trustd/rpc/tls_files.h"

namespace anchorage::trustd {

// The longest request. The largest are those with evidence, of 128 KiB.
inline constexpr int kMaxAdminRequestBytes = 256 * 1024;
inline constexpr int kMaxStreamsPerConnection = 100;

// Serves until it is destroyed or Stop() is called.
class AdminServer {
 public:
  struct Options {
    Clock clock = [] { return absl::Now(); };
    // The clock for rate limits.
    anchors::SteadyClock uptime = &anchors::SteadyNow;
    // How long Stop() waits for calls under way.
    absl::Duration grace = absl::Seconds(10);
    int max_watchers = 64;
    // How often each name may call SubmitEvidence.
    RateLimit::Options evidence_limit;
    // Connections, including those that have not shown a certificate yet;
    // separate from the limits of other ports. The most that people send at
    // once is a bundle of 16 MiB.
    Connections::Options connections = {.most = 256,
                                        .proxies = {},
                                        .burst_bytes = 32 * 1024 * 1024,
                                        .bytes_a_second = 1024 * 1024};
    bool reflection = true;
    ShedFunction shed = [](const std::string&) {};
    // CallGate::Options::timer.
    std::function<CallTimer(const std::string& path)> timer;
    // Called with the state of the files of TLS, which are read again when they
    // change.
    TlsFiles::Watcher tls_watcher = [](const TlsFiles::State&) {};
    // Empty: there is no store that could go back.
    AcceptFunction accept_store;
    // Empty: there is no store that could be copied.
    BackupFunction backup;
    // Empty: no reports are taken.
    FleetFunction fleet;
    // Empty: no alert is open.
    OpenAlertsFunction open_alerts;
    // Adds the methods of another service, which asks `access`.
    std::function<void(const Access& access, CallGate& gate)> add_more;
  };

  // Listens and serves. `mirror` must outlive the server. Fails with
  // UNAVAILABLE (the address is in use or not of this machine), or as
  // TlsFiles::Open() and LocalListener::Start() do.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(
      const AdminSettings& settings, Mirror& mirror, PollFunction poll_now,
      Options options);
  ~AdminServer();

  // The address that it listens on, for port 0 with the port that was chosen;
  // empty where there is the Unix socket alone.
  std::string address() const {
    return listener_ == nullptr ? "" : listener_->address();
  }

  // Whether the thread that accepts people is running.
  bool IsRunning() const {
    return listener_ == nullptr || listener_->IsRunning();
  }

  // Ends open streams with a reason, waits for calls under way, at most for the
  // grace, and then cuts them off. Calling it again does nothing.
  void Stop();

 private:
  AdminServer(const AdminSettings& settings, Mirror& mirror,
              PollFunction poll_now, const Options& options);

  absl::Status Listen(const AdminSettings& settings, const Options& options);
  void AddTo(CallGate& gate);

  const Access access_;
  const std::function<void(const Access&, CallGate&)> add_more_;
  AuditServiceImpl audit_;
  AdminServiceImpl admin_;
  AlertServiceImpl alerts_;
  EvidenceServiceImpl evidence_;
  // Each is null where it is not in the settings.
  std::unique_ptr<GrpcListener> listener_;
  std::unique_ptr<LocalListener> local_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ADMIN_ADMIN_SERVER_H_
