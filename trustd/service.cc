#include "trustd/service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "anchors/baked/baked.h"
#include "anchors/base/no_throw.h"
#include "anchors/base/proto_time.h"
#include "anchors/catalog.h"
#include "anchors/tuf/metadata.h"
#include "trustd/base/metric_families.h"
#include "trustd/base/rocksdb_store.h"
#include "trustd/base/store_keys.h"
#include "trustd/fleet/report_service.h"
#include "trustd/net/descriptors.h"
#include "trustd/publish/keys.h"

namespace anchorage::trustd {
namespace {

// How often we check whether something is due, which is also how soon a failed
// signing is retried.
constexpr absl::Duration kRenewalCheck = absl::Seconds(30);
// After which the renewer is taken to hang: it signs within a second.
constexpr absl::Duration kRenewerHangs = absl::Minutes(2);

// How often we check what people have signed, and what instances report.
constexpr absl::Duration kFrequentCheck = absl::Seconds(2);
constexpr std::uint64_t kIndexedAtOnce = 1'000;
constexpr absl::Duration kIndexRest = absl::Milliseconds(20);

// How long before it expires, and how often, people are alerted about a file
// that they must sign.
constexpr absl::Duration kEndsSoon = absl::Hours(60 * 24);
constexpr absl::Duration kWarningInterval = absl::Hours(24);

// Leaves the first root beside the store, where people find what to build
// into their clients. The store is what counts.
absl::Status ShowFirstRoot(const Config& config, const std::string& root) {
  const std::string path = FirstRootPath(config.data_dir);
  const auto there = anchors::ReadFile(path, root.size());
  if (there.ok() && *there == root) return absl::OkStatus();
  return anchors::WriteFileAtomically(path, root);
}

// What is polled and who is notified, by name: an address may have a token in it.
void LogSettings(const Config& config) {
  std::vector<std::string> sources;
  for (const v1::SourceConfig& source : config.effective.sources()) {
    sources.push_back(absl::StrCat(source.name(), " (",
                                   v1::SourceConfig::descriptor()
                                       ->FindFieldByNumber(source.kind_case())
                                       ->name(),
                                   ", every ", source.interval().seconds(),
                                   "s)"));
  }
  std::vector<std::string> webhooks;
  for (const WebhookSettings& webhook : config.alerts.webhooks) {
    webhooks.push_back(webhook.name);
  }
  const auto listed = [](const std::vector<std::string>& names) {
    return names.empty() ? "none" : absl::StrJoin(names, ", ");
  };
  spdlog::info("sources: {}; webhooks: {}", listed(sources), listed(webhooks));
}

// Logs what is published beside the catalog.
void LogBeside(const Publication& publication) {
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    const auto facts = publication.facts.find(kind.name);
    if (kind.is_required || facts == publication.facts.end()) continue;
    spdlog::info("{}: sequence {}, {} of them", std::string(kind.name),
                 facts->second.sequence, facts->second.entries);
  }
}

void LogStart(const Config& config, const Publication& publication,
              const std::string& address, const std::string& http_address,
              std::uint64_t records) {
  LogSettings(config);
  spdlog::info("store: {}/store, {} records", config.data_dir, records);
  if (config.mode == v1::TrustdConfig::MODE_ONLINE) {
    spdlog::warn(
        "mode ONLINE: the keys of root and targets are on this host; whoever "
        "takes it over can add anchors");
  } else {
    spdlog::info(
        "mode OFFLINE: this host holds the key of snapshot and "
        "timestamp only; people sign in {}",
        config.ceremony_dir);
  }
  spdlog::info("serving sequence {}: {} anchors, {} regions, on {}",
               publication.catalog.sequence, publication.catalog.anchors.size(),
               publication.region_count, address);
  if (!http_address.empty()) {
    spdlog::info("the same files are on http://{}/tuf/", http_address);
  }
  LogBeside(publication);
}

// Returns the configured targets beside the catalog, checked so that a message
// can name the file.
absl::StatusOr<anchors::ByPath> ReadBeside(const Config& config) {
  anchors::ByPath beside;
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    const auto file = config.beside_paths.find(kind.path);
    if (file == config.beside_paths.end()) continue;
    auto bytes = anchors::ReadFile(file->second, kind.max_bytes);
    if (absl::IsNotFound(bytes.status())) {
      return absl::NotFoundError(absl::StrCat(
          bytes.status().message(), ": '", std::string(kind.name),
          "_path' names it; leave it out until trustctl has made one"));
    }
    if (!bytes.ok()) return bytes.status();
    if (const auto facts = anchors::ReadFacts(kind, *bytes); !facts.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(file->second, ": ", facts.status().message()));
    }
    beside.emplace(kind.path, *std::move(bytes));
  }
  return beside;
}

// Returns the catalog with which a new repository starts.
absl::StatusOr<anchors::Catalog> FirstCatalog(const Config& config) {
  if (config.initial_catalog_path.empty()) {
    return anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
  }
  const auto text =
      anchors::ReadFile(config.initial_catalog_path, anchors::kMaxCatalogBytes);
  if (!text.ok()) return text.status();
  auto catalog = anchors::ParseCatalog(*text);
  if (catalog.ok()) return catalog;
  return absl::InvalidArgumentError(absl::StrCat(
      config.initial_catalog_path, ": ", catalog.status().message()));
}

// Returns the slots of the catalog that is served, each once.
std::vector<std::string> SlotsOf(const PublicationHub& hub) {
  std::set<std::string> slots;
  const auto current = hub.Current();
  if (current != nullptr) {
    for (const anchors::CatalogAnchor& anchor : current->catalog.anchors) {
      slots.insert(verify::ToString(anchor.slot));
    }
  }
  return {slots.begin(), slots.end()};
}

// Whether a warning needs no repetition, by the steady clock.
bool IsRecent(absl::Duration warned, absl::Duration now) {
  return now - warned < kWarningInterval;
}

// Passes the mirror's alerts to the alerter.
class MirrorAlerts final : public AlertSink {
 public:
  explicit MirrorAlerts(Alerter& alerter) : alerter_(alerter) {}

  std::function<void()> Raise(const std::vector<Alert>& alerts,
                              StoreBatch& batch) override {
    std::vector<RaisedAlert> raised;
    raised.reserve(alerts.size());
    for (const Alert& alert : alerts) {
      raised.push_back(alerter_.Raise(alert, batch));
    }
    return [this, raised = std::move(raised)] {
      for (const RaisedAlert& one : raised) alerter_.Committed(one);
    };
  }

 private:
  Alerter& alerter_;
};

// Logs a failure when it begins, and not again while it lasts.
void SayOnce(const char* what, const absl::Status& status, std::string& last) {
  const std::string message(status.message());
  if (!status.ok() && message != last) spdlog::error("{}: {}", what, message);
  last = message;
}

// Returns `limits`, lowered to the number of descriptors. The public ports
// never get all of them: the store and the admin listener have their share.
Limits FitToDescriptors(Limits limits) {
  constexpr std::int64_t kForEverythingElse = 256;
  const std::int64_t descriptors = RaiseDescriptorLimit();
  Limits fitted = limits;
  fitted.admin_connections =
      FitConnections(limits.admin_connections, 2, descriptors / 8, 0);
  fitted.http_connections =
      FitConnections(limits.http_connections, 1, descriptors / 4, 0);
  fitted.connections =
      FitConnections(limits.connections, 2, descriptors,
                     kForEverythingElse + 2 * fitted.admin_connections +
                         fitted.http_connections);
  if (fitted.connections < limits.connections ||
      fitted.http_connections < limits.http_connections ||
      fitted.admin_connections < limits.admin_connections) {
    spdlog::info(
        "{} descriptors allow {} of {} connections, {} of {} HTTP, {} of {} "
        "admin (for more: LimitNOFILE of the unit, or ulimit -n)",
        descriptors, fitted.connections, limits.connections,
        fitted.http_connections, limits.http_connections,
        fitted.admin_connections, limits.admin_connections);
  }
  return fitted;
}

}  // namespace

Service::Service(const Config& config, Clock clock, anchors::SteadyClock uptime,
                 anchors::FolderLock lock, std::unique_ptr<HeadedStore> store)
    : config_(config),
      clock_(std::move(clock)),
      uptime_(std::move(uptime)),
      clock_watch_(clock_, uptime_),
      lock_(std::move(lock)),
      store_(std::move(store)),
      backups_(
          {.data_dir = config.data_dir, .clock = clock_, .uptime = uptime_},
          *store_),
      metrics_(config.mode),
      alerter_(*store_, metrics_.registry()),
      mirror_alerts_(std::make_unique<MirrorAlerts>(alerter_)),
      renewer_worked_(absl::ToInt64Nanoseconds(uptime_())) {}

Service::~Service() { Stop(); }

absl::StatusOr<std::unique_ptr<Service>> Service::Start(
    const Config& config, Clock clock, anchors::SteadyClock uptime) {
  auto beside = ReadBeside(config);
  if (!beside.ok()) return beside.status();
  if (absl::Status s = anchors::MakeFolder(config.data_dir); !s.ok()) return s;
  auto lock = anchors::FolderLock::Take(config.data_dir);
  if (!lock.ok()) return lock.status();
  auto engine = RocksDbStore::Open(config.data_dir + "/store");
  if (!engine.ok()) return engine.status();
  auto store =
      HeadedStore::Open(*std::move(engine), config.data_dir + "/store.head");
  if (!store.ok()) return store.status();
  std::unique_ptr<Service> service(
      new Service(config, std::move(clock), std::move(uptime), *std::move(lock),
                  *std::move(store)));
  service->hub_.SetSigning(service->store_->went_back());
  auto seed = FirstCatalog(config);
  if (!seed.ok()) return seed.status();
  auto publisher = Publisher::Open(
      PublisherConfigOf(service->config_), *service->store_, service->hub_,
      *std::move(seed), *std::move(beside), service->clock_());
  if (!publisher.ok()) return publisher.status();
  service->publisher_ = *std::move(publisher);
  if (absl::Status s = ShowFirstRoot(
          service->config_, service->hub_.Current()->files.roots.front());
      !s.ok()) {
    return s;
  }
  if (absl::Status s = service->StartMirror(); !s.ok()) return s;
  if (absl::Status s = service->Listen(); !s.ok()) return s;
  if (absl::Status s = service->WatchRegions(); !s.ok()) return s;
  LogStart(service->config_, *service->hub_.Current(), service->address(),
           service->http_address(), service->mirror_->ledger().head().size);
  if (!service->admin_address().empty()) {
    spdlog::info("admin service listening on {}", service->admin_address());
  }
  if (config.admin.has_value() && config.admin->unix_socket.has_value()) {
    spdlog::info("admin service listening on unix:{}",
                 config.admin->unix_socket->path);
  }
  auto renewer =
      anchors::StartThread([self = service.get()] { self->RenewLoop(); });
  if (!renewer.ok()) return renewer.status();
  service->renewer_ = *std::move(renewer);
  auto checker =
      anchors::StartThread([self = service.get()] { self->CheckRecord(); });
  if (!checker.ok()) return checker.status();
  service->checker_ = *std::move(checker);
  return service;
}

void Service::TakeSigned(std::string& last_failure) {
  const auto taken = publisher_->TakeSigned(clock_());
  if (taken.ok()) {
    last_failure.clear();
    if (*taken) {
      const auto publication = hub_.Current();
      spdlog::info(
          "published what people have signed: root {}, targets {}, "
          "sequence {}",
          publication->files.roots.size(), publication->targets_version,
          publication->catalog.sequence);
    }
    return;
  }
  const std::string failure(taken.status().message());
  if (failure == last_failure) return;
  last_failure = failure;
  spdlog::error(
      "cannot publish what people signed in {}: {}; still serving the old "
      "bundle",
      config_.ceremony_dir, failure);
}

void Service::WarnOfEnds(absl::Duration& last_warning) {
  if (IsRecent(last_warning, uptime_())) return;
  last_warning = uptime_();
  const absl::Time now = clock_();
  const bool offline = config_.mode == v1::TrustdConfig::MODE_OFFLINE;
  for (const RoleFacts& role : hub_.Current()->roles) {
    const absl::Duration left = role.expires - now;
    const bool for_people =
        offline && (role.role == "root" || role.role == "targets");
    // What this host signs is renewed long before this, unless signing fails.
    const bool is_late = for_people ? left < kEndsSoon
                         : role.role == "timestamp"
                             ? left < config_.timestamp_validity / 2
                             : left < kWarningInterval;
    if (!is_late) continue;
    Raise(
        AlertKind::kBundleEndsSoon, role.role,
        absl::StrCat(role.role, " expires on ",
                     absl::FormatTime(absl::RFC3339_sec, role.expires,
                                      absl::UTCTimeZone()),
                     for_people ? ": sign it again with trustctl"
                                : ": it cannot be signed again, see the log"));
  }
}

void Service::AlertIfClockJumped() {
  const auto jump = clock_watch_.TakeJump();
  if (!jump.has_value()) return;
  Raise(AlertKind::kClockJumped, "clock",
        absl::StrCat(
            "the clock here went ",
            absl::FormatDuration(
                absl::Trunc(absl::AbsDuration(*jump), absl::Seconds(1))),
            *jump < absl::ZeroDuration() ? " back" : " ahead",
            " of the time that has passed: was it set? Nothing is "
            "published without people until the dates of two sources that "
            "do not depend on one another agree with it"));
}

absl::StatusOr<std::unique_ptr<Poller>> Service::MakePoller(
    const std::vector<SourceSettings>& settings) {
  SourceEnvironment environment;
  environment.state_folder = config_.data_dir + "/sources";
  auto cancelled = std::make_shared<std::atomic<bool>>(false);
  environment.cancelled = cancelled;
  // Two of one family are one.
  environment.saw_date = [this, families = FamiliesOf(settings)](
                             const std::string& source, absl::Time date) {
    clock_watch_.SawDate(families.at(source), date, clock_());
  };
  std::vector<std::unique_ptr<Source>> sources;
  for (const SourceSettings& source : settings) {
    auto made = MakeSource(source, environment);
    if (!made.ok()) {
      return absl::Status(made.status().code(),
                          absl::StrCat("source ", source.profile.name, ": ",
                                       made.status().message()));
    }
    sources.push_back(*std::move(made));
  }
  return std::make_unique<Poller>(
      std::move(sources), *mirror_, clock_, std::move(cancelled),
      [metrics = mirror_metrics_](const std::string& source,
                                  absl::Duration time) {
        metrics->CountPoll(source, time);
      });
}

void Service::SetSources(const std::vector<SourceSettings>& settings) {
  std::map<std::string, std::string> families = FamiliesOf(settings);
  std::set<std::string> names;
  for (const auto& [name, family] : families) names.insert(name);
  mirror_metrics_->SetSources(names);
  mirror_->SetSources(std::move(families), clock_());
}

std::vector<prometheus::MetricFamily> Service::Collect() const {
  std::vector<prometheus::MetricFamily> families = alerter_.CollectAt(clock_());
  const StoreHead head = store_->known();
  families.push_back(Gauges("trustd_store_head_records",
                            "Records that the store's head says there are",
                            {{{}, static_cast<double>(head.records)}}));
  families.push_back(
      Gauges("trustd_store_head_timestamp_version",
             "The highest version of the timestamp that the store's head knows",
             {{{},
               static_cast<double>(
                   std::max(head.timestamp_version, head.noted_timestamp))}}));
  return families;
}

void Service::Raise(AlertKind kind, const std::string& subject,
                    std::string text) {
  Alert alert;
  alert.kind = kind;
  alert.time = clock_();
  alert.subject = subject;
  alert.text = std::move(text);
  (void)RaiseAlert(std::move(alert));
}

absl::Status Service::RaiseAlert(Alert alert) {
  if (IsReminder(alert.kind) && mirror_ != nullptr) {
    bool is_known = false;
    mirror_->Read([&](const RotationBook& book, const Moment&) {
      is_known = book.AcknowledgedAt(AlertIdOf(alert), alert.time) != nullptr;
    });
    if (is_known) return absl::OkStatus();
  }
  const absl::Status raised = alerter_.RaiseAlone(std::move(alert));
  if (!raised.ok()) {
    spdlog::error("cannot alert: {}", std::string(raised.message()));
  }
  return raised;
}

void Service::CheckLedger() {
  const absl::Status health = mirror_->ledger().health();
  if (health.ok()) return;
  Raise(AlertKind::kLedgerDamaged, "ledger", std::string(health.message()));
}

void Service::CheckRecord() {
  // The damage was found, and people alerted, at the start.
  if (!mirror_->ledger().health().ok()) return;
  std::string last_failure;
  do {
    const absl::Status checked = anchors::NoThrow([&] {
      return mirror_->CheckRecord([&] { return !stopping_.HasBeenNotified(); });
    });
    if (absl::IsCancelled(checked)) return;
    if (absl::IsDataLoss(checked)) return CheckLedger();
    SayOnce("the record cannot be read again, and what is new waits", checked,
            last_failure);
    if (!checked.ok()) continue;
    // Settles what waited for the check.
    SayOnce("rotations wait",
            anchors::NoThrow([&] { return mirror_->Settle(clock_()); }),
            last_failure);
    return ReadIndex();
  } while (!stopping_.WaitFor(kRenewalCheck));
}

// Whoever searches first need not wait for it. Where it fails, it is read when
// somebody searches.
void Service::ReadIndex() {
  const std::uint64_t size = mirror_->ledger().head().size;
  absl::StatusOr<bool> has_all = false;
  do {
    has_all = anchors::NoThrow(
        [&] { return mirror_->index().ReadOn(size, kIndexedAtOnce); });
    if (!has_all.ok() || *has_all) return;
  } while (!stopping_.WaitFor(kIndexRest));
}

// After a crash these alerts may be repeated, but none is lost.
void Service::TellNotices() {
  const std::vector<Publisher::Notice> notices = publisher_->TakeNotices();
  if (notices.empty()) return;
  for (const Publisher::Notice& notice : notices) {
    if (notice.slot.empty()) {
      Raise(AlertKind::kSignersRemoved, "targets", notice.text);
    } else {
      Raise(AlertKind::kAnchorChanged, notice.slot, notice.text);
    }
  }
  if (absl::Status s = publisher_->ForgetNotices(); !s.ok()) {
    spdlog::error(
        "alerts about a publication will be repeated at the next start: {}",
        std::string(s.message()));
  }
}

absl::Status Service::WatchRegions() {
  if (!config_.region_watch.has_value()) return absl::OkStatus();
  auto watch = RegionWatch::Start(
      *config_.region_watch,
      [this] {
        std::set<std::string> regions;
        for (const anchors::CatalogAnchor& anchor :
             hub_.Current()->catalog.anchors) {
          if (!anchor.slot.region.empty()) regions.insert(anchor.slot.region);
        }
        return regions;
      },
      clock_, metrics_.registry());
  if (!watch.ok()) return watch.status();
  regions_ = *std::move(watch);
  return absl::OkStatus();
}

void Service::AlertOfRegions() {
  if (regions_ == nullptr) return;
  for (const Alert& alert : regions_->TakeAlerts()) {
    if (!RaiseAlert(alert).ok()) regions_->NotTold(alert.subject);
  }
}

void Service::AlertOfFleet() {
  if (fleet_ == nullptr) return;
  for (Alert& alert : fleet_->TakeAlerts()) {
    (void)RaiseAlert(std::move(alert));
  }
}

void Service::AlertIfWentBack() {
  const absl::Status signing = hub_.signing();
  if (signing.ok()) return;
  {
    const absl::MutexLock lock(&warned_mutex_);
    const absl::Duration now = uptime_();
    if (IsRecent(warned_of_store_, now)) return;
    warned_of_store_ = now;
  }
  Raise(AlertKind::kStoreWentBack, "store", std::string(signing.message()));
}

void Service::SeeNewerTimestamp(std::uint64_t version,
                                const std::string& timestamp) {
  // Done even while nothing is signed: the timestamp that is shown tells from
  // where to go on.
  const StoreHead known = store_->known();
  if (version <= std::max(known.timestamp_version, known.noted_timestamp)) {
    return;
  }
  if (publisher_->SeeTimestamp(version, timestamp, [&] {
        store_->NoteNewer(version);
        return store_->went_back();
      })) {
    {
      const absl::MutexLock lock(&warned_mutex_);
      claims_.Proved();
    }
    return AlertIfWentBack();
  }
  if (!hub_.signing().ok()) return;
  const absl::MutexLock lock(&warned_mutex_);
  claims_.Claimed(version, uptime_());
}

void Service::AlertOfClaim() {
  std::optional<std::uint64_t> version;
  {
    const absl::MutexLock lock(&warned_mutex_);
    version = claims_.Due(uptime_());
  }
  if (!version.has_value()) return;
  Raise(AlertKind::kNewerTimestampClaimed, "store",
        absl::StrCat("a caller says that it has timestamp ", *version, ", and ",
                     hub_.Current()->timestamp_version,
                     " is the newest here. It did not show it, and anybody can "
                     "say so; was data_dir restored?"));
}

absl::StatusOr<Acceptance> Service::AcceptStore(
    const std::optional<anchors::BundleFiles>& bundle, const std::string& by,
    const std::string& why) {
  return mirror_->AcceptStore(store_->known(),
                              std::string(hub_.signing().message()), bundle, by,
                              why, clock_());
}

absl::Status Service::StartMirror() {
  if (absl::Status s = alerter_.Open(); !s.ok()) return s;
  auto webhooks =
      alerter_.Prepare(config_.alerts.webhooks, config_.alerts.console_url);
  if (!webhooks.ok()) return webhooks.status();
  alerter_.SetWebhooks(*std::move(webhooks));
  const absl::MutexLock lock(&reload_mutex_);
  Mirror::Options options;
  options.core.rotations = config_.rotations;
  options.core.offline = config_.mode == v1::TrustdConfig::MODE_OFFLINE;
  options.core.held_too_long = config_.alerts.held_too_long;
  if (config_.admin.has_value()) {
    for (const auto& [name, rules] : config_.admin->people) {
      if (Allows(rules.role, Action::kDecide)) options.core.people.insert(name);
    }
  }
  options.steady = uptime_;
  options.clock_is_suspect = [this] { return clock_watch_.suspicious(); };
  options.proposal_path = config_.data_dir + "/proposal.json";
  for (const v1::OpenAlert& alert : alerter_.OpenAt(clock_())) {
    absl::string_view id = alert.id();
    std::uint64_t rotation = 0;
    if (alert.kind() == NameOf(AlertKind::kRotationHeldTooLong) &&
        absl::ConsumePrefix(&id, "rotation/") &&
        absl::SimpleAtoi(id, &rotation)) {
      options.reminded[rotation] = anchors::TimeOf(alert.last_time());
    }
  }
  auto mirror = Mirror::Open(std::move(options), *store_, *publisher_, hub_,
                             *mirror_alerts_, clock_());
  if (!mirror.ok()) return mirror.status();
  mirror_ = *std::move(mirror);
  mirror_metrics_ =
      std::make_shared<MirrorMetrics>(*mirror_, metrics_.registry());
  metrics_.Add(mirror_metrics_);
  metrics_.Add(std::make_shared<Collector>([this] { return Collect(); }));
  CheckLedger();
  AlertIfWentBack();
  auto poller = MakePoller(config_.sources);
  if (!poller.ok()) return poller.status();
  poller_ = *std::move(poller);
  SetSources(config_.sources);
  return poller_->Start();
}

absl::Status Service::Listen() {
  Config fitted = config_;
  fitted.limits = FitToDescriptors(config_.limits);
  if (config_.reports.has_value()) {
    Fleet::Options options;
    options.settings = *config_.reports;
    options.proxies = config_.limits.proxies;
    options.slots = [this] { return SlotsOf(hub_); };
    options.clock = clock_;
    options.uptime = uptime_;
    fleet_ = std::make_unique<Fleet>(std::move(options), metrics_.registry());
  }
  if (config_.images.has_value()) {
    auto images = ImageStore::Open(*store_, *config_.images);
    if (!images.ok()) return images.status();
    image_store_ = *std::move(images);
    images_ = std::make_unique<ImageServiceImpl>(
        ImageServiceImpl::Options{.clock = clock_, .uptime = uptime_},
        *image_store_, *mirror_, hub_);
  }
  auto server = Server::Start(
      ServerConfigOf(fitted), hub_, metrics_,
      [this](std::uint64_t version, const std::string& timestamp) {
        SeeNewerTimestamp(version, timestamp);
      },
      [this](CallGate& gate) {
        if (fleet_ != nullptr) AddReportService(gate, *fleet_);
        if (images_ != nullptr) images_->AddReading(gate);
      });
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  if (config_.admin.has_value()) {
    AdminServer::Options options;
    options.clock = clock_;
    options.uptime = uptime_;
    options.grace = config_.shutdown_grace;
    options.accept_store =
        [this](const std::optional<anchors::BundleFiles>& bundle,
               const std::string& by,
               const std::string& why) { return AcceptStore(bundle, by, why); };
    options.backup = [this] { return backups_.Begin(); };
    if (fleet_ != nullptr) {
      options.fleet = [this](std::size_t windows) {
        return fleet_->Describe(windows);
      };
    }
    if (images_ != nullptr) {
      options.add_more = [this](const Access& access, CallGate& gate) {
        images_->AddReading(gate);
        images_->AddSubmitting(access, gate);
      };
    }
    options.open_alerts = [this](absl::Time now) {
      return alerter_.OpenAt(now);
    };
    options.connections.most = fitted.limits.admin_connections;
    options.connections.proxies = fitted.limits.proxies;
    options.reflection = config_.reflection;
    options.shed = [this](const std::string& what) {
      metrics_.CountShed("admin", what);
    };
    options.timer = [this](const std::string& path) {
      return metrics_.TimerOf("admin", path);
    };
    options.tls_watcher = [this](const TlsFiles::State& state) {
      metrics_.SetTls("admin", state.is_current, state.expires);
    };
    auto admin = AdminServer::Start(
        *config_.admin, *mirror_,
        [this](const std::string& source) { return PollNow(source); }, options);
    if (!admin.ok()) return admin.status();
    admin_ = *std::move(admin);
  }
  if (absl::Status s = ListenForConsole(); !s.ok()) return s;
  if (config_.http_listen_address.empty()) return absl::OkStatus();
  HttpListener::Options options;
  options.connections = fitted.limits.http_connections;
  options.proxies = fitted.limits.proxies;
  options.serves_new_clients = [this] { return server_->ServesNewClients(); };
  options.post = ReportRoute(fleet_.get());
  auto http =
      HttpListener::Start(config_.http_listen_address, hub_, metrics_, options);
  if (!http.ok()) return http.status();
  http_ = *std::move(http);
  return absl::OkStatus();
}

absl::Status Service::ListenForConsole() {
  if (!config_.console.has_value()) return absl::OkStatus();
  Site::Readers readers = {
      .clock = clock_,
      .mirror = *mirror_,
      .hub = hub_,
      .alerts = [this](absl::Time now) { return alerter_.OpenAt(now); },
      .offline = config_.mode == v1::TrustdConfig::MODE_OFFLINE};
  if (fleet_ != nullptr) {
    readers.fleet = [this](std::size_t windows) {
      return fleet_->Describe(windows);
    };
  }
  ConsoleServer::Options options;
  options.proxies = config_.limits.proxies;
  options.uptime = uptime_;
  options.shed = [this](const std::string& what) {
    metrics_.CountShed("console", what);
  };
  options.tls_watcher = [this](const TlsFiles::State& state) {
    metrics_.SetTls("console", state.is_current, state.expires);
  };
  auto console = ConsoleServer::Start(
      *config_.console,
      config_.admin.has_value() ? config_.admin->people : People(),
      std::move(readers), std::move(options));
  if (!console.ok()) return console.status();
  console_ = *std::move(console);
  const bool is_tls = !config_.console->tls_certificate_path.empty();
  spdlog::info("console on {}{}",
               !config_.console->unix_socket.empty() ? ""
               : is_tls                              ? "https://"
                                                     : "http://",
               console_->address());
  if (!is_tls) {
    spdlog::info(
        "the console asks nobody who they are: whoever reaches {} may "
        "read it",
        console_->address());
  }
  return absl::OkStatus();
}

void Service::RenewLoop() {
  const bool offline = config_.mode == v1::TrustdConfig::MODE_OFFLINE;
  std::string last_failure;
  std::string last_settling;
  std::string last_renewal;
  std::string last_exception;
  absl::Duration last_warning = -absl::InfiniteDuration();
  const bool is_frequent = offline || fleet_ != nullptr;
  while (
      !stopping_.WaitFor(std::min(is_frequent ? kFrequentCheck : kRenewalCheck,
                                  config_.timestamp_interval / 2))) {
    renewer_worked_ = absl::ToInt64Nanoseconds(uptime_());
    const absl::Status caught = anchors::NoThrow([&] {
      if (offline) TakeSigned(last_failure);
      AlertIfClockJumped();
      TellNotices();
      WarnOfEnds(last_warning);
      AlertIfWentBack();
      AlertOfClaim();
      AlertOfFleet();
      AlertOfRegions();
      backups_.EndStalled();
      SayOnce("rotations wait", mirror_->Settle(clock_()), last_settling);
      SayOnce("cannot sign again, and the old metadata is served on",
              publisher_->RenewIfDue(clock_()), last_renewal);
      return absl::OkStatus();
    });
    SayOnce("it is tried again", caught, last_exception);
  }
}

void Service::Stop() {
  const absl::MutexLock stop(&stop_mutex_);
  if (stopping_.HasBeenNotified()) return;
  stopping_.Notify();
  {
    const absl::MutexLock lock(&reload_mutex_);
    if (poller_ != nullptr) poller_->Stop();
  }
  if (admin_ != nullptr) admin_->Stop();
  if (console_ != nullptr) console_->Stop();
  if (http_ != nullptr) http_->Stop();
  if (server_ != nullptr) server_->Stop();
  if (renewer_.joinable()) renewer_.join();
  if (checker_.joinable()) checker_.join();
  alerter_.Stop();
}

absl::Status Service::CheckLive() {
  // What they answer does not matter here.
  (void)store_->Get(keys::kSchema);
  (void)mirror_->Sources();
  (void)hub_.Current();
  if (uptime_() - absl::Nanoseconds(renewer_worked_.load()) > kRenewerHangs) {
    return absl::UnavailableError("the thread that signs again hangs");
  }
  if (!server_->IsRunning()) {
    return absl::UnavailableError("the listener of clients hangs");
  }
  if (admin_ != nullptr && !admin_->IsRunning()) {
    return absl::UnavailableError("the listener of people hangs");
  }
  return absl::OkStatus();
}

absl::Status Service::PollNow(const std::string& source) {
  const absl::MutexLock lock(&reload_mutex_);
  return poller_->PollNow(source);
}

absl::StatusOr<std::vector<std::string>> Service::Reload(const Config& next) {
  const auto beside = ReadBeside(next);
  if (!beside.ok()) return beside.status();
  const absl::MutexLock lock(&reload_mutex_);
  if (stopping_.HasBeenNotified()) {
    return absl::CancelledError("it is stopping");
  }
  // Everything that can fail is done before anything is changed.
  const bool online = config_.mode == v1::TrustdConfig::MODE_ONLINE;
  if (online && next.mode == config_.mode &&
      next.data_dir == config_.data_dir) {
    if (absl::Status s = publisher_->CheckKeyFiles(PublisherConfigOf(next));
        !s.ok()) {
      return s;
    }
  }
  auto poller = MakePoller(next.sources);
  if (!poller.ok()) return poller.status();
  if (absl::Status s = (*poller)->Prepare(); !s.ok()) return s;
  auto webhooks =
      alerter_.Prepare(next.alerts.webhooks, next.alerts.console_url);
  if (!webhooks.ok()) return webhooks.status();
  std::vector<std::string> fixed = DifferencesAtStart(config_, next);
  if (online) {
    const auto before = hub_.Current();
    if (absl::Status s = publisher_->PublishBeside(*beside, clock_());
        IsStoreWentBack(s)) {
      spdlog::warn("the targets beside the catalog wait: {}",
                   std::string(s.message()));
    } else if (!s.ok()) {
      return s;
    }
    if (const auto now = hub_.Current(); now != before) LogBeside(*now);
  }
  alerter_.SetWebhooks(*std::move(webhooks));
  poller_->Stop();
  poller_ = *std::move(poller);
  SetSources(next.sources);
  if (absl::Status s = poller_->Start(); !s.ok()) return s;
  return fixed;
}

}  // namespace anchorage::trustd
