#include "anchors/tuf/metadata.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/tuf/canonical_json.h"
#include "anchors/tuf/tuf_error.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/json.h"
#include "verify/reason.h"

// A file is read in this order:
//   1. length, JSON, `signed` and `signatures`, no key id in those twice
//   2. the canonical form of `signed`
//   3. _type, spec_version, version, expires
//   4. the role's own members

namespace anchorage::anchors::tuf {
namespace {

using verify::JsonValue;

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

absl::Status Malformed(std::string_view detail) {
  return RejectUpdate(TufReason::kMetadataMalformed, detail);
}

absl::Status Missing(std::string_view name) {
  return Malformed(absl::StrCat(View(name), " is absent or of a wrong type"));
}

// --- Members by type. Each is absent or well-typed, or there is an error. --

const JsonValue* FindKind(const JsonValue& object, std::string_view name,
                          JsonValue::Kind kind) {
  const JsonValue* member = object.Find(name);
  return member != nullptr && member->kind() == kind ? member : nullptr;
}

const JsonValue* FindObject(const JsonValue& object, std::string_view name) {
  return FindKind(object, name, JsonValue::Kind::kObject);
}

const JsonValue* FindArray(const JsonValue& object, std::string_view name) {
  return FindKind(object, name, JsonValue::Kind::kArray);
}

std::optional<std::string> FindString(const JsonValue& object,
                                      std::string_view name) {
  const JsonValue* member = FindKind(object, name, JsonValue::Kind::kString);
  if (member == nullptr) return std::nullopt;
  return std::string(*member->AsString());
}

std::optional<std::int64_t> FindInteger(const JsonValue& object,
                                        std::string_view name) {
  const JsonValue* member = object.Find(name);
  return member == nullptr ? std::nullopt : member->AsInteger();
}

absl::StatusOr<std::vector<std::string>> ReadStrings(const JsonValue& array) {
  std::vector<std::string> strings;
  strings.reserve(array.elements().size());
  for (const JsonValue& element : array.elements()) {
    const auto text = element.AsString();
    if (!text.has_value()) return Malformed("a list has more than strings");
    strings.emplace_back(*text);
  }
  return strings;
}

// --- What every kind has ---------------------------------------------------

absl::Status FromJsonError(const absl::Status& status) {
  const auto reason = verify::ReasonOf(status);
  const std::string detail(status.message());
  if (reason == verify::Reason::kInputTooLarge) {
    return RejectUpdate(TufReason::kMetadataTooLarge, detail);
  }
  if (reason == verify::Reason::kDuplicateKey) {
    return RejectUpdate(TufReason::kDuplicateMember, detail);
  }
  return Malformed(detail);
}

absl::StatusOr<std::vector<Signature>> ReadSignatures(const JsonValue& file) {
  const JsonValue* array = FindArray(file, "signatures");
  if (array == nullptr) return Missing("signatures");
  std::vector<Signature> signatures;
  std::set<std::string> seen;
  for (const JsonValue& element : array->elements()) {
    auto keyid = FindString(element, "keyid");
    auto sig = FindString(element, "sig");
    if (!keyid.has_value() || !sig.has_value()) return Missing("keyid or sig");
    if (!seen.insert(*keyid).second) {
      return RejectUpdate(TufReason::kDuplicateSignatureKeyId, *keyid);
    }
    signatures.push_back({*std::move(keyid), *std::move(sig)});
  }
  return signatures;
}

bool IsDigits(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

// 1.x or 1.x.y: versions with the same first number can read one another.
bool IsSupportedSpecVersion(std::string_view text) {
  if (text.substr(0, 2) != "1.") return false;
  const std::string_view rest = text.substr(2);
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos) return IsDigits(rest);
  return IsDigits(rest.substr(0, dot)) && IsDigits(rest.substr(dot + 1));
}

absl::Status ReadCommon(const JsonValue& body, std::string_view type,
                        Envelope& envelope) {
  const auto actual = FindString(body, "_type");
  if (!actual.has_value()) return Missing("_type");
  if (*actual != type) return RejectUpdate(TufReason::kWrongType, *actual);
  const auto spec = FindString(body, "spec_version");
  if (!spec.has_value()) return Missing("spec_version");
  if (!IsSupportedSpecVersion(*spec)) {
    return RejectUpdate(TufReason::kSpecVersionUnsupported, *spec);
  }
  const auto version = FindInteger(body, "version");
  if (!version.has_value() || *version < 1) return Missing("version");
  const auto expires = FindString(body, "expires");
  if (!expires.has_value()) return Missing("expires");
  const auto time = ParseExpires(*expires);
  if (!time.ok()) return time.status();
  envelope.spec_version = *spec;
  envelope.version = *version;
  envelope.expires = *time;
  return absl::OkStatus();
}

// An envelope, and the JSON tree from which the rest is read.
struct Opened {
  Envelope envelope;
  JsonValue file;

  const JsonValue& body() const { return *file.Find("signed"); }
};

absl::StatusOr<Opened> Open(std::string bytes, std::string_view type,
                            std::size_t max_bytes) {
  auto file = verify::ParseJson(bytes, {.max_bytes = max_bytes,
                                        .max_depth = kMaxMetadataDepth,
                                        .max_values = kMaxMetadataValues});
  if (!file.ok()) return FromJsonError(file.status());
  const JsonValue* body = FindObject(*file, "signed");
  if (body == nullptr) return Missing("signed");
  auto signatures = ReadSignatures(*file);
  if (!signatures.ok()) return signatures.status();
  auto canonical = CanonicalJson(*body);
  if (!canonical.ok()) return canonical.status();

  Opened opened;
  absl::Status common = ReadCommon(*body, type, opened.envelope);
  if (!common.ok()) return common;
  opened.envelope.bytes = std::move(bytes);
  opened.envelope.signed_bytes = *std::move(canonical);
  opened.envelope.signatures = *std::move(signatures);
  opened.file = *std::move(file);
  return opened;
}

// --- Keys and roles --------------------------------------------------------

absl::StatusOr<KeyMap> ReadKeys(const JsonValue& owner) {
  const JsonValue* object = FindObject(owner, "keys");
  if (object == nullptr) return Missing("keys");
  KeyMap keys;
  for (const auto& [keyid, value] : object->members()) {
    auto key = TufKey::Parse(value);
    if (!key.ok()) return key.status();
    if (key->keyid() != keyid) {
      return RejectUpdate(TufReason::kKeyIdMismatch,
                          absl::StrCat(keyid, " names ", key->keyid()));
    }
    keys.emplace(keyid, *std::move(key));
  }
  return keys;
}

absl::StatusOr<RoleKeys> ReadRoleKeys(const JsonValue& role) {
  const JsonValue* array = FindArray(role, "keyids");
  if (array == nullptr) return Missing("keyids");
  auto keyids = ReadStrings(*array);
  if (!keyids.ok()) return keyids.status();
  std::set<std::string_view> seen;
  for (const std::string& keyid : *keyids) {
    if (!seen.insert(keyid).second) {
      return RejectUpdate(TufReason::kDuplicateRoleKeyId, keyid);
    }
  }
  const auto threshold = FindInteger(role, "threshold");
  if (!threshold.has_value()) return Missing("threshold");
  if (*threshold < 1) {
    return RejectUpdate(TufReason::kThresholdInvalid,
                        absl::StrCat("threshold ", *threshold));
  }
  return RoleKeys{*std::move(keyids), *threshold};
}

absl::Status ReadRootRoles(const JsonValue& body, Root& root) {
  const JsonValue* roles = FindObject(body, "roles");
  if (roles == nullptr) return Missing("roles");
  for (const auto& [name, value] : roles->members()) {
    // "mirrors" is the only other name that the specification has; unused.
    if (!IsTopLevelRole(name) && name != "mirrors") {
      return RejectUpdate(TufReason::kRootRolesInvalid, name);
    }
  }
  const std::pair<std::string_view, RoleKeys*> all[] = {
      {kRootRole, &root.root},
      {kTimestampRole, &root.timestamp},
      {kSnapshotRole, &root.snapshot},
      {kTargetsRole, &root.targets}};
  for (const auto& [name, keys] : all) {
    const JsonValue* role = FindObject(*roles, name);
    if (role == nullptr) {
      return RejectUpdate(TufReason::kRootRolesInvalid,
                          absl::StrCat("no role ", View(name)));
    }
    auto read = ReadRoleKeys(*role);
    if (!read.ok()) return read.status();
    *keys = *std::move(read);
  }
  return absl::OkStatus();
}

// --- Files -----------------------------------------------------------------

absl::StatusOr<std::vector<FileHash>> ReadHashes(const JsonValue& object) {
  std::vector<FileHash> hashes;
  for (const auto& [algorithm, value] : object.members()) {
    const auto hex = value.AsString();
    // A hash becomes part of a file name, so only hex is allowed.
    if (!hex.has_value() || !verify::DecodeHex(*hex).ok()) {
      return Malformed("a hash is not hex");
    }
    hashes.push_back({algorithm, std::string(*hex)});
  }
  return hashes;
}

absl::StatusOr<MetaFile> ReadMetaFile(const JsonValue& value) {
  MetaFile file;
  const auto version = FindInteger(value, "version");
  if (!version.has_value() || *version < 1) return Missing("version");
  file.version = *version;
  if (value.Find("length") != nullptr) {
    file.length = FindInteger(value, "length");
    if (!file.length.has_value() || *file.length < 0) return Missing("length");
  }
  if (value.Find("hashes") != nullptr) {
    const JsonValue* object = FindObject(value, "hashes");
    if (object == nullptr) return Missing("hashes");
    auto hashes = ReadHashes(*object);
    if (!hashes.ok()) return hashes.status();
    if (hashes->empty()) return Malformed("hashes is empty");
    file.hashes = *std::move(hashes);
  }
  return file;
}

absl::StatusOr<Target> ReadTarget(const JsonValue& value) {
  Target target;
  const auto length = FindInteger(value, "length");
  if (!length.has_value() || *length < 0) return Missing("length");
  target.length = *length;
  const JsonValue* object = FindObject(value, "hashes");
  if (object == nullptr) return Missing("hashes");
  auto hashes = ReadHashes(*object);
  if (!hashes.ok()) return hashes.status();
  if (hashes->empty()) return Malformed("a target has no hash");
  target.hashes = *std::move(hashes);
  const JsonValue* custom = value.Find("custom");
  if (custom != nullptr) target.custom_json = CompactJson(*custom);
  return target;
}

// --- Delegations -----------------------------------------------------------

absl::Status DelegationInvalid(std::string_view detail) {
  return RejectUpdate(TufReason::kDelegationInvalid, detail);
}

absl::StatusOr<std::optional<std::vector<std::string>>> ReadOptionalStrings(
    const JsonValue& owner, std::string_view name) {
  if (owner.Find(name) == nullptr) return std::nullopt;
  const JsonValue* array = FindArray(owner, name);
  if (array == nullptr) return Missing(name);
  auto strings = ReadStrings(*array);
  if (!strings.ok()) return strings.status();
  return *std::move(strings);
}

absl::StatusOr<Delegation> ReadDelegation(const JsonValue& value) {
  Delegation delegation;
  auto name = FindString(value, "name");
  if (!name.has_value()) return Missing("name");
  if (name->empty() || IsTopLevelRole(*name)) {
    return DelegationInvalid(absl::StrCat("a role named \"", *name, "\""));
  }
  delegation.name = *std::move(name);
  auto role = ReadRoleKeys(value);
  if (!role.ok()) return role.status();
  delegation.role = *std::move(role);
  auto paths = ReadOptionalStrings(value, "paths");
  if (!paths.ok()) return paths.status();
  auto prefixes = ReadOptionalStrings(value, "path_hash_prefixes");
  if (!prefixes.ok()) return prefixes.status();
  if (paths->has_value() == prefixes->has_value()) {
    return DelegationInvalid("not exactly one of paths, path_hash_prefixes");
  }
  delegation.paths = *std::move(paths);
  delegation.path_hash_prefixes = *std::move(prefixes);
  const JsonValue* terminating = value.Find("terminating");
  if (terminating == nullptr || !terminating->AsBool().has_value()) {
    return Missing("terminating");
  }
  delegation.terminating = *terminating->AsBool();
  return delegation;
}

absl::StatusOr<Delegations> ReadDelegations(const JsonValue& value) {
  Delegations delegations;
  auto keys = ReadKeys(value);
  if (!keys.ok()) return keys.status();
  delegations.keys = *std::move(keys);
  const JsonValue* roles = FindArray(value, "roles");
  if (roles == nullptr) return Missing("delegations.roles");
  std::set<std::string> names;
  for (const JsonValue& role : roles->elements()) {
    auto delegation = ReadDelegation(role);
    if (!delegation.ok()) return delegation.status();
    if (!names.insert(delegation->name).second) {
      return DelegationInvalid(absl::StrCat(delegation->name, " twice"));
    }
    delegations.roles.push_back(*std::move(delegation));
  }
  return delegations;
}

}  // namespace

bool IsTopLevelRole(std::string_view name) {
  return name == kRootRole || name == kTimestampRole || name == kSnapshotRole ||
         name == kTargetsRole;
}

const MetaFile* Snapshot::Find(std::string_view role) const {
  const auto found = files.find(absl::StrCat(View(role), ".json"));
  return found == files.end() ? nullptr : &found->second;
}

const Delegation* Delegations::Find(std::string_view name) const {
  for (const Delegation& role : roles) {
    if (role.name == name) return &role;
  }
  return nullptr;
}

absl::StatusOr<Root> ParseRoot(std::string bytes) {
  auto opened = Open(std::move(bytes), kRootRole, kMaxRootBytes);
  if (!opened.ok()) return opened.status();
  const JsonValue& body = opened->body();
  Root root;
  if (const JsonValue* flag = body.Find("consistent_snapshot")) {
    if (!flag->AsBool().has_value()) return Missing("consistent_snapshot");
    root.consistent_snapshot = *flag->AsBool();
  }
  auto keys = ReadKeys(body);
  if (!keys.ok()) return keys.status();
  root.keys = *std::move(keys);
  absl::Status roles = ReadRootRoles(body, root);
  if (!roles.ok()) return roles;
  root.envelope = std::move(opened->envelope);
  return root;
}

absl::StatusOr<Timestamp> ParseTimestamp(std::string bytes) {
  auto opened = Open(std::move(bytes), kTimestampRole, kMaxTimestampBytes);
  if (!opened.ok()) return opened.status();
  const JsonValue* meta = FindObject(opened->body(), "meta");
  if (meta == nullptr) return Missing("meta");
  const JsonValue* entry = FindObject(*meta, "snapshot.json");
  if (entry == nullptr) return Missing("snapshot.json");
  if (meta->members().size() != 1) {
    return Malformed("a timestamp names more than the snapshot");
  }
  auto snapshot = ReadMetaFile(*entry);
  if (!snapshot.ok()) return snapshot.status();
  Timestamp timestamp;
  timestamp.snapshot = *std::move(snapshot);
  timestamp.envelope = std::move(opened->envelope);
  return timestamp;
}

absl::StatusOr<Snapshot> ParseSnapshot(std::string bytes) {
  auto opened = Open(std::move(bytes), kSnapshotRole, kMaxSnapshotBytes);
  if (!opened.ok()) return opened.status();
  const JsonValue* meta = FindObject(opened->body(), "meta");
  if (meta == nullptr) return Missing("meta");
  Snapshot snapshot;
  for (const auto& [name, value] : meta->members()) {
    auto file = ReadMetaFile(value);
    if (!file.ok()) return file.status();
    snapshot.files.emplace(name, *std::move(file));
  }
  snapshot.envelope = std::move(opened->envelope);
  return snapshot;
}

absl::StatusOr<Targets> ParseTargets(std::string bytes) {
  auto opened = Open(std::move(bytes), kTargetsRole, kMaxTargetsBytes);
  if (!opened.ok()) return opened.status();
  const JsonValue& body = opened->body();
  const JsonValue* list = FindObject(body, "targets");
  if (list == nullptr) return Missing("targets");
  Targets targets;
  for (const auto& [path, value] : list->members()) {
    auto target = ReadTarget(value);
    if (!target.ok()) return target.status();
    targets.targets.emplace(path, *std::move(target));
  }
  if (const JsonValue* value = body.Find("delegations")) {
    auto delegations = ReadDelegations(*value);
    if (!delegations.ok()) return delegations.status();
    targets.delegations = *std::move(delegations);
  }
  targets.envelope = std::move(opened->envelope);
  return targets;
}

namespace {

// Whether this machine can use the role's keys at all. Called after too few
// signatures have verified.
absl::Status CheckProviders(const RoleKeys& role, const KeyMap& keys) {
  for (const std::string& keyid : role.keyids) {
    const auto key = keys.find(keyid);
    if (key == keys.end()) continue;
    const auto type = TypeOf(key->second.keytype());
    if (!type.has_value()) continue;
    const absl::Status offered = verify::CheckOffered(*type);
    if (!offered.ok()) {
      return RejectUpdate(TufReason::kCryptoUnavailable,
                          std::string(offered.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status VerifySignatures(const Envelope& envelope, const RoleKeys& role,
                              const KeyMap& keys) {
  const std::set<std::string_view> allowed(role.keyids.begin(),
                                           role.keyids.end());
  std::set<std::string_view> counted;
  for (const Signature& signature : envelope.signatures) {
    if (!allowed.contains(signature.keyid)) continue;
    const auto key = keys.find(signature.keyid);
    if (key == keys.end() || !key->second.supported()) continue;
    if (counted.contains(key->second.identity())) continue;
    const auto sig = verify::DecodeHex(signature.sig_hex);
    if (!sig.ok() || !key->second.Verify(envelope.signed_bytes, *sig)) continue;
    counted.insert(key->second.identity());
    if (static_cast<std::int64_t>(counted.size()) >= role.threshold) {
      return absl::OkStatus();
    }
  }
  if (absl::Status s = CheckProviders(role, keys); !s.ok()) return s;
  return RejectUpdate(
      TufReason::kThresholdNotMet,
      absl::StrCat(counted.size(), " of ", role.threshold, " signatures"));
}

absl::StatusOr<absl::Time> ParseExpires(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:ddZ";
  bool well_formed = text.size() == kForm.size();
  for (std::size_t i = 0; well_formed && i < kForm.size(); ++i) {
    well_formed = kForm[i] == 'd' ? text[i] >= '0' && text[i] <= '9'
                                  : text[i] == kForm[i];
  }
  if (!well_formed) return RejectUpdate(TufReason::kExpiresMalformed, text);
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = 0;
    for (const char c : text.substr(at, digits)) value = value * 10 + (c - '0');
    return value;
  };
  const absl::CivilSecond civil(number(0, 4), number(5, 2), number(8, 2),
                                number(11, 2), number(14, 2), number(17, 2));
  const absl::Time time = absl::FromCivil(civil, absl::UTCTimeZone());
  // Parsing has turned a date that does not exist into another date.
  if (FormatExpires(time) != text) {
    return RejectUpdate(TufReason::kExpiresMalformed, text);
  }
  return time;
}

std::string FormatExpires(absl::Time time) {
  return absl::FormatTime("%E4Y-%m-%d%ET%H:%M:%SZ", time, absl::UTCTimeZone());
}

}  // namespace anchorage::anchors::tuf
