#include "verify/identity/identity_document.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

// In the order of kNames, which is sorted by length: a key is compared only
// with the few names of its own length.
enum Field : std::size_t {
  kRegion,
  kImageId,
  kVersion,
  kKernelId,
  kAccountId,
  kPrivateIp,
  kRamdiskId,
  kInstanceId,
  kPendingTime,
  kArchitecture,
  kInstanceType,
  kBillingProducts,
  kAvailabilityZone,
  kDevpayProductCodes,
  kMarketplaceProductCodes,
  kFieldEnd,
};

constexpr std::array<std::string_view, kFieldEnd> kNames = {
    "region",
    "imageId",
    "version",
    "kernelId",
    "accountId",
    "privateIp",
    "ramdiskId",
    "instanceId",
    "pendingTime",
    "architecture",
    "instanceType",
    "billingProducts",
    "availabilityZone",
    "devpayProductCodes",
    "marketplaceProductCodes",
};
constexpr std::size_t kLongestName = kNames.back().size();

// For each length, the index of the first name that is so long or longer.
constexpr std::array<std::size_t, kLongestName + 2> kFirstOfLength = [] {
  std::array<std::size_t, kLongestName + 2> first{};
  for (std::size_t length = 0; length < first.size(); ++length) {
    while (first[length] < kFieldEnd && kNames[first[length]].size() < length) {
      ++first[length];
    }
  }
  return first;
}();

// A set of ASCII characters.
class CharSet {
 public:
  constexpr explicit CharSet(std::string_view chars) {
    for (const char c : chars) has_[static_cast<unsigned char>(c)] = true;
  }
  bool HasAll(std::string_view text) const {
    return std::all_of(text.begin(), text.end(), [this](char c) {
      return has_[static_cast<unsigned char>(c)];
    });
  }

 private:
  std::array<bool, 256> has_{};
};

constexpr CharSet kDigits("0123456789");
constexpr CharSet kLowerHex("0123456789abcdef");
constexpr CharSet kAddressChars("0123456789abcdefABCDEF.:");
constexpr CharSet kRegionChars("abcdefghijklmnopqrstuvwxyz0123456789-");
// Letters, digits and the marks that AWS's names consist of.
constexpr CharSet kNameChars(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
constexpr std::size_t kAccountDigits = 12;
// Ids have 8 or 17 hex digits today.
constexpr std::size_t kMinIdDigits = 8;
constexpr std::size_t kMaxIdDigits = 40;

bool IsName(std::string_view text) { return kNameChars.HasAll(text); }
bool IsRegion(std::string_view text) { return kRegionChars.HasAll(text); }
bool IsAddress(std::string_view text) { return kAddressChars.HasAll(text); }

bool IsAccount(std::string_view text) {
  return text.size() == kAccountDigits && kDigits.HasAll(text);
}

// Whether `text` is `prefix` followed by hex digits.
bool IsId(std::string_view text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return text.size() >= kMinIdDigits && text.size() <= kMaxIdDigits &&
         kLowerHex.HasAll(text);
}

bool IsInstance(std::string_view text) { return IsId(text, "i-"); }
bool IsImage(std::string_view text) { return IsId(text, "ami-"); }
bool IsKernel(std::string_view text) { return IsId(text, "aki-"); }
bool IsRamdisk(std::string_view text) { return IsId(text, "ari-"); }

// AWS Marketplace decides the form of a product code; we only demand short,
// printable text.
bool IsCode(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > 0x20 && c < 0x7f; });
}

using Form = bool (*)(std::string_view);

absl::Status Invalid(std::string_view name) {
  return Reject(Reason::kFieldInvalid,
                absl::StrCat("\"", std::string(name.substr(0, kMaxFieldBytes)),
                             "\" is of the wrong type or form"));
}

// Reads a string that has that form and is not empty.
absl::Status ReadText(Field field, const JsonToken& token, Form form,
                      std::string& out) {
  if (token.kind != JsonKind::kString) return Invalid(kNames[field]);
  if (token.escaped) {
    out = token.Decoded();
  } else {
    out.assign(token.text);
  }
  if (out.empty() || out.size() > kMaxFieldBytes || !form(out)) {
    return Invalid(kNames[field]);
  }
  return absl::OkStatus();
}

bool IsAbsent(const std::optional<JsonToken>& token) {
  return !token.has_value() || token->kind == JsonKind::kNull;
}

absl::Status Missing(Field field) {
  return Reject(
      Reason::kFieldMissing,
      absl::StrCat("\"", std::string(kNames[field]), "\" is absent or null"));
}

absl::Status ReadRequired(Field field, const std::optional<JsonToken>& token,
                          Form form, std::string& out) {
  if (IsAbsent(token)) return Missing(field);
  return ReadText(field, *token, form, out);
}

absl::Status ReadOptional(Field field, const std::optional<JsonToken>& token,
                          Form form, std::optional<std::string>& out) {
  if (IsAbsent(token)) return absl::OkStatus();
  return ReadText(field, *token, form, out.emplace());
}

absl::Status ReadTime(Field field, const std::optional<JsonToken>& token,
                      absl::Time& out) {
  if (IsAbsent(token)) return Missing(field);
  if (token->kind != JsonKind::kString) return Invalid(kNames[field]);
  const std::string decoded = token->escaped ? token->Decoded() : "";
  const auto time = ParseDocumentTime(token->escaped ? decoded : token->text);
  if (!time.has_value()) return Invalid(kNames[field]);
  out = *time;
  return absl::OkStatus();
}

absl::Status ReadCodes(Field field, const std::optional<JsonToken>& token,
                       std::optional<std::vector<std::string>>& out) {
  if (IsAbsent(token)) return absl::OkStatus();
  if (token->kind != JsonKind::kArray) return Invalid(kNames[field]);
  out.emplace();
  JsonReader array(token->text, {.max_depth = 1});
  if (absl::Status s = array.EnterArray(); !s.ok())
    return Invalid(kNames[field]);
  while (true) {
    const absl::StatusOr<bool> more = array.NextElement();
    if (!more.ok()) return Invalid(kNames[field]);
    if (!*more) return absl::OkStatus();
    JsonToken code;
    if (!array.ReadValue(code).ok()) return Invalid(kNames[field]);
    if (absl::Status s = ReadText(field, code, IsCode, out->emplace_back());
        !s.ok()) {
      return s;
    }
  }
}

// Folds as the most liberal known reader does (Go's encoding/json): ASCII
// case, and the two letters outside ASCII that fold into it.
std::string FoldCase(std::string_view key) {
  constexpr std::string_view kKelvinSign = "\u212a";
  constexpr std::string_view kLongS = "\u017f";
  std::string folded;
  while (!key.empty()) {
    if (key.substr(0, kKelvinSign.size()) == kKelvinSign) {
      folded.push_back('k');
      key.remove_prefix(kKelvinSign.size());
    } else if (key.substr(0, kLongS.size()) == kLongS) {
      folded.push_back('s');
      key.remove_prefix(kLongS.size());
    } else {
      const char c = key.front();
      folded.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c);
      key.remove_prefix(1);
    }
  }
  return folded;
}

absl::Status CheckNotCaseVariant(std::string_view key) {
  const std::string folded = FoldCase(key);
  for (const std::string_view name : kNames) {
    if (folded == FoldCase(name)) return Invalid(key);
  }
  return absl::OkStatus();
}

// Returns kFieldEnd for a key that we do not know.
std::size_t FieldNamed(std::string_view key) {
  if (key.size() > kLongestName) return kFieldEnd;
  for (std::size_t field = kFirstOfLength[key.size()];
       field < kFirstOfLength[key.size() + 1]; ++field) {
    if (kNames[field] == key) return field;
  }
  return kFieldEnd;
}

}  // namespace

absl::StatusOr<std::string_view> ScannedDocument::UnverifiedRegion() const {
  const std::optional<JsonToken>& region = fields_[kRegion];
  if (IsAbsent(region)) {
    return Reject(Reason::kFieldMissing, "\"region\" is absent or null");
  }
  // A region has no character that needs an escape.
  if (region->kind != JsonKind::kString || region->escaped ||
      region->text.empty() || region->text.size() > kMaxFieldBytes ||
      !IsRegion(region->text)) {
    return Invalid("region");
  }
  return region->text;
}

absl::StatusOr<IdentityDocument> ScannedDocument::ToDocument() const {
  absl::StatusOr<IdentityDocument> document{IdentityDocument()};
  if (absl::Status s = ReadInto(*document); !s.ok()) return s;
  return document;
}

absl::Status ScannedDocument::ReadInto(IdentityDocument& out) const {
  struct Required {
    Field field;
    Form form;
    std::string& out;
  };
  const Required required[] = {
      {kAccountId, IsAccount, out.account_id},
      {kRegion, IsRegion, out.region},
      {kAvailabilityZone, IsName, out.availability_zone},
      {kInstanceId, IsInstance, out.instance_id},
      {kImageId, IsImage, out.image_id},
      {kInstanceType, IsName, out.instance_type},
      {kArchitecture, IsName, out.architecture},
      {kVersion, IsName, out.version},
  };
  for (const Required& r : required) {
    absl::Status s = ReadRequired(r.field, fields_[r.field], r.form, r.out);
    if (!s.ok()) return s;
  }
  if (absl::Status s =
          ReadTime(kPendingTime, fields_[kPendingTime], out.pending_time);
      !s.ok()) {
    return s;
  }

  struct Optional {
    Field field;
    Form form;
    std::optional<std::string>& out;
  };
  const Optional optional[] = {
      {kKernelId, IsKernel, out.kernel_id},
      {kRamdiskId, IsRamdisk, out.ramdisk_id},
      {kPrivateIp, IsAddress, out.private_ip},
  };
  for (const Optional& o : optional) {
    absl::Status s = ReadOptional(o.field, fields_[o.field], o.form, o.out);
    if (!s.ok()) return s;
  }

  struct Codes {
    Field field;
    std::optional<std::vector<std::string>>& out;
  };
  const Codes codes[] = {
      {kDevpayProductCodes, out.devpay_product_codes},
      {kBillingProducts, out.billing_products},
      {kMarketplaceProductCodes, out.marketplace_product_codes},
  };
  for (const Codes& c : codes) {
    absl::Status s = ReadCodes(c.field, fields_[c.field], c.out);
    if (!s.ok()) return s;
  }

  for (const std::string& key : unknown_keys_) {
    if (absl::Status s = CheckNotCaseVariant(key); !s.ok()) return s;
  }
  out.unknown_keys = unknown_keys_;
  return absl::OkStatus();
}

absl::StatusOr<ScannedDocument> ScanIdentityDocument(std::string_view text) {
  static_assert(kFieldEnd == ScannedDocument::kFieldCount);
  if (text.size() > kMaxDocumentBytes) {
    return Reject(Reason::kInputTooLarge,
                  absl::StrCat("a document of ", text.size(),
                               " bytes, the limit is ", kMaxDocumentBytes));
  }
  JsonReader json(
      text, {.max_depth = kMaxDocumentDepth, .max_values = kMaxDocumentValues});
  if (absl::Status s = json.EnterObject(); !s.ok()) return s;
  ScannedDocument out;
  while (true) {
    JsonToken key, value;
    const absl::StatusOr<bool> more = json.NextMember(key);
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (absl::Status s = json.ReadValue(value); !s.ok()) return s;
    std::string unescaped;
    if (key.escaped) unescaped = key.Decoded();
    const std::string_view name = key.escaped ? unescaped : key.text;
    const std::size_t field = FieldNamed(name);
    if (field == kFieldEnd) {
      out.unknown_keys_.push_back(key.escaped ? std::move(unescaped)
                                              : std::string(name));
    } else if (out.fields_[field].has_value()) {
      return Reject(Reason::kDuplicateKey,
                    absl::StrCat("\"", std::string(kNames[field]), "\" twice"));
    } else {
      out.fields_[field] = value;
    }
  }
  std::vector<std::string_view> unknown(out.unknown_keys_.begin(),
                                        out.unknown_keys_.end());
  if (absl::Status s = CheckDistinct(absl::MakeSpan(unknown)); !s.ok()) {
    return s;
  }
  if (absl::Status s = json.Finish(); !s.ok()) return s;
  return out;
}

std::optional<absl::Time> ParseDocumentTime(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:ddZ";
  if (text.size() != kShape.size()) return std::nullopt;
  int numbers[6] = {};
  std::size_t number = 0;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    if (kShape[i] != 'd') {
      if (text[i] != kShape[i]) return std::nullopt;
      ++number;
    } else if (text[i] >= '0' && text[i] <= '9') {
      numbers[number] = numbers[number] * 10 + (text[i] - '0');
    } else {
      return std::nullopt;
    }
  }
  const auto [year, month, day, hour, minute, second] = numbers;
  const absl::CivilSecond civil(year, month, day, hour, minute, second);
  // CivilSecond rolls a date or time that does not exist over into one that
  // does.
  if (civil.year() != year || civil.month() != month || civil.day() != day ||
      civil.hour() != hour || civil.minute() != minute ||
      civil.second() != second) {
    return std::nullopt;
  }
  return absl::UnixEpoch() + absl::Seconds(civil - absl::CivilSecond());
}

}  // namespace anchorage::verify
