#include "trustd/serve/prepared_answers.h"

#include <string>
#include <utility>

namespace anchorage::trustd {
namespace {

template <typename Message>
grpc::Slice SliceOf(const Message& message) {
  return grpc::Slice(message.SerializeAsString());
}

// Returns the bytes that these parts add to an answer that has none. Every
// answer has the sequence, which is a piece of its own.
grpc::Slice PieceOf(const Publication& publication, const UpdateParts& parts) {
  v1::GetUpdateResponse message;
  FillUpdate(publication, parts, message);
  message.clear_sequence();
  return SliceOf(message);
}

grpc::Slice SequenceOf(const Publication& publication) {
  v1::GetUpdateResponse message;
  FillUpdate(publication, UpdateParts(), message);
  return SliceOf(message);
}

grpc::ByteBuffer HintOf(const Publication& publication) {
  v1::WatchUpdatesResponse hint;
  FillHint(publication, hint);
  const grpc::Slice slice = SliceOf(hint);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

PreparedAnswers::PreparedAnswers(std::shared_ptr<const Publication> publication)
    : publication_(std::move(publication)),
      more_roots_(PieceOf(*publication_, {.more_roots = true})),
      timestamp_(PieceOf(*publication_, {.timestamp = true})),
      snapshot_(PieceOf(*publication_, {.snapshot = true})),
      targets_(PieceOf(*publication_, {.targets = true})),
      sequence_(SequenceOf(*publication_)),
      hint_(HintOf(*publication_)) {
  for (std::size_t i = 0; i < publication_->files.roots.size(); ++i) {
    roots_.push_back(
        PieceOf(*publication_, {.first_root = i, .end_root = i + 1}));
  }
  for (const auto& [path, bytes] : publication_->files.target_files) {
    target_files_.emplace(path,
                          PieceOf(*publication_, {.target_files = {path}}));
  }
}

grpc::ByteBuffer PreparedAnswers::Update(const UpdateParts& parts) const {
  // In any order: those that are repeated are in theirs.
  std::vector<grpc::Slice> pieces(roots_.begin() + parts.first_root,
                                  roots_.begin() + parts.end_root);
  if (parts.more_roots) pieces.push_back(more_roots_);
  if (parts.timestamp) pieces.push_back(timestamp_);
  if (parts.snapshot) pieces.push_back(snapshot_);
  if (parts.targets) pieces.push_back(targets_);
  pieces.push_back(sequence_);
  for (const std::string& path : parts.target_files) {
    pieces.push_back(target_files_.at(path));
  }
  return grpc::ByteBuffer(pieces.data(), pieces.size());
}

}  // namespace anchorage::trustd
