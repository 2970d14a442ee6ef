// The cache folder of a real disk.

#ifndef ANCHORAGE_CLIENT_DISK_CACHE_FOLDER_H_
#define ANCHORAGE_CLIENT_DISK_CACHE_FOLDER_H_

#include <memory>
#include <string>

#include "client/cache_folder.h"

namespace anchorage::client {

// Whose folder it may be.
enum class FolderOwner {
  // Root's, or that of this process's user: nobody else can put something there.
  kRootOrSelf,
  // Anybody's: for who only shows what is there.
  kAny,
};

// Uses the folder `path`, which is opened anew by each call and need not be
// there. What is not to be trusted fails with FAILED_PRECONDITION and the
// command that mends it: a folder of another owner, a folder or a file that
// others can write, a link in place of a file, or of the folder unless root or
// this user made it. Whose the folders above are is not looked at: who may
// rename one of them can put another folder of the same owner in the place of
// this one, such as an older cache.
//
// New folders are made with mode 0755 and files with 0644 whatever the umask:
// nothing in them is secret, and readers need no more.
std::unique_ptr<CacheFolder> OpenDiskCacheFolder(
    std::string path, FolderOwner owner = FolderOwner::kRootOrSelf);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_DISK_CACHE_FOLDER_H_
