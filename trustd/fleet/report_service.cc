#include "trustd/fleet/report_service.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/wire/wire_scan.h"
#include "trustd/rpc/rpc_status.h"

namespace anchorage::trustd {
namespace {

constexpr char kForwardedFor[] = "x-forwarded-for";

// Returns the values of all headers of that name, in their order.
std::string ForwardedFor(const grpc::CallbackServerContext& context) {
  std::string all;
  const auto [begin, end] =
      context.client_metadata().equal_range(kForwardedFor);
  for (auto entry = begin; entry != end; ++entry) {
    if (!all.empty()) all.push_back(',');
    all.append(entry->second.data(), entry->second.size());
  }
  return all;
}

grpc::Status ToGrpc(const Fleet::Answer& answer) {
  const std::string message(answer.status.message());
  if (absl::IsResourceExhausted(answer.status)) {
    return RpcError(
        grpc::StatusCode::RESOURCE_EXHAUSTED, kTooManyRequests, message,
        {{"seconds_until_next", absl::StrCat(answer.seconds_until_next)}});
  }
  return RequestError(message);
}

PostAnswer AnswerReport(Fleet& fleet, const PostRequest& request) {
  v1::ReportOutcomesRequest message;
  const absl::Status parsed = anchors::ParseBounded(request.body, {}, message);
  const Fleet::Answer answer =
      parsed.ok() ? fleet.Take(request.peer, request.forwarded_for, message)
                  : Fleet::Answer{.status = parsed};
  if (!answer.status.ok()) {
    return {.status = absl::IsResourceExhausted(answer.status) ? 429 : 400,
            .body = absl::StrCat(answer.status.message(), "\n"),
            .retry_after_seconds = answer.seconds_until_next};
  }
  v1::ReportOutcomesResponse response;
  response.set_seconds_until_next(answer.seconds_until_next);
  return {.body = response.SerializeAsString()};
}

}  // namespace

void AddReportService(CallGate& gate, Fleet& fleet) {
  gate.AddUnary<v1::ReportOutcomesRequest, v1::ReportOutcomesResponse>(
      "/anchorage.v1.ReportService/ReportOutcomes",
      [&fleet](const Caller& caller, const v1::ReportOutcomesRequest& request,
               v1::ReportOutcomesResponse& response) {
        const Fleet::Answer answer =
            fleet.Take(caller.address, ForwardedFor(caller.context), request);
        if (!answer.status.ok()) return ToGrpc(answer);
        response.set_seconds_until_next(answer.seconds_until_next);
        return grpc::Status::OK;
      });
}

PostRoute ReportRoute(Fleet* fleet) {
  PostRoute route{.path = "/v1/reports",
                  .media_type = "application/x-protobuf",
                  .max_body_bytes = kMaxReportBytes};
  if (fleet != nullptr) {
    route.answer = [fleet](const PostRequest& request) {
      return AnswerReport(*fleet, request);
    };
  }
  return route;
}

}  // namespace anchorage::trustd
