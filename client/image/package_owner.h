// Which package owns a file of an image, as the image's own records say it:
// documentation for people, which nothing relies on.

#ifndef ANCHORAGE_CLIENT_IMAGE_PACKAGE_OWNER_H_
#define ANCHORAGE_CLIENT_IMAGE_PACKAGE_OWNER_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "client/image/beneath.h"
#include "verify/image/manifest.h"

namespace anchorage::client {

// Sets `package` of the entries, which are sorted by name, from dpkg's records
// below `root` (var/lib/dpkg), with its diversions, and with links of folders
// at the top ("/bin" to "usr/bin") followed: "dpkg:bash=5.2.15-2+b7". What
// cannot be read, and records that are not in dpkg's form, own nothing. May
// throw std::bad_alloc.
void AddPackages(const Descriptor& root,
                 std::vector<verify::ManifestEntry>& entries);

// Returns the version of each installed package in the text of dpkg's status
// file (deb-control(5)): by "NAME", and by "NAME:ARCHITECTURE". Pure.
std::map<std::string, std::string> ParseDpkgStatus(std::string_view text);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_IMAGE_PACKAGE_OWNER_H_
