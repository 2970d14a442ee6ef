#!/usr/bin/env bash
# Other people's TUF clients against a trustd over HTTP, and our client against
# a repository that another library has made.
#
# usage: test/npm/run.sh TRUSTD TUF_CLIENT
#
# Installs what package-lock.json names, from whichever registry npm is
# configured for, where that has not been done. Needs Node.js 18 or newer. One
# line a case; the last line is "N passed, N failed".
set -euo pipefail
if [ $# -ne 2 ]; then
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 1
fi
trustd=$(realpath "$1") tuf_client=$(realpath "$2")
cd "$(dirname "$0")"

# What is installed already, as the lock file that it was installed from.
installed=node_modules/.installed-from
if ! cmp -s package-lock.json "$installed"; then
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  if ! npm ci --ignore-scripts --no-audit --no-fund >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "test/npm: error: npm could not install the packages" >&2
    echo "0 passed, 1 failed"
    exit 1
  fi
  cp package-lock.json "$installed"
fi
node main.mjs "$trustd" "$tuf_client"
