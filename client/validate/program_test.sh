#!/usr/bin/env bash
# usage: program_test.sh PROGRAM SIGN_TREE
# The program's arguments and exit codes. It never acts: each run is a dry one or
# only checks the configuration.
set -euo pipefail
program=$PWD/$1 sign_tree=$PWD/$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# code WHAT WANT ARGUMENT...: its exit code, and in "said" what it says.
code() {
  local what=$1 want=$2 got=0
  shift 2
  "$program" "$@" >"$work/said" 2>&1 || got=$?
  [ "$got" = "$want" ] && return
  failures=$((failures + 1))
  echo "FAILED: $what: exit code $got instead of $want"
  cat "$work/said"
}
# says WHAT TEXT: what the last run said.
says() {
  grep -qF -- "$2" "$work/said" && return
  failures=$((failures + 1))
  echo "FAILED: $1: it does not say '$2'"
  cat "$work/said"
}

! readelf -dW "$program" | grep NEEDED || {
  echo "FAILED: it is not static"
  exit 1
}
[ "$(stat -Lc %s "$program")" -lt $((24 << 20)) ] || exit 1
strip -o "$work/stripped" "$program"
# OpenSSL 3.5, of Debian 13, has more algorithms.
limit=8
case "$(pkg-config --modversion libcrypto)" in 3.0.*) ;; *) limit=10 ;; esac
[ "$(stat -c %s "$work/stripped")" -le $((limit << 20)) ] || {
  echo "FAILED: it has $(stat -c %s "$work/stripped") bytes"
  failures=1
}

code 'help' 0 --help
says 'help' 'usage: anchorage-validate'
code 'no mode' 1 --dry-run
says 'no mode' 'error: say --initrd, --system or --check'
code 'two modes' 1 --initrd --system --dry-run
says 'two modes' 'error: say only one of --initrd, --system or --check'
code 'an unknown flag' 1 --initrd --dry-run --force
says 'an unknown flag' 'error: unknown argument --force'
code 'a flag without its value' 1 --dry-run --initrd --root
says 'a flag without its value' 'error: no value behind --root'
says 'a flag without its value' 'usage: anchorage-validate'

mkdir -p "$work/root/usr/lib"
printf '\x7fELF code' >"$work/root/usr/lib/library.so"
"$sign_tree" "$work/root" "$work" >/dev/null
config=$work/validate.json
run=(--initrd --dry-run --root "$work/root" --config "$config")
code 'check' 0 --check --config "$config"
printf 'file %s\nfile %s\naction continue\n' "$config" "$work/example.pem" |
  cmp - "$work/said" || failures=$((failures + 1))
code 'valid' 0 "${run[@]}"
says 'valid' 'VALID: manifest sha256:'
grep -q '[0-9a-f]\{64\}; dry run, the TPM was not asked$' "$work/said" ||
  failures=$((failures + 1))
code 'valid, in the system' 0 --system "${run[@]:1}"

export OPENSSL_CONF=$work/openssl.cnf OPENSSL_MODULES=$work
echo 'openssl_conf = missing' >"$OPENSSL_CONF"
code 'the environment counts for nothing' 0 "${run[@]}"
(
  got=0
  "$program" "${run[@]}" <&- >&- 2>&- || got=$?
  exit $got
) || {
  failures=$((failures + 1))
  echo "FAILED: without standard streams"
}

printf '\x7fELF c0de' >"$work/root/usr/lib/library.so"
code 'it goes on' 5 "${run[@]}"
says 'it goes on' 'CONTENT usr/lib/library.so'
says 'it goes on' 'NOT VALID: TREE_DIFFERS; action: continue; dry run, the TPM was not asked'
sed -i 's/"least_action": "continue"/"least_action": "emergency"/' "$config"
code 'an emergency' 3 "${run[@]}"
sed -i 's/"least_action": "emergency"/"least_action": "power-off"/' "$config"
code 'off' 4 "${run[@]}"
says 'off' 'action: power-off; dry run, the TPM was not asked'

# 300 differences, of which the console gets 200.
for i in $(seq 300); do
  printf '\x7fELF more' >"$work/root/usr/lib/$i.so"
done
code 'many' 4 "${run[@]}"
says 'many' 'and 101 more differences'
[ "$(grep -c ' ADDED \| CONTENT ' "$work/said")" = 200 ] ||
  failures=$((failures + 1))
rm "$work"/root/usr/lib/[0-9]*.so
printf '\x7fELF' >"$work/root/usr/lib/"$'a\n\e[2J.so'
code 'a name that a terminal obeys' 4 "${run[@]}"
says 'a name that a terminal obeys' 'ADDED usr/lib/a\n\x1b[2J.so'

echo '{' >"$config"
code 'a configuration that is none' 4 "${run[@]}"
says 'a configuration that is none' 'CONFIG_INVALID'
code 'check of one that is none' 1 --check --config "$config"
code 'no configuration' 4 --initrd --dry-run --config "$work/none"
says 'no configuration' 'CONFIG_MISSING'

[ $failures -eq 0 ] || exit 1
echo "the program is as it should be"
