// Input: a byte that chooses, and a text: of /proc/self/mountinfo, of
// /proc/PID/maps, of a file of binfmt.d and then the head of a file, or of
// dpkg's status.
// Holds for any bytes:
//   1. each is read, or refused as malformed;
//   2. what is read has the form that its header promises, and is no longer
//      than the text;
//   3. a file's class depends on its first bytes alone, and one that no scope
//      but "everything" covers is neither code nor in a place that starts code.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "client/image/mounts.h"
#include "client/image/package_owner.h"
#include "client/image/running.h"
#include "test/fuzz/fuzz.h"
#include "verify/image/file_class.h"

namespace anchorage::test {
namespace {

void CheckMounts(std::string_view text) {
  const auto mounts = client::ParseMounts(text);
  Require(mounts.ok() || absl::IsInvalidArgument(mounts.status()),
          "mounts, or malformed");
  if (!mounts.ok()) return;
  std::size_t bytes = 0;
  for (const client::Mount& mount : *mounts) {
    Require(mount.point.starts_with('/'), "a mount has a path");
    Require(!mount.type.empty(), "a mount has a type");
    bytes += mount.point.size() + mount.type.size() + mount.upper.size();
    std::string_view relative;
    Require(client::RelativeTo(mount.point, mount.point, relative) &&
                relative.empty(),
            "a mount lies at its own path");
    Require(client::MountOf(*mounts, mount.point) != nullptr,
            "something is mounted there");
  }
  Require(bytes <= text.size(), "nothing is made up");
}

void CheckMappings(std::string_view text) {
  const auto mappings = client::ParseMappings(text);
  Require(mappings.ok() || absl::IsInvalidArgument(mappings.status()),
          "mappings, or malformed");
  if (!mappings.ok()) return;
  for (const client::Mapping& mapping : *mappings) {
    Require(mapping.range.find(' ') == std::string::npos &&
                mapping.range.find('\n') == std::string::npos,
            "a range is one word");
    Require(mapping.path.find('\n') == std::string::npos,
            "a path is of one line");
  }
}

void CheckClass(std::string_view rest) {
  verify::BinaryFormats formats;
  formats.Add(TakePart(rest));
  Require(formats.size() <= verify::BinaryFormats::kMaxFormats,
          "formats are bounded");
  const std::string_view name = TakePart(rest);
  const auto of = [&](std::string_view head) {
    return verify::ClassifyFile(name, 0644, head, formats);
  };
  const verify::FileClass found = of(rest);
  Require(found == of(rest.substr(0, verify::kHeadBytes)), "the head decides");
  const bool other = found == verify::FileClass::kOther;
  Require(
      other != verify::IsInScope(found, verify::ManifestScope::kCodeAndStartup),
      "other files are in no small scope");
  Require(!other || !verify::IsStartUpName(name), "a place that starts code");
  Require(!other || (!rest.starts_with("\x7f"
                                       "ELF") &&
                     !rest.starts_with("#!") && !rest.starts_with("MZ")),
          "code is code");
  Require(verify::ClassifyFile(name, 0755, rest, formats) !=
              verify::FileClass::kOther,
          "an x bit is enough");
}

void CheckPackages(std::string_view text) {
  std::size_t bytes = 0;
  for (const auto& [name, version] : client::ParseDpkgStatus(text)) {
    Require(!name.empty(), "a package has a name");
    Require(name.find('\n') == std::string::npos &&
                version.find('\n') == std::string::npos,
            "fields are of one line");
    bytes += version.size();
  }
  Require(bytes <= 2 * text.size(), "nothing is made up");
}

void Check(std::string_view rest) {
  switch (TakeByte(rest) % 4) {
    case 0:
      return CheckMounts(rest);
    case 1:
      return CheckMappings(rest);
    case 2:
      return CheckClass(rest);
    default:
      return CheckPackages(rest);
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
