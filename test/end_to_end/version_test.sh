#!/usr/bin/env bash
# Each program says the one version, and what it was built from.
set -uo pipefail
version=$(cat "$1")
shift
failures=0
for program in "$@"; do
  said=$("$program" --version)
  [[ $said =~ ^"${program##*/} $version ("(development|commit [0-9a-f]{12}(-dirty)?)")"$ ]] ||
    { echo "FAILED: $program --version says '$said'"; failures=$((failures + 1)); }
done
[ "$failures" -eq 0 ]
