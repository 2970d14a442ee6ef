// The keys under which the store has what is published and recorded.

#ifndef ANCHORAGE_TRUSTD_BASE_STORE_KEYS_H_
#define ANCHORAGE_TRUSTD_BASE_STORE_KEYS_H_

#include <string>
#include <string_view>

#include "anchors/bundle.h"

namespace anchorage::trustd {

// The layout of keys and values that this program reads and writes. It reads
// all earlier layouts; a program that knows only earlier ones refuses the
// store. Raised whenever an earlier program would misread what this one writes:
//   2  a head is kept beside the store
//   3  the record may say that approvals are void (VoidFact), which earlier
//      programs would continue to count
//   4  the store may say that it was restored (kRestored), after which earlier
//      programs would sign
inline constexpr int kSchemaVersion = 4;
// The first layout with a head. A store of an earlier one gets its head when it
// is opened, once.
inline constexpr int kFirstSchemaWithHead = 2;

}  // namespace anchorage::trustd

namespace anchorage::trustd::keys {

// The layout of the whole store, as a number: the kSchemaVersion of the program
// that had it open last.
inline constexpr char kSchema[] = "schema";

// How the store was restored, in a sentence, until people have accepted it.
inline constexpr char kRestored[] = "restored";

// A root's version has ten digits, so that keys sort by version.
inline constexpr char kRootPrefix[] = "tuf/root/";
inline constexpr char kTargets[] = "tuf/targets";
inline constexpr char kSnapshot[] = "tuf/snapshot";
inline constexpr char kTimestamp[] = "tuf/timestamp";

// A target lies under its TargetKind::name. How its sequence is called: the
// catalog's was once the only one.
inline std::string_view SequenceName(const anchors::TargetKind& kind) {
  return kind.name == anchors::kCatalogName ? "sequence" : kind.name;
}

// The highest sequences, and the highest version of targets, that clients may
// know, as numbers: what is published next is above them, whatever became of
// what had them.
inline std::string PublishedKey(const anchors::TargetKind& kind) {
  return "published/" + std::string(SequenceName(kind));
}
inline constexpr char kPublishedTargets[] = "published/targets";

// What people are still to be told about publications, one line each.
inline constexpr char kNotices[] = "notices";

// A record's index has sixteen hex digits; its value is the leaf's hash and the
// record.
inline constexpr char kRecordPrefix[] = "ledger/record/";
// The number of records in sixteen hex digits, and the root of their tree.
inline constexpr char kRecordHead[] = "ledger/head";

// A manifest of an image, by its digest: what is known of it, as an index lists
// it. Its chunks, each with a number of four digits, have a key of their own.
inline constexpr char kManifestPrefix[] = "manifest/known/";
inline constexpr char kManifestChunkPrefix[] = "manifest/chunk/";

// The state after the first records, preceded by its SHA-256, and the rotations
// whose hashes it has, by a number in sixteen hex digits. It is kept beside the
// record and is not part of a head: it can be thrown away.
inline constexpr char kCheckpoint[] = "checkpoint";
inline constexpr char kCheckpointPiecePrefix[] = "checkpoint/piece/";

}  // namespace anchorage::trustd::keys

#endif  // ANCHORAGE_TRUSTD_BASE_STORE_KEYS_H_
