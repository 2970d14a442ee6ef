# Bash completion for trustctl: source this file, or install it as
# /usr/share/bash-completion/completions/trustctl.
#
# It asks trustctl itself, so it knows every command, flag and value there is.
_trustctl() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command=() word help value
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] && break
    command+=("$word")
  done
  help=$("${COMP_WORDS[0]}" "${command[@]}" --help 2>/dev/null) || return
  if [[ $previous == -* ]]; then
    value=$(grep -oE -m1 "(^|[ ,])$previous(,--[a-z0-9-]+)? [A-Z]+(:\{[^}]*)?" <<<"$help")
    case $value in
      *\{*) COMPREPLY=($(compgen -W "$(tr , ' ' <<<"${value#*\{}")" -- "$current")); return ;;
      ?*) COMPREPLY=($(compgen -f -- "$current")); return ;;
    esac
  fi
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$(grep -oE '(^|[ ,])--?[a-z][a-z0-9-]*' <<<"$help" |
      tr -d ' ,')" -- "$current"))
  elif grep -q '^Subcommands:' <<<"$help"; then
    COMPREPLY=($(compgen -W "$(sed -n '/^Subcommands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' <<<"$help")" -- "$current"))
  else
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _trustctl trustctl
