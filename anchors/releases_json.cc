// The text form of a list of releases: the proto3 JSON mapping of
// anchorage.v1.ReleaseList, read strictly and written canonically.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "anchors/proto_json.h"
#include "anchors/releases.h"
#include "verify/encoding/base64.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::AttestationType;
using verify::Reason;
using verify::ReleaseStatus;

// Deepest: list, releases, release, measurements; twice that leaves room for
// members of a later version.
constexpr int kMaxDepth = 8;

constexpr std::array<EnumName<AttestationType>, 2> kTypeNames = {{
    {AttestationType::kEnclave, "RELEASE_TYPE_ENCLAVE"},
    {AttestationType::kNitroTpm, "RELEASE_TYPE_NITROTPM"},
}};

constexpr std::array<EnumName<ReleaseStatus>, 3> kStatusNames = {{
    {ReleaseStatus::kActive, "RELEASE_STATUS_ACTIVE"},
    {ReleaseStatus::kRetired, "RELEASE_STATUS_RETIRED"},
    {ReleaseStatus::kRevoked, "RELEASE_STATUS_REVOKED"},
}};

// --- Reading ---------------------------------------------------------------

std::map<int, std::string> ReadPcrs(JsonFields& fields) {
  constexpr char kName[] = "measurements";
  std::map<int, std::string> pcrs;
  fields.ForEachString(
      kName, verify::kPcrCount,
      [&](const std::string& key, const std::string& hex) {
        int index = 0;
        // One text for one value, both of the index and of the hash.
        if (!absl::SimpleAtoi(key, &index) || absl::StrCat(index) != key) {
          fields.Fail(Reason::kFieldInvalid, kName, "has a key that is no PCR");
        }
        auto bytes = verify::DecodeHex(hex);
        if (!bytes.ok() || absl::BytesToHexString(*bytes) != hex) {
          fields.Fail(Reason::kEncodingMalformed, kName,
                      "has a value that is not lower-case hex");
          return;
        }
        pcrs.emplace(index, *std::move(bytes));
      });
  return pcrs;
}

// Returns nullopt for a release of a type or status that we do not know:
// nothing else of it is read.
std::optional<Release> ReadRelease(JsonFields fields) {
  const auto type = fields.RequiredEnum("type", kTypeNames);
  const auto status = fields.RequiredEnum("status", kStatusNames);
  if (!type || !status) return std::nullopt;
  Release release;
  release.product = fields.RequiredString("product");
  release.name = fields.RequiredString("name");
  release.image_ids = fields.OptionalStrings("imageIds", kMaxImagesPerRelease);
  release.type = *type;
  release.measurements = ReadPcrs(fields);
  release.valid_from = fields.OptionalTime("validFrom");
  release.valid_until = fields.OptionalTime("validUntil");
  release.status = *status;
  release.notes = fields.OptionalString("notes");
  release.allow_extensions = fields.OptionalString("allowExtensions");
  return release;
}

// Reads all but the releases.
void ReadHeader(JsonFields fields, ReleaseList& list) {
  if (fields.RequiredString("mediaType") != kReleasesMediaType) {
    fields.Fail(Reason::kFieldInvalid, "mediaType",
                "is not a list of releases'");
  }
  list.sequence = fields.RequiredUint64("sequence");
  list.created = fields.RequiredTime("createdTime");
  fields.ForEach("releases", kMaxReleases, [](const JsonFields&) {});
}

// --- Writing ---------------------------------------------------------------

void WritePcrs(const std::map<int, std::string>& pcrs, std::string& out) {
  JsonObject object(out);
  for (const auto& [index, value] : pcrs) {
    object.String(absl::StrCat(index), absl::BytesToHexString(value));
  }
}

void WriteRelease(const Release& release, std::string& out) {
  JsonObject object(out);
  object.String("product", release.product);
  object.String("name", release.name);
  object.Strings("imageIds", release.image_ids);
  object.String("type", NameIn(kTypeNames, release.type));
  object.Key("measurements");
  WritePcrs(release.measurements, out);
  object.Time("validFrom", release.valid_from);
  object.Time("validUntil", release.valid_until);
  object.String("status", NameIn(kStatusNames, release.status));
  object.String("notes", release.notes);
  object.String("allowExtensions", release.allow_extensions);
}

void WriteList(const ReleaseList& list, std::string& out) {
  JsonObject object(out);
  object.String("mediaType", kReleasesMediaType);
  object.String("sequence", absl::StrCat(list.sequence));
  object.Time("createdTime", list.created);
  object.Array("releases", list.releases,
               [&](const Release& release) { WriteRelease(release, out); });
}

}  // namespace

absl::StatusOr<ReleaseList> ParseReleases(std::string_view json) {
  ReleaseList list;
  absl::Status header;
  absl::Status releases;
  const auto text = FlatJson::Read(
      json, {.max_bytes = kMaxReleasesBytes, .max_depth = kMaxDepth},
      {.name = "releases",
       .limit = kMaxReleases,
       .read = [&](const FlatValue& value, std::size_t index) {
         if (!releases.ok()) return;
         auto release = ReadRelease(
             JsonFields(value, "releases.releases", index, &releases));
         if (release) {
           list.releases.push_back(*std::move(release));
         } else {
           ++list.skipped;
         }
       }});
  if (!text.ok()) return text.status();
  ReadHeader(JsonFields(text->value(), "releases", &header), list);
  if (!header.ok()) return header;
  if (!releases.ok()) return releases;
  if (absl::Status s = CheckReleases(list); !s.ok()) return s;
  Sort(list);
  return list;
}

std::string SerializeReleases(const ReleaseList& list) {
  ReleaseList sorted = list;
  Sort(sorted);
  std::string out;
  WriteList(sorted, out);
  return out;
}

}  // namespace anchorage::anchors
