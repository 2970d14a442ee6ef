# What tests of whole programs share: a folder of their own with one service in
# it, and commands whose end and words are expected.
# shellcheck shell=bash

scratch=$(mktemp -d)
service=
trap '[ -z "$service" ] || kill "$service"; rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
failures=0

# expect CODE WHAT COMMAND...: runs it and checks the exit code.
expect() {
  local want=$1 what=$2 code=0
  shift 2
  "$@" >out 2>&1 || code=$?
  if [ "$code" -ne "$want" ]; then
    echo "FAILED: $what: exit code $code, not $want"
    cat out
    failures=$((failures + 1))
  fi
}
says() {
  grep -qF -- "$1" out && return
  echo "FAILED: '$1' is not in:"
  cat out
  failures=$((failures + 1))
}
# until_says TEXT FILE: waits for a line.
until_says() {
  for _ in $(seq 100); do
    grep -qsF -- "$1" "$2" && return
    sleep 0.1
  done
  echo "FAILED: '$1' did not appear in $2:"
  cat "$2"
  failures=$((failures + 1))
}
