#include "test/simulation/simulation.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "anchors/catalog_proto.h"
#include "anchors/succession.h"
#include "test/simulation/people.h"
#include "test/simulation/world.h"
#include "trustd/mirror/core.h"
#include "trustd/rotation/gate.h"
#include "verify/crypto/public_key.h"

namespace anchorage::simulation {
namespace {

using anchors::Catalog;
using trustd::At;
using trustd::CoreOptions;
using trustd::Event;
using trustd::Moment;
using trustd::Observation;
using trustd::RotationBook;
using trustd::State;
using trustd::Work;
using verify::AnchorStatus;
using verify::Slot;

constexpr int kStepsOfWorld = 250;
constexpr int kFoldEvery = 25;
constexpr int kQuietRounds = 18;
constexpr int kRoundsOfPeople = 8;
constexpr absl::Duration kRound = absl::Hours(2);
constexpr absl::Duration kDay = absl::Hours(24);

const std::vector<std::string>& Names() {
  static const auto* const names =
      new std::vector<std::string>{"alice", "bob", "olga"};
  return *names;
}

struct Source {
  std::string name;
  std::string family;
  bool is_hostile = false;
  // What it shows for ever, if it is an old copy.
  std::optional<Page> copy = std::nullopt;
  // Whether it says nothing of China.
  bool is_partial = false;
};

// A trustd without its shell.
struct Machine {
  State state;
  Moment moment;
  // Beside the record, on the disk.
  std::map<std::string, v1::SourceHealth> health;
  std::vector<v1::LedgerRecord> records;
};

bool IsForPeople(const RotationBook::Entry& entry) {
  return entry.is_open() && entry.is_publishable();
}

class Simulation {
 public:
  Simulation(std::uint64_t seed, const Options& options, Outcome& outcome)
      : seed_(seed),
        trace_(options.trace),
        outcome_(outcome),
        dice_(seed),
        world_(dice_, kBegin) {}

  void Run(int steps) {
    MakeSources();
    machine_.state.served.catalog =
        std::make_shared<const Catalog>(world_.Catalog(now()));
    SetServedText();
    Start();
    for (step_ = 1; step_ <= steps && is_right(); ++step_) {
      ++outcome_.steps;
      Step();
      if (step_ % kFoldEvery == 0) CheckFold();
    }
    if (is_right()) Quiet();
  }

 private:
  inline static const absl::Time kBegin = test::FakeNow();

  bool is_right() const { return !outcome_.failure.has_value(); }
  absl::Time now() const { return true_time_ + skew_; }
  const Catalog& catalog() const { return *machine_.state.served.catalog; }
  const RotationBook& book() const { return machine_.state.book; }

  void Fail(const std::string& property, const std::string& what) {
    if (!is_right()) return;
    outcome_.failure = Failure{seed_, step_, property, what};
  }

  void Say(const std::string& what) {
    if (trace_) {
      trace_(absl::StrCat(
          seed_, "/", step_, " ",
          absl::FormatTime("%m-%d %H:%M", now(), absl::UTCTimeZone()), " ",
          what));
    }
  }

  void Count(const std::string& what) { ++outcome_.counts[what]; }

  void MakeSources() {
    sources_.push_back({.name = "page", .family = "page"});
    sources_.push_back(
        {.name = "mirror", .family = dice_.Percent(50) ? "page" : "mirror"});
    if (dice_.Percent(60)) {
      sources_.push_back({.name = "copy", .family = "copy"});
    }
    if (dice_.Percent(60)) {
      sources_.push_back({.name = "upstream", .family = "upstream"});
    }
    for (Source& source : sources_) {
      source.is_hostile = dice_.Percent(40);
      source.is_partial = source.name != "page" && dice_.Percent(30);
    }
    Configure();
  }

  void Configure() {
    options_.rotations.approvals = 1 + dice_.Below(2);
    options_.rotations.overlap = kDay * (dice_.Percent(50) ? 90 : 10);
    options_.people = {Names().begin(), Names().end()};
    if (dice_.Percent(30)) options_.people.erase(dice_.Of(Names()));
    people_.Are(options_.people);
  }

  // --- the shell -----------------------------------------------------------

  void SetServedText() {
    trustd::Served& served = machine_.state.served;
    served.catalog_sha256 =
        verify::Sha256Hex(anchors::SerializeCatalog(*served.catalog));
    served.next_sequence = served.catalog->sequence + 1;
  }

  At AtNow() const {
    return {.now = now(),
            .steady = true_time_ - steady_from_,
            .clock_is_suspect = clock_is_suspect_};
  }

  absl::StatusOr<Work> Ask(const Machine& machine, const Event& event,
                           bool can_sign) const {
    At at = AtNow();
    auto work =
        trustd::Decide(machine.state, machine.moment, event, at, options_);
    if (!work.ok() || !work->publish.has_value() || can_sign) return work;
    if (std::holds_alternative<trustd::PersonPins>(event) &&
        work->rotation_id == 0) {
      return absl::UnavailableError("no signature");
    }
    at.may_publish = false;
    return trustd::Decide(machine.state, machine.moment, event, at, options_);
  }

  static void Commit(const Work& work, Machine& machine) {
    machine.state.book = work.book();
    machine.state.records += work.draft.records().size();
    machine.state.served = work.served;
    machine.moment = work.moment;
    machine.records.insert(machine.records.end(), work.draft.records().begin(),
                           work.draft.records().end());
    if (work.health.has_value()) {
      machine.health[work.health->source()] = *work.health;
    }
  }

  // Whether it was not refused.
  bool Take(const Event& event, std::uint64_t* rotation = nullptr) {
    const bool can_sign = is_quiet_ || !dice_.Percent(5);
    auto work = Ask(machine_, event, can_sign);
    if (!work.ok()) {
      Say(absl::StrCat("  refused: ", std::string(work.status().message())));
      return false;
    }
    if (rotation != nullptr) *rotation = work->rotation_id;
    NotePeople(event, *work);
    CheckStep(event, *work);
    Commit(*work, machine_);
    for (const Slot& slot : world_.Slots()) {
      people_.Now({slot, TextOf(catalog(), slot), options_.rotations.overlap});
    }
    CheckDecisions(event);
    if (trace_) TraceWork(*work);
    return true;
  }

  void TraceWork(const Work& work) {
    for (const v1::LedgerRecord& record : work.draft.records()) {
      if (record.has_detection()) {
        const auto* entry = work.book().Find(record.detection().id());
        Say(absl::StrCat(
            "  rotation ", record.detection().id(), ": ",
            std::string(NameOf(entry->change.rotation_class)), " ",
            verify::ToString(entry->change.slot), " ",
            record.detection().anomaly(), " ", record.detection().problem(),
            " by ", record.detection().source(),
            entry->rotation.needs_person() ? " needs a person" : ""));
      } else if (record.has_state()) {
        Say(absl::StrCat("  rotation ", record.state().rotation_id(), ": ",
                         v1::RotationState_Name(record.state().state()), ": ",
                         record.state().reason()));
      } else if (record.has_approvals_void()) {
        Say(absl::StrCat("  rotation ", record.approvals_void().rotation_id(),
                         ": void"));
      } else if (record.has_publication()) {
        Say(absl::StrCat("  published ", record.publication().sequence()));
      }
    }
  }

  void Start() {
    Say("start");
    CheckFold();
    RotationBook book;
    std::uint64_t index = 0;
    for (const v1::LedgerRecord& record : machine_.records) {
      book.Fold(index++, record);
    }
    machine_.state.book = std::move(book);
    steady_from_ = true_time_ - absl::Hours(dice_.Below(100));
    ForgetWhatAClockHides();
    machine_.moment =
        trustd::MomentAtStart(machine_.state.book, now(), AtNow().steady);
    machine_.moment.health = machine_.health;
    Take(trustd::TimePassed());
    std::map<std::string, std::string> families;
    for (const Source& source : sources_) families[source.name] = source.family;
    machine_.moment.sources = std::move(families);
    Take(trustd::TimePassed());
  }

  // --- events --------------------------------------------------------------

  Observation Look(const Source& source) {
    Observation look;
    look.source = source.name;
    look.location = absl::StrCat("https://", source.name, ".example");
    look.time = now();
    look.scope.partitions = {"aws"};
    if (!source.is_partial) look.scope.partitions.push_back("aws-cn");
    look.scope.kinds = {verify::AnchorKind::kIidRsa1024,
                        verify::AnchorKind::kIidRsa2048,
                        verify::AnchorKind::kNitroRoot};
    Page page = world_.Genuine();
    if (!is_quiet_) {
      if (source.copy.has_value() && dice_.Percent(80)) page = *source.copy;
      if (source.is_hostile && dice_.Percent(40)) {
        int attacks = 1 + dice_.Below(2);
        while (attacks-- > 0) {
          Say(absl::StrCat("  ", source.name, " ",
                           world_.Attack(page, look.problems, now())));
        }
      }
      if (dice_.Percent(5)) {
        look.problems.push_back(
            {trustd::ProblemKind::kNotConfirmed, 1, "not confirmed"});
      }
    }
    for (auto& [slot, der] : page) {
      look.certificates.push_back({slot, std::move(der), 1});
    }
    return look;
  }

  Event AskSource(const Source& source) {
    if (!is_quiet_ && dice_.Percent(6)) {
      Count("sources that fail");
      return trustd::SourceBroke{source.name, "TIMED_OUT", "no answer"};
    }
    auto look = std::make_shared<const Observation>(Look(source));
    const auto before = machine_.moment.newest.find(source.name);
    if (before != machine_.moment.newest.end() &&
        before->second->certificates == look->certificates &&
        before->second->problems == look->problems) {
      return trustd::SourceUnchanged{source.name};
    }
    return trustd::SourceSaid{std::move(look)};
  }

  void AskOne() {
    const Source& source = dice_.Of(sources_);
    Say(absl::StrCat("ask ", source.name));
    Take(AskSource(source));
  }

  // P6. The other order is tried on a copy.
  void AskTwoInBothOrders() {
    Say("ask two");
    // What time alone brings has come.
    Take(trustd::TimePassed());
    const std::size_t first = static_cast<std::size_t>(
        dice_.Below(static_cast<int>(sources_.size())));
    const std::size_t second = (first + 1) % sources_.size();
    const Event one = AskSource(sources_[first]);
    const Event other = AskSource(sources_[second]);
    // What one source said before counts until it says something else, so that
    // the order tells where the two said, and say, different things. What cannot
    // be understood takes no earlier word back, and a remnant that one showed
    // beside a re-issue stays in use where that is published meanwhile. An
    // anomaly holds what its source says, from then on. The last source that is
    // asked after a start lets through what the others have shown.
    const bool must_agree =
        machine_.moment.asked.size() == sources_.size() && IsUnderstood(one) &&
        IsUnderstood(other) && HaveOneEach() &&
        (AgreeNow(sources_[first], sources_[second]) || AgreeAfter(one, other));
    Machine copy = machine_;
    for (const Event* event : {&other, &one}) Follow(*event, copy);
    Follow(trustd::TimePassed(), copy);
    Machine mine = machine_;
    for (const Event* event : {&one, &other}) Follow(*event, mine);
    Follow(trustd::TimePassed(), mine);
    if (must_agree && IsNobodyDoubtful(mine) && IsNobodyDoubtful(copy)) {
      Count("rounds in two orders");
      for (const Slot& slot : world_.Slots()) {
        // Slots that share a certificate are re-issued in common, and a slot
        // that must wait breaks that up: then people decide.
        // Nor does one that AWS has removed contradict what it had.
        if (world_.IsShared(slot) || world_.Current(slot).empty()) continue;
        const std::string here = TextOf(*mine.state.served.catalog, slot);
        const std::string there = TextOf(*copy.state.served.catalog, slot);
        if (here != there) {
          Fail("P6",
               absl::StrCat(verify::ToString(slot), " after ",
                            sources_[first].name, ", ", sources_[second].name,
                            ":\n", here, "the other way round:\n", there));
        }
      }
    }
    Take(one);
    Take(other);
    Take(trustd::TimePassed());
  }

  void Follow(const Event& event, Machine& machine) const {
    const auto work = Ask(machine, event, /*can_sign=*/true);
    if (work.ok()) Commit(*work, machine);
  }

  // Whether no source's newest look has two certificates in a slot.
  bool HaveOneEach() const {
    for (const auto& [name, look] : machine_.moment.newest) {
      std::set<Slot> slots;
      for (const auto& one : look->certificates) {
        if (!slots.insert(one.slot).second) return false;
      }
    }
    return true;
  }

  static bool IsNobodyDoubtful(const Machine& machine) {
    const RotationBook& book = machine.state.book;
    return std::none_of(
        book.Live().begin(), book.Live().end(), [&](std::uint64_t id) {
          const RotationBook::Entry& entry = *book.Find(id);
          return entry.is_anomaly() &&
                 entry.change.anomaly != trustd::AnomalyKind::kSourcesDisagree;
        });
  }

  static bool IsUnderstood(const Event& event) {
    const auto* said = std::get_if<trustd::SourceSaid>(&event);
    return said == nullptr || said->observation->problems.empty();
  }

  bool AgreeNow(const Source& a, const Source& b) const {
    const auto& newest = machine_.moment.newest;
    const auto one = newest.find(a.name);
    const auto other = newest.find(b.name);
    return one != newest.end() && other != newest.end() &&
           one->second->problems.empty() && other->second->problems.empty() &&
           one->second->certificates == other->second->certificates;
  }

  bool AgreeAfter(const Event& a, const Event& b) const {
    const auto* one = std::get_if<trustd::SourceSaid>(&a);
    const auto* other = std::get_if<trustd::SourceSaid>(&b);
    return one != nullptr && other != nullptr &&
           one->observation->problems.empty() &&
           one->observation->certificates == world_observed() &&
           one->observation->problems == other->observation->problems &&
           one->observation->certificates == other->observation->certificates;
  }

  std::vector<trustd::ObservedCertificate> world_observed() const {
    std::vector<trustd::ObservedCertificate> all;
    for (auto& [slot, der] : world_.Genuine()) all.push_back({slot, der, 1});
    return all;
  }

  std::vector<std::uint64_t> Open() const {
    std::vector<std::uint64_t> open;
    for (const std::uint64_t id : book().Live()) {
      if (book().Find(id)->is_open()) open.push_back(id);
    }
    return open;
  }

  bool Decide(std::uint64_t id, v1::Decision::Kind kind,
              const std::string& by) {
    const auto& rotation = book().Find(id)->rotation;
    trustd::PersonDecides event;
    event.rotation_id = id;
    event.kind = kind;
    event.by = by;
    event.why = "because";
    event.change_id = rotation.change_id();
    event.effect_sha256 = rotation.effect_sha256();
    Say(absl::StrCat(by, ": ", v1::Decision::Kind_Name(kind), " of ", id));
    return Take(event);
  }

  bool BringsGenuine(const RotationBook::Entry& entry) const {
    const trustd::Change& change = entry.change;
    if (change.rotation_class == trustd::RotationClass::kRemoval) {
      return world_.Current(change.slot).empty();
    }
    if (change.rotation_class == trustd::RotationClass::kReactivation) {
      return KeyOf(world_.Current(change.slot)) ==
             change.observed.front().spki_sha256;
    }
    return std::all_of(change.observed.begin(), change.observed.end(),
                       [&](const trustd::SeenCertificate& seen) {
                         return world_.IsCurrent(change.slot, seen.der);
                       });
  }

  void SomebodyDecides() {
    const auto open = Open();
    if (open.empty()) return;
    const std::uint64_t id = dice_.Of(open);
    const RotationBook::Entry& entry = *book().Find(id);
    const std::string by = dice_.Of(Names());
    const int chance = dice_.Below(100);
    if (entry.is_publishable() && chance < (BringsGenuine(entry) ? 75 : 30)) {
      // Two at once, as often as not.
      if (Decide(id, v1::Decision::KIND_APPROVE, by) && dice_.Percent(50) &&
          IsForPeople(*book().Find(id))) {
        Decide(id, v1::Decision::KIND_APPROVE, dice_.Of(Names()));
      }
    } else {
      Decide(id,
             chance < 85 ? v1::Decision::KIND_REJECT : v1::Decision::KIND_HOLD,
             by);
    }
  }

  bool Pin(v1::PinFact::Action action, const Slot& slot, const std::string& key,
           const std::string& der, const std::string& by, bool last_key,
           std::uint64_t* rotation = nullptr) {
    trustd::PersonPins event;
    event.fact.set_action(action);
    *event.fact.mutable_slot() = anchors::ToProto(slot);
    event.fact.set_spki_sha256(key);
    event.fact.set_certificate(der);
    event.fact.set_by(by);
    event.fact.set_why("because");
    event.last_key = last_key;
    if (action == v1::PinFact::ACTION_RETIRE && !is_quiet_ &&
        dice_.Percent(50)) {
      event.fact.mutable_valid_until()->set_seconds(
          absl::ToUnixSeconds(now() + absl::Hours(dice_.Below(200))));
    }
    Say(absl::StrCat(by, ": ", v1::PinFact::Action_Name(action), " in ",
                     verify::ToString(slot), " ", key.substr(0, 8)));
    return Take(event, rotation);
  }

  void SomebodyPins() {
    const Slot slot = dice_.Of(world_.Slots());
    std::vector<std::string> keys;
    for (const anchors::CatalogAnchor& anchor : catalog().anchors) {
      if (anchor.slot == slot) keys.push_back(anchor.spki_sha256);
    }
    const std::string by = dice_.Of(Names());
    const int what = dice_.Below(100);
    if (what < 35 || keys.empty()) {
      const std::string der = world_.AnyFor(slot, now());
      Pin(v1::PinFact::ACTION_ADD, slot, KeyOf(der), der, by, false);
      return;
    }
    // trustd asks who calls before the core does.
    if (options_.people.count(by) == 0) return;
    const std::string key = dice_.Of(keys);
    const bool is_genuine = KeyOf(world_.Current(slot)) == key;
    if (what < 50) {
      Pin(v1::PinFact::ACTION_REACTIVATE, slot, key, "", by, false);
    } else if (what < 85) {
      Pin(v1::PinFact::ACTION_RETIRE, slot, key, "", by, dice_.Percent(30));
    } else if (!is_genuine || dice_.Percent(20)) {
      Pin(v1::PinFact::ACTION_REVOKE, slot, key, "", by, dice_.Percent(30));
    }
  }

  void ClockJumps() {
    if (clock_is_suspect_ ||
        (skew_ != absl::ZeroDuration() && dice_.Percent(70))) {
      // It is set right, or believed.
      skew_ = dice_.Percent(70) ? absl::ZeroDuration() : skew_;
      clock_is_suspect_ = false;
      Say("the clock is confirmed");
      return;
    }
    static const auto* const jumps = new std::vector<absl::Duration>{
        -10 * kDay, -absl::Hours(3), absl::Hours(3), kDay, 40 * kDay};
    skew_ += dice_.Of(*jumps);
    clock_is_suspect_ = dice_.Percent(80);
    Say("the clock jumps");
  }

  void TimePasses() {
    static const auto* const spans = new std::vector<absl::Duration>{
        absl::Minutes(1), absl::Minutes(20), absl::Hours(1), absl::Hours(3),
        absl::Hours(13)};
    true_time_ += dice_.Of(*spans);
    Say("time passes");
    Take(trustd::TimePassed());
  }

  void Step() {
    const int what = dice_.Below(100);
    if (what < 34) {
      AskOne();
    } else if (what < 41) {
      AskTwoInBothOrders();
    } else if (what < 52) {
      const std::string change = world_.Change(true_time_);
      Say(change);
      Count(change.substr(0, change.rfind(' ')));
    } else if (what < 68) {
      SomebodyDecides();
    } else if (what < 74) {
      SomebodyPins();
    } else if (what < 90) {
      TimePasses();
    } else if (what < 92) {
      ClockJumps();
    } else if (what < 95) {
      if (dice_.Percent(60)) Configure();
      Count("starts");
      Start();
    } else if (what < 96) {
      for (Source& source : sources_) {
        if (source.name == "copy") source.copy = world_.Genuine();
      }
    } else {
      // A quick round.
      for (const Source& source : sources_) Take(AskSource(source));
    }
  }

  // --- quiet days ----------------------------------------------------------

  void QuietRound() {
    if (!is_right()) return;
    true_time_ += kRound;
    std::vector<const Source*> order;
    for (const Source& source : sources_) {
      order.insert(
          order.begin() + dice_.Below(static_cast<int>(order.size()) + 1),
          &source);
    }
    for (const Source* source : order) Take(AskSource(*source));
    Take(trustd::TimePassed());
  }

  void Quiet() {
    is_quiet_ = true;
    ++step_;
    Say("quiet days");
    skew_ = absl::ZeroDuration();
    clock_is_suspect_ = false;
    if (options_.people.size() < Names().size()) {
      options_.people = {Names().begin(), Names().end()};
      people_.Are(options_.people);
      Start();
    }
    for (const Slot& slot : world_.Slots()) {
      const std::string current = world_.Current(slot);
      if (!current.empty() &&
          StatusOf(slot, KeyOf(current)) == AnchorStatus::kRevoked) {
        Say(absl::StrCat("AWS re-keys ", verify::ToString(slot)));
        world_.Rekey(slot, true_time_);
      }
    }
    for (int i = 0; i < kQuietRounds; ++i) QuietRound();
    CheckHealed();
    for (int i = 0; i < kRoundsOfPeople && is_right(); ++i) {
      Say("people answer");
      const bool any = Answer();
      QuietRound();
      if (!any) break;
    }
    for (int i = 0; i < 3; ++i) QuietRound();
    CheckQuiet();
    CheckFold();
  }

  std::optional<AnchorStatus> StatusOf(const Slot& slot,
                                       const std::string& key) const {
    for (const anchors::CatalogAnchor& anchor : catalog().anchors) {
      if (anchor.slot == slot && anchor.spki_sha256 == key) {
        return anchor.status;
      }
    }
    return std::nullopt;
  }

  void ApproveAll(std::uint64_t id) {
    for (const std::string& by : Names()) {
      const RotationBook::Entry& entry = *book().Find(id);
      if (!entry.is_open() ||
          entry.rotation.state() == v1::ROTATION_STATE_APPROVED ||
          entry.Approvers().count(by) != 0) {
        continue;
      }
      if (!Decide(id, v1::Decision::KIND_APPROVE, by)) {
        Decide(id, v1::Decision::KIND_REJECT, by);
        return;
      }
    }
  }

  // As rules leave it to people. Whether there was anything to answer.
  bool Answer() {
    bool any = false;
    for (const std::uint64_t id : Open()) {
      const RotationBook::Entry& entry = *book().Find(id);
      if (!entry.is_open()) continue;
      if (entry.is_publishable() && BringsGenuine(entry)) {
        any = true;
        ApproveAll(id);
      } else if (entry.is_publishable() || entry.rotation.needs_person()) {
        any = true;
        Decide(id, v1::Decision::KIND_REJECT, "alice");
      }
    }
    for (const Slot& slot : world_.Slots()) any = AnswerIn(slot) || any;
    return any;
  }

  bool AnswerIn(const Slot& slot) {
    bool any = false;
    const std::string der = world_.Current(slot);
    const std::string key = KeyOf(der);
    if (!der.empty()) {
      const auto status = StatusOf(slot, key);
      v1::PinFact::Action action = v1::PinFact::ACTION_UNSPECIFIED;
      // One that begins before what is in use, or that another slot has, is
      // taken from people alone.
      if (InUse(catalog(), slot).count(verify::Sha256Hex(der)) == 0) {
        action = v1::PinFact::ACTION_ADD;
      }
      if (status == AnchorStatus::kRetired ||
          status == AnchorStatus::kRetiring) {
        action = v1::PinFact::ACTION_REACTIVATE;
      }
      if (action != v1::PinFact::ACTION_UNSPECIFIED) {
        any = true;
        std::uint64_t id = 0;
        if (Pin(action, slot, key, der, "alice", false, &id) && id != 0 &&
            book().Find(id)->is_open()) {
          ApproveAll(id);
        }
      }
    }
    std::vector<std::string> others;
    for (const anchors::CatalogAnchor& anchor : catalog().anchors) {
      if (anchor.slot == slot && anchor.status == AnchorStatus::kActive &&
          anchor.spki_sha256 != key) {
        others.push_back(anchor.spki_sha256);
      }
    }
    for (const std::string& other : others) {
      any = true;
      Pin(world_.WasKey(slot, other) ? v1::PinFact::ACTION_RETIRE
                                     : v1::PinFact::ACTION_REVOKE,
          slot, other, "", "bob", /*last_key=*/true);
    }
    return any;
  }

  bool HasInUse(const Slot& slot, const std::string& key) const {
    for (const anchors::CatalogAnchor& anchor : catalog().anchors) {
      if (anchor.slot != slot || anchor.spki_sha256 != key) continue;
      return std::any_of(anchor.certificates.begin(), anchor.certificates.end(),
                         [](const auto& one) { return !one.superseded; });
    }
    return false;
  }

  // --- properties ----------------------------------------------------------

  // What people said is theirs: the model hears it when it is not refused.
  void NotePeople(const Event& event, const Work& work) {
    if (const auto* decides = std::get_if<trustd::PersonDecides>(&event)) {
      switch (decides->kind) {
        case v1::Decision::KIND_APPROVE:
          Count("approvals");
          people_.Approved(decides->rotation_id, decides->by,
                           SightOf(work, decides->rotation_id));
          break;
        case v1::Decision::KIND_HOLD:
          people_.Held(decides->rotation_id);
          break;
        default:
          people_.Rejected(decides->rotation_id);
      }
    } else if (const auto* pins = std::get_if<trustd::PersonPins>(&event)) {
      Count("pins");
      if (work.rotation_id != 0) {
        people_.Approved(work.rotation_id, pins->fact.by(),
                         SightOf(work, work.rotation_id));
      }
    }
  }

  People::Sight SightOf(const Work& work, std::uint64_t id) const {
    const Slot slot = work.book().Find(id)->change.slot;
    return {slot, TextOf(catalog(), slot), options_.rotations.overlap};
  }

  // P1, P2 and P4, of what is about to be published.
  void CheckStep(const Event& event, const Work& work) {
    const Catalog& after = *work.served.catalog;
    for (const anchors::CatalogAnchor& anchor : after.anchors) {
      for (const anchors::CatalogCertificate& one : anchor.certificates) {
        if (!one.superseded && world_.IsForged(one.der)) {
          Fail("P1", absl::StrCat(one.sha256, " is in use in ",
                                  verify::ToString(anchor.slot),
                                  " and is not signed by its key"));
        }
      }
    }
    if (!work.publish.has_value()) {
      if (after.sequence != catalog().sequence || after != catalog()) {
        Fail("P2", "the catalog changed and nothing was published");
      }
      return;
    }
    Count("publications");
    const v1::PublicationFact* fact = nullptr;
    for (const v1::LedgerRecord& record : work.draft.records()) {
      if (record.has_publication()) fact = &record.publication();
    }
    if (fact == nullptr) return Fail("P2", "published and not on the record");
    anchors::Reactivated named;
    for (const std::uint64_t id : fact->rotation_ids()) {
      // What is over by now has its class and slot alone as values.
      const auto& entry = *work.book().Find(id);
      if (entry.change.rotation_class ==
          trustd::RotationClass::kReactivation) {
        named.push_back(
            {entry.change.slot, entry.rotation.observed(0).spki_sha256()});
      }
    }
    if (const absl::Status s = anchors::CheckSuccessor(catalog(), after, named);
        !s.ok()) {
      Fail("P1", std::string(s.message()));
    }
    for (const Slot& slot : trustd::ChangedSlots(catalog(), after)) {
      CheckSlot(event, work, *fact, slot);
    }
  }

  void CheckSlot(const Event& event, const Work& work,
                 const v1::PublicationFact& fact, const Slot& slot) {
    const Catalog& after = *work.served.catalog;
    const std::string name = verify::ToString(slot);
    const bool same_keys = KeysOf(catalog(), slot) == KeysOf(after, slot);
    if (const auto* pins = std::get_if<trustd::PersonPins>(&event);
        pins != nullptr && work.rotation_id == 0 &&
        anchors::SlotFromProto(pins->fact.slot()) == slot &&
        options_.people.count(pins->fact.by()) != 0) {
      CheckIsSafe(slot, pins->fact.spki_sha256(), after);
      return;
    }
    const People::Sight sight{slot, TextOf(catalog(), slot),
                              options_.rotations.overlap};
    std::string ids;
    for (const std::uint64_t id : fact.rotation_ids()) {
      if (work.book().Find(id)->change.slot != slot) continue;
      absl::StrAppend(&ids, " ", id);
      if (people_.HaveRejected(id)) {
        Fail("P2", absl::StrCat(id, " was rejected, and is published"));
      }
      if (people_.For(id, sight) >= options_.rotations.approvals) return;
      if (people_.AreAgainst(id)) {
        Fail("P2", absl::StrCat(id, " is held by a person, and is published"));
      }
    }
    if (!same_keys) {
      Fail("P2",
           absl::StrCat("keys of ", name, " change without ",
                        options_.rotations.approvals, " people; rotations", ids,
                        "; before\n", TextOf(catalog(), slot), "after\n",
                        TextOf(after, slot)));
    }
    CheckAutomatic(work, slot);
  }

  // One person alone goes towards REVOKED, with the key that they named.
  void CheckIsSafe(const Slot& slot, const std::string& key,
                   const Catalog& after) {
    for (const anchors::CatalogAnchor& anchor : after.anchors) {
      if (anchor.slot != slot || anchor.spki_sha256 != key) continue;
      anchors::CatalogAnchor was;
      for (const auto& old : catalog().anchors) {
        if (old.slot == slot && old.spki_sha256 == key) was = old;
      }
      was.status = anchor.status;
      was.valid_until = anchor.valid_until;
      was.accept_until = anchor.accept_until;
      if (!(was == anchor)) {
        Fail("P2", "revoking and retiring change a status and windows alone");
      }
      if (anchor.status == AnchorStatus::kActive) {
        Fail("P2", "one person alone made a key ACTIVE");
      }
    }
    for (const std::string& one : InUse(after, slot)) {
      if (InUse(catalog(), slot).count(one) == 0) {
        Fail("P2", "one person alone brought a certificate into use");
      }
    }
  }

  void CheckAutomatic(const Work& work, const Slot& slot) {
    Count("changes without people");
    const std::string name = verify::ToString(slot);
    const Catalog& after = *work.served.catalog;
    if (clock_is_suspect_) Fail("P2", "automatic with a clock that jumped");
    for (const Source& source : sources_) {
      if (work.moment.asked.count(source.name) == 0) {
        Fail("P2", absl::StrCat("automatic in ", name, ", and ", source.name,
                                " was not asked"));
      }
    }
    const auto before = InUse(catalog(), slot);
    const auto now_in_use = InUse(after, slot);
    std::set<std::string> comes;
    std::set<std::string> goes;
    std::set_difference(now_in_use.begin(), now_in_use.end(), before.begin(),
                        before.end(), std::inserter(comes, comes.end()));
    std::set_difference(before.begin(), before.end(), now_in_use.begin(),
                        now_in_use.end(), std::inserter(goes, goes.end()));
    if (comes.size() != 1) {
      Fail("P2", absl::StrCat("automatic in ", name, ": ", comes.size(),
                              " certificates come into use"));
    }
    CheckComes(slot, comes, after);
    int showing = 0;
    for (const Source& source : sources_) {
      const auto look = work.moment.newest.find(source.name);
      if (look == work.moment.newest.end()) continue;
      std::set<std::string> shown;
      for (const auto& one : look->second->certificates) {
        if (one.slot == slot && look->second->scope.Covers(slot)) {
          shown.insert(verify::Sha256Hex(one.der));
        }
      }
      const bool is_understood = std::none_of(
          look->second->problems.begin(), look->second->problems.end(),
          [](const trustd::SourceProblem& problem) {
            return problem.kind != trustd::ProblemKind::kNotConfirmed;
          });
      if (shown.empty() || !is_understood) continue;
      bool shows = true;
      for (const auto& one : comes) shows = shows && shown.count(one) != 0;
      for (const auto& one : goes) shows = shows && shown.count(one) == 0;
      if (!shows) {
        Fail("P2", absl::StrCat("automatic in ", name, ", and ", source.name,
                                " shows something else"));
      }
      ++showing;
    }
    if (showing == 0) Fail("P2", absl::StrCat(name, ": nobody shows it"));
    // P4.
    std::vector<absl::Time>& times = automatic_[slot];
    int today = 0;
    for (const absl::Time time : times) {
      today += true_time_ - time < kDay;
      if (true_time_ - time < absl::Hours(1)) {
        Fail("P4", absl::StrCat(name, " changed twice within an hour"));
      }
    }
    if (today >= 4) {
      Fail("P4", absl::StrCat(name, " changed five times within a day"));
    }
    times.push_back(true_time_);
    skews_[slot].push_back(skew_);
  }

  // Later than every certificate of the key, or in the slot before; and over a
  // key that verified.
  void CheckComes(const Slot& slot, const std::set<std::string>& comes,
                  const Catalog& after) {
    for (const anchors::CatalogAnchor& anchor : after.anchors) {
      if (anchor.slot != slot) continue;
      const auto old = std::find_if(
          catalog().anchors.begin(), catalog().anchors.end(),
          [&](const anchors::CatalogAnchor& one) {
            return one.slot == slot && one.spki_sha256 == anchor.spki_sha256;
          });
      for (const auto& one : anchor.certificates) {
        if (comes.count(one.sha256) == 0 || old == catalog().anchors.end()) {
          continue;
        }
        if (one.not_before > now() + kDay) {
          Fail("P2", "automatic: begins more than a day from now");
        }
        for (const auto& known : old->certificates) {
          if (known.sha256 == one.sha256) break;
          const bool was_there = std::any_of(
              old->certificates.begin(), old->certificates.end(),
              [&](const auto& other) { return other.sha256 == one.sha256; });
          if (!was_there && known.not_before >= one.not_before) {
            Fail("P2", "automatic: not later than another of its key");
          }
        }
      }
    }
  }

  // A clock that is ahead at a start makes what was done seem long ago.
  void ForgetWhatAClockHides() {
    for (auto& [slot, times] : automatic_) {
      auto& skews = skews_[slot];
      for (std::size_t i = times.size(); i-- > 0;) {
        if (skew_ <= skews[i]) continue;
        times.erase(times.begin() + static_cast<std::ptrdiff_t>(i));
        skews.erase(skews.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
  }

  // What a person rejected or held stays so until a person says otherwise.
  void CheckDecisions(const Event& event) {
    if (std::holds_alternative<trustd::PersonDecides>(event)) return;
    for (const std::uint64_t id : book().Live()) {
      const RotationBook::Entry& entry = *book().Find(id);
      if (!entry.is_publishable()) continue;
      if (people_.HaveRejected(id) &&
          entry.rotation.state() != v1::ROTATION_STATE_REJECTED) {
        Fail("P2",
             absl::StrCat(id, " was rejected and is ",
                          v1::RotationState_Name(entry.rotation.state())));
      }
      if (people_.AreAgainst(id) &&
          entry.rotation.state() == v1::ROTATION_STATE_APPROVED) {
        Fail("P2", absl::StrCat(id, " is held by a person and APPROVED"));
      }
    }
  }

  void CheckFold() {
    RotationBook fresh;
    std::uint64_t index = 0;
    for (const v1::LedgerRecord& record : machine_.records) {
      fresh.Fold(index++, record);
    }
    Count("folds");
    if (!(fresh == book())) {
      Fail("P3", "the record folded anew is not the running book");
    }
  }

  // Whether another slot shows the same, and the two have nothing in common yet.
  bool IsSharedAnew(const Slot& slot) const {
    const std::set<std::string> here = InUse(catalog(), slot);
    for (const auto& [other, der] : world_.Genuine()) {
      if (other == slot || !world_.IsCurrent(slot, der)) continue;
      const std::set<std::string> there = InUse(catalog(), other);
      if (std::none_of(here.begin(), here.end(), [&](const auto& one) {
            return there.count(one) != 0;
          })) {
        return true;
      }
    }
    return false;
  }

  // Before people answer: what needs none has happened.
  void CheckHealed() {
    for (const std::uint64_t id : book().Live()) {
      // AWS may have removed a slot, or gone back to what only people take: that
      // holds its source, also where a person has rejected the anomaly.
      if (book().Find(id)->is_anomaly()) return;
    }
    for (const std::uint64_t id : Open()) {
      const RotationBook::Entry& entry = *book().Find(id);
      const trustd::Change& change = entry.change;
      if (change.rotation_class != trustd::RotationClass::kReissue ||
          people_.HaveSpoken(id) || !BringsGenuine(entry) ||
          IsSharedAnew(change.slot)) {
        continue;
      }
      const std::string der = world_.Current(change.slot);
      const auto made = anchors::MakeCertificate(der);
      const auto status = StatusOf(change.slot, KeyOf(der));
      if (!trustd::ObjectionsTo(*made, change.slot, catalog(), catalog(), now())
               .empty() ||
          status == AnchorStatus::kRetired ||
          status == AnchorStatus::kRevoked) {
        continue;
      }
      Fail("P5",
           absl::StrCat("rotation ", id, " of ", verify::ToString(change.slot),
                        " is a genuine re-issue and waits: ",
                        entry.rotation.ShortDebugString()));
    }
  }

  void CheckQuiet() {
    for (const Slot& slot : world_.Slots()) {
      const std::string der = world_.Current(slot);
      if (der.empty()) continue;
      const auto status = StatusOf(slot, KeyOf(der));
      if ((status != AnchorStatus::kActive &&
           status != AnchorStatus::kRetiring) ||
          !HasInUse(slot, KeyOf(der))) {
        Fail("P5", absl::StrCat("the key of ", verify::ToString(slot), " is ",
                                status ? std::string(verify::NameOf(*status))
                                       : "not there"));
      }
    }
    for (const std::uint64_t id : Open()) {
      const RotationBook::Entry& entry = *book().Find(id);
      Fail("P5",
           absl::StrCat("rotation ", id, " stays open: ",
                        std::string(NameOf(entry.change.rotation_class)), " ",
                        entry.rotation.anomaly(), " ", entry.rotation.problem(),
                        " ", verify::ToString(entry.change.slot), ": ",
                        v1::RotationState_Name(entry.rotation.state()), ", ",
                        entry.rotation.reason(), "\n", entry.rotation.diff()));
    }
  }

  const std::uint64_t seed_;
  const std::function<void(const std::string&)>& trace_;
  Outcome& outcome_;
  Dice dice_;
  World world_;
  std::vector<Source> sources_;
  CoreOptions options_;
  Machine machine_;
  People people_;

  int step_ = 0;
  bool is_quiet_ = false;
  absl::Time true_time_ = kBegin;
  absl::Duration skew_;
  bool clock_is_suspect_ = false;
  absl::Time steady_from_ = kBegin;
  // When each slot changed without people, and how wrong the clock was.
  std::map<Slot, std::vector<absl::Time>> automatic_;
  std::map<Slot, std::vector<absl::Duration>> skews_;
};

}  // namespace

Outcome Simulate(const Options& options) {
  Outcome outcome;
  for (std::uint64_t seed = options.seed;
       outcome.steps < options.steps && !outcome.failure.has_value(); ++seed) {
    ++outcome.worlds;
    Simulation(seed, options, outcome).Run(kStepsOfWorld);
  }
  return outcome;
}

}  // namespace anchorage::simulation
