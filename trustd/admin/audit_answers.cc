#include "trustd/admin/audit_answers.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "anchors/base/proto_time.h"
#include "trustd/record/rotation_values.h"
#include "trustd/rpc/rpc_status.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

constexpr int kDefaultRotations = 50;
constexpr int kMaxRotations = 200;
constexpr int kDefaultRecords = 200;
constexpr int kMaxRecords = 1000;
// What a page of either holds at most, but for its last element.
constexpr std::size_t kMaxPageBytes = 2 * 1024 * 1024;
constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMaxTextBytes = 256;
constexpr int kMaxChoices = 16;
constexpr std::size_t kFilterDigits = 16;

grpc::Status TokenInvalid() {
  return RpcError(grpc::StatusCode::INVALID_ARGUMENT, kPageTokenInvalid,
                  "the page token is not one of this filter");
}

// Names a filter, so that a token serves only the filter it was made for.
template <typename Request>
std::string FilterName(Request request) {
  request.clear_page_token();
  request.clear_page_size();
  return verify::Sha256Hex(request.SerializeAsString())
      .substr(0, kFilterDigits);
}

// A number bound to a filter.
std::string EncodeToken(std::uint64_t at, const std::string& filter) {
  return absl::WebSafeBase64Escape(absl::StrCat(filter, ".", at));
}

std::optional<std::uint64_t> DecodeToken(const std::string& text,
                                         const std::string& filter) {
  std::string plain;
  std::uint64_t at = 0;
  if (!absl::WebSafeBase64Unescape(text, &plain) ||
      !plain.starts_with(filter + ".") ||
      !absl::SimpleAtoi(plain.substr(filter.size() + 1), &at)) {
    return std::nullopt;
  }
  return at;
}

// Whether `time`, which may be unset, lies in the window of a request.
template <typename Request>
bool IsInWindow(const Request& request,
                const google::protobuf::Timestamp& time) {
  const absl::Time at = anchors::TimeOf(time);
  return (!request.has_from_time() ||
          at >= anchors::TimeOf(request.from_time())) &&
         (!request.has_until_time() ||
          at < anchors::TimeOf(request.until_time()));
}

template <typename Choices, typename Choice>
bool IsChosen(const Choices& choices, Choice choice) {
  return choices.empty() ||
         std::find(choices.begin(), choices.end(), choice) != choices.end();
}

bool Passes(const v1::ListRotationsRequest& request,
            const v1::Rotation& rotation) {
  return (request.partition().empty() ||
          request.partition() == rotation.slot().partition()) &&
         (request.region().empty() ||
          request.region() == rotation.slot().region()) &&
         (request.kind() == v1::ANCHOR_KIND_UNSPECIFIED ||
          request.kind() == rotation.slot().kind()) &&
         IsChosen(request.classes(), rotation.rotation_class()) &&
         IsChosen(request.states(), rotation.state()) &&
         IsInWindow(request, rotation.detected_time());
}

bool HasFilter(const v1::ListRecordsRequest& request) {
  return !request.facts().empty() || request.has_from_time() ||
         request.has_until_time() || !request.person().empty() ||
         request.has_slot() || request.rotation_id() != 0 ||
         !request.text().empty();
}

RecordFilter FilterOf(const v1::ListRecordsRequest& request) {
  RecordFilter filter;
  for (const int kind : request.facts()) {
    filter.facts.push_back(std::string(absl::StripPrefix(
        v1::FactKind_Name(static_cast<v1::FactKind>(kind)), "FACT_KIND_")));
  }
  if (request.has_from_time()) {
    filter.from = anchors::TimeOf(request.from_time());
  }
  if (request.has_until_time()) {
    filter.until = anchors::TimeOf(request.until_time());
  }
  filter.person = request.person();
  filter.slot = request.slot();
  filter.rotation_id = request.rotation_id();
  filter.text = request.text();
  return filter;
}

grpc::Status CheckRecordsRequest(const v1::ListRecordsRequest& request) {
  if (request.page_size() < 0 || request.page_size() > kMaxRecords) {
    return RequestError(absl::StrCat("'page_size' is from 0 to ", kMaxRecords));
  }
  if (request.facts_size() > kMaxChoices) {
    return RequestError("'facts' are at most 16");
  }
  if (request.person().size() > kMaxTextBytes ||
      request.text().size() > kMaxTextBytes ||
      request.slot().partition().size() > kMaxNameBytes ||
      request.slot().region().size() > kMaxNameBytes) {
    return RequestError(
        "'person' and 'text' are at most 256 bytes, the parts of 'slot' 64");
  }
  return grpc::Status::OK;
}

}  // namespace

grpc::Status AnswerRotations(const RotationReader& read,
                             const v1::ListRotationsRequest& request,
                             v1::ListRotationsResponse& response) {
  if (request.page_size() < 0 || request.page_size() > kMaxRotations) {
    return RequestError(
        absl::StrCat("'page_size' is from 0 to ", kMaxRotations));
  }
  if (request.partition().size() > kMaxNameBytes ||
      request.region().size() > kMaxNameBytes ||
      request.classes_size() > kMaxChoices ||
      request.states_size() > kMaxChoices) {
    return RequestError(
        "'partition' and 'region' are at most 64 bytes, 'classes' and "
        "'states' at most 16");
  }
  const std::string filter = FilterName(request);
  std::optional<std::uint64_t> before;
  if (!request.page_token().empty()) {
    before = DecodeToken(request.page_token(), filter);
    if (!before.has_value()) return TokenInvalid();
  }
  // First the numbers alone: most rotations are on another page.
  std::vector<std::uint64_t> ids;
  int total = 0;
  read([&](const v1::Rotation& rotation) {
    if (!Passes(request, rotation)) return false;
    ++total;
    if (!before.has_value() || rotation.id() < *before) {
      ids.push_back(rotation.id());
    }
    return false;
  });
  const std::size_t size =
      request.page_size() == 0 ? kDefaultRotations : request.page_size();
  const std::uint64_t lowest =
      ids.empty() ? 0 : ids[ids.size() - std::min(size, ids.size())];
  std::vector<v1::Rotation> page = read([&](const v1::Rotation& rotation) {
    return rotation.id() >= lowest &&
           std::binary_search(ids.begin(), ids.end(), rotation.id());
  });
  std::size_t bytes = 0;
  while (!page.empty() && bytes < kMaxPageBytes) {
    Shorten(page.back());
    bytes += page.back().ByteSizeLong();
    *response.add_rotations() = std::move(page.back());
    page.pop_back();
  }
  response.set_total_size(total);
  if (!response.rotations().empty()) {
    const std::uint64_t last = response.rotations().rbegin()->id();
    if (last > ids.front()) {
      response.set_next_page_token(EncodeToken(last, filter));
    }
  }
  return grpc::Status::OK;
}

grpc::Status RecordError(const absl::Status& status) {
  if (absl::IsDataLoss(status) || absl::IsNotFound(status)) {
    return RpcError(grpc::StatusCode::DATA_LOSS, kLedgerDamaged,
                    std::string(status.message()));
  }
  return RpcError(grpc::StatusCode::UNAVAILABLE, kStoreUnavailable,
                  std::string(status.message()));
}

grpc::Status AnswerRecords(std::uint64_t size, const RecordReader& read,
                           RecordIndex& index,
                           const v1::ListRecordsRequest& request,
                           v1::ListRecordsResponse& response) {
  if (grpc::Status s = CheckRecordsRequest(request); !s.ok()) return s;
  const bool backwards = request.newest_first();
  const std::string filter = FilterName(request);
  // Where to go on: the next one, or backwards the one after the next.
  std::uint64_t at = backwards ? size : request.first_index();
  if (!request.page_token().empty()) {
    const auto given = DecodeToken(request.page_token(), filter);
    if (!given.has_value()) return TokenInvalid();
    at = *given;
  }
  RecordIndex::Found found;
  const std::size_t most =
      request.page_size() == 0 ? kDefaultRecords : request.page_size();
  const std::uint64_t first = request.first_index();
  if (HasFilter(request) || request.as_text()) {
    const auto has_all = index.ReadOn(size, kMaxRecordsScanned);
    if (!has_all.ok() && (backwards || index.size() <= at)) {
      return RecordError(has_all.status());
    }
    if (has_all.ok() && !*has_all && backwards) {
      response.set_next_page_token(EncodeToken(at, filter));
      return grpc::Status::OK;
    }
    found = index.Find(FilterOf(request), {.first = backwards ? first : at,
                                           .end = backwards ? at : size,
                                           .backwards = backwards,
                                           .most_examined = kMaxRecordsExamined,
                                           .most_found = most});
  } else {
    found.next = at;
    while (found.indexes.size() < most &&
           (backwards ? found.next > first : found.next < size)) {
      found.indexes.push_back(backwards ? --found.next : found.next++);
    }
  }
  std::size_t bytes = 0;
  for (const std::uint64_t one : found.indexes) {
    const std::uint64_t again = backwards ? one + 1 : one;
    if (bytes >= kMaxPageBytes) {
      found.next = again;
      break;
    }
    v1::StoredRecord stored;
    stored.set_index(one);
    if (request.as_text()) {
      *stored.mutable_text() = index.Text(one);
    } else {
      auto record = read(one);
      if (!record.ok()) {
        // What is before it can be had.
        if (response.records().empty()) return RecordError(record.status());
        found.next = again;
        break;
      }
      stored.set_record(*std::move(record));
    }
    bytes += stored.ByteSizeLong();
    *response.add_records() = std::move(stored);
  }
  if (backwards ? found.next > first : found.next < size) {
    response.set_next_page_token(EncodeToken(found.next, filter));
  }
  return grpc::Status::OK;
}

}  // namespace anchorage::trustd
