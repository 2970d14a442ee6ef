#!/usr/bin/env bash
# The manual pages that trustctl writes: one for each command, with every flag,
# and nothing that groff warns of.
set -uo pipefail
trustctl=$PWD/$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME=$scratch
cd "$scratch" || exit 1
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

"$trustctl" man pages >out || fail "man: exit code $?"
"$trustctl" man again >/dev/null
diff -r pages again || fail "two runs differ"
# walk COMMAND: its page has its flags; and the commands below it.
pages=0
walk() {
  local command=$1 help page flag name
  # shellcheck disable=SC2086  # A command is several words.
  help=$("$trustctl" $command --help) || fail "$command --help"
  page=pages/trustctl${command:+-${command// /-}}.1
  pages=$((pages + 1))
  [ -f "$page" ] || { fail "no $page"; return; }
  groff -man -Tascii -P-cbou -ww "$page" >text 2>warnings || fail "$page: groff"
  [ ! -s warnings ] || fail "$page: $(cat warnings)"
  while read -r flag; do
    grep -q -- "$flag" text || fail "$page has no $flag"
  done < <(grep -oE '^ {2,4}(-[a-z],)?--[a-z][a-z0-9-]*' <<<"$help" | grep -oE -- '--.*')
  while read -r name; do
    [ "$name" = help ] || walk "${command:+$command }$name"
  done < <(sed -n '/^Subcommands:/,/^$/s/^  \([a-z-]*\)[, ].*/\1/p' <<<"$help")
}
walk ""
grep -q "wrote  $pages pages" out || fail "$(cat out), and there are $pages commands"
grep -q 'ANCHORAGE_CLIENT_CERT' pages/trustctl-rotations-list.1 || fail "no variable"

# What an installation without trustctl-online has.
"$trustctl" man --offline offline >/dev/null || fail "man --offline"
[ -f offline/trustctl-verify-identity.1 ] || fail "no page offline"
[ ! -e offline/trustctl-rotations.1 ] || fail "a page of what is not there"

echo "$pages pages, $failures failures"
[ "$failures" -eq 0 ] && [ "$pages" -ge 50 ]
