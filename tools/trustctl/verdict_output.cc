#include "tools/trustctl/verdict_output.h"

#include <iomanip>
#include <iostream>
#include <string_view>

#include "tools/trustctl/time_output.h"
#include "verify/reason.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

std::string_view WordOf(const absl::Status& status) {
  if (status.ok()) return "ACCEPTED";
  const auto reason = verify::ReasonOf(status);
  return reason.has_value() &&
                 verify::FamilyOf(*reason) != verify::Family::kUndecided
             ? "REJECTED"
             : "UNDECIDED";
}

std::string_view ReasonNameOf(const absl::Status& status) {
  const auto reason = verify::ReasonOf(status);
  return reason.has_value() ? verify::NameOf(*reason) : "";
}

// The check that failed; empty if none did.
std::string_view FailedCheck(const verify::Trace& trace) {
  for (const auto& entry : trace.entries()) {
    if (entry.outcome == verify::Trace::Outcome::kFailed) return entry.check;
  }
  return "";
}

std::string_view MarkOf(verify::Trace::Outcome outcome) {
  switch (outcome) {
    case verify::Trace::Outcome::kPassed:
      return "ok";
    case verify::Trace::Outcome::kFailed:
      return "FAIL";
    case verify::Trace::Outcome::kNotReached:
      return "--";
  }
  return "";
}

// What a person may do about it; empty where the fact says all.
std::string_view HintFor(const absl::Status& status) {
  const auto reason = verify::ReasonOf(status);
  if (!reason.has_value()) return "";
  switch (*reason) {
    case verify::Reason::kLeafExpired:
    case verify::Reason::kIssuerExpired:
    case verify::Reason::kTooOld:
      return "evidence that was recorded is verified as of its own time with "
             "--at (an attestation also with --at-document-time)";
    case verify::Reason::kRegionUnknown:
    case verify::Reason::kNoUsableAnchors:
    case verify::Reason::kAnchorsExpired:
      return "newer anchors come from a trustd: --server HOST:PORT "
             "--trusted-root FILE";
    case verify::Reason::kClockSuspect:
      return "set this machine's clock";
    case verify::Reason::kReleaseUnknown:
      return "releases come from a trustd that lists them: --server HOST:PORT "
             "--trusted-root FILE; 'trustctl releases show' lists them";
    case verify::Reason::kDebugEnclave:
      return "a debug enclave keeps no secret; --allow-debug accepts it for "
             "tests";
    default:
      return "";
  }
}

void PrintJson(const Verdict& verdict, const verify::Trace& trace,
               const Anchors& anchors) {
  ordered_json json;
  json["verdict"] = WordOf(verdict.status);
  json["reason"] = ReasonNameOf(verdict.status);
  json["check"] = FailedCheck(trace);
  json["detail"] = verdict.status.ok() ? "" : TextOf(verdict.status);
  if (const int index = verify::CertificateIndexOf(verdict.status);
      index >= 0) {
    json["certificate_index"] = index;
  }
  json[verdict.subject] = verdict.facts;
  json["notes"] = ordered_json::array();
  for (const auto& [name, detail] : verdict.notes) {
    json["notes"].push_back({{"note", name}, {"detail", detail}});
  }
  json["anchor"] = verdict.anchor;
  json["anchors"] = ToJson(anchors);
  json["trace"] = ordered_json::array();
  for (const auto& entry : trace.entries()) {
    json["trace"].push_back({{"check", entry.check},
                             {"outcome", MarkOf(entry.outcome)},
                             {"detail", entry.detail}});
  }
  std::cout << json.dump(2, ' ', false, ordered_json::error_handler_t::replace)
            << "\n";
}

void PrintText(const Verdict& verdict, const verify::Trace& trace,
               const Anchors& anchors) {
  for (const auto& entry : trace.entries()) {
    std::cout << std::left << std::setw(6) << MarkOf(entry.outcome)
              << std::setw(22) << entry.check << entry.detail << "\n";
  }
  std::cout << "\n" << WordOf(verdict.status);
  if (verdict.status.ok()) {
    for (const auto& [name, value] : verdict.summary) {
      std::cout << "  " << name << " " << Printable(value);
    }
  } else {
    std::cout << "  " << ReasonNameOf(verdict.status) << "  "
              << Printable(TextOf(verdict.status));
  }
  for (const auto& [name, detail] : verdict.notes) {
    std::cout << "\nnote      " << name << "  " << detail;
  }
  const auto& provenance = anchors.set->provenance();
  std::cout << "\nanchors   " << verify::NameOf(provenance.origin)
            << " sequence " << provenance.sequence << " "
            << verify::NameOf(anchors.freshness) << "\n";
  const std::string_view hint = HintFor(verdict.status);
  if (!hint.empty()) std::cerr << "hint: " << hint << "\n";
}

}  // namespace

ordered_json ToJson(const Anchors& anchors) {
  const auto& provenance = anchors.set->provenance();
  ordered_json json = {{"origin", verify::NameOf(provenance.origin)},
                       {"sequence", provenance.sequence},
                       {"freshness", verify::NameOf(anchors.freshness)}};
  AddTime(json, "as_of", provenance.as_of);
  // What a program was built with is not fresh until any time.
  if (anchors.freshness != verify::Freshness::kBakedIn) {
    AddTime(json, "fresh_until", provenance.fresh_until);
  }
  return json;
}

int PrintVerdict(const Verdict& verdict, const verify::Trace& trace,
                 const Anchors& anchors, const OutputOption& output) {
  if (output.json()) {
    PrintJson(verdict, trace, anchors);
  } else {
    PrintText(verdict, trace, anchors);
  }
  return ExitCodeOf(verdict.status);
}

}  // namespace anchorage::trustctl
