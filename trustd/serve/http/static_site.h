// The current publication, as the files that a static server would have.
//
//   StaticSite site(hub);
//   auto file = site.Find("/tuf/timestamp.json"); // nullopt: no such file
//
// A client that has fetched a timestamp must still find what it names after a
// newer one was published, so the last few publications that were asked for
// stay available. The timestamp is always that of the newest. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_SERVE_HTTP_STATIC_SITE_H_
#define ANCHORAGE_TRUSTD_SERVE_HTTP_STATIC_SITE_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "anchors/tuf/static_layout.h"
#include "trustd/publish/publication.h"

namespace anchorage::trustd {

class StaticSite {
 public:
  // How many publications before the current one can still be fetched.
  static constexpr std::size_t kKeptPublications = 4;

  struct File {
    // The tag of `bytes`, quoted as in an ETag header.
    std::string etag;
    std::string_view bytes;
    std::string_view media_type;
    bool immutable = true;
    // Keeps `bytes` alive.
    std::shared_ptr<const Publication> owner;
  };

  // `hub` outlives the site.
  explicit StaticSite(const PublicationHub& hub) : hub_(hub) {}

  // Returns the file at exactly that path, which begins with a slash.
  std::optional<File> Find(std::string_view path);

 private:
  // A publication and its files by their paths.
  struct Edition {
    std::shared_ptr<const Publication> publication;
    absl::flat_hash_map<std::string, File> files;
  };

  static std::shared_ptr<const Edition> MakeEdition(
      std::shared_ptr<const Publication> publication);

  const PublicationHub& hub_;
  absl::Mutex mutex_;
  // The newest first.
  std::deque<std::shared_ptr<const Edition>> editions_ ABSL_GUARDED_BY(mutex_);
};

// Returns the files of a publication; the views refer to it.
anchors::tuf::RepositoryFiles FilesOf(const Publication& publication);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SERVE_HTTP_STATIC_SITE_H_
