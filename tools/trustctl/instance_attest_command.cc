// trustctl instance attest

#include <unistd.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "anchors/base/atomic_file.h"
#include "client/instance/attestation.h"
#include "client/instance/instance_error.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/session_flags.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

struct Flags {
  SessionFlags session;
  std::string out;
  std::string program;
  std::string timeout;
  Output output;
};

ordered_json ToJson(const client::Attested& attested) {
  return {{"source", std::string(NameOf(attested.source))},
          {"document", absl::Base64Escape(attested.document)}};
}

int Run(const Flags& flags) {
  if (flags.out.empty() && flags.output.is_text() &&
      isatty(STDOUT_FILENO) != 0) {
    PrintError("a document is bytes that a terminal cannot show",
               "give --out FILE or --output json");
    return kUsage;
  }
  auto session = flags.session.Read();
  if (!session.ok()) return UsageError(session.status());
  client::AttestationOptions options;
  if (!flags.program.empty()) options.program = flags.program;
  if (!flags.timeout.empty()) {
    const auto timeout = ParseDuration(flags.timeout);
    if (!timeout.ok()) return UsageError(timeout.status());
    options.timeout = *timeout;
  }
  const auto attested =
      client::Attest({.user_data = std::move(session->user_data),
                      .nonce = std::move(session->nonce),
                      .public_key = std::move(session->public_key)},
                     options);
  if (!attested.ok()) {
    return client::InstanceReasonOf(attested.status()).has_value()
               ? Fail(attested.status())
               : UsageError(attested.status());
  }
  const Shape shape{.name = "/document"};
  const absl::Status written = WriteOutput(
      flags.out.empty() ? "-" : flags.out,
      flags.output.is_text() ? attested->document
                             : flags.output.TextOf(ToJson(*attested), shape));
  return written.ok() ? kAccepted : Fail(written);
}

constexpr char kFooter[] = R"(
In an enclave, or on an instance with a NitroTPM:

    trustctl instance attest --nonce HEX --out doc.cbor
    trustctl verify attestation --document doc.cbor --type nitrotpm \
        --nonce HEX --pcr 7=HEX

Asks /dev/nsm where there is one, and otherwise runs nitro-tpm-attest, which
must be root's and writable by root alone, as must be every folder above it.
Writes the document as it is, or with --output json its source ("nsm" or
"program") and itself in base64. Nothing here says whether it is genuine: that
is for who verifies it, elsewhere.

Exit codes: 0 done; 1 wrong usage; 2 nobody here attests, or what came is no
document; 5 this process may not ask; 6 refused, or not in time.
)";

}  // namespace

void AddInstanceAttest(CLI::App& instance, Action& action) {
  CLI::App& command = *instance.add_subcommand(
      "attest", "Have this enclave or instance attested");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  flags->session.AddTo(command, "What the document is to hold");
  command.add_option("--out", flags->out,
                     "file to write; by default standard output");
  command.add_option(
      "--program", flags->program,
      std::string("absolute path of nitro-tpm-attest; default ") +
          client::kNitroTpmAttest);
  command.add_option("--timeout", flags->timeout,
                     "how long that may take, at most 10m; default 30s");
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Run(*flags); }; });
}

}  // namespace anchorage::trustctl
