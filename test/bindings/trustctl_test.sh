#!/usr/bin/env bash
# trustctl as others get it: what it needs, and that it runs.
set -uo pipefail
trustctl=$1
# Of another architecture it is run by an emulator.
read -ra run <<<"${ANCHORAGE_TEST_RUN:-} $trustctl"
vectors=test/vectors/real
source "${0%/*}/files.sh"

needs_little "$trustctl"
weighs_at_most 7 "$trustctl"
loaded=$(LD_TRACE_LOADED_OBJECTS=1 "${run[@]}" | wc -l)
[ "$loaded" -le 10 ] || fail "$loaded shared libraries are loaded"

accepts() {
  "${run[@]}" verify "$@" --any >"$scratch/out" 2>&1 ||
    fail "verify $* ($?): $(cat "$scratch/out")"
}
accepts identity --rsa2048 "$vectors/iid/apse2-2026-ts-verify/rsa2048.b64"
accepts attestation --type nitrotpm --at 2026-08-13T17:36:49Z \
  --document "$vectors/nitro-tpm/live-usw2-i-000fa553.cbor"

# What is not beside it is said.
"${run[@]}" rotations list >"$scratch/out" 2>&1
[ $? -eq 6 ] && grep -q "^hint: it is in Debian's package trustctl" "$scratch/out" ||
  fail "without trustctl-online: $(cat "$scratch/out")"

echo "$size bytes stripped, $loaded libraries, $failures failures"
[ "$failures" -eq 0 ]
