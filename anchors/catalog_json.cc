// The text form of a catalog: the proto3 JSON mapping of anchorage.v1.Catalog,
// read strictly and written canonically.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "anchors/catalog.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/der.h"
#include "verify/encoding/json.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::AnchorKind;
using verify::AnchorStatus;
using verify::JsonValue;
using verify::Reason;
using verify::Reject;

// Deepest: catalog, anchors, anchor, certificates, certificate, sources,
// source; twice that leaves room for members of a later version.
constexpr int kMaxDepth = 14;

template <typename T>
struct EnumName {
  T value;
  std::string_view name;
};

constexpr std::array<EnumName<AnchorKind>, 4> kKindNames = {{
    {AnchorKind::kIidDsa, "ANCHOR_KIND_IID_DSA"},
    {AnchorKind::kIidRsa1024, "ANCHOR_KIND_IID_RSA1024"},
    {AnchorKind::kIidRsa2048, "ANCHOR_KIND_IID_RSA2048"},
    {AnchorKind::kNitroRoot, "ANCHOR_KIND_NITRO_ROOT"},
}};

constexpr std::array<EnumName<AnchorStatus>, 5> kStatusNames = {{
    {AnchorStatus::kAnnounced, "ANCHOR_STATUS_ANNOUNCED"},
    {AnchorStatus::kActive, "ANCHOR_STATUS_ACTIVE"},
    {AnchorStatus::kRetiring, "ANCHOR_STATUS_RETIRING"},
    {AnchorStatus::kRetired, "ANCHOR_STATUS_RETIRED"},
    {AnchorStatus::kRevoked, "ANCHOR_STATUS_REVOKED"},
}};

// A 0 stands for any digit.
constexpr std::string_view kTimeForm = "0000-00-00T00:00:00Z";
constexpr std::string_view kUnspecifiedSuffix = "_UNSPECIFIED";

// --- Reading ---------------------------------------------------------------

// Reads the members of one object. The first failure is kept in `status`,
// shared by all objects of one text; after it every read gives a default, so
// that a caller checks once, at the end.
class Fields {
 public:
  Fields(const JsonValue& value, std::string path, absl::Status* status)
      : value_(value), path_(std::move(path)), status_(*status) {
    if (value.kind() != JsonValue::Kind::kObject) {
      Fail(Reason::kFieldInvalid, "", "is not an object");
    }
  }

  void Fail(Reason reason, std::string_view name, std::string_view what) {
    if (!status_.ok()) return;
    status_ = Reject(reason, absl::StrCat(path_, ".", std::string(name), " ",
                                          std::string(what)));
  }

  const JsonValue* Required(std::string_view name) {
    const JsonValue* member = value_.Find(name);
    if (member == nullptr) Fail(Reason::kFieldMissing, name, "is missing");
    return member;
  }

  // The default of a string is the empty one, which the text leaves out.
  std::string OptionalString(std::string_view name) {
    const JsonValue* member = value_.Find(name);
    return member == nullptr ? "" : StringOf(*member, name);
  }

  std::string RequiredString(std::string_view name) {
    const JsonValue* member = Required(name);
    return member == nullptr ? "" : StringOf(*member, name);
  }

  bool OptionalBool(std::string_view name) {
    const JsonValue* member = value_.Find(name);
    if (member == nullptr) return false;
    const auto value = member->AsBool();
    if (!value) Fail(Reason::kFieldInvalid, name, "is not true or false");
    return value.value_or(false);
  }

  std::string RequiredBytes(std::string_view name) {
    const std::string text = RequiredString(name);
    if (!status_.ok()) return "";
    auto bytes = verify::DecodeBase64(text);
    // The decoder ignores white space, as the metadata service needs it; here
    // there is one text for the same bytes.
    if (!bytes.ok() || absl::Base64Escape(*bytes) != text) {
      Fail(Reason::kEncodingMalformed, name, "is not base64");
      return "";
    }
    return *std::move(bytes);
  }

  std::uint64_t RequiredUint64(std::string_view name) {
    const std::string text = RequiredString(name);
    std::uint64_t value = 0;
    // Written back, so that no sign, zero or blank in front gets through.
    if (!absl::SimpleAtoi(text, &value) || absl::StrCat(value) != text) {
      Fail(Reason::kFieldInvalid, name, "is not an unsigned integer");
    }
    return value;
  }

  std::optional<absl::Time> OptionalTime(std::string_view name) {
    if (value_.Find(name) == nullptr) return std::nullopt;
    return RequiredTime(name);
  }

  // "YYYY-MM-DDTHH:MM:SSZ" and no other form.
  absl::Time RequiredTime(std::string_view name) {
    const std::string text = RequiredString(name);
    std::string digits;
    bool separated = text.size() == kTimeForm.size();
    for (std::size_t i = 0; separated && i < kTimeForm.size(); ++i) {
      separated = kTimeForm[i] == '0' || kTimeForm[i] == text[i];
      if (kTimeForm[i] == '0') digits.push_back(text[i]);
    }
    const auto time =
        separated ? verify::ParseGeneralizedTime(digits + "Z") : std::nullopt;
    if (!time) Fail(Reason::kFieldInvalid, name, "is not a time in seconds");
    return time.value_or(absl::UnixEpoch());
  }

  // "300s". The default is zero, which the text leaves out.
  absl::Duration OptionalSeconds(std::string_view name) {
    const std::string text = OptionalString(name);
    if (text.empty()) return absl::ZeroDuration();
    std::uint32_t seconds = 0;
    if (!absl::SimpleAtoi(text.substr(0, text.size() - 1), &seconds) ||
        absl::StrCat(seconds, "s") != text) {
      Fail(Reason::kFieldInvalid, name, "is not a number of seconds");
    }
    return absl::Seconds(seconds);
  }

  // nullopt for a name that we do not know; the type's own "unspecified" is
  // not unknown but wrong.
  template <typename T, std::size_t N>
  std::optional<T> RequiredEnum(std::string_view name,
                                const std::array<EnumName<T>, N>& names) {
    const std::string text = RequiredString(name);
    for (const auto& [value, known] : names) {
      if (text == known) return value;
    }
    if (text.ends_with(kUnspecifiedSuffix)) {
      Fail(Reason::kFieldInvalid, name, "is unspecified");
    }
    return std::nullopt;
  }

  // Calls `read` with each object of an array; an absent array is empty.
  template <typename Read>
  void ForEach(std::string_view name, std::size_t limit, Read read) {
    const JsonValue* member = value_.Find(name);
    if (member == nullptr) return;
    if (member->kind() != JsonValue::Kind::kArray) {
      Fail(Reason::kFieldInvalid, name, "is not an array");
    }
    if (member->elements().size() > limit) {
      Fail(Reason::kInputTooLarge, name,
           absl::StrCat("has more than ", limit, " elements"));
    }
    for (std::size_t i = 0; i < member->elements().size() && status_.ok();
         ++i) {
      read(Fields(member->elements()[i],
                  absl::StrCat(path_, ".", std::string(name), "[", i, "]"),
                  &status_));
    }
  }

  Fields RequiredObject(std::string_view name) {
    static const JsonValue* const kNone = new JsonValue();
    const JsonValue* member = Required(name);
    return Fields(member == nullptr ? *kNone : *member,
                  absl::StrCat(path_, ".", std::string(name)), &status_);
  }

 private:
  std::string StringOf(const JsonValue& member, std::string_view name) {
    const auto text = member.AsString();
    if (!text) Fail(Reason::kFieldInvalid, name, "is not a string");
    return std::string(text.value_or(""));
  }

  const JsonValue& value_;
  std::string path_;
  absl::Status& status_;
};

CatalogCertificate ReadCertificate(Fields fields) {
  CatalogCertificate certificate;
  certificate.der = fields.RequiredBytes("der");
  certificate.sha256 = fields.RequiredString("sha256");
  certificate.not_before = fields.RequiredTime("notBefore");
  certificate.not_after = fields.RequiredTime("notAfter");
  certificate.serial = fields.RequiredString("serial");
  fields.ForEach("sources", kMaxSourcesPerCertificate, [&](Fields source) {
    certificate.sources.push_back({source.RequiredString("publisher"),
                                   source.OptionalString("location")});
  });
  certificate.superseded = fields.OptionalBool("superseded");
  return certificate;
}

// Returns nullopt for an anchor of a kind or status that we do not know:
// nothing else of it is read.
std::optional<CatalogAnchor> ReadAnchor(Fields fields) {
  Fields slot = fields.RequiredObject("slot");
  const auto kind = slot.RequiredEnum("kind", kKindNames);
  const auto status = fields.RequiredEnum("status", kStatusNames);
  if (!kind || !status) return std::nullopt;
  CatalogAnchor anchor;
  anchor.slot.partition = slot.RequiredString("partition");
  anchor.slot.region = slot.OptionalString("region");
  anchor.slot.kind = *kind;
  anchor.status = *status;
  anchor.spki_sha256 = fields.RequiredString("spkiSha256");
  anchor.spki_der = fields.RequiredBytes("spkiDer");
  anchor.valid_from = fields.OptionalTime("validFrom");
  anchor.valid_until = fields.OptionalTime("validUntil");
  fields.ForEach(
      "certificates", kMaxCertificatesPerAnchor, [&](Fields certificate) {
        anchor.certificates.push_back(ReadCertificate(std::move(certificate)));
      });
  anchor.first_seen = fields.OptionalTime("firstSeenTime");
  anchor.replaces = fields.OptionalString("replaces");
  return anchor;
}

Catalog ReadCatalog(Fields fields) {
  Catalog catalog;
  if (fields.RequiredString("mediaType") != kCatalogMediaType) {
    fields.Fail(Reason::kFieldInvalid, "mediaType", "is not a catalog's");
  }
  catalog.sequence = fields.RequiredUint64("sequence");
  catalog.created = fields.RequiredTime("createdTime");
  catalog.refresh_hint = fields.OptionalSeconds("refreshHint");
  fields.ForEach("anchors", verify::AnchorSet::kMaxAnchors,
                 [&](Fields element) {
                   auto anchor = ReadAnchor(std::move(element));
                   if (anchor) {
                     catalog.anchors.push_back(*std::move(anchor));
                   } else {
                     ++catalog.skipped;
                   }
                 });
  return catalog;
}

// --- Writing ---------------------------------------------------------------

// Writes one object. Members that have their default value are left out.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_.push_back('{'); }
  ~Object() { out_.push_back('}'); }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  void Key(std::string_view name) {
    if (!first_) out_.push_back(',');
    first_ = false;
    absl::StrAppend(&out_, "\"", std::string(name), "\":");
  }

  // Strings of a checked catalog are printable ASCII.
  void String(std::string_view name, std::string_view text) {
    if (text.empty()) return;
    Key(name);
    out_.push_back('"');
    for (const char c : text) {
      if (c == '"' || c == '\\') out_.push_back('\\');
      out_.push_back(c);
    }
    out_.push_back('"');
  }

  void Bytes(std::string_view name, std::string_view bytes) {
    String(name,
           absl::Base64Escape(absl::string_view(bytes.data(), bytes.size())));
  }

  void Time(std::string_view name, const std::optional<absl::Time>& time) {
    if (!time) return;
    String(name, absl::FormatTime("%E4Y-%m-%dT%H:%M:%SZ", *time,
                                  absl::UTCTimeZone()));
  }

  // Calls `write` for each of `values`, which writes one object.
  template <typename T, typename Write>
  void Array(std::string_view name, const std::vector<T>& values, Write write) {
    if (values.empty()) return;
    Key(name);
    char separator = '[';
    for (const T& value : values) {
      out_.push_back(separator);
      separator = ',';
      write(value);
    }
    out_.push_back(']');
  }

 private:
  std::string& out_;
  bool first_ = true;
};

template <typename T, std::size_t N>
std::string_view NameIn(const std::array<EnumName<T>, N>& names, T value) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  return "";
}

void WriteCertificate(const CatalogCertificate& certificate, std::string& out) {
  Object object(out);
  object.Bytes("der", certificate.der);
  object.String("sha256", certificate.sha256);
  object.Time("notBefore", certificate.not_before);
  object.Time("notAfter", certificate.not_after);
  object.String("serial", certificate.serial);
  object.Array("sources", certificate.sources, [&](const Publication& source) {
    Object member(out);
    member.String("publisher", source.publisher);
    member.String("location", source.location);
  });
  if (certificate.superseded) {
    object.Key("superseded");
    out += "true";
  }
}

void WriteSlot(const verify::Slot& slot, std::string& out) {
  Object object(out);
  object.String("partition", slot.partition);
  object.String("region", slot.region);
  object.String("kind", NameIn(kKindNames, slot.kind));
}

void WriteAnchor(const CatalogAnchor& anchor, std::string& out) {
  Object object(out);
  object.Key("slot");
  WriteSlot(anchor.slot, out);
  object.String("status", NameIn(kStatusNames, anchor.status));
  object.String("spkiSha256", anchor.spki_sha256);
  object.Bytes("spkiDer", anchor.spki_der);
  object.Time("validFrom", anchor.valid_from);
  object.Time("validUntil", anchor.valid_until);
  object.Array("certificates", anchor.certificates,
               [&](const CatalogCertificate& certificate) {
                 WriteCertificate(certificate, out);
               });
  object.Time("firstSeenTime", anchor.first_seen);
  object.String("replaces", anchor.replaces);
}

void WriteCatalog(const Catalog& catalog, std::string& out) {
  Object object(out);
  object.String("mediaType", kCatalogMediaType);
  object.String("sequence", absl::StrCat(catalog.sequence));
  object.Time("createdTime", catalog.created);
  if (catalog.refresh_hint > absl::ZeroDuration()) {
    object.String(
        "refreshHint",
        absl::StrCat(absl::ToInt64Seconds(catalog.refresh_hint), "s"));
  }
  object.Array("anchors", catalog.anchors,
               [&](const CatalogAnchor& anchor) { WriteAnchor(anchor, out); });
}

}  // namespace

absl::StatusOr<Catalog> ParseCatalog(std::string_view json) {
  const auto value = verify::ParseJson(
      json, {.max_bytes = kMaxCatalogBytes, .max_depth = kMaxDepth});
  if (!value.ok()) return value.status();
  absl::Status status;
  Catalog catalog = ReadCatalog(Fields(*value, "catalog", &status));
  if (!status.ok()) return status;
  if (absl::Status s = CheckCatalog(catalog); !s.ok()) return s;
  Sort(catalog);
  return catalog;
}

std::string SerializeCatalog(const Catalog& catalog) {
  Catalog sorted = catalog;
  Sort(sorted);
  std::string out;
  WriteCatalog(sorted, out);
  return out;
}

}  // namespace anchorage::anchors
