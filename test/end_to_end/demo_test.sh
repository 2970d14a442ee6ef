#!/usr/bin/env bash
# tools/demo on the programs that were just built prints what README.md says of
# tools/run --once, which builds them first.
set -euo pipefail
. test/end_to_end/console.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$1" "$2" "$3" test/vectors/real | tee "$scratch/got"
sed -n '/^    \$ tools\/run --once$/,/^$/s/^    //p' README.md | sed 1d \
  >"$scratch/want"
[ -s "$scratch/want" ]
matches "$scratch/want" "$scratch/got"
