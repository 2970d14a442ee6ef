// trustctl root init | add-key | remove-key | renew | sign | publish | status,
// and keys rotate timestamp: a root from its draft to its file.

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "anchors/base/atomic_file.h"
#include "anchors/publishing/ceremony.h"
#include "anchors/publishing/repository_writer.h"
#include "tools/trustctl/ceremony_text.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/signing_key.h"

namespace anchorage::trustctl {
namespace {

namespace tuf = anchors::tuf;
using anchors::Ceremony;
using anchors::DraftKind;
using nlohmann::ordered_json;

constexpr char kDefaultLife[] = "365d";

// How long before its end a role is warned of.
constexpr absl::Duration kRootWarning = absl::Hours(120 * 24);
constexpr absl::Duration kTargetsWarning = absl::Hours(60 * 24);

struct Flags {
  std::string folder = ".";
  std::string expires_in = kDefaultLife;
  // Public keys in PEM, by role.
  std::vector<std::string> root_keys;
  std::vector<std::string> targets_keys;
  std::string online_key;
  // 0: as it is.
  int threshold = 0;
  std::string role;
  // A file, or a key id.
  std::string key;
  SigningKeySource signer;
  bool yes = false;
  Output output;
};

absl::StatusOr<tuf::TufKey> ReadPublicKey(const std::string& path) {
  const auto pem = anchors::ReadFile(path, tuf::kMaxPrivateKeyPemBytes);
  if (!pem.ok()) return pem.status();
  auto key = tuf::ReadPublicKeyPem(*pem);
  if (key.ok()) return key;
  return absl::Status(key.status().code(),
                      absl::StrCat(path, ": ", key.status().message()));
}

absl::Status AddKeys(const std::vector<std::string>& paths,
                     tuf::RoleSpec& role) {
  for (const std::string& path : paths) {
    auto key = ReadPublicKey(path);
    if (!key.ok()) return key.status();
    role.keys.push_back(*std::move(key));
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::Time> Expiry(const Flags& flags) {
  const auto life = ParseDuration(flags.expires_in);
  if (!life.ok()) return life.status();
  return absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now() + *life));
}

// The draft if there is one, else the root after the last.
absl::StatusOr<tuf::RootSpec> NextSpec(const Flags& flags) {
  const auto ceremony = anchors::ReadCeremony(flags.folder);
  if (!ceremony.ok()) return ceremony.status();
  const auto expires = Expiry(flags);
  if (!expires.ok()) return expires.status();
  if (!ceremony->root_draft.empty()) {
    const auto draft = tuf::ParseRoot(ceremony->root_draft);
    if (!draft.ok()) return draft.status();
    tuf::RootSpec spec = tuf::NextRootSpec(*draft, *expires);
    spec.version = draft->envelope.version;
    return spec;
  }
  const auto last = anchors::VerifyRoots(ceremony->roots);
  if (!last.ok()) return last.status();
  return tuf::NextRootSpec(*last, *expires);
}

// The last signed root, if there is one.
std::optional<tuf::Root> LastRoot(const Ceremony& ceremony) {
  auto root = anchors::VerifyRoots(ceremony.roots);
  if (!root.ok()) return std::nullopt;
  return *std::move(root);
}

// Shows the draft and what it still needs.
int ShowDraft(const Flags& flags) {
  const auto ceremony = anchors::ReadCeremony(flags.folder);
  if (!ceremony.ok()) return Fail(ceremony.status());
  const auto counts = anchors::CountSignatures(*ceremony, DraftKind::kRoot);
  if (!counts.ok()) return Fail(counts.status());
  const auto draft = tuf::ParseRoot(ceremony->root_draft);
  if (!draft.ok()) return Fail(draft.status());
  flags.output.Print(
      {{"draft", ToJson(*draft)}, {"signatures", ToJson(*counts)}},
      {.name = "/draft/version"}, [&] {
        const auto last = LastRoot(*ceremony);
        std::cout << "draft of " << TextOf(*draft, last ? &*last : nullptr)
                  << TextOf(*counts);
      });
  return kAccepted;
}

int WriteDraft(const Flags& flags, const tuf::RootSpec& spec) {
  if (absl::Status s = anchors::WriteRootDraft(flags.folder, spec); !s.ok()) {
    return Fail(s);
  }
  return ShowDraft(flags);
}

int Init(const Flags& flags) {
  const auto ceremony = anchors::ReadCeremony(flags.folder);
  if (!ceremony.ok()) return Fail(ceremony.status());
  if (!ceremony->roots.empty()) {
    return Fail(
        absl::FailedPreconditionError(flags.folder + " has a root already"),
        "use root add-key, remove-key or renew");
  }
  const auto expires = Expiry(flags);
  if (!expires.ok()) return UsageError(expires.status());
  tuf::RootSpec spec;
  spec.expires = *expires;
  if (absl::Status s = AddKeys(flags.root_keys, spec.root); !s.ok()) {
    return Fail(s);
  }
  const auto& targets =
      flags.targets_keys.empty() ? flags.root_keys : flags.targets_keys;
  if (absl::Status s = AddKeys(targets, spec.targets); !s.ok()) return Fail(s);
  for (tuf::RoleSpec* role : {&spec.snapshot, &spec.timestamp}) {
    if (absl::Status s = AddKeys({flags.online_key}, *role); !s.ok()) {
      return Fail(s);
    }
  }
  for (tuf::RoleSpec* role : {&spec.root, &spec.targets}) {
    role->threshold =
        flags.threshold > 0
            ? flags.threshold
            : std::min<std::int64_t>(
                  2, static_cast<std::int64_t>(role->keys.size()));
    if (role->threshold > static_cast<std::int64_t>(role->keys.size())) {
      return UsageError(absl::InvalidArgumentError(
          absl::StrCat("a threshold of ", role->threshold,
                       " needs as many keys; there are ", role->keys.size())));
    }
  }
  return WriteDraft(flags, spec);
}

tuf::RoleSpec& RoleOf(tuf::RootSpec& spec, const std::string& role) {
  if (role == "root") return spec.root;
  if (role == "targets") return spec.targets;
  return role == "snapshot" ? spec.snapshot : spec.timestamp;
}

absl::Status SetThreshold(const Flags& flags, tuf::RoleSpec& role) {
  if (flags.threshold > 0) role.threshold = flags.threshold;
  if (role.threshold <= static_cast<std::int64_t>(role.keys.size())) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      flags.role, " would have ", role.keys.size(), " keys and a threshold of ",
      role.threshold,
      ": nobody could sign; add a key first, or give --threshold"));
}

int AddKeyToRole(const Flags& flags) {
  auto spec = NextSpec(flags);
  if (!spec.ok()) return Fail(spec.status());
  const auto key = ReadPublicKey(flags.key);
  if (!key.ok()) return Fail(key.status());
  tuf::RoleSpec& role = RoleOf(*spec, flags.role);
  for (const tuf::TufKey& other : role.keys) {
    if (other.identity() == key->identity()) {
      return Fail(absl::AlreadyExistsError(
          absl::StrCat(flags.role, " has that key already")));
    }
  }
  role.keys.push_back(*key);
  if (absl::Status s = SetThreshold(flags, role); !s.ok()) return Fail(s);
  return WriteDraft(flags, *spec);
}

int RemoveKeyFromRole(const Flags& flags) {
  auto spec = NextSpec(flags);
  if (!spec.ok()) return Fail(spec.status());
  // A lost key may be known by its id alone.
  const auto file = ReadPublicKey(flags.key);
  const std::string id = file.ok() ? file->keyid() : flags.key;
  tuf::RoleSpec& role = RoleOf(*spec, flags.role);
  const auto gone =
      std::remove_if(role.keys.begin(), role.keys.end(),
                     [&](const tuf::TufKey& key) { return key.keyid() == id; });
  if (gone == role.keys.end()) {
    return Fail(absl::NotFoundError(absl::StrCat(
        flags.role, " has no key ", id, " (a .pub file or a whole key id)")));
  }
  role.keys.erase(gone, role.keys.end());
  if (absl::Status s = SetThreshold(flags, role); !s.ok()) return Fail(s);
  return WriteDraft(flags, *spec);
}

int Renew(const Flags& flags) {
  const auto spec = NextSpec(flags);
  if (!spec.ok()) return Fail(spec.status());
  return WriteDraft(flags, *spec);
}

int RotateTimestamp(const Flags& flags) {
  auto spec = NextSpec(flags);
  if (!spec.ok()) return Fail(spec.status());
  const auto key = ReadPublicKey(flags.online_key);
  if (!key.ok()) return Fail(key.status());
  for (const tuf::TufKey& old : spec->timestamp.keys) {
    if (old.identity() == key->identity()) {
      return Fail(absl::AlreadyExistsError("that is the key in use"));
    }
  }
  // Both at once: one key signs both, and a client forgets what a stolen key
  // has signed only for a role that no longer names it.
  for (tuf::RoleSpec* role : {&spec->snapshot, &spec->timestamp}) {
    role->keys = {*key};
    role->threshold = 1;
  }
  return WriteDraft(flags, *spec);
}

int Sign(const Flags& flags) {
  const auto ceremony = anchors::ReadCeremony(flags.folder);
  if (!ceremony.ok()) return Fail(ceremony.status());
  if (ceremony->root_draft.empty()) {
    return Fail(absl::FailedPreconditionError("there is no draft to sign"),
                "begin with root init, add-key, remove-key or renew");
  }
  const auto draft = tuf::ParseRoot(ceremony->root_draft);
  if (!draft.ok()) return Fail(draft.status());
  const auto last = LastRoot(*ceremony);
  if (absl::Status s =
          anchors::CheckDraft(*ceremony, DraftKind::kRoot, absl::Now());
      !s.ok()) {
    return Fail(s);
  }
  std::cerr << "to be signed: " << RepositoryText(*ceremony)
            << TextOf(*draft, last ? &*last : nullptr) << RulesText();
  if (absl::Status s = Confirm("Sign this?", flags.yes); !s.ok()) {
    return Fail(s);
  }
  const auto key = flags.signer.Open();
  if (!key.ok()) return Fail(key.status());
  if (absl::Status s = anchors::SignDraft(flags.folder, *ceremony,
                                          DraftKind::kRoot, **key, absl::Now());
      !s.ok()) {
    return Fail(s);
  }
  return ShowCounts(flags.folder, DraftKind::kRoot, flags.output);
}

// The version of the newest signed targets; 0 for none.
std::int64_t TargetsVersionIn(const std::string& folder) {
  const auto ceremony = anchors::ReadCeremony(folder);
  if (!ceremony.ok() || !ceremony->targets.has_value()) return 0;
  const auto targets = tuf::ParseTargets(ceremony->targets->targets);
  return targets.ok() ? targets->envelope.version : 0;
}

int Publish(const Flags& flags) {
  const std::int64_t targets_before = TargetsVersionIn(flags.folder);
  const auto root = anchors::PublishRootDraft(flags.folder, absl::Now());
  if (!root.ok()) {
    return Fail(root.status(), "nothing was published; see root status");
  }
  const std::string file =
      absl::StrCat(flags.folder, "/", root->envelope.version, ".root.json");
  // Of a root that removes who signed the targets, its own are published too.
  const std::int64_t targets = TargetsVersionIn(flags.folder);
  const bool both = targets != targets_before;
  ordered_json json = ToJson(*root);
  json["file"] = file;
  if (both) json["targets_version"] = targets;
  flags.output.Print(json, {.name = "/version"}, [&] {
    std::cout << "published  root " << root->envelope.version << " in " << file
              << "\n";
    if (both) {
      std::cout << "published  targets " << targets
                << ", which its keys have signed\n";
    }
  });
  return kAccepted;
}

// One role's end, with a warning where it is near.
struct End {
  std::string role;
  absl::Time expires;
  absl::Duration warning;
};

int Status(const Flags& flags) {
  const auto ceremony = anchors::ReadCeremony(flags.folder);
  if (!ceremony.ok()) return Fail(ceremony.status());
  const auto root = anchors::VerifyRoots(ceremony->roots);
  if (!root.ok() && ceremony->root_draft.empty()) return Fail(root.status());
  std::vector<End> ends;
  ordered_json json = ordered_json::object();
  if (root.ok()) {
    ends.push_back({"root", root->envelope.expires, kRootWarning});
    json["root"] = ToJson(*root);
    if (flags.output.is_text()) std::cout << TextOf(*root, nullptr);
  }
  if (ceremony->targets.has_value()) {
    const auto targets = tuf::ParseTargets(ceremony->targets->targets);
    if (!targets.ok()) return Fail(targets.status());
    ends.push_back({"targets", targets->envelope.expires, kTargetsWarning});
    json["targets"] = {{"version", targets->envelope.version},
                       {"expires", Rfc3339(targets->envelope.expires)}};
    if (flags.output.is_text()) {
      std::cout << "targets version " << targets->envelope.version
                << ", good until " << Rfc3339(targets->envelope.expires)
                << "\n";
    }
  }
  for (const auto& [name, kind, there] :
       {std::tuple{"root", DraftKind::kRoot, !ceremony->root_draft.empty()},
        std::tuple{"targets", DraftKind::kTargets,
                   ceremony->targets_draft.has_value()}}) {
    if (!there) continue;
    const auto counts = anchors::CountSignatures(*ceremony, kind);
    if (!counts.ok()) return Fail(counts.status());
    json["drafts"][name] = ToJson(*counts);
    if (flags.output.is_text()) {
      std::cout << "draft of " << name << "\n" << TextOf(*counts);
    }
  }
  flags.output.Print(json, {.name = "/root/version"}, [] {});
  int result = kAccepted;
  for (const End& end : ends) {
    const absl::Duration left = end.expires - absl::Now();
    if (left < absl::ZeroDuration()) {
      PrintError(absl::StrCat(end.role, " expired on ", Rfc3339(end.expires)),
                 "sign the next one");
      result = kStaleOrForAnother;
    } else if (left < end.warning) {
      PrintWarning(absl::StrCat(end.role, " expires in ",
                                absl::ToInt64Hours(left) / 24, " days, on ",
                                Rfc3339(end.expires)));
    }
  }
  return result;
}

constexpr char kInitFooter[] = R"(
    trustctl root init --folder ceremony --threshold 2 --online online.pem.pub \
        --key alice.pem.pub --key bob.pem.pub --key carol.pem.pub

Begins the draft of the first root. It is nothing until enough people have
signed it (root sign) and it is published (root publish).
)";

constexpr char kSignFooter[] = R"(
    trustctl root sign --folder ceremony --key alice.pem

Shows what is signed before it is signed. The folder may travel from one
person to the next.
)";

constexpr char kRotateFooter[] = R"(
    trustctl key generate --out online.pem.next --unencrypted
    trustctl keys rotate timestamp --folder ceremony \
        --online online.pem.next.pub

Begins the draft of a root that names a new online key. Put the private key
beside the old one on trustd's host, with ".next" after its name, before the
root is published.
)";

// Below `parent`, with the flags that all have.
std::pair<CLI::App*, std::shared_ptr<Flags>> AddBelow(
    CLI::App& parent, Action& action, const char* name, const char* help,
    int (*run)(const Flags&)) {
  auto flags = std::make_shared<Flags>();
  CLI::App& command = *parent.add_subcommand(name, help);
  command.add_option("--folder", flags->folder,
                     "the ceremony's folder (default: the current one)");
  flags->output.AddTo(command);
  command.callback(
      [flags, run, &action] { action = [flags, run] { return run(*flags); }; });
  return {&command, flags};
}

void AddLife(CLI::App& command, Flags& flags) {
  command.add_option("--expires-in", flags.expires_in,
                     "how long it is good for (default 365d)");
}

}  // namespace

void AddRoot(CLI::App& root, Action& action) {
  const auto add = [&](const char* name, const char* help,
                       int (*run)(const Flags&)) {
    return AddBelow(root, action, name, help, run);
  };
  auto [init, init_flags] = add("init", "Begin the first root", Init);
  init->footer(kInitFooter);
  init->add_option("--key", init_flags->root_keys,
                   "public key (PEM) of a person; repeatable")
      ->required();
  init->add_option("--targets-key", init_flags->targets_keys,
                   "public key for targets; repeatable (default: those of "
                   "--key)");
  init->add_option("--online", init_flags->online_key,
                   "public key of the trustd, for snapshot and timestamp")
      ->required();
  init->add_option("--threshold", init_flags->threshold,
                   "how many must sign root and targets (default 2)")
      ->check(CLI::PositiveNumber);
  AddLife(*init, *init_flags);

  struct KeyCommand {
    const char* name;
    const char* help;
    int (*run)(const Flags&);
  };
  for (const auto& [name, help, run] :
       {KeyCommand{"add-key", "Draft the next root with one key more",
                   AddKeyToRole},
        KeyCommand{"remove-key", "Draft the next root with one key less",
                   RemoveKeyFromRole}}) {
    auto [command, flags] = add(name, help, run);
    command->add_option("--role", flags->role, "the role")
        ->required()
        ->check(CLI::IsMember({"root", "targets", "snapshot", "timestamp"}));
    command
        ->add_option("--key", flags->key,
                     "public key (PEM); to remove one, its id will do")
        ->required();
    command
        ->add_option("--threshold", flags->threshold,
                     "how many must sign for the role (default: as before)")
        ->check(CLI::PositiveNumber);
    AddLife(*command, *flags);
  }

  auto [renew, renew_flags] =
      add("renew", "Draft the next root with a later end", Renew);
  AddLife(*renew, *renew_flags);

  auto [sign, sign_flags] = add("sign", "Sign the draft", Sign);
  sign->footer(kSignFooter);
  sign_flags->signer.AddTo(*sign);
  sign->add_flag("--yes", sign_flags->yes, "do not ask");

  add("publish", "Turn the signed draft into N.root.json", Publish);
  add("status", "Show root, targets and drafts, and what expires soon", Status);
}

void AddKeys(CLI::App& keys, Action& action) {
  CLI::App& rotate = *keys.add_subcommand("rotate", "Replace a key");
  rotate.require_subcommand(1);
  auto [timestamp, rotate_flags] =
      AddBelow(rotate, action, "timestamp",
               "Draft the next root with a new online key", RotateTimestamp);
  timestamp->footer(kRotateFooter);
  timestamp
      ->add_option("--online", rotate_flags->online_key,
                   "public key (PEM) of the new online key")
      ->required();
  AddLife(*timestamp, *rotate_flags);
}

}  // namespace anchorage::trustctl
