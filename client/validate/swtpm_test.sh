#!/usr/bin/env bash
# Validates trees with the program itself and the TPM of swtpm, and reads the
# register back with tpm2-tools.
#
# usage: bazel test //client/validate:swtpm_test
#
# Installs swtpm and tpm2-tools. The program runs in a name space of processes
# of its own, where reboot(2) ends that alone.
set -euo pipefail
validate=$1 sign_tree=$2

fail() {
  echo "swtpm_test: error: $1" >&2
  [ -z "${2:-}" ] || echo "hint: $2" >&2
  exit 1
}

export DEBIAN_FRONTEND=noninteractive
missing=()
command -v swtpm >/dev/null || missing+=(swtpm)
command -v tpm2_pcrread >/dev/null || missing+=(tpm2-tools)
[ ${#missing[@]} -eq 0 ] ||
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
  fail "${missing[*]} could not be installed" "run it as root, after apt-get update"
apart=(unshare --user --map-root-user --pid --fork)
"${apart[@]}" true || fail "there are no name spaces here"

work=$(mktemp -d /tmp/swtpm_test.XXXXXX)
tpm=''
stop_tpm() {
  [ -n "$tpm" ] || return 0
  kill "$tpm" 2>/dev/null || true
  wait "$tpm" 2>/dev/null || true
}
trap 'stop_tpm; rm -rf "$work"' EXIT

# fresh_tpm: one whose registers are as after a start.
fresh_tpm() {
  stop_tpm
  rm -rf "$work/state" "$work/tpm" "$work/tpm.ctrl"
  mkdir "$work/state"
  swtpm socket --tpm2 --tpmstate "dir=$work/state" \
    --server "type=unixio,path=$work/tpm" \
    --ctrl "type=unixio,path=$work/tpm.ctrl" \
    --flags "not-need-init,startup-clear" >/dev/null 2>&1 &
  tpm=$!
  for _ in $(seq 100); do
    [ ! -S "$work/tpm" ] || return 0
    sleep 0.05
  done
  fail "swtpm does not start"
}
# register [BANK]: what PCR8 has, in hex.
register() {
  tpm2_pcrread --tcti "swtpm:path=$work/tpm" "${1:-sha384}:8" |
    sed -n 's/^ *8 *: 0x//p' | tr 'A-F' 'a-f'
}
# run WANT [OPTION]...: the program, which must end with that code.
run() {
  local want=$1 code=0
  shift
  "${apart[@]}" "$validate" --root "$work/root" --config "$work/validate.json" \
    "$@" || code=$?
  [ "$code" = "$want" ] || fail "$* ended with $code instead of $want"
}
# is WHAT WANT: what the register has.
is() {
  local got
  got=$(register)
  [ "$got" = "$2" ] || fail "$1: the register has $got instead of $2"
  echo "ok: $1"
}

mkdir -p "$work/root/usr/bin" "$work/root/usr/lib"
printf '#!/bin/sh\n' >"$work/root/usr/bin/tool"
chmod 755 "$work/root/usr/bin/tool"
printf '\x7fELF code' >"$work/root/usr/lib/library.so"
{ read -r success; read -r failure; } < <("$sign_tree" "$work/root" "$work")
zero=$(printf '%096d' 0)

fresh_tpm
is 'before' "$zero"
run 0 --initrd --dry-run
is 'a dry run' "$zero"
run 0 --initrd
is 'a tree as it must be' "$success"
[ "$(register sha256)" = "$(printf '%064d' 0)" ] ||
  fail "another bank was extended"
run 0 --system
is 'in the system after it' "$success"
run 0 --initrd
[ "$(register)" != "$success" ] || fail "a second success is shown"

fresh_tpm
run 0 --system
is 'in the system alone' "$zero"

# What is asked to end while it waits for the TPM goes on.
fresh_tpm
kill -STOP "$tpm"
"${apart[@]}" "$validate" --root "$work/root" --config "$work/validate.json" \
  --initrd &
waiting=$!
until child=$(pgrep -P "$waiting" -f -- --initrd); do sleep 0.05; done
until grep -q 'SigBlk:.*fffffffe7ffbfeff' "/proc/$child/status"; do sleep 0.05; done
for signal in TERM INT HUP QUIT USR1; do kill "-$signal" "$child"; done
kill -CONT "$tpm"
wait "$waiting" || fail "signals ended it"
is 'signals' "$success"

fresh_tpm
printf '\x7fELF c0de' >"$work/root/usr/lib/library.so"
run 0 --system
is 'a changed library, in the system' "$failure"
fresh_tpm
run 0 --initrd
is 'a changed library' "$failure"

fresh_tpm
mv "$work/root/usr/lib/anchorage" "$work/away"
run 0 --initrd
is 'no manifest' "$failure"

# Killed by its power off, as the first process of its name space.
fresh_tpm
sed -i 's/"without_manifest": "continue"/"without_manifest": "power-off"/' \
  "$work/validate.json"
run 130 --initrd
is 'powered off' "$failure"
fresh_tpm
sed -i 's/"without_manifest": "power-off"/"without_manifest": "emergency"/' \
  "$work/validate.json"
run 3 --initrd
is 'an emergency' "$failure"

stop_tpm
tpm=''
rm -f "$work/tpm"
mv "$work/away" "$work/root/usr/lib/anchorage"
printf '\x7fELF code' >"$work/root/usr/lib/library.so"
sed -i 's/"least_action": "continue"/"least_action": "emergency"/' \
  "$work/validate.json"
run 3 --initrd
echo "ok: no TPM"
