// What ten years make of a trustd: its record, in the store that it has.
//
//   TenYears years(folder);
//   years.Live();                       // 200 rotations, seen by four sources
//   years.Reopen();                     // as a start does
//   years.mirror().Rotations(...);
//
//   years.Grow(100'000);                // until there are so many records
//
// AWS is a fake one of as many regions as the baked-in set has. Every tenth
// rotation is a re-key with evidence of instances and the approval of a
// person; the others are re-issues. Not for threads.

#ifndef ANCHORAGE_TEST_BENCH_TEN_YEARS_H_
#define ANCHORAGE_TEST_BENCH_TEN_YEARS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/page_writer.h"
#include "trustd/config.h"
#include "trustd/mirror/mirror.h"
#include "trustd/publish/publication.h"
#include "trustd/publish/publisher.h"
#include "verify/anchor_set.h"

namespace anchorage::bench {

class TenYears {
 public:
  static constexpr int kRotations = 200;
  static constexpr int kSources = 4;
  // Hourly.
  static constexpr int kPolls = kSources * 24 * 3652;

  // Begins a trustd in `folder`.
  explicit TenYears(const std::string& folder);
  // The same, or goes on with one that has come to `now`, when Reopen() is
  // called.
  TenYears(const std::string& folder, absl::Time now);
  ~TenYears();

  void Live();

  // Re-issues, one a day in one of a few slots, seen by all sources, until there
  // are so many records: the catalog soon stays as large as it is. Returns how
  // many.
  int Grow(std::uint64_t records);
  // One of them.
  void ReIssueOne();

  absl::Time now() const { return now_; }
  // Of the store, since it was opened, and the most that one call at the mirror
  // took of them.
  int commits() const;
  int most_commits() const { return most_commits_; }

  // `count` polls at which a source says what it said before.
  void PollUnchanged(int count);

  // Closes all of it and opens it again.
  void Reopen();
  // Leaves the store to others until Reopen().
  void Close();

  // What the store takes of the disk, as it is after a start.
  std::uint64_t BytesOnDisk();

  trustd::Mirror& mirror();
  const trustd::PublicationHub& hub() const;

 private:
  struct Trustd;

  void Change(int number);
  anchors::PageEntry& NextDsa(std::size_t from);
  void ReIssue(anchors::PageEntry& entry, int number);
  void ReKey(anchors::PageEntry& entry, int number);
  void Approve(const verify::Slot& slot);
  void Observe(int source);

  void SeenByAll();

  const trustd::Config config_;
  test::FakeIdentity aws_;
  absl::Time now_;
  anchors::Catalog first_;
  std::vector<anchors::PageEntry> page_;
  int re_issued_ = 0;
  int most_commits_ = 0;
  std::unique_ptr<Trustd> trustd_;
};

}  // namespace anchorage::bench

#endif  // ANCHORAGE_TEST_BENCH_TEN_YEARS_H_
