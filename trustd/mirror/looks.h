// What sources say, and what follows for rotations. Pure; see core.h.

#ifndef ANCHORAGE_TRUSTD_MIRROR_LOOKS_H_
#define ANCHORAGE_TRUSTD_MIRROR_LOOKS_H_

#include "trustd/mirror/core.h"

namespace anchorage::trustd {

void TakeLook(Work& work, const SourceSaid& event);
void TakeLook(Work& work, const SourceUnchanged& event);
void TakeLook(Work& work, const SourceBroke& event);

// Sources that are no longer enabled say nothing any more.
void ForgetOldSources(Work& work);

// Compares each newest look with what is served, where either is new: stances,
// rotations, anomalies. So what a source says is judged again when the catalog
// changes, too.
void CompareLooks(Work& work);

// Whether a source is not to be relied on until a person says otherwise.
bool IsDoubted(const RotationBook& book, const std::string& source);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_LOOKS_H_
