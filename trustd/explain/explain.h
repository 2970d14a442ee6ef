// What a person needs in order to decide: facts, and sentences made of them.
//
//   const Work view = mirror.View(now);
//   auto explanation = ExplainRotation(view, 17);
//   if (!explanation.has_value()) ... there is no rotation 17
//
// Everything comes from one view of the mirror, so that nothing is shown beside
// something that was true at another time. Nothing is decided here and nothing
// is judged by rules of this room's own: what speaks against a change is what
// the gate answers, asked as it would be asked at the publication.
//
// Pure: any number of threads may call at once, with a view each or with one
// that they share. The cost of one explanation is that of some steps through the
// gate, about as much as publishing.

#ifndef ANCHORAGE_TRUSTD_EXPLAIN_EXPLAIN_H_
#define ANCHORAGE_TRUSTD_EXPLAIN_EXPLAIN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/anchorage/v1/explanation.pb.h"
#include "trustd/mirror/core.h"
#include "trustd/record/rotation_book.h"

namespace anchorage::trustd {

// Explains a rotation; nullopt if there is none of that number.
std::optional<v1::RotationExplanation> ExplainRotation(const Work& view,
                                                       std::uint64_t id);

// Returns what a person should do about a rotation that cannot be approved; nullopt
// if there is none of that number, or it can.
std::optional<std::string> AdviceOn(const Work& view, std::uint64_t id);

// Returns who has approved a rotation, and who of the people that may is
// missing.
v1::ApprovalCount CountApprovals(const Work& view,
                                 const RotationBook::Entry& entry);

// Whether the newest answer of `source` shows what people have rejected as this
// rotation. False for anomalies, which are found anew each time.
bool ShowsRejected(const Work& view, const RotationBook::Entry& entry,
                   const std::string& source);

// Returns how each source does that was ever polled or is to be, by name.
std::vector<v1::SourceStanding> ExplainSources(const Work& view);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_EXPLAIN_EXPLAIN_H_
