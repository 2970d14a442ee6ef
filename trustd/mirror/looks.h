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

// Whether a source cannot be relied on until a person decides otherwise.
bool IsDoubted(const RotationBook& book, const std::string& source);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_LOOKS_H_
