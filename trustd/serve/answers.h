// The answers of AnchorService as pure functions of what is published.

#ifndef ANCHORAGE_TRUSTD_SERVE_ANSWERS_H_
#define ANCHORAGE_TRUSTD_SERVE_ANSWERS_H_

#include <grpcpp/support/status.h>

#include <cstddef>
#include <string>
#include <vector>

#include "proto/anchorage/v1/anchor_service.pb.h"
#include "trustd/publish/publication.h"

namespace anchorage::trustd {

// Which files of a publication a caller lacks.
struct UpdateParts {
  // The indices into Publication::roots: from the first to before the second.
  std::size_t first_root = 0;
  std::size_t end_root = 0;
  bool more_roots = false;
  bool timestamp = false;
  bool snapshot = false;
  bool targets = false;
  // By path.
  std::vector<std::string> target_files = {};

  bool empty() const {
    return first_root == end_root && !timestamp && !snapshot && !targets &&
           target_files.empty();
  }
};

// Finds what the sender of `request` lacks of `publication`. INVALID_ARGUMENT.
grpc::Status SelectUpdate(const Publication& publication,
                          const v1::GetUpdateRequest& request,
                          UpdateParts& parts);

// Fills `response` with these parts: the message whose bytes PreparedAnswers
// sends.
void FillUpdate(const Publication& publication, const UpdateParts& parts,
                v1::GetUpdateResponse& response);

// Fills `hint` with what a watcher is sent.
void FillHint(const Publication& publication, v1::WatchUpdatesResponse& hint);

// Fills `response` with one page. INVALID_ARGUMENT, ABORTED.
grpc::Status AnswerList(const Publication& publication,
                        const v1::ListAnchorsRequest& request,
                        v1::ListAnchorsResponse& response);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SERVE_ANSWERS_H_
