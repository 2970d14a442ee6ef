// trustctl targets propose | sign | publish: what people approve a catalog
// with.

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "anchors/baked/baked.h"
#include "anchors/bundle.h"
#include "anchors/catalog.h"
#include "anchors/publishing/ceremony.h"
#include "anchors/succession.h"
#include "tools/trustctl/catalog_step.h"
#include "tools/trustctl/ceremony_text.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/signing_key.h"

namespace anchorage::trustctl {
namespace {

namespace tuf = anchors::tuf;
using anchors::Catalog;
using anchors::Ceremony;
using anchors::DraftKind;
using nlohmann::ordered_json;

struct Flags {
  std::string folder = ".";
  std::string catalog;
  bool baked_in = false;
  bool again = false;
  // Files of the targets beside the catalog, by the paths of the targets.
  anchors::ByPath beside;
  std::string expires_in = "365d";
  std::vector<std::string> reactivate;
  SigningKeySource signer;
  bool yes = false;
  Output output;
};

// What the draft's catalog takes back into use, and what it must not do,
// whoever names it; empty where it follows nothing.
absl::StatusOr<std::string> TextOfStep(const Ceremony& ceremony) {
  const auto last = anchors::CatalogBeforeDraft(ceremony);
  if (!last.ok()) return last.status();
  if (last->empty() || *last == ceremony.targets_draft->catalog()) {
    return std::string();
  }
  const auto before = anchors::ParseCatalog(*last);
  if (!before.ok()) return before.status();
  const auto after = anchors::ParseCatalog(ceremony.targets_draft->catalog());
  if (!after.ok()) return after.status();
  const auto reactivated = anchors::FindReactivated(*before, *after);
  const auto problems =
      anchors::FindSuccessorProblems(*before, *after, reactivated);
  std::string text = TextOf(reactivated);
  if (!problems.empty()) {
    absl::StrAppend(&text, "this catalog must not follow the signed one:\n",
                    TextOf(problems));
  }
  return text;
}

// What the draft says, against what is signed already.
absl::StatusOr<std::string> TextOfDraft(const Ceremony& ceremony) {
  if (!ceremony.targets_draft.has_value()) {
    return absl::FailedPreconditionError(
        "there is no draft of targets: begin with targets propose");
  }
  if (absl::Status s =
          anchors::CheckDraft(ceremony, DraftKind::kTargets, absl::Now());
      !s.ok()) {
    return s;
  }
  const auto targets = tuf::ParseTargets(ceremony.targets_draft->targets);
  if (!targets.ok()) return targets.status();
  const auto next = anchors::ParseCatalog(ceremony.targets_draft->catalog());
  if (!next.ok()) return next.status();
  std::optional<Catalog> last;
  if (absl::Status s = anchors::VerifyLastTargets(ceremony); !s.ok()) return s;
  if (ceremony.targets.has_value()) {
    auto parsed = anchors::ParseCatalog(ceremony.targets->catalog());
    if (!parsed.ok()) return parsed.status();
    last = *std::move(parsed);
  }
  std::string text =
      absl::StrCat("targets version ", targets->envelope.version,
                   ", good until ", Rfc3339(targets->envelope.expires), "\n",
                   TextOf(*next, last ? &*last : nullptr));
  const auto step = TextOfStep(ceremony);
  if (!step.ok()) return step.status();
  text += *step;
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    if (kind.is_required) continue;
    const auto beside = TextOfBeside(
        kind, ceremony.targets_draft->target(kind.path),
        ceremony.targets.has_value() ? ceremony.targets->target(kind.path)
                                     : "");
    if (!beside.ok()) return beside.status();
    text += *beside;
  }
  return text + RulesText();
}

int ShowDraft(const Flags& flags) {
  const auto ceremony = anchors::ReadCeremony(flags.folder);
  if (!ceremony.ok()) return Fail(ceremony.status());
  const auto counts = anchors::CountSignatures(*ceremony, DraftKind::kTargets);
  if (!counts.ok()) return Fail(counts.status());
  const auto text = TextOfDraft(*ceremony);
  if (!text.ok()) return Fail(text.status());
  flags.output.Print(
      {{"draft", *text}, {"rules", Program()}, {"signatures", ToJson(*counts)}},
      {.name = "/rules"},
      [&] { std::cout << "draft of " << *text << TextOf(*counts); });
  return kAccepted;
}

// What was signed last, as the next one: for new keys, or when it ends.
absl::StatusOr<anchors::ByPath> ProposeAgain(const Flags& flags) {
  const auto ceremony = anchors::ReadCeremony(flags.folder);
  if (!ceremony.ok()) return ceremony.status();
  if (!ceremony->targets.has_value()) {
    return absl::FailedPreconditionError(absl::StrCat(
        flags.folder, " has no signed targets that could be signed again"));
  }
  auto catalog = anchors::ParseCatalog(ceremony->targets->catalog());
  if (!catalog.ok()) return catalog.status();
  if (catalog->skipped > 0) {
    return absl::FailedPreconditionError(
        "the last catalog has anchors that this program does not know");
  }
  ++catalog->sequence;
  catalog->created = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()));
  anchors::BundleFiles files = *ceremony->targets;
  files.SetTarget(anchors::kCatalogTargetPath,
                  anchors::SerializeCatalog(*catalog));
  return files.target_files;
}

absl::StatusOr<anchors::ByPath> ReadProposal(const Flags& flags) {
  anchors::ByPath targets;
  if (flags.again) {
    auto again = ProposeAgain(flags);
    if (!again.ok()) return again.status();
    targets = *std::move(again);
  } else if (flags.baked_in) {
    targets = anchors::DefaultBakedBundle().files.target_files;
  } else {
    auto read = ReadInput(flags.catalog);
    if (!read.ok()) return read.status();
    targets.emplace(anchors::kCatalogTargetPath, *std::move(read));
  }
  for (const auto& [path, file] : flags.beside) {
    if (file.empty()) continue;
    auto read = ReadInput(file);
    if (!read.ok()) return read.status();
    targets.insert_or_assign(path, *std::move(read));
  }
  return targets;
}

int Propose(const Flags& flags) {
  const auto proposal = ReadProposal(flags);
  if (!proposal.ok()) return Fail(proposal.status());
  const auto life = ParseDuration(flags.expires_in);
  if (!life.ok()) return UsageError(life.status());
  const auto reactivated = ParseReactivated(flags.reactivate);
  if (!reactivated.ok()) return UsageError(reactivated.status());
  if (absl::Status s = anchors::ProposeTargets(
          flags.folder, *proposal,
          absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now() + *life)),
          absl::Now(), *reactivated);
      !s.ok()) {
    return Fail(s);
  }
  return ShowDraft(flags);
}

int Sign(const Flags& flags) {
  const auto reactivated = ParseReactivated(flags.reactivate);
  if (!reactivated.ok()) return UsageError(reactivated.status());
  const auto ceremony = anchors::ReadCeremony(flags.folder);
  if (!ceremony.ok()) return Fail(ceremony.status());
  const auto text = TextOfDraft(*ceremony);
  if (!text.ok()) return Fail(text.status());
  std::cerr << "to be signed: " << RepositoryText(*ceremony) << *text;
  const auto last = anchors::CatalogBeforeDraft(*ceremony);
  if (!last.ok()) return Fail(last.status());
  if (absl::Status s = anchors::CheckCatalogStep(
          *last, ceremony->targets_draft->catalog(), *reactivated);
      !s.ok()) {
    return Fail(s, "nothing was signed");
  }
  if (absl::Status s = Confirm("Sign this?", flags.yes); !s.ok()) {
    return Fail(s);
  }
  const auto key = flags.signer.Open();
  if (!key.ok()) return Fail(key.status());
  if (absl::Status s =
          anchors::SignDraft(flags.folder, *ceremony, DraftKind::kTargets,
                             **key, absl::Now(), *reactivated);
      !s.ok()) {
    return Fail(s);
  }
  return ShowCounts(flags.folder, DraftKind::kTargets, flags.output);
}

int Publish(const Flags& flags) {
  const auto targets = anchors::PublishTargetsDraft(flags.folder, absl::Now());
  if (!targets.ok()) {
    return Fail(targets.status(), "nothing was published; see root status");
  }
  const std::string file = absl::StrCat(
      flags.folder, "/", targets->envelope.version, ".targets.json");
  flags.output.Print({{"version", targets->envelope.version},
                      {"expires", Rfc3339(targets->envelope.expires)},
                      {"file", file}},
                     {.name = "/version"}, [&] {
                       std::cout << "published  targets "
                                 << targets->envelope.version << " in " << file
                                 << "\n";
                     });
  return kAccepted;
}

constexpr char kProposeFooter[] = R"(
    trustctl targets propose --folder ceremony --baked-in
    trustctl targets propose --folder ceremony --catalog anchors.json
    trustctl targets propose --folder ceremony --again

Begins the draft of the next targets. Its catalog must be one that may follow
the one that is signed already (catalog diff). A key that it takes back into use
is named with --reactivate here, and by each who signs.
)";

constexpr char kReactivateHelp[] =
    "PARTITION/REGION/KIND/KEY that is taken back into use; again for each";

constexpr char kSignFooter[] = R"(
    trustctl targets sign --folder ceremony --key alice.pem

Shows which anchors come, change and go before anything is signed: to sign is
to approve.
)";

}  // namespace

void AddTargets(CLI::App& targets, Action& action) {
  const auto add = [&targets, &action](const char* name, const char* help,
                                       int (*run)(const Flags&)) {
    auto flags = std::make_shared<Flags>();
    CLI::App& command = *targets.add_subcommand(name, help);
    command.add_option("--folder", flags->folder,
                       "the ceremony's folder (default: the current one)");
    flags->output.AddTo(command);
    command.callback([flags, run, &action] {
      action = [flags, run] { return run(*flags); };
    });
    return std::pair<CLI::App*, std::shared_ptr<Flags>>(&command, flags);
  };

  auto [propose, propose_flags] =
      add("propose", "Begin the next targets", Propose);
  propose->footer(kProposeFooter);
  CLI::Option_group& what =
      *propose->add_option_group("the catalog, one of these");
  what.add_option("--catalog", propose_flags->catalog,
                  "file as catalog.proto says (- for standard input)");
  what.add_flag("--baked-in", propose_flags->baked_in,
                "the set built into this program");
  what.add_flag(
      "--again", propose_flags->again,
      "what was signed last, with the next sequence and today's date");
  what.require_option(1);
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    if (kind.is_required) continue;
    propose->add_option("--" + std::string(kind.name),
                        propose_flags->beside[std::string(kind.path)],
                        std::string(kind.title) + " to publish beside it");
  }
  propose->add_option("--expires-in", propose_flags->expires_in,
                      "how long it is good for (default 365d)");

  propose
      ->add_option("--reactivate", propose_flags->reactivate, kReactivateHelp)
      ->allow_extra_args(false);

  auto [sign, sign_flags] = add("sign", "Sign the draft", Sign);
  sign->footer(kSignFooter);
  sign_flags->signer.AddTo(*sign);
  sign->add_option("--reactivate", sign_flags->reactivate, kReactivateHelp)
      ->allow_extra_args(false);
  sign->add_flag("--yes", sign_flags->yes, "do not ask");

  add("publish", "Turn the signed draft into N.targets.json", Publish);
}

}  // namespace anchorage::trustctl
