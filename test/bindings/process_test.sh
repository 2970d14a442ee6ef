#!/usr/bin/env bash
# libanchorage.so.1 in processes that were not made for it: process.cc says in which.
set -uo pipefail
process=$1 library=$2
export ANCHORAGE_TEST_ROOT=test/vectors/recovery/root-alone/served-1/1.root.json
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
failures=0

# says CASE TEXT [NAME=VALUE...]: what the host prints, in that environment.
says() {
  local case=$1 text=$2 said code=0
  shift 2
  said=$(env "$@" "$process" "$library" test/vectors/real test/bindings "$case" \
    2>&1) || code=$?
  if [ "$code" -ne 0 ] || [ "$said" != "$text" ]; then
    printf 'FAILED %s: exit code %s\n  want %s\n  got  %s\n' \
      "$case $*" "$code" "$text" "$said"
    failures=$((failures + 1))
  fi
}

good="client ok, policy ok, policy ok, identity ok, changed 3 DIGEST_MISMATCH, attestation ok"
none="client 6 CRYPTO_PROVIDER_MISSING, policy ok, policy ok, identity 1 USAGE, changed 1 USAGE, attestation 1 USAGE"
unreachable="client ok, refresh 7 FETCH_FAILED"

says work "$good"
says refresh "$unreachable"
says loops "$good, closed and alive"
says threads "$good, 0 otherwise"
says signals "$good; $unreachable"
says descriptors "$unreachable, identity ok"
# What is nested too deeply is refused on that stack too.
says stack "$good; client ok, policy 1 INPUT_TOO_LARGE, identity 2 PKCS7_MALFORMED, attestation 2 COSE_MALFORMED; $unreachable"
says memory 'many failures'

# A comma is what numbers have there.
if localedef -i de_DE -f UTF-8 "$TMPDIR/de_DE.UTF-8" 2>"$TMPDIR/log"; then
  says locale ", $good" "LOCPATH=$TMPDIR" LC_ALL=de_DE.UTF-8
else
  echo "locale: skipped, $(tail -n 1 "$TMPDIR/log")"
fi

# OpenSSL as the host has it.
says legacy-and-default "$good"
says legacy "$none"
says null "$none"
says fips "$none"
says fips-later 'identity 6 CRYPTO_PROVIDER_MISSING, refresh 6 CRYPTO_PROVIDER_MISSING'
cat >"$TMPDIR/fips.cnf" <<'CNF'
openssl_conf = init
[init]
providers = providers
alg_section = algorithms
[providers]
fips = fips
base = base
[fips]
activate = 1
[base]
activate = 1
[algorithms]
default_properties = fips=yes
CNF
printf 'openssl_conf = nowhere\n[nowhere' >"$TMPDIR/broken.cnf"
says work "$none" "OPENSSL_CONF=$TMPDIR/fips.cnf"
says work "$good" "OPENSSL_CONF=$TMPDIR/broken.cnf"
says work "$good" "OPENSSL_CONF=$TMPDIR/none.cnf"

echo "$failures failures"
[ "$failures" -eq 0 ]
