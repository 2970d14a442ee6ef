#include "trustd/admin/audit_answers.h"

#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
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

v1::FactKind KindOf(int field) {
  switch (static_cast<v1::LedgerRecord::FactCase>(field)) {
    case v1::LedgerRecord::kObservation:
      return v1::FACT_KIND_OBSERVATION;
    case v1::LedgerRecord::kSource:
      return v1::FACT_KIND_SOURCE;
    case v1::LedgerRecord::kDetection:
      return v1::FACT_KIND_DETECTION;
    case v1::LedgerRecord::kStance:
      return v1::FACT_KIND_STANCE;
    case v1::LedgerRecord::kProof:
      return v1::FACT_KIND_PROOF;
    case v1::LedgerRecord::kDecision:
      return v1::FACT_KIND_DECISION;
    case v1::LedgerRecord::kState:
      return v1::FACT_KIND_STATE;
    case v1::LedgerRecord::kPublication:
      return v1::FACT_KIND_PUBLICATION;
    case v1::LedgerRecord::kPin:
      return v1::FACT_KIND_PIN;
    case v1::LedgerRecord::kStore:
      return v1::FACT_KIND_STORE;
    case v1::LedgerRecord::kApprovalsVoid:
      return v1::FACT_KIND_APPROVALS_VOID;
    case v1::LedgerRecord::FACT_NOT_SET:
      return v1::FACT_KIND_UNSPECIFIED;
  }
  return v1::FACT_KIND_UNSPECIFIED;
}

// What a filter asks for. An observation has hundreds of parts that nobody
// asked for, so none of a fact's are read.
struct Outline {
  v1::FactKind kind = v1::FACT_KIND_UNSPECIFIED;
  google::protobuf::Timestamp time;
};

std::optional<Outline> OutlineOf(const std::string& bytes) {
  google::protobuf::UnknownFieldSet fields;
  if (!fields.ParseFromString(bytes)) return std::nullopt;
  Outline outline;
  for (int i = 0; i < fields.field_count(); ++i) {
    const google::protobuf::UnknownField& field = fields.field(i);
    if (field.type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
      continue;
    }
    const v1::FactKind kind = KindOf(field.number());
    if (kind != v1::FACT_KIND_UNSPECIFIED) outline.kind = kind;
    if (field.number() == v1::LedgerRecord::kTimeFieldNumber &&
        !outline.time.ParseFromString(field.length_delimited())) {
      return std::nullopt;
    }
  }
  return outline;
}

bool HasFilter(const v1::ListRecordsRequest& request) {
  return !request.facts().empty() || request.has_from_time() ||
         request.has_until_time();
}

bool Passes(const v1::ListRecordsRequest& request, const std::string& bytes) {
  if (!HasFilter(request)) return true;
  const auto outline = OutlineOf(bytes);
  // Its hash was right, so a record that is not read is one of a later
  // version: it has no fact that could be asked for.
  return outline.has_value() && IsChosen(request.facts(), outline->kind) &&
         IsInWindow(request, outline->time);
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
                           const v1::ListRecordsRequest& request,
                           v1::ListRecordsResponse& response) {
  if (request.page_size() < 0 || request.page_size() > kMaxRecords) {
    return RequestError(absl::StrCat("'page_size' is from 0 to ", kMaxRecords));
  }
  if (request.facts_size() > kMaxChoices) {
    return RequestError("'facts' are at most 16");
  }
  const std::string filter = FilterName(request);
  std::uint64_t index = request.first_index();
  if (!request.page_token().empty()) {
    const auto at = DecodeToken(request.page_token(), filter);
    if (!at.has_value()) return TokenInvalid();
    index = *at;
  }
  const int most =
      request.page_size() == 0 ? kDefaultRecords : request.page_size();
  std::size_t bytes = 0;
  std::uint64_t scanned = 0;
  for (; index < size && response.records_size() < most &&
         bytes < kMaxPageBytes && scanned < kMaxRecordsScanned;
       ++index, ++scanned) {
    auto record = read(index);
    if (!record.ok()) {
      // What is before it can be had.
      if (!response.records().empty()) break;
      return RecordError(record.status());
    }
    if (!Passes(request, *record)) continue;
    bytes += record->size();
    v1::StoredRecord& stored = *response.add_records();
    stored.set_index(index);
    stored.set_record(*std::move(record));
  }
  if (index < size) response.set_next_page_token(EncodeToken(index, filter));
  return grpc::Status::OK;
}

}  // namespace anchorage::trustd
