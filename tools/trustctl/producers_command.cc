// trustctl producers list | add | retire | revoke

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "anchors/base/atomic_file.h"
#include "anchors/images/producers.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/image_lists.h"
#include "tools/trustctl/image_tree.h"
#include "tools/trustctl/output.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustctl {
namespace {

using anchors::Producer;
using anchors::ProducerList;
using anchors::ProducerStatus;
using nlohmann::ordered_json;

struct Flags {
  std::string name;
  std::vector<std::string> products;
  std::vector<std::string> certificates;
  std::string notes;
  std::string list = "producers.json";
  // Of "list": empty is the bundle's.
  std::string file;
  AnchorSource source;
  Output output;
};

const Shape& ProducerRows() {
  static const Shape& shape = *new Shape{.rows = "producers",
                                         .columns = {{"NAME", "/name"},
                                                     {"STATUS", "/status"},
                                                     {"PRODUCTS", "/products"}},
                                         .name = "/name"};
  return shape;
}

ordered_json ToJson(const Producer& producer) {
  ordered_json certificates = ordered_json::array();
  for (const std::string& der : producer.certificates) {
    certificates.push_back(verify::Sha256Hex(der));
  }
  return {{"name", producer.name},
          {"status", NameOf(producer.status)},
          {"products", producer.products},
          {"certificate_sha256", certificates},
          {"notes", producer.notes}};
}

void PrintProducer(const Producer& producer) {
  std::cout << producer.name << "  " << NameOf(producer.status) << "  "
            << absl::StrJoin(producer.products, ", ")
            << (producer.notes.empty() ? "" : "  ") << producer.notes << "\n";
  for (const std::string& der : producer.certificates) {
    std::cout << "    certificate " << verify::Sha256Hex(der) << "\n";
  }
}

int List(const Flags& flags) {
  std::shared_ptr<const ProducerList> list;
  if (flags.file.empty()) {
    const auto anchors = flags.source.Load({});
    if (!anchors.ok()) return Fail(anchors.status());
    list = anchors->producers;
    if (list == nullptr) {
      return Fail(absl::NotFoundError("the bundle has no list of producers"),
                  "--list reads one from a file");
    }
  } else {
    auto read = ReadProducerList(flags.file);
    if (!read.ok()) return Fail(read.status());
    PrintWarning(flags.file +
                 " is used without a signature: its origin is up to you");
    list = std::make_shared<const ProducerList>(*std::move(read));
  }
  ordered_json rows = ordered_json::array();
  for (const Producer& producer : list->producers) {
    rows.push_back(ToJson(producer));
  }
  flags.output.Print({{"sequence", list->sequence}, {"producers", rows}},
                     ProducerRows(), [&] {
                       for (const Producer& producer : list->producers)
                         PrintProducer(producer);
                       std::cout << Counted(list->producers.size(), "producer")
                                 << ", sequence " << list->sequence << " of "
                                 << Rfc3339(list->created) << "\n";
                     });
  return kAccepted;
}

// Reads the list, changes it and writes it with the next sequence, where that
// may follow it.
template <typename Change>
int Edit(const Flags& flags, const char* what, const Change& change) {
  auto last = ReadProducerList(flags.list);
  const bool is_new = absl::IsNotFound(last.status());
  if (!last.ok() && !is_new) return Fail(last.status());
  ProducerList next = is_new ? ProducerList() : *last;
  const auto changed = change(next);
  if (!changed.ok()) return Fail(changed.status());
  ++next.sequence;
  const absl::Time now = absl::Now();
  next.created = absl::FromUnixSeconds(absl::ToUnixSeconds(now));
  absl::Status status = anchors::CheckProducers(next);
  const std::string text =
      status.ok() ? anchors::SerializeProducers(next) : std::string();
  if (status.ok()) status = anchors::CheckProducersFile(text, now);
  if (status.ok()) {
    status = anchors::CheckNextProducers(is_new ? ProducerList() : *last, next);
  }
  if (status.ok()) status = anchors::WriteFileAtomically(flags.list, text);
  if (!status.ok()) return Fail(status);
  const Producer producer = *anchors::FindProducer(next, *changed);
  flags.output.Print({{"list", flags.list},
                      {"sequence", next.sequence},
                      {"producer", ToJson(producer)}},
                     {.name = "/producer/name"}, [&] {
                       std::cout << what << "  ";
                       PrintProducer(producer);
                       std::cout << flags.list << " has sequence "
                                 << next.sequence << "\n"
                                 << UnsignedNote("--producers " + flags.list);
                     });
  return kAccepted;
}

int Add(const Flags& flags) {
  const auto read = ReadProducers(flags.certificates);
  if (!read.ok()) return Fail(read.status());
  return Edit(flags, "added",
              [&](ProducerList& list) -> absl::StatusOr<std::string> {
                if (anchors::FindProducer(list, flags.name) != nullptr) {
                  return absl::AlreadyExistsError(absl::StrCat(
                      flags.list, " has ", Printable(flags.name), " already"));
                }
                Producer producer{.name = flags.name,
                                  .products = flags.products,
                                  .certificates = {},
                                  .notes = flags.notes};
                for (const auto& file : *read) {
                  producer.certificates.insert(producer.certificates.end(),
                                               file.certificates_der.begin(),
                                               file.certificates_der.end());
                }
                list.producers.push_back(std::move(producer));
                return flags.name;
              });
}

template <ProducerStatus kStatus>
int Mark(const Flags& flags) {
  return Edit(flags,
              kStatus == ProducerStatus::kRevoked ? "revoked" : "retired",
              [&](ProducerList& list) -> absl::StatusOr<std::string> {
                for (Producer& producer : list.producers) {
                  if (producer.name != flags.name) continue;
                  producer.status = kStatus;
                  if (!flags.notes.empty()) producer.notes = flags.notes;
                  return flags.name;
                }
                return absl::NotFoundError(absl::StrCat(flags.list, " has no ",
                                                        Printable(flags.name)));
              });
}

constexpr char kListFooter[] = R"(
    trustctl producers list --list producers.json
    trustctl producers list --server 127.0.0.1:7443 --trusted-root 1.root.json
)";

constexpr char kAddFooter[] = R"(
    trustctl producers add example --product shop --certificate example.pem

Adds a producer to a list and gives the list the next sequence; a list that is
not there is begun. Nothing is signed: people sign it with the catalog
('trustctl targets propose --producers'), or the trustd whose
'images.producers_path' names the file.
)";

constexpr char kRetireFooter[] = R"(
    trustctl producers retire example --notes "builds nothing any more"

What the index of images lists of it still counts, and nothing else.
)";

constexpr char kRevokeFooter[] = R"(
    trustctl producers revoke example --notes "key lost on 2026-11-30"

For a key that may be in other hands. Nothing of it counts from then on that the
index of images does not list by its digest, and nothing brings it back.
)";

}  // namespace

void AddProducers(CLI::App& producers, Action& action) {
  const auto add = [&](const char* name, const char* help, const char* footer,
                       int (*run)(const Flags&)) {
    CLI::App& command = *producers.add_subcommand(name, help);
    command.footer(footer);
    auto flags = std::make_shared<Flags>();
    command.callback([flags, run, &action] {
      action = [flags, run] { return run(*flags); };
    });
    return std::pair<CLI::App*, std::shared_ptr<Flags>>(&command, flags);
  };
  const auto add_editor = [&](const char* name, const char* help,
                              const char* footer, int (*run)(const Flags&)) {
    auto [command, flags] = add(name, help, footer, run);
    command->add_option("name", flags->name, "the producer")->required();
    command->add_option("--notes", flags->notes, "for people");
    command->add_option("--list", flags->list, "the list to change")
        ->capture_default_str();
    flags->output.AddTo(*command);
    return std::pair(command, flags);
  };
  auto [list, list_flags] =
      add("list", "Show who may sign manifests of images", kListFooter, List);
  list->alias("show");
  list->add_option("--list", list_flags->file,
                   "list of producers (JSON) in place of the bundle's");
  list_flags->source.AddTo(*list);
  list_flags->output.AddTo(*list);
  auto [more, more_flags] =
      add_editor("add", "Add a producer to a list", kAddFooter, Add);
  more->add_option("--product", more_flags->products,
                   "a product that it may sign for; again for each")
      ->allow_extra_args(false)
      ->required();
  more->add_option("--certificate", more_flags->certificates,
                   "PEM file of its CA, or of who signs; again for each")
      ->allow_extra_args(false)
      ->required();
  add_editor("retire", "Let a producer sign no more", kRetireFooter,
             Mark<ProducerStatus::kRetired>);
  add_editor("revoke", "Trust nothing that a producer signs", kRevokeFooter,
             Mark<ProducerStatus::kRevoked>);
}

}  // namespace anchorage::trustctl
