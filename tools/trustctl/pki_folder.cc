#include "tools/trustctl/pki_folder.h"

#include <openssl/crypto.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace anchorage::trustctl {
namespace {

using anchors::FileAccess;
using anchors::tuf::Secret;
using anchors::tuf::SoftwareKey;

constexpr std::size_t kMaxCertificateBytes = 64 * 1024;

absl::Status Of(const std::string& file, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(file, ": ", status.message()));
}

absl::Status CheckOwnFolder(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    return anchors::FileError(errno, "open", path);
  }
  if (!S_ISDIR(found.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is no folder"));
  }
  if ((found.st_mode & (S_IRWXG | S_IRWXO)) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      path, " may be used by others than its owner: chmod 700 ", path));
}

std::optional<std::string_view> ViewOf(const std::optional<Secret>& secret) {
  if (!secret.has_value()) return std::nullopt;
  return secret->view();
}

absl::StatusOr<bool> Exists(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) return true;
  if (errno == ENOENT) return false;
  return anchors::FileError(errno, "look at", path);
}

bool IsSame(const PkiEntry& one, const PkiEntry& other) {
  if (one.kind != other.kind) return false;
  // There is one CA, and a server goes by the first of its hosts.
  return one.kind == PkiKind::kAuthority ||
         one.names.front() == other.names.front();
}

}  // namespace

absl::StatusOr<PkiFolder> PkiFolder::Make(const std::string& path,
                                          const AskPassphrase& ask,
                                          absl::Time not_after,
                                          absl::Time now) {
  if (absl::Status s = anchors::MakeFolder(path); !s.ok()) return s;
  if (absl::Status s = CheckOwnFolder(path); !s.ok()) return s;
  auto lock = anchors::FolderLock::Take(path);
  if (!lock.ok()) return lock.status();
  PkiFolder folder(path, *std::move(lock));
  const PkiFiles files = folder.FilesOf(PkiKind::kAuthority, {""});
  for (const std::string& file : {files.key, files.certificate}) {
    const auto exists = Exists(file);
    if (!exists.ok()) return exists.status();
    if (*exists) {
      return absl::AlreadyExistsError(
          absl::StrCat(file, " is there already: a CA is never written over"));
    }
  }
  const auto key = SoftwareKey::GenerateP256();
  if (!key.ok()) return key.status();
  std::optional<Secret> passphrase;
  if (ask) {
    auto asked = ask(files.key, /*is_new=*/true);
    if (!asked.ok()) return asked.status();
    passphrase.emplace(*std::move(asked));
  }
  const auto pem = (*key)->ToPem(ViewOf(passphrase));
  if (!pem.ok()) return pem.status();
  auto authority = PkiAuthority::FromKey(pem->view(), ViewOf(passphrase));
  if (!authority.ok()) return authority.status();
  const auto certificate = authority->MakeOwn("", not_after, now);
  if (!certificate.ok()) return certificate.status();
  const auto made = folder.Write({.not_after = authority->not_after(),
                                  .kind = PkiKind::kAuthority,
                                  .names = {authority->name()}},
                                 *certificate, pem->view());
  if (!made.ok()) return made.status();
  return folder;
}

absl::StatusOr<PkiFolder> PkiFolder::Open(const std::string& path) {
  if (absl::Status s = CheckOwnFolder(path); !s.ok()) return s;
  auto lock = anchors::FolderLock::Take(path);
  if (!lock.ok()) return lock.status();
  PkiFolder folder(path, *std::move(lock));
  const std::string index = absl::StrCat(path, "/index");
  const auto text = anchors::ReadFile(index, kMaxPkiIndexBytes);
  if (!text.ok()) return text.status();
  auto entries = ReadPkiIndex(*text);
  if (!entries.ok()) return Of(index, entries.status());
  if (entries->empty() || entries->front().kind != PkiKind::kAuthority) {
    return absl::DataLossError(
        absl::StrCat(index, ": its first line is not that of the CA"));
  }
  folder.entries_ = *std::move(entries);
  return folder;
}

absl::StatusOr<PkiAuthority> PkiFolder::OpenAuthority(
    const AskPassphrase& ask) const {
  const PkiFiles files = FilesOf(PkiKind::kAuthority, {""});
  auto pem =
      anchors::ReadPrivateFile(files.key, anchors::tuf::kMaxPrivateKeyPemBytes);
  if (!pem.ok()) return pem.status();
  const Secret text(*pem);
  OPENSSL_cleanse(pem->data(), pem->size());
  std::optional<Secret> passphrase;
  if (absl::StrContains(
          absl::string_view(text.view().data(), text.view().size()),
          "ENCRYPTED")) {
    auto asked = ask(files.key, /*is_new=*/false);
    if (!asked.ok()) return asked.status();
    passphrase.emplace(*std::move(asked));
  }
  auto authority = PkiAuthority::FromKey(text.view(), ViewOf(passphrase));
  if (!authority.ok()) return Of(files.key, authority.status());
  const auto certificate =
      anchors::ReadFile(files.certificate, kMaxCertificateBytes);
  if (!certificate.ok()) return certificate.status();
  if (absl::Status s = authority->Use(*certificate); !s.ok()) {
    return Of(files.certificate, s);
  }
  return authority;
}

absl::StatusOr<PkiEntry> PkiFolder::Issue(const PkiAuthority& authority,
                                          PkiKind kind, const std::string& role,
                                          const std::vector<std::string>& names,
                                          absl::Time not_after, absl::Time now,
                                          bool replace) {
  const auto key = SoftwareKey::GenerateP256();
  if (!key.ok()) return key.status();
  const auto pem = (*key)->ToPem();
  if (!pem.ok()) return pem.status();
  const auto public_pem = (*key)->PublicPem();
  if (!public_pem.ok()) return public_pem.status();
  // First of all, so that a name that is none never gets into a path.
  const auto certificate = authority.Issue({.kind = kind,
                                            .names = names,
                                            .public_key_pem = *public_pem,
                                            .not_after = not_after},
                                           now);
  if (!certificate.ok()) return certificate.status();
  const PkiFiles files = FilesOf(kind, names);
  for (const std::string& file : {files.key, files.certificate}) {
    const auto exists = Exists(file);
    if (!exists.ok()) return exists.status();
    if (*exists && !replace) {
      return absl::AlreadyExistsError(absl::StrCat(
          file,
          " is there already: 'trustctl pki renew' makes the certificate "
          "anew over the same key, and --replace both"));
    }
  }
  const std::string folder =
      std::filesystem::path(files.key).parent_path().string();
  if (absl::Status s = anchors::MakeFolder(folder); !s.ok()) return s;
  return Write(
      {.not_after = not_after, .kind = kind, .role = role, .names = names},
      *certificate, pem->view());
}

absl::StatusOr<PkiFolder::Renewed> PkiFolder::Renew(
    const PkiAuthority& authority, const PkiEntry& old, absl::Time not_after,
    absl::Time now) {
  const PkiFiles files = FilesOf(old);
  const auto pem = anchors::ReadFile(files.certificate, kMaxCertificateBytes);
  if (!pem.ok()) return pem.status();
  const auto facts = ReadPkiCertificate(*pem);
  if (!facts.ok()) return Of(files.certificate, facts.status());
  // Not only the newest: what was made may not have been written.
  const auto known =
      std::find_if(entries_.begin(), entries_.end(), [&](const PkiEntry& one) {
        return IsSame(one, old) && one.sha256 == facts->sha256;
      });
  if (known == entries_.end()) {
    return absl::DataLossError(absl::StrCat(
        files.certificate, " is no certificate that the index has of it"));
  }
  const PkiEntry before = *known;
  const auto certificate =
      authority.Issue({.kind = old.kind,
                       .names = old.names,
                       .public_key_pem = facts->public_key_pem,
                       .not_after = not_after},
                      now);
  if (!certificate.ok()) return certificate.status();
  auto made = Write({.not_after = not_after,
                     .kind = old.kind,
                     .role = old.role,
                     .names = old.names},
                    *certificate, std::nullopt);
  if (!made.ok()) return made.status();
  return Renewed{before, *std::move(made)};
}

absl::StatusOr<PkiEntry> PkiFolder::RenewAuthority(PkiAuthority& authority,
                                                   absl::Time not_after,
                                                   absl::Time now) {
  const std::string name = authority.name();
  const auto certificate = authority.MakeOwn(name, not_after, now);
  if (!certificate.ok()) return certificate.status();
  return Write(
      {.not_after = not_after, .kind = PkiKind::kAuthority, .names = {name}},
      *certificate, std::nullopt);
}

std::vector<PkiEntry> PkiFolder::Newest() const {
  std::vector<PkiEntry> newest;
  for (const PkiEntry& entry : entries_) {
    const auto same =
        std::find_if(newest.begin(), newest.end(),
                     [&](const auto& one) { return IsSame(one, entry); });
    if (same == newest.end()) {
      newest.push_back(entry);
    } else {
      *same = entry;
    }
  }
  return newest;
}

PkiFiles PkiFolder::FilesOf(PkiKind kind,
                            const std::vector<std::string>& names) const {
  const std::string base = kind == PkiKind::kAuthority ? "ca"
                           : kind == PkiKind::kServer
                               ? absl::StrCat("servers/", names.front())
                               : absl::StrCat("people/", names.front());
  return {absl::StrCat(path_, "/", base, ".pem"),
          absl::StrCat(path_, "/", base, ".key")};
}

absl::StatusOr<PkiEntry> PkiFolder::Write(
    PkiEntry entry, const PkiCertificate& certificate,
    std::optional<std::string_view> key_pem) {
  entry.serial = certificate.serial;
  entry.sha256 = certificate.sha256;
  std::string index;
  for (const PkiEntry& one : entries_) index += ToLine(one);
  index += ToLine(entry);
  if (index.size() > kMaxPkiIndexBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(path_, "/index is full: begin another folder"));
  }
  if (absl::Status s =
          anchors::WriteFileAtomically(absl::StrCat(path_, "/index"), index);
      !s.ok()) {
    return s;
  }
  entries_.push_back(entry);
  const PkiFiles files = FilesOf(entry);
  if (key_pem.has_value()) {
    if (absl::Status s = anchors::WriteFileAtomically(files.key, *key_pem,
                                                      FileAccess::kPrivate);
        !s.ok()) {
      return s;
    }
  }
  if (absl::Status s =
          anchors::WriteFileAtomically(files.certificate, certificate.pem);
      !s.ok()) {
    return s;
  }
  return entry;
}

}  // namespace anchorage::trustctl
