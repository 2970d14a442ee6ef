#!/usr/bin/env bash
# usage: first_hour_test.sh PAGE CONSOLE [TRUSTD TRUSTCTL]
#   PAGE     trustd/FIRST_HOUR.md
#   CONSOLE  test/end_to_end/console.sh
#   TRUSTD, TRUSTCTL  the programs (default: those on the PATH)
# Types every command of the page, in order and as it stands, in an empty folder
# and in one shell, and compares what is printed with what stands below it. A
# line "..." stands for any lines, and "..." within a line for any text.
#
# It runs in a network namespace of its own, where the ports of the page are
# free; where that is not allowed it is skipped. Exit code: 0: all is as the page
# says; 1: it is not.
set -uo pipefail

if [ "${1:-}" != --inside ]; then
  new=(unshare --net)
  [ "$(id -u)" -eq 0 ] || new+=(--user --map-root-user)
  if ! "${new[@]}" true 2>/dev/null; then
    echo 'first_hour: skipped: namespaces are not allowed here' >&2
    exit 0
  fi
  exec "${new[@]}" "$BASH" "$0" --inside "$@"
fi
shift
output=${OUTPUT_PAGE:+$(realpath "$OUTPUT_PAGE")}
[ $# -ge 2 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 1; }
page=$(realpath "$1")
. "$(realpath "$2")"
scratch=$(mktemp -d)
trap 'jobs -p | xargs -r kill 2>/dev/null; wait; rm -rf "$scratch"' EXIT
mkdir "$scratch/bin" "$scratch/home" "$scratch/work"
if [ $# -eq 4 ]; then
  ln -s "$(realpath "$3")" "$scratch/bin/trustd"
  ln -s "$(realpath "$4")" "$scratch/bin/trustctl"
fi
export PATH=$scratch/bin:$PATH HOME=$scratch/home
unset XDG_CONFIG_HOME "${!ANCHORAGE_@}"
ip link set lo up || exit 1
cd "$scratch/work" || exit 1
ran=0
failures=0
looked=false

# What lists print, against OUTPUT.md.
members() {
  local command rows names lists=0
  while IFS='|' read -r command rows names; do
    # shellcheck disable=SC2086  # A command is several words.
    trustctl ${command//\`/} -o json >"$scratch/list" && python3 -c '
import json, sys
rows = json.load(open(sys.argv[1]))[sys.argv[2].strip(" `")]
for name in sys.argv[3].replace("`", "").split(","):
    assert all(name.strip() in row for row in rows), name
' "$scratch/list" "$rows" "$names" || {
      failures=$((failures + 1))
      echo "FAILED: $command prints other members than OUTPUT.md"
    }
    lists=$((lists + 1))
  done < <(sed -n '/<!-- members of rows: begin/,/<!-- members of rows: end/s/^| \(`.*\) |$/\1/p' "$output")
  [ $lists -eq 4 ] || {
    failures=$((failures + 1))
    echo "FAILED: OUTPUT.md has $lists lists"
  }
}

# Beyond what the page shows: it was published, and by both.
published() {
  looked=true
  trustctl rotations show 1 -o json >"$scratch/rotation" 2>&1
  for name in alice bob; do
    grep -q "\"by\": \"$name\"" "$scratch/rotation" || {
      failures=$((failures + 1))
      echo "FAILED: $name is not among those who approved"
    }
  done
  grep -q 'PUBLISHED' "$scratch/rotation" || {
    failures=$((failures + 1))
    echo 'FAILED: nothing was published'
  }
  key=$(openssl x509 -in rehearsal/aws-eusc/eusc-de-east-1/iid-rsa2048.pem \
    -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -c 1-64)
  trustctl anchors list -o json | grep -q "$key" || {
    failures=$((failures + 1))
    echo 'FAILED: clients do not get the new key'
  }
  [ -z "$output" ] || members
}

# run COMMAND: in this shell, as what it starts goes on.
run() {
  ran=$((ran + 1))
  local code=0
  [[ $1 != 'kill '* ]] || published
  if [[ $1 == *'&' ]]; then
    eval "$1"
    # A person sees it listening before they go on.
    for _ in $(seq 600); do
      grep -qs 'admin service listening on' trustd.log && return
      sleep 0.1
    done
    code=1
  else
    eval "$1" >"$scratch/got" 2>&1 </dev/null || code=$?
    if [ $code -eq 0 ] &&
      { [ ! -s "$scratch/want" ] || matches "$scratch/want" "$scratch/got"; }; then
      return
    fi
  fi
  failures=$((failures + 1))
  echo "FAILED: $1 (exit code $code)"
  diff "$scratch/want" "$scratch/got"
  [ ! -e trustd.log ] || tail -5 trustd.log
}

inside=false command=
while IFS= read -r line <&3; do
  case "$line" in
    '```console') inside=true command= ;;
    '```'*)
      if $inside && [ -n "$command" ]; then run "$command"; fi
      inside=false command= ;;
    '$ '*)
      if $inside; then
        [ -z "$command" ] || run "$command"
        command=${line#'$ '}
        : >"$scratch/want"
      fi ;;
    *) if $inside; then printf '%s\n' "$line" >>"$scratch/want"; fi ;;
  esac
done 3<"$page"

# Nothing goes on when the page has been typed.
$looked || { echo 'FAILED: the page ends no trustd'; exit 1; }
wait
[ -z "$(trustctl context list)" ] || {
  failures=$((failures + 1))
  echo 'FAILED: a context is left'
}

echo "$ran commands, $failures failures"
[ "$failures" -eq 0 ] && [ "$ran" -ge 15 ]
