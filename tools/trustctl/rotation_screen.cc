#include "tools/trustctl/rotation_screen.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "anchors/base/proto_time.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/rotations.h"

namespace anchorage::trustctl {
namespace {

constexpr std::size_t kLabel = 11;
constexpr std::size_t kFewestColumns = 60;
constexpr int kMostPast = 3;

std::string Time(const google::protobuf::Timestamp& time) {
  return Rfc3339(anchors::TimeOf(time));
}

// How many bytes of `text` fill `width` columns at most; a character of several
// bytes is never cut.
std::size_t BytesOf(std::string_view text, std::size_t width) {
  std::size_t columns = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t next = at + 1;
    while (next < text.size() && (text[next] & 0xc0) == 0x80) ++next;
    // One that is not ASCII may be two columns wide.
    columns += next - at > 1 ? 2 : 1;
    if (columns > width) break;
    at = next;
  }
  return at;
}

// Lines of at most `width` columns, broken at spaces where there are any.
std::vector<std::string> Wrap(const std::string& printable, std::size_t width) {
  std::vector<std::string> lines;
  std::string_view rest = printable;
  while (true) {
    std::size_t end = BytesOf(rest, width);
    if (end < rest.size()) {
      const std::size_t space = rest.substr(0, end + 1).rfind(' ');
      if (space != rest.npos && space > 0) end = space;
    }
    lines.emplace_back(rest.substr(0, end));
    if (end >= rest.size()) return lines;
    rest.remove_prefix(rest[end] == ' ' ? end + 1 : end);
  }
}

void Pad(std::size_t width, std::string& line) {
  if (line.size() < width) line.resize(width, ' ');
}

class Screen {
 public:
  explicit Screen(std::size_t columns)
      : columns_(columns), cell_((columns - kLabel - 4) / 2) {}

  // A label, and text that others may have written.
  void Add(std::string_view label, std::string_view text) {
    std::string head(label);
    for (const std::string& line : Wrap(Printable(text), columns_ - kLabel)) {
      Pad(kLabel, head);
      absl::StrAppend(&text_, head, line, "\n");
      head.clear();
    }
  }

  // A command, in one line so that it can be copied.
  void AddCommand(std::string_view command) {
    absl::StrAppend(&text_, std::string(kLabel + 2, ' '), Printable(command),
                    "\n");
  }

  void AddPair(std::string_view label, const std::string& old,
               const std::string& fresh) {
    if (old.empty() && fresh.empty()) return;
    const auto left = Wrap(Printable(old.empty() ? "-" : old), cell_);
    const auto right = Wrap(Printable(fresh.empty() ? "-" : fresh), cell_);
    // What differs is marked, so that it is seen at once.
    const bool differs =
        !label.empty() && !old.empty() && !fresh.empty() && old != fresh;
    const char* mark = differs ? "*" : " ";
    for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
      std::string line(i == 0 ? label : "");
      Pad(kLabel, line);
      line += i < left.size() ? left[i] : "";
      Pad(kLabel + cell_, line);
      absl::StrAppend(&line, " ", mark, " ", i < right.size() ? right[i] : "");
      line.erase(line.find_last_not_of(' ') + 1);
      absl::StrAppend(&text_, line, "\n");
    }
  }

  void Gap() { text_ += "\n"; }

  std::string Take() { return std::move(text_); }

 private:
  const std::size_t columns_;
  const std::size_t cell_;
  std::string text_;
};

std::string SignatureOf(const v1::ExplainedCertificate& certificate) {
  switch (certificate.signature()) {
    case v1::ExplainedCertificate::SIGNATURE_OWN_KEY:
      return "by its own key";
    case v1::ExplainedCertificate::SIGNATURE_OLD_KEY:
      return "by a pinned key";
    case v1::ExplainedCertificate::SIGNATURE_OTHER:
      return "BY NO KEY OF THE SLOT";
    default:
      return "";
  }
}

std::string StatusOf(const v1::ExplainedCertificate& certificate) {
  if (certificate.spki_sha256().empty()) return "";
  if (certificate.status() == v1::ANCHOR_STATUS_UNSPECIFIED) {
    return "not pinned";
  }
  return absl::StrCat(WithoutPrefix(v1::AnchorStatus_Name(certificate.status()),
                                    "ANCHOR_STATUS_"),
                      certificate.in_use() ? ", in use" : "");
}

// A hash in two halves, each of which fits a cell.
std::string Halves(const std::string& hex) {
  if (hex.size() != 64) return hex;
  return absl::StrCat(hex.substr(0, 32), " ", hex.substr(32));
}

void AddCertificates(const v1::RotationExplanation& explanation,
                     Screen& screen) {
  const auto& old = explanation.old_certificates();
  const auto& fresh = explanation.new_certificates();
  static const v1::ExplainedCertificate kNone;
  for (int i = 0; i < std::max(old.size(), fresh.size()); ++i) {
    const auto& was = i < old.size() ? old[i] : kNone;
    const auto& is = i < fresh.size() ? fresh[i] : kNone;
    // What stands beside nothing is not replaced, but where all of it goes.
    const bool is_alone = i >= fresh.size() && !fresh.empty() &&
                          !explanation.rotation().has_undo();
    const auto add = [&](std::string_view label, const std::string& of_old,
                         const std::string& of_new) {
      if (!is_alone) {
        screen.AddPair(label, of_old, of_new);
      } else if (!of_old.empty()) {
        screen.Add(label, of_old);
      }
    };
    screen.Gap();
    add("",
        is_alone         ? "ALSO PINNED"
        : i < old.size() ? "OLD"
                         : "",
        i < fresh.size() ? "NEW" : "");
    add("subject", was.subject(), is.subject());
    add("issuer", was.issuer(), is.issuer());
    add("serial", was.serial(), is.serial());
    add("begins", was.has_not_before() ? Time(was.not_before()) : "",
        is.has_not_before() ? Time(is.not_before()) : "");
    add("ends", was.has_not_after() ? Time(was.not_after()) : "",
        is.has_not_after() ? Time(is.not_after()) : "");
    add("signed", SignatureOf(was), SignatureOf(is));
    add("sha256", Halves(was.sha256()), Halves(is.sha256()));
    add("key", was.key(), is.key());
    add("key sha256", Halves(was.spki_sha256()), Halves(is.spki_sha256()));
    add("status", StatusOf(was), StatusOf(is));
  }
}

void AddWitnesses(const v1::RotationExplanation& explanation, Screen& screen) {
  screen.Add("who says", explanation.witnesses());
  for (const v1::ExplainedSource& source : explanation.sources()) {
    const v1::SourceStance& stance = source.stance();
    screen.Add("",
               absl::StrCat(
                   "source ", stance.source(), " ",
                   WithoutPrefix(v1::SourceStance::Stance_Name(stance.stance()),
                                 "STANCE_"),
                   " since ", Time(stance.since_time()),
                   source.counts() ? "" : ", and does not count now"));
    if (!source.location().empty()) screen.Add("", "  " + source.location());
    for (const std::string& why : stance.held_by()) {
      screen.Add("", "  held by " + why);
    }
  }
  for (const v1::LiveProof& proof : explanation.rotation().live_proofs()) {
    screen.Add(
        "", absl::StrCat("proof ", proof.instance_id(), " by ",
                         proof.submitter(), " at ", Time(proof.received_time()),
                         proof.signer_serial().empty()
                             ? ""
                             : "  serial " + proof.signer_serial()));
  }
}

void AddDecisions(const v1::RotationExplanation& explanation, Screen& screen) {
  screen.Add("approvals", explanation.approvals().sentence());
  for (const v1::Decision& decision : explanation.rotation().decisions()) {
    screen.Add(
        "", absl::StrCat(WithoutPrefix(v1::Decision::Kind_Name(decision.kind()),
                                       "KIND_"),
                         " by ", decision.by(), " at ", Time(decision.time()),
                         ": ", decision.why()));
  }
  screen.Add("policy", explanation.policy().sentence());
  const auto& refusals = explanation.refusals();
  const bool people_may = std::none_of(
      refusals.begin(), refusals.end(),
      [](const auto& refusal) { return refusal.also_for_people(); });
  std::string_view label = "gate";
  for (const v1::GateRefusal& refusal : explanation.refusals()) {
    screen.Add(label,
               absl::StrCat(
                   refusal.reason(), ": ", refusal.sentence(),
                   refusal.also_for_people() ? " (however many approve)"
                   : people_may ? " (without people; enough approvals lift it)"
                                : ""));
    label = "";
  }
  if (explanation.can_approve() && explanation.refusals().empty()) {
    screen.Add(label, "has nothing against it");
  }
}

void AddPast(const v1::RotationExplanation& explanation, Screen& screen) {
  if (explanation.history_summary().empty()) return;
  screen.Add("before", explanation.history_summary());
  int shown = 0;
  for (const bool of_this_slot : {true, false}) {
    for (const v1::HistoricChange& change : explanation.history()) {
      if (change.of_this_slot() != of_this_slot || shown == kMostPast) continue;
      // What was done elsewhere says something of the same kind of change.
      if (!of_this_slot &&
          change.rotation_class() != explanation.rotation().rotation_class()) {
        continue;
      }
      screen.Add("", change.sentence());
      ++shown;
    }
  }
}

}  // namespace

std::size_t ColumnsOf(int width) {
  if (width <= 0) return kScreenColumns;
  return std::clamp(static_cast<std::size_t>(width), kFewestColumns,
                    kScreenColumns);
}

std::string ScreenOf(const v1::RotationExplanation& explanation,
                     std::size_t columns) {
  const v1::Rotation& rotation = explanation.rotation();
  Screen screen(columns);
  screen.Add("rotation",
             absl::StrCat(rotation.id(), "  ", ClassOf(rotation), "  ",
                          SubjectOf(rotation), "  ", StateOf(rotation)));
  screen.Add("", explanation.summary());
  screen.Add("at", absl::StrCat(Time(explanation.time()),
                                ", as all times here in UTC; first seen ",
                                Time(rotation.detected_time())));
  screen.Gap();
  screen.Add("do", absl::StrCat(
                       WithoutPrefix(v1::Recommendation::Action_Name(
                                         explanation.recommendation().action()),
                                     "ACTION_"),
                       ": ", explanation.recommendation().sentence()));
  AddCertificates(explanation, screen);
  screen.Gap();
  AddWitnesses(explanation, screen);
  screen.Gap();
  AddDecisions(explanation, screen);
  screen.Add("state", absl::StrCat(StateOf(rotation), ": ", rotation.reason()));
  if (rotation.published_sequence() != 0) {
    screen.Add("", absl::StrCat("published in sequence ",
                                rotation.published_sequence()));
  }
  screen.Gap();
  AddPast(explanation, screen);
  if (!explanation.undo().empty()) screen.Add("undo", explanation.undo());
  for (const std::string& note : rotation.notes()) screen.Add("note", note);
  screen.Add("change", rotation.change_id());
  if (!rotation.effect_sha256().empty()) {
    screen.Add("effect", rotation.effect_sha256());
  }
  if (explanation.commands_size() > 0) screen.Gap();
  for (const v1::NextCommand& next : explanation.commands()) {
    screen.Add("to", next.purpose() + ":");
    screen.AddCommand(next.command());
  }
  return screen.Take();
}

}  // namespace anchorage::trustctl
