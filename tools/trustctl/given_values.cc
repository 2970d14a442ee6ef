#include "tools/trustctl/given_values.h"

#include <functional>
#include <string>
#include <string_view>

#include "verify/encoding/utf8.h"

namespace anchorage::trustctl {
namespace {

constexpr char kEmpty[] =
    "given, but empty (is a variable unset?): leave it out, or give a value";

// "--" and a letter: neither a path, nor a number, nor the first line of PEM.
bool BeginsAsFlag(std::string_view text) {
  return text.size() > 2 && text.starts_with("--") && text[2] >= 'a' &&
         text[2] <= 'z';
}

// What is wrong with a value, as a validator says it; empty if nothing is.
std::string WrongArgument(const std::string& value) {
  return value.empty() ? kEmpty : "";
}

std::string WrongOption(const std::string& value) {
  if (!BeginsAsFlag(value)) return WrongArgument(value);
  return "given without a value: '" + value +
         "' behind it is a flag (is a variable unset?)";
}

std::string WrongText(const std::string& value) {
  return verify::IsUtf8(value) ? "" : "not UTF-8, which a record must be";
}

}  // namespace

void RequireValues(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() == 0) continue;  // A flag.
    // Before the option's own checks, which would name the wrong mistake.
    option->transform(CLI::Validator(
        option->get_positional() ? WrongArgument : WrongOption, ""));
    if (option->get_name() == "--why") {
      option->check(CLI::Validator(WrongText, ""));
    }
  }
  // Groups of options are nameless ones of these.
  const std::function<bool(CLI::App*)> all;
  for (CLI::App* below : app.get_subcommands(all)) RequireValues(*below);
}

void RefuseBareAssignments(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    if (argument == "--") return;
    if (BeginsAsFlag(argument) && argument.find('=') == argument.size() - 1) {
      throw CLI::ValidationError(
          std::string(argument.substr(0, argument.size() - 1)), kEmpty);
    }
  }
}

}  // namespace anchorage::trustctl
