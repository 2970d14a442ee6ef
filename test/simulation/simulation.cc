#include "test/simulation/simulation.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/catalog_proto.h"
#include "test/simulation/run.h"
#include "trustd/publish/acceptance.h"
#include "verify/crypto/public_key.h"

namespace anchorage::simulation {
namespace {

constexpr int kStepsOfWorld = 250;
constexpr int kFoldEvery = 50;
constexpr int kQuietRounds = 18;
constexpr int kRoundsOfPeople = 8;
constexpr absl::Duration kRound = absl::Hours(2);

const std::vector<std::string>& Names() {
  static const auto* const names =
      new std::vector<std::string>{"alice", "bob", "olga"};
  return *names;
}

bool IsForPeople(const RotationBook::Entry& entry) {
  return entry.is_open() && entry.is_publishable();
}

}  // namespace

void Simulation::Run(int steps) {
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

void Simulation::Fail(const std::string& property, const std::string& what) {
  if (!is_right()) return;
  outcome_.failure = Failure{seed_, step_, property, what};
}

void Simulation::Say(const std::string& what) {
  if (trace_) {
    trace_(absl::StrCat(
        seed_, "/", step_, " ",
        absl::FormatTime("%m-%d %H:%M", now(), absl::UTCTimeZone()), " ",
        what));
  }
}

void Simulation::MakeSources() {
  options_.offline = dice_.Percent(25);
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
    source.is_gone = source.name != "page" && dice_.Percent(10);
  }
  Configure();
}

void Simulation::Configure() {
  options_.rotations.approvals = 1 + dice_.Below(2);
  options_.rotations.overlap = kDay * (dice_.Percent(50) ? 90 : 10);
  options_.people = {Names().begin(), Names().end()};
  if (dice_.Percent(30)) options_.people.erase(dice_.Of(Names()));
  using trustd::RotationAction;
  using trustd::RotationClass;
  trustd::RotationPolicy& policy = options_.rotations.policy;
  policy = {};
  const int what = dice_.Below(10);
  const absl::Duration hold = absl::Hours(dice_.Below(4));
  const RotationClass of = what < 4   ? RotationClass::kReissue
                           : what < 6 ? RotationClass::kReKey
                                      : RotationClass::kNewRegion;
  if (what == 0) {
    (void)policy.Set(of, {.action = RotationAction::kHold});
  } else if (what < 4) {
    (void)policy.Set(of, {.action = RotationAction::kPublishAfter,
                          .sources = 1 + dice_.Below(2),
                          .live_proofs = dice_.Below(3),
                          .hold = hold});
  } else if (what < 7) {
    (void)policy.Set(of, {.action = RotationAction::kPublishAfter,
                          .sources = dice_.Below(3),
                          .live_proofs = 1 + dice_.Below(2),
                          .hold = hold});
  }
  people_.Are(options_.people);
}

void Simulation::SetServedText() {
  trustd::Served& served = machine_.state.served;
  served.catalog_sha256 =
      verify::Sha256Hex(anchors::SerializeCatalog(*served.catalog));
  served.next_sequence = served.catalog->sequence + 1;
}

At Simulation::AtNow() const {
  return {.now = now(),
          .steady = true_time_ - steady_from_,
          .clock_is_suspect = clock_is_suspect_};
}

absl::StatusOr<Work> Simulation::Ask(const Machine& machine, const Event& event,
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

void Simulation::Commit(const Work& work, Machine& machine) {
  machine.state.book = work.book();
  machine.state.records += work.draft.records().size();
  machine.state.served = work.served;
  machine.moment = work.moment;
  machine.records.insert(machine.records.end(), work.draft.records().begin(),
                         work.draft.records().end());
  if (work.health.has_value()) {
    machine.health[work.health->source()] = *work.health;
  }
  if (work.proposal.has_value()) machine.proposal = *work.proposal;
}

bool Simulation::Take(const Event& event, std::uint64_t* rotation) {
  const bool can_sign = is_quiet_ || !dice_.Percent(5);
  auto work = Ask(machine_, event, can_sign);
  if (!work.ok()) {
    Say(absl::StrCat("  refused: ", std::string(work.status().message())));
    return false;
  }
  if (rotation != nullptr) *rotation = work->rotation_id;
  NotePeople(event, *work);
  for (const std::uint64_t id : work->book().Live()) {
    seen_.try_emplace(id, true_time_);
  }
  CheckStep(event, *work);
  Commit(*work, machine_);
  for (const Slot& slot : world_.Slots()) {
    people_.Now({slot, TextOf(catalog(), slot), options_.rotations.overlap});
  }
  CheckDecisions(event);
  if (trace_) TraceWork(*work);
  CheckProposal();
  return true;
}

void Simulation::TraceWork(const Work& work) {
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

void Simulation::Start() {
  Say("start");
  CheckFold();
  FoldRecord();
  Take(trustd::TimePassed());
  std::map<std::string, std::string> families;
  for (const Source& source : sources_) families[source.name] = source.family;
  machine_.moment.sources = std::move(families);
  Take(trustd::TimePassed());
}

void Simulation::FoldRecord() {
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
  seen_.clear();
  for (const std::uint64_t id : machine_.state.book.Live()) {
    const absl::Time date = machine_.state.book.Find(id)->Evidence().first_seen;
    seen_[id] = true_time_ - std::clamp(now() - date, absl::ZeroDuration(),
                                        trustd::kMaxRotationHold);
  }
}

Observation Simulation::Look(const Source& source) {
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

Event Simulation::AskSource(const Source& source) {
  if (is_quiet_ ? source.is_gone : dice_.Percent(6)) {
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

void Simulation::AskOne() {
  const Source& source = dice_.Of(sources_);
  Say(absl::StrCat("ask ", source.name));
  Take(AskSource(source));
}

void Simulation::AskTwoInBothOrders() {
  Say("ask two");
  // What time alone brings has come.
  Take(trustd::TimePassed());
  const std::size_t first =
      static_cast<std::size_t>(dice_.Below(static_cast<int>(sources_.size())));
  const std::size_t second = (first + 1) % sources_.size();
  const Event one = AskSource(sources_[first]);
  const Event other = AskSource(sources_[second]);
  // The last source that is asked after a start lets through what the others
  // have shown; and one that fails confirms nothing from then on, so that what
  // it confirmed until then is a matter of time.
  const auto fails = [](const Event& event) {
    return std::holds_alternative<trustd::SourceBroke>(event);
  };
  if (machine_.moment.asked.size() == sources_.size() && !fails(one) &&
      !fails(other)) {
    CompareOrders(sources_[first], one, sources_[second], other);
  }
  Take(one);
  Take(other);
  Take(trustd::TimePassed());
}

namespace {

// What a source has in a slot, sorted; after `event`, if that says anything
// else. nullopt where it has nothing, and so does not speak for the slot.
std::optional<std::vector<std::string>> ShownIn(const Moment& moment,
                                                const std::string& source,
                                                const Event* event,
                                                const Slot& slot) {
  const auto newest = moment.newest.find(source);
  const auto* said =
      event == nullptr ? nullptr : std::get_if<trustd::SourceSaid>(event);
  const Observation* look = said != nullptr ? said->observation.get()
                            : newest == moment.newest.end()
                                ? nullptr
                                : newest->second.get();
  if (look == nullptr) return std::nullopt;
  std::vector<std::string> shown;
  for (const auto& one : look->certificates) {
    if (one.slot == slot && look->scope.Covers(slot)) shown.push_back(one.der);
  }
  if (shown.empty()) return std::nullopt;
  std::sort(shown.begin(), shown.end());
  return shown;
}

}  // namespace

bool Simulation::SharesOne(const Slot& slot, const Slot& other,
                           const std::string& source,
                           const Event* event) const {
  const auto here = ShownIn(machine_.moment, source, event, slot);
  const auto there = ShownIn(machine_.moment, source, event, other);
  return here.has_value() && there.has_value() &&
         std::find_first_of(here->begin(), here->end(), there->begin(),
                            there->end()) != here->end();
}

void Simulation::CompareOrders(const Source& first, const Event& one,
                               const Source& second, const Event& other) {
  const Machine mine = Followed({&one, &other});
  const Machine turned = Followed({&other, &one});
  // What holds all that a source says ends, or begins, with its next look: the
  // one order may have a moment at which neither is held, and the other none. And
  // whether something is the third of its kind is a matter of the order.
  const auto is_clean = [&](const Machine& machine) {
    for (const Source* source : {&first, &second}) {
      const auto look = machine.moment.newest.find(source->name);
      if (look == machine.moment.newest.end() ||
          !look->second->problems.empty()) {
        return false;
      }
      for (const std::uint64_t id : machine.state.book.Live()) {
        const RotationBook::Entry& entry = *machine.state.book.Find(id);
        if (entry.is_anomaly() && (entry.rotation.source() == source->name ||
                                   entry.rotation.needs_person())) {
          return false;
        }
      }
    }
    return true;
  };
  if (!is_clean(machine_) || !is_clean(mine) || !is_clean(turned)) return;
  const std::vector<Slot> slots = world_.Slots();
  for (const Slot& slot : slots) {
    // What one source said before counts until it says something else. Where
    // they disagree before and after, the one order may have a moment at which
    // they agree, and the other none. So of every slot in which they show the
    // same certificate: these wait for each other.
    const auto agree = [&](const Event* a, const Event* b) {
      return std::all_of(slots.begin(), slots.end(), [&](const Slot& other) {
        if (other != slot && !SharesOne(slot, other, first.name, a) &&
            !SharesOne(slot, other, second.name, b)) {
          return true;
        }
        const auto here = ShownIn(machine_.moment, first.name, a, other);
        return here.has_value() &&
               here == ShownIn(machine_.moment, second.name, b, other);
      });
    };
    if (!agree(nullptr, nullptr) && !agree(&one, &other)) continue;
    Count("slots in two orders");
    const std::string here = TextOf(*mine.state.served.catalog, slot);
    const std::string there = TextOf(*turned.state.served.catalog, slot);
    if (here != there) {
      Fail("P6", absl::StrCat(verify::ToString(slot), " after ", first.name,
                              ", ", second.name, ":\n", here,
                              "the other way round:\n", there));
    }
  }
}

Machine Simulation::Followed(const std::vector<const Event*>& events) const {
  // The record is not asked.
  Machine machine;
  machine.state = machine_.state;
  machine.moment = machine_.moment;
  const Event time = trustd::TimePassed();
  std::vector<const Event*> all = events;
  all.push_back(&time);
  for (const Event* event : all) {
    const auto work = Ask(machine, *event, /*can_sign=*/true);
    if (work.ok()) Commit(*work, machine);
  }
  return machine;
}

std::vector<std::uint64_t> Simulation::Open() const {
  std::vector<std::uint64_t> open;
  for (const std::uint64_t id : book().Live()) {
    if (book().Find(id)->is_open()) open.push_back(id);
  }
  return open;
}

bool Simulation::Decide(std::uint64_t id, v1::Decision::Kind kind,
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

bool Simulation::BringsGenuine(const RotationBook::Entry& entry) const {
  const trustd::Change& change = entry.change;
  if (change.rotation_class == trustd::RotationClass::kRemoval) {
    return world_.Current(change.slot).empty();
  }
  if (change.rotation_class == trustd::RotationClass::kReactivation) {
    return KeyOf(world_.Current(change.slot)) ==
           change.observed.front().spki_sha256;
  }
  if (change.undo.has_value()) {
    return KeyOf(world_.Current(change.slot)) ==
           change.undo->reactivated.front();
  }
  return std::all_of(change.observed.begin(), change.observed.end(),
                     [&](const trustd::SeenCertificate& seen) {
                       return world_.IsCurrent(change.slot, seen.der);
                     });
}

void Simulation::SomebodyDecides() {
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

bool Simulation::Pin(v1::PinFact::Action action, const Slot& slot,
                     const std::string& key, const std::string& der,
                     const std::string& by, bool last_key,
                     std::uint64_t* rotation) {
  trustd::PersonPins event;
  event.fact.set_action(action);
  *event.fact.mutable_slot() = anchors::ToProto(slot);
  event.fact.set_spki_sha256(key);
  event.fact.set_certificate(der);
  event.fact.set_by(by);
  event.fact.set_why("because");
  event.last_key = last_key;
  if (action == v1::PinFact::ACTION_RETIRE && !is_quiet_ && dice_.Percent(50)) {
    event.fact.mutable_valid_until()->set_seconds(
        absl::ToUnixSeconds(now() + absl::Hours(dice_.Below(200))));
  }
  Say(absl::StrCat(by, ": ", v1::PinFact::Action_Name(action), " in ",
                   verify::ToString(slot), " ", key.substr(0, 8)));
  return Take(event, rotation);
}

void Simulation::SomebodyPins() {
  const Slot slot = dice_.Of(world_.Slots());
  std::vector<std::string> keys;
  for (const anchors::CatalogAnchor& anchor : catalog().anchors) {
    if (anchor.slot == slot) keys.push_back(anchor.spki_sha256);
  }
  if (dice_.Percent(15)) return SomebodyUndoes();
  const std::string by = dice_.Of(Names());
  const int what = dice_.Below(100);
  if (what < 35 || keys.empty()) {
    const std::string der = world_.AnyFor(slot, now());
    Pin(dice_.Percent(25) ? v1::PinFact::ACTION_ANNOUNCE
                          : v1::PinFact::ACTION_ADD,
        slot, KeyOf(der), der, by, false);
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

void Simulation::SomebodyUndoes() {
  std::vector<std::uint64_t> published;
  book().ForEach([&](const RotationBook::Entry& entry) {
    const v1::RotationState state = entry.rotation.state();
    if (state == v1::ROTATION_STATE_PUBLISHED ||
        state == v1::ROTATION_STATE_COMPLETED) {
      published.push_back(entry.rotation.id());
    }
  });
  if (published.empty()) return;
  trustd::PersonUndoes event;
  event.rotation_id = dice_.Of(published);
  event.by = dice_.Of(Names());
  event.why = "because";
  event.revokes = dice_.Percent(20);
  Say(absl::StrCat(event.by, ": UNDO of ", event.rotation_id));
  if (Take(event)) Count("undone");
}

void Simulation::AnInstanceShows() {
  const Slot slot = dice_.Of(world_.Slots());
  const auto shown = world_.Show(slot, dice_.Percent(75), now());
  if (!shown.has_value()) return;
  static const auto* const submitters =
      new std::vector<std::string>{"one", "two", "three"};
  const std::string& by = dice_.Of(*submitters);
  Say(absl::StrCat("an instance shows ", verify::ToString(slot), " ",
                   shown->spki_sha256.substr(0, 8), " to ", by));
  proofs_[{slot, shown->spki_sha256}].insert(by);
  if (Take(trustd::InstanceShows{shown->evidence, by})) {
    Count("evidence taken");
  }
}

void Simulation::PeopleSign() {
  if (machine_.proposal.empty()) return;
  Say("people sign what is proposed");
  Count("signatures");
  machine_.state.served.catalog = std::make_shared<const Catalog>(
      *anchors::ParseCatalog(machine_.proposal));
  SetServedText();
  ++machine_.state.served.targets_version;
  Take(trustd::TimePassed());
}

void Simulation::GoesBack() {
  if (!copy_.has_value()) return;
  Say("the store goes back, and is accepted");
  Count("stores accepted");
  const std::shared_ptr<const Catalog> newest = machine_.state.served.catalog;
  const std::uint64_t version = machine_.state.served.targets_version;
  machine_ = copy_->machine;
  people_ = copy_->people;
  people_.Are(options_.people);
  automatic_ = copy_->automatic;
  skews_ = copy_->skews;
  // Nothing is decided before it is accepted.
  FoldRecord();
  trustd::StoreAccepted accepted;
  accepted.fact.set_by("alice");
  accepted.fact.set_why("because");
  // Its publication is the shell's.
  const auto work = Ask(machine_, accepted, /*can_sign=*/true);
  if (!work.ok()) return Fail("P3", "a store could not be accepted");
  Commit(*work, machine_);
  Catalog catalog = *newest;
  if (!options_.offline) {
    catalog = *machine_.state.served.catalog;
    std::vector<std::string> notes;
    trustd::TakeOverDenials(*newest, catalog, notes);
    catalog.sequence = newest->sequence + trustd::kAcceptanceLeap;
    catalog.created = anchors::WholeSeconds(now());
  }
  machine_.state.served.catalog = std::make_shared<const Catalog>(catalog);
  machine_.proposal = checked_proposal_ = "";
  SetServedText();
  machine_.state.served.next_sequence =
      newest->sequence + trustd::kAcceptanceLeap + 1;
  machine_.state.served.targets_version = version + trustd::kAcceptanceLeap;
  Start();
}

void Simulation::ClockJumps() {
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

void Simulation::TimePasses() {
  static const auto* const spans = new std::vector<absl::Duration>{
      absl::Minutes(1), absl::Minutes(20), absl::Hours(1), absl::Hours(3),
      absl::Hours(13)};
  true_time_ += dice_.Of(*spans);
  Say("time passes");
  Take(trustd::TimePassed());
}

void Simulation::Step() {
  const int what = dice_.Below(100);
  if (what < 29) {
    AskOne();
  } else if (what < 37) {
    AskTwoInBothOrders();
  } else if (what < 41) {
    AnInstanceShows();
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
  } else if (what < 96 && dice_.Percent(50)) {
    if (dice_.Percent(60)) {
      copy_ = {machine_, people_, automatic_, skews_};
    } else {
      GoesBack();
    }
  } else if (what < 97) {
    PeopleSign();
  } else if (what < 98) {
    for (Source& source : sources_) {
      if (source.name == "copy") source.copy = world_.Genuine();
    }
  } else {
    // A quick round.
    for (const Source& source : sources_) Take(AskSource(source));
  }
}

void Simulation::QuietRound() {
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
  PeopleSign();
}

void Simulation::Quiet() {
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
  // What somebody has revoked is so once people sign it.
  Take(trustd::TimePassed());
  PeopleSign();
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

std::optional<AnchorStatus> Simulation::StatusOf(const Slot& slot,
                                                 const std::string& key) const {
  for (const anchors::CatalogAnchor& anchor : catalog().anchors) {
    if (anchor.slot == slot && anchor.spki_sha256 == key) {
      return anchor.status;
    }
  }
  return std::nullopt;
}

void Simulation::ApproveAll(std::uint64_t id) {
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

bool Simulation::Answer() {
  bool any = false;
  for (const std::uint64_t id : Open()) {
    const RotationBook::Entry& entry = *book().Find(id);
    if (!entry.is_open()) continue;
    if (entry.is_publishable() && BringsGenuine(entry)) {
      any = true;
      ApproveAll(id);
    } else if (entry.is_publishable() || entry.is_unknown_signer() ||
               entry.rotation.needs_person() || IsAnyGone()) {
      any = true;
      Decide(id, v1::Decision::KIND_REJECT, "alice");
    }
  }
  for (const Slot& slot : world_.Slots()) any = AnswerIn(slot) || any;
  return any;
}

bool Simulation::AnswerIn(const Slot& slot) {
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
    if (status == AnchorStatus::kRetired || status == AnchorStatus::kRetiring) {
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

bool Simulation::HasInUse(const Slot& slot, const std::string& key) const {
  for (const anchors::CatalogAnchor& anchor : catalog().anchors) {
    if (anchor.slot != slot || anchor.spki_sha256 != key) continue;
    return std::any_of(anchor.certificates.begin(), anchor.certificates.end(),
                       [](const auto& one) { return !one.superseded; });
  }
  return false;
}

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
