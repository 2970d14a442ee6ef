#!/usr/bin/env bash
# usage: config_page_test.sh TRUSTD [--update]
# Checks that CONFIG.md and trustd.schema.json are what this trustd makes of its
# schema. With --update, writes them:
#
#     bazel run //trustd:config_page_test -- --update
set -euo pipefail
trustd=$PWD/$1
if [ "${2:-}" = --update ]; then
  cd "$BUILD_WORKSPACE_DIRECTORY"
  "$trustd" explain --markdown >trustd/CONFIG.md
  "$trustd" --json-schema >trustd/trustd.schema.json
  exit
fi
failed=0
is_current() {
  "$trustd" "${@:2}" | diff "$1" - && return
  echo "error: $1 is not of this schema" >&2
  failed=1
}
is_current trustd/CONFIG.md explain --markdown
is_current trustd/trustd.schema.json --json-schema
[ "$failed" = 0 ] ||
  echo "hint: bazel run //trustd:config_page_test -- --update" >&2
exit "$failed"
