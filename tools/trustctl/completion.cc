#include "tools/trustctl/completion.h"

#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/contexts.h"
#include "tools/trustctl/help.h"

namespace anchorage::trustctl {
namespace {

constexpr char kFiles[] = ":files\n";

constexpr char kBash[] =
    R"(# Bash completion for trustctl, which is asked itself.
_trustctl() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$2") ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done < <("$1" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o filenames -F _trustctl trustctl
)";

constexpr char kZsh[] = R"(#compdef trustctl
# Zsh completion for trustctl, which is asked itself.
_trustctl() {
  local line files
  local -a words_found
  for line in "${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      '') ;;
      :files) files=1 ;;
      *) words_found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
    esac
  done
  (( $#words_found )) && _describe trustctl words_found
  [[ -n $files ]] && _files
}
if [[ ${funcstack[1]} == _trustctl ]]; then
  _trustctl "$@"
else
  compdef _trustctl trustctl
fi
)";

constexpr char kFish[] =
    R"(# Fish completion for trustctl, which is asked itself.
function __trustctl_offers
  set -l words (commandline -opc) (commandline -ct)
  for line in (command $words[1] __complete $words[2..-1] 2>/dev/null)
    if test "$line" = :files
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c trustctl -f -a '(__trustctl_offers)'
)";

void Offer(const std::string& word, const std::string& about,
           const std::string& begun, std::string& offers) {
  if (!word.starts_with(begun)) return;
  absl::StrAppend(&offers, word, "\t", about.substr(0, about.find('\n')), "\n");
}

void OfferContexts(const std::string& begun, std::string& offers) {
  const auto path = ContextsPath();
  if (!path.ok()) return;
  const auto contexts = ReadContexts(*path);
  if (!contexts.ok()) return;
  for (const std::string& name : contexts->names()) {
    Offer(name, "context", begun, offers);
  }
}

// What can be the value of `option`.
std::string OfferValues(const CLI::Option& option, const std::string& begun) {
  std::string offers;
  if (option.check_lname("context")) {
    OfferContexts(begun, offers);
    return offers;
  }
  const auto values = ValuesOf(option);
  if (values.empty()) {
    // No file is a number, or the id of something.
    const bool is_id = option.get_name(/*positional=*/true) == "id" ||
                       option.get_type_name() == "UINT" ||
                       option.get_type_name() == "INT";
    return is_id ? "" : kFiles;
  }
  for (const std::string& value : values) {
    Offer(value, option.get_description(), begun, offers);
  }
  return offers;
}

const CLI::Option* FlagNamed(const CLI::App& command, const std::string& name) {
  for (const CLI::Option* flag : FlagsOf(command)) {
    if (name.size() > 1 && name[0] == '-' && flag->check_name(name)) {
      return flag;
    }
  }
  return nullptr;
}

}  // namespace

std::string Complete(CLI::App& app, std::span<const std::string> words) {
  if (words.empty()) return "";
  const std::string& begun = words.back();
  CLI::App* command = &app;
  for (const std::string& word : words.first(words.size() - 1)) {
    CLI::App* const below = CommandNamed(*command, word);
    if (below == nullptr) break;
    command = below;
  }
  std::string offers;
  // bash splits at '='.
  std::span<const std::string> before = words.first(words.size() - 1);
  if (!before.empty() && before.back() == "=") {
    before = before.first(before.size() - 1);
  }
  if (!before.empty()) {
    const CLI::Option* const flag = FlagNamed(*command, before.back());
    if (flag != nullptr && flag->get_items_expected_max() > 0) {
      return OfferValues(*flag, begun == "=" ? "" : begun);
    }
  }
  if (begun.starts_with("-")) {
    for (const CLI::Option* flag : FlagsOf(*command)) {
      for (const std::string& name : flag->get_lnames()) {
        Offer("--" + name, flag->get_description(), begun, offers);
      }
    }
    return offers;
  }
  const auto below = CommandsOf(*command);
  for (const CLI::App* next : below) {
    Offer(next->get_name(), next->get_description(), begun, offers);
  }
  if (!below.empty()) return offers;
  if (command->get_parent() != nullptr &&
      command->get_parent()->get_name() == "context") {
    OfferContexts(begun, offers);
    return offers;
  }
  const auto arguments = ArgumentsOf(*command);
  return arguments.empty() ? kFiles : OfferValues(*arguments.front(), begun);
}

void AddCompletion(CLI::App& completion, Action& action) {
  completion.footer(R"(
    source <(trustctl completion bash)
    trustctl completion zsh >"${fpath[1]}/_trustctl"
    trustctl completion fish >~/.config/fish/completions/trustctl.fish
)");
  auto shell = std::make_shared<std::string>();
  completion.add_option("shell", *shell, "whose script to print")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion.callback([shell, &action] {
    action = [shell]() -> int {
      std::cout << (*shell == "bash" ? kBash : *shell == "zsh" ? kZsh : kFish);
      return kAccepted;
    };
  });
}

}  // namespace anchorage::trustctl
