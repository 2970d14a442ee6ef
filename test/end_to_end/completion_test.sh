#!/usr/bin/env bash
# What the shell offers after each beginning of a trustctl command line.
set -uo pipefail
trustctl=$PWD/$1
XDG_CONFIG_HOME=$(mktemp -d)
export XDG_CONFIG_HOME HOME=$XDG_CONFIG_HOME
trap 'rm -rf "$XDG_CONFIG_HOME"' EXIT
source <("$trustctl" completion bash)
failures=0

# offers WORD LINE...: whether WORD is among what is offered for the last word.
offers() {
  local want=$1
  shift
  COMP_WORDS=("$trustctl" "$@")
  COMP_CWORD=$#
  COMPREPLY=()
  _trustctl "$trustctl" "${COMP_WORDS[COMP_CWORD]}"
  case " ${COMPREPLY[*]} " in
    *" $want "*) ;;
    *)
      echo "FAILED: '$*' offers '${COMPREPLY[*]}', not '$want'"
      failures=$((failures + 1)) ;;
  esac
}

# offers_none LINE...: nothing, where a file is not what is wanted.
offers_none() {
  COMP_WORDS=("$trustctl" "$@")
  COMP_CWORD=$#
  COMPREPLY=()
  _trustctl "$trustctl" "${COMP_WORDS[COMP_CWORD]}"
  [ ${#COMPREPLY[@]} -eq 0 ] || {
    echo "FAILED: '$*' offers '${COMPREPLY[*]}', not nothing"
    failures=$((failures + 1))
  }
}

offers verify ""
offers bundle b
offers identity verify ""
offers --rsa2048 verify identity --r
offers --pcr verify attestation --
offers --nonce-file verify attestation --nonce
offers --any-product-code verify identity --any
offers json bundle show --output j
offers text bundle show -o ""
offers nitro-root anchors list --kind n
offers iid-rsa2048 verify identity --minimum-kind ""
offers tools verify identity --rsa2048 too
offers nitrotpm verify attestation --type n
offers p256 key generate --type p
offers add-key root a
offers timestamp root add-key --role t
offers timestamp keys rotate ""
offers show bundle s
offers diff catalog d
offers --reactivate targets sign --r
offers export repository ""
offers --trusted-root repository export --t
offers approve rotations a
offers --open rotations list --o
offers poll sources ""
offers --windows fleet show --w
offers revoke anchors r
offers verify ledger ""
offers search ledger s
offers --person ledger list --p
offers report audit ""
offers --client-cert ledger export --client
offers --pkcs7 evidence submit --p
offers check instance ""
offers need instance check --attestation n
offers yaml anchors list -o y
offers yaml anchors list --output = y
offers completion comp
offers zsh completion z
offers --watch bundle show --w
offers_none rotations show ""
offers_none rotations approve t
offers_none alerts ack ""

"$trustctl" context set prod --server trustd:7443 >/dev/null
offers prod context use ""
offers prod anchors list --context p

# What the shells themselves make of their scripts.
for shell in bash zsh fish; do
  "$trustctl" completion "$shell" >"$XDG_CONFIG_HOME/script"
  "$shell" -n "$XDG_CONFIG_HOME/script" || {
    echo "FAILED: $shell does not take its script"
    failures=$((failures + 1))
  }
done
mkdir "$XDG_CONFIG_HOME/bin"
ln -s "$trustctl" "$XDG_CONFIG_HOME/bin/trustctl"
export PATH=$XDG_CONFIG_HOME/bin:$PATH
got=$(fish --no-config -c 'trustctl completion fish | source; complete -C "trustctl verify id"')
[[ $got == identity* ]] || {
  echo "FAILED: fish offers '$got', not 'identity'"
  failures=$((failures + 1))
}
got=$(zsh -f -c '
  compdef() { :; }
  _describe() { print -rl -- ${(P)2} }
  words=(trustctl verify id) CURRENT=3
  source <(trustctl completion zsh)
  _trustctl')
[[ $got == identity:* ]] || {
  echo "FAILED: zsh offers '$got', not 'identity'"
  failures=$((failures + 1))
}

[ "$failures" -eq 0 ]
