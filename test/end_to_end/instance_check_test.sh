#!/usr/bin/env bash
# usage: instance_check_test.sh NAMESPACES FAKE_IMDS TRUSTD TRUSTCTL README \
#            FAKE_NITRO_TPM_ATTEST CATALOG_WITH_FAKE_NITRO
# trustctl instance check, as its manual shows it and with one thing wrong, on
# an instance that this makes: IMDS at its real addresses, a /sys as a
# Nitro-based instance has it, no network. Its evidence is real.
set -uo pipefail

if [ "$1" = --inside ]; then
  shift
  # A /dev with the TPM that the test wants, whatever this machine has.
  mkdir dev && touch dev/null dev/urandom
  [ ! -e tpm ] || touch dev/tpm0
  for device in null urandom; do mount --bind {/,}dev/$device; done
  mount --rbind dev /dev
  mount -t tmpfs none /sys
  mkdir -p /sys/class/dmi/id /sys/firmware/efi
  echo 'Amazon EC2' >/sys/class/dmi/id/sys_vendor
  echo t4g.small >/sys/class/dmi/id/product_name
  cat board >/sys/class/dmi/id/board_asset_tag
  # Where nobody but root can change it.
  mount -t tmpfs -o mode=0755 none /mnt
  cp nitro-tpm-attest /mnt
  exec "$@"
fi

top=$PWD
namespaces=$top/$1 fake=$top/$2 trustd=$top/$3 readme=$top/$5
evidence=$top/test/vectors/real/iid/apse2-2026-ts-verify
self=$(realpath "$0")
. "$top/test/end_to_end/console.sh"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# For users who may read nothing else.
cp "$4" "$scratch/trustctl" && chmod 755 "$scratch" "$scratch/trustctl"
cp "$6" "$scratch/nitro-tpm-attest"
"$7" >"$scratch/catalog.json"
trustctl=$scratch/trustctl
cd "$scratch" || exit 1
export PATH=$scratch:$PATH

"$namespaces" "$fake" -- true
if [ $? -eq 77 ]; then exit 0; fi

failures=0
fail() {
  failures=$((failures + 1))
  echo "FAILED $*"
}

# on_instance FLAG..., OPTION... -- COMMAND...: COMMAND, where namespaces.sh has
# the flags before the "," and the fake IMDS the options behind it.
on_instance() {
  local flags=() options=()
  while [ "$1" != , ]; do flags+=("$1"); shift; done
  shift
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  rm -rf dev
  timeout 60 "$namespaces" "${flags[@]}" "$fake" "${options[@]}" -- \
    "$BASH" "$self" --inside "$@"
}

# check NAME CODE FLAG..., OPTION... -- FLAG_OF_TRUSTCTL...: on an instance, run
# by "prefix" and with the anchors of "from", it ends with CODE and prints what
# the standard input says.
prefix=()
root=(--trusted-root 1.root.json)
from=(--cache anchors "${root[@]}")
check() {
  local name=$1 code=$2 got=0 line=()
  shift 2
  cat >want
  while [ "$1" != -- ]; do line+=("$1"); shift; done
  shift
  on_instance "${line[@]}" -- "${prefix[@]}" "$trustctl" instance check \
    "${from[@]}" "$@" >got 2>&1 || got=$?
  if [ $got -ne "$code" ] || ! matches want got; then
    fail "$name (exit code $got, want $code)"
    diff want got
  fi
  # Whatever is wrong, nothing of what was fetched is shown.
  local file
  for file in "$evidence"/*.b64; do
    if grep -qF "$(head -c 40 "$file")" got; then fail "$name shows $file"; fi
  done
  if grep -qF 10.0.1.242 got; then fail "$name shows the document"; fi
}

echo i-0c5541936caf78c12 >board
real=(--evidence "$evidence")

# A trustd on the instance itself, and a cache.
cat >trustd.yaml <<'CONFIG'
data_dir: data
mode: MODE_ONLINE
listen_address: 127.0.0.1:0
http_listen_address: 127.0.0.1:8080
CONFIG
cat >with_trustd <<'SCRIPT'
"$1" --config trustd.yaml 2>log &
trap 'kill $!' EXIT
for _ in $(seq 300); do
  grep -sq 'the same files are on' log && break
  sleep 0.1
done
from="--server http://127.0.0.1:8080/tuf/ --trusted-root 1.root.json"
cp data/1.root.json . || exit 99
rm -rf anchors
trustctl bundle fetch $from --out anchors >/dev/null || exit 99
chmod -R a+rX anchors 1.root.json
eval "$2"
SCRIPT
# manual FILE COMMAND...: what FILE shows on an instance, run by COMMAND.
manual() {
  local command code=0
  sed -n '/^<!-- on an instance: begin -->$/,/^<!-- on an instance: end -->$/p' \
    "$1" | sed '1,2d' | sed '/^```/,$d' >screen
  command=$(sed -n '1s/^\$ //p' screen)
  sed 1d screen >want
  [ -n "$command" ] || fail "$1 shows no screen"
  on_instance , "${real[@]}" -- "${@:2}" "$command" >got 2>&1 || code=$?
  if [ $code -ne 0 ] || ! matches want got; then
    fail "$1: $command (exit code $code)"
    diff want got
  fi
}
manual "$readme" "$BASH" with_trustd "$trustd"
manual "$top/README.md" "$BASH" -c

# What follows is about one line each.
check container_of_one_hop_more 6 --container , "${real[@]}" --hop-limit 1 \
  -- <<'WANT'
ok    machine        EC2, t4g.small, Nitro-based, booted by UEFI
fail  imds           IMDS_HOP_LIMIT  http://169.254.169.254/latest/api/token...
      hint: ...modify-instance-metadata-options --instance-id i-0c5541936caf78c12 --http-put-response-hop-limit 2
--    forms          no IMDS
--    identity       no document
--    account        no verified identity
--    region         no verified identity
--    image          no verified identity
--    product-codes  no verified identity
warn  tpm            TPM_IMAGE_OR_TYPE_WITHOUT  no /dev/tpm0
      hint: ...
--    attestation    no TPM to ask
ok    anchors        CACHE sequence 1, FRESH, as of ...
ok    clock          ...
ok    cache          anchors, owner ...
--    server         no --server

4 ok, 1 warn, 1 fail, 8 skipped
WANT
check container_within_the_hops 0 --container , "${real[@]}" --hop-limit 2 \
  -- <<'WANT'
ok    machine        EC2, t4g.small, Nitro-based, booted by UEFI
ok    imds           http://169.254.169.254, with a token
ok    forms          rsa2048, signature
ok    identity       rsa2048, signature verified, of i-0c5541936caf78c12
...
11 ok, 1 warn, 0 fail, 2 skipped
WANT
check ipv6_only 0 --ipv6-only , "${real[@]}" --hop-limit 1 -- <<'WANT'
...
ok    imds           http://[fd00:ec2::254], with a token
ok    forms          rsa2048, signature
ok    identity       rsa2048, signature verified, of i-0c5541936caf78c12
...
WANT
check throttled 6 , "${real[@]}" --refusals -1 -- <<'WANT'
...
fail  imds           IMDS_THROTTLED  http://169.254.169.254/latest/api/token: HTTP 503...
      hint: find what on this host asks 169.254.169.254...
...
4 ok, 1 warn, 1 fail, 8 skipped
WANT
check throttled_for_a_moment 0 , "${real[@]}" --refusals 2 -- <<'WANT'
...
ok    imds           http://169.254.169.254, with a token
...
WANT
check turned_off 5 , "${real[@]}" --fault off -- <<'WANT'
...
fail  imds           IMDS_DISABLED  http://169.254.169.254/latest/api/token: HTTP 403...
      hint: ...--instance-id i-0c5541936caf78c12 --http-endpoint enabled...
...
WANT
check captive_portal 2 , "${real[@]}" --fault html -- <<'WANT'
...
fail  imds           IMDS_ANSWER_INVALID  http://169.254.169.254...
...
WANT
check forms_come_too_slowly 2 , "${real[@]}" --fault slow-body \
  --fault-at instance-identity -- <<'WANT'
...
ok    imds           http://169.254.169.254, with a token
fail  forms          IMDS_ANSWER_INVALID  ...rsa2048: ...
      hint: ...
--    identity       no document
...
WANT
check product_code 5 , "${real[@]}" -- --product-code 4i20ezfza3p7xx2kt2g8weu2u \
  <<'WANT'
...
fail  product-codes  PRODUCT_CODE_NOT_ALLOWED  4i20ezfza3p7xx2kt2g8weu2u is not among them: none
      hint: ...
...
10 ok, 1 warn, 1 fail, 2 skipped
WANT
check strict 1 , "${real[@]}" -- --strict <<'WANT'
...
11 ok, 1 warn, 0 fail, 2 skipped
WANT
check nothing_to_warn_of 0 , "${real[@]}" -- --strict --attestation ignore <<'WANT'
...
--    tpm            not asked for
--    attestation    not asked for
...
11 ok, 0 warn, 0 fail, 3 skipped
WANT
check attestation_needed 6 , "${real[@]}" -- --attestation need <<'WANT'
...
fail  tpm            TPM_IMAGE_OR_TYPE_WITHOUT  no /dev/tpm0
      hint: ...--image-ids ami-0cbde744623b7506b ...--instance-types t4g.small ...
...
WANT
check redacted 0 , "${real[@]}" -- --redact <<'WANT'
...
ok    identity       rsa2048, signature verified, of [redacted]
ok    account        [redacted]
ok    region         ap-southeast-2
...
WANT
grep -E '189292791360|0c5541936caf78c12' got && fail "redacted shows whose it is"

# A NitroTPM, and what makes its documents.
touch tpm
from=()
attest=(--catalog catalog.json --program /mnt/nitro-tpm-attest)
check attested 0 , "${real[@]}" -- "${attest[@]}" --attestation need --strict \
  <<'WANT'
...
ok    tpm            /dev/tpm0
ok    attestation    i-...-tpm... verified
ok    anchors        FILE sequence 1, BAKED_IN
ok    clock          ..., as the attestation says
...
12 ok, 0 warn, 0 fail, 2 skipped
WANT
check attested_by_others 0 , "${real[@]}" -- "${attest[@]:2}" <<'WANT'
...
ok    tpm            /dev/tpm0
warn  attestation    ROOT_NOT_PINNED  ...
      hint: ...
...
WANT
check attest_tool_missing 0 , "${real[@]}" -- --program /mnt/none <<'WANT'
...
ok    tpm            /dev/tpm0
warn  attestation    ATTESTATION_ABSENT  ... /mnt/none...
      hint: install nitro-tpm-attest: on Amazon Linux 2023 it is in the package aws-nitro-tpm-tools
...
WANT
rm tpm
from=(--cache anchors "${root[@]}")

# Evidence of which one form was changed.
mkdir changed
cp "$evidence"/{document,signature.b64} changed
base64 -d "$evidence/rsa2048.b64" | sed 's/189292791360/189292791361/' |
  base64 >changed/rsa2048.b64
check strongest_was_changed 3 , --evidence "$scratch/changed" -- <<'WANT'
...
ok    forms          rsa2048, signature
fail  identity       DIGEST_MISMATCH  rsa2048: ...
      hint: ...
--    account        no verified identity
...
WANT
check weaker_is_what_there_is 0 , --evidence "$scratch/changed" \
  --without rsa2048 -- <<'WANT'
...
ok    forms          signature
ok    identity       signature verified, of i-0c5541936caf78c12
...
WANT
echo i-0123456789abcdef0 >board
check document_of_another 4 , "${real[@]}" -- <<'WANT'
...
fail  identity       INSTANCE_NOT_THIS  genuine, and of i-0c5541936caf78c12, while this is i-0123456789abcdef0
      hint: find what relays IMDS of another instance to this one
...
WANT
echo i-0c5541936caf78c12 >board

# The cache that the manual's command left.
chmod g+w anchors
check cache_of_a_group 5 , "${real[@]}" -- <<'WANT'
...
fail  cache          CACHE_WRITABLE_BY_OTHERS  anchors, owner ..., mode 0...
      hint: chmod go-w anchors, ...
...
WANT
chmod g-w anchors
mkdir empty
from=("${root[@]}")
check cache_empty 0 , "${real[@]}" -- --cache empty <<'WANT'
...
... anchors        ...BAKED_IN sequence 1, ...
...
warn  cache          CACHE_EMPTY  empty, owner ...
      hint: ...
...
WANT
[ -z "$(ls -A empty)" ] || fail "the empty cache was written"
check cache_absent 0 , "${real[@]}" -- --cache none <<'WANT'
...
warn  cache          CACHE_ABSENT  none: ...
      hint: ...
...
WANT
[ ! -e none ] || fail "the cache was made"
cp -r anchors torn && : >torn/last_verified.bundle
check cache_torn 0 , "${real[@]}" -- --cache torn <<'WANT'
...
... anchors        ...BAKED_IN sequence 1, ...
...
warn  cache          CACHE_UNUSABLE  torn, owner ...
      hint: ...
...
WANT

# A server that is down, and one that never answers.
check server_down 0 , "${real[@]}" -- --server http://127.0.0.1:8080/tuf/ \
  --cache anchors <<'WANT'
...
ok    anchors        CACHE sequence 1, FRESH, as of ...
...
warn  server         FETCH_FAILED  http://127.0.0.1:8080/tuf/: ...
      hint: ...
...
WANT
cat >beside_a_dead_server <<'SCRIPT'
"$1" --address 127.0.0.1 --port 8080 --fault hang >/dev/null &
trap 'kill $!' EXIT
shift
"$@"
SCRIPT
prefix=("$BASH" beside_a_dead_server "$fake")
check server_hangs 0 , "${real[@]}" -- --server http://127.0.0.1:8080/tuf/ \
  --attestation ignore <<'WANT'
...
warn  server         FETCH_FAILED  http://127.0.0.1:8080/tuf/: ...
      hint: ...
...
WANT

# A password in a URL is for who has it.
prefix=()
check password 0 , "${real[@]}" -- --server http://me:geheim@127.0.0.1:1/tuf/ \
  --attestation ignore <<'WANT'
...
warn  server         FETCH_FAILED  ...
...
WANT
if grep geheim got; then fail "password shows it"; fi

# Without a network or an environment, and as a user with no rights.
prefix=(unshare --net /usr/bin/env -i PATH=)
[ "$(id -u)" -ne 0 ] ||
  prefix+=(/usr/bin/setpriv --reuid 65534 --regid 65534 --clear-groups)
check without_anything 6 , -- --output json \
  --cache anchors <<'WANT'
{
  "schema_version": 1,
  "schema": 1,
  "program": "trustctl ...",
  "time": "...Z",
  "result": "fail",
  "checks": [
    {
      "id": "machine",
      "result": "ok",
      "detail": "EC2, t4g.small, Nitro-based, booted by UEFI"
    },
    {
      "id": "imds",
      "result": "fail",
      "reason": "IMDS_ABSENT",
      "detail": "...",
      "hint": "..."
    },
    {
      "id": "forms",
      "result": "skipped",
      "detail": "no IMDS"
    },
...
    {
      "id": "anchors",
      "result": "ok",
      "detail": "CACHE sequence 1, FRESH, as of ...)"
    },
...
  ]
}
WANT

echo "$failures failures"
[ $failures -eq 0 ]
