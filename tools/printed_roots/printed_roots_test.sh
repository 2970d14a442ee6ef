#!/usr/bin/env bash
# What printed_roots says where there is no page and no index.
set -uo pipefail
tool=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

# expect CODE TEXT ARGUMENT
expect() {
  local out code=0
  out=$("$tool" "$3" 2>&1) || code=$?
  if [ "$code" -ne "$1" ] || [[ $out != *"$2"* ]]; then
    echo "FAILED: $3: exit code $code, not $1: $out"
    failures=$((failures + 1))
  fi
}

cat >"$scratch/index.json" <<'INDEX'
{"pages": [{"file": "x", "partition": "aws-us-gov", "prints": "certificate",
  "address": "https://127.0.0.1:1/page", "sha256": "00", "read": "2026-11-29"}]}
INDEX
expect 2 "unread   aws-us-gov  https://127.0.0.1:1/page" "$scratch/index.json"
expect 3 "error" "$scratch/none.json"
echo '{"pages": []}' >"$scratch/empty.json"
expect 3 "no pages" "$scratch/empty.json"
[ "$failures" -eq 0 ]
