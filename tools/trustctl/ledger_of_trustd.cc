// trustctl ledger, of a running trustd.

#include "tools/trustctl/ledger_of_trustd.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/anchorage/v1/audit_service.grpc.pb.h"
#include "tools/trustctl/admin_connection.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/ledger_reader.h"

namespace anchorage::trustctl {
namespace {

constexpr int kPageSize = 1000;

class ServedLedger final : public LedgerReader {
 public:
  explicit ServedLedger(AdminChannel channel) : channel_(std::move(channel)) {}

  absl::StatusOr<KeptHead> Head() override {
    const auto response = CallAdmin<v1::AuditService>(
        channel_, &v1::AuditService::Stub::GetLedgerHead,
        v1::GetLedgerHeadRequest());
    if (!response.ok()) return response.status();
    if (!response->healthy()) {
      return absl::UnauthenticatedError(
          absl::StrCat("trustd says: ", Printable(response->damage())));
    }
    return ParseHead(
        absl::StrCat(response->size(), ":", response->root_sha256()));
  }

  absl::Status Read(std::uint64_t size, const VisitRecord& visit) override {
    v1::ListRecordsRequest request;
    request.set_page_size(kPageSize);
    std::uint64_t next = 0;
    do {
      const auto page = CallAdmin<v1::AuditService>(
          channel_, &v1::AuditService::Stub::ListRecords, request);
      if (!page.ok()) return page.status();
      for (const auto& stored : page->records()) {
        if (next == size) return absl::OkStatus();
        if (absl::Status s = visit(stored.index(), stored.record()); !s.ok()) {
          return s;
        }
        ++next;
      }
      // Without a filter no page is empty.
      if (page->records().empty()) return absl::OkStatus();
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return absl::OkStatus();
  }

 private:
  const AdminChannel channel_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<LedgerReader>> OpenServedLedger(
    const AdminSource& source) {
  auto channel = OpenChannel(source);
  if (!channel.ok()) return channel.status();
  return std::make_unique<ServedLedger>(*std::move(channel));
}

void AddLedgerOfTrustd(CLI::App& ledger, Action& action) {
  AddLedgerViews(ledger, action);
  AddLedgerVerify(ledger, action, OpenServedLedger);
  AddLedgerExport(ledger, action);
}

}  // namespace anchorage::trustctl
