#include "anchors/publishing/ceremony.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "anchors/base/atomic_file.h"
#include "anchors/tuf/file_hash.h"
#include "anchors/tuf/trusted_set.h"
#include "anchors/tuf/tuf_error.h"
#include "anchors/tuf/updater.h"
#include "verify/encoding/base64.h"

namespace anchorage::anchors {
namespace {

namespace fs = std::filesystem;

constexpr char kRootDraft[] = "/root.draft.json";
constexpr char kTargetsDraft[] = "/targets.draft.json";
constexpr char kRootSuffix[] = ".root.json";
constexpr char kTargetsSuffix[] = ".targets.json";
// A folder with more files than this is not a ceremony.
constexpr int kMaxFiles = 10'000;

std::string PathOfRoot(const std::string& folder, std::int64_t version) {
  return absl::StrCat(folder, "/", version, kRootSuffix);
}

std::string PathOfTarget(const std::string& folder, std::string_view path,
                         const tuf::Target& target) {
  return absl::StrCat(
      folder, "/targets/",
      tuf::TargetFileName(path, target, /*consistent_snapshot=*/true));
}

// Reads a file; returns "" if there is none.
absl::StatusOr<std::string> ReadOptional(const std::string& path,
                                         std::size_t max_bytes) {
  auto bytes = ReadFile(path, max_bytes);
  if (absl::IsNotFound(bytes.status())) return std::string();
  return bytes;
}

absl::StatusOr<std::string> ReadTarget(const std::string& folder,
                                       const tuf::Targets& targets,
                                       const TargetKind& kind) {
  const auto found = targets.targets.find(kind.path);
  if (found == targets.targets.end()) return std::string();
  auto bytes =
      ReadFile(PathOfTarget(folder, kind.path, found->second), kind.max_bytes);
  if (!bytes.ok()) return bytes;
  // The hash in a file's name proves nothing: what is shown to people must be
  // what they sign.
  if (absl::Status s = tuf::VerifyTargetBytes(found->second, *bytes); !s.ok()) {
    return s;
  }
  return bytes;
}

absl::StatusOr<BundleFiles> ReadNamed(const std::string& folder,
                                      std::string bytes) {
  const auto targets = tuf::ParseTargets(bytes);
  if (!targets.ok()) return targets.status();
  BundleFiles files;
  files.targets = std::move(bytes);
  for (const TargetKind& kind : TargetKinds()) {
    auto target = ReadTarget(folder, *targets, kind);
    if (!target.ok()) return target.status();
    files.SetTarget(kind.path, *std::move(target));
  }
  return files;
}

// The versions N of all files "N.targets.json", the highest first.
absl::StatusOr<std::vector<std::int64_t>> TargetsVersions(
    const std::string& folder) {
  std::vector<std::int64_t> versions;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  int count = 0;
  for (; !error && entries != fs::directory_iterator();
       entries.increment(error)) {
    if (++count > kMaxFiles) {
      return absl::FailedPreconditionError(
          absl::StrCat(folder, " has too many files to be a ceremony"));
    }
    const std::string name = entries->path().filename().string();
    absl::string_view version = name;
    std::int64_t number = 0;
    if (absl::ConsumeSuffix(&version, kTargetsSuffix) &&
        absl::SimpleAtoi(version, &number) && number > 0 &&
        absl::StrCat(number) == version) {
      versions.push_back(number);
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return absl::UnavailableError(absl::StrCat(folder, ": ", error.message()));
  }
  std::sort(versions.rbegin(), versions.rend());
  return versions;
}

// Reads N.targets.json and what it names.
absl::StatusOr<BundleFiles> ReadVersion(const std::string& folder,
                                        std::int64_t version) {
  const std::string name = absl::StrCat(version, kTargetsSuffix);
  auto bytes = ReadFile(absl::StrCat(folder, "/", name), tuf::kMaxTargetsBytes);
  if (!bytes.ok()) return bytes.status();
  auto files = ReadNamed(folder, *std::move(bytes));
  if (!files.ok()) {
    return absl::Status(files.status().code(),
                        absl::StrCat(name, ": ", files.status().message()));
  }
  if (tuf::ParseTargets(files->targets)->envelope.version != version) {
    return absl::FailedPreconditionError(
        absl::StrCat(name, " is of another version"));
  }
  return files;
}

// Whether a draft of a root can be signed: it must be the next root of
// `ceremony`.
absl::Status CheckRootDraft(const Ceremony& ceremony, const tuf::Root& draft) {
  const auto next = static_cast<std::int64_t>(ceremony.roots.size()) + 1;
  if (draft.envelope.version != next) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the draft is of root ", draft.envelope.version, ", and root ", next,
        " is the next here: remove root.draft.json and begin again, or bring "
        "the signed roots"));
  }
  if (!draft.consistent_snapshot) {
    return absl::FailedPreconditionError(
        "the draft is of a root without consistent snapshots");
  }
  return absl::OkStatus();
}

// Whether clients can use the files, and people may sign them: what was signed
// before this was asked is not signed again.
absl::Status CheckFiles(const BundleFiles& files, absl::Time now) {
  if (absl::Status s = CheckTargets(files, now); !s.ok()) return s;
  for (const TargetKind& kind : TargetKinds()) {
    const std::string& bytes = files.target(kind.path);
    if (kind.check_draft == nullptr || bytes.empty()) continue;
    if (absl::Status s = kind.check_draft(bytes); !s.ok()) return s;
  }
  return absl::OkStatus();
}

// Whether targets can be signed: those that a bundle can have, and nothing that
// people are not shown.
absl::Status CheckTargetsDraft(const tuf::Targets& draft,
                               const BundleFiles& files, absl::Time now) {
  const auto refuse = [](std::string_view why) {
    return absl::FailedPreconditionError(
        absl::StrCat("the draft of targets ", std::string(why),
                     ": remove targets.draft.json and propose again"));
  };
  if (draft.delegations.has_value()) return refuse("delegates to others");
  for (const auto& [path, target] : draft.targets) {
    if (FindTargetKind(path) == nullptr) {
      return refuse("names a target that this program does not know");
    }
    if (!target.custom_json.empty()) return refuse("has custom members");
  }
  return CheckFiles(files, now);
}

absl::Status CheckNotExpired(const tuf::Envelope& envelope,
                             tuf::TufReason reason, absl::Time now) {
  if (envelope.expires > now) return absl::OkStatus();
  return tuf::RejectUpdate(
      reason, absl::StrCat("it ended on ", tuf::FormatExpires(envelope.expires),
                           ": draft it again with a later end"));
}

// Puts a draft under the name that clients ask for.
absl::Status Finish(const std::string& draft, const std::string& path,
                    std::string_view bytes) {
  // The same text may be there after a crash between the two steps.
  if (absl::Status s = WriteFileAtomically(path, bytes); !s.ok()) return s;
  // The file is published now. A draft that stays is recognized as published.
  (void)RemoveFile(draft);
  return absl::OkStatus();
}

absl::Status NoDraft(DraftKind kind) {
  return absl::FailedPreconditionError(
      kind == DraftKind::kRoot
          ? "there is no draft of a root: begin with root init, add-key, "
            "remove-key or renew"
          : "there is no draft of targets: begin with targets propose");
}

// Returns the root in the draft, if there is one that can be the next root.
std::optional<tuf::Root> NextRootOf(const Ceremony& ceremony) {
  if (ceremony.root_draft.empty()) return std::nullopt;
  auto draft = tuf::ParseRoot(ceremony.root_draft);
  if (!draft.ok() || !CheckRootDraft(ceremony, *draft).ok()) {
    return std::nullopt;
  }
  return *std::move(draft);
}

// Whether `root`'s threshold signed the targets.
bool HasSigned(const tuf::Root& root, const BundleFiles& files) {
  const auto targets = tuf::ParseTargets(files.targets);
  return targets.ok() &&
         tuf::VerifySignatures(targets->envelope, root.targets, root.keys).ok();
}

// The catalog that must be followed, empty for none. What nobody whom `root`
// names has signed is nothing to follow: clients drop it.
std::string LastCatalog(const Ceremony& ceremony, const tuf::Root& root) {
  if (!ceremony.targets.has_value() || !HasSigned(root, *ceremony.targets)) {
    return "";
  }
  return ceremony.targets->catalog();
}

// The newest target of a kind that need not be there and that `root`'s
// threshold signed, also where later targets have none: clients remember it.
// Empty for none.
absl::StatusOr<std::string> LastBeside(const std::string& folder,
                                       const TargetKind& kind,
                                       const tuf::Root& root) {
  const auto versions = TargetsVersions(folder);
  if (!versions.ok()) return versions.status();
  for (const std::int64_t version : *versions) {
    const auto files = ReadVersion(folder, version);
    if (files.ok() && !files->target(kind.path).empty() &&
        HasSigned(root, *files)) {
      return files->target(kind.path);
    }
  }
  return std::string();
}

// Whether the targets in `next` may follow what is signed.
absl::Status CheckFollow(const std::string& folder, const Ceremony& ceremony,
                         const tuf::Root& root, const BundleFiles& next) {
  for (const TargetKind& kind : TargetKinds()) {
    const std::string& bytes = next.target(kind.path);
    if (bytes.empty() && !kind.is_kept) continue;
    const auto last = kind.is_required ? LastCatalog(ceremony, root)
                                       : LastBeside(folder, kind, root);
    if (!last.ok()) return last.status();
    if (absl::Status s = CheckNext(kind, *last, bytes); !s.ok()) return s;
  }
  return absl::OkStatus();
}

SignatureCount CountFor(std::string who, const tuf::Envelope& envelope,
                        const tuf::RoleKeys& role, const tuf::KeyMap& keys) {
  SignatureCount count;
  count.who = std::move(who);
  count.threshold = role.threshold;
  std::set<std::string> identities;
  for (const std::string& id : role.keyids) {
    const auto key = keys.find(id);
    const bool has_signed =
        key != keys.end() &&
        std::any_of(envelope.signatures.begin(), envelope.signatures.end(),
                    [&](const tuf::Signature& signature) {
                      const auto sig = verify::DecodeHex(signature.sig_hex);
                      return signature.keyid == id && sig.ok() &&
                             key->second.Verify(envelope.signed_bytes, *sig);
                    });
    if (!has_signed) {
      count.missing.push_back(id);
    } else if (identities.insert(key->second.identity()).second) {
      count.signed_by.push_back(id);
    }
  }
  return count;
}

bool Counts(const SignatureCount& count, const std::string& keyid) {
  return std::find(count.missing.begin(), count.missing.end(), keyid) !=
             count.missing.end() ||
         std::find(count.signed_by.begin(), count.signed_by.end(), keyid) !=
             count.signed_by.end();
}

}  // namespace

absl::StatusOr<Ceremony> ReadSigned(const std::string& folder,
                                    std::int64_t first_root) {
  Ceremony ceremony;
  for (std::int64_t version = first_root;; ++version) {
    auto root = ReadOptional(PathOfRoot(folder, version), tuf::kMaxRootBytes);
    if (!root.ok()) return root.status();
    if (root->empty()) break;
    ceremony.roots.push_back(*std::move(root));
  }
  const auto versions = TargetsVersions(folder);
  if (!versions.ok()) return versions.status();
  if (versions->empty()) return ceremony;
  auto targets = ReadVersion(folder, versions->front());
  if (targets.ok()) {
    ceremony.targets = *std::move(targets);
  } else {
    ceremony.targets_status = targets.status();
  }
  return ceremony;
}

absl::StatusOr<Ceremony> ReadCeremony(const std::string& folder) {
  auto ceremony = ReadSigned(folder);
  if (!ceremony.ok()) return ceremony.status();
  if (!ceremony->targets_status.ok()) return ceremony->targets_status;
  auto root_draft = ReadOptional(folder + kRootDraft, tuf::kMaxRootBytes);
  if (!root_draft.ok()) return root_draft.status();
  ceremony->root_draft = *std::move(root_draft);
  auto draft = ReadOptional(folder + kTargetsDraft, tuf::kMaxTargetsBytes);
  if (!draft.ok()) return draft.status();
  if (!draft->empty()) {
    auto targets = ReadNamed(folder, *std::move(draft));
    if (!targets.ok()) return targets.status();
    ceremony->targets_draft = *std::move(targets);
  }
  return ceremony;
}

absl::StatusOr<tuf::Root> VerifyRoots(absl::Span<const std::string> roots) {
  if (roots.empty()) {
    return absl::FailedPreconditionError("there is no signed root yet");
  }
  auto set = tuf::TrustedSet::FromRoot(roots.front(), absl::InfinitePast());
  if (!set.ok()) return set.status();
  if (set->root().envelope.version != 1) {
    return absl::FailedPreconditionError("1.root.json is of another version");
  }
  for (const std::string& root : roots.subspan(1)) {
    if (absl::Status s = set->UpdateRoot(root); !s.ok()) return s;
  }
  return set->root();
}

absl::Status VerifyLastTargets(const Ceremony& ceremony) {
  if (!ceremony.targets.has_value()) return absl::OkStatus();
  if (const auto root = VerifyRoots(ceremony.roots); !root.ok()) {
    return root.status();
  }
  // The newest root may name other people than those who signed, so each root
  // is tried.
  absl::Status status;
  for (auto root = ceremony.roots.rbegin(); root != ceremony.roots.rend();
       ++root) {
    const auto parsed = tuf::ParseRoot(*root);
    if (!parsed.ok()) return parsed.status();
    status = VerifyTargets(*parsed, *ceremony.targets).status();
    if (status.ok()) return status;
  }
  return absl::Status(
      status.code(),
      absl::StrCat("the newest targets file is not signed by whom any root "
                   "here names: ",
                   status.message()));
}

absl::Status CheckCatalogStep(std::string_view last, std::string_view next,
                              const Reactivated& reactivated) {
  if (last.empty() || last == next) return absl::OkStatus();
  const auto before = ParseCatalog(last);
  if (!before.ok()) return before.status();
  const auto after = ParseCatalog(next);
  if (!after.ok()) return after.status();
  return CheckSuccessor(*before, *after, reactivated);
}

absl::Status CheckSignedSteps(const std::string& folder, const tuf::Root& root,
                              std::int64_t version, std::string last) {
  const auto versions = TargetsVersions(folder);
  if (!versions.ok()) return versions.status();
  for (auto next = versions->rbegin(); next != versions->rend(); ++next) {
    if (*next <= version) continue;
    const auto files = ReadVersion(folder, *next);
    if (!files.ok() || !HasSigned(root, *files)) continue;
    if (absl::Status s = CheckNext(*FindTargetKind(kCatalogTargetPath), last,
                                   files->catalog());
        !s.ok()) {
      return absl::Status(s.code(), absl::StrCat("targets ", *next, ": ",
                                                 std::string(s.message())));
    }
    last = files->catalog();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> CatalogBeforeDraft(const Ceremony& ceremony) {
  auto root = VerifyRoots(ceremony.roots);
  if (!root.ok()) return root.status();
  if (auto next = NextRootOf(ceremony)) root = *std::move(next);
  return LastCatalog(ceremony, *root);
}

absl::Status WriteRootDraft(const std::string& folder,
                            const tuf::RootSpec& spec) {
  const auto draft = tuf::WriteRoot(spec);
  if (!draft.ok()) return draft.status();
  if (absl::Status s = MakeFolder(folder); !s.ok()) return s;
  return WriteFileAtomically(folder + kRootDraft, *draft);
}

namespace {

// Returns the draft of targets if it can be published under `root`.
absl::StatusOr<tuf::Targets> VerifyDraft(const std::string& folder,
                                         const Ceremony& ceremony,
                                         const tuf::Root& root,
                                         absl::Time now) {
  if (!ceremony.targets_draft.has_value()) return NoDraft(DraftKind::kTargets);
  const BundleFiles& draft = *ceremony.targets_draft;
  auto targets = VerifyTargets(root, draft);
  if (!targets.ok()) return targets.status();
  if (absl::Status s = CheckDraft(ceremony, DraftKind::kTargets, now);
      !s.ok()) {
    return s;
  }
  const bool again = ceremony.targets.has_value() &&
                     ceremony.targets->targets == draft.targets;
  if (!ceremony.targets.has_value() || again) return targets;
  const auto last = tuf::ParseTargets(ceremony.targets->targets);
  if (!last.ok()) return last.status();
  if (targets->envelope.version <= last->envelope.version) {
    return absl::FailedPreconditionError(absl::StrCat(
        "version ", targets->envelope.version, " is proposed and ",
        last->envelope.version, " is signed already: propose again"));
  }
  if (absl::Status s = CheckFollow(folder, ceremony, root, draft); !s.ok()) {
    return s;
  }
  return targets;
}

// Whether targets that `root`'s own keys have signed lie beside its draft.
absl::Status CheckTargetsBeside(const std::string& folder,
                                const Ceremony& ceremony, const tuf::Root& root,
                                absl::Time now) {
  const absl::Status status = VerifyDraft(folder, ceremony, root, now).status();
  if (status.ok()) return status;
  return absl::FailedPreconditionError(absl::StrCat(
      "root ", root.envelope.version,
      " removes who signed the targets: clients would drop them, and what they "
      "say is revoked with them. Propose targets, have them signed by the "
      "targets keys of this draft, and publish then, both at once (",
      status.message(), ")"));
}

}  // namespace

absl::StatusOr<tuf::Root> PublishRootDraft(const std::string& folder,
                                           absl::Time now) {
  auto ceremony = ReadCeremony(folder);
  if (!ceremony.ok()) return ceremony.status();
  if (ceremony->root_draft.empty()) return NoDraft(DraftKind::kRoot);
  // There was a crash after the file was written and before the draft was
  // removed.
  const bool is_there = !ceremony->roots.empty() &&
                        ceremony->roots.back() == ceremony->root_draft;
  if (!is_there) ceremony->roots.push_back(ceremony->root_draft);
  auto root = VerifyRoots(ceremony->roots);
  if (!root.ok()) return root.status();
  if (absl::Status s =
          CheckNotExpired(root->envelope, tuf::TufReason::kRootExpired, now);
      !s.ok()) {
    return s;
  }
  const bool drops_targets =
      ceremony->targets.has_value() && !HasSigned(*root, *ceremony->targets);
  if (drops_targets) {
    if (absl::Status s = CheckTargetsBeside(folder, *ceremony, *root, now);
        !s.ok()) {
      return s;
    }
  }
  if (absl::Status s = Finish(folder + kRootDraft,
                              PathOfRoot(folder, root->envelope.version),
                              ceremony->root_draft);
      !s.ok()) {
    return s;
  }
  if (!drops_targets) return root;
  if (const auto targets = PublishTargetsDraft(folder, now); !targets.ok()) {
    return targets.status();
  }
  return root;
}

absl::Status ProposeTargets(const std::string& folder,
                            const ByPath& target_files, absl::Time expires,
                            absl::Time now, const Reactivated& reactivated) {
  auto ceremony = ReadCeremony(folder);
  if (!ceremony.ok()) return ceremony.status();
  auto root = VerifyRoots(ceremony->roots);
  if (!root.ok()) return root.status();
  if (absl::Status s = VerifyLastTargets(*ceremony); !s.ok()) return s;
  if (auto next = NextRootOf(*ceremony)) root = *std::move(next);
  BundleFiles files;
  for (const auto& [path, bytes] : target_files) files.SetTarget(path, bytes);
  if (absl::Status s = CheckFiles(files, now); !s.ok()) return s;
  if (absl::Status s = CheckCatalogStep(LastCatalog(*ceremony, *root),
                                        files.catalog(), reactivated);
      !s.ok()) {
    return s;
  }
  if (absl::Status s = CheckFollow(folder, *ceremony, *root, files); !s.ok()) {
    return s;
  }
  tuf::TargetsSpec spec;
  spec.expires = expires;
  if (ceremony->targets.has_value()) {
    const auto last = tuf::ParseTargets(ceremony->targets->targets);
    if (!last.ok()) return last.status();
    spec.version = last->envelope.version + 1;
  }
  for (const auto& [path, bytes] : files.target_files) {
    const tuf::Target target = tuf::DescribeTarget(bytes);
    const std::string file = PathOfTarget(folder, path, target);
    if (absl::Status s = MakeFolder(fs::path(file).parent_path().string());
        !s.ok()) {
      return s;
    }
    if (absl::Status s = WriteFileAtomically(file, bytes); !s.ok()) return s;
    spec.targets.emplace(path, target);
  }
  const auto draft = tuf::WriteTargets(spec);
  if (!draft.ok()) return draft.status();
  return WriteFileAtomically(folder + kTargetsDraft, *draft);
}

absl::StatusOr<tuf::Targets> VerifyTargets(const tuf::Root& root,
                                           const BundleFiles& files) {
  auto targets = tuf::ParseTargets(files.targets);
  if (!targets.ok()) return targets.status();
  if (absl::Status s =
          tuf::VerifySignatures(targets->envelope, root.targets, root.keys);
      !s.ok()) {
    return s;
  }
  for (const TargetKind& kind : TargetKinds()) {
    const auto target = targets->targets.find(kind.path);
    if (target == targets->targets.end()) {
      if (!kind.is_required) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("the targets name no ", std::string(kind.name)));
    }
    const std::string& bytes = files.target(kind.path);
    if (absl::Status s = tuf::VerifyTargetBytes(target->second, bytes);
        !s.ok()) {
      return s;
    }
    if (const auto facts = ReadFacts(kind, bytes); !facts.ok()) {
      return facts.status();
    }
  }
  return targets;
}

absl::StatusOr<tuf::Targets> PublishTargetsDraft(const std::string& folder,
                                                 absl::Time now) {
  const auto ceremony = ReadCeremony(folder);
  if (!ceremony.ok()) return ceremony.status();
  const auto root = VerifyRoots(ceremony->roots);
  if (!root.ok()) return root.status();
  const auto targets = VerifyDraft(folder, *ceremony, *root, now);
  if (!targets.ok()) return targets.status();
  if (absl::Status s = Finish(
          folder + kTargetsDraft,
          absl::StrCat(folder, "/", targets->envelope.version, kTargetsSuffix),
          ceremony->targets_draft->targets);
      !s.ok()) {
    return s;
  }
  return targets;
}

absl::Status CheckDraft(const Ceremony& ceremony, DraftKind kind,
                        absl::Time now) {
  if (kind == DraftKind::kTargets) {
    if (!ceremony.targets_draft.has_value()) return NoDraft(kind);
    const auto draft = tuf::ParseTargets(ceremony.targets_draft->targets);
    if (!draft.ok()) return draft.status();
    if (absl::Status s =
            CheckTargetsDraft(*draft, *ceremony.targets_draft, now);
        !s.ok()) {
      return s;
    }
    return CheckNotExpired(draft->envelope, tuf::TufReason::kTargetsExpired,
                           now);
  }
  if (ceremony.root_draft.empty()) return NoDraft(kind);
  const auto draft = tuf::ParseRoot(ceremony.root_draft);
  if (!draft.ok()) return draft.status();
  if (absl::Status s = CheckRootDraft(ceremony, *draft); !s.ok()) return s;
  return CheckNotExpired(draft->envelope, tuf::TufReason::kRootExpired, now);
}

absl::StatusOr<std::vector<SignatureCount>> CountSignatures(
    const Ceremony& ceremony, DraftKind kind) {
  std::vector<SignatureCount> counts;
  if (kind == DraftKind::kTargets) {
    if (!ceremony.targets_draft.has_value()) return NoDraft(kind);
    const auto root = VerifyRoots(ceremony.roots);
    if (!root.ok()) return root.status();
    const auto draft = tuf::ParseTargets(ceremony.targets_draft->targets);
    if (!draft.ok()) return draft.status();
    counts.push_back(
        CountFor(absl::StrCat("targets keys of root ", root->envelope.version),
                 draft->envelope, root->targets, root->keys));
    const auto next = NextRootOf(ceremony);
    if (next.has_value() &&
        (next->targets.keyids != root->targets.keyids ||
         next->targets.threshold != root->targets.threshold)) {
      counts.push_back(CountFor(absl::StrCat("targets keys of the draft of "
                                             "root ",
                                             next->envelope.version),
                                draft->envelope, next->targets, next->keys));
    }
    return counts;
  }
  if (ceremony.root_draft.empty()) return NoDraft(kind);
  const auto draft = tuf::ParseRoot(ceremony.root_draft);
  if (!draft.ok()) return draft.status();
  if (absl::Status s = CheckRootDraft(ceremony, *draft); !s.ok()) return s;
  if (!ceremony.roots.empty()) {
    const auto last = VerifyRoots(ceremony.roots);
    if (!last.ok()) return last.status();
    counts.push_back(
        CountFor(absl::StrCat("root keys of root ", last->envelope.version),
                 draft->envelope, last->root, last->keys));
  }
  counts.push_back(
      CountFor(absl::StrCat("root keys of root ", draft->envelope.version),
               draft->envelope, draft->root, draft->keys));
  return counts;
}

absl::Status SignDraft(const std::string& folder, const Ceremony& shown,
                       DraftKind kind, const tuf::SigningKey& key,
                       absl::Time now, const Reactivated& reactivated) {
  if (absl::Status s = CheckDraft(shown, kind, now); !s.ok()) return s;
  if (kind == DraftKind::kTargets) {
    const auto last = CatalogBeforeDraft(shown);
    if (!last.ok()) return last.status();
    if (absl::Status s = CheckCatalogStep(*last, shown.targets_draft->catalog(),
                                          reactivated);
        !s.ok()) {
      return s;
    }
  }
  const auto counts = CountSignatures(shown, kind);
  if (!counts.ok()) return counts.status();
  const std::string& id = key.public_key().keyid();
  if (std::none_of(
          counts->begin(), counts->end(),
          [&](const SignatureCount& count) { return Counts(count, id); })) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the key ", id, " is not one whose signature counts here"));
  }
  const bool is_root = kind == DraftKind::kRoot;
  const std::string path = folder + (is_root ? kRootDraft : kTargetsDraft);
  const std::string& what_was_shown =
      is_root ? shown.root_draft : shown.targets_draft->targets;
  // Others may have signed the same draft meanwhile; another text is another
  // draft.
  const auto there = ReadFile(path, tuf::kMaxTargetsBytes);
  if (!there.ok()) return there.status();
  const auto signed_part =
      [&](const std::string& bytes) -> absl::StatusOr<std::string> {
    if (is_root) {
      const auto root = tuf::ParseRoot(bytes);
      if (!root.ok()) return root.status();
      return root->envelope.signed_bytes;
    }
    const auto targets = tuf::ParseTargets(bytes);
    if (!targets.ok()) return targets.status();
    return targets->envelope.signed_bytes;
  };
  const auto before = signed_part(what_was_shown);
  const auto after = signed_part(*there);
  if (!after.ok()) return after.status();
  if (!before.ok() || *before != *after) {
    return absl::AbortedError(
        "the draft was replaced while you looked at it: nothing was signed; "
        "look again");
  }
  const auto bytes = tuf::AddSignature(*there, key);
  if (!bytes.ok()) return bytes.status();
  if (bytes->size() > (is_root ? tuf::kMaxRootBytes : tuf::kMaxTargetsBytes)) {
    return absl::FailedPreconditionError(
        "with this signature the file would be longer than clients read");
  }
  return WriteFileAtomically(path, *bytes);
}

}  // namespace anchorage::anchors
