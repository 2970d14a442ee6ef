#include "trustd/record/checkpoint.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "anchors/base/version.h"
#include "proto/anchorage/v1/checkpoint.pb.h"
#include "trustd/base/store_keys.h"
#include "trustd/record/reader_sha256.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using anchors::MerkleFrontier;
using anchors::MerkleHash;

constexpr std::size_t kHashDigits = 64;

// What another version makes of the record may be something else.
std::string Program() {
  return absl::StrCat(anchors::kVersion, " ", kReaderSha256);
}

std::string PieceKey(std::uint64_t number) {
  return absl::StrFormat("%s%016x", keys::kCheckpointPiecePrefix, number);
}

bool Parse(std::string_view bytes, google::protobuf::MessageLite& message) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

std::optional<MerkleFrontier> TreeOf(const v1::RecordCheckpoint& saved) {
  std::vector<MerkleHash> subtrees;
  for (const std::string& bytes : saved.subtrees()) {
    MerkleHash& hash = subtrees.emplace_back();
    if (bytes.size() != hash.size()) return std::nullopt;
    std::copy(bytes.begin(), bytes.end(), hash.begin());
  }
  return MerkleFrontier::FromSubtrees(saved.records(), std::move(subtrees));
}

// nullopt for none, and for one that is not to be believed.
absl::StatusOr<std::optional<Checkpoint>> ReadCheckpoint(const Store& store) {
  const auto value = store.Get(keys::kCheckpoint);
  if (!value.ok()) return value.status();
  if (!value->has_value() || (*value)->size() < kHashDigits) {
    return std::nullopt;
  }
  const std::string_view bytes = std::string_view(**value).substr(kHashDigits);
  v1::RecordCheckpoint saved;
  if (verify::Sha256Hex(bytes) != (*value)->substr(0, kHashDigits) ||
      !Parse(bytes, saved) || saved.program() != Program()) {
    return std::nullopt;
  }
  auto tree = TreeOf(saved);
  if (!tree.has_value()) return std::nullopt;
  Checkpoint checkpoint{.tree = *std::move(tree)};
  for (const v1::RecordCheckpoint::Piece& piece : saved.pieces()) {
    const auto stored = store.Get(PieceKey(piece.number()));
    if (!stored.ok()) return stored.status();
    v1::CheckpointPiece rotations;
    if (!stored->has_value() || verify::Sha256Hex(**stored) != piece.sha256() ||
        !Parse(**stored, rotations)) {
      return std::nullopt;
    }
    checkpoint.book.LoadPiece(rotations);
    checkpoint.pieces[piece.number()] = piece.sha256();
  }
  checkpoint.book.LoadRest(saved);
  return checkpoint;
}

}  // namespace

absl::StatusOr<OpenedRecord> OpenRecord(Store& store) {
  OpenedRecord record;
  const auto open = [&](MerkleFrontier first) {
    auto ledger = Ledger::OpenFrom(
        store, std::move(first),
        [&](std::uint64_t index, const v1::LedgerRecord& fact) {
          record.book.Fold(index, fact);
        });
    if (!ledger.ok()) return ledger.status();
    record.ledger = *std::move(ledger);
    return absl::OkStatus();
  };
  auto checkpoint = ReadCheckpoint(store);
  if (!checkpoint.ok()) return checkpoint.status();
  if (checkpoint->has_value()) {
    record.book = (*checkpoint)->book;
    if (absl::Status s = open((*checkpoint)->tree); !s.ok()) return s;
    if (record.ledger->health().ok()) {
      record.checkpoint = *std::move(checkpoint);
      return record;
    }
    // Either the record is damaged, or the checkpoint is not of it.
    record.book = {};
  }
  if (absl::Status s = open({}); !s.ok()) return s;
  return record;
}

absl::Status CheckAgainstRecord(const Store& store,
                                const Checkpoint& checkpoint,
                                const std::function<bool()>& go_on) {
  RotationBook book;
  const auto tree = Ledger::ReadFirst(
      store, checkpoint.tree.size(),
      [&](std::uint64_t index, const v1::LedgerRecord& fact) {
        book.Fold(index, fact);
        // So that two books take the memory of one.
        book.ShareWith(checkpoint.book, fact);
      },
      go_on);
  if (!tree.ok()) return tree.status();
  if (tree->subtrees() == checkpoint.tree.subtrees() &&
      book == checkpoint.book) {
    return absl::OkStatus();
  }
  return RecordIsDamaged(
      absl::StrCat("the checkpoint that this trustd started from is not what "
                   "the first ",
                   tree->size(), " records say"));
}

Checkpoint AddCheckpoint(MerkleFrontier tree, const RotationBook& book,
                         const Checkpoint* last, StoreBatch& batch) {
  Checkpoint checkpoint{.tree = std::move(tree), .book = book};
  if (last != nullptr) checkpoint.pieces = last->pieces;
  for (const std::uint64_t number :
       book.PiecesSince(last == nullptr ? RotationBook() : last->book)) {
    const std::string bytes = book.SavePiece(number).SerializeAsString();
    batch.Put(PieceKey(number), bytes);
    checkpoint.pieces[number] = verify::Sha256Hex(bytes);
  }
  v1::RecordCheckpoint saved;
  saved.set_program(Program());
  saved.set_records(checkpoint.tree.size());
  for (const MerkleHash& hash : checkpoint.tree.subtrees()) {
    saved.add_subtrees(hash.data(), hash.size());
  }
  for (const auto& [number, sha256] : checkpoint.pieces) {
    v1::RecordCheckpoint::Piece& piece = *saved.add_pieces();
    piece.set_number(number);
    piece.set_sha256(sha256);
  }
  book.SaveRest(saved);
  const std::string bytes = saved.SerializeAsString();
  batch.Put(keys::kCheckpoint, absl::StrCat(verify::Sha256Hex(bytes), bytes));
  return checkpoint;
}

}  // namespace anchorage::trustd
