#!/usr/bin/env bash
# Every form of `trustctl anchors export`, read back by programs that are not
# ours, and a feed that follows a trustd.
set -uo pipefail
trustd=$PWD/$1 trustctl=$PWD/$2 later=$PWD/$3
scratch=$(mktemp -d)
cd "$scratch" || exit 1
failures=0
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
  rm -rf "$scratch"
}
trap cleanup EXIT

failed() {
  echo "FAILED $1"
  failures=$((failures + 1))
}
# check NAME CODE TEXT COMMAND...: exits with CODE and says TEXT.
check() {
  local name=$1 code=$2 text=$3 got=0
  shift 3
  "$@" >out 2>&1 </dev/null || got=$?
  if [ "$got" -ne "$code" ] || ! grep -qF -- "$text" out; then
    failed "$name: exit code $got (want $code), output (want '$text'):"
    head -c 3000 out
  fi
}
# same NAME WANT GOT
same() { [ "$2" = "$3" ] || failed "$1: '$3' (want '$2')"; }
export_to() { "$trustctl" anchors export --format "$1" --out "$2" || failed "export $1"; }

anchors=$("$trustctl" anchors list | tail -1 | cut -d' ' -f1)
# Of each kind that AWS publishes, how many.
of_kind() { "$trustctl" anchors list --kind "$1" | tail -1 | cut -d' ' -f1; }
rsa2048=$(of_kind iid-rsa2048) rsa1024=$(of_kind iid-rsa1024) dsa=$(of_kind iid-dsa)

# openssl reads PEM.
export_to pem-bundle bundle.pem
same pem-bundle "$anchors" "$(grep '^# aws.*/.* ACTIVE$' bundle.pem | sort -u | wc -l)"
csplit -sz -f one. bundle.pem '/BEGIN CERT/' '{*}' && rm one.00
for file in one.*; do
  openssl x509 -in "$file" -noout 2>err || failed "pem-bundle: $(cat err)"
done
export_to pem tree
while read -r file; do
  openssl x509 -in "$file" -noout 2>err || failed "pem: $file: $(cat err)"
done < <(find tree -name '*.pem')
same pem "$anchors" "$(find tree -name '*.pem' | wc -l)"
# What a verifier makes of it: the signature of a real certificate's own key.
openssl verify -CAfile tree/aws/nitro-root.pem tree/aws/nitro-root.pem >out 2>&1 ||
  failed "pem: $(cat out)"

# trustd reads the tree as a source: everything in it is pinned already.
cat >trustd.yaml <<YAML
data_dir: data
mode: MODE_ONLINE
listen_address: 127.0.0.1:0
http_listen_address: 127.0.0.1:0
sources: [{name: tree, interval: 10s, directory: {path: $PWD/tree}}]
YAML
"$trustd" --config trustd.yaml 2>log &
pids+=($!)
for _ in $(seq 300); do
  http=$(sed -n 's#.*the same files are on \(http://.*/tuf/\)$#\1#p' log)
  [ -z "$http" ] || break
  sleep 0.1
done
[ -n "$http" ] || { cat log; exit 1; }

# jq reads JSON, and a JOSE library the key sets.
export_to json anchors.json
same json "$anchors" "$(jq '.anchors | length' anchors.json)"
same json_schema 1 "$(jq .schema_version anchors.json)"
jq -r '.anchors[0].certificates[0]' anchors.json | base64 -d |
  openssl x509 -inform DER -noout || failed "json: a certificate"
export_to jwks keys.json
for i in $(seq 0 $(($(jq '.keys | length' keys.json) - 1))); do
  jq ".keys[$i]" keys.json >key.json
  # The key's own thumbprint, and PEM of the key that its certificate has.
  jose jwk thp -i key.json >/dev/null || failed "jwks: key $i"
  want=$(jq -r '.x5c[0]' key.json | base64 -d | openssl x509 -inform DER -noout -pubkey |
    openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)
  same "jwks kid $i" "$want" "$(jq -r .kid key.json)"
  if [ "$(jq -r .kty key.json)" = RSA ]; then
    modulus=$(jq -r '.x5c[0]' key.json | base64 -d |
      openssl x509 -inform DER -noout -modulus | cut -d= -f2)
    same "jwks n $i" "$modulus" "$(jose b64 dec -i <(jq -j .n key.json) |
      od -An -v -tx1 | tr -d ' \n' | tr a-f A-F)"
  fi
done
export_to spiffe bundle.json
same spiffe_use '"x509-svid"' "$(jq '.keys | map(.use) | unique | .[]' bundle.json)"
same spiffe_x5c 1 "$(jq '.keys | map(.x5c | length) | unique | .[]' bundle.json)"
same spiffe_kid 0 "$(jq '[.keys[] | select(has("kid"))] | length' bundle.json)"
same spiffe_sequence true "$(jq '.spiffe_sequence > 0 and .spiffe_refresh_hint > 0' bundle.json)"

# Vault's bodies, by the schema of its page: two strings.
export_to vault vault
for body in vault/*.json; do
  jq -e '(keys == ["aws_public_cert", "type"]) and
    (.type == "pkcs7" or .type == "identity")' "$body" >/dev/null ||
    failed "vault: $body"
  # One PEM block and nothing after it, as Vault demands.
  jq -r .aws_public_cert "$body" | base64 -d >pem
  same "vault $body" "-----END CERTIFICATE-----" "$(tail -1 pem)"
  same "vault $body" 1 "$(grep -c BEGIN pem)"
  openssl x509 -in pem -noout || failed "vault: $body"
done
export_to smallstep roots.pem
same smallstep "$(jq '[.anchors[] | select(.kind == "iid-rsa1024") | .certificates | length] | add' anchors.json)" \
  "$(grep -c BEGIN roots.pem)"

# Go sources: what a compiler's front end makes of them, where there is one.
export_to spire spire
export_to teleport certs.go
same spire "$rsa2048 $rsa1024" \
  "$(grep -c BEGIN spire/awsrsa2048/cacerts.go) $(grep -c BEGIN spire/awsrsa1024/cacerts.go)"
same teleport "$rsa2048" "$(grep -c BEGIN certs.go)"
if command -v gofmt >/dev/null; then
  for file in certs.go spire/*/*.go; do
    gofmt -l "$file" >out 2>&1 && [ ! -s out ] || failed "go: $file: $(cat out)"
  done
fi

export_to athenz athenz
list=$(sed -n 's/^athenz.zts.aws_public_cert_per_region=//p' athenz/*.properties)
same athenz "$dsa" "$(tr , '\n' <<<"$list" | wc -l)"
while IFS=: read -r region file; do
  case "$file" in */"$region".pem) ;; *) failed "athenz: $region $file" ;; esac
  openssl x509 -in "$file" -noout || failed "athenz: $file"
done < <(tr , '\n' <<<"$list")

# A TrustAnchorList: a sequence of [2], each with a key that openssl loads.
export_to rfc5914 anchors.tal
openssl asn1parse -inform DER -in anchors.tal >parsed || failed rfc5914
same rfc5914 "$anchors" "$(grep -c 'd=1 .*cont \[ 2 \]' parsed)"
same rfc5914_titles "$anchors" "$(grep -c 'd=3 .*UTF8STRING *:aws' parsed)"
while read -r offset; do
  openssl asn1parse -inform DER -in anchors.tal -strparse "$offset" -noout -out spki &&
    openssl pkey -pubin -inform DER -in spki -noout || failed "rfc5914: $offset"
done < <(sed -n 's/^ *\([0-9]*\):d=3 .*cons: SEQUENCE.*/\1/p' parsed)

# C and C++ compile the header.
export_to header anchors.h
cat >main.c <<'C'
#include "anchors.h"
#include <stdio.h>
int main(void) {
  printf("%zu %d\n",
         sizeof(anchorage_exported_anchors) / sizeof(anchorage_exported_anchors[0]),
         anchorage_exported_anchors[0].spki[0]);
  return 0;
}
C
gcc -std=c99 -Wall -Wextra -Wpedantic -Werror -o main main.c && same header "$anchors 48" "$(./main)"
g++ -x c++ -Wall -Wextra -Werror -fsyntax-only main.c || failed "header in C++"

# Bad input.
check no_format 1 "--format" "$trustctl" anchors export
check unknown_format 1 "jks" "$trustctl" anchors export --format jks
check folder_to_stdout 1 "give --out FOLDER" "$trustctl" anchors export --format vault
check no_such_kind 1 "has no nitro-root" \
  "$trustctl" anchors export --format vault --kind nitro-root --out v
check nothing_left 4 "no anchor that verifies" \
  "$trustctl" anchors export --format pem-bundle --region eu-nowhere-1
check watch_what 1 "--watch needs --server or --cache" \
  "$trustctl" anchors export --format pem --watch feed
# The built-in set has no revocation that people have made since.
check no_server_answers 6 "there is no bundle of the server's" "$trustctl" anchors export \
  --format json --server http://127.0.0.1:1/tuf/ --trusted-root data/1.root.json
check no_feed_of_it 6 "there is no bundle of the server's" "$trustctl" anchors export \
  --format json --watch none --server http://127.0.0.1:1/tuf/ --trusted-root data/1.root.json
[ ! -e none/current ] || failed "a feed of the built-in set"
check relative_command 1 "an absolute path" "$trustctl" anchors export --format pem \
  --watch feed --server "$http" --trusted-root data/1.root.json -- reload
check full_disk 6 "cannot be written" \
  bash -c "exec '$trustctl' anchors export --format json >/dev/full"

# A feed: written once, the command run once, and nothing while nothing changes.
feed=("$trustctl" anchors export --format vault --watch feed --every 1s
  --server "$http" --trusted-root data/1.root.json --cache cache --metrics feed.prom)
"${feed[@]}" -- /bin/sh -c "echo run >>'$PWD/runs'" >feed.log 2>&1 &
pids+=($!)
watcher=$!
for _ in $(seq 100); do
  [ ! -s feed.prom ] || break
  sleep 0.1
done
before=$(stat -c %i feed/current)
sleep 2.5
same feed_unchanged "$before" "$(stat -c %i feed/current)"
same feed_runs 1 "$(wc -l <runs)"
grep -q "exported sequence 1, .* anchors, to feed/current; the command ended with 0" feed.log ||
  failed "feed: $(cat feed.log)"
grep -q '^anchorage_export_command_exit_status{feed="feed"} 0$' feed.prom ||
  failed "metrics: $(cat feed.prom)"
check second_feed 6 "" "${feed[@]}"
kill -TERM "$watcher"
wait "$watcher"
# Nobody has vouched for it for 100 days: it ends, and says so.
kill "${pids[0]}" && wait "${pids[0]}"
check feed_expired 6 "the anchors were fresh until" env SECONDS_LATER=8640000 LD_PRELOAD="$later" \
  ASAN_OPTIONS=verify_asan_link_order=0 "${feed[@]}"
grep -q '^anchorage_export_expired{feed="feed"} 1$' feed.prom ||
  failed "metrics of an expired feed: $(cat feed.prom)"
check once_expired 6 "the anchors were fresh until" env SECONDS_LATER=8640000 LD_PRELOAD="$later" \
  ASAN_OPTIONS=verify_asan_link_order=0 "$trustctl" anchors export --format json \
  --cache cache --trusted-root data/1.root.json

echo "$failures failures"
[ "$failures" -eq 0 ]
