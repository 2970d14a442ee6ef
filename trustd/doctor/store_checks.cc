// What the store has, and whether this host can go on signing it.

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "anchors/images/image_index.h"
#include "anchors/publishing/ceremony.h"
#include "anchors/tuf/metadata.h"
#include "trustd/base/store_keys.h"
#include "trustd/doctor/checks.h"
#include "trustd/images/image_store.h"
#include "trustd/publish/keys.h"
#include "trustd/record/ledger.h"

namespace anchorage::trustd {
namespace {

namespace tuf = anchors::tuf;
using anchors::CheckLine;

constexpr absl::Duration kEndsSoon = absl::Hours(60 * 24);

std::string Text(const absl::Status& status) {
  return std::string(status.message());
}

std::vector<std::string> KeyPaths(const PublisherConfig& config) {
  if (config.mode == v1::TrustdConfig::MODE_OFFLINE) {
    return {config.online_key_path};
  }
  return {config.root_key_path, config.targets_key_path,
          config.online_key_path};
}

// The newest root that people have signed, in the store or in their folder.
absl::StatusOr<tuf::Root> NewestRoot(const Look& look) {
  std::string newest = look.publication->files.roots.back();
  if (look.offline()) {
    const auto held = tuf::ParseRoot(newest);
    if (!held.ok()) return held.status();
    const auto ceremony = anchors::ReadSigned(look.place.publisher.ceremony_dir,
                                              held->envelope.version + 1);
    if (ceremony.ok() && !ceremony->roots.empty()) {
      newest = ceremony->roots.back();
    }
  }
  return tuf::ParseRoot(newest);
}

}  // namespace

CheckLine CheckStore(const Look& look) {
  if (absl::IsNotFound(look.opened)) {
    if (!look.has_begun) return Ok("none yet: the first start makes it");
    return Fail("STORE_GONE", Text(look.opened),
                "restore a backup: trustd restore DIR --why TEXT");
  }
  if (absl::IsFailedPrecondition(look.opened)) {
    return Fail("STORE_OF_NEWER_PROGRAM", Text(look.opened),
                "run the newer trustd, or restore a backup of before");
  }
  if (!look.opened.ok()) {
    return Fail("STORE_UNREADABLE", Text(look.opened),
                "run this as the user of trustd or as root; if it is damaged, "
                "restore a backup");
  }
  const auto schema = look.store->Get(keys::kSchema);
  int version = 0;
  if (!schema.ok() || !absl::SimpleAtoi(schema->value_or(""), &version)) {
    return Fail("STORE_UNREADABLE", "the store has no schema",
                "restore a backup");
  }
  if (version < kSchemaVersion) {
    return Warn("STORE_WILL_BE_UPGRADED",
                absl::StrCat("it has schema ", version, ", and this program ",
                             "makes it ", kSchemaVersion,
                             ": earlier programs refuse it then"),
                "keep a backup of before: trustctl backup, or with an earlier "
                "trustd a copy of data_dir, made while it is stopped");
  }
  return Ok(absl::StrCat("schema ", version));
}

CheckLine CheckHead(const Look& look) {
  if (look.store == nullptr) return Skipped("there is no store to compare");
  constexpr char kHint[] =
      "it serves and signs nothing until 'trustctl store accept': "
      "trustd/INCIDENTS.md, \"The store went back\"";
  const auto restored = look.store->Get(keys::kRestored);
  if (restored.ok() && restored->has_value()) {
    return Fail("STORE_WENT_BACK", **restored, kHint);
  }
  const auto now = ReadHead(*look.store);
  if (!now.ok()) {
    return Fail("STORE_UNREADABLE", Text(now.status()), "restore a backup");
  }
  if (*now == StoreHead()) return Skipped("nothing was published yet");
  const auto schema = look.store->Get(keys::kSchema);
  int version = 0;
  if (absl::IsNotFound(look.head_read) && schema.ok() &&
      absl::SimpleAtoi(schema->value_or(""), &version) &&
      version < kFirstSchemaWithHead) {
    return Ok("none yet: the next start makes it, once");
  }
  if (!look.head_read.ok()) {
    return Fail("STORE_WENT_BACK",
                absl::StrCat("store.head: ", Text(look.head_read)), kHint);
  }
  const absl::Status follows = CheckFollows(*look.store, *now, look.head);
  if (!follows.ok()) return Fail("STORE_WENT_BACK", Text(follows), kHint);
  if (look.head.noted_timestamp > now->timestamp_version) {
    return Fail(
        "NEWER_TIMESTAMP_SHOWN",
        absl::StrCat("timestamp is ", now->timestamp_version,
                     ", and a client has shown ", look.head.noted_timestamp,
                     ", signed with our own key"),
        "trustd/INCIDENTS.md, \"The store went back\" and \"The online "
        "key is stolen\"");
  }
  return Ok(absl::StrCat("timestamp ", now->timestamp_version, ", ",
                         now->records, " records, root of the record ",
                         now->records_root.substr(0, 16), "..."));
}

CheckLine CheckRecordOf(const Look& look) {
  if (look.store == nullptr) return Skipped("there is no store");
  const auto ledger =
      Ledger::Open(*look.store, [](std::uint64_t, const v1::LedgerRecord&) {});
  const absl::Status health =
      ledger.ok() ? (*ledger)->health() : ledger.status();
  if (!health.ok()) {
    return Fail("LEDGER_DAMAGED", Text(health),
                "restore a backup: trustd restore DIR --why TEXT");
  }
  return Ok(absl::StrCat((*ledger)->head().size, " records, all read"));
}

CheckLine CheckMetadata(const Look& look) {
  if (look.publication == nullptr) {
    if (absl::IsNotFound(look.verified)) return Skipped(Text(look.verified));
    return look.store == nullptr
               ? Skipped("there is no store")
               : Fail("METADATA_DAMAGED", Text(look.verified),
                      "restore a backup: trustd restore DIR --why TEXT");
  }
  std::vector<std::string> texts;
  for (const RoleFacts& role : look.publication->roles) {
    texts.push_back(absl::StrCat(role.role, " until ", DateOf(role.expires)));
    const bool for_people =
        look.offline() && (role.role == "root" || role.role == "targets");
    const absl::Duration left = role.expires - look.now;
    if (left <= absl::ZeroDuration() && (for_people || look.running)) {
      return Fail("METADATA_EXPIRED",
                  absl::StrCat(role.role, " expired on ", DateOf(role.expires)),
                  for_people ? "people sign it again: trustctl " + role.role
                             : "the log says why it was not signed again");
    }
    if (for_people ? left < kEndsSoon
                   : look.running && role.role == "timestamp" &&
                         left < look.place.publisher.timestamp_validity / 2) {
      return Warn("METADATA_ENDS_SOON",
                  absl::StrCat(role.role, " expires on ", DateOf(role.expires)),
                  for_people ? "people sign it again: trustctl " + role.role
                             : "the log says why it was not signed again");
    }
  }
  return Ok(absl::StrJoin(texts, ", "));
}

CheckLine CheckImages(const Look& look) {
  if (look.store == nullptr) return Skipped("there is no store");
  const auto images = ImageStore::Open(*look.store, ImageLimits());
  if (!images.ok()) {
    return Fail("MANIFEST_DAMAGED", Text(images.status()),
                "restore a backup: trustd restore DIR --why TEXT");
  }
  std::size_t count = 0;
  std::vector<CheckLine> damaged;
  (*images)->Visit([&](const anchors::Image& image) {
    ++count;
    if (absl::Status s = (*images)->CheckChunks(image); !s.ok()) {
      damaged.push_back(Fail("MANIFEST_DAMAGED", Text(s),
                             "submit its bundle again: trustctl image submit; "
                             "or restore a backup"));
    }
  });
  if (!damaged.empty()) return Worst(std::move(damaged), "");
  if (count == 0) return Skipped("no manifest is in the store");
  return Ok(absl::StrCat(count, " manifests, all read"));
}

CheckLine CheckKeyFiles(const Look& look) {
  struct stat folder;
  const bool is_root =
      ::geteuid() == 0 &&
      ::stat(look.place.publisher.data_dir.c_str(), &folder) == 0;
  std::vector<CheckLine> lines;
  for (const std::string& path : KeyPaths(look.place.publisher)) {
    const auto key = LoadKey(path);
    struct stat status;
    if (absl::IsNotFound(key.status()) && !look.has_begun && !look.offline()) {
      return Ok("none yet: the first start makes them");
    }
    if (absl::IsNotFound(key.status())) {
      lines.push_back(Fail("KEY_GONE", Text(key.status()),
                           "put it back from where you keep keys, mode 0600"));
    } else if (absl::IsFailedPrecondition(key.status())) {
      lines.push_back(Fail("KEY_READABLE_BY_OTHERS", Text(key.status()),
                           absl::StrCat("chmod 600 ", path)));
    } else if (!key.ok()) {
      lines.push_back(
          Fail("KEY_UNREADABLE", Text(key.status()),
               "run this as the user of trustd or as root; if it is no key, "
               "put it back from where you keep keys"));
      // Root reads everything; trustd does not.
    } else if (is_root && folder.st_uid != 0 &&
               ::stat(path.c_str(), &status) == 0 &&
               path.starts_with(look.place.publisher.data_dir + "/") &&
               status.st_uid != folder.st_uid) {
      lines.push_back(
          Fail("KEY_OF_ANOTHER_OWNER",
               absl::StrCat(path, " is of user ", status.st_uid,
                            ", and data_dir of user ", folder.st_uid),
               absl::StrCat("chown ", folder.st_uid, ":", folder.st_gid, " ",
                            path)));
    } else {
      lines.push_back(Ok(path));
    }
  }
  return Worst(std::move(lines), "there are none");
}

CheckLine CheckKeysOfRoot(const Look& look) {
  if (look.publication == nullptr)
    return Skipped("there is no root that holds");
  const auto keys = LoadKeys(look.place.publisher, /*may_make=*/false);
  if (!keys.ok()) return Skipped("not all keys can be read");
  const auto root = NewestRoot(look);
  if (!root.ok()) {
    return Fail("KEY_NOT_IN_ROOT", Text(root.status()),
                "the newest root in ceremony_dir is none: sign it again");
  }
  absl::Status status;
  if (!look.offline()) {
    status = CheckKeys(look.place.publisher, *keys, *root);
  } else if (keys->OnlineFor(root->snapshot) == nullptr ||
             keys->OnlineFor(root->timestamp) == nullptr) {
    status = absl::FailedPreconditionError(
        absl::StrCat(look.place.publisher.online_key_path, " has key ",
                     keys->online.front()->public_key().keyid(), ", and root ",
                     root->envelope.version, " names ",
                     absl::StrJoin(root->timestamp.keyids, ", ")));
  }
  if (!status.ok()) {
    return Fail("KEY_NOT_IN_ROOT", Text(status),
                "put the key that the root names there, or beside it with "
                ".next after its name");
  }
  return Ok(absl::StrCat("root ", root->envelope.version, " names them"));
}

CheckLine CheckSigners(const Look& look) {
  if (!look.offline()) {
    return Warn("MODE_ONLINE", "root and targets are signed on this host",
                "for trials and small vendors only: MODE_OFFLINE gives these "
                "keys to people");
  }
  if (look.publication == nullptr)
    return Skipped("there is no root that holds");
  const auto root = NewestRoot(look);
  if (!root.ok()) return Skipped("there is no root that holds");
  std::vector<std::string> texts;
  for (const auto& [name, role] :
       {std::pair("root", &root->root), std::pair("targets", &root->targets)}) {
    const auto keys = static_cast<std::int64_t>(role->keyids.size());
    const std::string text =
        absl::StrCat(name, " is signed by ", role->threshold, " of ", keys);
    texts.push_back(text);
    if (keys < role->threshold) {
      return Fail("TOO_FEW_SIGNERS", text,
                  "nobody can sign this any more: clients need a new "
                  "1.root.json");
    }
    if (keys == role->threshold) {
      return Warn("NO_SIGNER_TO_SPARE", text,
                  "one lost key ends the repository: trustctl root add-key");
    }
  }
  return Ok(absl::StrJoin(texts, ", "));
}

}  // namespace anchorage::trustd
