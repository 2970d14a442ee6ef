#include "tools/trustctl/ceremony_text.h"

#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/trustctl/command.h"

namespace anchorage::trustctl {
namespace {

using anchors::Catalog;
using anchors::CatalogAnchor;
using anchors::SignatureCount;
using anchors::tuf::Root;
using anchors::tuf::RoleKeys;
using nlohmann::ordered_json;

// How much of a hash is enough to tell keys apart at a glance. What is signed
// is the whole of it.
constexpr std::size_t kShort = 16;

constexpr std::array<std::pair<const char*, RoleKeys Root::*>, 4> kRoles = {
    {{"root", &Root::root},
     {"targets", &Root::targets},
     {"snapshot", &Root::snapshot},
     {"timestamp", &Root::timestamp}}};

bool Contains(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

std::string KeyLine(const char* sign, const std::string& id,
                    const Root& root) {
  const auto key = root.keys.find(id);
  return absl::StrCat("    ", sign, " ", id, " ",
                      key == root.keys.end() ? "unknown key"
                                             : key->second.keytype(),
                      "\n");
}

std::string AnchorText(const CatalogAnchor& anchor) {
  return absl::StrCat(verify::ToString(anchor.slot), " ",
                      std::string(verify::NameOf(anchor.status)), " key ",
                      anchor.spki_sha256.substr(0, kShort));
}

// What differs between two states of one anchor.
std::string ChangesOf(const CatalogAnchor& last, const CatalogAnchor& next) {
  std::string text;
  if (last.status != next.status) {
    absl::StrAppend(&text, "      status ",
                    std::string(verify::NameOf(last.status)), " -> ",
                    std::string(verify::NameOf(next.status)), "\n");
  }
  if (last.valid_from != next.valid_from ||
      last.valid_until != next.valid_until) {
    absl::StrAppend(&text, "      window changed\n");
  }
  for (const auto& certificate : next.certificates) {
    const bool is_new = std::none_of(
        last.certificates.begin(), last.certificates.end(),
        [&](const auto& c) { return c.sha256 == certificate.sha256; });
    if (!is_new) continue;
    absl::StrAppend(&text, "      + certificate ",
                    certificate.sha256.substr(0, kShort), " serial ",
                    certificate.serial, " ", Rfc3339(certificate.not_before),
                    " to ", Rfc3339(certificate.not_after), "\n");
  }
  for (const auto& certificate : last.certificates) {
    const bool is_gone = std::none_of(
        next.certificates.begin(), next.certificates.end(),
        [&](const auto& c) { return c.sha256 == certificate.sha256; });
    if (is_gone) {
      absl::StrAppend(&text, "      - certificate ",
                      certificate.sha256.substr(0, kShort), "\n");
    }
  }
  return text;
}

using AnchorsByKey =
    std::map<std::pair<std::string, std::string>, const CatalogAnchor*>;

AnchorsByKey ByKey(const Catalog& catalog) {
  AnchorsByKey anchors;
  for (const CatalogAnchor& anchor : catalog.anchors) {
    anchors[{verify::ToString(anchor.slot), anchor.spki_sha256}] = &anchor;
  }
  return anchors;
}

}  // namespace

std::string TextOf(const Root& root, const Root* last) {
  std::string text =
      absl::StrCat("root version ", root.envelope.version, ", good until ",
                   Rfc3339(root.envelope.expires), "\n");
  for (const auto& [name, role] : kRoles) {
    const RoleKeys& keys = root.*role;
    absl::StrAppend(&text, "  ", name, ": ", keys.threshold, " of ",
                    keys.keyids.size());
    if (last != nullptr && (last->*role).threshold != keys.threshold) {
      absl::StrAppend(&text, " (before: ", (last->*role).threshold, ")");
    }
    absl::StrAppend(&text, "\n");
    for (const std::string& id : keys.keyids) {
      const bool is_new =
          last != nullptr && !Contains((last->*role).keyids, id);
      absl::StrAppend(&text, KeyLine(is_new ? "+" : " ", id, root));
    }
    if (last == nullptr) continue;
    for (const std::string& id : (last->*role).keyids) {
      if (!Contains(keys.keyids, id)) {
        absl::StrAppend(&text, KeyLine("-", id, *last));
      }
    }
  }
  return text;
}

std::string TextOf(const Catalog& catalog, const Catalog* last) {
  std::string text =
      absl::StrCat("catalog sequence ", catalog.sequence, ", ",
                   catalog.anchors.size(), " anchors, made ",
                   Rfc3339(catalog.created), "\n");
  if (last == nullptr) {
    for (const CatalogAnchor& anchor : catalog.anchors) {
      absl::StrAppend(&text, "    ", AnchorText(anchor), "\n");
    }
    return text;
  }
  const AnchorsByKey before = ByKey(*last);
  const AnchorsByKey after = ByKey(catalog);
  absl::StrAppend(&text, "  against sequence ", last->sequence, ":\n");
  const std::size_t head = text.size();
  for (const auto& [key, anchor] : after) {
    const auto found = before.find(key);
    if (found == before.end()) {
      absl::StrAppend(&text, "    + ", AnchorText(*anchor), "\n");
    } else if (const std::string changes = ChangesOf(*found->second, *anchor);
               !changes.empty()) {
      absl::StrAppend(&text, "    ~ ", AnchorText(*anchor), "\n", changes);
    }
  }
  for (const auto& [key, anchor] : before) {
    if (after.count(key) == 0) {
      absl::StrAppend(&text, "    - ", AnchorText(*anchor), "\n");
    }
  }
  if (text.size() == head) absl::StrAppend(&text, "    no anchor changes\n");
  return text;
}

std::string TextOf(const std::vector<SignatureCount>& counts) {
  std::string text;
  for (const SignatureCount& count : counts) {
    absl::StrAppend(&text, count.who, ": ", count.signed_by.size(), " of ",
                    count.threshold, " needed signatures");
    if (!count.enough()) {
      absl::StrAppend(
          &text, ", missing from ",
          absl::StrJoin(count.missing, ", ",
                        [](std::string* out, const std::string& id) {
                          absl::StrAppend(out, id.substr(0, kShort));
                        }));
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

ordered_json ToJson(const Root& root) {
  ordered_json json = {{"version", root.envelope.version},
                       {"expires", Rfc3339(root.envelope.expires)}};
  for (const auto& [name, role] : kRoles) {
    json["roles"][name] = {{"threshold", (root.*role).threshold},
                           {"keyids", (root.*role).keyids}};
  }
  return json;
}

ordered_json ToJson(const std::vector<SignatureCount>& counts) {
  ordered_json json = ordered_json::array();
  for (const SignatureCount& count : counts) {
    json.push_back({{"who", count.who},
                    {"threshold", count.threshold},
                    {"signed_by", count.signed_by},
                    {"missing", count.missing}});
  }
  return json;
}

int ShowCounts(const std::string& folder, anchors::DraftKind kind, bool json) {
  const auto ceremony = anchors::ReadCeremony(folder);
  if (!ceremony.ok()) return Fail(ceremony.status());
  const auto counts = anchors::CountSignatures(*ceremony, kind);
  if (!counts.ok()) return Fail(counts.status());
  if (json) {
    std::cout << ordered_json{{"signatures", ToJson(*counts)}}.dump(2) << "\n";
  } else {
    std::cout << TextOf(*counts);
  }
  return kAccepted;
}

}  // namespace anchorage::trustctl
