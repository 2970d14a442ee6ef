#include "tools/trustctl/ceremony_text.h"

#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "anchors/images/image_index.h"
#include "anchors/images/producers.h"
#include "anchors/releases.h"
#include "tools/trustctl/command.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustctl {
namespace {

using anchors::Catalog;
using anchors::CatalogAnchor;
using anchors::SignatureCount;
using anchors::tuf::RoleKeys;
using anchors::tuf::Root;
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

std::string KeyLine(const char* sign, const std::string& id, const Root& root) {
  const auto key = root.keys.find(id);
  return absl::StrCat(
      "    ", sign, " ", id, " ",
      key == root.keys.end() ? "unknown key" : Printable(key->second.keytype()),
      "\n");
}

// When an anchor verifies; nothing where that is always.
std::string WindowText(const CatalogAnchor& anchor) {
  std::string text;
  if (anchor.valid_from.has_value()) {
    absl::StrAppend(&text, " from ", Rfc3339(*anchor.valid_from));
  }
  if (anchor.valid_until.has_value()) {
    absl::StrAppend(&text, " until ", Rfc3339(*anchor.valid_until));
  }
  if (anchor.accept_until.has_value()) {
    absl::StrAppend(&text, " accepted until ", Rfc3339(*anchor.accept_until));
  }
  return text;
}

std::string AnchorText(const CatalogAnchor& anchor) {
  return absl::StrCat(verify::ToString(anchor.slot), " ",
                      std::string(verify::NameOf(anchor.status)), " key ",
                      anchor.spki_sha256, WindowText(anchor));
}

std::string CertificateText(const anchors::CatalogCertificate& certificate) {
  return absl::StrCat("certificate ", certificate.sha256, " serial ",
                      certificate.serial, " ", Rfc3339(certificate.not_before),
                      " to ", Rfc3339(certificate.not_after),
                      certificate.superseded ? " superseded" : "");
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
      last.valid_until != next.valid_until ||
      last.accept_until != next.accept_until) {
    absl::StrAppend(&text, "      window was", WindowText(last), "\n");
  }
  for (const auto& certificate : next.certificates) {
    const auto before = std::find_if(
        last.certificates.begin(), last.certificates.end(),
        [&](const auto& c) { return c.sha256 == certificate.sha256; });
    if (before == last.certificates.end()) {
      absl::StrAppend(&text, "      + ", CertificateText(certificate), "\n");
    } else if (before->superseded != certificate.superseded) {
      absl::StrAppend(&text, "      ~ ", CertificateText(certificate), "\n");
    }
  }
  for (const auto& certificate : last.certificates) {
    const bool is_gone = std::none_of(
        next.certificates.begin(), next.certificates.end(),
        [&](const auto& c) { return c.sha256 == certificate.sha256; });
    if (is_gone) {
      absl::StrAppend(&text, "      - ", CertificateText(certificate), "\n");
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
  std::string text = absl::StrCat("catalog sequence ", catalog.sequence, ", ",
                                  catalog.anchors.size(), " anchors, made ",
                                  Rfc3339(catalog.created), "\n");
  if (last == nullptr) {
    for (const CatalogAnchor& anchor : catalog.anchors) {
      absl::StrAppend(&text, "    ", AnchorText(anchor), "\n");
      for (const auto& certificate : anchor.certificates) {
        absl::StrAppend(&text, "      ", CertificateText(certificate), "\n");
      }
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
      for (const auto& certificate : anchor->certificates) {
        absl::StrAppend(&text, "      + ", CertificateText(certificate), "\n");
      }
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

namespace {

// Writes what came and what went between two lists of equal values.
template <typename Value, typename Line>
void AppendChanges(const std::vector<Value>& before,
                   const std::vector<Value>& after, const Line& line) {
  const auto contains = [](const std::vector<Value>& values, const Value& one) {
    return std::find(values.begin(), values.end(), one) != values.end();
  };
  for (const Value& one : after) {
    if (!contains(before, one)) line("+", one);
  }
  for (const Value& one : before) {
    if (!contains(after, one)) line("-", one);
  }
}

void AppendNotes(const std::string& notes, std::string& text) {
  if (!notes.empty()) {
    absl::StrAppend(&text, "        notes ", Printable(notes), "\n");
  }
}

absl::StatusOr<std::string> TextOfReleases(std::string_view next,
                                           std::string_view last) {
  const auto list = anchors::ParseReleases(next);
  if (!list.ok()) return list.status();
  std::vector<anchors::Release> before;
  if (!last.empty()) {
    auto parsed = anchors::ParseReleases(last);
    if (!parsed.ok()) return parsed.status();
    before = std::move(parsed->releases);
  }
  std::string text = absl::StrCat("releases sequence ", list->sequence, ", ",
                                  list->releases.size(), " of them\n");
  const auto line = [&](const char* sign, const anchors::Release& release) {
    absl::StrAppend(&text, "    ", sign, " ", release.product, " ",
                    release.name, " ", std::string(NameOf(release.type)), " ",
                    std::string(NameOf(release.status)), "\n");
    for (const auto& [index, value] : release.measurements) {
      absl::StrAppend(&text, "        PCR", index, " ",
                      absl::BytesToHexString(value), "\n");
    }
    AppendNotes(release.notes, text);
  };
  AppendChanges(before, list->releases, line);
  return text;
}

// Reads a text; an empty one is an empty list.
template <typename List>
absl::StatusOr<List> ReadLast(std::string_view text,
                              absl::StatusOr<List> (*parse)(std::string_view)) {
  return text.empty() ? List() : parse(text);
}

absl::StatusOr<std::string> TextOfProducers(std::string_view next,
                                            std::string_view last) {
  const auto list = anchors::ParseProducers(next);
  if (!list.ok()) return list.status();
  const auto before = ReadLast(last, anchors::ParseProducers);
  if (!before.ok()) return before.status();
  std::string text = absl::StrCat("producers sequence ", list->sequence, ", ",
                                  list->producers.size(), " of them\n");
  AppendChanges(before->producers, list->producers,
                [&](const char* sign, const anchors::Producer& producer) {
                  absl::StrAppend(&text, "    ", sign, " ", producer.name, " ",
                                  std::string(NameOf(producer.status)), " for ",
                                  absl::StrJoin(producer.products, ", "), "\n");
                  for (const std::string& der : producer.certificates) {
                    absl::StrAppend(&text, "        certificate ",
                                    verify::Sha256Hex(der), "\n");
                  }
                  AppendNotes(producer.notes, text);
                });
  return text;
}

absl::StatusOr<std::string> TextOfImages(std::string_view next,
                                         std::string_view last) {
  const auto index = anchors::ParseImageIndex(next);
  if (!index.ok()) return index.status();
  const auto before = ReadLast(last, anchors::ParseImageIndex);
  if (!before.ok()) return before.status();
  std::string text = absl::StrCat("images sequence ", index->sequence, ", ",
                                  index->images.size(), " of them\n");
  AppendChanges(
      before->images, index->images,
      [&](const char* sign, const anchors::Image& image) {
        absl::StrAppend(&text, "    ", sign, " ", image.product, " ",
                        image.version, " ", std::string(NameOf(image.status)),
                        " of ", image.producer, ", received ",
                        Rfc3339(image.received), "\n        manifest ",
                        image.manifest_sha256, "\n");
        if (!image.disk_sha256.empty()) {
          absl::StrAppend(&text, "        disk ", image.disk_sha256, "\n");
        }
        for (const anchors::ImageLocation& at : image.locations) {
          absl::StrAppend(&text, "        ", at.region, " ",
                          at.account.empty() ? "any account" : at.account, " ",
                          at.image_id, "\n");
        }
        AppendNotes(image.notes, text);
      });
  AppendChanges(before->floors, index->floors,
                [&](const char* sign, const anchors::ProductFloor& floor) {
                  absl::StrAppend(&text, "    ", sign, " ", floor.product,
                                  " not below ", floor.least_version, "\n");
                });
  return text;
}

// What people see of each target beside the catalog.
struct TargetText {
  std::string_view path;
  absl::StatusOr<std::string> (*text)(std::string_view next,
                                      std::string_view last);
};

constexpr TargetText kTargetTexts[] = {
    {anchors::kReleasesTargetPath, TextOfReleases},
    {anchors::kProducersTargetPath, TextOfProducers},
    {anchors::kImagesTargetPath, TextOfImages},
};

}  // namespace

absl::StatusOr<std::string> TextOfBeside(const anchors::TargetKind& kind,
                                         std::string_view next,
                                         std::string_view last) {
  const std::string name(kind.name);
  if (next.empty()) {
    return last.empty() ? std::string()
                        : absl::StrCat("- ", name, ": none from now on; ",
                                       std::string(kind.without), "\n");
  }
  for (const TargetText& target : kTargetTexts) {
    if (target.path == kind.path) return target.text(next, last);
  }
  return absl::FailedPreconditionError(
      absl::StrCat("this program cannot show the ", std::string(kind.title)));
}

std::string RepositoryText(const anchors::Ceremony& ceremony) {
  if (ceremony.roots.empty()) return "for a new repository\n";
  return absl::StrCat("for the repository whose 1.root.json has SHA-256 ",
                      verify::Sha256Hex(ceremony.roots.front()), "\n");
}

std::string RulesText() {
  return absl::StrCat("checked by the rules of ", Program(),
                      ": as a client of that version does\n");
}

int ShowCounts(const std::string& folder, anchors::DraftKind kind,
               const Output& output) {
  const auto ceremony = anchors::ReadCeremony(folder);
  if (!ceremony.ok()) return Fail(ceremony.status());
  const auto counts = anchors::CountSignatures(*ceremony, kind);
  if (!counts.ok()) return Fail(counts.status());
  output.Print({{"signatures", ToJson(*counts)}}, {.rows = "signatures"},
               [&] { std::cout << TextOf(*counts); });
  return kAccepted;
}

}  // namespace anchorage::trustctl
