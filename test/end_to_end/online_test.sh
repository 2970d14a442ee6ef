#!/usr/bin/env bash
# What trustctl does itself and what trustctl-online does in its place.
set -uo pipefail
trustctl=$PWD/$1 online=$PWD/$2 vectors=$PWD/test/vectors/real
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
failures=0
fail() { echo "FAILED $1"; failures=$((failures + 1)); }

mkdir -p usr/bin usr/lib/anchorage
cp "$trustctl" usr/bin/trustctl
# Says how it was started, and passes on what it is given.
cat >stand_in <<'END'
#!/bin/bash
printf '<%s>' "$@"
cat
case "$*" in *--signal*) kill -TERM $$ ;; esac
exit 37
END
chmod 755 stand_in
evidence=$vectors/iid/apse2-2026-ts-verify/rsa2048.b64

# run WANTED_CODE ARGUMENT...: with the evidence as standard input.
run() {
  local want=$1
  shift
  usr/bin/trustctl "$@" <"$evidence" >out 2>err
  local got=$?
  [ $got -eq "$want" ] || fail "'$*' ends with $got, not $want: $(cat out err)"
}
# goes_online ARGUMENT...: with each as it is, and nothing read.
goes_online() {
  run 37 "$@"
  cmp -s out <(printf '<%s>' "$@"; cat "$evidence") ||
    fail "'$*' became: $(head -c 300 out)"
}
# stays WANTED_CODE ARGUMENT...
stays() {
  run "$@"
  ! grep -q '^<' out || fail "'$*' is not for trustctl-online"
}

for folder in usr/bin usr/lib/anchorage; do
  cp stand_in $folder/trustctl-online
  goes_online rotations list --why 'a  b' '' -- '*'
  rm $folder/trustctl-online
done
cp stand_in usr/bin/trustctl-online

admin=(--server localhost:1 --client-cert c --client-key k)
at=(--server localhost:1)
for noun in rotations sources alerts fleet evidence store; do
  goes_online $noun
  goes_online $noun --help
  goes_online --help $noun
done
goes_online evidence submit --rsa2048 -
goes_online anchors --help
goes_online anchors revoke --help
goes_online anchors
goes_online anchors lists
goes_online anchors list "${at[@]}"
goes_online verify identity --rsa2048 - --any "${at[@]}"
goes_online verify identity --any --server=trust.example:7443 --rsa2048 -
goes_online verify attestation --document - --type enclave --any "${at[@]}"
goes_online bundle fetch "${at[@]}" --trusted-root r --out d
goes_online repository export "${at[@]}" --trusted-root r d
goes_online releases show --trusted-root r "${at[@]}"
goes_online ledger verify "${admin[@]}"
goes_online ledger export "${admin[@]}" file
goes_online ledger
goes_online ledger --help
goes_online ledger list --records f
goes_online audit report --from 2026-01-01 --to 2026-03-31 --records f
goes_online catalog diff - localhost:1 --trusted-root r

run 143 sources --signal

stays 0 --help
stays 0 verify identity --help
stays 0 verify --help
stays 0 ledger verify --help
stays 0 anchors list --help
stays 0 anchors list
stays 0 verify identity --rsa2048 - --any
stays 1 verify identity --rsa2048 - --any --server ''
stays 1 verify identity --rsa2048 -
stays 1 verify identity "${at[@]}" --no-such-flag
stays 1 ledger verify --records f --head 1:0 "${admin[@]}"
stays 2 ledger verify --records no-such-file \
  --head "1:$(printf %064d 0)"
stays 1 no-such-noun
stays 1
# A file of that name.
echo '{}' >localhost:1
stays 2 catalog diff localhost:1 localhost:1

# A URL needs no gRPC.
stays 1 bundle show --server http://127.0.0.1:1/

# Not there, and not to be run.
rm usr/bin/trustctl-online
run 6 anchors add
grep -qx "hint: it is in Debian's package trustctl; a server given as the URL of its tuf/ folder can do without it" err ||
  fail "without trustctl-online: $(cat err)"
PATH=$scratch:$PATH run 6 rotations list
cp stand_in usr/bin/trustctl-online
chmod 644 usr/bin/trustctl-online
run 6 rotations list
grep -q 'trustctl-online: Permission denied$' err || fail "not to be run: $(cat err)"

# Both are one program to people.
for line in '' verify 'verify identity' anchors 'anchors revoke' ledger \
  'ledger verify' rotations 'rotations approve' store 'keys rotate' catalog; do
  # shellcheck disable=SC2086 # words
  "$trustctl" $line --help >out
  # shellcheck disable=SC2086 # words
  "$online" $line --help | cmp -s - out || fail "'$line --help' differs"
  grep -q '^Usage: trustctl' out || fail "'$line --help'"
done
cmp -s <("$trustctl" --version) <("$online" --version) || fail --version

echo "$failures failures"
[ "$failures" -eq 0 ]
