# Bash completion for trustctl: source this file, or install it as
# /usr/share/bash-completion/completions/trustctl.
#
# It asks trustctl itself, so it knows every command and flag there is.
_trustctl() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command=() word help
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] && break
    command+=("$word")
  done
  case $previous in
    -o | --output) COMPREPLY=($(compgen -W 'text json' -- "$current")); return ;;
    --type)
      if [ "${command[0]:-}" = key ]; then
        COMPREPLY=($(compgen -W 'ed25519 p256' -- "$current"))
      else
        COMPREPLY=($(compgen -W 'enclave nitrotpm' -- "$current"))
      fi
      return ;;
    --role)
      COMPREPLY=($(compgen -W 'root targets snapshot timestamp' -- "$current")); return ;;
    --kind | --minimum-kind)
      COMPREPLY=($(compgen -W 'iid-dsa iid-rsa1024 iid-rsa2048 nitro-root' -- "$current"))
      return ;;
    --document | --signature | --pkcs7 | --rsa2048 | --trusted-root | \
      --tls-roots | --catalog | --anchor | --root | --cache | --out | --policy | \
      --folder | --key | --online | --passphrase-file | --releases | \
      --client-cert | --client-key | --records | --bundle | --nonce-file | \
      --user-data-file | --public-key-file)
      COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  help=$("${COMP_WORDS[0]}" "${command[@]}" --help 2>/dev/null) || return
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
