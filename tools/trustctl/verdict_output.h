// Prints a verdict: the checks that were made, and the result.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_VERDICT_OUTPUT_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_VERDICT_OUTPUT_H_

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "client/trust_client.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/output.h"
#include "verify/trace.h"

namespace anchorage::trustctl {

// One verdict, whatever it is about.
struct Verdict {
  // OK: accepted.
  absl::Status status;
  // What it is about, "identity" or "attestation".
  std::string subject;
  // All of it as JSON, if accepted (client/verdict_json.h).
  std::string json = "";
  // What was proved, in a few words for people.
  std::vector<std::pair<std::string, std::string>> summary = {};
  // What is odd but does not refuse it, as a stable name and a sentence for
  // people.
  std::vector<std::pair<std::string, std::string>> notes = {};
  // The list that was given with --releases; empty for that of the bundle.
  std::string releases_file = "";
};

// Prints `verdict` to standard output and returns the exit code.
int PrintVerdict(const Verdict& verdict, const verify::Trace& trace,
                 const Anchors& anchors, const Output& output);

// The anchors, as the JSON of a verdict names them.
client::AnchorsUsed UsedOf(const Anchors& anchors);

// The provenance of the anchors as JSON, as in every output.
nlohmann::ordered_json ToJson(const Anchors& anchors);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_VERDICT_OUTPUT_H_
