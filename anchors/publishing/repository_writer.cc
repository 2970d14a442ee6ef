#include "anchors/publishing/repository_writer.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "anchors/tuf/canonical_json.h"
#include "anchors/tuf/tuf_error.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/json.h"

namespace anchorage::anchors::tuf {
namespace {

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

absl::Status NotPublishable(std::string_view detail) {
  return RejectUpdate(TufReason::kNotPublishable, detail);
}

// Collects members, and writes them in canonical order.
class JsonObject {
 public:
  void Add(std::string_view name, std::string json) {
    members_.insert_or_assign(JsonString(name), std::move(json));
  }
  void Add(std::string_view name, std::int64_t value) {
    Add(name, absl::StrCat(value));
  }
  void Add(std::string_view name, bool value) {
    Add(name, std::string(value ? "true" : "false"));
  }
  std::string Text() const {
    return absl::StrCat(
        "{", absl::StrJoin(members_, ",", absl::PairFormatter(":")), "}");
  }

 private:
  std::map<std::string, std::string> members_;
};

std::string ArrayOf(const std::vector<std::string>& elements) {
  return absl::StrCat("[", absl::StrJoin(elements, ","), "]");
}

std::string StringArray(const std::vector<std::string>& strings) {
  std::vector<std::string> elements;
  for (const std::string& text : strings) elements.push_back(JsonString(text));
  return ArrayOf(elements);
}

std::string KeyIds(const RoleSpec& role) {
  std::vector<std::string> keyids;
  for (const TufKey& key : role.keys) keyids.push_back(key.keyid());
  return StringArray(keyids);
}

std::string RoleJson(const RoleSpec& role) {
  JsonObject json;
  json.Add("keyids", KeyIds(role));
  json.Add("threshold", role.threshold);
  return json.Text();
}

std::string KeysJson(absl::Span<const RoleSpec* const> roles) {
  JsonObject json;
  for (const RoleSpec* role : roles) {
    for (const TufKey& key : role->keys) json.Add(key.keyid(), key.json());
  }
  return json.Text();
}

std::string HashesJson(const std::vector<FileHash>& hashes) {
  JsonObject json;
  for (const FileHash& hash : hashes) {
    json.Add(hash.algorithm, JsonString(hash.hex));
  }
  return json.Text();
}

std::string MetaFileJson(const MetaFile& file) {
  JsonObject json;
  if (!file.hashes.empty()) json.Add("hashes", HashesJson(file.hashes));
  if (file.length.has_value()) json.Add("length", *file.length);
  json.Add("version", file.version);
  return json.Text();
}

std::string TargetJson(const Target& target) {
  JsonObject json;
  if (!target.custom_json.empty()) {
    json.Add("custom", target.custom_json);
  }
  json.Add("hashes", HashesJson(target.hashes));
  json.Add("length", target.length);
  return json.Text();
}

std::string DelegationJson(const DelegationSpec& delegation) {
  JsonObject json;
  json.Add("keyids", KeyIds(delegation.role));
  json.Add("name", JsonString(delegation.name));
  if (delegation.path_hash_prefixes.has_value()) {
    json.Add("path_hash_prefixes", StringArray(*delegation.path_hash_prefixes));
  }
  if (delegation.paths.has_value()) {
    json.Add("paths", StringArray(*delegation.paths));
  }
  json.Add("terminating", delegation.terminating);
  json.Add("threshold", delegation.role.threshold);
  return json.Text();
}

std::string DelegationsJson(const std::vector<DelegationSpec>& delegations) {
  std::vector<const RoleSpec*> roles;
  std::vector<std::string> list;
  for (const DelegationSpec& delegation : delegations) {
    roles.push_back(&delegation.role);
    list.push_back(DelegationJson(delegation));
  }
  JsonObject json;
  json.Add("keys", KeysJson(roles));
  json.Add("roles", ArrayOf(list));
  return json.Text();
}

void AddCommon(std::string_view type, std::int64_t version, absl::Time expires,
               JsonObject& body) {
  body.Add("_type", JsonString(type));
  body.Add("expires", JsonString(FormatExpires(expires)));
  body.Add("spec_version", JsonString(kPublishedSpecVersion));
  body.Add("version", version);
}

bool HasKnownHashesOnly(const std::vector<FileHash>& hashes) {
  return std::all_of(hashes.begin(), hashes.end(), [](const FileHash& hash) {
    return hash.algorithm == "sha256";
  });
}

// Clients escape and sort other characters differently; line feeds occur in
// PEM keys only.
bool IsPlainText(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x20 && c < 0x7f; });
}

// A role that can never reach its threshold would lock everybody out.
absl::Status CheckRole(std::string_view name, const RoleSpec& role) {
  std::vector<std::string_view> identities;
  for (const TufKey& key : role.keys) {
    if (!key.supported()) {
      return NotPublishable(absl::StrCat(View(name), ": key ", key.keyid(),
                                         " is of a type that clients refuse"));
    }
    identities.push_back(key.identity());
  }
  std::sort(identities.begin(), identities.end());
  if (std::adjacent_find(identities.begin(), identities.end()) !=
      identities.end()) {
    return NotPublishable(absl::StrCat(View(name), ": the same key twice"));
  }
  if (role.threshold < 1 ||
      role.threshold > static_cast<std::int64_t>(role.keys.size())) {
    return NotPublishable(absl::StrCat(View(name), ": threshold ",
                                       role.threshold, " of ", role.keys.size(),
                                       " keys"));
  }
  return absl::OkStatus();
}

absl::Status CheckText(std::string_view text) {
  if (IsPlainText(text)) return absl::OkStatus();
  return NotPublishable("a name is not printable ASCII");
}

absl::Status CheckHashes(const std::vector<FileHash>& hashes) {
  if (HasKnownHashesOnly(hashes)) return absl::OkStatus();
  return NotPublishable("a hash other than sha256");
}

// The last check is our own client's reader.
template <typename Parse>
absl::StatusOr<std::string> Finish(const JsonObject& body, Parse parse) {
  std::string file =
      absl::StrCat("{\"signatures\":[],\"signed\":", body.Text(), "}");
  const absl::Status readable = parse(file).status();
  if (!readable.ok()) return NotPublishable(std::string(readable.message()));
  return file;
}

// --- Signatures ------------------------------------------------------------

// Each skips one JSON value or punctuation mark of a well-formed text.
std::size_t SkipString(std::string_view json, std::size_t at) {
  for (++at; json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return at + 1;
}

std::size_t SkipSpace(std::string_view json, std::size_t at) {
  while (at < json.size() &&
         std::string_view(" \t\r\n").find(json[at]) != std::string_view::npos) {
    ++at;
  }
  return at;
}

std::size_t SkipValue(std::string_view json, std::size_t at) {
  int depth = 0;
  while (at < json.size()) {
    const char c = json[at];
    if (c == '"') {
      at = SkipString(json, at);
      continue;
    }
    if (depth == 0 && (c == ',' || c == '}' || c == ']')) break;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    ++at;
  }
  return at;
}

// Returns the bytes of the member `name` of the object in the well-formed
// `json`; empty if it has none whose name is written without escapes.
std::string_view RawMember(std::string_view json, std::string_view name) {
  std::size_t at = SkipSpace(json, 0) + 1;  // after the brace
  while (true) {
    at = SkipSpace(json, at);
    if (at >= json.size() || json[at] != '"') return {};
    const std::size_t name_end = SkipString(json, at);
    const std::string_view raw = json.substr(at + 1, name_end - at - 2);
    const std::size_t colon = SkipSpace(json, name_end);
    const std::size_t start = SkipSpace(json, colon + 1);
    const std::size_t end = SkipValue(json, start);
    if (raw == name) return json.substr(start, end - start);
    at = end + 1;  // after the comma
  }
}

// The parts of a file that signing needs, whatever its role.
struct Signable {
  std::string_view raw_signed;
  std::string canonical;
  std::vector<Signature> signatures;
};

absl::StatusOr<Envelope> ReadEnvelope(std::string_view file) {
  std::string bytes(file);
  auto root = ParseRoot(bytes);
  if (root.ok()) return std::move(root->envelope);
  auto timestamp = ParseTimestamp(bytes);
  if (timestamp.ok()) return std::move(timestamp->envelope);
  auto snapshot = ParseSnapshot(bytes);
  if (snapshot.ok()) return std::move(snapshot->envelope);
  auto targets = ParseTargets(std::move(bytes));
  if (targets.ok()) return std::move(targets->envelope);
  // The reader of its own role says what is wrong with it.
  for (const absl::Status& status :
       {root.status(), timestamp.status(), snapshot.status()}) {
    if (TufReasonOf(status) != TufReason::kWrongType) return status;
  }
  return targets.status();
}

absl::StatusOr<Signable> ReadSignable(std::string_view file) {
  auto envelope = ReadEnvelope(file);
  if (!envelope.ok()) return envelope.status();
  const std::string_view raw = RawMember(file, "signed");
  if (raw.empty()) {
    return RejectUpdate(TufReason::kMetadataMalformed,
                        "`signed` is written with escapes");
  }
  return Signable{raw, std::move(envelope->signed_bytes),
                  std::move(envelope->signatures)};
}

std::string SignedFile(const Signable& signable) {
  std::vector<std::string> signatures;
  for (const Signature& signature : signable.signatures) {
    JsonObject json;
    json.Add("keyid", JsonString(signature.keyid));
    json.Add("sig", JsonString(signature.sig_hex));
    signatures.push_back(json.Text());
  }
  return absl::StrCat("{\"signatures\":", ArrayOf(signatures),
                      ",\"signed\":", View(signable.raw_signed), "}");
}

RoleSpec SpecOf(const RoleKeys& role, const KeyMap& keys) {
  RoleSpec spec;
  spec.threshold = role.threshold;
  for (const std::string& keyid : role.keyids) {
    const auto key = keys.find(keyid);
    if (key != keys.end()) spec.keys.push_back(key->second);
  }
  return spec;
}

FileHash Sha256(std::string_view bytes) {
  return {"sha256", verify::Sha256Hex(bytes)};
}

}  // namespace

absl::StatusOr<std::string> WriteRoot(const RootSpec& spec) {
  const std::pair<std::string_view, const RoleSpec*> roles[] = {
      {kRootRole, &spec.root},
      {kSnapshotRole, &spec.snapshot},
      {kTargetsRole, &spec.targets},
      {kTimestampRole, &spec.timestamp}};
  JsonObject roles_json;
  for (const auto& [name, role] : roles) {
    absl::Status usable = CheckRole(name, *role);
    if (!usable.ok()) return usable;
    roles_json.Add(name, RoleJson(*role));
  }
  JsonObject body;
  AddCommon(kRootRole, spec.version, spec.expires, body);
  body.Add("consistent_snapshot", spec.consistent_snapshot);
  body.Add("keys", KeysJson({&spec.root, &spec.snapshot, &spec.targets,
                             &spec.timestamp}));
  body.Add("roles", roles_json.Text());
  return Finish(body, ParseRoot);
}

absl::StatusOr<std::string> WriteTimestamp(const TimestampSpec& spec) {
  absl::Status hashes = CheckHashes(spec.snapshot.hashes);
  if (!hashes.ok()) return hashes;
  JsonObject meta;
  meta.Add("snapshot.json", MetaFileJson(spec.snapshot));
  JsonObject body;
  AddCommon(kTimestampRole, spec.version, spec.expires, body);
  body.Add("meta", meta.Text());
  return Finish(body, ParseTimestamp);
}

absl::StatusOr<std::string> WriteSnapshot(const SnapshotSpec& spec) {
  JsonObject meta;
  for (const auto& [name, file] : spec.files) {
    absl::Status text = CheckText(name);
    if (!text.ok()) return text;
    absl::Status hashes = CheckHashes(file.hashes);
    if (!hashes.ok()) return hashes;
    meta.Add(name, MetaFileJson(file));
  }
  JsonObject body;
  AddCommon(kSnapshotRole, spec.version, spec.expires, body);
  body.Add("meta", meta.Text());
  return Finish(body, ParseSnapshot);
}

absl::StatusOr<std::string> WriteTargets(const TargetsSpec& spec) {
  JsonObject targets;
  for (const auto& [path, target] : spec.targets) {
    absl::Status text = CheckText(path);
    if (!text.ok()) return text;
    absl::Status hashes = CheckHashes(target.hashes);
    if (!hashes.ok()) return hashes;
    targets.Add(path, TargetJson(target));
  }
  for (const DelegationSpec& delegation : spec.delegations) {
    absl::Status text = CheckText(delegation.name);
    if (!text.ok()) return text;
    absl::Status usable = CheckRole(delegation.name, delegation.role);
    if (!usable.ok()) return usable;
  }
  JsonObject body;
  AddCommon(kTargetsRole, spec.version, spec.expires, body);
  if (!spec.delegations.empty()) {
    body.Add("delegations", DelegationsJson(spec.delegations));
  }
  body.Add("targets", targets.Text());
  return Finish(body, ParseTargets);
}

MetaFile DescribeMetaFile(std::int64_t version, std::string_view bytes) {
  MetaFile file;
  file.version = version;
  file.length = static_cast<std::int64_t>(bytes.size());
  file.hashes = {Sha256(bytes)};
  return file;
}

Target DescribeTarget(std::string_view bytes) {
  Target target;
  target.length = static_cast<std::int64_t>(bytes.size());
  target.hashes = {Sha256(bytes)};
  return target;
}

absl::StatusOr<std::string> AddSignature(std::string_view file,
                                         const SigningKey& key) {
  auto signable = ReadSignable(file);
  if (!signable.ok()) return signable.status();
  const auto sig = key.Sign(signable->canonical);
  if (!sig.ok()) return sig.status();
  Signature signature{key.public_key().keyid(), absl::BytesToHexString(*sig)};
  const auto earlier = std::find_if(
      signable->signatures.begin(), signable->signatures.end(),
      [&](const Signature& s) { return s.keyid == signature.keyid; });
  if (earlier == signable->signatures.end()) {
    signable->signatures.push_back(std::move(signature));
  } else {
    *earlier = std::move(signature);
  }
  return SignedFile(*signable);
}

absl::StatusOr<std::string> SignNew(std::string_view file,
                                    absl::Span<const SigningKey* const> keys) {
  std::string result(file);
  for (const SigningKey* key : keys) {
    auto more = AddSignature(result, *key);
    if (!more.ok()) return more.status();
    result = *std::move(more);
  }
  return result;
}

RootSpec NextRootSpec(const Root& root, absl::Time expires) {
  RootSpec spec;
  spec.version = root.envelope.version + 1;
  spec.expires = expires;
  spec.root = SpecOf(root.root, root.keys);
  spec.timestamp = SpecOf(root.timestamp, root.keys);
  spec.snapshot = SpecOf(root.snapshot, root.keys);
  spec.targets = SpecOf(root.targets, root.keys);
  return spec;
}

TargetsSpec NextTargetsSpec(const Targets& targets, absl::Time expires) {
  TargetsSpec spec;
  spec.version = targets.envelope.version + 1;
  spec.expires = expires;
  spec.targets = targets.targets;
  if (!targets.delegations.has_value()) return spec;
  for (const Delegation& delegation : targets.delegations->roles) {
    spec.delegations.push_back(
        {delegation.name, SpecOf(delegation.role, targets.delegations->keys),
         delegation.paths, delegation.path_hash_prefixes,
         delegation.terminating});
  }
  return spec;
}

}  // namespace anchorage::anchors::tuf
