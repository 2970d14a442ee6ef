// One page for an auditor: what changed in a period, why, who decided, and on
// what evidence. Made of the record alone.
//
//   AuditReport report(period);
//   for each record, from the first on: report.Add(record);
//   report.Render(AuditFormat::kHtml, head);
//
// What others wrote is escaped by the templates, audit_report.html and
// audit_report.txt. Not for threads.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_AUDIT_REPORT_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_AUDIT_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <kainjow/mustache.hpp>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "proto/anchorage/v1/ledger.pb.h"
#include "tools/trustctl/period.h"
#include "trustd/record/record_text.h"
#include "trustd/record/rotation_book.h"

namespace anchorage::trustctl {

enum class AuditFormat { kText, kHtml };

// What the page says of the record itself.
struct AuditHead {
  // "SIZE:ROOT".
  std::string ledger_head = {};
  // Whether the records give the heads that they were compared with.
  bool is_verified = false;
  // With which, or why not.
  std::string verification = {};
  // When the page was made, and by what.
  absl::Time made = absl::InfinitePast();
  std::string program = {};
};

class AuditReport {
 public:
  // The most that one section lists; what is more is counted.
  static constexpr std::size_t kMaxListed = 2'000;

  explicit AuditReport(const Period& period) : period_(period) {}

  // Adds the next record. What was made after the period counts for nothing,
  // so that the page is the same whenever it is made.
  void Add(const v1::LedgerRecord& record);

  // Returns the page.
  std::string Render(AuditFormat format, const AuditHead& head) const;

 private:
  using Data = kainjow::mustache::data;

  // Something of the period, with the words that say it.
  struct Line {
    std::uint64_t index = 0;
    v1::RecordText text;
  };
  // A publication of the period.
  struct Published {
    Line line;
    std::uint64_t sequence = 0;
    std::string catalog_sha256;
  };
  struct Section {
    std::vector<Line> lines;
    std::size_t more = 0;
    void Add(Line line);
  };

  Data ChangeOf(std::uint64_t rotation_id, const Published& published) const;
  static Data DataOf(const Section& section);

  const Period period_;
  std::uint64_t size_ = 0;
  trustd::RecordWords words_;
  trustd::RotationBook book_;
  // Where each rotation was seen first.
  std::map<std::uint64_t, std::string> found_;
  std::uint64_t sequence_before_ = 0;
  std::uint64_t sequence_after_ = 0;
  std::vector<Published> published_;
  std::size_t more_published_ = 0;
  Section by_hand_;
  Section refused_;
  // Approvals of what was not published in the period, up to now.
  Section approved_;
  Section anomalies_;
  Section sources_;
  Section acknowledged_;
  Section accepted_;
};

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_AUDIT_REPORT_H_
