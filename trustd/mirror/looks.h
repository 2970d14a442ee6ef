// What sources say, and what follows for rotations. Pure; see core.h.

#ifndef ANCHORAGE_TRUSTD_MIRROR_LOOKS_H_
#define ANCHORAGE_TRUSTD_MIRROR_LOOKS_H_

#include "trustd/mirror/core.h"

namespace anchorage::trustd {

void TakeLook(Work& work, const SourceSaid& event);
void TakeLook(Work& work, const SourceUnchanged& event);
void TakeLook(Work& work, const SourceBroke& event);

// Forgets what sources said that are no longer enabled.
void ForgetOldSources(Work& work);

// Compares each newest observation with what is served, if either is new:
// stances, rotations, anomalies. So what a source says is judged again also
// when the catalog changes.
void CompareLooks(Work& work);

// Whether a rotation is an anomaly of a source. Of sources that disagree, any
// may be the wrong one.
bool IsAnomalyOf(const RotationBook::Entry& entry, const std::string& source);

// Returns the anomaly of a source that is open, the oldest of them; null if there
// is none.
const RotationBook::Entry* OpenAnomalyOf(const RotationBook& book,
                                         const std::string& source);

// Notes of the source that the event is about whether it was right: it answered,
// and no anomaly of it is open.
void NoteWhoIsRight(Work& work);

// Whether a source cannot be relied on until a person decides otherwise.
bool IsDoubted(const RotationBook& book, const std::string& source);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_LOOKS_H_
