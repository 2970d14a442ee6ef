#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "trustd/console/views.h"
#include "trustd/record/record_text.h"

namespace anchorage::trustd {
namespace {

// The rotations that a record names, but for one that it opens.
std::vector<std::uint64_t> NamedBy(const v1::LedgerRecord& record) {
  switch (record.fact_case()) {
    case v1::LedgerRecord::kStance:
      return {record.stance().rotation_id()};
    case v1::LedgerRecord::kProof:
      return {record.proof().rotation_id()};
    case v1::LedgerRecord::kDecision:
      return {record.decision().rotation_id()};
    case v1::LedgerRecord::kState:
      return {record.state().rotation_id()};
    case v1::LedgerRecord::kApprovalsVoid:
      return {record.approvals_void().rotation_id()};
    case v1::LedgerRecord::kPublication:
      return {record.publication().rotation_ids().begin(),
              record.publication().rotation_ids().end()};
    case v1::LedgerRecord::kDetection:
      return {record.detection().id()};
    default:
      return {};
  }
}

// Words take the records before, which a page does not read: what it needs of
// them is in the book.
class PageWords {
 public:
  explicit PageWords(const RotationBook& book) : book_(book) {}

  v1::RecordText Read(const v1::LedgerRecord& record) {
    for (const std::uint64_t id : NamedBy(record)) {
      if (!known_.insert(id).second) continue;
      const auto* const entry = book_.Find(id);
      if (entry == nullptr || Opens(record, *entry)) continue;
      Remember(*entry, record);
    }
    return words_.Read(record);
  }

 private:
  static bool Opens(const v1::LedgerRecord& record,
                    const RotationBook::Entry& entry) {
    return record.has_detection() &&
           record.time().seconds() == entry.rotation.detected_time().seconds();
  }

  // Has `words_` know what was on the record before `record`.
  void Remember(const RotationBook::Entry& entry,
                const v1::LedgerRecord& record) {
    v1::LedgerRecord before;
    v1::Rotation& rotation = *before.mutable_detection();
    rotation.set_id(entry.rotation.id());
    rotation.set_rotation_class(entry.rotation.rotation_class());
    *rotation.mutable_slot() = entry.rotation.slot();
    rotation.set_source(entry.rotation.source());
    rotation.set_anomaly(entry.rotation.anomaly());
    rotation.set_problem(entry.rotation.problem());
    // Approvals are counted of what they were of at that time.
    rotation.set_effect_sha256(
        record.has_decision() &&
                !record.decision().decision().effect_sha256().empty()
            ? record.decision().decision().effect_sha256()
            : entry.rotation.effect_sha256());
    words_.Read(before);
    before.Clear();
    before.mutable_decision()->set_rotation_id(entry.rotation.id());
    for (const v1::Decision& decision : entry.rotation.decisions()) {
      if (decision.time().seconds() >= record.time().seconds()) break;
      *before.mutable_decision()->mutable_decision() = decision;
      words_.Read(before);
    }
  }

  const RotationBook& book_;
  RecordWords words_;
  std::set<std::uint64_t> known_;
};

}  // namespace

std::optional<View> RecordView(const Snapshot& snapshot,
                               const RecordFunction& read,
                               const ListQuery& query) {
  const std::uint64_t pages = std::max<std::uint64_t>(
      1, (snapshot.records + kRowsOfPage - 1) / kRowsOfPage);
  const std::uint64_t page = query.page == 0 ? pages : query.page;
  if (page > pages) return std::nullopt;
  PageWords words(snapshot.work.book());
  std::vector<View> rows;
  std::string damage;
  const std::uint64_t first = (page - 1) * kRowsOfPage;
  for (std::uint64_t i = first;
       i < std::min(snapshot.records, first + kRowsOfPage); ++i) {
    const auto record = read(i);
    if (!record.ok()) {
      damage = std::string(record.status().message());
      break;
    }
    const v1::RecordText text = words.Read(*record);
    View row;
    PutTime(row, anchors::TimeOf(text.time()), snapshot.now);
    row.set("index", absl::StrCat(i));
    Put(row, "fact", text.fact());
    Put(row, "words", text.words());
    row.set("change", text.rotation_ids().empty()
                          ? View(false)
                          : View(absl::StrCat(text.rotation_ids(0))));
    rows.push_back(std::move(row));
  }
  View list = NewList();
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) list << *row;
  const auto link = [&](bool there, std::uint64_t to) {
    return there ? View(absl::StrCat("/record?page=", to)) : View(false);
  };
  View view;
  Put(view, "damage", damage);
  if (damage.empty()) view.set("damage", false);
  view.set("has_records", !rows.empty());
  view.set("records", list);
  view.set("paged", pages > 1);
  view.set("page", Number(page));
  view.set("pages_in_all", Number(pages));
  view.set("total", Number(snapshot.records));
  view.set("newer", link(page < pages, page + 1));
  view.set("older", link(page > 1, page - 1));
  return view;
}

}  // namespace anchorage::trustd
