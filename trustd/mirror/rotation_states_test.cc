// The table of a rotation's states and events in DESIGN.md, cell by cell.

#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "test/support/mirror_fixture.h"
#include "trustd/record/rotation_values.h"

namespace anchorage::trustd {
namespace {

struct Table {
  std::vector<std::string> states;
  // By event, one cell a state.
  std::map<std::string, std::vector<std::string>> rows;
};

std::vector<std::string> Cells(absl::string_view line) {
  std::vector<std::string> cells;
  for (absl::string_view cell :
       absl::StrSplit(line.substr(1, line.size() - 2), '|')) {
    cell = absl::StripAsciiWhitespace(cell);
    if (absl::ConsumePrefix(&cell, "`")) absl::ConsumeSuffix(&cell, "`");
    cells.emplace_back(cell);
  }
  return cells;
}

Table ReadTable() {
  Table table;
  std::ifstream file("DESIGN.md");
  std::string line;
  bool inside = false;
  while (std::getline(file, line)) {
    if (line == "<!-- states of a rotation: begin -->") inside = true;
    if (line == "<!-- states of a rotation: end -->") inside = false;
    if (!inside || !line.starts_with('|') || line.starts_with("| ---")) {
      continue;
    }
    std::vector<std::string> cells = Cells(line);
    const std::string first = cells.front();
    cells.erase(cells.begin());
    if (table.states.empty()) {
      table.states = cells;
    } else {
      table.rows[first] = cells;
    }
  }
  return table;
}

// A re-key of Ireland, brought into each state and met by each event.
class RotationStatesTest : public IrelandTest {
 protected:
  void SetUp() override {}

  // Anew, with rotation 1 in that state.
  void Begin(const std::string& state) {
    mirror_.reset();
    publisher_.reset();
    hub_.~PublicationHub();
    new (&hub_) PublicationHub();
    store_ = FakeStore();
    aws_ = test::FakeIdentity();
    now_ = kNow;
    sources_.clear();
    options_.core.offline = state == "APPROVED";
    IrelandTest::SetUp();
    before_ = Page();
    Rekey();
    ASSERT_TRUE(Observe(Page()).ok());
    if (state == "CORROBORATED") {
      ASSERT_TRUE(Observe(Page("mirror")).ok());
    }
    if (state == "APPROVED" || state == "PUBLISHED" || state == "COMPLETED") {
      ASSERT_TRUE(Decide(v1::Decision::KIND_APPROVE).ok());
    }
    if (state == "REJECTED") {
      ASSERT_TRUE(Decide(v1::Decision::KIND_REJECT).ok());
    }
    if (state == "WITHDRAWN") {
      ASSERT_TRUE(Observe(before_).ok());
    }
    if (state == "COMPLETED") Pass(kDefaultOverlap + absl::Hours(1));
    ASSERT_EQ(State(), state);
  }

  std::string State() const { return ShortName(The(1).state()); }

  absl::Status Decide(v1::Decision::Kind kind) {
    return MirrorTest::Decide(1, kind, "alice", "a test").status();
  }

  // What the page says before the re-key.
  Observation before_;
  const std::map<std::string, std::function<absl::Status()>> events_ = {
      {"its source shows it again", [this] { return Observe(Page()); }},
      {"another source shows it", [this] { return Observe(Page("third")); }},
      {"an instance proves it",
       [this] {
         return mirror_->SubmitEvidence(Evidence(), "fleet", now_).status();
       }},
      {"no source shows it any more",
       [this] {
         for (const auto& [source, family] : std::map(sources_)) {
           Observation look = before_;
           look.source = source;
           if (absl::Status s = Observe(look); !s.ok()) return s;
         }
         return absl::OkStatus();
       }},
      {"enough people approve it",
       [this] { return Decide(v1::Decision::KIND_APPROVE); }},
      {"a person holds it", [this] { return Decide(v1::Decision::KIND_HOLD); }},
      {"a person rejects it",
       [this] { return Decide(v1::Decision::KIND_REJECT); }},
      {"who approved it leaves",
       [this] {
         options_.core.people = {"bob", "olga"};
         Start();
         return absl::OkStatus();
       }},
      {"people publish it by signing",
       [this] {
         auto next =
             AddAnchor(hub_.Current()->catalog, kIreland,
                       test::MakeCertificate(
                           aws_.Certificate(kIreland.region, kIreland.kind)),
                       {anchors::kOperatorPublisher, "olga"}, {.time = now_});
         if (!next.ok()) return next.status();
         next =
             Retire(*next, kIreland, Key(), {.until = now_ + kDefaultOverlap});
         if (!next.ok()) return next.status();
         if (absl::Status s = Publish(*next, now_); !s.ok()) return s;
         return mirror_->Settle(now_);
       }},
      {"the overlap ends",
       [this] {
         now_ += kDefaultOverlap + absl::Hours(1);
         return mirror_->Settle(now_);
       }},
  };
};

TEST_F(RotationStatesTest, AreAsInTheTableOfDesign) {
  const Table table = ReadTable();
  std::vector<std::string> states;
  for (int i = v1::RotationState_MIN + 1; i <= v1::RotationState_MAX; ++i) {
    states.push_back(ShortName(static_cast<v1::RotationState>(i)));
  }
  ASSERT_THAT(table.states, ::testing::UnorderedElementsAreArray(states));
  ASSERT_EQ(table.rows.size(), events_.size());
  for (const auto& [event, happen] : events_) {
    ASSERT_EQ(table.rows.count(event), 1u) << event;
    const auto& cells = table.rows.at(event);
    ASSERT_EQ(cells.size(), states.size()) << event;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string& state = table.states[i];
      SCOPED_TRACE(event + ", in " + state);
      ASSERT_NO_FATAL_FAILURE(Begin(state));
      const absl::Status status = happen();
      std::string got = State() == state ? "stays" : State();
      if (!status.ok() && got == "stays") got = "refused";
      EXPECT_EQ(got, cells[i]) << status;
    }
  }
}

}  // namespace
}  // namespace anchorage::trustd
