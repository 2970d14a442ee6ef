#!/usr/bin/env bash
# tools/demo on the programs that were just built.
set -eu
exec "$1" "$2" "$3" test/vectors/real
