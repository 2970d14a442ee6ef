#include "trustd/serve/metrics.h"

#include <prometheus/text_serializer.h>

#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "anchors/base/version.h"

namespace anchorage::trustd {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Registry;

Family<Gauge>& GaugeFamily(Registry& registry, const char* name,
                           const char* help) {
  return BuildGauge().Name(name).Help(help).Register(registry);
}

double Seconds(absl::Time time) {
  return static_cast<double>(absl::ToUnixSeconds(time));
}

const char* LabelOf(UpdateOutcome outcome) {
  switch (outcome) {
    case UpdateOutcome::kSent:
      return "sent";
    case UpdateOutcome::kNotModified:
      return "not_modified";
    case UpdateOutcome::kNoBundle:
      return "no_bundle";
    case UpdateOutcome::kRefused:
      return "refused";
  }
  return "";
}

// The name of a code of gRPC's other than OK, of which this knows nothing else.
const char* RpcCodeName(int code) {
  constexpr const char* kNames[] = {"CANCELLED",
                                    "UNKNOWN",
                                    "INVALID_ARGUMENT",
                                    "DEADLINE_EXCEEDED",
                                    "NOT_FOUND",
                                    "ALREADY_EXISTS",
                                    "PERMISSION_DENIED",
                                    "RESOURCE_EXHAUSTED",
                                    "FAILED_PRECONDITION",
                                    "ABORTED",
                                    "OUT_OF_RANGE",
                                    "UNIMPLEMENTED",
                                    "INTERNAL",
                                    "UNAVAILABLE",
                                    "DATA_LOSS",
                                    "UNAUTHENTICATED"};
  return code > 0 && code <= static_cast<int>(std::size(kNames))
             ? kNames[code - 1]
             : "UNKNOWN";
}

// Exports both modes, one of them as 1, so that an alerting rule can name the
// one it wants.
void DescribeMode(Registry& registry, v1::TrustdConfig::Mode mode) {
  Family<Gauge>& family = GaugeFamily(
      registry, "trustd_mode",
      "1 for the mode that trustd runs in: in online mode the keys of root and "
      "targets are on its host");
  family.Add({{"mode", "online"}})
      .Set(mode == v1::TrustdConfig::MODE_ONLINE ? 1 : 0);
  family.Add({{"mode", "offline"}})
      .Set(mode == v1::TrustdConfig::MODE_OFFLINE ? 1 : 0);
}

// When the first certificate of each kind expires, among those that count.
std::map<std::string_view, absl::Time> EarliestExpiry(
    const anchors::Catalog& catalog) {
  std::map<std::string_view, absl::Time> earliest;
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.status == verify::AnchorStatus::kRetired ||
        anchor.status == verify::AnchorStatus::kRevoked) {
      continue;
    }
    for (const anchors::CatalogCertificate& certificate : anchor.certificates) {
      if (certificate.superseded) continue;
      const auto [entry, is_new] = earliest.emplace(
          verify::NameOf(anchor.slot.kind), certificate.not_after);
      if (!is_new && certificate.not_after < entry->second) {
        entry->second = certificate.not_after;
      }
    }
  }
  return earliest;
}

}  // namespace

Metrics::Metrics(v1::TrustdConfig::Mode mode)
    : role_expiry_(GaugeFamily(
          registry_, "trustd_role_expiry_timestamp_seconds",
          "When the served metadata of a TUF role expires, in Unix time")),
      role_version_(GaugeFamily(registry_, "trustd_role_version",
                                "Version of the served metadata of a TUF "
                                "role")),
      certificate_expiry_(GaugeFamily(
          registry_, "trustd_anchor_certificate_expiry_timestamp_seconds",
          "When the first of AWS's certificates expires among the anchors of a "
          "kind, in Unix time; the anchor itself does not expire")),
      http_requests_(BuildCounter()
                         .Name("trustd_http_requests_total")
                         .Help("Requests over HTTP by status")
                         .Register(registry_)),
      shed_(BuildCounter()
                .Name("trustd_shed_total")
                .Help("What was turned away or cut off at a port, by what was "
                      "used up")
                .Register(registry_)),
      calls_(prometheus::BuildHistogram()
                 .Name("trustd_rpc_duration_seconds")
                 .Help("How long calls of a method took here, without the "
                       "network; streams are not among them")
                 .Register(registry_)),
      failed_calls_(BuildCounter()
                        .Name("trustd_rpc_failures_total")
                        .Help("Calls that were answered with a failure, by its "
                              "gRPC code")
                        .Register(registry_)),
      tls_expiry_(GaugeFamily(
          registry_, "trustd_tls_certificate_expiry_timestamp_seconds",
          "When the certificate that a port shows expires")),
      tls_refused_(GaugeFamily(
          registry_, "trustd_tls_files_refused",
          "1 while the files of TLS on the disk are not good and those before "
          "them are used")),
      sequence_(GaugeFamily(registry_, "trustd_bundle_sequence",
                            "Sequence of the served catalog; 0 before the "
                            "first")
                    .Add({})),
      anchors_(GaugeFamily(registry_, "trustd_anchors",
                           "Anchors in the served catalog")
                   .Add({})),
      watchers_(
          GaugeFamily(registry_, "trustd_watchers", "Open WatchUpdates streams")
              .Add({})),
      signing_stopped_(GaugeFamily(registry_, "trustd_signing_stopped",
                                   "1 while nothing is signed because the "
                                   "store went back")
                           .Add({})) {
  DescribeMode(registry_, mode);
  GaugeFamily(registry_, "trustd_build_info",
              "1, with the version of the program")
      .Add({{"version", anchors::kVersion}})
      .Set(1);
  Family<Counter>& updates = BuildCounter()
                                 .Name("trustd_get_update_calls_total")
                                 .Help("GetUpdate calls by how they ended")
                                 .Register(registry_);
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    updates_[i] =
        &updates.Add({{"outcome", LabelOf(static_cast<UpdateOutcome>(i))}});
  }
}

void Metrics::CountUpdate(UpdateOutcome outcome) {
  updates_[static_cast<std::size_t>(outcome)]->Increment();
}

void Metrics::CountHttp(int status) {
  http_requests_.Add({{"code", std::to_string(status)}}).Increment();
}

void Metrics::CountShed(const std::string& port, const std::string& what) {
  shed_.Add({{"port", port}, {"what", what}}).Increment();
}

std::function<void(absl::Duration, int)> Metrics::TimerOf(
    const std::string& port, const std::string& path) {
  // In seconds.
  static const prometheus::Histogram::BucketBoundaries buckets = {
      0.0005, 0.0025, 0.01, 0.05, 0.25, 1, 5};
  prometheus::Histogram& calls = calls_.Add(
      {{"port", port}, {"method", path.substr(path.find('/') + 1)}}, buckets);
  return [this, port, &calls](absl::Duration time, int code) {
    calls.Observe(absl::ToDoubleSeconds(time));
    if (code == 0) return;
    failed_calls_.Add({{"port", port}, {"code", RpcCodeName(code)}})
        .Increment();
  };
}

void Metrics::Add(std::shared_ptr<const prometheus::Collectable> more) {
  const absl::MutexLock lock(&mutex_);
  more_.push_back(std::move(more));
}

void Metrics::SetTls(const std::string& port, bool is_current,
                     absl::Time expires) {
  tls_expiry_.Add({{"port", port}}).Set(Seconds(expires));
  tls_refused_.Add({{"port", port}}).Set(is_current ? 0 : 1);
}

void Metrics::Describe(const Publication& publication) const {
  sequence_.Set(static_cast<double>(publication.catalog.sequence));
  anchors_.Set(static_cast<double>(publication.catalog.anchors.size()));
  for (const RoleFacts& facts : publication.roles) {
    role_expiry_.Add({{"role", facts.role}}).Set(Seconds(facts.expires));
  }
  const std::pair<const char*, std::uint64_t> versions[] = {
      {"root", publication.files.roots.size()},
      {"targets", publication.targets_version},
      {"snapshot", publication.snapshot_version},
      {"timestamp", publication.timestamp_version}};
  for (const auto& [role, version] : versions) {
    role_version_.Add({{"role", role}}).Set(static_cast<double>(version));
  }
  const auto earliest = EarliestExpiry(publication.catalog);
  for (const verify::AnchorKindRow& row : verify::kAnchorKinds) {
    Gauge& gauge = certificate_expiry_.Add({{"kind", std::string(row.name)}});
    const auto end = earliest.find(row.name);
    if (end == earliest.end()) {
      certificate_expiry_.Remove(&gauge);
    } else {
      gauge.Set(Seconds(end->second));
    }
  }
}

std::string Metrics::Render(const PublicationHub& hub) const {
  absl::MutexLock lock(&mutex_);
  watchers_.Set(static_cast<double>(hub.watchers()));
  signing_stopped_.Set(hub.signing().ok() ? 0 : 1);
  if (const auto current = hub.Current()) Describe(*current);
  std::vector<prometheus::MetricFamily> families = registry_.Collect();
  for (const auto& one : more_) {
    for (prometheus::MetricFamily& family : one->Collect()) {
      families.push_back(std::move(family));
    }
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace anchorage::trustd
