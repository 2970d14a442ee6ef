// A source of certificates that somebody puts in a folder, or of a catalog in
// one file.
//
// A folder:
//
//   PARTITION/REGION/KIND.pem     aws/eu-west-1/iid-rsa2048.pem
//   PARTITION/nitro-root.pem      aws/nitro-root.pem
//
// KIND is iid-rsa2048, iid-rsa1024 or iid-dsa. A file may hold several
// certificates. Names that do not end in ".pem" or that begin with a dot are
// ignored; a .pem anywhere else is a problem. Put files there by renaming: a
// half-written one is read as it stands.
//
// A file: a catalog in JSON (catalog.proto), of which the certificates that are
// not superseded, of ACTIVE and RETIRING anchors, are observed.

#ifndef ANCHORAGE_TRUSTD_SOURCES_DIRECTORY_SOURCE_H_
#define ANCHORAGE_TRUSTD_SOURCES_DIRECTORY_SOURCE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "trustd/sources/source.h"
#include "trustd/sources/source_settings.h"

namespace anchorage::trustd {

// The limits of a folder: more entries, or more bytes in one file or in all of
// them, are kTooLarge.
inline constexpr std::size_t kMaxDirectoryEntries = 8192;
inline constexpr std::size_t kMaxPemFileBytes = 64 * 1024;
inline constexpr std::size_t kMaxDirectoryBytes = 4 * 1024 * 1024;

class DirectorySource final : public Source {
 public:
  // `path` is the folder or the file.
  DirectorySource(SourceProfile profile, std::string path);

  // For a folder, the observation's hash is that of one line for each file,
  // "HASH PATH" with two spaces, sorted by path, as sha256sum writes it.
  absl::StatusOr<SourceAnswer> Poll(absl::Time now) override;
  void Forget() override { last_sha256_.clear(); }

 private:
  const std::string path_;
  std::string last_sha256_;
};

class DirectorySettings final : public SourceKind {
 public:
  std::string path;

  absl::StatusOr<std::unique_ptr<Source>> Make(
      const SourceSettings& settings,
      const SourceEnvironment& environment) const override;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_DIRECTORY_SOURCE_H_
