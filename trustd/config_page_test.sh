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
  if "$trustd" "${@:2}" | diff "$1" -; then return; fi
  echo "error: $1 is not of this schema" >&2
  failed=1
}
is_current trustd/CONFIG.md explain --markdown
is_current trustd/trustd.schema.json --json-schema
[ "$failed" = 0 ] ||
  echo "hint: bazel run //trustd:config_page_test -- --update" >&2
[ "$failed" = 0 ] || exit 1

# What an editor would say.
cat >"$TEST_TMPDIR/validate.py" <<'END'
import json, sys, jsonschema, yaml
schema = json.load(open("trustd/trustd.schema.json"))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
good = yaml.safe_load(open(sys.argv[1]))
assert not list(validator.iter_errors(good)), list(validator.iter_errors(good))
for bad in (
    {"data_dir": "d"},
    {"data_dir": "d", "mode": "ONLINE"},
    {"data_dir": "d", "mode": "MODE_ONLINE", "lisen_address": "a"},
    {"data_dir": "d", "mode": "MODE_ONLINE", "refresh_hint": "1h"},
    {"data_dir": "d", "mode": "MODE_ONLINE", "max_watchers": -1},
    {"data_dir": "d", "mode": "MODE_ONLINE", "sources": []},
    {"data_dir": "d", "mode": "MODE_ONLINE", "sources": [{"name": "a"}]},
):
    assert list(validator.iter_errors(bad)), bad
END
if ! python3 -c 'import jsonschema, yaml' 2>/dev/null; then
  echo "skipped: no python3-jsonschema and python3-yaml here" >&2
  exit 0
fi
sed 's/^#\([^ ]\|  \)/\1/' trustd/trustd.example.yaml >"$TEST_TMPDIR/all.yaml"
"$trustd" --config "$TEST_TMPDIR/all.yaml" --print-config >"$TEST_TMPDIR/effective.yaml"
python3 "$TEST_TMPDIR/validate.py" "$TEST_TMPDIR/all.yaml"
python3 "$TEST_TMPDIR/validate.py" "$TEST_TMPDIR/effective.yaml"
