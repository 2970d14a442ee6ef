// trustctl key generate | show

#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "anchors/publishing/signer.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/signing_key.h"

namespace anchorage::trustctl {
namespace {

using anchors::tuf::Secret;
using anchors::tuf::SoftwareKey;
using anchors::tuf::TufKey;
using nlohmann::ordered_json;

struct Flags {
  std::string type = "ed25519";
  std::string out;
  bool unencrypted = false;
  SigningKeySource source;
  std::string public_out;
  Output output;
};

void Print(const TufKey& key, const std::string& file,
           const std::string& public_file, const Output& output) {
  output.Print({{"keyid", key.keyid()},
                {"keytype", key.keytype()},
                {"scheme", key.scheme()},
                {"key", file},
                {"public_key", public_file}},
               {.name = "/keyid"}, [&] {
                 std::cout << key.keyid() << "  " << key.scheme();
                 if (!public_file.empty()) {
                   std::cout << "  public key in " << public_file;
                 }
                 std::cout << "\n";
               });
}

int Generate(const Flags& flags) {
  const bool to_output = flags.out == "-";
  const std::string public_file = to_output ? "-" : flags.out + ".pub";
  for (const std::string& file : {flags.out, public_file}) {
    std::error_code error;
    if (to_output) break;
    if (std::filesystem::exists(file, error) || error) {
      return UsageError(absl::AlreadyExistsError(
          file +
          " is there already, or cannot be looked at: a key is never "
          "written over"));
    }
  }
  auto key = flags.type == "p256" ? SoftwareKey::GenerateP256()
                                  : SoftwareKey::GenerateEd25519();
  if (!key.ok()) return Fail(key.status());
  std::optional<absl::StatusOr<Secret>> passphrase;
  if (!flags.unencrypted) {
    passphrase.emplace(
        flags.source.passphrase.Read(flags.out, /*is_new=*/true));
    if (!passphrase->ok()) return Fail(passphrase->status());
  }
  const auto pem = passphrase.has_value() ? (*key)->ToPem((*passphrase)->view())
                                          : (*key)->ToPem();
  if (!pem.ok()) return Fail(pem.status());
  const auto public_pem = (*key)->PublicPem();
  if (!public_pem.ok()) return Fail(public_pem.status());
  if (absl::Status s =
          WriteOutput(flags.out, pem->view(), anchors::FileAccess::kPrivate);
      !s.ok()) {
    return Fail(s);
  }
  if (absl::Status s = WriteOutput(public_file, *public_pem); !s.ok()) {
    return Fail(s);
  }
  if (to_output) return kAccepted;
  Print((*key)->public_key(), flags.out, public_file, flags.output);
  return kAccepted;
}

int ShowPublic(const Flags& flags) {
  const auto pem =
      anchors::ReadFile(flags.source.key, anchors::tuf::kMaxPrivateKeyPemBytes);
  if (!pem.ok()) return Fail(pem.status());
  const auto key = anchors::tuf::ReadPublicKeyPem(*pem);
  if (!key.ok()) return Fail(key.status());
  Print(*key, "", flags.source.key, flags.output);
  return kAccepted;
}

int Show(const Flags& flags) {
  if (flags.source.key.ends_with(".pub")) return ShowPublic(flags);
  const auto key = flags.source.Open();
  if (!key.ok()) return Fail(key.status());
  if (!flags.public_out.empty()) {
    const auto pem = (*key)->PublicPem();
    if (!pem.ok()) return Fail(pem.status());
    if (absl::Status s = WriteOutput(flags.public_out, *pem); !s.ok()) {
      return Fail(s);
    }
    if (flags.public_out == "-") return kAccepted;
  }
  Print((*key)->public_key(), flags.source.key, flags.public_out, flags.output);
  return kAccepted;
}

constexpr char kGenerateFooter[] = R"(
    trustctl key generate --out alice.pem
    trustctl key generate --out online.pem --unencrypted

Writes the private key to alice.pem, encrypted, readable by its owner alone,
and the public key to alice.pem.pub: that is what goes into a root. The online
key of a trustd is not encrypted, since nobody is there to type.
)";

constexpr char kShowFooter[] = R"(
    trustctl key show --key alice.pem
    trustctl key show --key alice.pem.pub
    trustctl key show --key 'pkcs11:token=keys;object=alice' \
        --public-out alice.pub

For a token, name its library with ?module-path=... in the URI or with the
environment variable PKCS11_MODULE_PATH.
)";

}  // namespace

void AddKey(CLI::App& key, Action& action) {
  CLI::App& generate = *key.add_subcommand("generate", "Make a signing key");
  generate.footer(kGenerateFooter);
  auto flags = std::make_shared<Flags>();
  generate.add_option("--out", flags->out, "file to write")->required();
  generate
      .add_option("--type", flags->type,
                  "ed25519 (default), or p256 as hardware has it")
      ->check(CLI::IsMember({"ed25519", "p256"}));
  auto* unencrypted = generate.add_flag("--unencrypted", flags->unencrypted,
                                        "without a passphrase");
  flags->source.passphrase.AddTo(generate);
  generate.get_option("--passphrase-file")->excludes(unencrypted);
  flags->output.AddTo(generate);
  generate.callback(
      [flags, &action] { action = [flags] { return Generate(*flags); }; });

  CLI::App& show =
      *key.add_subcommand("show", "Show the id of a key, or its public half");
  show.footer(kShowFooter);
  auto show_flags = std::make_shared<Flags>();
  show_flags->source.AddTo(show);
  show.add_option("--public-out", show_flags->public_out,
                  "file to write the public key to");
  show_flags->output.AddTo(show);
  show.callback([show_flags, &action] {
    action = [show_flags] { return Show(*show_flags); };
  });
}

}  // namespace anchorage::trustctl
