// trustctl image index show | add | locate | withdraw | floor

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "anchors/base/atomic_file.h"
#include "anchors/images/image_index.h"
#include "anchors/images/judgement.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/image_lists.h"
#include "tools/trustctl/output.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustctl {
namespace {

using anchors::Image;
using anchors::ImageIndex;
using anchors::ImageLocation;
using anchors::ImageStatus;
using nlohmann::ordered_json;

struct Flags {
  std::string what;
  std::vector<std::string> arguments;
  std::string index = "images.json";
  std::string bundle;
  std::string producers;
  std::string disk;
  std::string disk_sha256;
  std::vector<std::string> at;
  std::string notes;
  Output output;
};

absl::StatusOr<std::vector<ImageLocation>> ReadLocations(const Flags& flags) {
  std::vector<ImageLocation> locations;
  for (const std::string& text : flags.at) {
    const std::vector<std::string> parts = absl::StrSplit(text, '/');
    if (parts.size() != 2 && parts.size() != 3) {
      return absl::InvalidArgumentError(
          "--at is REGION/IMAGE or REGION/ACCOUNT/IMAGE");
    }
    locations.push_back({.region = parts.front(),
                         .account = parts.size() == 3 ? parts[1] : "",
                         .image_id = parts.back()});
  }
  return locations;
}

// Adds where an image is, and its disk.
absl::Status Locate(const Flags& flags, Image& image) {
  const auto locations = ReadLocations(flags);
  if (!locations.ok()) return locations.status();
  for (const ImageLocation& at : *locations) {
    if (std::find(image.locations.begin(), image.locations.end(), at) ==
        image.locations.end()) {
      image.locations.push_back(at);
    }
  }
  if (!flags.disk_sha256.empty()) image.disk_sha256 = flags.disk_sha256;
  if (flags.disk.empty()) return absl::OkStatus();
  auto disk = HashDisk(flags.disk);
  if (!disk.ok()) return disk.status();
  image.disk_sha256 = *std::move(disk);
  return absl::OkStatus();
}

// Checks that the bundle is the one of the entry, and that a producer of the
// list signed it.
absl::Status CheckBundle(const Flags& flags, const Image& image,
                         const ImageIndex& index) {
  const auto producers = ReadProducerList(flags.producers);
  if (!producers.ok()) return producers.status();
  auto bundle = anchors::ReadFile(flags.bundle, verify::kMaxBundleBytes);
  if (!bundle.ok()) return bundle.status();
  if (verify::Sha256Hex(*bundle) != image.bundle_sha256) {
    return absl::FailedPreconditionError(
        absl::StrCat(flags.bundle, " is not the bundle of the entry"));
  }
  ImageIndex with = index;
  with.images.push_back(image);
  const auto verdict = anchors::JudgeManifest(
      *std::move(bundle), {.producers = &*producers, .images = &with}, {});
  if (!verdict.ok()) return verdict.status();
  if (!verdict->listed.has_value()) {
    return absl::FailedPreconditionError(
        absl::StrCat(flags.bundle, " is not the manifest of the entry"));
  }
  const auto* producer = anchors::FindProducer(*producers, verdict->producer);
  if (producer->status != anchors::ProducerStatus::kActive) {
    PrintWarning(absl::StrCat(
        producer->name, " is ", std::string(NameOf(producer->status)),
        ": from now on this manifest counts all the same"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Image*> Listed(const Flags& flags, ImageIndex& index) {
  for (Image& image : index.images) {
    if (image.manifest_sha256 == flags.arguments.front()) return &image;
  }
  return absl::NotFoundError(absl::StrCat(
      flags.index, " lists no manifest ", Printable(flags.arguments.front()),
      ": give all 64 digits (trustctl image index show)"));
}

// Each changes an index, and returns the image that it changed; null for none.
absl::StatusOr<const Image*> Add(const Flags& flags, ImageIndex& index) {
  const auto text = ReadInput(flags.arguments.front());
  if (!text.ok()) return text.status();
  auto image = anchors::ParseImage(*text);
  if (!image.ok()) return image.status();
  if (anchors::FindByManifest(index, image->manifest_sha256) != nullptr) {
    return absl::AlreadyExistsError(
        absl::StrCat(flags.index, " lists it already"));
  }
  image->status = ImageStatus::kActive;
  if (!flags.notes.empty()) image->notes = flags.notes;
  if (absl::Status s = Locate(flags, *image); !s.ok()) return s;
  if (absl::Status s = CheckBundle(flags, *image, index); !s.ok()) return s;
  index.images.push_back(*std::move(image));
  return &index.images.back();
}

absl::StatusOr<const Image*> LocateListed(const Flags& flags,
                                          ImageIndex& index) {
  const auto image = Listed(flags, index);
  if (!image.ok()) return image.status();
  if (absl::Status s = Locate(flags, **image); !s.ok()) return s;
  return *image;
}

absl::StatusOr<const Image*> Withdraw(const Flags& flags, ImageIndex& index) {
  const auto image = Listed(flags, index);
  if (!image.ok()) return image.status();
  (*image)->status = ImageStatus::kWithdrawn;
  if (!flags.notes.empty()) (*image)->notes = flags.notes;
  return *image;
}

absl::StatusOr<const Image*> RaiseFloor(const Flags& flags, ImageIndex& index) {
  const std::string& product = flags.arguments[0];
  const auto floor = std::find_if(
      index.floors.begin(), index.floors.end(),
      [&](const anchors::ProductFloor& one) { return one.product == product; });
  if (floor == index.floors.end()) {
    index.floors.push_back({product, flags.arguments[1]});
  } else {
    floor->least_version = flags.arguments[1];
  }
  // What is below it is refused without being listed.
  std::erase_if(index.images, [&](const Image& image) {
    return image.product == product &&
           anchors::IsBelowFloor(index, image.product, image.version);
  });
  return nullptr;
}

struct Verb {
  const char* name;
  std::size_t arguments;
  const char* usage;
  const char* done;
  absl::StatusOr<const Image*> (*change)(const Flags&, ImageIndex&);
};

constexpr Verb kVerbs[] = {
    {"show", 0, "", "", nullptr},
    {"list", 0, "", "", nullptr},
    {"add", 1, "ENTRY", "added", Add},
    {"locate", 1, "MANIFEST", "located", LocateListed},
    {"withdraw", 1, "MANIFEST", "withdrew", Withdraw},
    {"floor", 2, "PRODUCT VERSION", "raised the floor", RaiseFloor},
};

void PrintImage(const Image& image) {
  std::cout << NameOf(image) << "  " << NameOf(image.status)
            << "\n    manifest " << image.manifest_sha256 << "\n    received "
            << Rfc3339(image.received) << "\n";
  if (!image.disk_sha256.empty()) {
    std::cout << "    disk     " << image.disk_sha256 << "\n";
  }
  for (const ImageLocation& at : image.locations) {
    std::cout << "    " << at.region << " "
              << (at.account.empty() ? "any account" : at.account) << " "
              << at.image_id << "\n";
  }
  if (!image.notes.empty()) std::cout << "    " << image.notes << "\n";
}

int Show(const Flags& flags, const ImageIndex& index) {
  ordered_json images = ordered_json::array();
  for (const Image& image : index.images) images.push_back(FactsOf(image));
  ordered_json floors = ordered_json::array();
  for (const anchors::ProductFloor& floor : index.floors) {
    floors.push_back(
        {{"product", floor.product}, {"least_version", floor.least_version}});
  }
  flags.output.Print({{"index", flags.index},
                      {"sequence", index.sequence},
                      {"images", images},
                      {"floors", floors}},
                     {.rows = "images",
                      .columns = {{"PRODUCT", "/product"},
                                  {"VERSION", "/version"},
                                  {"STATUS", "/status"},
                                  {"PRODUCER", "/producer"},
                                  {"MANIFEST", "/manifest_sha256"}},
                      .name = "/manifest_sha256"},
                     [&] {
                       for (const Image& image : index.images) {
                         PrintImage(image);
                       }
                       for (const auto& floor : index.floors) {
                         std::cout << floor.product << "  not below "
                                   << floor.least_version << "\n";
                       }
                       std::cout << Counted(index.images.size(), "image")
                                 << ", sequence " << index.sequence << "\n";
                     });
  return kAccepted;
}

int Run(const Flags& flags) {
  const auto* const found =
      std::find_if(std::begin(kVerbs), std::end(kVerbs),
                   [&](const Verb& one) { return flags.what == one.name; });
  if (found == std::end(kVerbs)) {
    return UsageError(absl::InvalidArgumentError(
        "what is to be done is show, add, locate, withdraw or floor"));
  }
  const Verb& verb = *found;
  if (flags.arguments.size() != verb.arguments) {
    return UsageError(absl::InvalidArgumentError(
        absl::StrCat("the command is 'image index ", verb.name,
                     verb.arguments == 0 ? "" : " ", verb.usage, "'")));
  }
  if (verb.change == Add && (flags.bundle.empty() || flags.producers.empty())) {
    return UsageError(absl::InvalidArgumentError(
        "--bundle and --producers are required: what is listed counts, so it "
        "is verified first"));
  }
  auto last = ReadImageIndex(flags.index);
  if (verb.change == nullptr) {
    return last.ok() ? Show(flags, *last) : Fail(last.status());
  }
  const bool is_new = absl::IsNotFound(last.status());
  if (!last.ok() && !is_new) return Fail(last.status());
  ImageIndex next = is_new ? ImageIndex() : *last;
  const absl::Time now = absl::Now();
  ++next.sequence;
  next.created = absl::FromUnixSeconds(absl::ToUnixSeconds(now));
  const auto changed = verb.change(flags, next);
  if (!changed.ok()) return Fail(changed.status());
  const bool is_same =
      !is_new && next.images == last->images && next.floors == last->floors;
  if (is_same) next.sequence = last->sequence;
  absl::Status status = anchors::CheckImageIndex(next);
  const std::string text =
      status.ok() ? anchors::SerializeImageIndex(next) : std::string();
  if (status.ok()) status = anchors::CheckImageIndexFile(text, now);
  if (status.ok() && !is_new && !is_same) {
    status = anchors::CheckNextImageIndex(*last, next);
  }
  if (status.ok() && !is_same) {
    status = anchors::WriteFileAtomically(flags.index, text);
  }
  if (!status.ok()) return Fail(status);
  ordered_json answer = {{"index", flags.index}, {"sequence", next.sequence}};
  std::vector<Image> removed;
  if (*changed != nullptr) {
    answer["image"] = FactsOf(**changed);
  } else {
    answer["product"] = flags.arguments[0];
    answer["least_version"] = flags.arguments[1];
    answer["removed"] = ordered_json::array();
    if (!is_new) removed = last->images;
    std::erase_if(removed, [&](const Image& image) {
      return anchors::FindByManifest(next, image.manifest_sha256) != nullptr;
    });
    for (const Image& image : removed) {
      answer["removed"].push_back(FactsOf(image));
    }
  }
  flags.output.Print(answer, {.name = "/sequence"}, [&] {
    if (is_same) {
      std::cout << "nothing to change: it is so already; " << flags.index
                << " has sequence " << next.sequence << "\n";
      return;
    }
    std::cout << verb.done;
    if (*changed != nullptr) {
      std::cout << "  ";
      PrintImage(**changed);
    } else {
      std::cout << " of " << flags.arguments[0] << " to " << flags.arguments[1]
                << "\n";
    }
    for (const Image& image : removed) {
      std::cout << "listed no more, because it is below: " << NameOf(image)
                << "\n";
    }
    std::cout << flags.index << " has sequence " << next.sequence << "\n"
              << UnsignedNote("--producers producers.json --images " +
                              flags.index);
  });
  return kAccepted;
}

constexpr char kFooter[] = R"(
    trustctl image index show
    trustctl image index add entry.json --bundle image.bundle.json \
        --producers producers.json --disk shop.raw \
        --at eu-west-1/123456789012/ami-0123456789abcdef0
    trustctl image index locate MANIFEST --at us-east-1/ami-0123456789abcdef1
    trustctl image index withdraw MANIFEST --notes "CVE-2026-12345"
    trustctl image index floor shop 1.4

Changes the index of images and gives it the next sequence; an index that is not
there is begun. 'trustctl image fetch' writes entry and bundle. Nothing is signed:
people sign the index with the catalog ('trustctl targets propose --images'), or
the trustd whose 'images.images_path' names the file. What is listed stays, and
what is withdrawn stays so; a floor refuses all older versions.
)";

}  // namespace

void AddImageIndex(CLI::App& image, Action& action) {
  CLI::App& command = *image.add_subcommand(
      "index", "Look at and prepare the index of listed images (offline)");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  command
      .add_option("what", flags->what, "show, add, locate, withdraw or floor")
      ->required();
  command.add_option("argument", flags->arguments,
                     "what it is done with, as in the examples");
  command.add_option("--index", flags->index, "the index")
      ->capture_default_str();
  command.add_option("--bundle", flags->bundle,
                     "of add, required: the manifest's signed bundle");
  command.add_option("--producers", flags->producers,
                     "of add, required: the list of producers (JSON)");
  CLI::Option* const disk = command.add_option(
      "--disk", flags->disk, "of add and locate: the raw disk, to be hashed");
  command
      .add_option("--disk-sha256", flags->disk_sha256,
                  "the same by its SHA-256")
      ->excludes(disk);
  command
      .add_option("--at", flags->at,
                  "of add and locate: REGION/IMAGE or REGION/ACCOUNT/IMAGE; "
                  "again for each")
      ->allow_extra_args(false);
  command.add_option("--notes", flags->notes, "for people");
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Run(*flags); }; });
}

}  // namespace anchorage::trustctl
