// trustctl image manifest

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/image/beneath.h"
#include "client/image/inventory.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/image_rpm.h"
#include "tools/trustctl/image_tree.h"
#include "tools/trustctl/output.h"
#include "verify/crypto/public_key.h"
#include "verify/image/comparison.h"
#include "verify/image/manifest.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

struct Flags {
  std::string root;
  std::string product;
  std::string version;
  std::string scope = "code+startup";
  std::vector<std::string> exclusions;
  std::string time;
  std::string on_mismatch = "power-off";
  std::string out;
  WalkFlags walk;
  Output output;
};

// The time of --time, or of SOURCE_DATE_EPOCH: never the clock's, so that two
// runs give the same bytes.
absl::StatusOr<absl::Time> TimeOf(const Flags& flags) {
  if (!flags.time.empty()) return ParseRfc3339(flags.time);
  const char* const epoch = std::getenv("SOURCE_DATE_EPOCH");
  if (epoch == nullptr || *epoch == '\0') {
    return absl::InvalidArgumentError(
        "give --time or set SOURCE_DATE_EPOCH: a manifest says when the image "
        "was made");
  }
  std::int64_t seconds = 0;
  if (!absl::SimpleAtoi(epoch, &seconds)) {
    return absl::InvalidArgumentError(
        absl::StrCat("SOURCE_DATE_EPOCH is no number of seconds: ", epoch));
  }
  return absl::FromUnixSeconds(seconds);
}

// Makes names that people write exact: "/var/log/" is "var/log".
std::string ExactName(std::string name) {
  while (name.starts_with('/')) name.erase(0, 1);
  while (name.ends_with('/')) name.pop_back();
  return name;
}

// An exclusion of what is not there is a name that somebody mistyped.
void WarnOfAbsent(const Flags& flags, const verify::ImageManifest& manifest) {
  const auto root = client::OpenAsSeen(flags.root);
  if (!root.ok()) return;
  for (const std::string& name : manifest.exclusions) {
    if (client::OpenBeneath(root->get(), name, O_PATH).ok()) continue;
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) {
      PrintWarning(absl::StrCat("--exclude ", name, ": nothing has that name"));
    }
  }
}

int Run(const Flags& flags) {
  verify::ImageManifest manifest;
  manifest.product = flags.product;
  const auto version = verify::ImageVersion::Parse(flags.version);
  if (!version.ok()) return UsageError(version.status());
  manifest.version = *version;
  const auto time = TimeOf(flags);
  if (!time.ok()) return UsageError(time.status());
  manifest.time = *time;
  manifest.scope = *verify::ManifestScopeNamed(flags.scope);
  manifest.on_mismatch = *verify::MismatchActionNamed(flags.on_mismatch);
  for (const std::string& name : flags.exclusions) {
    manifest.exclusions.push_back(ExactName(name));
  }
  std::sort(manifest.exclusions.begin(), manifest.exclusions.end());

  auto listed =
      flags.walk.Walk(flags.root, [&](const client::InventoryOptions& options) {
        return client::ListImage(flags.root,
                                 {.scope = manifest.scope,
                                  .exclusions = manifest.exclusions,
                                  .packages = true},
                                 options);
      });
  if (!listed.ok()) return Fail(listed.status(), HintForWalk(listed.status()));
  WarnOfAbsent(flags, manifest);
  for (const std::string& note : listed->notes) PrintWarning(note);
  for (const verify::Difference& problem : listed->problems) {
    PrintError(verify::TextOf(problem));
  }
  if (!listed->problems.empty()) return kUnreadable;
  manifest.entries = std::move(listed->found);
  if (auto s = AddRpmPackages(flags.root, manifest.entries); !s.ok()) {
    PrintWarning(TextOf(s));
  }
  const auto text = verify::SerializePredicate(manifest);
  if (!text.ok()) return Fail(text.status());
  if (auto s = WriteOutput(flags.out, *text); !s.ok()) return Fail(s);
  if (flags.out == "-") return kAccepted;

  const ordered_json answer = {{"file", flags.out},
                               {"product", manifest.product},
                               {"version", manifest.version.ToString()},
                               {"scope", flags.scope},
                               {"entries", manifest.entries.size()},
                               {"files", listed->files},
                               {"bytes", listed->bytes},
                               {"as_seen", listed->as_seen},
                               {"manifest_sha256", verify::Sha256Hex(*text)}};
  flags.output.Print(answer, {.name = "/manifest_sha256"}, [&] {
    std::cout << "wrote " << Printable(flags.out) << ": "
              << Counted(manifest.entries.size(), "entry", "entries") << ", "
              << Counted(listed->files, "file") << " of "
              << Counted(listed->bytes, "byte") << "\nmanifest  "
              << verify::Sha256Hex(*text) << "\n";
  });
  return kAccepted;
}

}  // namespace

void AddImageManifest(CLI::App& image, Action& action) {
  auto* command = image.add_subcommand(
      "manifest", "List what is in an image, to be signed by its producer");
  auto flags = std::make_shared<Flags>();
  command->add_option("root", flags->root, "the folder of the image")
      ->required();
  command
      ->add_option("--product", flags->product,
                   "what the image is of, such as shop: those who verify name "
                   "it")
      ->required();
  command
      ->add_option("--version", flags->version,
                   "one to eight numbers with dots, such as 2026.11.30")
      ->required();
  command
      ->add_option("--scope", flags->scope,
                   "what is listed: code, with what starts code, or everything")
      ->check(OneOf({"code", "code+startup", "everything"}))
      ->capture_default_str();
  command->add_option("--exclude", flags->exclusions,
                      "a name of data that is not compared, with what lies "
                      "below; may be given again. Code there is refused");
  command->add_option("--time", flags->time,
                      "when the image was made (RFC 3339); without it "
                      "SOURCE_DATE_EPOCH");
  command
      ->add_option("--on-mismatch", flags->on_mismatch,
                   "what is to happen to a machine whose files differ")
      ->check(OneOf({"continue", "emergency", "power-off"}))
      ->capture_default_str();
  command
      ->add_option("--out", flags->out,
                   "the file to write; - for standard output")
      ->required();
  flags->walk.AddTo(*command);
  flags->output.AddTo(*command);
  command->footer(R"(
    trustctl image manifest /mnt --product shop --version 1.2 --time 2026-11-30T00:00:00Z --exclude var/log --out manifest.json

Lists code by its content, whatever its mode, what decides which code is started,
and the package that each file is of. Two runs give the same bytes, which
'trustctl image sign' signs.

Run it as root, so that what lies under other mounts is listed.
)");
  command->callback(
      [&action, flags] { action = [flags] { return Run(*flags); }; });
}

}  // namespace anchorage::trustctl
