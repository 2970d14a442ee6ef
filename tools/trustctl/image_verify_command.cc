// trustctl image verify

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "anchors/images/judgement.h"
#include "anchors/images/listing_error.h"
#include "client/image/inventory.h"
#include "client/image/mounts.h"
#include "client/image/protection.h"
#include "client/image/running.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/image_lists.h"
#include "tools/trustctl/image_tree.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/terminal.h"
#include "verify/image/boot_pcr.h"
#include "verify/image/bundle.h"
#include "verify/image/comparison.h"
#include "verify/image/image_error.h"
#include "verify/image/manifest.h"
#include "verify/reason.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;
using verify::ImageManifest;

struct Flags {
  std::string root;
  bool running = false;
  std::string disk;
  AnchorSource anchors;
  std::string manifest;
  std::vector<std::string> producers;
  std::string product;
  std::string least_version = "0";
  std::string least_scope = "code+startup";
  std::string at;
  WalkFlags walk;
  Output output;
};

template <typename Bytes>
std::string Hex(const Bytes& bytes) {
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

// What was found, whether of a tree or of processes.
struct Found {
  verify::Comparison comparison;
  std::vector<std::string> notes;
  ordered_json facts;
};

// The bundle of a model lies in its folder, and is no part of it.
void ExcludeBundle(const Flags& flags, ImageManifest& manifest) {
  const auto real = [](const std::string& path) {
    const std::unique_ptr<char, void (*)(void*)> found(
        ::realpath(path.c_str(), nullptr), ::free);
    return std::string(found != nullptr ? found.get() : "");
  };
  std::string_view name;
  const std::string root = real(flags.root), bundle = real(flags.manifest);
  if (!manifest.content_only || root.empty() ||
      !client::RelativeTo(root, bundle, name) || name.empty() ||
      verify::IsExcluded(manifest.exclusions, name)) {
    return;
  }
  manifest.exclusions.emplace_back(name);
  std::sort(manifest.exclusions.begin(), manifest.exclusions.end());
}

absl::StatusOr<Found> FindInTree(const Flags& flags, ImageManifest& manifest) {
  ExcludeBundle(flags, manifest);
  auto tree =
      flags.walk.Walk(flags.root, [&](const client::InventoryOptions& options) {
        return client::ExamineImage(flags.root, manifest, options);
      });
  if (!tree.ok()) return tree.status();
  Found found;
  found.facts = {{"as_seen", tree->as_seen},
                 {"files", tree->files},
                 {"bytes", tree->bytes},
                 {"enforced_by_kernel", tree->enforced}};
  found.notes = std::move(tree->notes);
  found.comparison = verify::Compare(manifest, std::move(tree->found),
                                     std::move(tree->problems));
  return found;
}

// The kernel's number of the first one (PROC_PID_INIT_INO).
bool IsInitialPidNamespace() {
  struct stat facts;
  return ::stat("/proc/self/ns/pid", &facts) == 0 && facts.st_ino == 0xEFFFFFFC;
}

absl::StatusOr<Found> FindRunning(const Flags& flags,
                                  const ImageManifest& manifest) {
  const Progress progress("looking at processes");
  auto running = client::ExamineRunning(flags.root, manifest);
  if (!running.ok()) return running.status();
  Found found;
  found.facts = {{"processes", running->processes},
                 {"files", running->files},
                 {"with_anonymous_code", running->with_anonymous_code}};
  if (!IsInitialPidNamespace()) {
    found.notes.push_back(
        "this is a PID namespace of its own, as in a container: of the machine "
        "it may show a part only");
  }
  if (running->with_anonymous_code > 0) {
    found.notes.push_back(
        absl::StrCat("processes with code that is in no file, as of a "
                     "just-in-time compiler: ",
                     running->with_anonymous_code));
  }
  found.comparison.total = running->differences.size();
  found.comparison.matched =
      running->files -
      std::min<std::uint64_t>(running->files, found.comparison.total);
  found.comparison.differences = std::move(running->differences);
  return found;
}

ordered_json ToJson(const verify::Comparison& comparison) {
  ordered_json differences = ordered_json::array();
  for (const verify::Difference& d : comparison.differences) {
    differences.push_back({{"reason", verify::NameOf(d.reason)},
                           {"name", Printable(d.name)},
                           {"detail", Printable(d.detail)}});
  }
  return differences;
}

ordered_json ToJson(const std::vector<client::Protection>& protections) {
  ordered_json all = ordered_json::array();
  for (const client::Protection& p : protections) {
    all.push_back({{"name", p.name}, {"on", p.on}, {"state", p.state}});
  }
  return all;
}

// As other verdicts have it.
const char* WordOf(const absl::Status& status) {
  if (status.ok()) return "ACCEPTED";
  return absl::IsUnavailable(status) ? "UNDECIDED" : "REJECTED";
}

// Prints a manifest that is refused; the image is not looked at.
int Refuse(const Flags& flags, const absl::Status& status,
           std::string_view reason, const std::string& hint) {
  flags.output.Print({{"verdict", WordOf(status)},
                      {"reason", reason},
                      {"detail", Printable(TextOf(status))}},
                     {.name = "/reason"}, [&] {
                       std::cout << Paint(WordOf(status), Colour::kBad,
                                          MayColour(STDOUT_FILENO))
                                 << "  " << Printable(TextOf(status)) << "\n";
                     });
  if (!hint.empty()) std::cerr << "hint: " << hint << "\n";
  return ExitCodeOf(status);
}

int Refuse(const Flags& flags, const absl::Status& status) {
  std::string_view reason;
  if (const auto image = verify::ImageReasonOf(status)) {
    reason = verify::NameOf(*image);
  } else if (const auto listing = anchors::ListingReasonOf(status)) {
    reason = anchors::NameOf(*listing);
  } else if (const auto other = verify::ReasonOf(status)) {
    reason = verify::NameOf(*other);
  } else {
    return Fail(status);
  }
  return Refuse(flags, status, reason, HintForBundle(status, flags.manifest));
}

// What a comparison of this scope leaves out, for people.
const char* LeftOut(const std::string& scope) {
  if (scope == "code") return ": what starts code was not compared";
  return scope == "code+startup" ? ": data were not compared" : "";
}

void PrintText(const ordered_json& answer, const Found& found,
               const std::vector<client::Protection>& protections) {
  const bool matches = found.comparison.matches();
  for (const verify::Difference& d : found.comparison.differences) {
    std::cout << verify::TextOf(d) << "\n";
  }
  const auto text = [&](const char* member) {
    return Printable(answer[member].get<std::string>());
  };
  std::cout << Paint(text("verdict"), matches ? Colour::kGood : Colour::kBad,
                     MayColour(STDOUT_FILENO))
            << "  " << text("product") << " " << text("version")
            << ", signed by " << text("signer") << " of " << text("producer")
            << "\nmatched     " << found.comparison.matched << "\ndifferences "
            << found.comparison.total << "\nmanifest    "
            << text("manifest_sha256") << "\nindex       "
            << (!answer.contains("listed")
                    ? "not asked: by its producer's signature alone; --server "
                      "or --cache sees what was withdrawn"
                : answer["listed"].get<bool>()
                    ? "listed"
                    : "not listed: by its producer's signature alone")
            << "\n";
  if (answer.contains("processes")) {
    std::cout << "processes   " << answer["processes"] << "\n";
  } else {
    std::cout << "scope       " << text("scope") << LeftOut(text("scope"))
              << "\n";
    for (const auto& name : answer["exclusions"]) {
      std::cout << "excluded    " << Printable(name.get<std::string>()) << "\n";
    }
  }
  if (answer.contains("pcr8")) {
    std::cout << "PCR8        " << text("pcr8") << " after a validated boot\n";
  }
  for (const client::Protection& p : protections) {
    std::cout << "kernel      " << p.name << " " << (p.on ? "on" : "off")
              << " (" << p.state << ")\n";
  }
  for (const std::string& note : found.notes) {
    std::cout << "note        " << Printable(note) << "\n";
  }
}

// The lists of the bundle that was asked for; of none, both are null. What is
// withdrawn since is in no older one, so the built-in set does not stand in.
absl::StatusOr<Anchors> LoadLists(const Flags& flags) {
  if (!flags.anchors.uses_client()) return Anchors();
  auto lists = flags.anchors.Load({});
  if (!lists.ok()) return lists;
  if (lists->set->provenance().origin == verify::Origin::kBakedIn) {
    return absl::UnavailableError("the signed lists could not be got");
  }
  if (absl::Status s = flags.anchors.CheckAge(*lists); !s.ok()) return s;
  return lists;
}

// Judges a raw disk by the signed index alone.
int VerifyDisk(const Flags& flags) {
  if (!flags.root.empty() || flags.running || !flags.manifest.empty()) {
    return UsageError(absl::InvalidArgumentError(
        "--disk asks the signed index alone: give no ROOT, --running or "
        "--manifest with it"));
  }
  if (!flags.anchors.uses_client()) {
    return UsageError(absl::InvalidArgumentError(
        "--disk needs a signed index: --server or --cache"));
  }
  const auto lists = LoadLists(flags);
  if (!lists.ok()) return Refuse(flags, lists.status());
  if (lists->images == nullptr) {
    return Fail(absl::NotFoundError("the bundle has no index of images"));
  }
  const auto digest = HashDisk(flags.disk);
  if (!digest.ok()) return Fail(digest.status());
  const auto image = anchors::JudgeDisk(*digest, *lists->images);
  if (!image.ok()) return Refuse(flags, image.status());
  if (!flags.product.empty() && flags.product != image->product) {
    return Refuse(
        flags, verify::RefuseImage(verify::ImageReason::kProductMismatch,
                                   absl::StrCat("it is of ", image->product)));
  }
  const auto least = verify::ImageVersion::Parse(flags.least_version);
  if (!least.ok()) return UsageError(least.status());
  if (*verify::ImageVersion::Parse(image->version) < *least) {
    return Refuse(flags, verify::RefuseImage(
                             verify::ImageReason::kVersionTooOld,
                             absl::StrCat("it has version ", image->version)));
  }
  ordered_json answer = {{"verdict", "ACCEPTED"}};
  answer.update(FactsOf(*image));
  answer["index_sequence"] = lists->images->sequence;
  flags.output.Print(answer, {.name = "/manifest_sha256"}, [&] {
    std::cout << Paint("ACCEPTED", Colour::kGood, MayColour(STDOUT_FILENO))
              << "  " << NameOf(*image) << "\ndisk        "
              << image->disk_sha256 << "\nmanifest    "
              << image->manifest_sha256 << "\nindex       "
              << lists->images->sequence << "\n";
  });
  return kAccepted;
}

int Run(Flags flags) {
  if (!flags.disk.empty()) return VerifyDisk(flags);
  if (flags.manifest.empty()) {
    PrintError("--manifest is required",
               "trustctl image find names the manifest of an image, and image "
               "fetch gets it");
    return kUsage;
  }
  if (flags.producers.empty() && !flags.anchors.uses_client()) {
    return UsageError(absl::InvalidArgumentError(
        "say whose signature counts: --producer, or the lists of a --server or "
        "--cache"));
  }
  if (flags.root.empty()) {
    if (!flags.running) {
      return UsageError(absl::InvalidArgumentError("give ROOT or --running"));
    }
    flags.root = "/";
  } else if (flags.running) {
    return UsageError(absl::InvalidArgumentError(
        "ROOT and --running are two questions: ask one"));
  }
  const auto at = ParseOptionalTime(flags.at);
  if (!at.ok()) return UsageError(at.status());
  const auto least = verify::ImageVersion::Parse(flags.least_version);
  if (!least.ok()) return UsageError(least.status());
  const auto producers = ReadProducers(flags.producers);
  if (!producers.ok()) return Fail(producers.status());
  auto bundle = anchors::ReadFile(flags.manifest, verify::kMaxBundleBytes);
  if (!bundle.ok()) return Fail(bundle.status());
  const auto lists = LoadLists(flags);
  if (!lists.ok()) return Refuse(flags, lists.status());
  auto verdict = anchors::JudgeManifest(
      *std::move(bundle),
      {.producers = lists->producers.get(), .images = lists->images.get()},
      {.own = *producers, .received = *at});
  if (!verdict.ok()) return Refuse(flags, verdict.status());
  const verify::VerifiedManifest* const verified = &verdict->verified;
  const verify::Sha256Bytes digest = verified->digest();
  ordered_json answer = {{"verdict", ""},
                         {"producer", verified->signer().producer},
                         {"signer", Printable(verified->signer().signer)},
                         {"judged_at", Rfc3339(verified->judged_at())}};
  if (flags.anchors.uses_client()) {
    answer["listed"] = verdict->listed.has_value();
  }
  answer["manifest_sha256"] = Hex(digest);
  ImageManifest manifest = std::move(verdict->verified).TakeManifest();
  // A model of OpenSSF Model Signing is of no product and has no version, which
  // matters where one is asked for.
  const bool asked = !flags.product.empty() || *least != verify::ImageVersion();
  const absl::Status expected =
      manifest.content_only && !asked
          ? absl::OkStatus()
          : verify::CheckExpectations(
                manifest, {.product = flags.product.empty() ? manifest.product
                                                            : flags.product,
                           .least_version = *least});
  if (!expected.ok()) return Refuse(flags, expected);
  if (manifest.scope < *verify::ManifestScopeNamed(flags.least_scope)) {
    // The name that anchorage-validate has for it.
    constexpr char kReason[] = "MANIFEST_SCOPE_TOO_SMALL";
    const std::string scope(verify::NameOf(manifest.scope));
    return Refuse(
        flags,
        absl::PermissionDeniedError(absl::StrCat(
            kReason, ": its scope is ", scope, ", not ", flags.least_scope)),
        kReason,
        "--least-scope " + scope + " takes a manifest that lists less");
  }

  auto found = flags.running ? FindRunning(flags, manifest)
                             : FindInTree(flags, manifest);
  if (!found.ok()) return Fail(found.status(), HintForWalk(found.status()));
  const auto protections = client::KernelProtections(flags.root);
  if (!protections.ok()) return Fail(protections.status());
  if (flags.product.empty()) {
    found->notes.push_back(
        "any product of the producer counts: --product names one");
  }
  const bool matches = found->comparison.matches();
  answer["verdict"] = matches ? "ACCEPTED" : "REJECTED";
  if (!matches) answer["reason"] = "IMAGE_DIFFERS";
  answer["product"] = manifest.product;
  answer["version"] = manifest.version.ToString();
  answer["scope"] = verify::NameOf(manifest.scope);
  ordered_json& exclusions = answer["exclusions"] = ordered_json::array();
  for (const std::string& name : manifest.exclusions) {
    exclusions.push_back(Printable(name));
  }
  answer["on_mismatch"] = verify::NameOf(manifest.on_mismatch);
  answer["matched"] = found->comparison.matched;
  answer["total"] = found->comparison.total;
  answer["differences"] = ToJson(found->comparison);
  answer.update(found->facts);
  answer["protections"] = ToJson(*protections);
  answer["notes"] = found->notes;
  // Of processes, nothing says what booted.
  if (matches && !flags.running && !manifest.content_only) {
    const auto event = verify::BootEvent(digest);
    if (!event.ok()) return Fail(event.status());
    const auto after = verify::RegisterAfter(*event);
    if (!after.ok()) return Fail(after.status());
    answer["pcr8"] = Hex(*after);
  }
  flags.output.Print(answer,
                     {.rows = "differences",
                      .columns = {{"REASON", "/reason"},
                                  {"NAME", "/name"},
                                  {"DETAIL", "/detail"}},
                      .name = "/name"},
                     [&] { PrintText(answer, *found, *protections); });
  return matches ? kAccepted : kNotFromAws;
}

}  // namespace

void AddImageVerify(CLI::App& image, Action& action) {
  auto* command = image.add_subcommand(
      "verify", "Compare an image, or what runs, with its signed manifest");
  auto flags = std::make_shared<Flags>();
  command->add_option("root", flags->root,
                      "where the image is mounted; / for this machine's own");
  command->add_flag("--running", flags->running,
                    "instead: the code that the processes run which /proc "
                    "shows");
  command->add_option(
      "--manifest", flags->manifest,
      "the signed manifest, a Sigstore-shaped bundle; also one of "
      "OpenSSF Model Signing");
  command->add_option(
      "--producer", flags->producers,
      "PEM file of a producer's certificates; may be given again. The signed "
      "lists then count beside it only where --server or --cache is on the "
      "command line");
  command->add_option("--disk", flags->disk,
                      "instead: a raw disk, which the signed index must list");
  command->add_option("--product", flags->product,
                      "the product that it must be");
  command
      ->add_option("--least-version", flags->least_version,
                   "the oldest version that counts")
      ->capture_default_str();
  command
      ->add_option("--least-scope", flags->least_scope,
                   "the least that its manifest must list")
      ->check(OneOf({"code", "code+startup", "everything"}))
      ->capture_default_str();
  command->add_option("--at", flags->at,
                      "judge the certificates at this time (RFC 3339); without "
                      "it at the manifest's own");
  flags->anchors.AddTo(*command);
  flags->anchors.AddWhenExpiredTo(*command, "refuse");
  flags->walk.AddTo(*command);
  flags->output.AddTo(*command);
  command->footer(R"(
    trustctl image verify /mnt --manifest image.bundle.json --producer example.pem --product shop --least-version 1.2
    trustctl image verify /mnt --manifest image.bundle.json --server trustd.example.com:7443 --trusted-root 1.root.json
    trustctl image verify --running --manifest image.bundle.json --producer example.pem
    trustctl image verify --disk shop.raw --server trustd.example.com:7443 --trusted-root 1.root.json

Prints a line and a reason for each difference, which ends with exit code 3. With
--server or --cache the lists that people signed say which producers count, and
what is withdrawn. --disk looks for the SHA-256 of a raw disk in the signed index.

Run it as root, so that nothing is hidden under other mounts.
)");
  command->callback(
      [&action, flags] { action = [flags] { return Run(*flags); }; });
}

}  // namespace anchorage::trustctl
