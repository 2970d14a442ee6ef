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
AddCommand AddPki;
AddCommand AddRoot;
AddCommand AddKeys;
AddCommand AddTargets;
AddCommand AddRepository;
AddCommand AddMeasure;
AddCommand AddInspect;
AddCommand AddInstance;
AddCommand AddImage;
AddCommand AddProducers;
AddCommand AddLedger;
AddCommand AddSelftest;
AddCommand AddContext;
AddCommand AddCompletion;
AddCommand AddMan;

// With gRPC, so in trustctl-online alone. The first three have all of a noun of
// which the same without a trustd is above.
AddCommand AddAnchorsOfTrustd;
AddCommand AddImageOfTrustd;
AddCommand AddLedgerOfTrustd;
AddCommand AddAudit;
AddCommand AddRotations;
AddCommand AddSources;
AddCommand AddAlerts;
AddCommand AddFleet;
AddCommand AddEvidence;
AddCommand AddStore;
AddCommand AddBackup;

// Below "anchors".
AddCommand AddAnchorsExport;

// Below "image".
AddCommand AddImageExport;
AddCommand AddImageIndex;
AddCommand AddImageManifest;
AddCommand AddImageShow;
AddCommand AddImageSign;
AddCommand AddImageVerify;
AddCommand AddImageLint;

// Below "instance".
AddCommand AddInstanceCheck;
AddCommand AddInstanceAttest;

// Below "measure".
AddCommand AddMeasureUki;
AddCommand AddMeasureImage;
AddCommand AddMeasureEventlog;

// Below "verify".
AddCommand AddVerifyIdentity;
AddCommand AddVerifyAttestation;

struct Noun {
  const char* name;
  const char* help;
  // Adds what this program has of it; null for nothing.
  AddCommand* add;
  // Whether a verb that trustctl does not have is one of trustctl-online's.
  bool more_online = false;
};

// What trustctl has, and trustctl-online (kOnline), which has everything.
template <bool kOnline>
inline constexpr Noun kNouns[] = {
    {"verify", "Verify evidence", AddVerify},
    {"bundle", "Look at and fetch signed bundles", AddBundle},
    {"cache", "The folder in which clients keep what they verified", AddCache},
    {"anchors", "Look at the anchors, and change them",
     kOnline ? AddAnchorsOfTrustd : AddAnchors, true},
    {"catalog", "Compare two catalogs of anchors", AddCatalog},
    {"releases", "Look at and prepare lists of reference releases",
     AddReleases},
    {"key", "Make and look at signing keys", AddKey},
    {"pki", "Make certificates of people and of a trustd", AddPki},
    {"root", "Make, sign and publish the root of trust (offline)", AddRoot},
    {"keys", "Replace keys that trustd holds", AddKeys},
    {"targets", "Approve a catalog by signing it (offline)", AddTargets},
    {"repository", "Copy a repository as static files", AddRepository},
    {"measure", "Compute what a machine's TPM will show", AddMeasure},
    {"inspect", "Show what a piece of evidence says, unverified", AddInspect},
    {"instance", "Look at the instance that this runs on", AddInstance},
    {"image", "List, sign and verify what is in a machine image",
     kOnline ? AddImageOfTrustd : AddImage, true},
    {"producers", "Say whose manifests of images count", AddProducers},
    {"rotations", "Look at rotations of a trustd, and decide about them",
     kOnline ? AddRotations : nullptr, true},
    {"sources", "Look at the sources of a trustd",
     kOnline ? AddSources : nullptr, true},
    {"alerts", "Look at what a trustd alerts people about",
     kOnline ? AddAlerts : nullptr, true},
    {"fleet", "Look at what instances report to a trustd",
     kOnline ? AddFleet : nullptr, true},
    {"ledger", "Look at the record of what a trustd saw and decided",
     kOnline ? AddLedgerOfTrustd : AddLedger, true},
    {"audit", "Report to an auditor what changed and who decided",
     kOnline ? AddAudit : nullptr, true},
    {"evidence", "Show a trustd what AWS signs with",
     kOnline ? AddEvidence : nullptr, true},
    {"store", "Go on with a store that went back", kOnline ? AddStore : nullptr,
     true},
    {"backup", "Copy what a trustd keeps, and verify copies",
     kOnline ? AddBackup : nullptr, true},
    {"selftest", "Check that this program verifies as it should", AddSelftest},
    {"context", "Name a trustd once, with who you are there", AddContext},
    {"completion", "Print what completes commands in a shell", AddCompletion},
    {"man", "Write the manual pages", AddMan},
    {"help", "Show the help of a command", nullptr},
};

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_COMMANDS_H_
