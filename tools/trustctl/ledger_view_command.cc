// trustctl ledger list | search | show | tail

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "anchors/base/proto_time.h"
#include "proto/anchorage/v1/audit_service.grpc.pb.h"
#include "proto/anchorage/v1/ledger.pb.h"
#include "tools/trustctl/admin_connection.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/ledger_check.h"
#include "tools/trustctl/ledger_of_trustd.h"
#include "tools/trustctl/ledger_reader.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/period.h"
#include "tools/trustctl/record_row.h"
#include "trustd/record/record_index.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;
using trustd::RecordFilter;

constexpr int kMostOfAPage = 1000;
constexpr int kMostListed = 100'000;
constexpr absl::Duration kFirstRetry = absl::Seconds(1);
constexpr absl::Duration kLastRetry = absl::Seconds(15);

struct FilterFlags {
  std::string person;
  std::string slot;
  SlotFlags parts;
  std::uint64_t rotation = 0;
  std::vector<std::string> facts;
  std::string from;
  std::string to;
  std::vector<std::string> text;

  void AddTo(CLI::App& command);
  absl::StatusOr<RecordFilter> Read() const;
};

struct Flags {
  FilterFlags filter;
  int limit = 50;
  std::uint64_t index = 0;
  bool follow = false;
  LedgerSource source;
  Output output;
};

void FilterFlags::AddTo(CLI::App& command) {
  command.add_option("--person", person, "only of this person");
  auto* whole = command.add_option("--slot", slot,
                                   "only of this slot, as "
                                   "aws/us-east-1/iid-rsa2048");
  parts.AddTo(command, false);
  for (const char* part : {"--partition", "--region", "--kind"}) {
    command.get_option(part)->excludes(whole);
  }
  command.add_option("--rotation", rotation, "only of this rotation")
      ->check(CLI::PositiveNumber);
  const auto& kinds = *v1::FactKind_descriptor();
  command
      .add_option("--fact", facts,
                  "only of this kind, such as DECISION (repeatable)")
      ->allow_extra_args(false)
      ->transform(OneOf(NamesOf(kinds), PrefixOf(kinds)));
  AddPeriod(command, from, to, false);
}

absl::StatusOr<RecordFilter> FilterFlags::Read() const {
  RecordFilter filter;
  filter.person = person;
  filter.rotation_id = rotation;
  filter.facts = facts;
  filter.text = absl::StrJoin(text, " ");
  filter.slot = parts.ToSlot();
  if (!slot.empty()) {
    const std::vector<std::string> names = absl::StrSplit(slot, '/');
    const std::vector<std::string> kinds = AnchorKindNames();
    if (names.size() != 3 ||
        std::find(kinds.begin(), kinds.end(), names[2]) == kinds.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", slot, "' is not a slot, as aws/us-east-1/iid-rsa2048"));
    }
    filter.slot = SlotFlags{names[0], names[1], names[2]}.ToSlot();
  }
  const auto period = ReadPeriod(from, to);
  if (!period.ok()) return period.status();
  filter.from = period->from;
  filter.until = period->until;
  return filter;
}

v1::ListRecordsRequest RequestOf(const RecordFilter& filter) {
  v1::ListRecordsRequest request;
  request.set_as_text(true);
  request.set_person(filter.person);
  request.set_rotation_id(filter.rotation_id);
  request.set_text(filter.text);
  if (filter.slot.ByteSizeLong() > 0) *request.mutable_slot() = filter.slot;
  for (const std::string& fact : filter.facts) {
    v1::FactKind kind;
    if (v1::FactKind_Parse("FACT_KIND_" + fact, &kind)) request.add_facts(kind);
  }
  if (filter.from != absl::InfinitePast()) {
    anchors::SetTime(filter.from, *request.mutable_from_time());
  }
  if (filter.until != absl::InfiniteFuture()) {
    anchors::SetTime(filter.until, *request.mutable_until_time());
  }
  return request;
}

// --- reading -----------------------------------------------------------------

struct Listed {
  std::uint64_t index = 0;
  v1::RecordText text;
};

struct Listing {
  // In their order.
  std::vector<Listed> records = {};
  // Whether there are more, before these.
  bool more = false;
};

// Calls `visit` for each record of all pages, until it returns false.
absl::Status ReadPages(
    const AdminChannel& channel, v1::ListRecordsRequest request,
    const std::function<bool(const v1::StoredRecord&)>& visit) {
  do {
    const auto page = CallAdmin<v1::AuditService>(
        channel, &v1::AuditService::Stub::ListRecords, request);
    if (!page.ok()) return page.status();
    for (const v1::StoredRecord& stored : page->records()) {
      if (request.as_text() && !stored.has_text()) {
        return absl::UnimplementedError(
            "this trustd is older than this program and has no words: export "
            "its record, and give --records");
      }
      if (!visit(stored)) return absl::OkStatus();
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

absl::StatusOr<Listing> ListServed(const AdminChannel& channel,
                                   const RecordFilter& filter, int limit) {
  v1::ListRecordsRequest request = RequestOf(filter);
  request.set_newest_first(true);
  // One more than is wanted says whether there are more.
  request.set_page_size(std::min(limit + 1, kMostOfAPage));
  Listing listing;
  const absl::Status status =
      ReadPages(channel, request, [&](const v1::StoredRecord& stored) {
        listing.more = static_cast<int>(listing.records.size()) == limit;
        if (!listing.more) {
          listing.records.push_back({stored.index(), stored.text()});
        }
        return !listing.more;
      });
  if (!status.ok()) return status;
  std::reverse(listing.records.begin(), listing.records.end());
  return listing;
}

absl::StatusOr<Listing> ListExported(const std::string& path,
                                     const RecordFilter& filter, int limit) {
  trustd::RecordIndex index;
  const absl::Status status =
      ReadExported(path, [&](std::uint64_t, const std::string& bytes) {
        v1::LedgerRecord record;
        if (!record.ParseFromString(bytes)) record.Clear();
        index.Add(record);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  const auto most = static_cast<std::size_t>(limit);
  auto found = index.Find(filter, {.backwards = true, .most_found = most + 1});
  Listing listing{.more = found.indexes.size() > most};
  if (listing.more) found.indexes.pop_back();
  std::reverse(found.indexes.begin(), found.indexes.end());
  for (const std::uint64_t one : found.indexes) {
    listing.records.push_back({one, index.Text(one)});
  }
  return listing;
}

// --- list, search ------------------------------------------------------------

int List(const Flags& flags) {
  const auto filter = flags.filter.Read();
  if (!filter.ok()) return UsageError(filter.status());
  if (absl::Status s = flags.source.Check(); !s.ok()) return UsageError(s);
  absl::StatusOr<Listing> listing;
  if (!flags.source.records.empty()) {
    listing = ListExported(flags.source.records, *filter, flags.limit);
  } else {
    const auto channel = OpenChannel(flags.source.trustd);
    if (!channel.ok()) return Fail(channel.status());
    listing = ListServed(*channel, *filter, flags.limit);
  }
  if (!listing.ok()) return Fail(listing.status());
  ordered_json facts = {{"records", ordered_json::array()},
                        {"more", listing->more}};
  for (const Listed& one : listing->records) {
    facts["records"].push_back(RowOf(one.index, one.text));
  }
  flags.output.Print(
      facts,
      {.rows = "records",
       .columns = {{"INDEX", "/index"},
                   {"TIME", "/time"},
                   {"FACT", "/fact"},
                   {"ROTATION", "/rotation_ids"},
                   {"WORDS", "/words"}},
       .name = "/index"},
      [&] {
        for (const Listed& one : listing->records) {
          std::cout << LineOf(one.index, one.text) << "\n";
        }
        const std::size_t count = listing->records.size();
        std::cout << count << (count == 1 ? " record" : " records")
                  << (listing->more ? ", the newest of more (--limit)" : "")
                  << "\n";
      });
  return kAccepted;
}

// --- show --------------------------------------------------------------------

struct Shown {
  std::string bytes;
  v1::RecordText text = {};
};

absl::StatusOr<Shown> ShowServed(const Flags& flags) {
  const auto channel = OpenChannel(flags.source.trustd);
  if (!channel.ok()) return channel.status();
  v1::ListRecordsRequest request;
  request.set_first_index(flags.index);
  request.set_page_size(1);
  std::optional<Shown> shown;
  for (const bool as_text : {false, true}) {
    request.set_as_text(as_text);
    const absl::Status status =
        ReadPages(*channel, request, [&](const v1::StoredRecord& stored) {
          if (stored.index() != flags.index) return false;
          if (as_text) {
            shown->text = stored.text();
          } else {
            shown = Shown{.bytes = stored.record()};
          }
          return false;
        });
    if (!status.ok()) return status;
    if (!shown.has_value()) break;
  }
  if (shown.has_value()) return *std::move(shown);
  return absl::NotFoundError(absl::StrCat("there is no record ", flags.index));
}

absl::StatusOr<Shown> ShowExported(const Flags& flags) {
  trustd::RecordWords words;
  std::optional<Shown> shown;
  const absl::Status status = ReadExported(
      flags.source.records, [&](std::uint64_t index, const std::string& bytes) {
        if (index > flags.index) return absl::OkStatus();
        v1::LedgerRecord record;
        if (!record.ParseFromString(bytes)) record.Clear();
        v1::RecordText text = words.Read(record);
        if (index == flags.index) shown = Shown{bytes, std::move(text)};
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  if (shown.has_value()) return *std::move(shown);
  return absl::NotFoundError(absl::StrCat("there is no record ", flags.index));
}

int Show(const Flags& flags) {
  if (absl::Status s = flags.source.Check(); !s.ok()) return UsageError(s);
  const auto shown =
      flags.source.records.empty() ? ShowServed(flags) : ShowExported(flags);
  if (!shown.ok()) return Fail(shown.status());
  v1::LedgerRecord record;
  if (!record.ParseFromString(shown->bytes)) {
    return Fail(absl::InvalidArgumentError(
        absl::StrCat("record ", flags.index,
                     " is of a version that this program does not "
                     "read")));
  }
  const ordered_json fields = ToJson(record);
  ordered_json facts = RowOf(flags.index, shown->text);
  facts["sha256"] = verify::Sha256Hex(shown->bytes);
  facts["record"] = fields;
  flags.output.Print(facts, {.name = "/index"}, [&] {
    std::cout << LineOf(flags.index, shown->text) << "\n"
              << "sha256  " << verify::Sha256Hex(shown->bytes) << "\n"
              << PrintableLines(
                     fields.dump(2, ' ', true,
                                 ordered_json::error_handler_t::replace),
                     "  ");
  });
  return kAccepted;
}

// --- tail --------------------------------------------------------------------

// As text a line for people, otherwise each a JSON object on a line of its own:
// an answer without an end has no brackets.
void PrintOne(const Output& output, std::uint64_t index,
              const v1::RecordText& text) {
  if (output.is_text()) {
    std::cout << LineOf(index, text) << "\n" << std::flush;
  } else {
    std::cout << RowOf(index, text)
                     .dump(-1, ' ', true,
                           ordered_json::error_handler_t::replace)
              << "\n"
              << std::flush;
  }
}

// Prints what comes from `next` on, until the stream ends, and returns how it
// did. Where it fails, `next` says where to go on.
absl::Status FollowOnce(const Flags& flags, const RecordFilter& filter,
                        const AdminChannel& channel, std::uint64_t& next) {
  const auto stub = v1::AuditService::NewStub(channel);
  grpc::ClientContext context;
  v1::WatchRecordsRequest watch;
  watch.set_first_index(next);
  const auto stream = stub->WatchRecords(&context, watch);
  v1::WatchRecordsResponse response;
  absl::Status listed;
  while (listed.ok() && std::cout && stream->Read(&response)) {
    if (response.record().index() < next) continue;
    v1::ListRecordsRequest request = RequestOf(filter);
    request.set_first_index(next);
    std::uint64_t printed = response.record().index();
    listed = ReadPages(channel, request, [&](const v1::StoredRecord& stored) {
      PrintOne(flags.output, stored.index(), stored.text());
      next = stored.index() + 1;
      printed = std::max(printed, stored.index());
      return static_cast<bool>(std::cout);
    });
    if (listed.ok()) next = printed + 1;
  }
  context.TryCancel();
  const grpc::Status ended = stream->Finish();
  if (!listed.ok()) return listed;
  return ended.ok() ? absl::UnavailableError("the stream ended")
                    : ToStatus(ended, channel);
}

int Follow(const Flags& flags, const RecordFilter& filter,
           std::optional<AdminChannel> channel, std::uint64_t next) {
  absl::Duration wait = kFirstRetry;
  while (std::cout) {
    absl::Status status;
    const std::uint64_t before = next;
    if (!channel.has_value()) {
      const auto opened = OpenChannel(flags.source.trustd);
      if (opened.ok()) {
        channel = *opened;
      } else {
        status = opened.status();
      }
    }
    if (status.ok()) status = FollowOnce(flags, filter, *channel, next);
    if (!std::cout) break;
    if (ExitCodeOf(status) != kUndecided) return Fail(status);
    if (next != before) wait = kFirstRetry;
    if (wait == kFirstRetry) {
      PrintWarning(
          absl::StrCat("trustd is away, and is asked again: ", TextOf(status)));
    }
    // A new one has no patience of its own.
    channel.reset();
    absl::SleepFor(wait);
    wait = std::min(2 * wait, kLastRetry);
  }
  return kAccepted;
}

int Tail(const Flags& flags) {
  const auto filter = flags.filter.Read();
  if (!filter.ok()) return UsageError(filter.status());
  const auto channel = OpenChannel(flags.source.trustd);
  if (!channel.ok()) return Fail(channel.status());
  const auto head = CallAdmin<v1::AuditService>(
      *channel, &v1::AuditService::Stub::GetLedgerHead,
      v1::GetLedgerHeadRequest());
  if (!head.ok()) return Fail(head.status());
  const auto listing = ListServed(*channel, *filter, flags.limit);
  if (!listing.ok()) return Fail(listing.status());
  std::uint64_t next = head->size();
  for (const Listed& one : listing->records) {
    PrintOne(flags.output, one.index, one.text);
    next = std::max(next, one.index + 1);
  }
  return flags.follow ? Follow(flags, *filter, *channel, next) : kAccepted;
}

// --- Flags -------------------------------------------------------------------

constexpr char kListFooter[] = R"(
    trustctl ledger list --from 2026-03-01 --to 2026-03-31 --fact DECISION
    trustctl ledger list --slot aws/us-east-1/iid-rsa2048
    trustctl ledger list --records records.jsonl --person alice

Times are in UTC. A file proves nothing by itself: 'ledger verify' first.
)";

constexpr char kSearchFooter[] = R"(
    trustctl ledger search support case --person alice
    trustctl ledger search us-east-1 RE_KEY --records records.jsonl

Finds the records in whose words each of the words occurs.
)";

constexpr char kShowFooter[] = R"(
    trustctl ledger show 1203
)";

constexpr char kTailFooter[] = R"(
    trustctl ledger tail --follow
    trustctl ledger tail --follow --output json | jq .words

Goes on where it was when trustd was away. In JSON each record is one line.
)";

std::shared_ptr<Flags> AddViewed(CLI::App& command, const char* footer) {
  auto flags = std::make_shared<Flags>();
  command.footer(footer);
  flags->filter.AddTo(command);
  command.add_option("--limit", flags->limit, "the newest so many")
      ->check(CLI::Range(1, kMostListed))
      ->capture_default_str();
  return flags;
}

}  // namespace

void AddLedgerViews(CLI::App& ledger, Action& action) {
  CLI::App& list = *ledger.add_subcommand("list", "List records in words");
  auto listed = AddViewed(list, kListFooter);
  listed->source.AddTo(list);
  listed->output.AddWatchedTo(list);
  list.callback(
      [listed, &action] { action = [listed] { return List(*listed); }; });

  CLI::App& search =
      *ledger.add_subcommand("search", "Find records by their words");
  auto searched = AddViewed(search, kSearchFooter);
  searched->limit = kMostOfAPage;
  search.add_option("text", searched->filter.text, "words, all of which occur");
  searched->source.AddTo(search);
  searched->output.AddTo(search);
  search.callback(
      [searched, &action] { action = [searched] { return List(*searched); }; });

  CLI::App& show = *ledger.add_subcommand("show", "Show all of one record");
  show.footer(kShowFooter);
  auto shown = std::make_shared<Flags>();
  show.add_option("index", shown->index, "its index")
      ->required()
      ->check(CLI::NonNegativeNumber);
  shown->source.AddTo(show);
  shown->output.AddTo(show);
  show.callback(
      [shown, &action] { action = [shown] { return Show(*shown); }; });

  CLI::App& tail =
      *ledger.add_subcommand("tail", "Show the newest records, and what comes");
  auto tailed = AddViewed(tail, kTailFooter);
  tailed->limit = 10;
  tail.add_flag("-f,--follow", tailed->follow,
                "go on with each new record, until it is ended");
  tailed->source.trustd.AddTo(tail);
  tailed->output.AddTo(tail);
  tail.callback(
      [tailed, &action] { action = [tailed] { return Tail(*tailed); }; });
}

}  // namespace anchorage::trustctl
