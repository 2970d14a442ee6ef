// Converts rotations between values of trustd/rotation and messages of the
// record.

#ifndef ANCHORAGE_TRUSTD_RECORD_ROTATION_VALUES_H_
#define ANCHORAGE_TRUSTD_RECORD_ROTATION_VALUES_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "proto/anchorage/v1/ledger.pb.h"
#include "proto/anchorage/v1/rotation.pb.h"
#include "trustd/rotation/change.h"
#include "trustd/rotation/observation.h"
#include "verify/anchor_set.h"

namespace anchorage::trustd {

// The longest text of a change that is kept, so that nobody can make a record
// too long to be written.
inline constexpr std::size_t kMaxDiffBytes = 8 * 1024;

v1::RotationClass ToProto(RotationClass rotation_class);

// What the change says; number, state, times and sources' words are left out.
v1::Rotation ToProto(const Change& change);

// Returns the change that a rotation is about, without `held_by`. Not for an
// unknown signer, which is not a change.
Change ChangeOf(const v1::Rotation& rotation);

// Removes what is large and not for people to read: certificates and evidence.
void Shorten(v1::Rotation& rotation);

// Returns what the observation shows, for the record.
v1::ObservationFact ToProto(const Observation& observation);
// What a source said, as far as the record has it: without time and scope, and
// with the certificates of `der_of`, by their SHA-256 in lower-case hex. nullopt
// where one of them is not there.
std::optional<Observation> ObservationOf(
    const v1::ObservationFact& fact,
    const std::map<std::string, std::string>& der_of);
// Whether two observations show the same certificates and problems.
bool ShowsTheSame(const v1::ObservationFact& a, const v1::ObservationFact& b);

// Whether sources or people can still change its course.
bool IsOpen(v1::RotationState state);

// The name without its prefix: "RE_ISSUE", "DETECTED".
std::string ShortName(v1::RotationClass rotation_class);
std::string ShortName(v1::RotationState state);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RECORD_ROTATION_VALUES_H_
