// The folder of `trustctl pki`, with one writer at a time:
//
//   ca.pem, ca.key            the CA; its key encrypted unless that was refused
//   people/NAME.pem, .key     of each person
//   servers/HOST.pem, .key    of each listener, by the first of its hosts
//   index                     what was made (pki_index.h)
//
//   auto folder = PkiFolder::Open("pki");
//   auto made = folder->Issue(*authority, PkiKind::kPerson, "approver",
//                             {"alice"}, end, now, /*replace=*/false);
//
// The folder is 0700 and keys are 0600; files are written whole or not at all.
// The index is written before the certificate: one that was made without a line
// would be unknown.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_PKI_FOLDER_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_PKI_FOLDER_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/base/atomic_file.h"
#include "anchors/publishing/signer.h"
#include "tools/trustctl/pki_certificate.h"
#include "tools/trustctl/pki_index.h"

namespace anchorage::trustctl {

// Asks for the passphrase of the file that is named; `is_new` for one to be.
using AskPassphrase = std::function<absl::StatusOr<anchors::tuf::Secret>(
    const std::string& file, bool is_new)>;

struct PkiFiles {
  std::string certificate;
  std::string key;
};

class PkiFolder {
 public:
  // Makes the folder, its CA and the CA's key, encrypted under what `ask` gives
  // unless it is empty. ALREADY_EXISTS if there is a CA; otherwise as Open().
  static absl::StatusOr<PkiFolder> Make(const std::string& path,
                                        const AskPassphrase& ask,
                                        absl::Time not_after, absl::Time now);

  // Opens a folder that was made. NOT_FOUND, FAILED_PRECONDITION if others may
  // use the folder, DATA_LOSS for a damaged index, ABORTED while another
  // program has it.
  static absl::StatusOr<PkiFolder> Open(const std::string& path);

  // Opens the CA's key, with `ask` only if it is encrypted. FAILED_PRECONDITION
  // if others may read it.
  absl::StatusOr<PkiAuthority> OpenAuthority(const AskPassphrase& ask) const;

  // Makes a key and a certificate. ALREADY_EXISTS if there are some and not
  // `replace`; otherwise as PkiAuthority::Issue().
  absl::StatusOr<PkiEntry> Issue(const PkiAuthority& authority, PkiKind kind,
                                 const std::string& role,
                                 const std::vector<std::string>& names,
                                 absl::Time not_after, absl::Time now,
                                 bool replace);

  // Makes the certificate of a person or server anew, over the same key, whose
  // private half it does not need. DATA_LOSS if the file is no certificate that
  // the index has of it.
  struct Renewed {
    PkiEntry before;
    PkiEntry made;
  };
  absl::StatusOr<Renewed> Renew(const PkiAuthority& authority,
                                const PkiEntry& old, absl::Time not_after,
                                absl::Time now);

  // The same with the CA's own; what it issued stays good.
  absl::StatusOr<PkiEntry> RenewAuthority(PkiAuthority& authority,
                                          absl::Time not_after, absl::Time now);

  // All lines, the oldest first.
  const std::vector<PkiEntry>& entries() const { return entries_; }

  // The newest of each name, in the order in which they were first made.
  std::vector<PkiEntry> Newest() const;

  PkiFiles FilesOf(PkiKind kind, const std::vector<std::string>& names) const;
  PkiFiles FilesOf(const PkiEntry& entry) const {
    return FilesOf(entry.kind, entry.names);
  }

 private:
  PkiFolder(std::string path, anchors::FolderLock lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  absl::StatusOr<PkiEntry> Write(PkiEntry entry,
                                 const PkiCertificate& certificate,
                                 std::optional<std::string_view> key_pem);

  std::string path_;
  anchors::FolderLock lock_;
  std::vector<PkiEntry> entries_;
};

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_PKI_FOLDER_H_
