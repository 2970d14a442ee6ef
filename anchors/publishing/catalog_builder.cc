// What BuildCatalog() checks, in this order:
//
//   1. the record: its members, and that it names every file exactly once;
//   2. for each file: the hashes of certificate and key, the slot and the
//      file's name, that every place is known and how many copies agree;
//   3. for each anchor: exactly one certificate in use;
//   4. everything that CheckCatalog() checks.

#include "anchors/publishing/catalog_builder.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/json.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::AnchorKind;
using verify::JsonValue;

constexpr std::size_t kMaxSourcesBytes = 1024 * 1024;
constexpr std::string_view kIidPrefix = "iid-";

// A place where certificates were found.
struct Place {
  Publication publication;
  // How many copies of the whole certificate it holds; 0 where it only quotes
  // one, by its fingerprint.
  int copies = 1;
};

using Places = std::map<std::string, Place>;

// One certificate, as the record has it.
struct Entry {
  std::string file;
  verify::Slot slot;
  std::string sha256;
  std::string spki_sha256;
  bool superseded = false;
  int copies = 0;
  std::vector<std::string> sources;
};

absl::Status Wrong(std::string_view where, std::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat(std::string(where), ": ", std::string(what)));
}

// --- 1. The record ----------------------------------------------------------

// The record is our own, so a member that nothing reads is a mistake.
absl::Status CheckMembers(const JsonValue& object, std::string_view where,
                          const std::set<std::string_view>& known) {
  if (object.kind() != JsonValue::Kind::kObject) {
    return Wrong(where, "not an object");
  }
  for (const auto& [name, value] : object.members()) {
    if (!known.contains(name)) {
      return Wrong(where, absl::StrCat("unknown member \"", name, "\""));
    }
  }
  return absl::OkStatus();
}

std::string TextOf(const JsonValue& object, std::string_view name) {
  const JsonValue* member = object.Find(name);
  if (member == nullptr) return "";
  return std::string(member->AsString().value_or(""));
}

int NumberOf(const JsonValue& object, std::string_view name, int otherwise) {
  const JsonValue* member = object.Find(name);
  if (member == nullptr) return otherwise;
  return static_cast<int>(member->AsInteger().value_or(otherwise));
}

absl::StatusOr<Places> ReadPlaces(const JsonValue& record) {
  const JsonValue* object = record.Find("places");
  if (object == nullptr || object->kind() != JsonValue::Kind::kObject) {
    return Wrong("sources.json", "no object \"places\"");
  }
  Places places;
  for (const auto& [id, value] : object->members()) {
    if (absl::Status s =
            CheckMembers(value, id, {"publisher", "location", "copies"});
        !s.ok()) {
      return s;
    }
    places[id] = {{TextOf(value, "publisher"), TextOf(value, "location")},
                  NumberOf(value, "copies", 1)};
  }
  return places;
}

absl::StatusOr<Entry> ReadEntry(const JsonValue& value) {
  const std::string file = TextOf(value, "file");
  const std::string where = absl::StrCat("sources.json: \"", file, "\"");
  if (absl::Status s =
          CheckMembers(value, where,
                       {"file", "partition", "region", "kind", "sha256",
                        "spki_sha256", "superseded", "copies", "sources"});
      !s.ok()) {
    return s;
  }
  const auto kind = verify::AnchorKindNamed(TextOf(value, "kind"));
  if (!kind) return Wrong(where, "unknown kind");
  Entry entry;
  entry.file = file;
  entry.slot = {TextOf(value, "partition"), TextOf(value, "region"), *kind};
  entry.sha256 = TextOf(value, "sha256");
  entry.spki_sha256 = TextOf(value, "spki_sha256");
  entry.copies = NumberOf(value, "copies", 0);
  if (const JsonValue* superseded = value.Find("superseded")) {
    entry.superseded = superseded->AsBool().value_or(false);
  }
  if (const JsonValue* sources = value.Find("sources")) {
    for (const JsonValue& source : sources->elements()) {
      entry.sources.emplace_back(source.AsString().value_or(""));
    }
  }
  return entry;
}

absl::StatusOr<std::vector<Entry>> ReadEntries(
    const JsonValue& record, const std::map<std::string, std::string>& pems) {
  const JsonValue* array = record.Find("certificates");
  if (array == nullptr) return Wrong("sources.json", "no \"certificates\"");
  std::vector<Entry> entries;
  std::set<std::string> listed;
  for (const JsonValue& value : array->elements()) {
    auto entry = ReadEntry(value);
    if (!entry.ok()) return entry.status();
    if (!pems.contains(entry->file)) {
      return Wrong(entry->file, "listed in sources.json, and not a file");
    }
    if (!listed.insert(entry->file).second) {
      return Wrong(entry->file, "listed twice in sources.json");
    }
    entries.push_back(*std::move(entry));
  }
  for (const auto& [file, pem] : pems) {
    if (!listed.contains(file)) {
      return Wrong(file, "a file that is not listed in sources.json");
    }
  }
  return entries;
}

// --- 2. A certificate -------------------------------------------------------

// The name that a file must begin with: the region and AWS's word for the
// kind, or the partition and "nitro-root".
std::string FileStem(const verify::Slot& slot) {
  const std::string_view kind = NameOf(slot.kind);
  return slot.kind == AnchorKind::kNitroRoot
             ? absl::StrCat(slot.partition, ".", std::string(kind))
             : absl::StrCat(slot.region, ".",
                            std::string(kind.substr(kIidPrefix.size())));
}

absl::Status CheckFileName(const Entry& entry) {
  const std::string stem = FileStem(entry.slot);
  if (!entry.file.starts_with(stem) || !entry.file.ends_with(".pem")) {
    return Wrong(entry.file,
                 absl::StrCat("its slot's file is named ", stem, "*.pem"));
  }
  if ((entry.file.find(".superseded-") != std::string::npos) !=
      entry.superseded) {
    return Wrong(entry.file, "name and \"superseded\" disagree");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Publication>> SourcesOf(const Entry& entry,
                                                   const Places& places) {
  std::vector<Publication> sources;
  // Two versions of one publisher's file are one copy.
  std::map<std::string, int> copies;
  for (const std::string& id : entry.sources) {
    const auto place = places.find(id);
    if (place == places.end()) {
      return Wrong(entry.file, absl::StrCat("unknown place \"", id, "\""));
    }
    sources.push_back(place->second.publication);
    int& most = copies[place->second.publication.publisher];
    most = std::max(most, place->second.copies);
  }
  int total = 0;
  for (const auto& [publisher, count] : copies) total += count;
  if (total != entry.copies || total == 0) {
    return Wrong(entry.file,
                 absl::StrCat("its places have ", total,
                              " copies, and \"copies\" says ", entry.copies));
  }
  return sources;
}

absl::StatusOr<CatalogCertificate> ReadCertificate(const Entry& entry,
                                                   std::string_view pem,
                                                   const Places& places) {
  if (absl::Status s = CheckFileName(entry); !s.ok()) return s;
  auto der = verify::DecodePem(pem, "CERTIFICATE");
  if (!der.ok()) return Wrong(entry.file, der.status().ToString());
  auto certificate = MakeCertificate(*std::move(der));
  if (!certificate.ok()) {
    return Wrong(entry.file, certificate.status().ToString());
  }
  if (certificate->sha256 != entry.sha256) {
    return Wrong(entry.file,
                 absl::StrCat("SHA-256 is ", certificate->sha256,
                              ", sources.json says ", entry.sha256));
  }
  auto sources = SourcesOf(entry, places);
  if (!sources.ok()) return sources.status();
  certificate->sources = *std::move(sources);
  certificate->superseded = entry.superseded;
  return certificate;
}

// --- 3. The anchors ---------------------------------------------------------

using Anchors = std::map<std::pair<verify::Slot, std::string>, CatalogAnchor>;

absl::Status AddTo(Anchors& anchors, const Entry& entry,
                   CatalogCertificate certificate) {
  const auto facts = ReadCertificateFacts(certificate.der);
  if (!facts.ok()) return Wrong(entry.file, facts.status().ToString());
  const std::string spki_sha256 = verify::Sha256Hex(facts->spki_der);
  if (spki_sha256 != entry.spki_sha256) {
    return Wrong(entry.file,
                 absl::StrCat("the key's SHA-256 is ", spki_sha256,
                              ", sources.json says ", entry.spki_sha256));
  }
  if (!KeyFitsKind(facts->key, entry.slot.kind)) {
    return Wrong(entry.file, "the key is not one of its kind");
  }
  CatalogAnchor& anchor = anchors[{entry.slot, spki_sha256}];
  anchor.slot = entry.slot;
  anchor.status = verify::AnchorStatus::kActive;
  anchor.spki_sha256 = spki_sha256;
  anchor.spki_der = facts->spki_der;
  anchor.certificates.push_back(std::move(certificate));
  return absl::OkStatus();
}

absl::Status CheckInUse(const CatalogAnchor& anchor) {
  const auto in_use =
      std::count_if(anchor.certificates.begin(), anchor.certificates.end(),
                    [](const CatalogCertificate& c) { return !c.superseded; });
  if (in_use == 1) return absl::OkStatus();
  return Wrong(verify::ToString(anchor.slot),
               absl::StrCat(in_use, " certificates of the key ",
                            anchor.spki_sha256, " are not superseded"));
}

absl::StatusOr<absl::Time> AsOf(const JsonValue& record) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime("%Y-%m-%dT%H:%M:%SZ", TextOf(record, "as_of"), &time,
                       &error)) {
    return Wrong("sources.json", "\"as_of\" is not a time: " + error);
  }
  return time;
}

}  // namespace

absl::StatusOr<Catalog> BuildCatalog(
    std::string_view sources_json,
    const std::map<std::string, std::string>& pems, std::uint64_t sequence) {
  const auto record =
      verify::ParseJson(sources_json, {.max_bytes = kMaxSourcesBytes});
  if (!record.ok()) return Wrong("sources.json", record.status().ToString());
  if (absl::Status s = CheckMembers(*record, "sources.json",
                                    {"as_of", "places", "certificates"});
      !s.ok()) {
    return s;
  }
  const auto as_of = AsOf(*record);
  if (!as_of.ok()) return as_of.status();
  const auto places = ReadPlaces(*record);
  if (!places.ok()) return places.status();
  const auto entries = ReadEntries(*record, pems);
  if (!entries.ok()) return entries.status();

  Anchors anchors;
  for (const Entry& entry : *entries) {
    auto certificate = ReadCertificate(entry, pems.at(entry.file), *places);
    if (!certificate.ok()) return certificate.status();
    absl::Status s = AddTo(anchors, entry, *std::move(certificate));
    if (!s.ok()) return s;
  }
  Catalog catalog;
  catalog.sequence = sequence;
  catalog.created = *as_of;
  catalog.refresh_hint = kBakedRefreshHint;
  for (auto& [id, anchor] : anchors) {
    if (absl::Status s = CheckInUse(anchor); !s.ok()) return s;
    catalog.anchors.push_back(std::move(anchor));
  }
  Sort(catalog);
  if (absl::Status s = CheckCatalog(catalog); !s.ok()) return s;
  return catalog;
}

}  // namespace anchorage::anchors
