// The commands of trustctl, in the order of --help. Each is declared and listed
// here, and nowhere else, and is a library of its own.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_COMMANDS_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_COMMANDS_H_

#include "tools/trustctl/command.h"

namespace anchorage::trustctl {

AddCommand AddVerify;
AddCommand AddBundle;
AddCommand AddCache;
AddCommand AddAnchors;
AddCommand AddCatalog;
AddCommand AddReleases;
AddCommand AddKey;
AddCommand AddRoot;
AddCommand AddTargets;
AddCommand AddRepository;
AddCommand AddInspect;
AddCommand AddRotations;
AddCommand AddSources;
AddCommand AddLedger;
AddCommand AddEvidence;
AddCommand AddStore;

// Below "verify" and "anchors".
AddCommand AddVerifyIdentity;
AddCommand AddVerifyAttestation;
AddCommand AddPins;

inline constexpr AddCommand* kCommands[] = {
    AddVerify,  AddBundle, AddCache,    AddAnchors,    AddCatalog, AddReleases,
    AddKey,     AddRoot,   AddTargets,  AddRepository, AddInspect, AddRotations,
    AddSources, AddLedger, AddEvidence, AddStore,
};

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_COMMANDS_H_
