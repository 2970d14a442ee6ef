#!/usr/bin/env bash
# usage: namespaces_test.sh NAMESPACES FAKE_IMDS MACHINE README
# The program of client/instance/README.md with IMDS at its real addresses.
set -uo pipefail
namespaces=$1 fake=$2 machine=$3 readme=$4
evidence=(--evidence test/vectors/real/iid/usw2-2021-teleport-1)
failures=0

"$namespaces" "$fake" -- true
if [ $? -eq 77 ]; then exit 0; fi

# expect WHAT HOW...: what the program prints begins with WHAT, where
# namespaces.sh has the flags before the first "," and the fake those behind it.
expect() {
  local want=$1 flags=() got
  shift
  while [ "$1" != , ]; do
    flags+=("$1")
    shift
  done
  shift
  got=$("$namespaces" "${flags[@]}" "$fake" "${evidence[@]}" "$@" -- "$machine" 2>&1)
  case "$got" in
    "$want"*) return ;;
  esac
  failures=$((failures + 1))
  printf 'FAILED: %s , %s\nwant: %s\ngot:  %s\n' "${flags[*]}" "$*" "$want" "$got"
}

good=$(sed -n '/^```text$/,/^```$/p' "$readme" | sed '1d;$d')
[ -n "$good" ] || exit 1

expect "$good" , --hop-limit 1
expect IMDS_HOP_LIMIT: --container , --hop-limit 1
expect "$good" --container , --hop-limit 2
expect "$good" --ipv6-only , --hop-limit 1
expect IMDS_HOP_LIMIT: --container --ipv6-only , --hop-limit 1
expect "$good" --container --ipv6-only , --hop-limit 2
expect "$good" , --refusals 3
expect IMDS_DISABLED: , --fault off
expect IDENTITY_FORM_NOT_SERVED: , --without rsa2048
# A host that has no such service: its addresses are nobody's.
got=$("$namespaces" "$fake" --fault off -- unshare --net "$machine" 2>&1)
case "$got" in
  IMDS_ABSENT:*) ;;
  *) echo "FAILED: no IMDS: $got"; failures=$((failures + 1)) ;;
esac
# Another instance.
evidence=(--evidence test/vectors/real/iid/apse2-2026-ts-verify)
expect account: ,

echo "$failures failures"
[ "$failures" -eq 0 ]
