#include "trustd/fleet/fleet.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "trustd/fleet/sender_address.h"

namespace anchorage::trustd {
namespace {

constexpr absl::Duration kLeastWait = absl::Minutes(1);
constexpr absl::Duration kMostWait = absl::Hours(24);

std::uint32_t WholeSeconds(absl::Duration duration) {
  return static_cast<std::uint32_t>(
      absl::ToInt64Seconds(absl::Ceil(duration, absl::Seconds(1))));
}

// Returns "1.2.0: 17, other: 3".
std::string TextOf(
    const google::protobuf::RepeatedPtrField<v1::FleetShare>& shares) {
  std::string text;
  for (const v1::FleetShare& share : shares) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", share.value(), ": ",
                    share.senders());
  }
  return text;
}

prometheus::Family<prometheus::Counter>& Reports(
    prometheus::Registry& registry) {
  return prometheus::BuildCounter()
      .Name("trustd_fleet_reports_total")
      .Help("Reports of instances by what became of them")
      .Register(registry);
}

}  // namespace

Fleet::Fleet(Options options, prometheus::Registry& registry)
    : options_(std::move(options)),
      key_(NewKey()),
      window_(options_.slots()),
      began_(options_.uptime()),
      began_at_(options_.clock()),
      failing_senders_(
          prometheus::BuildGauge()
              .Name("trustd_fleet_failing_senders")
              .Help("Senders that refused what may be genuine, in the window "
                    "that was over last, by slot")
              .Register(registry)),
      senders_(prometheus::BuildGauge()
                   .Name("trustd_fleet_senders")
                   .Help("Senders of reports in the window that was over last")
                   .Register(registry)
                   .Add({})),
      counted_(Reports(registry).Add({{"outcome", "counted"}})),
      refused_(Reports(registry).Add({{"outcome", "refused"}})),
      limited_(Reports(registry).Add({{"outcome", "limited"}})) {}

Fleet::Key Fleet::NewKey() {
  Key key;
  // Without randomness nothing of OpenSSL works, so there is no point in going
  // on.
  if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1) std::abort();
  return key;
}

std::uint64_t Fleet::HashOf(const IpAddress& sender) const {
  unsigned char digest[EVP_MAX_MD_SIZE] = {};
  const auto& bytes = sender.bytes();
  // Without memory all are one sender, which alerts nobody.
  (void)HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
             bytes.data(), bytes.size(), digest, nullptr);
  std::uint64_t hash = 0;
  std::memcpy(&hash, digest, sizeof(hash));
  return hash;
}

Fleet::Answer Fleet::Take(const IpAddress& peer, std::string_view forwarded_for,
                          const v1::ReportOutcomesRequest& request) {
  const auto report = ReadReport(request);
  if (!report.ok()) {
    refused_.Increment();
    return {.status = report.status()};
  }
  const IpAddress sender = SenderAddress(peer, forwarded_for, options_.proxies);
  const absl::MutexLock lock(&mutex_);
  Turn();
  const std::uint64_t hash = HashOf(sender);
  const absl::Duration wait = limit_.Take(hash, options_.uptime());
  if (wait > absl::ZeroDuration()) {
    limited_.Increment();
    return {.status = absl::ResourceExhaustedError(
                "too many reports from this address: wait"),
            .seconds_until_next = WholeSeconds(wait)};
  }
  window_.Add(*report, hash);
  counted_.Increment();
  // Twice in a window, so that none misses one.
  return {.status = absl::OkStatus(),
          .seconds_until_next = WholeSeconds(std::clamp<absl::Duration>(
              options_.settings.window / 2, kLeastWait, kMostWait))};
}

void Fleet::Turn() {
  const absl::Duration passed = options_.uptime() - began_;
  if (passed < options_.settings.window) return;
  End();
  if (passed >= 2 * options_.settings.window) {
    // A whole window has passed without anything.
    failing_.clear();
    senders_before_.reset();
  }
  key_ = NewKey();
  window_ = Window(options_.slots());
  began_ = options_.uptime();
  began_at_ = options_.clock();
}

void Fleet::End() {
  const std::uint64_t senders = window_.senders();
  Check(senders);
  v1::FleetWindow message = Describe();
  anchors::SetTime(options_.clock(), *message.mutable_end_time());
  Show(message);
  if (senders > 0) {
    kept_.push_front(message.SerializeAsString());
    if (kept_.size() > kMostKept) kept_.pop_back();
  }
  std::erase_if(failing_, [this](const std::string& slot) {
    if (failed_.contains(slot)) return false;
    spdlog::info("slot {}: its failures in the fleet are over", slot);
    return true;
  });
  failed_.clear();
  senders_before_ = senders == 0 ? std::nullopt : std::optional(senders);
}

void Fleet::Check(std::uint64_t fleet) {
  for (const std::string& slot :
       window_.Failing(options_.settings.threshold, fleet)) {
    failed_.insert(slot);
    if (failing_.insert(slot).second) {
      alerts_.push_back(AlertOf(slot, fleet));
    }
  }
}

std::vector<Alert> Fleet::TakeAlerts() {
  const absl::MutexLock lock(&mutex_);
  Turn();
  // The first reports of a window are no fleet yet: they are held against that
  // of the window before, and without one their window has to end first.
  if (senders_before_.has_value()) {
    Check(std::max(*senders_before_, window_.senders()));
  }
  return std::exchange(alerts_, {});
}

Alert Fleet::AlertOf(const std::string& slot, std::uint64_t fleet) const {
  const v1::FleetFailure failure = window_.FailureOf(slot);
  Alert alert;
  alert.kind = AlertKind::kFleetFailures;
  alert.time = options_.clock();
  alert.subject = slot;
  alert.facts = {{"senders", absl::StrCat(failure.senders())},
                 {"of", absl::StrCat(fleet)},
                 {"reasons", TextOf(failure.reasons())},
                 {"versions", TextOf(failure.versions())},
                 {"sequences", TextOf(failure.sequences())}};
  alert.text = absl::StrCat(
      failure.senders(), " of ", fleet,
      " senders report that they refuse what may be genuine.\nreasons: ",
      TextOf(failure.reasons()),
      "\nversions of the library: ", TextOf(failure.versions()),
      "\nsequences of their anchors: ", TextOf(failure.sequences()));
  if (failure.names_size() > 0) {
    alert.facts["names"] = TextOf(failure.names());
    absl::StrAppend(&alert.text, "\nslots that the catalog does not have: ",
                    TextOf(failure.names()));
  }
  absl::StrAppend(&alert.text,
                  "\nNothing of this is proved: see INCIDENTS.md.");
  return alert;
}

v1::FleetWindow Fleet::Describe() const {
  v1::FleetWindow message;
  anchors::SetTime(began_at_, *message.mutable_begin_time());
  window_.Describe(kMostRowsKept, message);
  for (v1::FleetFailure& failure : *message.mutable_failures()) {
    failure.set_alerted(failing_.contains(failure.slot()));
  }
  return message;
}

void Fleet::Show(const v1::FleetWindow& window) {
  senders_.Set(static_cast<double>(window.senders()));
  for (const auto& [slot, gauge] : shown_) failing_senders_.Remove(gauge);
  shown_.clear();
  for (const v1::FleetFailure& failure : window.failures()) {
    prometheus::Gauge& gauge = failing_senders_.Add({{"slot", failure.slot()}});
    gauge.Set(static_cast<double>(failure.senders()));
    shown_[failure.slot()] = &gauge;
  }
}

v1::GetFleetResponse Fleet::Describe(std::size_t windows) {
  const absl::MutexLock lock(&mutex_);
  Turn();
  v1::GetFleetResponse response;
  *response.add_windows() = Describe();
  for (const std::string& kept : kept_) {
    if (static_cast<std::size_t>(response.windows_size()) >= windows) break;
    (void)response.add_windows()->ParseFromString(kept);
  }
  return response;
}

}  // namespace anchorage::trustd
