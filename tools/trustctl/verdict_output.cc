#include "tools/trustctl/verdict_output.h"

#include <unistd.h>

#include <iomanip>
#include <iostream>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "client/verdict_json.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/terminal.h"
#include "tools/trustctl/time_output.h"
#include "verify/reason.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

std::string_view ReasonNameOf(const absl::Status& status) {
  const auto reason = verify::ReasonOf(status);
  return reason.has_value() ? verify::NameOf(*reason) : "";
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
std::string HintFor(const Verdict& verdict) {
  const auto reason = verify::ReasonOf(verdict.status);
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
      if (!verdict.releases_file.empty()) {
        return absl::StrCat("'trustctl releases show --releases ",
                            Printable(verdict.releases_file),
                            "' lists those that count");
      }
      return "releases come from a trustd that lists them: --server HOST:PORT "
             "--trusted-root FILE; 'trustctl releases show' lists them";
    case verify::Reason::kBootExtended:
      return "what may be added is allowed with --allow-extensions REASON, or "
             "expected with --pcr 12=HEX and --pcr 13=HEX";
    case verify::Reason::kDebugEnclave:
      return "a debug enclave keeps no secret; --allow-debug accepts it for "
             "tests";
    default:
      return "";
  }
}

void PrintText(const Verdict& verdict, const verify::Trace& trace,
               const Anchors& anchors) {
  for (const auto& entry : trace.entries()) {
    std::cout << std::left << std::setw(6) << MarkOf(entry.outcome)
              << std::setw(22) << entry.check << entry.detail << "\n";
  }
  std::cout << "\n"
            << Paint(client::VerdictWord(verdict.status),
                     verdict.status.ok() ? Colour::kGood : Colour::kBad,
                     MayColour(STDOUT_FILENO));
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
  std::cout << "\nanchors   ";
  if (anchors.freshness == verify::Freshness::kBakedIn &&
      provenance.origin == verify::Origin::kBakedIn) {
    std::cout << "built in, sequence " << provenance.sequence << "\n";
  } else {
    std::cout << verify::NameOf(provenance.origin) << " sequence "
              << provenance.sequence << " " << verify::NameOf(anchors.freshness)
              << "\n";
  }
  const std::string hint = HintFor(verdict);
  if (!hint.empty()) std::cerr << "hint: " << hint << "\n";
}

}  // namespace

client::AnchorsUsed UsedOf(const Anchors& anchors) {
  return {anchors.set->provenance(), anchors.freshness};
}

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
                 const Anchors& anchors, const Output& output) {
  if (output.is_text()) {
    PrintText(verdict, trace, anchors);
    return ExitCodeOf(verdict.status);
  }
  const auto json = ordered_json::parse(
      verdict.status.ok() ? verdict.json
                          : client::RefusalJson(verdict.subject, verdict.status,
                                                UsedOf(anchors), trace));
  output.Print(json,
               {.name = json.contains("identity") ? "/identity/instance_id"
                                                  : "/attestation/module_id"},
               [] {});
  return ExitCodeOf(verdict.status);
}

}  // namespace anchorage::trustctl
