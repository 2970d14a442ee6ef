#!/usr/bin/env bash
# Every flag and argument of every command of trustctl, given and empty: a
# usage error that names it. The commands and flags are read from the program's
# own help, so that a new one is tested without being listed here.
set -uo pipefail
trustctl=$PWD/$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
rows=0
failures=0

# row COMMAND NAME HOW ARGUMENT...: one line of the table.
row() {
  local command=$1 name=$2 how=$3 code=0 answer="usage error"
  shift 3
  # shellcheck disable=SC2086  # A command is several words.
  "$trustctl" $command "$@" >out 2>err </dev/null || code=$?
  rows=$((rows + 1))
  if [ "$code" -ne 1 ] || [ -s out ] || ! grep -q -- "^trustctl: error: $name: given" err; then
    answer="NOT REFUSED (exit code $code)"
    failures=$((failures + 1))
    cat err
  fi
  printf '%-24s %-22s %-14s %s\n' "$command" "$name" "$how" "$answer"
}

# walk COMMAND: its flags and arguments, and the commands below it.
walk() {
  local command=$1 help line name
  # shellcheck disable=SC2086
  help=$("$trustctl" $command --help) || exit 1
  # Four blanks at most are before a flag, and more before a line of an example.
  # A flag that takes a value has its type behind it.
  while read -r line; do
    name=$(grep -oE -- '--[a-z][a-z0-9-]*' <<<"$line" | head -1)
    case $name in '' | --help | --version) continue ;; esac
    row "$command" "$name" "--flag=" "$name="
    if grep -qE -- "$name (TEXT|INT|UINT)" <<<"$line"; then
      row "$command" "$name" '--flag ""' "$name" ""
      row "$command" "$name" "--flag --next" "$name" --next
    fi
  done < <(grep -E '^ {2,4}(-[a-z],)?--[a-z]' <<<"$help")
  # Arguments before it are given.
  local given=()
  while read -r name _; do
    row "$command" "$name" '""' "${given[@]}" ""
    given+=(1)
  done < <(sed -n '/^Positionals:/,/^$/s/^  \([A-Za-z]*\) \(TEXT\|UINT\).*/\1/p' <<<"$help")
  while read -r name; do
    # The help of a command has all of them below it once more.
    [ "$name" = help ] || walk "${command:+$command }$name"
  done < <(sed -n '/^Subcommands:/,/^$/s/^  \([a-z-]*\)[, ].*/\1/p' <<<"$help")
}

walk ""
echo "$rows rows, $failures failures"
[ "$failures" -eq 0 ] && [ "$rows" -ge 500 ]
