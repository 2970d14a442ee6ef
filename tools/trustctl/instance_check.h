// What is good and what is not on an instance, from facts: the judgement behind
// `trustctl instance check`.
//
//   for (const CheckLine& line : Judge(facts)) Print(line);
//
// Pure: no clock, no network, no disk. The rule of the marks: "fail" is what a
// product would be refused for, "warn" what it can live with.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_INSTANCE_CHECK_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_INSTANCE_CHECK_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "anchors/base/check_lines.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/instance_machine.h"
#include "verify/anchor_set.h"
#include "verify/identity/identity_document.h"
#include "verify/identity/identity_form.h"

namespace anchorage::trustctl {

// One signature of the identity document.
struct FormFacts {
  verify::IdentityForm form = verify::IdentityForm::kRsa2048;
  // Whether IMDS has it: NOT_FOUND for a form that the region does not have.
  absl::Status served = {};
  absl::Status verified = {};
};

// What IMDS gave.
struct ImdsFacts {
  // Whether there is a session; without one, the rest is empty.
  absl::Status session = {};
  std::string endpoint = {};
  // Strongest first. The first that the region has decides, as for a product.
  std::vector<FormFacts> forms = {};
  // What that form says; nullopt where it did not verify.
  std::optional<verify::IdentityDocument> document = {};
};

struct AttestationFacts {
  // Whether there was a document, made now, and whether it verified.
  absl::Status served = {};
  absl::Status verified = {};
  // What it says, if it verified.
  std::string module_id = {};
  std::optional<absl::Time> made = {};
};

// A client's cache folder.
struct CacheFacts {
  std::string folder = {};
  // Why it is no folder to look into; OK if it is one.
  absl::Status found = {};
  uid_t owner = 0;
  // Its permission bits.
  mode_t mode = 0700;
  // Whether its owner is root or this user; whether this user may write it.
  bool owner_trusted = true;
  bool writable = true;
  // Whether nothing was ever kept in it, or else what a start makes of it.
  bool empty = false;
  absl::Status usable = {};
  verify::AnchorProvenance provenance = {};
  verify::Freshness freshness = verify::Freshness::kFresh;
};

// One refresh of a client that has nothing yet.
struct ServerFacts {
  std::string name = {};
  absl::Status refreshed = {};
  verify::AnchorProvenance provenance = {};
};

// What a product needs, as the flags say.
struct InstanceNeeds {
  std::vector<std::string> product_codes = {};
  enum class Attestation { kNeed, kWant, kIgnore };
  Attestation attestation = Attestation::kWant;
  // Whether the product refuses evidence while its anchors are EXPIRED.
  bool refuse_expired = false;
};

struct InstanceFacts {
  absl::Time now = {};
  InstanceNeeds needs = {};
  Machine machine = {};
  ImdsFacts imds = {};
  // nullopt where there is nothing that could be asked, or it is ignored.
  std::optional<AttestationFacts> attestation = {};
  verify::AnchorProvenance anchors = {};
  verify::Freshness freshness = verify::Freshness::kBakedIn;
  // nullopt where none was named.
  std::optional<CacheFacts> cache = {};
  std::optional<ServerFacts> server = {};
};

using anchors::CheckLine;
using anchors::Mark;

// Returns one line for each check, all of them whatever the facts, in the same
// order.
std::vector<CheckLine> Judge(const InstanceFacts& facts);

// The exit code of the first that failed; else kUsage where one warned and
// `strict`; else kAccepted.
int ExitCodeOf(const std::vector<CheckLine>& lines, bool strict);

// The account, the instance and the server that `facts` name.
std::vector<std::string> SecretsOf(const InstanceFacts& facts);

// Replaces each of the texts `secrets` in what people read, wherever it came
// from.
void Redact(const std::vector<std::string>& secrets,
            std::vector<CheckLine>& lines);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_INSTANCE_CHECK_H_
