// A publication, serialised and ready to be sent.
//
//   PreparedAnswers answers(hub.Current());
//   *response = answers.Update(parts);
//
// A message of protobuf is its fields one after another, so each file is one
// piece, serialised once, and an answer is the pieces that a caller lacks: it
// costs neither a copy nor memory, however many callers there are. An answer
// reads as what FillUpdate() and FillHint() give.
//
// Immutable, any number of threads.

#ifndef ANCHORAGE_TRUSTD_SERVE_PREPARED_ANSWERS_H_
#define ANCHORAGE_TRUSTD_SERVE_PREPARED_ANSWERS_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "trustd/publish/publication.h"
#include "trustd/serve/answers.h"

namespace anchorage::trustd {

class PreparedAnswers {
 public:
  explicit PreparedAnswers(std::shared_ptr<const Publication> publication);

  const Publication& publication() const { return *publication_; }

  // Returns a GetUpdateResponse with these parts.
  grpc::ByteBuffer Update(const UpdateParts& parts) const;

  // The WatchUpdatesResponse.
  const grpc::ByteBuffer& hint() const { return hint_; }

 private:
  const std::shared_ptr<const Publication> publication_;
  std::vector<grpc::Slice> roots_;
  grpc::Slice more_roots_;
  grpc::Slice timestamp_;
  grpc::Slice snapshot_;
  grpc::Slice targets_;
  grpc::Slice sequence_;
  // By path.
  std::map<std::string, grpc::Slice> target_files_;
  grpc::ByteBuffer hint_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SERVE_PREPARED_ANSWERS_H_
