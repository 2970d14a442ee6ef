#!/usr/bin/env bash
# The first example of README.md is example.c, and prints what stands below it.
set -euo pipefail
example=$1 readme=$2 source=$3
real=test/vectors/real/iid

sed -n '/^```c$/,/^```$/p;/^```$/q' "$readme" | sed '1d;$d' | diff - "$source"

says() { # EXIT_CODE TEXT FILE: README.md shows TEXT, and so does the program.
  local code=0 said
  said=$("$example" <"$3") || code=$?
  [ "$code" -eq "$1" ] && [ "$said" = "$2" ] && grep -qF -- "$2" "$readme" ||
    { echo "exit code $code, not $1: $said"; exit 1; }
}
says 0 "account 189292791360, i-0c5541936caf78c12" \
  "$real/apse2-2026-ts-verify/rsa2048.b64"
says 1 "REGION_NOT_ALLOWED: region: us-west-2 in the document, one of [ap-southeast-2] expected" \
  "$real/usw2-2021-teleport-1/rsa2048.b64"
