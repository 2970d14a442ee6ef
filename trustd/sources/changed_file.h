// A file on the web that is fetched again and again.
//
//   auto file = watched.GetIfChanged({.url = …}, …);
//   if (file.ok() && file->has_value()) Read((*file)->bytes);

#ifndef ANCHORAGE_TRUSTD_SOURCES_CHANGED_FILE_H_
#define ANCHORAGE_TRUSTD_SOURCES_CHANGED_FILE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "trustd/sources/downloader.h"

namespace anchorage::trustd {

struct FetchedFile {
  std::string bytes;
  // SHA-256 of `bytes`, lower-case hex.
  std::string sha256;
  // The address of `bytes`, after redirects.
  std::string url;
};

// Not thread-safe.
class ChangedFile {
 public:
  explicit ChangedFile(std::shared_ptr<Downloader> downloader)
      : downloader_(std::move(downloader)) {}

  // Returns the file; nullopt if its bytes are those that were last returned,
  // from whatever address. Makes a conditional request only to the address from
  // which these came. Fails as Downloader::Get() does, and then what it
  // remembers is unchanged.
  absl::StatusOr<std::optional<FetchedFile>> GetIfChanged(Request request);

  // Makes the next call return the file, changed or not.
  void Forget();

 private:
  const std::shared_ptr<Downloader> downloader_;
  std::string last_url_;
  Validators last_validators_;
  std::string last_sha256_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_CHANGED_FILE_H_
