// One random world with a trustd's core in it, from its first step to its quiet
// days. Its steps are in simulation.cc, what must hold of them in
// properties.cc.

#ifndef ANCHORAGE_TEST_SIMULATION_RUN_H_
#define ANCHORAGE_TEST_SIMULATION_RUN_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "test/simulation/people.h"
#include "test/simulation/simulation.h"
#include "test/simulation/world.h"
#include "trustd/mirror/core.h"
#include "trustd/rotation/gate.h"

namespace anchorage::simulation {

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

inline constexpr absl::Duration kDay = absl::Hours(24);

struct Source {
  std::string name;
  std::string family;
  bool is_hostile = false;
  // What it shows for ever, if it is an old copy.
  std::optional<Page> copy = std::nullopt;
  // Whether it says nothing of China.
  bool is_partial = false;
  // Whether it says nothing more from the quiet days on.
  bool is_gone = false;
};

// A trustd without its shell.
struct Machine {
  State state;
  Moment moment;
  // Beside the record, on the disk.
  std::map<std::string, v1::SourceHealth> health;
  std::vector<v1::LedgerRecord> records;
  // Likewise: what people are to sign. Empty for nothing.
  std::string proposal;
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, const Options& options, Outcome& outcome)
      : seed_(seed),
        trace_(options.trace),
        outcome_(outcome),
        dice_(seed),
        world_(dice_, kBegin) {}
  void Run(int steps);

 private:
  inline static const absl::Time kBegin = test::FakeNow();
  bool is_right() const { return !outcome_.failure.has_value(); }
  absl::Time now() const { return true_time_ + skew_; }
  const Catalog& catalog() const { return *machine_.state.served.catalog; }
  const RotationBook& book() const { return machine_.state.book; }
  void Fail(const std::string& property, const std::string& what);
  void Say(const std::string& what);
  void Count(const std::string& what) { ++outcome_.counts[what]; }
  void MakeSources();
  // Whether there is one of which the last word stands for ever.
  bool IsAnyGone() const {
    return std::any_of(sources_.begin(), sources_.end(),
                       [](const Source& source) { return source.is_gone; });
  }
  void Configure();

  // --- the shell -----------------------------------------------------------
  void SetServedText();
  At AtNow() const;
  absl::StatusOr<Work> Ask(const Machine& machine, const Event& event,
                           bool can_sign) const;
  static void Commit(const Work& work, Machine& machine);

  // Whether it was not refused.
  bool Take(const Event& event, std::uint64_t* rotation = nullptr);
  void TraceWork(const Work& work);
  void Start();
  // What a start finds on the disk.
  void FoldRecord();

  // --- events --------------------------------------------------------------
  Observation Look(const Source& source);
  Event AskSource(const Source& source);
  void AskOne();

  // P6. Both orders are tried on copies.
  void AskTwoInBothOrders();
  // Whether a source shows one certificate in both slots.
  bool SharesOne(const Slot& slot, const Slot& other, const std::string& source,
                 const Event* event) const;
  void CompareOrders(const Source& first, const Event& one,
                     const Source& second, const Event& other);
  Machine Followed(const std::vector<const Event*>& events) const;

  std::vector<std::uint64_t> Open() const;
  bool Decide(std::uint64_t id, v1::Decision::Kind kind, const std::string& by);
  bool BringsGenuine(const RotationBook::Entry& entry) const;
  void SomebodyDecides();
  bool Pin(v1::PinFact::Action action, const Slot& slot, const std::string& key,
           const std::string& der, const std::string& by, bool last_key,
           std::uint64_t* rotation = nullptr);
  void SomebodyPins();
  void SomebodyUndoes();
  void AnInstanceShows();
  // In MODE_OFFLINE, what is proposed.
  void PeopleSign();
  // The disk is put back to `copy_`, and people accept that.
  void GoesBack();
  void ClockJumps();
  void TimePasses();
  void Step();

  // --- quiet days ----------------------------------------------------------
  void QuietRound();
  void Quiet();
  std::optional<AnchorStatus> StatusOf(const Slot& slot,
                                       const std::string& key) const;
  void ApproveAll(std::uint64_t id);

  // As rules leave it to people. Whether there was anything to answer.
  bool Answer();
  bool AnswerIn(const Slot& slot);
  bool HasInUse(const Slot& slot, const std::string& key) const;

  // --- properties ----------------------------------------------------------

  // What people said is theirs: the model hears it when it is not refused.
  void NotePeople(const Event& event, const Work& work);
  People::Sight SightOf(const Work& work, std::uint64_t id) const;

  // P1, P2 and P4, of what is about to be published.
  void CheckStep(const Event& event, const Work& work);
  // P1 and P2, of what people are to sign.
  void CheckProposal();
  // Nothing that is in use is unsigned, and what was revoked stays so.
  void CheckCatalog(const Catalog& after);
  void CheckSlot(const Event& event, const Work& work,
                 const v1::PublicationFact& fact, const Slot& slot);

  // One person alone goes towards REVOKED, with the key that they named.
  void CheckIsSafe(const Slot& slot, const std::string& key,
                   const Catalog& after);
  void CheckAutomatic(const Work& work, const Slot& slot,
                      const std::vector<std::uint64_t>& ids);
  // Whether the configuration lets a rotation be published that so many families
  // show.
  bool IsByRule(const RotationBook::Entry& entry, int families) const;

  // Later than every certificate of the key, or in the slot before; and over a
  // key that verified.
  void CheckComes(const Slot& slot, const std::set<std::string>& comes,
                  const Catalog& after);

  // A clock that is ahead at a start makes what was done seem long ago.
  void ForgetWhatAClockHides();

  // What a person rejected or held stays so until a person says otherwise.
  void CheckDecisions(const Event& event);
  void CheckFold();

  // Whether another slot shows the same, and the two have nothing in common
  // yet.
  bool IsSharedAnew(const Slot& slot) const;

  // Before people answer: what needs none has happened.
  void CheckHealed();
  void CheckQuiet();
  // What AWS has is in use, and nothing else of its key but what people brought.
  void CheckInUse(const Slot& slot, const std::string& der);

  const std::uint64_t seed_;
  const std::function<void(const std::string&)>& trace_;
  Outcome& outcome_;
  Dice dice_;
  World world_;
  std::vector<Source> sources_;
  CoreOptions options_;
  Machine machine_;
  People people_;

  // What a backup has: the disk, and what was true then.
  struct Copy {
    Machine machine;
    People people;
    std::map<Slot, std::vector<absl::Time>> automatic;
    std::map<Slot, std::vector<absl::Duration>> skews;
  };
  std::optional<Copy> copy_;
  // Who has shown evidence of which key.
  std::map<std::pair<Slot, std::string>, std::set<std::string>> proofs_;
  std::set<std::pair<Slot, std::string>> revoked_;
  std::string checked_proposal_;

  int step_ = 0;
  bool is_quiet_ = false;
  absl::Time true_time_ = kBegin;
  absl::Duration skew_;
  bool clock_is_suspect_ = false;
  absl::Time steady_from_ = kBegin;
  // Since when each open rotation is seen, as far as trustd can know: a start
  // knows a date of a clock that may have been wrong.
  std::map<std::uint64_t, absl::Time> seen_;
  // When each slot changed without people, and how wrong the clock was.
  std::map<Slot, std::vector<absl::Time>> automatic_;
  std::map<Slot, std::vector<absl::Duration>> skews_;
};

}  // namespace anchorage::simulation

#endif  // ANCHORAGE_TEST_SIMULATION_RUN_H_
