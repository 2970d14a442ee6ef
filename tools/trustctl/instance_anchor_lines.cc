#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/ladder.h"
#include "tools/trustctl/instance_lines.h"
#include "tools/trustctl/time_output.h"
#include "verify/identity/identity_verifier.h"
#include "verify/reason.h"

namespace anchorage::trustctl {
namespace {

using verify::Freshness;

// In whole units, for people.
std::string AgeOf(absl::Time time, absl::Time now) {
  const absl::Duration age = now - time;
  if (age < absl::ZeroDuration()) return "later than this clock";
  for (const auto& [unit, name] :
       {std::pair(absl::Hours(24), "day"), std::pair(absl::Hours(1), "hour"),
        std::pair(absl::Minutes(1), "minute")}) {
    if (const auto count = age / unit; count > 0) {
      return absl::StrCat(count, " ", name, count == 1 ? "" : "s", " ago");
    }
  }
  return "just now";
}

std::string AnchorsText(const verify::AnchorProvenance& anchors,
                        Freshness freshness, absl::Time now) {
  std::string text =
      absl::StrCat(std::string(NameOf(anchors.origin)), " sequence ",
                   anchors.sequence, ", ", std::string(NameOf(freshness)));
  if (IsFinite(anchors.as_of)) {
    absl::StrAppend(&text, ", as of ", Rfc3339(anchors.as_of), " (",
                    AgeOf(anchors.as_of, now), ")");
  }
  return text;
}

}  // namespace

CheckLine JudgeAnchors(const InstanceFacts& facts) {
  const std::string text =
      AnchorsText(facts.anchors, facts.freshness, facts.now);
  constexpr char kRefresh[] =
      "see that the product reaches its trustd: --server and --trusted-root "
      "here show whether this host does";
  switch (facts.freshness) {
    case Freshness::kExpired: {
      constexpr auto kReason = verify::Reason::kAnchorsExpired;
      CheckLine line =
          Warn(std::string(verify::NameOf(kReason)), text, kRefresh);
      if (facts.needs.refuse_expired) {
        line.mark = Mark::kFail;
        line.exit_code = ExitCodeOf(kReason);
      }
      return line;
    }
    case Freshness::kStale:
      return Warn("ANCHORS_STALE", text, kRefresh);
    case Freshness::kBakedIn:
      if (facts.anchors.origin == verify::Origin::kBakedIn &&
          facts.now - facts.anchors.as_of > client::kBakedInLife) {
        return Warn("ANCHORS_BAKED_IN_OLD", text,
                    "these are trustctl's own: name where the product has its "
                    "anchors from, --cache or --server, or install a newer "
                    "trustctl");
      }
      break;
    case Freshness::kFresh:
      break;
  }
  return Ok(text);
}

// What is dated by others, and can be no later than now.
CheckLine JudgeClock(const InstanceFacts& facts) {
  std::vector<std::pair<absl::Time, const char*>> dates = {
      {facts.anchors.as_of, "the anchors"}};
  if (facts.imds.document.has_value()) {
    dates.emplace_back(facts.imds.document->pending_time,
                       "the identity document");
  }
  const std::optional<absl::Time> attested =
      facts.attestation.has_value() ? facts.attestation->made : std::nullopt;
  if (attested.has_value()) dates.emplace_back(*attested, "the attestation");
  constexpr char kHint[] =
      "set this machine's clock: chronyc makestep (AWS's own time is at "
      "169.254.169.123)";
  constexpr auto kReason = verify::Reason::kClockSuspect;
  const auto suspect = [&](std::string detail) {
    return Fail(ExitCodeOf(kReason), std::string(verify::NameOf(kReason)),
                std::move(detail), kHint);
  };
  const auto& [latest, what] = *std::max_element(dates.begin(), dates.end());
  if (facts.now < latest - verify::kMaxClockSlack) {
    return suspect(absl::StrCat(Rfc3339(facts.now), " is before ", what, " of ",
                                Rfc3339(latest)));
  }
  if (!IsFinite(latest)) return Ok(Rfc3339(facts.now));
  if (!attested.has_value()) {
    return Ok(absl::StrCat(Rfc3339(facts.now), ", not before ", what, " of ",
                           Rfc3339(latest)));
  }
  if (facts.now > *attested + verify::kMaxClockSlack) {
    return suspect(absl::StrCat(Rfc3339(facts.now),
                                " is after the attestation that was just "
                                "made, at ",
                                Rfc3339(*attested)));
  }
  return Ok(Rfc3339(facts.now) + ", as the attestation says");
}

CheckLine JudgeCache(const InstanceFacts& facts) {
  if (!facts.cache.has_value()) return Skipped("no --cache");
  const CacheFacts& cache = *facts.cache;
  if (absl::IsNotFound(cache.found)) {
    return Warn("CACHE_ABSENT", TextOf(cache.found),
                "the product makes it when it first starts; 'trustctl cache "
                "refresh' does so before that");
  }
  if (!cache.found.ok()) {
    return Warn("CACHE_UNREADABLE", TextOf(cache.found),
                absl::StrCat("run it as the product's user, or: chmod go+rX ",
                             cache.folder));
  }
  const std::string folder =
      absl::StrCat(cache.folder, ", owner ", cache.owner, ", mode ",
                   absl::StrFormat("%04o", cache.mode),
                   cache.writable ? "" : ", read-only here");
  if (!cache.owner_trusted) {
    return Fail(kRefusedByPolicy, "CACHE_OF_ANOTHER", folder,
                "give it to root or to the product's user, after a look at "
                "what is in it: 'trustctl cache verify'");
  }
  if ((cache.mode & 0022) != 0) {
    return Fail(kRefusedByPolicy, "CACHE_WRITABLE_BY_OTHERS", folder,
                absl::StrCat("chmod go-w ", cache.folder,
                             ", after a look at what is in it: 'trustctl "
                             "cache verify'"));
  }
  if (cache.empty) {
    return Warn("CACHE_EMPTY", folder,
                "the product fills it with its first refresh; 'trustctl cache "
                "refresh' does so before that");
  }
  if (!cache.usable.ok()) {
    return Warn("CACHE_UNUSABLE",
                absl::StrCat(folder, ": ", TextOf(cache.usable)),
                "the next refresh mends it; until then a client has what it "
                "was built with: 'trustctl cache verify' says more");
  }
  return Ok(absl::StrCat(
      folder, "; ", AnchorsText(cache.provenance, cache.freshness, facts.now)));
}

CheckLine JudgeServer(const InstanceFacts& facts) {
  if (!facts.server.has_value()) return Skipped("no --server");
  const ServerFacts& server = *facts.server;
  if (!server.refreshed.ok()) {
    CheckLine line = WarnOf(
        server.refreshed,
        "'trustctl bundle show' with the same flags asks it again; a client "
        "goes on with what it last verified");
    line.detail = absl::StrCat(server.name, ": ", line.detail);
    return line;
  }
  return Ok(absl::StrCat(server.name, ", sequence ", server.provenance.sequence,
                         ", fresh until ",
                         Rfc3339(server.provenance.fresh_until)));
}

}  // namespace anchorage::trustctl
