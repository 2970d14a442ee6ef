#!/usr/bin/env bash
# usage: floods_test.sh TEST_FLOODS TRUSTD FLOOD TRUSTCTL
# A short run of tools/test-floods on the programs that were just built.
exec "$1" --programs "$2" "$3" "$4" 5
