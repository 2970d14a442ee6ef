#include "tools/trustctl/identity_flags.h"

#include <cstddef>
#include <utility>

#include "tools/trustctl/command.h"

namespace anchorage::trustctl {
namespace {

std::string FlagOf(const verify::IdentityFormRow& row) {
  return "--" + std::string(row.name);
}

}  // namespace

void IdentityFlags::AddTo(CLI::App& command) {
  std::string carriers;
  for (const auto& row : verify::kIdentityForms) {
    if (!row.carries_document()) continue;
    carriers += (carriers.empty() ? "" : " or ") + FlagOf(row);
  }
  CLI::Option* const given =
      command.add_option("--document", document,
                         "the document, exactly as IMDS gives it; with " +
                             carriers + " it may be left out");
  CLI::App& group = *command.add_option_group(
      "Signature",
      "one of these; base64 as IMDS gives it, PEM or raw; '-' is "
      "standard input");
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    const verify::IdentityFormRow& row = verify::kIdentityForms[i];
    CLI::Option* const flag = group.add_option(
        FlagOf(row), signatures[i],
        ".../instance-identity/" + std::string(row.name) +
            (row.carries_document() ? "" : " (needs --document)"));
    if (!row.carries_document()) flag->needs(given);
  }
  group.require_option(1);
}

absl::StatusOr<GivenIdentity> IdentityFlags::Read() const {
  GivenIdentity identity;
  if (!document.empty()) {
    auto bytes = ReadInput(document);
    if (!bytes.ok()) return bytes.status();
    identity.document = *std::move(bytes);
  }
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    if (signatures[i].empty()) continue;
    auto bytes = ReadInput(signatures[i]);
    if (!bytes.ok()) return bytes.status();
    identity.form = verify::kIdentityForms[i].form;
    identity.signature = *std::move(bytes);
  }
  return identity;
}

}  // namespace anchorage::trustctl
