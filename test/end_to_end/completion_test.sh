#!/usr/bin/env bash
# What the shell offers after each beginning of a trustctl command line.
set -uo pipefail
trustctl=$PWD/$1
source "$2"
failures=0

# offers WORD LINE...: whether WORD is among what is offered for the last word.
offers() {
  local want=$1
  shift
  COMP_WORDS=("$trustctl" "$@")
  COMP_CWORD=$#
  COMPREPLY=()
  _trustctl
  case " ${COMPREPLY[*]} " in
    *" $want "*) ;;
    *)
      echo "FAILED: '$*' offers '${COMPREPLY[*]}', not '$want'"
      failures=$((failures + 1)) ;;
  esac
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
[ "$failures" -eq 0 ]
