// trustctl pki init | issue | server | renew | list

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/pki_folder.h"
#include "tools/trustctl/signing_key.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

constexpr int kLeafDays = 90;
constexpr int kMaxLeafDays = 365;
constexpr int kAuthorityDays = 5 * 365;
constexpr int kMaxAuthorityDays = 10 * 365;
// What ends sooner is renewed and warned of.
constexpr absl::Duration kSoon = absl::Hours(30 * 24);
constexpr char kPort[] = ":7444";

struct Flags {
  std::string folder = "pki";
  int days = 0;
  bool unencrypted = false;
  bool replace = false;
  bool authority = false;
  std::string role = "viewer";
  // Of a producer.
  std::vector<std::string> products;
  std::vector<std::string> names;
  PassphraseSource passphrase;
  Output output;

  AskPassphrase ask() const {
    return [this](const std::string& file, bool is_new) {
      return passphrase.Read(file, is_new);
    };
  }
  // Certificates have whole seconds.
  absl::Time End(absl::Time now, int otherwise) const {
    return absl::FromUnixSeconds(absl::ToUnixSeconds(now)) +
           absl::Hours(24 * (days > 0 ? days : otherwise));
  }
};

// As YAML and JSON have it.
std::string Quoted(const std::string& text) {
  return ordered_json(text).dump();
}

std::string ProtoRole(const std::string& role) {
  return absl::StrCat("ROLE_", absl::AsciiStrToUpper(role));
}

std::string FileAndEnd(const PkiFolder& folder, const PkiEntry& entry) {
  return absl::StrCat(Printable(folder.FilesOf(entry).certificate), ", until ",
                      Rfc3339(entry.not_after), "\n");
}

// The same, as a comment in YAML.
std::string Heading(const PkiFolder& folder, const PkiEntry& entry) {
  return absl::StrCat("# ", FileAndEnd(folder, entry));
}

// The products of a line of `people`.
std::string ProductsOf(const std::vector<std::string>& products) {
  std::vector<std::string> quoted;
  for (const std::string& product : products) quoted.push_back(Quoted(product));
  return absl::StrCat("[", absl::StrJoin(quoted, ", "), "]");
}

// The line of `people` for a person with these certificates; `more` stands
// behind the role.
std::string PersonLine(const PkiEntry& entry,
                       const std::vector<std::string>& certificates,
                       const std::string& more = "") {
  return absl::StrCat("    - {name: ", Quoted(entry.names.front()),
                      ", role: ", ProtoRole(entry.role), more,
                      ", certificate_sha256: [",
                      absl::StrJoin(certificates, ", "), "]}\n");
}

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

// The lines of `admin`, ready for those of `people`.
std::string ListenerLines(const PkiFolder& folder, const PkiEntry& entry) {
  const PkiFiles files = folder.FilesOf(entry);
  const bool is_local =
      std::all_of(entry.names.begin(), entry.names.end(), IsLoopback);
  return absl::StrCat(
      "admin:\n  listen_address: ", is_local ? "127.0.0.1" : "0.0.0.0", kPort,
      "\n  tls:\n    certificate_path: ", Quoted(files.certificate),
      "\n    key_path: ", Quoted(files.key), "\n  client_ca_path: ",
      Quoted(folder.FilesOf(PkiKind::kAuthority, {""}).certificate),
      "\n  people:\n");
}

ordered_json FactsOf(const PkiFolder& folder, const PkiEntry& entry) {
  ordered_json facts = {{"name", entry.names.front()},
                        {"kind", std::string(NameOf(entry.kind))},
                        {"serial", entry.serial},
                        {"certificate_sha256", entry.sha256},
                        {"expires", Rfc3339(entry.not_after)},
                        {"certificate", folder.FilesOf(entry).certificate}};
  if (!entry.role.empty()) facts["role"] = entry.role;
  if (entry.kind == PkiKind::kServer) facts["hosts"] = entry.names;
  return facts;
}

Shape Certificates() {
  return {.rows = "certificates",
          .columns = {{"NAME", "/name"},
                      {"KIND", "/kind"},
                      {"ROLE", "/role"},
                      {"SERIAL", "/serial"},
                      {"EXPIRES", "/expires"},
                      {"CURRENT", "/current"}},
          .name = "/name"};
}

ordered_json FactsOf(const PkiFolder& folder,
                     const std::vector<PkiEntry>& entries) {
  ordered_json all = ordered_json::array();
  const std::vector<PkiEntry> newest = folder.Newest();
  for (const PkiEntry& entry : entries) {
    all.push_back(FactsOf(folder, entry));
    all.back()["current"] =
        std::find(newest.begin(), newest.end(), entry) != newest.end();
  }
  return {{"certificates", std::move(all)}};
}

// Prints what was made: `text` for people.
int Made(const PkiFolder& folder, const std::vector<PkiEntry>& entries,
         const std::string& text, const Output& output) {
  output.Print(FactsOf(folder, entries), Certificates(),
               [&] { std::cout << text; });
  return kAccepted;
}

int Init(const Flags& flags) {
  const absl::Time now = absl::Now();
  const auto folder = PkiFolder::Make(
      flags.folder, flags.unencrypted ? AskPassphrase() : flags.ask(),
      flags.End(now, kAuthorityDays), now);
  if (!folder.ok()) return Fail(folder.status());
  const PkiEntry& entry = folder->entries().back();
  return Made(*folder, {entry}, FileAndEnd(*folder, entry), flags.output);
}

int Issue(const Flags& flags, PkiKind kind) {
  const bool is_server = kind == PkiKind::kServer;
  if (!is_server && (flags.role == "producer") == flags.products.empty()) {
    return UsageError(absl::InvalidArgumentError(
        "a producer has a --product or more, and nobody else has one"));
  }
  for (const std::string& name : flags.names) {
    const absl::Status s = is_server ? CheckHost(name) : CheckPersonName(name);
    if (!s.ok()) return UsageError(s);
  }
  auto folder = PkiFolder::Open(flags.folder);
  if (!folder.ok()) return Fail(folder.status());
  const auto authority = folder->OpenAuthority(flags.ask());
  if (!authority.ok()) return Fail(authority.status());
  const absl::Time now = absl::Now();
  const auto entry =
      folder->Issue(*authority, kind, is_server ? "" : flags.role, flags.names,
                    flags.End(now, kLeafDays), now, flags.replace);
  if (!entry.ok()) return Fail(entry.status());
  const std::string products =
      flags.products.empty()
          ? ""
          : absl::StrCat(", products: ", ProductsOf(flags.products));
  return Made(
      *folder, {*entry},
      absl::StrCat(Heading(*folder, *entry),
                   is_server ? ListenerLines(*folder, *entry)
                             : PersonLine(*entry, {entry->sha256}, products)),
      flags.output);
}

// What is to be renewed: what is named, or what ends soon.
absl::StatusOr<std::vector<PkiEntry>> Wanted(const PkiFolder& folder,
                                             const Flags& flags,
                                             absl::Time now) {
  std::vector<PkiEntry> wanted;
  const std::vector<PkiEntry> newest = folder.Newest();
  if (flags.names.empty() && !flags.authority) {
    std::copy_if(newest.begin(), newest.end(), std::back_inserter(wanted),
                 [&](const PkiEntry& one) {
                   return one.kind != PkiKind::kAuthority &&
                          one.not_after < now + kSoon;
                 });
  }
  for (const std::string& name : flags.names) {
    const std::size_t before = wanted.size();
    std::copy_if(newest.begin(), newest.end(), std::back_inserter(wanted),
                 [&](const PkiEntry& one) {
                   return one.kind != PkiKind::kAuthority &&
                          one.names.front() == name;
                 });
    if (wanted.size() == before) {
      return absl::NotFoundError(absl::StrCat("no certificate was made for '",
                                              name, "': trustctl pki list"));
    }
  }
  return wanted;
}

int Renew(const Flags& flags) {
  if (!flags.authority && flags.days > kMaxLeafDays) {
    return UsageError(absl::InvalidArgumentError(absl::StrCat(
        "--days is at most ", kMaxLeafDays, " for people and servers")));
  }
  auto folder = PkiFolder::Open(flags.folder);
  if (!folder.ok()) return Fail(folder.status());
  const absl::Time now = absl::Now();
  const auto wanted = Wanted(*folder, flags, now);
  if (!wanted.ok()) return Fail(wanted.status());
  auto authority = folder->OpenAuthority(flags.ask());
  if (!authority.ok()) return Fail(authority.status());
  std::vector<PkiEntry> made;
  std::string text;
  if (flags.authority) {
    const auto entry =
        folder->RenewAuthority(*authority, flags.End(now, kAuthorityDays), now);
    if (!entry.ok()) return Fail(entry.status());
    made.push_back(*entry);
    text += Heading(*folder, *entry);
  }
  for (const PkiEntry& old : *wanted) {
    const auto renewed =
        folder->Renew(*authority, old, flags.End(now, kLeafDays), now);
    // What was made before it is on the disk, so it is said.
    if (!renewed.ok()) {
      std::cout << text;
      return Fail(renewed.status());
    }
    const PkiEntry& entry = renewed->made;
    made.push_back(entry);
    text += Heading(*folder, entry);
    if (entry.kind != PkiKind::kPerson) continue;
    // Both are good for a while, and nothing of before: that may have been
    // replaced because it is in other hands.
    std::vector<std::string> good;
    if (renewed->before.not_after > now) good = {renewed->before.sha256};
    good.push_back(entry.sha256);
    // The folder does not know which products the line has.
    text += PersonLine(entry, good,
                       entry.role == "producer" ? ", products: [...]" : "");
  }
  return Made(*folder, made, text, flags.output);
}

void Warn(const PkiEntry& entry, absl::Time now) {
  if (entry.not_after >= now + kSoon) return;
  const std::string& name = entry.names.front();
  const std::string renew = absl::StrCat(
      "trustctl pki renew ", entry.kind == PkiKind::kAuthority ? "--ca" : name);
  if (entry.not_after <= now) {
    PrintWarning(absl::StrCat(name, " has expired: ", renew));
    return;
  }
  PrintWarning(absl::StrCat(name, " expires in ",
                            absl::ToInt64Hours(entry.not_after - now) / 24,
                            " days: ", renew));
}

int List(const Flags& flags) {
  const auto folder = PkiFolder::Open(flags.folder);
  if (!folder.ok()) return Fail(folder.status());
  const absl::Time now = absl::Now();
  const std::vector<PkiEntry> newest = folder->Newest();
  // What was renewed can be used until it expires.
  std::vector<PkiEntry> shown;
  std::copy_if(folder->entries().begin(), folder->entries().end(),
               std::back_inserter(shown), [&](const PkiEntry& one) {
                 return one.not_after > now ||
                        std::find(newest.begin(), newest.end(), one) !=
                            newest.end();
               });
  for (const PkiEntry& entry : newest) Warn(entry, now);
  const ordered_json facts = FactsOf(*folder, shown);
  flags.output.Print(facts, Certificates(), [&] {
    std::cout << TextOfTable(facts, Certificates(), {});
  });
  return kAccepted;
}

constexpr char kInitFooter[] = R"(
    trustctl pki init

Makes pki/ca.pem, which trustd knows people by, and its key, encrypted. Whoever
has the key and its passphrase can call trustd under any name.
)";

constexpr char kIssueFooter[] = R"(
    trustctl pki issue alice --role approver >>trustd.yaml

Makes people/alice.pem and people/alice.key, which alice needs, and prints her
line below 'people', which is for this certificate alone.
)";

constexpr char kServerFooter[] = R"(
    trustctl pki server trustd.example.com 192.0.2.7 2001:db8::7 >>trustd.yaml

Makes the certificate with which trustd is known to people, and prints 'admin'
up to the lines that 'trustctl pki issue' prints.
)";

constexpr char kRenewFooter[] = R"(
    trustctl pki renew            # what ends in the next 30 days
    trustctl pki renew alice
    trustctl pki renew --ca

Makes the certificate anew, over the same key and for the same name, and prints
the line below 'people' in which both are good. For another key, as for one that
may be in other hands: trustctl pki issue alice --role approver --replace
)";

constexpr char kListFooter[] = R"(
    trustctl pki list
    trustctl pki list -o json

Shows what can be used, and the last certificate of each name, which is the
current one.
)";

// Adds a command with what all of them have.
std::pair<CLI::App*, std::shared_ptr<Flags>> Add(CLI::App& pki,
                                                 const char* name,
                                                 const char* help,
                                                 const char* footer) {
  CLI::App* const command = pki.add_subcommand(name, help);
  auto flags = std::make_shared<Flags>();
  command->footer(footer);
  command->add_option("--folder", flags->folder, "the folder of the CA")
      ->capture_default_str();
  flags->output.AddTo(*command);
  return {command, std::move(flags)};
}

void AddDays(CLI::App& command, Flags& flags, int otherwise, int most) {
  command
      .add_option("--days", flags.days,
                  absl::StrCat("how long it is good; default ", otherwise))
      ->check(CLI::Range(1, most));
}

void AddReplace(CLI::App& command, Flags& flags) {
  command.add_flag("--replace", flags.replace,
                   "put a new key in the place of the one that is there");
}

}  // namespace

void AddPki(CLI::App& pki, Action& action) {
  auto [init, init_flags] =
      Add(pki, "init", "Make the CA of the people", kInitFooter);
  AddDays(*init, *init_flags, kAuthorityDays, kMaxAuthorityDays);
  auto* unencrypted = init->add_flag("--unencrypted", init_flags->unencrypted,
                                     "the key of the CA without a passphrase");
  init_flags->passphrase.AddTo(*init);
  init->get_option("--passphrase-file")->excludes(unencrypted);
  init->callback([flags = init_flags, &action] {
    action = [flags] { return Init(*flags); };
  });

  auto [issue, issue_flags] =
      Add(pki, "issue", "Make the certificate of a person", kIssueFooter);
  issue->add_option("name", issue_flags->names, "the name in 'people'")
      ->required()
      ->expected(1);
  issue->add_option("--role", issue_flags->role, "what it may do")
      ->transform(OneOf(PkiRoleNames(), "ROLE_"))
      ->capture_default_str();
  issue
      ->add_option("--product", issue_flags->products,
                   "of a producer: what it may submit manifests of; again for "
                   "each")
      ->allow_extra_args(false);
  AddDays(*issue, *issue_flags, kLeafDays, kMaxLeafDays);
  AddReplace(*issue, *issue_flags);
  issue_flags->passphrase.AddTo(*issue);
  issue->callback([flags = issue_flags, &action] {
    action = [flags] { return Issue(*flags, PkiKind::kPerson); };
  });

  auto [server, server_flags] =
      Add(pki, "server", "Make the certificate of a trustd", kServerFooter);
  server
      ->add_option("host", server_flags->names,
                   "DNS names and IP addresses under which people reach it")
      ->required()
      ->expected(1, static_cast<int>(kMaxPkiHosts));
  AddDays(*server, *server_flags, kLeafDays, kMaxLeafDays);
  AddReplace(*server, *server_flags);
  server_flags->passphrase.AddTo(*server);
  server->callback([flags = server_flags, &action] {
    action = [flags] { return Issue(*flags, PkiKind::kServer); };
  });

  auto [renew, renew_flags] =
      Add(pki, "renew", "Make certificates anew before they end", kRenewFooter);
  renew->add_option("name", renew_flags->names,
                    "people, and servers by their first host");
  renew->add_flag("--ca", renew_flags->authority, "the CA's own")
      ->excludes("name");
  renew
      ->add_option("--days", renew_flags->days,
                   absl::StrCat("how long it is good; default ", kLeafDays,
                                ", and ", kAuthorityDays, " for the CA"))
      ->check(CLI::Range(1, kMaxAuthorityDays));
  renew_flags->passphrase.AddTo(*renew);
  renew->callback([flags = renew_flags, &action] {
    action = [flags] { return Renew(*flags); };
  });

  auto [list, list_flags] =
      Add(pki, "list", "Show what was made and when it ends", kListFooter);
  list->callback([flags = list_flags, &action] {
    action = [flags] { return List(*flags); };
  });
}

}  // namespace anchorage::trustctl
