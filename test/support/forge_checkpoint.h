// What somebody does who can write the store: a checkpoint that says something
// else, with the right hashes.

#ifndef ANCHORAGE_TEST_SUPPORT_FORGE_CHECKPOINT_H_
#define ANCHORAGE_TEST_SUPPORT_FORGE_CHECKPOINT_H_

#include <cstddef>
#include <functional>
#include <string>

#include "proto/anchorage/v1/checkpoint.pb.h"
#include "test/support/fake_store.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {

// Has `change` change the checkpoint of a store and its first piece. False if
// the store has none that can be read.
inline bool ForgeCheckpoint(
    FakeStore& store,
    const std::function<void(v1::RecordCheckpoint&, v1::CheckpointPiece&)>&
        change) {
  constexpr std::size_t kHashDigits = 64;
  std::string& stored = store.values["checkpoint"];
  std::string& stored_piece = store.values["checkpoint/piece/0000000000000000"];
  v1::RecordCheckpoint checkpoint;
  v1::CheckpointPiece piece;
  if (stored.size() < kHashDigits ||
      !checkpoint.ParseFromString(stored.substr(kHashDigits)) ||
      checkpoint.pieces().empty() || !piece.ParseFromString(stored_piece)) {
    return false;
  }
  change(checkpoint, piece);
  stored_piece = piece.SerializeAsString();
  checkpoint.mutable_pieces(0)->set_sha256(verify::Sha256Hex(stored_piece));
  const std::string bytes = checkpoint.SerializeAsString();
  stored = verify::Sha256Hex(bytes) + bytes;
  return true;
}

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TEST_SUPPORT_FORGE_CHECKPOINT_H_
