// Streams of records, and answers over a long history.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "test/support/admin_calls.h"

namespace anchorage::trustd {
namespace {

class AdminWatchTest : public AdminServerTest {};

// Reads records in a thread until the stream ends.
class Watcher {
 public:
  Watcher(const Channel& channel, std::uint64_t first)
      : stub_(Audit::NewStub(channel)) {
    SetDeadline(context_);
    v1::WatchRecordsRequest request;
    request.set_first_index(first);
    reader_ = stub_->WatchRecords(&context_, request);
  }

  v1::StoredRecord Next() {
    v1::WatchRecordsResponse response;
    EXPECT_TRUE(reader_->Read(&response));
    return response.record();
  }

  grpc::Status End() {
    v1::WatchRecordsResponse response;
    EXPECT_FALSE(reader_->Read(&response));
    return reader_->Finish();
  }

  void Cancel() { context_.TryCancel(); }

 private:
  const std::unique_ptr<Audit::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchRecordsResponse>> reader_;
};

TEST_F(AdminWatchTest, SendsRecordsFromAnIndexOnAndAsTheyAreMade) {
  const std::uint64_t old = records();
  ASSERT_GE(old, 2u);
  Watcher watcher(world_.ConnectAs("viewer-vera"), 1);
  for (std::uint64_t index = 1; index < old; ++index) {
    EXPECT_EQ(watcher.Next().index(), index);
  }
  ASSERT_TRUE(Try<Admin>(world_.ConnectAs("approver-alice"),
                         &Admin::Stub::DecideRotation,
                         Decision(world_, v1::Decision::KIND_HOLD))
                  .ok());
  const v1::StoredRecord next = watcher.Next();
  EXPECT_EQ(next.index(), old);
  v1::LedgerRecord record;
  ASSERT_TRUE(record.ParseFromString(next.record()));
  EXPECT_EQ(record.decision().decision().by(), "approver-alice");
}

TEST_F(AdminWatchTest, MissesNoRecordForASlowReader) {
  const std::uint64_t old = records();
  Watcher watcher(world_.ConnectAs("viewer-vera"), old);
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(world_.mirror()
                    .SourceFailed("aws-docs", absl::StrCat("FAILURE_", i),
                                  std::string(2000, 'd'), world_.now())
                    .ok());
  }
  const std::uint64_t end = records();
  ASSERT_EQ(end, old + 300);
  for (std::uint64_t index = old; index < end; ++index) {
    ASSERT_EQ(watcher.Next().index(), index);
  }
}

TEST_F(AdminWatchTest, RefusesToWatchFromARecordThatIsNotThere) {
  EXPECT_EQ(ReasonOf(TryWatch(world_.ConnectAs("viewer-vera"), records() + 1)),
            "RECORD_NOT_FOUND");
}

TEST_F(AdminWatchTest, HoldsSoManyStreamsAndNoMore) {
  world_.server_options.max_watchers = 2;
  world_.Start();
  const Channel vera = world_.ConnectAs("viewer-vera");
  auto first = std::make_unique<Watcher>(vera, 0);
  Watcher second(vera, 0);
  first->Next();
  second.Next();
  EXPECT_EQ(ReasonOf(TryWatch(vera, 0)), "TOO_MANY_WATCHERS");
  first->Cancel();
  first.reset();
  // The place is free once the server has heard of it.
  grpc::Status status;
  for (int i = 0; i < 200; ++i) {
    status = TryWatch(vera, 0);
    if (status.ok()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(AdminWatchTest, TellsWatchersThatItStops) {
  Watcher watcher(world_.ConnectAs("viewer-vera"), records());
  // Whether the stream is there already is not to be seen from here: a record
  // that arrives says so.
  ASSERT_TRUE(world_.mirror()
                  .SourceFailed("aws-docs", "TIMED_OUT", "", world_.now())
                  .ok());
  watcher.Next();
  std::thread stopping([this] { world_.server().Stop(); });
  EXPECT_EQ(ReasonOf(watcher.End()), "SHUTTING_DOWN");
  stopping.join();
}

TEST_F(AdminWatchTest, EndsAStreamAtARecordThatIsDamaged) {
  world_.store().Damage("ledger/record/0000000000000001");
  Watcher watcher(world_.ConnectAs("viewer-vera"), 0);
  EXPECT_EQ(watcher.Next().index(), 0u);
  EXPECT_EQ(ReasonOf(watcher.End()), "LEDGER_DAMAGED");
}

// All pages of a list, each of at most `request`'s page size.
template <typename Request, typename Response>
std::vector<Response> AllPages(
    const Channel& channel,
    grpc::Status (Audit::Stub::*method)(grpc::ClientContext*, const Request&,
                                        Response*),
    Request request) {
  std::vector<Response> pages;
  do {
    Response page;
    const grpc::Status status = Call<Audit>(channel, method, request, page);
    EXPECT_TRUE(status.ok()) << status.error_message();
    if (!status.ok()) break;
    request.set_page_token(page.next_page_token());
    pages.push_back(std::move(page));
  } while (!request.page_token().empty());
  return pages;
}

// How long it takes is of test/bench:mirror_bench.
TEST_F(AdminWatchTest, AnswersOverTenYears) {
  // 200 rotations and some 2,000 records more, as ten years of hourly polls of
  // four sources leave them.
  constexpr int kFailures = 2000;
  constexpr int kRotations = 200;
  for (int i = 0; i < kFailures; ++i) {
    ASSERT_TRUE(world_.mirror()
                    .SourceFailed("aws-docs", absl::StrCat("FAILURE_", i), "",
                                  world_.now())
                    .ok());
  }
  std::vector<v1::LedgerRecord> detections;
  for (int i = 2; i <= kRotations; ++i) {
    v1::LedgerRecord record;
    v1::Rotation& rotation = *record.mutable_detection();
    rotation = *world_.mirror().FindRotation(1);
    rotation.set_id(i);
    rotation.set_change_id(absl::StrCat("change-", i));
    detections.push_back(record);
  }
  ASSERT_TRUE(world_.AppendAndReopen(detections).ok());
  const Channel vera = world_.ConnectAs("viewer-vera");

  v1::ListRotationsRequest rotations;
  rotations.set_page_size(75);
  std::set<std::uint64_t> ids;
  std::vector<int> sizes;
  for (const auto& page :
       AllPages(vera, &Audit::Stub::ListRotations, rotations)) {
    EXPECT_EQ(page.total_size(), kRotations);
    sizes.push_back(page.rotations_size());
    for (const auto& rotation : page.rotations()) ids.insert(rotation.id());
  }
  EXPECT_EQ(sizes, (std::vector<int>{75, 75, 50}));
  EXPECT_EQ(ids.size(), std::size_t{kRotations}) << "each of them once";

  v1::ListRecordsRequest request;
  request.set_page_size(1000);
  std::uint64_t count = 0;
  for (const auto& page : AllPages(vera, &Audit::Stub::ListRecords, request)) {
    EXPECT_LE(page.records_size(), 1000);
    for (const auto& record : page.records()) {
      EXPECT_EQ(record.index(), count++) << "in order, without a gap";
    }
  }
  EXPECT_EQ(count, records());
  EXPECT_GE(count, std::uint64_t{kFailures + kRotations});

  request.add_facts(v1::FACT_KIND_DETECTION);
  int found = 0;
  for (const auto& page : AllPages(vera, &Audit::Stub::ListRecords, request)) {
    found += page.records_size();
  }
  EXPECT_EQ(found, kRotations) << "one kind among all";
}

}  // namespace
}  // namespace anchorage::trustd
