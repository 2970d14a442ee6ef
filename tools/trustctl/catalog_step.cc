#include "tools/trustctl/catalog_step.h"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "verify/anchor_set.h"
#include "verify/printable.h"

namespace anchorage::trustctl {
namespace {

using anchors::Catalog;
using anchors::CatalogAnchor;
using anchors::CatalogCertificate;
using nlohmann::ordered_json;

constexpr std::size_t kSha256HexBytes = 64;

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

ordered_json ToJson(const std::optional<absl::Time>& time) {
  if (!time.has_value()) return nullptr;
  return TimeText(*time);
}

ordered_json HeadOf(const Catalog& catalog) {
  return {{"sequence", catalog.sequence},
          {"created", TimeText(catalog.created)},
          {"anchors", catalog.anchors.size()}};
}

// What one anchor is, but for its name.
ordered_json ToJson(const CatalogAnchor& anchor) {
  ordered_json json = {{"status", verify::NameOf(anchor.status)},
                       {"valid_from", ToJson(anchor.valid_from)},
                       {"valid_until", ToJson(anchor.valid_until)},
                       {"accept_until", ToJson(anchor.accept_until)},
                       {"first_seen", ToJson(anchor.first_seen)},
                       {"replaces", anchor.replaces},
                       {"certificates", ordered_json::object()}};
  for (const CatalogCertificate& certificate : anchor.certificates) {
    ordered_json sources = ordered_json::array();
    for (const anchors::Publication& source : certificate.sources) {
      sources.push_back(
          {{"publisher", source.publisher}, {"location", source.location}});
    }
    json["certificates"][certificate.sha256] = {
        {"superseded", certificate.superseded},
        {"serial", certificate.serial},
        {"not_before", TimeText(certificate.not_before)},
        {"not_after", TimeText(certificate.not_after)},
        {"sources", std::move(sources)}};
  }
  return json;
}

// Takes out of both objects what is the same in them.
void DropEqual(ordered_json& before, ordered_json& after) {
  std::vector<std::string> equal;
  for (const auto& [name, value] : before.items()) {
    const auto other = after.find(name);
    if (other == after.end()) continue;
    if (*other == value) {
      equal.push_back(name);
    } else if (value.is_object() && other->is_object()) {
      DropEqual(value, *other);
    }
  }
  for (const std::string& name : equal) {
    before.erase(name);
    after.erase(name);
  }
}

using Key = std::pair<verify::Slot, std::string>;

std::map<Key, const CatalogAnchor*> ByKey(const Catalog& catalog) {
  std::map<Key, const CatalogAnchor*> anchors;
  for (const CatalogAnchor& anchor : catalog.anchors) {
    anchors[{anchor.slot, anchor.spki_sha256}] = &anchor;
  }
  return anchors;
}

ordered_json ChangesOf(const Catalog& before, const Catalog& after) {
  const auto old_anchors = ByKey(before);
  const auto new_anchors = ByKey(after);
  std::set<Key> keys;
  for (const auto& [key, anchor] : old_anchors) keys.insert(key);
  for (const auto& [key, anchor] : new_anchors) keys.insert(key);
  ordered_json changes = ordered_json::array();
  for (const Key& key : keys) {
    const auto old = old_anchors.find(key);
    const auto now = new_anchors.find(key);
    ordered_json change = {{"slot", verify::ToString(key.first)},
                           {"spki_sha256", key.second}};
    if (old == old_anchors.end()) {
      change["change"] = "added";
      change["after"] = ToJson(*now->second);
    } else if (now == new_anchors.end()) {
      change["change"] = "removed";
      change["before"] = ToJson(*old->second);
    } else if (*old->second != *now->second) {
      change["change"] = "changed";
      ordered_json was = ToJson(*old->second);
      ordered_json is = ToJson(*now->second);
      DropEqual(was, is);
      change["before"] = std::move(was);
      change["after"] = std::move(is);
    } else {
      continue;
    }
    changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace

absl::StatusOr<anchors::Reactivated> ParseReactivated(
    const std::vector<std::string>& texts) {
  anchors::Reactivated reactivated;
  for (const std::string& text : texts) {
    const std::vector<std::string> parts = absl::StrSplit(text, '/');
    const auto kind =
        parts.size() == 4 ? verify::AnchorKindNamed(parts[2]) : std::nullopt;
    if (!kind.has_value() || parts[3].size() != kSha256HexBytes ||
        parts[3].find_first_not_of("0123456789abcdef") != std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--reactivate: '", text,
          "' is not PARTITION/REGION/KIND/SHA-256, such as "
          "aws/eu-west-1/iid-rsa2048/0f3c..., with the whole key"));
    }
    reactivated.push_back({{parts[0], parts[1], *kind}, parts[3]});
  }
  return reactivated;
}

std::string TextOf(const anchors::ReactivatedKey& key) {
  return absl::StrCat(verify::ToString(key.slot), "/", key.spki_sha256);
}

std::string TextOf(const anchors::Reactivated& reactivated) {
  std::string text;
  for (const anchors::ReactivatedKey& key : reactivated) {
    absl::StrAppend(&text, "takes back into use  ", TextOf(key), "\n");
  }
  return text;
}

std::string TextOf(absl::Span<const anchors::SuccessorProblem> problems) {
  std::string text;
  for (const anchors::SuccessorProblem& problem : problems) {
    absl::StrAppend(&text, "  ", std::string(NameOf(problem.reason)), "  ",
                    verify::Printable(problem.sentence), "\n");
  }
  return text;
}

ordered_json StepToJson(const Catalog& before, const Catalog& after,
                        const anchors::Reactivated& reactivated,
                        absl::Span<const anchors::SuccessorProblem> problems) {
  ordered_json json = {{"legal", problems.empty()},
                       {"before", HeadOf(before)},
                       {"after", HeadOf(after)},
                       {"anchors", ChangesOf(before, after)},
                       {"reactivated", ordered_json::array()},
                       {"problems", ordered_json::array()}};
  for (const anchors::ReactivatedKey& key : reactivated) {
    json["reactivated"].push_back({{"slot", verify::ToString(key.slot)},
                                   {"spki_sha256", key.spki_sha256}});
  }
  for (const anchors::SuccessorProblem& problem : problems) {
    ordered_json one = {{"reason", NameOf(problem.reason)}};
    if (!problem.spki_sha256.empty()) {
      one["slot"] = verify::ToString(problem.slot);
      one["spki_sha256"] = problem.spki_sha256;
    }
    if (!problem.certificate_sha256.empty()) {
      one["certificate_sha256"] = problem.certificate_sha256;
    }
    one["detail"] = verify::Printable(problem.sentence);
    json["problems"].push_back(std::move(one));
  }
  return json;
}

}  // namespace anchorage::trustctl
