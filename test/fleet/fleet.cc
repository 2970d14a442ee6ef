#include "test/fleet/fleet.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fleet/memo.h"
#include "test/fleet/run.h"

namespace anchorage::fleet {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(20);
constexpr absl::Duration kOutage = absl::Hours(40 * 24);
// How often a host restarts, and something comes between it and trustd.
constexpr absl::Duration kRestartEvery = absl::Hours(30 * 24);
constexpr absl::Duration kBadWeatherEvery = absl::Hours(60 * 24);
constexpr absl::Duration kBadWeatherLasts = absl::Hours(3 * 24);
// In how long all machines of a power cut boot.
constexpr absl::Duration kBoot = absl::Minutes(2);

// When each incident happens, as a part of the run.
constexpr std::pair<double, Incident> kPlan[] = {
    {0.08, Incident::kPowerCut},     {0.15, Incident::kAwsKeyTheft},
    {0.22, Incident::kPoisonedPage}, {0.28, Incident::kTargetsRotation},
    {0.42, Incident::kKeyTheft},     {0.55, Incident::kOutage},
    {0.83, Incident::kPowerCut},     {0.85, Incident::kPoisonedPage},
    {0.88, Incident::kAwsKeyTheft},
};

// The run under way: a client's transport is opened by a plain function, which
// has nothing but the client's options.
Fleet* running = nullptr;

absl::StatusOr<std::unique_ptr<client::Transport>> OpenForHost(
    const client::TrustClientOptions& options) {
  return running->OpenLine(options.server);
}

verify::IdentityPolicy AnyGenuine() {
  auto policy = verify::IdentityPolicy::AuthenticityOnly(
      "the simulation asks who signed");
  if (!policy.ok()) std::abort();
  return *std::move(policy);
}

}  // namespace

std::string_view NameOf(Incident incident) {
  switch (incident) {
    case Incident::kPowerCut:
      return "power";
    case Incident::kAwsKeyTheft:
      return "aws-key";
    case Incident::kTargetsRotation:
      return "rotation";
    case Incident::kPoisonedPage:
      return "page";
    case Incident::kKeyTheft:
      return "theft";
    case Incident::kOutage:
      return "outage";
  }
  return "";
}

std::set<Incident> AllIncidents() {
  return {Incident::kPowerCut,     Incident::kAwsKeyTheft,
          Incident::kPoisonedPage, Incident::kTargetsRotation,
          Incident::kKeyTheft,     Incident::kOutage};
}

Fleet::Fleet(const Options& options, Outcome& outcome)
    : options_(options),
      outcome_(outcome),
      dice_(options.seed * 2 + 1),
      begin_(test::FakeNow()),
      now_(begin_),
      vendor_(options.seed, begin_),
      up_since_(begin_),
      network_{vendor_, dice_, kTimeout},
      baked_by_build_(vendor_.BakedByBuild()),
      baked_by_vendor_(vendor_.BakedByVendor()),
      policy_(AnyGenuine()),
      hosts_(static_cast<std::size_t>(options.clients)) {}

void Fleet::Run() {
  int number = 0;
  for (Host& host : hosts_) {
    host.number = number++;
    host.has_vendors_baked = dice_.Percent(50);
    host.refuses_expired = dice_.Percent(25);
    host.fair_since = begin_;
    if (const int clock = dice_.Below(100); clock < 4) {
      host.skew = absl::Minutes(30);
    } else if (clock < 7) {
      host.skew = -absl::Hours(20);
    } else if (clock < 8) {
      host.skew = absl::Hours(20);
    } else if (clock < 9) {
      host.skew = -3 * kDay;
    } else if (clock < 10) {
      host.skew = 30 * kDay;
    }
    // They were there before.
    At(begin_ + options_.interval * Chance(), host, Kind::kBoot);
    At(begin_ + About(kBadWeatherEvery), host, Kind::kWeather);
  }
  std::multimap<absl::Time, Incident> plan;
  for (const auto& [part, incident] : kPlan) {
    if (options_.incidents.contains(incident)) {
      plan.emplace(begin_ + options_.span * (part + 0.03 * Chance()), incident);
    }
  }
  absl::Time aws_changes = begin_ + About(20 * kDay);
  const absl::Time end = begin_ + options_.span;
  for (absl::Time hour = begin_; hour < end; hour += absl::Hours(1)) {
    now_ = hour;
    for (; !plan.empty() && plan.begin()->first <= now_;
         plan.erase(plan.begin())) {
      Happens(plan.begin()->second);
    }
    Recover();
    if (now_ >= aws_changes) {
      Say(vendor_.AwsChanges(now_));
      Count("changes of AWS");
      aws_changes = now_ + About(20 * kDay);
    }
    const std::size_t before = vendor_.publications().size();
    vendor_.Hour(now_);
    if (vendor_.publications().size() != before) {
      Say(absl::StrCat("trustd publishes ", vendor_.sequence()));
    }
    while (!events_.empty() && events_.top().time < hour + absl::Hours(1)) {
      const Event event = events_.top();
      events_.pop();
      now_ = event.time;
      Take(event);
    }
    if ((hour - begin_) % kDay == absl::ZeroDuration()) {
      now_ = hour + absl::Hours(1);
      CheckAll();
    }
  }
  Count("publications", vendor_.publications().size());
  CheckLoad();
}

absl::Duration Fleet::About(absl::Duration mean) {
  return mean * -std::log(1 - Chance());
}

void Fleet::At(absl::Time time, Host& host, Kind kind) {
  events_.push({time, order_++, host.number,
                kind == Kind::kWeather ? host.weather_number : host.start,
                kind});
}

void Fleet::Take(const Event& event) {
  Host& host = hosts_[static_cast<std::size_t>(event.host)];
  if (event.meant_for !=
      (event.kind == Kind::kWeather ? host.weather_number : host.start)) {
    return;
  }
  switch (event.kind) {
    case Kind::kAsk:
      return Ask(host);
    case Kind::kRestart:
      return Restart(host, absl::Minutes(1 + dice_.Below(240)));
    case Kind::kBoot:
      return Start(host);
    case Kind::kWeather:
      return ChangeWeather(host);
  }
}

// --- incidents --------------------------------------------------------------

void Fleet::Happens(Incident incident) {
  Count(absl::StrCat("incidents: ", std::string(NameOf(incident))));
  Say(absl::StrCat("incident: ", std::string(NameOf(incident))));
  switch (incident) {
    case Incident::kPowerCut:
      return PowerCut();
    case Incident::kAwsKeyTheft:
      return Say(vendor_.AwsKeyIsStolen(now_));
    case Incident::kPoisonedPage:
      return Say(vendor_.PoisonPage(now_));
    case Incident::kTargetsRotation:
      return TargetsRotate();
    case Incident::kKeyTheft:
      return KeysAreStolen();
    case Incident::kOutage:
      return TrustdFails();
  }
}

void Fleet::PowerCut() {
  const absl::Duration off = absl::Minutes(10 + dice_.Below(120));
  for (Host& host : hosts_) {
    if (host.client != nullptr) Restart(host, off + kBoot * Chance());
  }
}

// Half of the answers are blocked: what is new of the roots comes through, and
// nothing else.
void Fleet::TargetsRotate() {
  vendor_.RotateTargets(now_);
  for (Host& host : hosts_) {
    if (host.number % 2 == 0) {
      SetWeather(host, Weather::kRootsAlone,
                 absl::Hours(24 + dice_.Below(20 * 24)));
    }
  }
}

// A part of the fleet is behind the thief, who shows it the vendor's roots: he
// cannot keep them away for ever.
void Fleet::KeysAreStolen() {
  vendor_.KeysAreStolen(now_);
  rekey_ = now_ + absl::Hours(24 + dice_.Below(96));
  for (Host& host : hosts_) {
    if (dice_.Percent(10)) {
      SetWeather(host, Weather::kThief, absl::Hours(24 + dice_.Below(10 * 24)));
    }
  }
}

void Fleet::TrustdFails() {
  vendor_.SetUp(false, now_);
  up_since_ = absl::InfiniteFuture();
  up_again_ = now_ + kOutage;
}

void Fleet::Recover() {
  if (now_ >= up_again_) {
    Say("trustd is back");
    vendor_.SetUp(true, now_);
    up_since_ = now_;
    up_again_ = absl::InfiniteFuture();
  }
  if (now_ >= rekey_) {
    Say("the stolen keys are replaced");
    vendor_.Rekey(now_);
    rekey_ = absl::InfiniteFuture();
    for (Host& host : hosts_) {
      if ((host.is_led_away || host.line.saw_thiefs_timestamp) &&
          host.line.weather == Weather::kFair) {
        host.fair_since = now_;
      }
    }
  }
}

// --- hosts ------------------------------------------------------------------

absl::Time Fleet::ClockOf(const Host& host) const { return now_ + host.skew; }

void Fleet::Start(Host& host) {
  client::TrustClientOptions options;
  options.server = absl::StrCat(host.number);
  options.trusted_root = baked_by_vendor_.root;
  options.baked = host.has_vendors_baked ? baked_by_vendor_ : baked_by_build_;
  options.background_refresh = false;
  options.refresh_interval = options_.interval;
  options.rpc_timeout = kTimeout;
  options.clock = [this, &host] { return ClockOf(host); };
  options.random = [this] { return Chance(); };
  if (host.refuses_expired || options_.mutation == Mutation::kRefusesExpired) {
    options.identity_when_expired = client::WhenExpired::kRefuse;
  }
  auto client = client::TrustClient::CreateWith(std::move(options),
                                                &OpenForHost, host.disk.Open());
  if (!client.ok()) {
    std::cerr << "fleet: no client: " << client.status() << "\n";
    std::abort();
  }
  host.client = *std::move(client);
  ++host.start;
  if (host.fair_since != absl::InfiniteFuture()) host.fair_since = now_;
  Count("starts");
  Check(host);
  At(now_ + FirstPause(host), host, Kind::kAsk);
  At(now_ + About(kRestartEvery), host, Kind::kRestart);
}

void Fleet::Stop(Host& host) {
  host.client.reset();
  ++host.start;
}

std::unique_ptr<client::Transport> Fleet::OpenLine(const std::string& number) {
  return std::make_unique<LineTransport>(
      network_, hosts_[static_cast<std::size_t>(std::stoul(number))].line);
}

absl::Duration Fleet::FirstPause(const Host& host) const {
  return options_.mutation == Mutation::kNoJitter ? absl::ZeroDuration()
                                                  : host.client->FirstPause();
}

absl::Duration Fleet::PauseAfter(const client::RefreshResult& refresh) const {
  if (options_.mutation == Mutation::kNoRetry && !refresh.ended.ok()) {
    return options_.interval * 4;
  }
  if (options_.mutation == Mutation::kNoJitter && refresh.ended.ok()) {
    return options_.interval;
  }
  return refresh.pause;
}

void Fleet::Ask(Host& host) {
  network_.minute = (now_ - begin_) / absl::Minutes(1);
  const client::RefreshResult refresh = host.client->RefreshOnce();
  const bool ok = refresh.ended.ok();
  Count(ok ? "refreshes" : "refreshes that failed");
  if (ok) CheckAdopted(host);
  Check(host);
  At(now_ + host.line.elapsed + PauseAfter(refresh), host, Kind::kAsk);
}

// The power fails, now and then while the client writes; and now and then a
// disk is not what it was.
void Fleet::Restart(Host& host, absl::Duration off) {
  if (dice_.Percent(10)) {
    // What it saw then, it did not live to use, but for a root that reached the
    // disk: the next start follows that.
    const std::int64_t before = host.line.roots_seen;
    host.disk.FailAfter(dice_.Below(8));
    host.client->Refresh().IgnoreError();
    std::int64_t& seen = host.line.roots_seen;
    while (seen > before &&
           !host.disk.has(absl::StrCat("root_history/", seen, ".root.json"))) {
      --seen;
    }
    Count("power cuts while writing");
  }
  Stop(host);
  if (options_.mutation == Mutation::kGoesBack) {
    std::swap(host.disk, host.old_disk);
  }
  host.disk.PowerIsBack();
  if (!host.is_damaged && dice_.Percent(3)) {
    Count("damaged files");
    Say(absl::StrCat("host ", host.number, ": ", host.disk.Damage(dice_),
                     " is damaged"));
    host.is_damaged = true;
    host.knows = 0;
  } else if (dice_.Percent(1) || options_.mutation == Mutation::kForgets) {
    host.disk.Clear();
    host.knows = 0;
    if (options_.mutation != Mutation::kForgets) {
      Count("lost disks");
      host.revoked.reset();
      host.sequence = 0;
    }
  }
  At(now_ + off, host, Kind::kBoot);
}

void Fleet::SetWeather(Host& host, Weather weather, absl::Duration lasts) {
  host.line.weather = weather;
  host.fair_since = weather == Weather::kFair ? now_ : absl::InfiniteFuture();
  ++host.weather_number;
  if (weather != Weather::kFair) {
    Count(absl::StrCat("weather: ", std::string(NameOf(weather))));
  }
  At(now_ + lasts, host, Kind::kWeather);
}

void Fleet::ChangeWeather(Host& host) {
  if (host.line.weather != Weather::kFair) {
    return SetWeather(host, Weather::kFair, About(kBadWeatherEvery));
  }
  const auto weather = static_cast<Weather>(1 + dice_.Below(kWeathers - 1));
  if (weather == Weather::kReplay) {
    // A copy of at most two weeks, or with the newest roots.
    const std::int64_t newest = vendor_.timestamp_version();
    host.line.timestamp = std::max<std::int64_t>(1, newest - dice_.Below(60));
    host.line.root = dice_.Percent(50) ? vendor_.root_version() : 1;
  }
  SetWeather(host, weather, std::min(About(kBadWeatherLasts), 45 * kDay));
}

Outcome RunFleet(const Options& options) {
  Outcome outcome;
  Fleet fleet(options, outcome);
  running = &fleet;
  BelieveAnySignature(options.mutation == Mutation::kBelievesAnySignature);
  SetSteadyClock([&fleet] { return fleet.steady(); });
  fleet.Run();
  SetSteadyClock(nullptr);
  BelieveAnySignature(false);
  running = nullptr;
  return outcome;
}

}  // namespace anchorage::fleet
