// The flags that name an identity document and its signature: --document, and
// one flag for each form.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_IDENTITY_FLAGS_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_IDENTITY_FLAGS_H_

#include <CLI/CLI.hpp>
#include <array>
#include <iterator>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "verify/identity/identity_form.h"

namespace anchorage::trustctl {

// What the files hold.
struct GivenIdentity {
  std::optional<std::string> document;
  verify::IdentityForm form = verify::IdentityForm::kRsa2048;
  std::string signature;
};

struct IdentityFlags {
  std::string document;
  // In the order of the forms; one is given.
  std::array<std::string, std::size(verify::kIdentityForms)> signatures;

  // Adds the flags. Exactly one form must be given, and a bare signature with
  // its document. This must outlive the command.
  void AddTo(CLI::App& command);

  // Reads the files, after the flags were parsed. Fails as ReadInput().
  absl::StatusOr<GivenIdentity> Read() const;
};

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_IDENTITY_FLAGS_H_
