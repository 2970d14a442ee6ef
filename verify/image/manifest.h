// The manifest of an image: what a producer says is in it, and what is to
// happen where something else is. README.md is the manual of the format.
//
//   ImageManifest manifest{.product = "ledger", ...};
//   auto text = SerializePredicate(manifest);
//   auto again = ParsePredicate(*text);
//
// In JSON it is the predicate of an in-toto Statement (statement.h), in one
// form only: RFC 8785 (no white space, members sorted, integers). So two runs
// over one image give the same bytes, and the SHA-256 of these bytes names the
// manifest.
//
// Pure. No memory beyond what is returned and one entry more.

#ifndef ANCHORAGE_VERIFY_IMAGE_MANIFEST_H_
#define ANCHORAGE_VERIFY_IMAGE_MANIFEST_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "verify/image/version.h"

namespace anchorage::verify {

inline constexpr std::string_view kManifestPredicateType =
    "https://anchorage.dev/image-manifest/v1";

// A longer text is refused before any of it is read. An entry has about 250
// bytes.
inline constexpr std::size_t kMaxPredicateBytes = 192 * 1024 * 1024;
inline constexpr std::size_t kMaxManifestEntries = 500'000;
inline constexpr std::size_t kMaxExclusions = 1'000;
// Linux's PATH_MAX without the NUL, and NAME_MAX for each part of a name.
inline constexpr std::size_t kMaxNameBytes = 4095;
inline constexpr std::size_t kMaxNamePartBytes = 255;
inline constexpr std::size_t kMaxProductBytes = 64;
inline constexpr std::size_t kMaxPackageBytes = 255;
// A security.capability has 20 or 24 bytes; XATTR_SIZE_MAX would be 64 KiB.
inline constexpr std::size_t kMaxCapabilityBytes = 64;

// The bytes of a SHA-256 digest.
using Sha256Bytes = std::array<std::uint8_t, 32>;

// Which files of an image its manifest lists.
enum class ManifestScope {
  // "code": what the kernel or an interpreter runs, decided by content.
  kCode,
  // "code+startup": and what decides what is run (units, ld.so.preload, ...).
  kCodeAndStartup,
  // "everything".
  kEverything,

  kMaxValue = kEverything,
};

// What is to happen where an image differs. A later one is stricter, so the
// stricter of two is their std::max().
enum class MismatchAction {
  kContinue,   // "continue": boot, and let the register tell
  kEmergency,  // "emergency": a shell at the console
  kPowerOff,   // "power-off"

  kMaxValue = kPowerOff,
};

enum class EntryType {
  kFile,
  kLink,
  // Listed where something listed lies below it, where its mode has setuid,
  // setgid or sticky, and in kEverything.
  kDirectory,
  // A device, FIFO or socket; listed in kEverything only.
  kSpecial,

  kMaxValue = kSpecial,
};

// Why a file is in the manifest. Documentation: it is not compared.
enum class FileClass {
  kElf,         // "elf"
  kModule,      // "module": a kernel module, compressed or not
  kScript,      // "script": begins with "#!"
  kEfi,         // "efi": a PE file
  kByteCode,    // "bytecode": .pyc, and what binfmt.d names
  kExecutable,  // "executable": none of these, with an x bit
  kStartUp,     // "startup": decides what is run
  kOther,       // "other"

  kMaxValue = kOther,
};

struct ManifestEntry {
  // Relative to the image's root, byte-exact, with "/" between its parts, none
  // of which is empty, "." or "..".
  std::string name = "";
  EntryType type = EntryType::kFile;
  // Of a file; kOther for other types.
  FileClass file_class = FileClass::kOther;
  // The 12 bits of permissions, setuid, setgid and sticky; 0777 for a link.
  std::uint16_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  // Of a file: bytes, and their digest. 0 for other types.
  std::uint64_t size = 0;
  Sha256Bytes sha256{};
  // Of a file, where fs-verity is enabled for it: the digest that the kernel
  // measures.
  std::optional<Sha256Bytes> fsverity_sha256 = std::nullopt;
  // Of a link, where it points, byte-exact. Of kSpecial, what it is: "fifo",
  // "socket", "character MAJOR:MINOR" or "block MAJOR:MINOR".
  std::string target = "";
  // Of a file: the bytes of security.capability; empty where it has none.
  std::string capability = "";
  // The package that owns it, such as "dpkg:bash=5.2.15-2+b7"; empty where
  // none does. Visible ASCII. Documentation: it is not compared.
  std::string package = "";

  friend bool operator==(const ManifestEntry&, const ManifestEntry&) = default;
};

struct ImageManifest {
  // 1 to 64 characters of visible ASCII, as in a list of releases.
  std::string product = "";
  ImageVersion version = {};
  // When it was made, in whole seconds; InfinitePast() where `content_only`
  // and nothing says it.
  absl::Time time = absl::UnixEpoch();
  ManifestScope scope = ManifestScope::kCodeAndStartup;
  MismatchAction on_mismatch = MismatchAction::kPowerOff;
  // Names that are not looked at, with everything below them: exact, no
  // patterns. Sorted by bytes; none lies below another.
  std::vector<std::string> exclusions = {};
  // At least one, sorted by the bytes of their names, each name once; none is
  // excluded.
  std::vector<ManifestEntry> entries = {};
  // A foreign manifest (oms.h) that says of files their contents and nothing
  // else: size, mode, owner and capability are not compared, and directories
  // are not looked at. Has no JSON form here.
  bool content_only = false;

  friend bool operator==(const ImageManifest&, const ImageManifest&) = default;
};

// Returns the stable text of each value, as it stands in JSON; nullopt for a
// text that names none.
std::string_view NameOf(ManifestScope scope);
std::string_view NameOf(MismatchAction action);
std::string_view NameOf(EntryType type);
std::string_view NameOf(FileClass file_class);
std::optional<ManifestScope> ManifestScopeNamed(std::string_view name);
std::optional<MismatchAction> MismatchActionNamed(std::string_view name);
std::optional<FileClass> FileClassNamed(std::string_view name);

// Whether `name` may be the name of an entry or an exclusion.
bool IsEntryName(std::string_view name);

// Whether `name` is one of `exclusions`, which are sorted, or lies below one.
bool IsExcluded(absl::Span<const std::string> exclusions,
                std::string_view name);

// Returns OK if `manifest` keeps the rules that stand beside its members, which
// every manifest that ParsePredicate() returns does. Fails with
// kManifestMalformed, whose detail names the entry.
absl::Status CheckManifest(const ImageManifest& manifest);

// Returns the one text of `manifest`. Fails as CheckManifest() does, and with
// kManifestTooLarge.
absl::StatusOr<std::string> SerializePredicate(const ImageManifest& manifest);

// Told of the part of a text, from its beginning on, that was read and is not
// looked at again.
using OnRead = absl::FunctionRef<void(std::string_view read)>;
inline void KeepsAll(std::string_view) {}

// Reads a text that SerializePredicate() could have written, and no other:
// unknown members are refused too, because one could be a restriction; a new
// member is a new version of the format. Fails with kManifestTooLarge,
// kManifestMalformed, kVersionMalformed or kManifestNotCanonical.
absl::StatusOr<ImageManifest> ParsePredicate(std::string_view text,
                                             OnRead on_read = KeepsAll);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IMAGE_MANIFEST_H_
