#include "tools/trustctl/audit_report.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "anchors/base/proto_time.h"
#include "tools/trustctl/audit_templates.h"
#include "verify/printable.h"

namespace anchorage::trustctl {
namespace {

using kainjow::mustache::data;

// A name, an address; --why has at most 1000 bytes, of which some may be
// escaped.
constexpr std::size_t kMaxTextBytes = 4096;
constexpr std::size_t kMaxParts = 200;

// In UTF-8 and visible, for the template to escape.
std::string Shown(std::string_view text) {
  return verify::Printable(text, kMaxTextBytes);
}

std::string TimeText(absl::Time time) {
  if (time == absl::InfinitePast()) return "the beginning";
  if (time == absl::InfiniteFuture()) return "now";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", time, absl::UTCTimeZone());
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  return TimeText(anchors::TimeOf(time));
}

std::string Suffix(const std::string& name, absl::string_view prefix) {
  return std::string(absl::StripPrefix(name, prefix));
}

// Sets a list, and whether it has anything, which a template cannot ask.
void Set(data& object, const std::string& name, data list) {
  object.set("has_" + name, list.is_non_empty_list());
  object.set(name, std::move(list));
}

template <typename List>
data TextsOf(const List& texts) {
  data list = data::type::list;
  std::size_t listed = 0;
  for (const auto& text : texts) {
    if (listed++ == kMaxParts) break;
    list.push_back(data("text", Shown(text)));
  }
  return list;
}

data SourcesOf(const v1::Rotation& rotation) {
  data list = data::type::list;
  for (const v1::SourceStance& stance : rotation.sources()) {
    data one;
    one.set("source", Shown(stance.source()));
    one.set("stance",
            Suffix(v1::SourceStance::Stance_Name(stance.stance()), "STANCE_"));
    one.set("since", TimeText(stance.since_time()));
    Set(one, "held_by", TextsOf(stance.held_by()));
    list.push_back(std::move(one));
  }
  return list;
}

data ProofsOf(const v1::Rotation& rotation) {
  data list = data::type::list;
  for (const v1::LiveProof& proof : rotation.live_proofs()) {
    data one;
    one.set("instance", Shown(proof.instance_id()));
    one.set("submitter", Shown(proof.submitter()));
    one.set("time", TimeText(proof.received_time()));
    one.set("key", Shown(proof.spki_sha256()));
    list.push_back(std::move(one));
  }
  return list;
}

data DecisionsOf(const v1::Rotation& rotation) {
  data list = data::type::list;
  for (const v1::Decision& decision : rotation.decisions()) {
    data one;
    one.set("kind", Suffix(v1::Decision::Kind_Name(decision.kind()), "KIND_"));
    one.set("by", Shown(decision.by()));
    one.set("time", TimeText(decision.time()));
    one.set("why", Shown(decision.why()));
    one.set("certificate", decision.certificate_sha256().empty()
                               ? "none"
                               : Shown(decision.certificate_sha256()));
    list.push_back(std::move(one));
  }
  return list;
}

data SeenOf(const v1::Rotation& rotation) {
  data list = data::type::list;
  for (const v1::SeenCertificate& seen : rotation.observed()) {
    data one;
    one.set("key", Shown(seen.spki_sha256()));
    one.set("certificate",
            seen.sha256().empty() ? "none" : Shown(seen.sha256()));
    list.push_back(std::move(one));
  }
  return list;
}

std::string SequenceText(std::uint64_t sequence) {
  return sequence == 0 ? "none on the record" : absl::StrCat(sequence);
}

bool IsDoubt(const v1::Rotation& rotation) {
  return rotation.rotation_class() == v1::ROTATION_CLASS_SOURCE_ANOMALY ||
         rotation.rotation_class() == v1::ROTATION_CLASS_UNKNOWN_SIGNER;
}

}  // namespace

void AuditReport::Section::Add(Line line) {
  if (lines.size() < kMaxListed) {
    lines.push_back(std::move(line));
  } else {
    ++more;
  }
}

void AuditReport::Add(const v1::LedgerRecord& record) {
  Line line{size_++, words_.Read(record)};
  const absl::Time time = anchors::TimeOf(record.time());
  if (time >= period_.until) return;
  // Nobody asks what a source showed, which is most of a record.
  if (!record.has_observation()) book_.Fold(line.index, record);
  if (record.has_detection()) {
    const v1::Rotation& found = record.detection();
    found_.try_emplace(
        found.id(),
        absl::StrCat(found.reason(), found.location().empty() ? "" : " at ",
                     found.location())
            .substr(0, kMaxTextBytes));
  }
  const bool is_in_period = time >= period_.from;
  if (record.has_publication()) {
    const std::uint64_t sequence = record.publication().sequence();
    if (!is_in_period) sequence_before_ = sequence;
    sequence_after_ = sequence;
  }
  if (!is_in_period) return;
  if (record.has_publication()) {
    const auto& ids = record.publication().rotation_ids();
    std::erase_if(approved_.lines, [&](const Line& approval) {
      const auto& of = approval.text.rotation_ids();
      return std::find_first_of(of.begin(), of.end(), ids.begin(), ids.end()) !=
             of.end();
    });
    if (published_.size() < kMaxListed) {
      published_.push_back({std::move(line), record.publication().sequence(),
                            record.publication().catalog_sha256()});
    } else {
      ++more_published_;
    }
  } else if (record.has_pin()) {
    by_hand_.Add(std::move(line));
  } else if (record.has_decision() && record.decision().decision().kind() ==
                                          v1::Decision::KIND_APPROVE) {
    approved_.Add(std::move(line));
  } else if (record.has_decision() || record.has_approvals_void()) {
    refused_.Add(std::move(line));
  } else if (record.has_detection() && IsDoubt(record.detection())) {
    anomalies_.Add(std::move(line));
  } else if (record.has_source()) {
    sources_.Add(std::move(line));
  } else if (record.has_store()) {
    accepted_.Add(std::move(line));
  } else if (line.text.fact() == "ALERT_ACKNOWLEDGED") {
    acknowledged_.Add(std::move(line));
  }
}

AuditReport::Data AuditReport::DataOf(const Section& section) {
  Data list = Data::type::list;
  for (const Line& line : section.lines) {
    Data one;
    one.set("index", absl::StrCat(line.index));
    one.set("time", TimeText(line.text.time()));
    one.set("words", line.text.words());
    one.set("rotation", line.text.rotation_ids_size() == 1
                            ? absl::StrCat(line.text.rotation_ids(0))
                            : "");
    list.push_back(std::move(one));
  }
  if (section.more > 0) {
    Data one;
    one.set("index", "");
    one.set("time", "");
    one.set("words", absl::StrCat(section.more,
                                  " more are not listed: take a shorter "
                                  "period"));
    one.set("rotation", "");
    list.push_back(std::move(one));
  }
  return list;
}

AuditReport::Data AuditReport::ChangeOf(std::uint64_t rotation_id,
                                        const Published& published) const {
  Data change;
  change.set("rotation", absl::StrCat(rotation_id));
  change.set("time", TimeText(published.line.text.time()));
  change.set("sequence", absl::StrCat(published.sequence));
  const auto* const entry = book_.Find(rotation_id);
  const v1::Rotation rotation =
      entry == nullptr ? v1::Rotation() : entry->rotation;
  change.set("class", Suffix(v1::RotationClass_Name(rotation.rotation_class()),
                             "ROTATION_CLASS_"));
  change.set("slot", Shown(trustd::SlotWords(rotation.slot())));
  change.set("partition", Shown(rotation.slot().partition()));
  change.set("detected", TimeText(rotation.detected_time()));
  const auto found = found_.find(rotation_id);
  change.set("found", found == found_.end() ? "" : Shown(found->second));
  Set(change, "before_keys", TextsOf(rotation.pinned_spki_sha256()));
  Set(change, "before_certificates",
      TextsOf(rotation.pinned_certificate_sha256()));
  Set(change, "seen", SeenOf(rotation));
  Set(change, "sources", SourcesOf(rotation));
  Set(change, "proofs", ProofsOf(rotation));
  Set(change, "decisions", DecisionsOf(rotation));
  Set(change, "notes", TextsOf(rotation.notes()));
  const std::vector<std::string> lines =
      absl::StrSplit(rotation.diff(), '\n', absl::SkipEmpty());
  Set(change, "difference", TextsOf(lines));
  return change;
}

std::string AuditReport::Render(AuditFormat format,
                                const AuditHead& head) const {
  Data page;
  page.set("from", TimeText(period_.from));
  page.set("until", TimeText(period_.until));
  page.set("made", TimeText(head.made));
  page.set("program", Shown(head.program));
  page.set("ledger_head", Shown(head.ledger_head));
  page.set("is_verified", head.is_verified);
  page.set("is_not_verified", !head.is_verified);
  page.set("verification", Shown(head.verification));
  page.set("sequence_before", SequenceText(sequence_before_));
  page.set("sequence_after", SequenceText(sequence_after_));

  Data changes = Data::type::list;
  Data publications = Data::type::list;
  std::size_t listed = 0;
  std::size_t more = 0;
  for (const Published& one : published_) {
    for (const std::uint64_t id : one.line.text.rotation_ids()) {
      if (listed == kMaxListed) {
        ++more;
      } else {
        ++listed;
        changes.push_back(ChangeOf(id, one));
      }
    }
    Data publication;
    publication.set("index", absl::StrCat(one.line.index));
    publication.set("time", TimeText(one.line.text.time()));
    publication.set("words", one.line.text.words());
    publication.set("catalog", Shown(one.catalog_sha256));
    publications.push_back(std::move(publication));
  }
  page.set("changes_more", more == 0 ? "" : absl::StrCat(more));
  page.set("has_changes_more", more > 0);
  page.set("publications_more", absl::StrCat(more_published_));
  page.set("has_publications_more", more_published_ > 0);
  Set(page, "changes", std::move(changes));
  Set(page, "publications", std::move(publications));
  Set(page, "by_hand", DataOf(by_hand_));
  Set(page, "approved", DataOf(approved_));
  Set(page, "refused", DataOf(refused_));
  Set(page, "anomalies", DataOf(anomalies_));
  Set(page, "failures", DataOf(sources_));
  Set(page, "acknowledged", DataOf(acknowledged_));
  Set(page, "accepted", DataOf(accepted_));
  const bool is_empty = published_.empty() && by_hand_.lines.empty() &&
                        approved_.lines.empty() && refused_.lines.empty() &&
                        anomalies_.lines.empty() && sources_.lines.empty() &&
                        acknowledged_.lines.empty() && accepted_.lines.empty();
  page.set("is_empty", is_empty);

  kainjow::mustache::mustache page_template(
      std::string(format == AuditFormat::kHtml ? audit_templates::Html()
                                               : audit_templates::Text()));
  // In text, what is visible is fit to be shown; HTML is escaped by default.
  if (format == AuditFormat::kText) {
    page_template.set_custom_escape(
        [](const std::string& text) { return text; });
  }
  std::string text = page_template.render(page);
  // A tag on a line of its own may leave that line.
  if (format == AuditFormat::kText) {
    while (absl::StrReplaceAll({{"\n\n\n", "\n\n"}}, &text) > 0) {
    }
  }
  return text;
}

}  // namespace anchorage::trustctl
